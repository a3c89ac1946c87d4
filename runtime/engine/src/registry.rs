//! The trees of instances in memory, each behind its mailbox.

use flow_machine::event::{CallOutcome, Event, Message};
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{InboxRow, InstanceRow};
use flow_store::Scope;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// What an actor finds in its mailbox.
#[expect(clippy::large_enum_variant, reason = "nearly all mail is arrivals, which are moved, not kept")]
pub(crate) enum Mail {
    /// Something happened.
    Arrival(Arrival),
    /// Finish the commit in flight and leave; everything is resumable.
    Stop {
        /// Whether this process lives on: then it goes on with the attempts that run, and they report through the inbox.
        lives_on: bool,
    },
}

/// An event and the time when it was accepted.
pub(crate) struct Arrival {
    /// To which instance of the tree.
    pub instance: InstanceId,
    pub at: Timestamp,
    pub event: Event,
    /// The number of the reading of the inbox that brought it, if one did.
    pub reading: Option<u64>,
    /// Whether it settles a transactional call, whose completion row (if any) is taken with it.
    pub settles: Option<CallKey>,
}

impl Arrival {
    /// An attempt ended. A transactional call without an answer keeps its row: the next attempt has to find it.
    pub(crate) fn call_ended(
        instance: InstanceId,
        at: Timestamp,
        key: CallKey,
        attempt: u32,
        outcome: CallOutcome,
        transactional: bool,
    ) -> Arrival {
        let settled = transactional && !matches!(outcome, CallOutcome::Unknown { .. });
        let event = Event::CallEnded { key, attempt, outcome };
        Arrival { instance, at, event, reading: None, settles: settled.then_some(key) }
    }

    /// A message came.
    pub(crate) fn message(row: &InboxRow, message: Message, reading: u64) -> Arrival {
        let event = Event::Message { inbox: Some(row.id), message };
        Arrival { instance: row.instance, at: row.at, event, reading: Some(reading), settles: None }
    }
}

/// A tree of instances in memory.
pub(crate) struct Loaded {
    pub scope: Scope,
    pub mailbox: mpsc::UnboundedSender<Mail>,
    /// Its root's row as last committed.
    pub row: watch::Receiver<Arc<InstanceRow>>,
    pub task: Option<AbortHandle>,
}

/// All of them, by root.
#[derive(Default)]
pub(crate) struct Registry {
    loaded: Mutex<BTreeMap<InstanceId, Loaded>>,
    /// Those that could not be loaded: not tried again by this engine.
    broken: Mutex<HashSet<InstanceId>>,
    count: watch::Sender<usize>,
}

impl Registry {
    fn loaded(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an instance, unless it is there: then another caller was first.
    pub(crate) fn insert(&self, instance: InstanceId, loaded: Loaded) -> bool {
        let mut all = self.loaded();
        if all.contains_key(&instance) {
            return false;
        }
        all.insert(instance, loaded);
        self.count.send_replace(all.len());
        true
    }

    /// Tells which task runs it.
    pub(crate) fn runs(&self, instance: InstanceId, task: AbortHandle) {
        if let Some(loaded) = self.loaded().get_mut(&instance) {
            loaded.task = Some(task);
        }
    }

    /// Takes an instance out of memory.
    pub(crate) fn remove(&self, instance: InstanceId) {
        self.remove_if(instance, || true);
    }

    /// Takes it out if `idle` says so while nobody can send to it. Whether it is out.
    pub(crate) fn remove_if(&self, instance: InstanceId, idle: impl FnOnce() -> bool) -> bool {
        let mut all = self.loaded();
        let out = idle() && all.remove(&instance).is_some();
        self.count.send_replace(all.len());
        out
    }

    pub(crate) fn contains(&self, instance: InstanceId) -> bool {
        self.loaded().contains_key(&instance)
    }

    /// Its committed row, as it changes.
    pub(crate) fn row(&self, instance: InstanceId) -> Option<watch::Receiver<Arc<InstanceRow>>> {
        self.loaded().get(&instance).map(|loaded| loaded.row.clone())
    }

    /// The users' ids of the roots in memory that have not ended.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = self.loaded();
        let rows = all.values().map(|loaded| loaded.row.borrow().clone());
        rows.filter(|row| !row.status.is_final()).map(|row| row.name.clone()).collect()
    }

    /// Sends to an instance; false if it is not in memory.
    pub(crate) fn send(&self, instance: InstanceId, mail: Mail) -> bool {
        self.loaded().get(&instance).is_some_and(|loaded| loaded.mailbox.send(mail).is_ok())
    }

    /// Sends to all in memory, or to those of some scopes.
    pub(crate) fn send_all(&self, mail: impl Fn() -> Mail, wanted: impl Fn(Scope) -> bool) {
        for loaded in self.loaded().values().filter(|loaded| wanted(loaded.scope)) {
            // A closed mailbox belongs to an actor that is leaving.
            let _ = loaded.mailbox.send(mail());
        }
    }

    /// Ends the actors of some scopes at once: what they do is no longer ours to do.
    pub(crate) fn drop_where(&self, unwanted: impl Fn(Scope) -> bool) {
        let mut all = self.loaded();
        all.retain(|_, loaded| {
            let drop = unwanted(loaded.scope);
            if let (true, Some(task)) = (drop, &loaded.task) {
                task.abort();
            }
            !drop
        });
        self.count.send_replace(all.len());
    }

    /// Returns when none of a kind is in memory.
    pub(crate) async fn none_in(&self, scope: impl Fn(Scope) -> bool) {
        let mut count = self.count.subscribe();
        while self.loaded().values().any(|loaded| scope(loaded.scope)) {
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    /// Marks an instance as one that can't be loaded. Whether that is news.
    pub(crate) fn mark_broken(&self, instance: InstanceId) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).insert(instance)
    }

    pub(crate) fn is_broken(&self, instance: InstanceId) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).contains(&instance)
    }

    /// An operator asked for it: try again.
    pub(crate) fn forgive(&self, instance: InstanceId) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).remove(&instance);
    }
}
