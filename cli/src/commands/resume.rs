//! `flow resume [ID]`: goes on with what no process runs, or what is stuck.

use crate::commands::run::{Watch, result_json};
use crate::exit::{Exit, Failure};
use crate::live::Live;
use crate::open::{RunArgs, block_on};
use flow_engine::Engine;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance; without one, all whose processes are gone.
    id: Option<String>,
    /// Print {"id", "status", "output", "error"} as JSON, a line for each instance.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let exit = match &args.id {
            Some(id) => one(args, &engine, id).await,
            None => all(args, &engine).await,
        };
        engine.close().await?;
        exit
    })
}

async fn one(args: &Args, engine: &Engine, id: &str) -> Result<Exit, Failure> {
    let events = engine.events();
    let run = engine.resume(id).await?;
    let watch = Watch { json: args.json, resume: format!("flow resume {id}{}", args.run.store.option()) };
    watch.to_the_end(engine, events, run).await
}

async fn all(args: &Args, engine: &Engine) -> Result<Exit, Failure> {
    let mut events = engine.events();
    let mut live = Live::new(true);
    let runs = engine.resume_all().await?;
    if runs.is_empty() && !args.json {
        eprintln!("nothing to resume");
    }
    let mut worst = Exit::Success;
    for run in runs {
        let outcome = tokio::select! {
            outcome = engine.outcome(run.instance()) => outcome?,
            _ = tokio::signal::ctrl_c() => {
                eprintln!("interrupted; nothing is lost. Go on with: flow resume{}", args.run.store.option());
                return Ok(Exit::Interrupted);
            }
        };
        while let Some(event) = events.try_next() {
            live.show(&event);
        }
        let exit = Exit::of(outcome.status);
        if exit != Exit::Success {
            worst = exit;
        }
        if args.json {
            println!("{}", result_json(&outcome, engine.output(&outcome).await?));
        } else {
            let error = outcome.error.as_ref().map_or(String::new(), |error| format!("  {}", error.message));
            println!("{}  {}{error}", outcome.name, outcome.status.as_str());
        }
    }
    Ok(worst)
}
