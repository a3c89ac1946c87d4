//! `flow cancel ID`

use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use flow_engine::Delivery;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    id: String,
    /// Print {"id", "delivered_to"} as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let delivery = engine.cancel(&args.id).await?;
        engine.close().await?;
        let pid = match &delivery {
            Delivery::Owned(owner) => Some(owner.pid),
            Delivery::Waiting | Delivery::Done => None,
        };
        if args.json {
            println!("{}", serde_json::json!({"id": args.id, "delivered_to": pid}));
        } else {
            let store = args.run.store.option();
            match pid {
                Some(pid) => {
                    eprintln!("cancellation requested; process {pid} runs {} and compensates first", args.id)
                }
                None => eprintln!(
                    "cancellation requested; no process runs {0}: `flow resume {0}{store}` or a worker carries it out",
                    args.id
                ),
            }
        }
        Ok(Exit::Success)
    })
}
