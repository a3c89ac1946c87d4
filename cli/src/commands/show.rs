//! `flow show ID`: where an instance stands, by source line, with its variables.

use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use crate::show_time::local;
use flow_machine::{InstanceView, StrandView};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    id: String,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let view = engine.show(&args.id).await?;
        engine.close().await?;
        if args.json {
            let text = serde_json::to_string(&view).map_err(|error| Failure::system(error.to_string()))?;
            println!("{text}");
        } else {
            print(&view);
        }
        Ok(Exit::Success)
    })
}

fn print(view: &InstanceView) {
    println!("{}  {}  {}  since {}", view.id, view.workflow, view.status.as_str(), local(view.created_at));
    println!("program {:.12}", view.program);
    for (name, value) in view.attributes.as_object().into_iter().flatten() {
        println!("{name} = {value}");
    }
    if let Some((done, total)) = view.progress {
        println!("progress {done}{}", total.map_or(String::new(), |total| format!(" of {total}")));
    }
    if view.compensations > 0 {
        println!("{} compensations registered", view.compensations);
    }
    if view.messages > 0 {
        println!("{} messages wait to be received", view.messages);
    }
    for state in &view.states {
        println!("state {}: {} = {}", state.name, state.ty, state.value);
    }
    if let Some(result) = view.result.as_ref().filter(|result| !result.is_null()) {
        println!("result: {result}");
    }
    if let Some(message) = view.error.as_ref().and_then(|error| error.get("message")) {
        println!("error: {}", message.as_str().unwrap_or_default());
    }
    for strand in &view.strands {
        print_strand(strand);
    }
}

fn print_strand(strand: &StrandView) {
    let until = strand.until.map_or(String::new(), |until| format!(", until {}", local(until)));
    let inside =
        if strand.inside.is_empty() { String::new() } else { format!(" in {}", strand.inside.join(" › ")) };
    let cancelling = if strand.cancelling { ", being cancelled" } else { "" };
    println!("\n{} {}{inside}: waits for {}{until}{cancelling}", strand.role, strand.path, strand.waits_for);
    for frame in strand.frames.iter().rev() {
        println!("  {}  {}", frame.line, frame.function);
        for variable in &frame.variables {
            println!("    {}: {} = {}", variable.name, variable.ty, variable.value);
        }
    }
}
