//! The state machine of an instance: pure, no clock, no IO.
//!
//! The engine loads or starts an [`Instance`], applies events to it one at a time, commits what each transition changes,
//! and then performs its actions. Compiled code runs inside `apply`; nothing else does.

pub mod event;
pub mod history;
pub mod ids;
pub mod rows;
