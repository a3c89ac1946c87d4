//! `kill -9` at random moments while transfers run, on both stores and both ledgers: every transfer ends, no call is
//! completed twice, no effect happens twice, and the total of all accounts never changes.
//!
//! `FLOW_CRASHES` says how often each combination is killed (100); `FLOW_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use ledger::{Books, Faults, Ledger};
use serde_json::{Value, json};
use shared::{Place, example};
use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many transfers run at a time.
const TRANSFERS: usize = 20;
/// A worker is killed after this many milliseconds at the latest.
const LONGEST_LIFE: u64 = 600;

/// One combination of store and ledger.
struct Scene {
    place: Place,
    program: String,
    random: fastrand::Rng,
    /// Ids of all transfers started.
    started: Vec<String>,
}

impl Scene {
    fn new(name: &str, store: String, program: &str, ledger: Option<String>) -> Scene {
        let seed = std::env::var("FLOW_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| fastrand::u64(..));
        println!("{name}: FLOW_SEED={seed}");
        let mut place = Place::new();
        place.store = Some(store);
        place.env.extend(ledger.map(|url| ("LEDGER_URL".to_owned(), url)));
        Scene {
            place,
            program: example(program),
            random: fastrand::Rng::with_seed(seed),
            started: Vec::new(),
        }
    }

    /// Starts a batch of transfers; some ask for more than there is, some fail late.
    fn start_transfers(&mut self) {
        let children: Vec<Child> = (0..TRANSFERS)
            .map(|_| {
                let id = format!("t{}", self.started.len());
                let chains = ["Bitcoin", "Ethereum", "Solana"];
                let amount = if self.random.u32(..10) == 0 { 90_000_000 } else { self.random.i64(1..1000) };
                let transfer = json!({
                    "id": id,
                    "source": chains[self.random.usize(..3)],
                    "target": chains[self.random.usize(..3)],
                    "amount": amount,
                });
                let input = json!({ "t": transfer }).to_string();
                let args = ["start", &self.program, "cross_chain_transfer", "--id", &id, "--input", &input];
                let mut command = self.place.command(&args);
                self.started.push(id.clone());
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("flow start")
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("flow start ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    fn worker(&self) -> Child {
        self.place
            .command(&["worker"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("flow worker")
    }

    fn unfinished(&self) -> usize {
        let listed = self.place.flow(&["list", "--json", "--limit", "0", "--status", "running"]);
        assert_eq!(listed.code, 0, "{listed:#?}");
        listed.json_lines().len()
    }

    /// Kills workers at random moments, starting more transfers when few are left.
    fn kill_workers(&mut self, times: usize) {
        for killed in 0..times {
            if killed % 5 == 0 && self.unfinished() < TRANSFERS / 4 {
                self.start_transfers();
            }
            let mut worker = self.worker();
            std::thread::sleep(Duration::from_millis(self.random.u64(5..LONGEST_LIFE)));
            worker.kill().expect("kill -9");
            worker.wait().expect("dead");
        }
    }

    /// Lets a worker finish what is left.
    fn finish(&self) {
        let mut worker = self.worker();
        let began = Instant::now();
        while self.unfinished() > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "some transfers never end: {}",
                self.place.flow(&["list"]).out
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        worker.kill().expect("kill");
        worker.wait().expect("dead");
    }

    /// Every transfer has ended as completed, or failed with an error of its own; no call was completed twice.
    fn check_histories(&self) {
        let rows = self.place.flow(&["list", "--json", "--limit", "0"]).json_lines();
        assert_eq!(rows.len(), self.started.len(), "every transfer that was started is there");
        let mut completed = BTreeSet::new();
        let mut recovered = 0;
        for row in rows {
            let status = row["status"].as_str().expect("a status");
            assert!(matches!(status, "completed" | "failed"), "{row}");
            let id = row["id"].as_str().expect("an id");
            for event in self.place.flow(&["history", id, "--json"]).json_lines() {
                match event["kind"].as_str() {
                    Some("call_completed") => {
                        assert!(completed.insert(event["key"].to_string()), "{id}: completed twice: {event}");
                    }
                    Some("recovered") => recovered += 1,
                    Some("ended") if status == "failed" => assert_expected(&event["error"]),
                    _ => {}
                }
            }
        }
        println!(
            "{} transfers, {recovered} recoveries, {} calls completed",
            self.started.len(),
            completed.len()
        );
        assert!(recovered > 0, "no worker was killed while it had transfers in hand");
    }
}

fn assert_expected(error: &Value) {
    let message = error["message"].as_str().unwrap_or_default();
    let expected = ["InsufficientFunds", "Rejected", "ActivityFailed"];
    assert!(expected.iter().any(|name| message.starts_with(name)), "an unexpected failure: {error}");
}

fn crashes() -> usize {
    std::env::var("FLOW_CRASHES").ok().and_then(|count| count.parse().ok()).unwrap_or(100)
}

/// The ledger's tables are in the store itself.
fn on_the_sql_ledger(name: &str, store: String) {
    let mut scene = Scene::new(name, store, "transfer/transfer.flow", None);
    scene.kill_workers(crashes());
    scene.finish();
    scene.check_histories();
    let audit = scene.place.flow(&["run", &example("transfer/audit.flow"), "--json"]);
    assert_eq!(audit.json()["output"], json!({"total": 3_000_000, "held": 0}), "{audit:#?}");
}

/// The ledger is a service that sees attempts, some of them more than once.
fn on_the_http_ledger(name: &str, store: String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let (url, ledger) = runtime.block_on(async {
        let accounts = ["Bitcoin", "Ethereum", "Solana"]
            .map(|chain| (chain.to_owned(), "1000000".parse().expect("money")));
        let books = Books::open(folder.path(), accounts.into_iter().collect(), Vec::new()).expect("books");
        let faults = Faults { drop_rate: 0.05, fail_rate: 0.05, ..Faults::default() };
        let ledger = Arc::new(Ledger::new(books, Duration::from_millis(20), faults));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn((*ledger).clone().serve(listener));
        (url, ledger)
    });
    let mut scene = Scene::new(name, store, "transfer/coinbase_transfer.flow", Some(url));
    scene.kill_workers(crashes());
    scene.finish();
    scene.check_histories();
    let (mut requests, mut effects) = (0, 0);
    ledger.with_books(|books| {
        for (key, seen) in books.attempts() {
            assert!(seen.effects <= 1, "the call {key} took effect {} times", seen.effects);
            requests += seen.requests;
            effects += seen.effects;
        }
        let (accounts, escrow) = books.accounts();
        let total: rust_decimal::Decimal = accounts.values().map(|money| money.0).sum();
        assert_eq!(total + escrow.0, rust_decimal::Decimal::from(3_000_000), "money was made or lost");
        assert!(escrow.0.is_zero(), "something is still held: {}", escrow.0);
    });
    println!("{requests} requests, {effects} effects");
}

fn sqlite(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("flow.db").display())
}

#[test]
fn sqlite_with_the_sql_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    on_the_sql_ledger("sqlite, sql", sqlite(&folder));
}

#[test]
fn sqlite_with_the_http_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    on_the_http_ledger("sqlite, http", sqlite(&folder));
}

#[test]
fn postgres_with_the_sql_ledger() {
    let server = flow_test_support::PostgresServer::start();
    on_the_sql_ledger("postgres, sql", server.fresh_database());
}

#[test]
fn postgres_with_the_http_ledger() {
    let server = flow_test_support::PostgresServer::start();
    on_the_http_ledger("postgres, http", server.fresh_database());
}
