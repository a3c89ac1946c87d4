//! `flow signal ID NAME`: sends an instance a message.

use crate::exit::{Exit, Failure};
use crate::input;
use crate::open::{RunArgs, block_on};
use flow_engine::Delivery;
use serde_json::{Value, json};
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
    /// Print {"id", "request", "delivered_to"} as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let value = args.input.as_deref().map_or(Ok(Value::Null), input::parse)?;
    let request = args.request_id.unwrap_or_else(Uuid::new_v4);
    block_on(async {
        let engine = args.run.engine().await?;
        let delivery = engine.signal(&args.id, &args.name, value, request).await?;
        engine.close().await?;
        let pid = match &delivery {
            Delivery::Owned(owner) => Some(owner.pid),
            Delivery::Waiting | Delivery::Done => None,
        };
        if args.json {
            println!("{}", json!({"id": args.id, "request": request, "delivered_to": pid}));
        } else if let Some(pid) = pid {
            eprintln!("accepted; process {pid} runs {}", args.id);
        } else {
            eprintln!("accepted; {}", nobody(&args.id, &args.run));
        }
        Ok(Exit::Success)
    })
}

/// What to say where no process runs an instance.
pub(crate) fn nobody(id: &str, run: &RunArgs) -> String {
    let store = run.store.option();
    format!(
        "no process runs {id}, so it waits: `flow resume {id}{store}` or `flow worker{store}` goes on with it"
    )
}
