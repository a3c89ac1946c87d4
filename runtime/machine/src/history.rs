//! The append-only history: what people and tools read. Nothing is recovered from it.

use crate::ids::{CallKey, StrandPath, Timestamp};
use crate::rows::Status;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One event. Values are JSON, as `--json` output shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are named for what they hold; each variant says when it is written")]
pub enum HistoryEvent {
    /// The instance began.
    Started { workflow: String, input: Value },
    /// A new owner went on with it.
    Recovered,
    /// A strand asks for an activity; attempt 1 is dispatched after this commits.
    CallRequested { strand: StrandPath, activity: String, key: String, args: Value, line: String },
    /// An attempt failed or ended unknown, and another follows at `next`.
    CallRetried {
        strand: StrandPath,
        activity: String,
        key: String,
        attempt: u32,
        reason: String,
        next: Timestamp,
    },
    /// A call ended with a result.
    CallCompleted { strand: StrandPath, activity: String, key: String, attempt: u32, output: Value },
    /// A call ended with an error. `unknown`: it may have happened.
    CallFailed {
        strand: StrandPath,
        activity: String,
        key: String,
        attempt: u32,
        error: String,
        unknown: bool,
    },
    /// A strand sleeps.
    Sleeping { strand: StrandPath, until: Timestamp, line: String },
    /// It slept long enough.
    Woke { strand: StrandPath },
    /// A strand waits for a message, or for a condition.
    Waiting { strand: StrandPath, what: String, line: String },
    /// A signal came.
    Signalled { signal: String, value: Value },
    /// A strand received one.
    Received { strand: StrandPath, signal: String },
    /// The condition that a strand waited for holds.
    ConditionMet { strand: StrandPath },
    /// An update ran.
    Updated { update: String, args: Value, output: Value },
    /// An update failed, and changed nothing.
    UpdateFailed { update: String, args: Value, error: String },
    /// A message that nobody got.
    Undelivered { message: String, reason: String },
    /// A strand split into branches, or race heads.
    Forked { strand: StrandPath, construct: String, branches: usize, line: String },
    /// A branch ended.
    BranchEnded { strand: StrandPath, error: Option<String> },
    /// The branches are joined.
    Joined { strand: StrandPath, winner: Option<usize> },
    /// A strand was spawned.
    Spawned { strand: StrandPath, spawned: StrandPath },
    /// A strand called a workflow: the child's id.
    ChildStarted { strand: StrandPath, workflow: String, child: String, line: String },
    /// The child ended.
    ChildEnded { strand: StrandPath, child: String, error: Option<String> },
    /// A strand asks for an instance of its own: its id.
    Detached { strand: StrandPath, workflow: String, instance: String, line: String },
    /// A strand sends a signal to another instance.
    Told { strand: StrandPath, instance: String, signal: String, line: String },
    /// A strand asks another instance: `query count`, `update reserve`.
    Asked { strand: StrandPath, instance: String, question: String, line: String },
    /// The other instance has answered, perhaps with an error.
    Replied { strand: StrandPath, instance: String, output: Option<Value>, error: Option<String> },
    /// What was asked of another instance could not be done, or is waited for no longer.
    RequestRefused { strand: StrandPath, instance: String, reason: String },
    /// A `timeout` ran out.
    TimedOut { strand: StrandPath },
    /// A step registered how to undo it.
    CompensationRegistered { strand: StrandPath, compensation: StrandPath },
    /// A saga failed: this many compensations run now.
    Compensating { strand: StrandPath, count: usize, error: String },
    /// One is done.
    Compensated { compensation: StrandPath },
    /// One gave up.
    CompensationStuck { compensation: StrandPath, error: String },
    /// An operator went on.
    Resumed,
    /// An operator gave up one compensation.
    Skipped { compensation: StrandPath },
    /// An operator paused it.
    Paused,
    /// An operator let it go on.
    Unpaused,
    /// A request to cancel was accepted.
    CancelRequested,
    /// `log.…` in the program.
    Logged {
        strand: StrandPath,
        #[serde(default = "info")]
        level: String,
        message: String,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        fields: Map<String, Value>,
    },
    /// `progress.…` in the program.
    Progress { done: i64, total: Option<i64> },
    /// The instance ended.
    Ended { status: Status, output: Option<Value>, error: Option<ErrorReport> },
}

/// The level of lines logged before there were others.
fn info() -> String {
    "info".into()
}

impl HistoryEvent {
    /// A call's key as the history writes it.
    pub fn key(key: CallKey) -> String {
        key.to_string()
    }
}

/// Why an instance failed or is stuck, for people and tools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// The error as the language shows it: `InsufficientFunds(available: 3)`.
    pub message: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The error as JSON.
    pub value: Value,
    /// Source lines from where it was raised outwards: `release (transfer.flow:41:3) lock = "l1"`.
    pub stack: Vec<String>,
}
