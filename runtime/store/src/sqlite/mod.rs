//! The embedded store: one SQLite file in WAL mode, beside the user's own tables.

use crate::process::this_process;
use crate::{Begun, Claim, Filter, Lease, Owner, Scope, Step, Store, StoreError, Write};
use async_trait::async_trait;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{
    CompletionRow, HistoryRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, StoredInstance,
};
use owners::{Alive, Owners};
use sqlx::SqlitePool;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;
use wake::Watcher;
use writer::Writer;

mod commit;
mod lease;
mod open;
mod outside;
mod owners;
mod read;
mod step;
mod values;
mod wake;
mod writer;

/// A store in one SQLite file.
pub struct SqliteStore {
    place: Where,
    writer: Writer,
    readers: SqlitePool,
    owners: Owners,
    identity: Owner,
    /// Our lock file; taken at the first claim, since a mere reader needs none.
    alive: OnceLock<Alive>,
    notify: Notify,
    watcher: Mutex<Watcher>,
    statement_limit: Duration,
}

/// Which file, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Where {
    name: Arc<str>,
}

impl Where {
    pub(crate) fn unavailable(&self, reason: &str) -> StoreError {
        StoreError::Unavailable { store: self.name.to_string(), reason: reason.into() }
    }

    pub(crate) fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt { store: self.name.to_string(), what: what.into() }
    }
}

impl SqliteStore {
    /// Opens the file; makes it, its directory and its tables where they are missing.
    pub async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        let place = Where { name: format!("sqlite://{}", path.display()).into() };
        let opened = open::open(path, &place).await?;
        Ok(SqliteStore {
            writer: opened.writer,
            watcher: Mutex::new(Watcher::new(opened.readers.clone())),
            readers: opened.readers,
            owners: opened.owners,
            place,
            identity: this_process(),
            alive: OnceLock::new(),
            notify: Notify::new(),
            statement_limit: Duration::from_secs(5),
        })
    }

    /// How long one user statement may run in a step: it holds the only writer. 5 s unless set.
    pub fn with_statement_limit(mut self, limit: Duration) -> SqliteStore {
        self.statement_limit = limit;
        self
    }
}

/// The clock of the machine: of all processes that can open the file.
fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// SQLite's primary result code.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// A failure outside any user statement.
fn failed(place: &Where, error: sqlx::Error) -> StoreError {
    match (&error, primary_code(&error)) {
        (_, Some(11)) => place.corrupt(
            "SQLite finds its pages malformed; restore a backup, or save what is readable with `sqlite3 FILE .recover`",
        ),
        (_, Some(26)) => place.corrupt("the file is not a SQLite database; name another file, or restore a backup"),
        (_, Some(5)) => place.unavailable("another process has been writing to it for too long"),
        (_, Some(8)) => place.unavailable("it is read-only; make the file and its directory writable"),
        (_, Some(13)) => place.unavailable("the disk is full"),
        (_, Some(14)) => place.unavailable("the file cannot be opened; check that its directory exists and is writable"),
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), _) => {
            place.corrupt(&format!("a stored value makes no sense ({error}); restore a backup"))
        }
        _ => place.unavailable(&error.to_string()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn describe(&self) -> String {
        self.place.name.to_string()
    }

    fn worker(&self) -> Uuid {
        self.identity.worker
    }

    async fn lives(&self, worker: Uuid) -> Result<bool, StoreError> {
        self.owners.lives(worker).map_err(|error| self.place.unavailable(&error.to_string()))
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(clock())
    }

    async fn put_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError> {
        self.write_program(hash, artifact).await
    }

    async fn program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_program(hash).await
    }

    async fn claim(&self, scope: Scope) -> Result<Claim, StoreError> {
        self.claim_scope(scope).await
    }

    async fn in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        self.leases_in_force(leases).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<(), StoreError> {
        self.release_leases(leases).await
    }

    async fn renew(&self) -> Result<(), StoreError> {
        // The operating system holds the proof of life.
        Ok(())
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.commit_batch(writes).await
    }

    async fn load(&self, instances: &[InstanceId]) -> Result<Vec<StoredInstance>, StoreError> {
        self.load_instances(instances).await
    }

    async fn children(&self, roots: &[InstanceId]) -> Result<Vec<InstanceId>, StoreError> {
        self.live_children(roots).await
    }

    async fn runnable(&self, scope: Scope, horizon: Timestamp) -> Result<Vec<InstanceId>, StoreError> {
        self.adopt_orphans(scope).await?;
        self.runnable_instances(scope, horizon).await
    }

    async fn inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError> {
        self.read_inbox(scopes).await
    }

    async fn send(&self, id: Uuid, instance: InstanceId, message: &[u8]) -> Result<(), StoreError> {
        self.accept(id, instance, message, None).await?;
        self.notify.notify_one();
        Ok(())
    }

    async fn send_again(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Timestamp,
    ) -> Result<(), StoreError> {
        self.accept(id, instance, message, Some(asked)).await?;
        self.notify.notify_one();
        Ok(())
    }

    async fn forget(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.forget_requests(before, at_most).await
    }

    async fn reply(&self, id: Uuid, instance: InstanceId) -> Result<Option<ReplyRow>, StoreError> {
        self.read_reply(id, instance).await
    }

    async fn wait(&self, timeout_ms: u64) -> Result<(), StoreError> {
        self.wait_for_messages(Duration::from_millis(timeout_ms)).await
    }

    async fn begin_step(&self, step: Step) -> Result<Begun, StoreError> {
        self.open_step(step).await
    }

    async fn settle(&self, step: Step, tombstone: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        self.put_tombstone(step, tombstone).await
    }

    async fn find(&self, name: &str) -> Result<Option<InstanceRow>, StoreError> {
        self.find_by_name(name).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<InstanceRow>, StoreError> {
        self.list_instances(filter).await
    }

    async fn history(
        &self,
        instance: InstanceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.read_history(instance, after, limit).await
    }

    async fn owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError> {
        self.living_owner(root).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.release_all().await?;
        // The watcher keeps one of the connections that closing waits for.
        *self.watcher.lock().await = Watcher::new(self.readers.clone());
        self.readers.close().await;
        Ok(())
    }
}
