//! One file a command: its arguments, and what it does.

pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod doc;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod pause;
pub(crate) mod query;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod signal;
pub(crate) mod skip;
pub(crate) mod start;
pub(crate) mod terminate;
pub(crate) mod unpause;
pub(crate) mod update;
pub(crate) mod worker;
