//! `flow unpause ID`: lets a paused instance go on.

use crate::deliver::{Target, Words};
use crate::exit::{Exit, Failure};

const WORDS: Words = Words { doing: "going on", done: "unpaused" };

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.target.deliver(&WORDS, async |engine| engine.unpause(&args.target.id).await)
}
