//! Bringing stored instances to memory: at recovery, when they are due, and when something came for them.

use crate::actor::{self, Beginning};
use crate::attempts::decode_outcome;
use crate::clock::nanos;
use crate::core::Core;
use crate::error::EngineError;
use crate::lease::Pauses;
use crate::registry::Arrival;
use flow_machine::Instance;
use flow_machine::event::Message;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{CompletionRow, InboxRow, StoredInstance};
use flow_mir::{Executor, Limits};
use flow_store::{Scope, StoreError};
use std::sync::Arc;

/// How many instances are loaded by one question to the store.
const CHUNK: usize = 128;

impl Core {
    /// Loads what a scope has to do until the horizon.
    pub(crate) async fn bring_runnable(self: &Arc<Self>, scope: Scope) -> Result<usize, StoreError> {
        let horizon = self.clock.now().plus(nanos(self.options.horizon));
        let runnable = self.store.runnable(scope, horizon).await?;
        self.bring(scope, &runnable).await?;
        Ok(runnable.len())
    }

    /// Loads instances of a scope that is ours and puts them to work.
    pub(crate) async fn bring(
        self: &Arc<Self>,
        scope: Scope,
        wanted: &[InstanceId],
    ) -> Result<(), StoreError> {
        let missing = |id: &&InstanceId| !self.registry.contains(**id) && !self.registry.is_broken(**id);
        let missing: Vec<InstanceId> = wanted.iter().filter(missing).copied().collect();
        for chunk in missing.chunks(CHUNK) {
            let read_until = self.clock.certainly();
            for stored in self.store.load(chunk).await? {
                self.take_up(scope, stored, read_until).await?;
            }
        }
        Ok(())
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
        stored: StoredInstance,
        read_until: Timestamp,
    ) -> Result<(), StoreError> {
        let id = stored.row.id;
        if stored.row.status.is_final() {
            if !stored.inbox.is_empty() {
                self.consume(scope, id, stored.inbox.iter().map(|row| row.id).collect()).await;
            }
            return Ok(());
        }
        let executor = match self.programs.get(&stored.row.program, &stored.row.name).await {
            Ok(executor) => executor,
            Err(EngineError::Store(error @ StoreError::Unavailable { .. })) => return Err(error),
            Err(error) => {
                self.broken(id, error.to_string());
                return Ok(());
            }
        };
        match self.beginning(scope, stored, executor, read_until) {
            Ok(beginning) => actor::spawn(self, beginning),
            Err(error) => self.broken(id, error.to_string()),
        }
        Ok(())
    }

    /// What came while nobody owned it is merged by time with its deadlines; then it recovers.
    fn beginning(
        &self,
        scope: Scope,
        mut stored: StoredInstance,
        executor: Arc<dyn Executor>,
        read_until: Timestamp,
    ) -> Result<Beginning, EngineError> {
        let reading = self.inbox.started();
        let completions = std::mem::take(&mut stored.completions).into_iter().map(completion);
        let mut arrivals: Vec<Arrival> = completions.collect();
        arrivals.extend(stored.inbox.iter().filter_map(|row| message(row, reading)));
        arrivals.sort_by_key(|arrival| arrival.at);
        let instance = load(stored, self.options.heap_words, &self.limited(&executor))?;
        Ok(Beginning {
            scope,
            instance,
            executor,
            actions: Vec::new(),
            arrivals,
            recovering: true,
            read_until,
        })
    }
}

/// A stored instance as it is, for going on with it or for looking at it.
pub(crate) fn load(
    stored: StoredInstance,
    heap_words: usize,
    executor: &dyn Executor,
) -> Result<Instance, EngineError> {
    let limits = Limits { heap_words, ..Limits::default() };
    let (name, id) = (stored.row.name.clone(), stored.row.id);
    let damaged = |reason: String| EngineError::Damaged { name, id, reason };
    let loaded = tokio::task::block_in_place(|| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Instance::load(stored, &limits, executor)))
    });
    match loaded {
        Ok(Ok(instance)) => Ok(instance),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("flow itself made a mistake with it; please report it".into())),
    }
}

/// The attempt number is unknown, and no matter: an answer from any attempt counts.
fn completion(row: CompletionRow) -> Arrival {
    let outcome = decode_outcome(&row.outcome);
    Arrival { settles: Some(row.key), ..Arrival::call_ended(row.at, row.key, 0, outcome, true) }
}

/// Messages that can't be read are dropped by the next reading of the inbox.
fn message(row: &InboxRow, reading: u64) -> Option<Arrival> {
    let message: Message = serde_json::from_slice(&row.message).ok()?;
    Some(Arrival::message(row.at, row.id, message, reading))
}
