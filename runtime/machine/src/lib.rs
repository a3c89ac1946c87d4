//! The state machine of an instance: pure, no clock, no IO.

pub mod ids;
pub mod rows;
