//! Messages from outside: read whole whenever something may have come, and handed to the instances they are for.

use crate::core::Core;
use crate::lease::Pauses;
use crate::registry::{Arrival, Mail};
use flow_machine::event::Message;
use flow_machine::ids::InstanceId;
use flow_machine::rows::{Changes, InboxRow};
use flow_store::{Scope, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// The slow poll behind the store's wake-ups.
const POLL_MS: u64 = 1_000;

/// Readings of the inbox, numbered.
#[derive(Default)]
pub(crate) struct Inbox {
    started: AtomicU64,
    done: watch::Sender<u64>,
    wanted: Notify,
}

impl Inbox {
    /// How many readings have begun: a later one cannot see what is consumed now.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::SeqCst)
    }

    /// Returns when a reading that began after this call is complete, its messages delivered.
    pub(crate) async fn fresh(&self) {
        let target = self.started() + 1;
        self.wanted.notify_one();
        // The sender lives as long as `self`.
        let _ = self.done.subscribe().wait_for(|done| *done >= target).await;
    }

    /// Asks for a reading.
    pub(crate) fn look(&self) {
        self.wanted.notify_one();
    }
}

/// Waits for the store's wake-ups, for ever.
pub(crate) async fn listen(core: Arc<Core>) {
    let mut pauses = Pauses::new(core.options.longest_pause);
    loop {
        match core.store.wait(POLL_MS).await {
            Ok(()) => pauses = Pauses::new(core.options.longest_pause),
            Err(_) => tokio::time::sleep(pauses.next()).await,
        }
        core.inbox.look();
    }
}

/// Reads whenever it is asked to, for ever. While the store can't be reached a reading goes on trying; who owns what is
/// settled by the leases.
pub(crate) async fn read(core: Arc<Core>) {
    loop {
        core.inbox.wanted.notified().await;
        let number = core.inbox.started.fetch_add(1, Ordering::SeqCst) + 1;
        let mut pauses = Pauses::new(core.options.longest_pause);
        while let Err(_unreachable) = read_once(&core, number).await {
            tokio::time::sleep(pauses.next()).await;
        }
        core.inbox.done.send_replace(number);
    }
}

async fn read_once(core: &Arc<Core>, number: u64) -> Result<(), StoreError> {
    let scopes = core.leases.scopes();
    if scopes.is_empty() {
        return Ok(());
    }
    let mut asleep = BTreeSet::new();
    for row in core.store.inbox(&scopes).await? {
        let root = row.root;
        let delivered = match serde_json::from_slice::<Message>(&row.message) {
            Ok(message) => {
                let arrival = Arrival::message(&row, message, number);
                core.registry.send(root, Mail::Arrival(arrival))
            }
            Err(error) => {
                core.drop_message(&row, &error.to_string()).await;
                true
            }
        };
        if !delivered && !core.registry.is_broken(root) {
            asleep.insert(root);
        }
    }
    for root in asleep {
        // Loading it reads its messages again, so none is lost between.
        if let Some(scope) = core.leases.covering(root) {
            core.bring(scope, &[root]).await?;
        }
    }
    Ok(())
}

impl Core {
    /// What waits for a tree, for its owner alone.
    pub(crate) async fn letters(&self, root: InstanceId) -> Vec<InboxRow> {
        let mut pauses = Pauses::new(self.options.longest_pause);
        loop {
            match self.store.inbox(&[Scope::Tree(root)]).await {
                Ok(rows) => return rows,
                Err(_unreachable) => tokio::time::sleep(pauses.next()).await,
            }
        }
    }

    /// A message that nobody can read is taken out, so that it is not read for ever.
    async fn drop_message(&self, row: &InboxRow, reason: &str) {
        self.speaker.notice(crate::events::Notice::MessageDropped {
            instance: row.instance,
            reason: reason.to_owned(),
        });
        if let Some(scope) = self.leases.covering(row.root) {
            self.consume(scope, row.root, vec![row.id]).await;
        }
    }

    /// Takes messages out that nobody will read.
    pub(crate) async fn consume(&self, scope: Scope, root: InstanceId, messages: Vec<Uuid>) {
        let changes = Changes { delete_inbox: messages, ..Changes::default() };
        // Left there by a failure they are found again at the next reading.
        let _ = self.commit(scope, root, &changes).await;
    }

    /// Sends a message to an instance through its inbox.
    pub(crate) async fn post(&self, instance: InstanceId, message: &Message) -> Result<(), StoreError> {
        let text = serde_json::to_vec(message).unwrap_or_default();
        self.store.send(self.options.platform.new_id(), instance, &text).await
    }
}
