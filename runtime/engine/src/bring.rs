//! Bringing stored trees of instances to memory: at recovery, when they are due, and when something came for them.

use crate::actor::{self, Beginning};
use crate::attempts::decode_outcome;
use crate::clock::nanos;
use crate::core::Core;
use crate::error::EngineError;
use crate::lease::Pauses;
use crate::platform;
use crate::registry::Arrival;
use flow_machine::event::Message;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{CompletionRow, InboxRow, StoredInstance};
use flow_machine::{Instance, LoadError, Tree};
use flow_mir::{Executor, Limits};
use flow_store::{Scope, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many trees are loaded by one question to the store.
const CHUNK: usize = 128;

impl Core {
    /// Loads what a scope has to do until the horizon.
    pub(crate) async fn bring_runnable(self: &Arc<Self>, scope: Scope) -> Result<usize, StoreError> {
        let horizon = self.clock.now().plus(nanos(self.options.horizon));
        let runnable = self.store.runnable(scope, horizon).await?;
        self.bring(scope, &runnable).await?;
        Ok(runnable.len())
    }

    /// Loads trees of a scope that is ours, by their roots, and puts them to work.
    pub(crate) async fn bring(
        self: &Arc<Self>,
        scope: Scope,
        wanted: &[InstanceId],
    ) -> Result<(), StoreError> {
        let missing = |id: &&InstanceId| !self.registry.contains(**id) && !self.registry.is_broken(**id);
        let missing: Vec<InstanceId> = wanted.iter().filter(missing).copied().collect();
        for chunk in missing.chunks(CHUNK) {
            let read_until = self.clock.certainly();
            for tree in self.load_trees(chunk).await? {
                self.take_up(scope, tree, read_until).await?;
            }
        }
        Ok(())
    }

    /// The rows of whole trees: the root first, then the children that have not ended.
    async fn load_trees(&self, roots: &[InstanceId]) -> Result<Vec<Vec<StoredInstance>>, StoreError> {
        let mut wanted = roots.to_vec();
        wanted.extend(self.store.children(roots).await?);
        let mut trees: BTreeMap<InstanceId, Vec<StoredInstance>> = BTreeMap::new();
        for stored in self.store.load(&wanted).await? {
            trees.entry(stored.row.root).or_default().push(stored);
        }
        Ok(trees.into_values().collect())
    }

    /// As `bring`, in the background and until the store answers.
    pub(crate) fn bring_soon(self: &Arc<Self>, scope: Scope, instance: InstanceId) {
        let core = self.clone();
        tokio::spawn(async move {
            let mut pauses = Pauses::new(core.options.longest_pause);
            while core.leases.get(scope).is_some() && !core.is_closing() {
                match core.bring(scope, &[instance]).await {
                    Ok(()) => return,
                    Err(_) => tokio::time::sleep(pauses.next()).await,
                }
            }
        });
    }

    async fn take_up(
        self: &Arc<Self>,
        scope: Scope,
        tree: Vec<StoredInstance>,
        read_until: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(root) = tree.first() else { return Ok(()) };
        let id = root.row.root;
        if root.row.status.is_final() {
            return Ok(());
        }
        let executor = match self.programs.get(&root.row.program, &root.row.name).await {
            Ok(executor) => executor,
            Err(EngineError::Store(error @ StoreError::Unavailable { .. })) => return Err(error),
            Err(error) => {
                self.broken(id, error.to_string());
                return Ok(());
            }
        };
        let name = root.row.name.clone();
        match self.beginning(scope, (name, id), tree, executor, read_until) {
            Ok(beginning) => actor::spawn(self, beginning),
            Err(error) => self.broken(id, error.to_string()),
        }
        Ok(())
    }

    /// What came while nobody owned it is merged by time with its deadlines; then it recovers.
    fn beginning(
        &self,
        scope: Scope,
        (name, id): (String, InstanceId),
        mut stored: Vec<StoredInstance>,
        executor: Arc<dyn Executor>,
        read_until: Timestamp,
    ) -> Result<Beginning, EngineError> {
        let reading = self.inbox.started();
        let mut arrivals: Vec<Arrival> = Vec::new();
        for one in &mut stored {
            arrivals.extend(std::mem::take(&mut one.completions).into_iter().map(completion));
            arrivals.extend(one.inbox.iter().filter_map(|row| message(row, reading)));
        }
        arrivals.sort_by_key(|arrival| arrival.at);
        let limited = self.limited(&executor);
        let limits = Limits { heap_words: self.options.heap_words, ..Limits::default() };
        let tree = loading(name, id, || Tree::load(stored, &limits, &limited))?;
        Ok(Beginning { scope, tree, executor, actions: Vec::new(), arrivals, recovering: true, read_until })
    }
}

/// A stored instance as it is, for looking at it.
pub(crate) fn load(
    stored: StoredInstance,
    heap_words: usize,
    executor: &dyn Executor,
) -> Result<Instance, EngineError> {
    let limits = Limits { heap_words, ..Limits::default() };
    let (name, id) = (stored.row.name.clone(), stored.row.id);
    loading(name, id, || Instance::load(stored, &limits, executor))
}

fn loading<T>(
    name: String,
    id: InstanceId,
    load: impl FnOnce() -> Result<T, LoadError>,
) -> Result<T, EngineError> {
    let damaged = |reason: String| EngineError::Damaged { name, id, reason };
    let loaded = platform::compute(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(load)));
    match loaded {
        Ok(Ok(loaded)) => Ok(loaded),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("flow itself made a mistake with it; please report it".into())),
    }
}

/// The attempt number is unknown, and no matter: an answer from any attempt counts.
fn completion(row: CompletionRow) -> Arrival {
    let outcome = decode_outcome(&row.outcome);
    Arrival { settles: Some(row.key), ..Arrival::call_ended(row.instance, row.at, row.key, 0, outcome, true) }
}

/// Messages that can't be read are dropped by the next reading of the inbox.
fn message(row: &InboxRow, reading: u64) -> Option<Arrival> {
    let message: Message = serde_json::from_slice(&row.message).ok()?;
    Some(Arrival::message(row, message, reading))
}
