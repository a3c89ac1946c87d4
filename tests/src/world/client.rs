//! A process's connection to the simulated store: it may be slow, break at any moment, hang, or die with its process.

use super::World;
use super::database::{self, Database};
use super::transaction::Transaction;
use super::weather::{Call, Fault};
use async_trait::async_trait;
use flow_engine::Platform;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{
    CompletionRow, HistoryRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, StoredInstance,
};
use flow_store::{Begun, Claim, Filter, Lease, Owner, Scope, Step, Store, StoreError, Write};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// One process, as its store sees it.
pub(super) struct Client {
    pub(super) world: Arc<World>,
    pub(super) worker: Uuid,
    dead: AtomicBool,
    /// Until when nothing it sends arrives, and nothing is answered.
    stalled: AtomicI64,
    woken: Arc<Notify>,
    /// Itself.
    me: Weak<Client>,
}

impl Client {
    pub(super) fn new(world: &Arc<World>) -> Arc<Client> {
        let worker = world.new_id();
        let woken = Arc::new(Notify::new());
        world.sleepers.lock().expect("not poisoned").insert(worker, woken.clone());
        let (dead, stalled) = (AtomicBool::new(false), AtomicI64::new(0));
        let world = world.clone();
        Arc::new_cyclic(|me| Client { world, worker, dead, stalled, woken, me: me.clone() })
    }

    /// Its process is gone: nothing of it arrives any more.
    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.world.database().bury(self.worker);
    }

    /// Cuts it off for so long.
    pub(super) fn stall(&self, duration: Duration) {
        let until = self.world.now() + duration.as_nanos() as i64;
        self.stalled.fetch_max(until, Ordering::SeqCst);
    }

    /// Returns at once; never where its process is gone.
    pub(super) async fn is_there(&self) {
        if self.dead.load(Ordering::SeqCst) {
            std::future::pending().await
        }
    }

    /// Returns when it reaches the world; never where its process is gone.
    pub(super) async fn reach(&self) {
        loop {
            self.is_there().await;
            let left = self.stalled.load(Ordering::SeqCst) - self.world.now();
            match u64::try_from(left) {
                Ok(left) if left > 0 => tokio::time::sleep(Duration::from_nanos(left)).await,
                _ => return,
            }
        }
    }

    /// Has something done in one transaction.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut Database, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let fate = self.world.weather().fate(call, self.world.now());
        pass(fate.before).await;
        self.reach().await;
        fate.stall.into_iter().for_each(|duration| self.stall(duration));
        let world = self.world.clone();
        let effect = move || {
            let now = world.now();
            effect(&mut world.database(), now)
        };
        match fault_of(call, fate.fault) {
            Fault::None => {}
            Fault::NotSent => return Err(broken()),
            Fault::AnswerLost => {
                _ = effect();
                return Err(broken());
            }
            Fault::Held => {
                self.world.hold(Box::new(move || _ = effect()));
                self.reach().await;
                return Err(broken());
            }
            Fault::Late(later) => {
                tokio::spawn(async move {
                    tokio::time::sleep(later).await;
                    _ = effect();
                });
                return Err(broken());
            }
        }
        let answer = effect();
        pass(fate.after).await;
        self.reach().await;
        answer
    }

    async fn accept(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (world, message) = (self.world.clone(), message.to_owned());
        self.call(Call::Write, move |database, now| {
            let owner = database.accept(id, instance, message, asked, now)?;
            owner.into_iter().for_each(|owner| world.wake(owner));
            Ok(())
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Database, i64) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(Call::Read, |database, now| Ok(look(database, now))).await
    }
}

/// Nothing becomes of looking later.
fn fault_of(call: Call, fault: Fault) -> Fault {
    if call == Call::Read && fault != Fault::None { Fault::NotSent } else { fault }
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable { store: "world".into(), reason: "the connection broke".into() }
}

#[async_trait]
impl Store for Client {
    fn describe(&self) -> String {
        "world".into()
    }

    fn writers(&self) -> usize {
        2
    }

    fn worker(&self) -> Uuid {
        self.worker
    }

    async fn lives(&self, worker: Uuid) -> Result<bool, StoreError> {
        self.read(move |database, now| database.is_alive(worker, now)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.read(|_, now| Timestamp(now)).await
    }

    async fn put_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError> {
        let (hash, artifact) = (*hash, artifact.to_owned());
        self.read(move |database, _| database.put_program(hash, artifact)).await
    }

    async fn program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError> {
        let hash = *hash;
        self.read(move |database, _| database.program(&hash)).await
    }

    async fn claim(&self, scope: Scope) -> Result<Claim, StoreError> {
        let (worker, world) = (self.worker, self.world.clone());
        self.call(Call::Lease, move |database, now| {
            let claim = database.claim(scope, worker, now);
            if matches!(claim, Claim::Granted(_)) {
                world.let_go();
            }
            Ok(claim)
        })
        .await
    }

    async fn in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        let mut leases = leases.to_owned();
        self.read(move |database, _| {
            leases.retain(|lease| database.is_in_force(lease));
            leases
        })
        .await
    }

    async fn release(&self, leases: &[Lease]) -> Result<(), StoreError> {
        let leases = leases.to_owned();
        self.call(Call::Lease, move |database, _| {
            database.release(&leases);
            Ok(())
        })
        .await
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let worker = self.worker;
        self.call(Call::Lease, move |database, now| {
            database.hear(worker, now);
            Ok(())
        })
        .await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), StoreError> {
        let (writes, worker) = (writes.to_owned(), self.worker);
        self.call(Call::Write, move |database, now| database.commit(&writes, worker, now)).await
    }

    async fn load(&self, instances: &[InstanceId]) -> Result<Vec<StoredInstance>, StoreError> {
        let ids = instances.to_owned();
        self.read(move |database, _| ids.iter().filter_map(|id| database.load(*id)).collect()).await
    }

    async fn children(&self, roots: &[InstanceId]) -> Result<Vec<InstanceId>, StoreError> {
        let roots = roots.to_owned();
        self.read(move |database, _| database.children(&roots)).await
    }

    async fn runnable(&self, scope: Scope, horizon: Timestamp) -> Result<Vec<InstanceId>, StoreError> {
        self.read(move |database, now| database.runnable(scope, horizon.0, now)).await
    }

    async fn inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError> {
        let scopes = scopes.to_owned();
        self.read(move |database, _| database.messages(&scopes)).await
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

    /// All at once, so that it takes no part in the weather.
    async fn forget(&self, before: Timestamp, _at_most: u32) -> Result<u64, StoreError> {
        self.reach().await;
        Ok(self.world.database().forget(before.0))
    }

    async fn reply(&self, id: Uuid, instance: InstanceId) -> Result<Option<ReplyRow>, StoreError> {
        self.read(move |database, _| {
            database.replies.iter().find(|row| row.id == id && row.instance == instance).cloned()
        })
        .await
    }

    async fn wait(&self, timeout_ms: u64) -> Result<(), StoreError> {
        let timeout = Duration::from_millis(timeout_ms);
        let spurious = self.world.weather().spurious(self.world.now());
        let patience = spurious.unwrap_or(timeout).min(timeout);
        // Woken or not, whoever waits looks.
        let _ = tokio::time::timeout(patience, self.woken.notified()).await;
        self.reach().await;
        Ok(())
    }

    async fn begin_step(&self, step: Step) -> Result<Begun, StoreError> {
        let taken = self.call(Call::Read, move |database, _| {
            database.fence(&step.lease, step.root)?;
            Ok(database.completion(step.key))
        });
        Ok(match taken.await? {
            Some(row) => Begun::Taken(row),
            None => {
                let client = self.me.upgrade().expect("it is asked");
                Begun::Open(Box::new(Transaction::new(client, step)))
            }
        })
    }

    async fn settle(&self, step: Step, tombstone: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        let outcome = tombstone.to_owned();
        self.call(Call::Write, move |database, now| {
            database.fence(&step.lease, step.root)?;
            let (at, key, instance) = (Timestamp(now), step.key, step.instance);
            Ok(database.complete(CompletionRow { key, instance, at, outcome }))
        })
        .await
    }

    async fn find(&self, name: &str) -> Result<Option<InstanceRow>, StoreError> {
        let name = name.to_owned();
        self.read(move |database, _| database.find(&name).cloned()).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<InstanceRow>, StoreError> {
        let status = filter.status;
        self.read(move |database, _| database.has_status(status)).await
    }

    async fn history(
        &self,
        instance: InstanceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        self.read(move |database, _| {
            let rows = database.instances.get(&instance).map(|rows| rows.history.as_slice());
            let after = rows.unwrap_or_default().iter().filter(|row| row.sequence > after);
            after.take(limit as usize).cloned().collect()
        })
        .await
    }

    async fn owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError> {
        self.read(move |database, now| database.owner(root, now).map(database::owner)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        let worker = self.worker;
        self.call(Call::Lease, move |database, _| {
            database.leave(worker);
            Ok(())
        })
        .await
    }
}
