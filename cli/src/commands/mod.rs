//! One file a command: its arguments, and what it does.

pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod fmt;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod start;
pub(crate) mod worker;
