//! What a transition writes: rows, as plain data. A store keeps exactly these, set by set, in one transaction.
//!
//! `bytes` columns are the machine's own encodings (images, frames, postcard) and opaque to the store. Every row belongs
//! to the shard of its instance's root.

use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A program's identity: the hash of its artifact.
pub type ProgramHash = [u8; 32];

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Goes on, or waits for something that will come.
    Running,
    /// Stopped by an operator; deliveries wait.
    Paused,
    /// A compensation gave up: an operator must resume or skip it.
    Stuck,
    /// Ended with its result.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended by cancellation.
    Cancelled,
    /// Ended by an operator, without compensating.
    Terminated,
}

impl Status {
    /// All, in the order above.
    pub const ALL: [Status; 7] = [
        Status::Running,
        Status::Paused,
        Status::Stuck,
        Status::Completed,
        Status::Failed,
        Status::Cancelled,
        Status::Terminated,
    ];

    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stuck => "stuck",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
            Status::Terminated => "terminated",
        }
    }

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing can happen to the instance any more.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Completed | Status::Failed | Status::Cancelled | Status::Terminated)
    }
}

/// One instance. Written at its start, when its status changes, and at its end; a step of a strand leaves it alone.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRow {
    /// Its identity.
    pub id: InstanceId,
    /// The root of its tree (itself, where it has no parent): gives the shard.
    pub root: InstanceId,
    /// The parent instance and the strand of it that waits.
    pub parent: Option<(InstanceId, StrandPath)>,
    /// The user's id (`--id`); unique in the store.
    pub name: String,
    /// The workflow's name.
    pub workflow: String,
    /// The program it is pinned to.
    pub program: ProgramHash,
    /// Its status.
    pub status: Status,
    /// Counts the writes of this row, from 1: a write states the version it replaces.
    pub version: i64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When this row was written last.
    pub updated_at: Timestamp,
    /// The arguments, an image.
    pub input: Vec<u8>,
    /// The result, an image.
    pub output: Option<Vec<u8>>,
    /// Why it failed or is stuck: JSON (`ErrorReport`).
    pub error: Option<Vec<u8>>,
    /// The machine's own: cancellation, states, attributes.
    pub state: Vec<u8>,
    /// Search attributes (`index`): a JSON object.
    pub attributes: String,
}

/// One strand: where it stands and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct StrandRow {
    /// Its instance.
    pub instance: InstanceId,
    /// Its place in the instance.
    pub path: StrandPath,
    /// Counts the writes of this row, from 1.
    pub version: i64,
    /// Whether it has an open call or has not begun: such instances are loaded when an owner starts, sleepers only when
    /// they are due.
    pub open_call: bool,
    /// What it waits for, its scopes and counters.
    pub meta: Vec<u8>,
    /// Its frames and heap.
    pub frame: Vec<u8>,
}

/// A registered compensation, until it is done or dropped. Immutable but for its saga (promotion).
#[derive(Clone, Debug, PartialEq)]
pub struct CompensationRow {
    /// Its instance.
    pub instance: InstanceId,
    /// Its identity, and the path of the strand that will run it.
    pub path: StrandPath,
    /// Its place in the order of completion; undoing goes from the highest down.
    pub position: i64,
    /// The saga that holds it.
    pub saga: i64,
    /// The function and the captured values.
    pub image: Vec<u8>,
}

/// A deadline. `id` is the machine's: which strand's which wait or scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerRow {
    /// Its instance.
    pub instance: InstanceId,
    /// `PATH#NUMBER`.
    pub id: String,
    /// When it is due.
    pub due: Timestamp,
}

/// One event of the append-only history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    /// Its instance.
    pub instance: InstanceId,
    /// Its number in the instance, from 1.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What: JSON of `HistoryEvent`.
    pub event: Vec<u8>,
}

/// A message from outside, until it is consumed.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxRow {
    /// The sender's request id: a repeat is the same row.
    pub id: uuid::Uuid,
    /// To whom.
    pub instance: InstanceId,
    /// The root of that one's tree.
    pub root: InstanceId,
    /// Stamped by the store's clock when it was accepted.
    pub at: Timestamp,
    /// What: JSON of `Message`.
    pub message: Vec<u8>,
}

/// A message that its instance has taken from the inbox and keeps until it is received.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Its instance.
    pub instance: InstanceId,
    /// Its place in the order in which they came; no two live ones of an instance have the same.
    pub number: i64,
    /// What it is (postcard).
    pub message: Vec<u8>,
}

/// The answer to a request, for whoever asks with its id.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyRow {
    /// The request's id.
    pub id: uuid::Uuid,
    /// Who answered.
    pub instance: InstanceId,
    /// When.
    pub at: Timestamp,
    /// What: JSON of `Reply`.
    pub reply: Vec<u8>,
}

/// Everything one transition of one tree of instances changes. All of it is in one batch, and a batch is all or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// New instances: fails where a name is taken.
    pub new_instances: Vec<InstanceRow>,
    /// Rows that replace version `row.version - 1`.
    pub changed_instances: Vec<InstanceRow>,
    /// Strands: version 1 is new, any other replaces the version before it.
    pub strands: Vec<StrandRow>,
    /// Strands that are no more.
    pub delete_strands: Vec<(InstanceId, StrandPath)>,
    /// New compensations, or the same ones in another saga.
    pub compensations: Vec<CompensationRow>,
    /// Compensations done or dropped.
    pub delete_compensations: Vec<(InstanceId, StrandPath)>,
    /// New deadlines.
    pub timers: Vec<TimerRow>,
    /// Deadlines no longer needed.
    pub delete_timers: Vec<(InstanceId, String)>,
    /// Messages to keep.
    pub messages: Vec<MessageRow>,
    /// Kept messages that have been received.
    pub delete_messages: Vec<(InstanceId, i64)>,
    /// Answers. The first to a request stands.
    pub replies: Vec<ReplyRow>,
    /// Events, in order.
    pub history: Vec<HistoryRow>,
    /// Messages consumed.
    pub delete_inbox: Vec<uuid::Uuid>,
    /// Completions of transactional calls that have been taken.
    pub delete_completions: Vec<CallKey>,
}

impl Changes {
    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }

    /// Whose rows it changes, apart from messages and completions.
    pub fn instances(&self) -> BTreeSet<InstanceId> {
        let rows = self.new_instances.iter().chain(&self.changed_instances).map(|row| row.id);
        let strands = self.strands.iter().map(|row| row.instance);
        let strands = strands.chain(self.delete_strands.iter().map(|(instance, _)| *instance));
        let compensations = self.compensations.iter().map(|row| row.instance);
        let compensations =
            compensations.chain(self.delete_compensations.iter().map(|(instance, _)| *instance));
        let timers = self.timers.iter().map(|row| row.instance);
        let timers = timers.chain(self.delete_timers.iter().map(|(instance, _)| *instance));
        let messages = self.messages.iter().map(|row| row.instance);
        let messages = messages.chain(self.delete_messages.iter().map(|(instance, _)| *instance));
        let history = self.history.iter().map(|row| row.instance);
        rows.chain(strands).chain(compensations).chain(timers).chain(messages).chain(history).collect()
    }

    /// The new row of an instance, where it has one.
    pub fn row_of(&self, instance: InstanceId) -> Option<&InstanceRow> {
        self.new_instances.iter().chain(&self.changed_instances).find(|row| row.id == instance)
    }

    /// Adds what another instance of the tree changes in the same transition.
    pub fn append(&mut self, mut other: Changes) {
        self.new_instances.append(&mut other.new_instances);
        self.changed_instances.append(&mut other.changed_instances);
        self.strands.append(&mut other.strands);
        self.delete_strands.append(&mut other.delete_strands);
        self.compensations.append(&mut other.compensations);
        self.delete_compensations.append(&mut other.delete_compensations);
        self.timers.append(&mut other.timers);
        self.delete_timers.append(&mut other.delete_timers);
        self.messages.append(&mut other.messages);
        self.delete_messages.append(&mut other.delete_messages);
        self.replies.append(&mut other.replies);
        self.history.append(&mut other.history);
        self.delete_inbox.append(&mut other.delete_inbox);
        self.delete_completions.append(&mut other.delete_completions);
    }
}

/// A whole instance as stored: what recovery loads.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredInstance {
    /// Its row.
    pub row: InstanceRow,
    /// Its strands, by path.
    pub strands: Vec<StrandRow>,
    /// Its compensations, by position.
    pub compensations: Vec<CompensationRow>,
    /// Its deadlines.
    pub timers: Vec<TimerRow>,
    /// The messages it keeps, by number.
    pub messages: Vec<MessageRow>,
    /// The number of its last history event.
    pub last_sequence: i64,
    /// When that was: a step of a strand writes no other time.
    pub last_at: Timestamp,
    /// Its messages, oldest first.
    pub inbox: Vec<InboxRow>,
    /// Completions of transactional calls not yet taken: key, when, outcome.
    pub completions: Vec<CompletionRow>,
}

/// The outcome of a transactional call, written by the transaction that did it.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionRow {
    /// The call.
    pub key: CallKey,
    /// Its instance.
    pub instance: InstanceId,
    /// When it was written.
    pub at: Timestamp,
    /// The outcome (postcard of `CallOutcome`); a tombstone where a cancel or time-out was first.
    pub outcome: Vec<u8>,
}
