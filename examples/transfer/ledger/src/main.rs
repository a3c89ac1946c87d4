//! `ledger --data DIR`: serves the books in DIR.

use clap::Parser;
use ledger::{Books, Faults, Ledger, Money};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A small ledger over HTTP: the service that the transfer example moves money in.
#[derive(Parser)]
struct Options {
    /// Where the books are kept.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes any free one. The address is printed.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// An account and what it begins with, in new books; may be repeated.
    #[arg(long, value_name = "CHAIN=AMOUNT", value_parser = account,
          default_values = ["Bitcoin=1000000", "Ethereum=1000000", "Solana=1000000"])]
    account: Vec<(String, Money)>,
    /// Milliseconds from a lock to its confirmation.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    confirm_after: u64,
    /// A chain that takes no releases (`ChainClosed`): a transfer there fails late; may be repeated.
    #[arg(long, value_name = "CHAIN")]
    closed: Vec<String>,
    /// This part of the requests is answered with 503 and nothing is done.
    #[arg(long, default_value_t = 0.0, value_name = "0…1", value_parser = rate)]
    fail_rate: f64,
    /// For this part all is done, but the connection closes without an answer.
    #[arg(long, default_value_t = 0.0, value_name = "0…1", value_parser = rate)]
    drop_answers: f64,
    /// Answers take up to this many milliseconds more.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    delay: u64,
    /// The same seed draws the same faults.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn account(text: &str) -> Result<(String, Money), String> {
    let (chain, amount) = text.split_once('=').ok_or("expected CHAIN=AMOUNT, such as Bitcoin=1000")?;
    let amount: Money = amount.parse()?;
    if amount < Money::default() {
        Err("an account begins with 0 or more".into())
    } else {
        Ok((chain.into(), amount))
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| format!("`{text}` is not between 0 and 1"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = serve(Options::parse()).await;
    eprintln!("ledger: {error}");
    ExitCode::FAILURE
}

async fn serve(options: Options) -> Result<std::convert::Infallible, String> {
    let accounts: BTreeMap<_, _> = options.account.into_iter().collect();
    let books = Books::open(&options.data, accounts, options.closed)?;
    let faults = Faults {
        fail_rate: options.fail_rate,
        drop_rate: options.drop_answers,
        delay: Duration::from_millis(options.delay),
        seed: options.seed,
    };
    let at = |error: std::io::Error| format!("{}: {error}", options.listen);
    let listener = tokio::net::TcpListener::bind(options.listen).await.map_err(at)?;
    let mut out = std::io::stdout();
    let address = listener.local_addr().map_err(at)?;
    // Whoever started it may have closed its output; it serves all the same.
    let _ = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    let ledger = Ledger::new(books, Duration::from_millis(options.confirm_after), faults);
    ledger.serve(listener).await.map_err(at)
}
