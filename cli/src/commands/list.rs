//! `flow list`

use crate::condition;
use crate::exit::{Exit, Failure};
use crate::open::{StoreArgs, block_on};
use crate::show_time::{local, rfc3339};
use flow_machine::rows::{InstanceRow, Status};
use flow_mir::artifact::ProgramHash;
use flow_store::Filter;
use serde_json::json;
use std::io::Write;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only with this status: running, paused, stuck, completed, failed, cancelled or terminated.
    #[arg(long, value_parser = parse_status)]
    status: Option<Status>,
    /// Only of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only those for which this holds: `customer = "acme" and status = running and created > 2h ago`.
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// At most this many, newest first; 0 for all.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

fn parse_status(word: &str) -> Result<Status, String> {
    Status::parse(word).ok_or_else(|| {
        let all: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("one of {}", all.join(", "))
    })
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let read = |text: &String| {
        condition::parse(text, chrono::Local::now()).map_err(|mistake| Failure::usage(mistake.render(text)))
    };
    let condition = args.condition.as_ref().map(read).transpose()?;
    let filter =
        Filter { status: args.status, workflow: args.workflow.clone(), condition, limit: args.limit };
    block_on(async {
        let store = args.store.connect().await?;
        let rows = store.list(&filter).await?;
        store.close().await?;
        let mut out = std::io::stdout().lock();
        for row in &rows {
            let line = if args.json { as_json(row).to_string() } else { as_line(row, width(&rows)) };
            writeln!(out, "{line}")?;
        }
        if rows.is_empty() && !args.json {
            eprintln!("no instances");
        }
        Ok(Exit::Success)
    })
}

fn width(rows: &[InstanceRow]) -> usize {
    rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0)
}

fn as_line(row: &InstanceRow, width: usize) -> String {
    let (status, created) = (row.status.as_str(), local(row.created_at));
    format!("{:width$}  {status:10}  {created}  {:.12}  {}", row.name, hash(row), row.workflow)
}

/// The program it is pinned to.
fn hash(row: &InstanceRow) -> String {
    ProgramHash(row.program).to_string()
}

fn as_json(row: &InstanceRow) -> serde_json::Value {
    json!({
        "id": row.name,
        "workflow": row.workflow,
        "program": hash(row),
        "status": row.status,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "attributes": serde_json::from_str::<serde_json::Value>(&row.attributes).unwrap_or_default(),
    })
}
