//! What happens to an instance, and what its transition asks the engine to do.

use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
pub use crate::request::{Answered, Request, Wish};
use crate::rows::{Changes, ProgramHash, Status};
use flow_mir::{ActivityId, FunctionId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that happened, in the order in which the owner accepted it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new owner has loaded the instance. Attempts in flight at that moment count as used and ended unknown.
    Recovered,
    /// An attempt of a call ended.
    CallEnded {
        /// The call.
        key: CallKey,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: CallOutcome,
    },
    /// A deadline has passed.
    Timer {
        /// The `TimerRow::id`.
        id: String,
    },
    /// What a strand asked of another instance was done, answered, or refused with a reason.
    Answered {
        /// The request.
        key: CallKey,
        /// How.
        answer: Result<Answered, String>,
    },
    /// A message from the inbox, consumed by this transition.
    Message {
        /// The inbox row, where it came through the store.
        inbox: Option<Uuid>,
        /// What it says.
        message: Message,
    },
}

/// A message from outside. Stored in the inbox as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// Cancel the instance: `Cancelled` is raised at the next suspension.
    Cancel,
    /// Go on with what is stuck.
    Resume,
    /// Drop a compensation that is stuck or being retried, and go on.
    Skip {
        /// Which; without it those that are stuck, or else those being retried.
        #[serde(default)]
        compensation: Option<StrandPath>,
    },
    /// Stop until it is unpaused: no code runs and no new attempt is made; what arrives is kept.
    Pause,
    /// Go on after a pause.
    Unpause,
    /// A message for whoever receives the signal next.
    Signal {
        /// Which.
        name: String,
        /// Its value; `null` where it carries nothing.
        value: serde_json::Value,
    },
    /// Runs an update between two steps. Its answer is a row under the id of the inbox row.
    Update {
        /// Which.
        name: String,
        /// Its arguments by name.
        args: serde_json::Value,
    },
    /// End at once, without compensating.
    Terminate {
        /// Why, for the history.
        reason: String,
    },
    /// The outcome of an attempt made elsewhere.
    CallEnded {
        /// `CallKey` as text.
        key: String,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: CallOutcome,
    },
}

/// The answer to an update. Stored in its row as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reply {
    /// It returned.
    Returned {
        /// Its result.
        value: serde_json::Value,
    },
    /// It failed, and changed nothing.
    Failed {
        /// What with.
        error: crate::history::ErrorReport,
    },
    /// It did not run.
    Refused {
        /// Why.
        reason: String,
    },
}

/// How an attempt of a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallOutcome {
    /// With a result: an image of the activity's return type.
    Returned(Vec<u8>),
    /// With a declared error: an image of one `Error`.
    Failed(Vec<u8>),
    /// With an answer that is no declared error, but says that it was not done (a 404, a refused statement).
    Refused {
        /// Why.
        reason: String,
    },
    /// Without an answer: it may have happened.
    Unknown {
        /// Why.
        reason: String,
        /// Whether the attempt's time ran out (then the call fails with `Timeout`, else with `ActivityFailed`).
        timed_out: bool,
    },
    /// It certainly did not happen, for a reason that may go away (connection refused before anything was sent).
    NotSent {
        /// Why.
        reason: String,
    },
}

/// What an event leads to: rows to write in one batch, and what to do after that has committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transition {
    /// What to write.
    pub changes: Changes,
    /// What to do then.
    pub actions: Vec<Action>,
}

/// What the engine does after the commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make an attempt of a call.
    Dispatch(Dispatch),
    /// The call is settled otherwise: stop an attempt in flight, forget one that waits.
    Abort {
        /// The call.
        key: CallKey,
    },
    /// Forget an attempt that waits for its time: it will be asked for again.
    Withdraw {
        /// The call.
        key: CallKey,
    },
    /// Do something in another tree of instances. Asking again for the same is harmless.
    Request(Box<Ask>),
    /// The instance has a new status.
    Status(Status),
}

/// A request to another tree, and who is told of its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Who asks.
    pub instance: InstanceId,
    /// What, with the key that makes it happen once.
    pub request: Request,
    /// The program that the asking instance is pinned to.
    pub program: ProgramHash,
}

/// An attempt to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// Whose.
    pub instance: InstanceId,
    /// The strand that waits for it.
    pub strand: StrandPath,
    /// The call: its idempotency key.
    pub key: CallKey,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Not before this time (the pause before a retry).
    pub not_before: Option<Timestamp>,
    /// What to call.
    pub activity: ActivityId,
    /// The function that does it here; without one a worker must.
    pub run: Option<FunctionId>,
    /// The arguments, an image.
    pub args: Vec<u8>,
    /// Start to close, in nanoseconds: when it has passed the attempt ended `Unknown { timed_out: true }`.
    pub timeout: Option<i64>,
    /// At most this many nanoseconds between two signs of life.
    pub heartbeat: Option<i64>,
    /// The queue of the workers that do it.
    pub queue: Option<String>,
    /// Runs in the transaction that records it (`sql`).
    pub transactional: bool,
    /// The worker that is making this attempt already, and reports through the inbox: to be made again only if it dies.
    pub with: Option<Uuid>,
}
