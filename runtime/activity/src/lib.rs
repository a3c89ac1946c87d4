//! Attempts of activities: where a program touches the world.
//!
//! An activity's `run:` is compiled like everything else and runs here as a strand of its own, outside any instance and
//! once per attempt. A connector call in it is a suspension: the strand stops, the connector does it, the strand goes on.
//! Retries, time-outs and heartbeats are the machine's and the engine's, who see by its [`Pulse`] whether an attempt gets on;
//! dropping an attempt stops what it does.

mod attempt;
pub mod connector;
mod course;
mod pulse;
mod surroundings;

pub use attempt::{Attempt, Bounds, Runner};
pub use pulse::Pulse;
pub use surroundings::{Process, Surroundings};
