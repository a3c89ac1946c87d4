//! What all parts of an engine share.

use crate::clock::Clock;
use crate::error::EngineError;
use crate::events::{EngineEvent, Notice, Speaker};
use crate::inbox::Inbox;
use crate::lease::Leases;
use crate::options::Options;
use crate::programs::Programs;
use crate::registry::Registry;
use crate::watchdog::{LimitedExecutor, Watchdog};
use flow_activity::{Bounds, Runner};
use flow_machine::ids::InstanceId;
use flow_machine::rows::{HistoryRow, InstanceRow};
use flow_mir::Executor;
use flow_store::{Filter, GroupCommitter, Store, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};

/// What all parts of an engine share.
pub(crate) struct Core {
    pub store: Arc<dyn Store>,
    /// All commits go through it, so that many instances share one flush.
    pub committer: GroupCommitter,
    pub options: Options,
    pub clock: Clock,
    pub programs: Programs,
    pub leases: Arc<Leases>,
    pub registry: Registry,
    pub speaker: Speaker,
    pub inbox: Inbox,
    pub permits: Arc<Semaphore>,
    pub watchdog: Arc<Watchdog>,
    pub runner: Runner,
    pub closing: watch::Sender<bool>,
    /// Instances that run elsewhere and that this process goes on with if their process dies.
    joined: Mutex<HashSet<InstanceId>>,
}

impl Core {
    pub(crate) async fn open(store: Arc<dyn Store>, options: Options) -> Result<Arc<Core>, StoreError> {
        let speaker = Speaker::default();
        let leases = Leases::new(store.clone(), speaker.clone(), &options);
        let bounds = Bounds { heap_words: options.heap_words, ..Bounds::default() };
        Ok(Arc::new(Core {
            committer: GroupCommitter::start(store.clone(), store.writers()),
            clock: Clock::open(store.as_ref(), options.platform.clone()).await?,
            programs: Programs::new(store.clone(), options.executor),
            leases: Arc::new(leases),
            registry: Registry::default(),
            speaker,
            inbox: Inbox::default(),
            permits: Arc::new(Semaphore::new(options.max_attempts.clamp(1, Semaphore::MAX_PERMITS))),
            watchdog: Arc::new(Watchdog::new(options.step_limit)),
            runner: Runner::new(options.surroundings.clone(), options.connectors.clone(), bounds),
            closing: watch::Sender::new(false),
            joined: Mutex::default(),
            options,
            store,
        }))
    }

    /// Returns when the engine is being closed.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives as long as `self`.
        let _ = closing.wait_for(|closing| *closing).await;
    }

    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Instances to go on with when their processes die.
    pub(crate) fn joined(&self) -> MutexGuard<'_, HashSet<InstanceId>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An executor for one step, or one attempt, under the watchdog.
    pub(crate) fn limited(&self, executor: &Arc<dyn Executor>) -> LimitedExecutor {
        LimitedExecutor::new(executor.clone(), self.watchdog.clone())
    }

    /// Tells whoever listens what has been committed.
    pub(crate) fn publish(&self, names: &HashMap<InstanceId, Arc<str>>, history: &[HistoryRow]) {
        if !self.speaker.is_heard() {
            return;
        }
        for row in history {
            let Some(name) = names.get(&row.instance) else { continue };
            // An event of a newer flow can't be shown here; it is in the store.
            if let Ok(event) = serde_json::from_slice(&row.event) {
                self.speaker.say(EngineEvent::Committed {
                    instance: row.instance,
                    name: name.clone(),
                    sequence: row.sequence,
                    at: row.at,
                    event,
                });
            }
        }
    }

    /// Reports an instance that can't go on, once, and leaves it alone from now on.
    pub(crate) fn broken(&self, instance: InstanceId, reason: String) {
        if self.registry.mark_broken(instance) {
            self.speaker.notice(Notice::InstanceBroken { instance, reason });
        }
    }

    /// The row of an instance by its user's id.
    pub(crate) async fn find(&self, name: &str) -> Result<InstanceRow, EngineError> {
        let row = self.store.find(name).await?;
        row.ok_or_else(|| EngineError::Unknown { name: name.to_owned() })
    }

    /// The row of an instance by its identity.
    pub(crate) async fn row(&self, instance: InstanceId) -> Result<InstanceRow, EngineError> {
        let stored = self.store.load(&[instance]).await?.into_iter().next().map(|stored| stored.row);
        match stored {
            Some(row) => Ok(row),
            // Some stores load only what can go on.
            None => {
                let rows = self.store.list(&Filter::default()).await?;
                let row = rows.into_iter().find(|row| row.id == instance);
                row.ok_or_else(|| EngineError::Unknown { name: instance.to_string() })
            }
        }
    }
}
