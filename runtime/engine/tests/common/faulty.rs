//! A store that fails on demand.

use async_trait::async_trait;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{
    CompletionRow, HistoryRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, StoredInstance,
};
use flow_store::{Begun, Claim, Filter, Lease, Owner, Scope, Step, Store, StoreError, Write};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done.
    None,
    /// The connection breaks before it.
    Before,
    /// It is done, but the connection breaks before the answer.
    After,
    /// It is done, and the process dies before the answer.
    Death,
}

/// Wraps a store.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    pub down: AtomicBool,
    /// Nobody is woken for a message.
    pub deaf: AtomicBool,
    /// By how much its clock is ahead of this machine's, in nanoseconds.
    pub ahead: AtomicI64,
    /// The worker that is of a newer flow.
    pub newer: Mutex<Option<Uuid>>,
    plan: Mutex<Box<dyn FnMut() -> Fault + Send>>,
    pub died: Notify,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn Store>, plan: impl FnMut() -> Fault + Send + 'static) -> Arc<FaultyStore> {
        Arc::new(FaultyStore {
            inner,
            down: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            ahead: AtomicI64::new(0),
            newer: Mutex::new(None),
            plan: Mutex::new(Box::new(plan)),
            died: Notify::new(),
        })
    }

    fn up(&self) -> Result<&Arc<dyn Store>, StoreError> {
        if self.down.load(Ordering::SeqCst) { Err(broken()) } else { Ok(&self.inner) }
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable { store: "test".into(), reason: "the connection broke".into() }
}

#[async_trait]
impl Store for FaultyStore {
    fn describe(&self) -> String {
        "test".into()
    }
    fn writers(&self) -> usize {
        self.inner.writers()
    }
    fn worker(&self) -> Uuid {
        self.inner.worker()
    }
    async fn lives(&self, worker: Uuid) -> Result<bool, StoreError> {
        self.up()?.lives(worker).await
    }
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.up()?.now().await?.plus(self.ahead.load(Ordering::SeqCst)))
    }
    async fn put_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError> {
        self.up()?.put_program(hash, artifact).await
    }
    async fn program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError> {
        self.up()?.program(hash).await
    }
    async fn claim(&self, scope: Scope) -> Result<Claim, StoreError> {
        self.up()?.claim(scope).await
    }
    async fn in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        self.up()?.in_force(leases).await
    }
    async fn release(&self, leases: &[Lease]) -> Result<(), StoreError> {
        self.up()?.release(leases).await
    }
    async fn renew(&self) -> Result<(), StoreError> {
        self.up()?.renew().await
    }
    async fn commit(&self, writes: &[Write]) -> Result<(), StoreError> {
        let store = self.up()?;
        let fault = (self.plan.lock().unwrap())();
        if fault != Fault::Before {
            store.commit(writes).await?;
        }
        match fault {
            Fault::None => Ok(()),
            Fault::Before | Fault::After => Err(broken()),
            Fault::Death => {
                self.died.notify_one();
                std::future::pending().await
            }
        }
    }
    async fn load(&self, instances: &[InstanceId]) -> Result<Vec<StoredInstance>, StoreError> {
        self.up()?.load(instances).await
    }
    async fn children(&self, roots: &[InstanceId]) -> Result<Vec<InstanceId>, StoreError> {
        self.up()?.children(roots).await
    }
    async fn runnable(&self, scope: Scope, horizon: Timestamp) -> Result<Vec<InstanceId>, StoreError> {
        self.up()?.runnable(scope, horizon).await
    }
    async fn inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError> {
        self.up()?.inbox(scopes).await
    }
    async fn send(&self, id: Uuid, instance: InstanceId, message: &[u8]) -> Result<(), StoreError> {
        self.up()?.send(id, instance, message).await
    }
    async fn send_again(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Timestamp,
    ) -> Result<(), StoreError> {
        self.up()?.send_again(id, instance, message, asked).await
    }
    async fn forget(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.up()?.forget(before, at_most).await
    }
    async fn reply(&self, id: Uuid, instance: InstanceId) -> Result<Option<ReplyRow>, StoreError> {
        self.up()?.reply(id, instance).await
    }
    async fn wait(&self, timeout_ms: u64) -> Result<(), StoreError> {
        if self.deaf.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.up()?.wait(timeout_ms).await
    }
    async fn begin_step(&self, step: Step) -> Result<Begun, StoreError> {
        self.up()?.begin_step(step).await
    }
    async fn settle(&self, step: Step, tombstone: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        self.up()?.settle(step, tombstone).await
    }
    async fn find(&self, name: &str) -> Result<Option<InstanceRow>, StoreError> {
        self.up()?.find(name).await
    }
    async fn list(&self, filter: &Filter) -> Result<Vec<InstanceRow>, StoreError> {
        self.up()?.list(filter).await
    }
    async fn history(&self, id: InstanceId, after: i64, limit: u32) -> Result<Vec<HistoryRow>, StoreError> {
        self.up()?.history(id, after, limit).await
    }
    async fn owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError> {
        let mut owner = self.up()?.owner(root).await?;
        let newer = *self.newer.lock().unwrap();
        if let Some(owner) = owner.as_mut().filter(|owner| Some(owner.worker) == newer) {
            owner.formats += 1;
        }
        Ok(owner)
    }
    async fn close(&self) -> Result<(), StoreError> {
        self.up()?.close().await
    }
}
