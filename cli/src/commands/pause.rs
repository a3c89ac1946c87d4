//! `flow pause ID`: stops an instance; what arrives waits.

use crate::deliver::{Target, Words};
use crate::exit::{Exit, Failure};

const WORDS: Words = Words { doing: "pausing", done: "paused" };

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.target.deliver(&WORDS, async |engine| engine.pause(&args.target.id).await)
}
