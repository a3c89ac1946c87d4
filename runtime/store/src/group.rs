//! Group commit without timers: what queued up during the last commit is the next batch, so an idle store commits at once
//! and a busy one writes many transitions per flush.

use crate::{Store, StoreError, Write};
use flow_machine::ids::InstanceId;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

/// The most writes in one batch.
const BATCH: usize = 256;

/// Gathers writes into batches. Writes of one tree go through the same writer, in the order they came; no two writes of
/// one instance are in one batch.
#[derive(Clone, Debug)]
pub struct GroupCommitter {
    queues: Vec<mpsc::UnboundedSender<Queued>>,
    tasks: Vec<AbortHandle>,
}

#[derive(Debug)]
struct Queued {
    write: Write,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl GroupCommitter {
    /// Starts the writers (at least one), as many as [`Store::writers`] says. They end when all clones are dropped and the
    /// queues are empty, or at [`stop`](GroupCommitter::stop). Needs a tokio runtime.
    pub fn start(store: Arc<dyn Store>, writers: usize) -> GroupCommitter {
        let (queues, tasks) = (0..writers.max(1))
            .map(|_| {
                let (sender, queue) = mpsc::unbounded_channel();
                (sender, tokio::spawn(write_batches(store.clone(), queue)).abort_handle())
            })
            .unzip();
        GroupCommitter { queues, tasks }
    }

    /// Ends the writers, even in the middle of a commit, so that one that never ends does not keep the store open. What is
    /// queued is not written; what became of a commit in flight is unknown.
    pub fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }

    /// Commits a write with others; returns when it is durable, or why it is not. Once called, the write is made even
    /// where the answer is no longer awaited, unless the writers are stopped.
    pub async fn commit(&self, write: Write) -> Result<(), StoreError> {
        let (answer, committed) = oneshot::channel();
        let writer = usize::from(write.root.shard()) % self.queues.len().max(1);
        let sent = self.queues.get(writer).is_some_and(|queue| queue.send(Queued { write, answer }).is_ok());
        if !sent {
            return Err(stopped());
        }
        committed.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable {
        store: "of this process".into(),
        reason: "the committing task has stopped".into(),
    }
}

async fn write_batches(store: Arc<dyn Store>, mut queue: mpsc::UnboundedReceiver<Queued>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(first) => waiting.push_back(first),
                None => return,
            }
        }
        while let Ok(next) = queue.try_recv() {
            waiting.push_back(next);
        }
        let batch = next_batch(&mut waiting);
        commit_batch(store.as_ref(), batch).await;
    }
}

/// The oldest writes, none of an instance that has one in the batch, or waiting before it, already.
fn next_batch(waiting: &mut VecDeque<Queued>) -> Vec<Queued> {
    let mut touched = HashSet::new();
    let mut batch = Vec::new();
    let mut later = VecDeque::new();
    while let Some(queued) = waiting.pop_front() {
        let instances = instances(&queued.write);
        let free = instances.iter().all(|instance| !touched.contains(instance));
        touched.extend(instances);
        if free && batch.len() < BATCH {
            batch.push(queued);
        } else {
            later.push_back(queued);
        }
        if batch.len() == BATCH {
            break;
        }
    }
    later.append(waiting);
    *waiting = later;
    batch
}

/// Whose rows a write changes.
fn instances(write: &Write) -> BTreeSet<InstanceId> {
    let mut found = write.changes.instances();
    if found.is_empty() {
        found.insert(write.root);
    }
    found
}

/// Commits a batch. One that is refused is halved until only the guilty writes fail; a broken store fails them all.
async fn commit_batch(store: &dyn Store, batch: Vec<Queued>) {
    let mut parts = VecDeque::from([batch]);
    while let Some(mut part) = parts.pop_front() {
        // By instance, so that concurrent writers lock rows in the same order.
        part.sort_by_key(|queued| queued.write.root);
        let (writes, answers): (Vec<_>, Vec<_>) =
            part.into_iter().map(|queued| (queued.write, queued.answer)).unzip();
        let result = store.commit(&writes).await;
        let rejected = matches!(&result, Err(error) if !matches!(error, StoreError::Unavailable { .. }));
        if rejected && writes.len() > 1 {
            let mut first: Vec<Queued> =
                writes.into_iter().zip(answers).map(|(write, answer)| Queued { write, answer }).collect();
            let second = first.split_off(first.len() / 2);
            parts.push_front(second);
            parts.push_front(first);
            continue;
        }
        for answer in answers {
            // Whoever asked may be gone; the write is made all the same.
            let _ = answer.send(result.clone());
        }
    }
}
