//! `flow history ID`

use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use crate::show_time::rfc3339;
use serde_json::Value;
use std::io::Write;

/// How many events are read at a time.
const PAGE: u32 = 1_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    id: String,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let mut after = 0;
        loop {
            let page = engine.history(&args.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let mut out = std::io::stdout().lock();
            for entry in &page {
                let mut event =
                    serde_json::to_value(&entry.event).map_err(|error| Failure::system(error.to_string()))?;
                let at = rfc3339(entry.at);
                if args.json {
                    if let Value::Object(fields) = &mut event {
                        fields.insert("sequence".into(), entry.sequence.into());
                        fields.insert("at".into(), at.into());
                    }
                    writeln!(out, "{event}")?;
                } else {
                    writeln!(out, "{:>5}  {at}  {}", entry.sequence, as_text(&event))?;
                }
            }
        }
        engine.close().await?;
        Ok(Exit::Success)
    })
}

/// `call_requested strand=0 activity="lock"`: the kind, then what is not null.
fn as_text(event: &Value) -> String {
    let Value::Object(fields) = event else { return event.to_string() };
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or("?");
    let rest = fields.iter().filter(|(name, value)| *name != "kind" && !value.is_null());
    rest.fold(format!("{kind:24}"), |line, (name, value)| match value {
        Value::String(text) => format!("{line} {name}={text}"),
        other => format!("{line} {name}={other}"),
    })
}
