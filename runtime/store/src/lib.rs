//! Stores: one narrow, set-based trait; embedded SQLite and PostgreSQL behind it.
//!
//! A store knows rows, leases and clocks. It does not know what a workflow is.

use async_trait::async_trait;
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{
    Changes, CompletionRow, HistoryRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, Status, StoredInstance,
};
use uuid::Uuid;

mod condition;
mod connect;
mod error;
mod group;
mod postgres;
mod process;
mod sqlite;
mod statement;

pub use condition::{Comparison, Condition, Field, Operand};
pub use connect::connect;
pub use error::StoreError;
pub use group::GroupCommitter;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// How much earlier than its message was accepted an asker may think that it has asked: its clock is an estimate.
const CLOCKS_DIFFER: i64 = 60_000_000_000;

/// What a lease covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All trees of a shard, but those leased on their own.
    Shard(u16),
    /// One tree, by its root.
    Tree(InstanceId),
}

impl Scope {
    /// The shard it lies in.
    pub fn shard(self) -> u16 {
        match self {
            Scope::Shard(shard) => shard,
            Scope::Tree(root) => root.shard(),
        }
    }

    /// Whether the tree with this root belongs to it.
    pub fn covers(self, root: InstanceId) -> bool {
        match self {
            Scope::Shard(shard) => root.shard() == shard,
            Scope::Tree(tree) => root == tree,
        }
    }

    /// The root column of its lease row: nil for a whole shard.
    pub(crate) fn root_key(self) -> Uuid {
        match self {
            Scope::Shard(_) => Uuid::nil(),
            Scope::Tree(root) => root.0,
        }
    }

    /// The scope of a lease row.
    pub(crate) fn from_key(shard: u16, root: Uuid) -> Scope {
        if root.is_nil() { Scope::Shard(shard) } else { Scope::Tree(InstanceId(root)) }
    }
}

/// The right to write to a scope, until somebody else claims it. Every commit is fenced by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// What it covers.
    pub scope: Scope,
    /// New at each claim.
    pub token: Uuid,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours now; its former owner is dead or gave it up, and cannot write any more.
    Granted(Lease),
    /// A living process has it.
    Held(Owner),
}

/// A process that holds leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its worker id.
    pub worker: Uuid,
    /// Its process id.
    pub pid: u32,
    /// Its machine's name.
    pub host: String,
    /// Which formats of programs and instances it reads ([`flow_machine::FORMATS`]).
    pub formats: u32,
}

/// One transition with the lease it is made under.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The fence.
    pub lease: Lease,
    /// The root of the changed instance's tree: gives the shard.
    pub root: InstanceId,
    /// What changes.
    pub changes: Changes,
}

impl Write {
    /// Whether the tree ends with it.
    pub fn is_end(&self) -> bool {
        self.changes.row_of(self.root).is_some_and(|row| row.status.is_final())
    }
}

/// Which instances a listing wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only those for which this holds too.
    pub condition: Option<Condition>,
    /// At most this many, newest first; 0 for no limit.
    pub limit: u32,
}

impl Filter {
    /// All that it asks for, as one condition.
    pub(crate) fn whole(&self) -> Condition {
        let status = self.status.map(Condition::status);
        let workflow = self.workflow.as_deref().map(Condition::workflow);
        Condition::All([status, workflow, self.condition.clone()].into_iter().flatten().collect())
    }

    /// The limit as SQL wants it.
    pub(crate) fn sql_limit(&self) -> i64 {
        if self.limit == 0 { i64::MAX } else { i64::from(self.limit) }
    }
}

/// A store. All times are on its clock. Implementations retry nothing: the engine decides.
#[async_trait]
pub trait Store: Send + Sync {
    /// What it is, for messages: `sqlite://.flow/flow.db`, `postgres://host/db` (no password).
    fn describe(&self) -> String;

    /// How many commits at a time are best for it.
    fn writers(&self) -> usize {
        1
    }

    /// This process, as others find it in the leases.
    fn worker(&self) -> Uuid;

    /// Whether the process of a worker lives.
    async fn lives(&self, worker: Uuid) -> Result<bool, StoreError>;

    /// The store's clock.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Keeps a program's artifact; the same hash twice is one.
    async fn put_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError>;

    /// A program's artifact.
    async fn program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Claims a scope for this process. A dead owner is known at once; a living one is answered with `Held`.
    /// After `Granted` the former owner's transactions have ended and its token is worthless.
    async fn claim(&self, scope: Scope) -> Result<Claim, StoreError>;

    /// Which of these leases nobody has claimed since.
    async fn in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError>;

    /// Gives leases back.
    async fn release(&self, leases: &[Lease]) -> Result<(), StoreError>;

    /// Tells that this process lives. To be called every second or so.
    async fn renew(&self) -> Result<(), StoreError>;

    /// Writes a batch of transitions: all or nothing, durable when it returns. Tokens are checked under lock first
    /// (`StoreError::LeaseLost` names the scopes), then versions (`StoreError::Conflict` names the instance). A tree ends only
    /// with nothing in its inbox that the batch does not consume (`StoreError::Unread` names its root).
    async fn commit(&self, writes: &[Write]) -> Result<(), StoreError>;

    /// Whole instances, for going on with them. Unknown ids are left out.
    async fn load(&self, instances: &[InstanceId]) -> Result<Vec<StoredInstance>, StoreError>;

    /// The instances below these roots that are not final.
    async fn children(&self, roots: &[InstanceId]) -> Result<Vec<InstanceId>, StoreError>;

    /// The roots of a scope's trees that are not leased by another scope and in which an instance that is not final has
    /// something to do now: a timer due until `horizon`, a message, a completion, or a strand with an open call.
    async fn runnable(&self, scope: Scope, horizon: Timestamp) -> Result<Vec<InstanceId>, StoreError>;

    /// Messages waiting for instances of these scopes, oldest first, whole.
    async fn inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError>;

    /// Accepts a message, stamps it, and wakes the owner of the instance after the commit. A repeat of its id is one
    /// message, for as long as ids are kept ([`forget`](Store::forget)). Refused where the instance is unknown or final: what is
    /// accepted is there before the end, or not at all.
    async fn send(&self, id: Uuid, instance: InstanceId, message: &[u8]) -> Result<(), StoreError>;

    /// The same for a message that may have been sent before, at `asked` for the first time. Where its id is not known and ids of
    /// that time are kept no longer, nobody can say whether it was: `StoreError::Forgotten`.
    async fn send_again(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets the ids of messages that were accepted, and answers that were given, before a time, at most so many of each: how
    /// many in all. The id of what still waits, in the inbox or for the end of a pause, is kept.
    async fn forget(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError>;

    /// The answer to a request, where it has been given.
    async fn reply(&self, id: Uuid, instance: InstanceId) -> Result<Option<ReplyRow>, StoreError>;

    /// Returns when something may have come for this process, or at the latest after `timeout_ms`.
    async fn wait(&self, timeout_ms: u64) -> Result<(), StoreError>;

    /// The transaction of a transactional call. `Taken` where its key has a completion already.
    async fn begin_step(&self, step: Step) -> Result<Begun, StoreError>;

    /// Writes a tombstone on a transactional call's key, unless it has a completion: whoever is first wins.
    /// `None`: the tombstone is in; otherwise the completion that was there.
    async fn settle(&self, step: Step, tombstone: &[u8]) -> Result<Option<CompletionRow>, StoreError>;

    /// The instance of that user id.
    async fn find(&self, name: &str) -> Result<Option<InstanceRow>, StoreError>;

    /// Rows of instances.
    async fn list(&self, filter: &Filter) -> Result<Vec<InstanceRow>, StoreError>;

    /// History events of one instance after a sequence number, in order, at most `limit`.
    async fn history(
        &self,
        instance: InstanceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, StoreError>;

    /// Who holds an instance's tree, by its own lease or its shard's, if that process lives.
    async fn owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError>;

    /// Ends what this process holds: leases, its worker row, connections.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Which call a transaction or a tombstone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The fence.
    pub lease: Lease,
    /// The root of the instance's tree: a shard's lease is no fence for a tree that is leased on its own.
    pub root: InstanceId,
    /// The instance.
    pub instance: InstanceId,
    /// The call.
    pub key: CallKey,
}

/// The answer to `begin_step`.
pub enum Begun {
    /// An open transaction, fence taken.
    Open(Box<dyn StepTransaction>),
    /// The call is settled already.
    Taken(CompletionRow),
}

/// A transaction in which a `sql` activity runs: the user's statements and the completion commit together, or neither.
/// Dropping it rolls back.
#[async_trait]
pub trait StepTransaction: Send {
    /// Runs one statement with `$1…` parameters; rows come back as JSON objects by column name, exact for numbers. For a
    /// statement without rows the list is empty. Transaction-control statements are refused.
    async fn statement(&mut self, sql: &str, params: &[serde_json::Value]) -> Result<SqlResult, StoreError>;

    /// Undoes the statements so far and goes on (a declared failure keeps nothing).
    async fn undo(&mut self) -> Result<(), StoreError>;

    /// Writes the completion and commits. Where another was first, that one, and all is rolled back.
    async fn complete(self: Box<Self>, outcome: &[u8]) -> Result<Option<CompletionRow>, StoreError>;
}

/// What a statement gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SqlResult {
    /// Rows, as objects with the columns in order.
    pub rows: Vec<serde_json::Map<String, serde_json::Value>>,
    /// How many rows it changed.
    pub affected: u64,
}
