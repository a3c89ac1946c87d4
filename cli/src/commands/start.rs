//! `flow start [FILE] [WORKFLOW]`: starts an instance and leaves it to a worker.

use crate::commands::run::new_id;
use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use crate::{input, program};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The .flow file, or a compiled .flowc; without it, the project's.
    file: Option<PathBuf>,
    /// The workflow; not needed where the file has only one.
    workflow: Option<String>,
    /// The arguments: a JSON object by parameter name, or @FILE.
    #[arg(short, long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// The instance's id.
    #[arg(long)]
    id: Option<String>,
    /// Print {"id", "status"} as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let (file, workflow) = program::target(args.file.as_deref(), args.workflow.as_deref())?;
    let loaded = program::load(&file)?;
    let (_, workflow) = program::workflow(&loaded.program, workflow.as_deref())?;
    let input = input::arguments(&loaded.program, workflow, args.input.as_deref())?;
    let id = args.id.clone().unwrap_or_else(|| new_id(&workflow.name));
    block_on(async {
        let engine = args.run.engine().await?;
        engine.start(&loaded.program, &workflow.name, input, &id).await?;
        engine.close().await?;
        if args.json {
            println!("{}", serde_json::json!({"id": id, "status": "running"}));
        } else {
            let store = args.run.store.option();
            println!("{id}");
            eprintln!("started; `flow worker{store}` runs it, `flow show {id}{store}` shows where it stands");
        }
        Ok(Exit::Success)
    })
}
