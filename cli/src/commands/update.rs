//! `flow update ID NAME`: runs an update in an instance and prints its answer.

use crate::commands::signal::nobody;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::open::{RunArgs, block_on};
use flow_engine::{Delivery, Engine};
use flow_machine::event::Reply;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    id: String,
    /// The update.
    name: String,
    /// Its arguments: a JSON object by parameter name, or @FILE.
    #[arg(short, long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// The same id again is the same update: it is answered, not done again.
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
    /// How many seconds to wait for the answer.
    #[arg(long, default_value = "30", value_name = "SECONDS")]
    timeout: u64,
    /// Print {"id", "request", "output", "error"} as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let input = input::object(args.input.as_deref())?;
    let request = args.request_id.unwrap_or_else(Uuid::new_v4);
    block_on(async {
        let engine = args.run.engine().await?;
        let exit = ask(args, &engine, input, request).await;
        engine.close().await?;
        exit
    })
}

async fn ask(args: &Args, engine: &Engine, input: Value, request: Uuid) -> Result<Exit, Failure> {
    let delivery = engine.update(&args.id, &args.name, input, request).await?;
    let limit = Duration::from_secs(args.timeout);
    let reply = engine.reply(&args.id, request);
    tokio::pin!(reply);
    // An answer that is there already needs no word about who gives it.
    if let Ok(reply) = tokio::time::timeout(Duration::from_millis(20), &mut reply).await {
        return tell(args, request, reply?);
    }
    if delivery == Delivery::Waiting {
        eprintln!("{}", nobody(&args.id, &args.run));
    }
    let again = format!(
        "the update stands; for its answer: flow update {} {} --request-id {request}{}",
        args.id,
        args.name,
        args.run.store.option()
    );
    tokio::select! {
        reply = &mut reply => tell(args, request, reply?),
        () = tokio::time::sleep(limit) => {
            let message = format!("no answer within {} s; {again}", args.timeout);
            Err(Failure { message, exit: Exit::NoAnswer })
        }
        _ = tokio::signal::ctrl_c() => {
            eprintln!("{again}");
            Ok(Exit::Interrupted)
        }
    }
}

fn tell(args: &Args, request: Uuid, reply: Reply) -> Result<Exit, Failure> {
    let (output, error) = match reply {
        Reply::Returned { value } => (value, None),
        Reply::Failed { error } => (Value::Null, Some(error)),
        Reply::Refused { reason } => {
            return Err(Failure::usage(format!("`{}` was refused: {reason}", args.name)));
        }
    };
    let exit = if error.is_some() { Exit::Failed } else { Exit::Success };
    if args.json {
        println!("{}", json!({"id": args.id, "request": request, "output": output, "error": error}));
    } else if let Some(error) = error {
        eprintln!("failed: {}", error.message);
    } else if !output.is_null() {
        println!("{}", serde_json::to_string_pretty(&output).unwrap_or_default());
    }
    Ok(exit)
}
