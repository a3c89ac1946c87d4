//! `flow terminate ID`: ends an instance without compensating.

use crate::deliver::{Target, Words};
use crate::exit::{Exit, Failure};

const WORDS: Words = Words { doing: "ending", done: "terminated" };

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Why, for the history.
    #[arg(long, default_value = "terminated by an operator")]
    reason: String,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.target.deliver(&WORDS, async |engine| engine.terminate(&args.target.id, &args.reason).await)
}
