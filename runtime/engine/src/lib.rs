//! The engine: who owns which instance, what is committed when, and what is done after that.
//!
//! Each instance in memory is an actor: it takes what has come, applies it to the pure state machine of `flow-machine`,
//! commits what that changed, and only then acts on it. Everything in memory can be lost at any moment.
//!
//! `engine` is the door; `run` starts and continues, `work` shares shards among workers; `actor` and `attempts` are the
//! loop of one instance; `bring`, `inbox`, `commit`, `lease` are its dealings with the store.

mod activity;
mod actor;
mod attempts;
mod bring;
mod clock;
mod commit;
mod core;
mod engine;
mod error;
mod events;
mod inbox;
mod lease;
mod messages;
mod options;
mod platform;
mod programs;
mod registry;
mod requests;
mod run;
mod watchdog;
mod work;

pub use engine::{Delivery, Engine, HistoryEntry, new_instance_suffix};
pub use error::EngineError;
pub use events::{EngineEvent, Events, Notice};
pub use messages::Start;
pub use options::{ExecutorKind, Options, runtime};
pub use platform::{Platform, ThisMachine};
pub use run::{Outcome, Run};
