//! What commands that send an instance a message have in common.

use crate::exit::{Exit, Failure};
use crate::open::{RunArgs, block_on};
use flow_engine::{Delivery, Engine, EngineError};

/// Which instance, and how to say what became of the message.
#[derive(clap::Args)]
pub(crate) struct Target {
    /// The instance.
    pub id: String,
    /// Print {"id", "done", "delivered_to"} as JSON: whether it has been carried out here, and the process that does it.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What is said to people.
pub(crate) struct Words {
    /// Of what a process does now: `pausing`.
    pub doing: &'static str,
    /// Of what has been done here: `paused`.
    pub done: &'static str,
}

impl Target {
    /// Sends, and says what became of it.
    pub(crate) fn deliver(
        &self,
        words: &Words,
        send: impl AsyncFnOnce(&Engine) -> Result<Delivery, EngineError>,
    ) -> Result<Exit, Failure> {
        block_on(async {
            let engine = self.run.engine().await?;
            let delivery = send(&engine).await?;
            engine.close().await?;
            self.say(words, &delivery);
            Ok(Exit::Success)
        })
    }

    fn say(&self, words: &Words, delivery: &Delivery) {
        let (id, store) = (&self.id, self.run.store.option());
        if self.json {
            let pid = match delivery {
                Delivery::Owned(owner) => Some(owner.pid),
                Delivery::Waiting | Delivery::Done => None,
            };
            let done = *delivery == Delivery::Done;
            println!("{}", serde_json::json!({"id": id, "done": done, "delivered_to": pid}));
            return;
        }
        match delivery {
            Delivery::Owned(owner) => eprintln!("{}: process {} runs {id}", words.doing, owner.pid),
            Delivery::Done => eprintln!("{}: {id}", words.done),
            Delivery::Waiting => {
                eprintln!(
                    "requested; no process runs {id}: `flow resume {id}{store}` or a worker carries it out"
                );
            }
        }
    }
}
