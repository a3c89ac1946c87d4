//! `flow signal ID NAME`: sends an instance a message.

use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use crate::{input, program};
use flow_engine::{Delivery, Engine, EngineError, Start};
use flow_mir::Program;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    id: String,
    /// The signal.
    name: String,
    /// Its value as JSON, or @FILE; nothing where the signal carries nothing.
    #[arg(short, long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// The same id again is the same message: to send again without knowing whether the first arrived.
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
    /// Where there is no such instance, start one of this .flow or .flowc file first.
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// Which workflow to start; not needed where the file has only one.
    #[arg(long, value_name = "NAME", requires = "start")]
    workflow: Option<String>,
    /// The arguments to start it with: a JSON object by parameter name, or @FILE.
    #[arg(long, value_name = "JSON|@FILE", requires = "start")]
    arguments: Option<String>,
    /// Print {"id", "request", "delivered_to"} as JSON; with `--start` also "started".
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

fn with_started(mut told: Value, started: bool) -> Value {
    if let Some(members) = told.as_object_mut() {
        members.insert("started".into(), started.into());
    }
    told
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let value = args.input.as_deref().map_or(Ok(Value::Null), input::parse)?;
    let request = args.request_id.unwrap_or_else(Uuid::new_v4);
    let new = args.start.as_deref().map(|file| New::read(file, args)).transpose()?;
    block_on(async {
        let engine = args.run.engine().await?;
        let (started, delivery) = send(&engine, new.as_ref(), args, value, request).await?;
        engine.close().await?;
        let pid = match &delivery {
            Delivery::Owned(owner) => Some(owner.pid),
            Delivery::Waiting | Delivery::Done => None,
        };
        if args.json {
            let told = json!({"id": args.id, "request": request, "delivered_to": pid});
            println!("{}", if new.is_some() { with_started(told, started) } else { told });
            return Ok(Exit::Success);
        }
        if started {
            eprintln!("started {}", args.id);
        }
        if let Some(pid) = pid {
            eprintln!("accepted; process {pid} runs {}", args.id);
        } else {
            eprintln!("accepted; {}", nobody(&args.id, &args.run));
        }
        Ok(Exit::Success)
    })
}

/// What `--start` starts.
struct New {
    program: Arc<Program>,
    workflow: String,
    input: Vec<u8>,
}

impl New {
    fn read(file: &Path, args: &Args) -> Result<New, Failure> {
        let loaded = program::load(file)?;
        let (_, workflow) = program::workflow(&loaded.program, args.workflow.as_deref())?;
        let input = input::arguments(&loaded.program, workflow, args.arguments.as_deref())?;
        Ok(New { workflow: workflow.name.clone(), input, program: loaded.program.clone() })
    }
}

/// Whether an instance was started for it, and who has the signal.
async fn send(
    engine: &Engine,
    new: Option<&New>,
    args: &Args,
    value: Value,
    request: Uuid,
) -> Result<(bool, Delivery), EngineError> {
    let Some(New { program, workflow, input }) = new else {
        return Ok((false, engine.signal(&args.id, &args.name, value, request).await?));
    };
    let start = Start { program, workflow, input: input.clone() };
    engine.start_and_signal(start, &args.id, &args.name, value, request).await
}

/// What to say where no process runs an instance.
pub(crate) fn nobody(id: &str, run: &RunArgs) -> String {
    let store = run.store.option();
    format!(
        "no process runs {id}, so it waits: `flow resume {id}{store}` or `flow worker{store}` goes on with it"
    )
}
