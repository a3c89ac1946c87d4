//! `flow skip ID`: gives up a compensation.

use crate::deliver::{Target, Words};
use crate::exit::{Exit, Failure};

const WORDS: Words = Words { doing: "skipping", done: "skipped" };

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The path of one compensation, as `flow show` and `flow history` print it; without it those that are stuck, or else
    /// those being retried.
    #[arg(long, value_name = "PATH")]
    compensation: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.target
        .deliver(&WORDS, async |engine| engine.skip(&args.target.id, args.compensation.as_deref()).await)
}
