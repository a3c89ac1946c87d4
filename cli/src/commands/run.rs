//! `flow run [FILE] [WORKFLOW]`: starts or goes on with an instance, shows it live, prints its result.

use crate::exit::{Exit, Failure};
use crate::live::Live;
use crate::open::{RunArgs, block_on};
use crate::{input, program};
use flow_engine::{Engine, Events, Outcome, Run};
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use serde_json::{Value, json};
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
    /// The instance's id. The same id again goes on with the same instance.
    #[arg(long)]
    id: Option<String>,
    /// Print {"id", "status", "output", "error"} as JSON; nothing live.
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
        let events = engine.events();
        let run = engine.run_or_continue(&loaded.program, &workflow.name, input, &id).await?;
        let watch = Watch { json: args.json, resume: format!("flow resume {id}{}", args.run.store.option()) };
        let exit = watch.to_the_end(&engine, events, run).await;
        engine.close().await?;
        exit
    })
}

/// An id for an instance that was given none.
pub(crate) fn new_id(workflow: &str) -> String {
    let unique = flow_engine::new_instance_suffix();
    format!("{workflow}-{unique}")
}

/// Waits for the end of an instance, showing what happens.
pub(crate) struct Watch {
    pub json: bool,
    /// The command that goes on with it after Ctrl-C.
    pub resume: String,
}

impl Watch {
    pub(crate) async fn to_the_end(
        &self,
        engine: &Engine,
        mut events: Events,
        run: Run,
    ) -> Result<Exit, Failure> {
        let mut live = Live::new(self.json);
        if let Run::Ended(outcome) = run {
            return self.report(engine, &outcome).await;
        }
        let outcome = tokio::select! {
            outcome = wait(engine, run.instance(), &mut events, &mut live) => outcome?,
            _ = tokio::signal::ctrl_c() => {
                live.finish();
                eprintln!("interrupted; nothing is lost. Go on with: {}", self.resume);
                return Ok(Exit::Interrupted);
            }
        };
        while let Some(event) = events.try_next() {
            live.show(&event);
        }
        live.finish();
        for id in engine.loaded().into_iter().filter(|id| *id != outcome.name && !self.json) {
            eprintln!("note: {id} has not ended; a worker goes on with it, or: flow resume {id}");
        }
        self.report(engine, &outcome).await
    }

    async fn report(&self, engine: &Engine, outcome: &Outcome) -> Result<Exit, Failure> {
        let output = engine.output(outcome).await?;
        if self.json {
            println!("{}", result_json(outcome, output));
        } else {
            say(outcome, output.as_ref(), &self.resume);
        }
        Ok(Exit::of(outcome.status))
    }
}

async fn wait(
    engine: &Engine,
    id: InstanceId,
    events: &mut Events,
    live: &mut Live,
) -> Result<Outcome, Failure> {
    let outcome = engine.outcome(id);
    tokio::pin!(outcome);
    loop {
        tokio::select! {
            outcome = &mut outcome => return Ok(outcome?),
            Some(event) = events.next() => live.show(&event),
        }
    }
}

/// The result as `--json` prints it.
pub(crate) fn result_json(outcome: &Outcome, output: Option<Value>) -> Value {
    json!({"id": outcome.name, "status": outcome.status, "output": output, "error": outcome.error})
}

fn say(outcome: &Outcome, output: Option<&Value>, resume: &str) {
    if let Some(error) = &outcome.error {
        eprintln!("{}: {} {}", outcome.status.as_str(), outcome.name, error.message);
        for line in &error.stack {
            eprintln!("    at {line}");
        }
    }
    match outcome.status {
        Status::Paused => eprintln!("paused by an operator; to go on: {resume}"),
        Status::Stuck => eprintln!("a compensation gave up; when its cause is mended: {resume}"),
        Status::Completed => match output {
            None | Some(Value::Null) => {}
            Some(output) => println!("{}", serde_json::to_string_pretty(output).unwrap_or_default()),
        },
        _ => {}
    }
}
