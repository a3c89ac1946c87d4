//! What an attempt asks of the process it runs in.

use flow_machine::ids::{CallKey, Timestamp};
use std::time::SystemTime;

/// The process around an attempt. Called from compiled code: answers must be quick.
pub trait Surroundings: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// An environment variable, where it is set (and is text).
    fn variable(&self, name: &str) -> Option<String>;
    /// Takes a line that an attempt of this call logs.
    fn log(&self, key: CallKey, message: &str);
}

/// This process: its clock, its environment, its standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Surroundings for Process {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn log(&self, key: CallKey, message: &str) {
        eprintln!("{key} {message}");
    }
}
