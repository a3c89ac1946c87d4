//! The store for production: PostgreSQL, for many workers.

use crate::connect::bad_url;
use crate::process::this_process;
use crate::{Begun, Claim, Filter, Lease, Owner, Scope, Step, Store, StoreError, Write};
use async_trait::async_trait;
use connections::Connections;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{
    CompletionRow, HistoryRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, StoredInstance,
};
use liveness::Liveness;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use uuid::Uuid;
use wake::Ears;

mod commit;
mod connections;
mod decode;
mod encode;
mod lease;
mod liveness;
mod open;
mod outside;
mod read;
mod step;
mod wake;

/// A store in a PostgreSQL database, in the schema `flow`.
pub struct PostgresStore {
    place: Where,
    options: PgConnectOptions,
    writers: Connections,
    readers: Connections,
    /// Apart from the rest: user statements may take long.
    steps: Connections,
    identity: Owner,
    /// The session lock that proves we live; taken at the first claim, since a mere reader needs none.
    liveness: Mutex<Option<Liveness>>,
    ears: Mutex<Option<Ears>>,
}

/// Which database, for messages.
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

impl PostgresStore {
    /// Connects, and makes the schema where it is missing.
    pub async fn connect(url: &str) -> Result<PostgresStore, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            bad_url(url, &format!("{error}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE"))
        })?;
        let identity = this_process();
        let options = options
            .application_name(&application_name(identity.worker))
            .options([("synchronous_commit", "on")])
            .disable_statement_logging();
        let place = Where { name: describe(&options).into() };
        // Arrays of unknown length make the planner plan anew at each call; the plans for few rows serve many as well.
        let committing = options.clone().options([("plan_cache_mode", "force_generic_plan")]);
        let store = PostgresStore {
            writers: Connections::new(committing, place.clone(), 4),
            readers: Connections::new(options.clone(), place.clone(), 4),
            steps: Connections::new(options.clone(), place.clone(), 8),
            place,
            options,
            identity,
            liveness: Mutex::new(None),
            ears: Mutex::new(None),
        };
        store.ensure_format().await?;
        Ok(store)
    }
}

/// The name that our sessions carry: a claim finds the backends of an owner by it.
fn application_name(worker: Uuid) -> String {
    format!("flow {}", worker.simple())
}

fn describe(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_string(),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("postgres://{host}:{}/{database}", options.get_port())
}

/// What is wrong where one of our sessions turns out to be several.
const POOLED: &str = "a pooler in transaction or statement mode (PgBouncer?) is in between, so that session locks do not \
                      hold; connect to PostgreSQL itself, or use a pool in session mode";

/// A failure of one of our own statements.
fn failed(place: &Where, error: sqlx::Error) -> StoreError {
    let Some(database) =
        error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    else {
        return match &error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                place.corrupt(&format!("a stored value makes no sense ({error}); restore a backup"))
            }
            _ => place.unavailable(&error.to_string()),
        };
    };
    let detail = database.detail().unwrap_or_default();
    match database.code() {
        "FL001" => StoreError::LeaseLost { scopes: lost_scopes(detail) },
        "FL002" => match Uuid::from_str(detail) {
            Ok(id) => StoreError::Conflict { instance: InstanceId(id), what: database.message().into() },
            Err(_) => place.corrupt(&format!("a conflict names no instance ({detail})")),
        },
        "FL003" => match Uuid::from_str(detail) {
            Ok(root) => StoreError::Unread { root: InstanceId(root) },
            Err(_) => place.corrupt(&format!("what is unread names no tree ({detail})")),
        },
        // A prepared statement that another session has, or that ours has lost.
        "42P05" | "26000" => place.unavailable(POOLED),
        // PgBouncer's own words, with a code that says little.
        _ if database.message().contains("statement pooling mode") => place.unavailable(POOLED),
        "XX001" | "XX002" => place.corrupt(&format!("{}; restore a backup", database.message())),
        "3D000" => place.unavailable(&format!("{}; make it with `createdb`", database.message())),
        "42501" => place.unavailable(&format!(
            "{}; the user needs the right to create the schema `flow`, or to use it",
            database.message()
        )),
        code if ["08", "28", "53", "57", "40", "25", "55"].iter().any(|class| code.starts_with(class)) => {
            place.unavailable(database.message())
        }
        code => StoreError::Statement {
            message: database.message().into(),
            code: Some(code.into()),
            transient: false,
        },
    }
}

/// `SHARD ROOT,SHARD ROOT`, as the fence reports them.
fn lost_scopes(detail: &str) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for part in detail.split(',') {
        let parsed = part
            .split_once(' ')
            .and_then(|(shard, root)| Some(Scope::from_key(shard.parse().ok()?, Uuid::from_str(root).ok()?)));
        scopes.extend(parsed.filter(|scope| !scopes.contains(scope)));
    }
    scopes
}

#[async_trait]
impl Store for PostgresStore {
    fn describe(&self) -> String {
        self.place.name.to_string()
    }

    fn writers(&self) -> usize {
        // While one batch is flushed the next one is on its way.
        2
    }

    fn worker(&self) -> Uuid {
        self.identity.worker
    }

    async fn lives(&self, worker: Uuid) -> Result<bool, StoreError> {
        self.is_alive(worker).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.read_clock().await
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
        self.prove_alive().await
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
        self.accept(id, instance, message, None).await
    }

    async fn send_again(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Timestamp,
    ) -> Result<(), StoreError> {
        self.accept(id, instance, message, Some(asked)).await
    }

    async fn forget(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.forget_requests(before, at_most).await
    }

    async fn reply(&self, id: Uuid, instance: InstanceId) -> Result<Option<ReplyRow>, StoreError> {
        self.read_reply(id, instance).await
    }

    async fn wait(&self, timeout_ms: u64) -> Result<(), StoreError> {
        self.listen(Duration::from_millis(timeout_ms)).await
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
        if let Some(ears) = self.ears.lock().await.take() {
            ears.close();
        }
        for connections in [&self.writers, &self.readers, &self.steps] {
            connections.close().await;
        }
        Ok(())
    }
}
