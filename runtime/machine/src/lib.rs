//! The state machine of an instance: pure, no clock, no IO.
//!
//! The engine starts or loads an [`Instance`], applies events to it one at a time, commits what has changed
//! ([`Instance::take`]), and then performs the transition's actions. Compiled code runs inside `apply`; nothing else does.
//!
//! ```text
//! event ─► apply ─► strands run from suspension to suspension ─► rows + history ─► commit ─► actions
//! ```

mod call;
mod cancel;
mod child;
mod condition;
pub mod event;
mod fork;
mod handler;
pub mod history;
mod host;
pub mod ids;
mod instance;
mod load;
mod message;
mod meta;
mod operands;
mod pause;
mod pending;
mod policy;
mod quorum;
mod race;
mod request;
pub mod rows;
mod run;
mod saga;
mod spawn;
mod tree;
mod values;
mod view;

/// Counts up with every format in which programs and instances are stored.
pub const FORMATS: u32 = flow_mir::FORMATS + meta::META_FORMAT as u32;

pub use handler::{Answer, QueryError, Wrong, check, query};
pub use instance::{Instance, NewInstance};
pub use load::LoadError;
pub use policy::{CallPolicy, Retry};
pub use tree::Tree;
pub use view::{FrameView, InstanceView, StrandView, Variable};
