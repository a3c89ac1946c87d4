//! `flow query ID NAME`: asks an instance a question; answered here, from what was committed last.

use crate::exit::{Exit, Failure};
use crate::input;
use crate::open::{RunArgs, block_on};
use flow_machine::Answer;
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance, running or ended.
    id: String,
    /// The query.
    name: String,
    /// Its arguments: a JSON object by parameter name, or @FILE.
    #[arg(short, long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Print {"id", "output", "error"} as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let input = input::object(args.input.as_deref())?;
    block_on(async {
        let engine = args.run.engine().await?;
        let answer = engine.query(&args.id, &args.name, &input).await;
        engine.close().await?;
        let (output, error) = match answer? {
            Answer::Returned(value) => (value, None),
            Answer::Failed(error) => (Value::Null, Some(error)),
        };
        if args.json {
            println!("{}", json!({"id": args.id, "output": output, "error": error}));
        } else if let Some(error) = &error {
            eprintln!("failed: {}", error.message);
        } else {
            println!("{}", serde_json::to_string_pretty(&output).unwrap_or_default());
        }
        Ok(if error.is_some() { Exit::Failed } else { Exit::Success })
    })
}
