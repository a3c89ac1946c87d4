//! A real store beside the simulated one: it gets every commit, and what an owner loads comes from it.

use super::Simulation;
use super::stored;
use flow_machine::event::Message;
use flow_machine::ids::InstanceId;
use flow_machine::rows::{Changes, InboxRow, StoredInstance};
use flow_store::{Claim, Lease, Scope, Store, StoreError, Write};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A lease that has been given to another.
#[derive(Clone, Copy)]
pub(super) struct OldLease(Lease);

/// A process's connection to a store. When the process dies the next one opens the store anew and claims what it goes on
/// with under new tokens.
pub struct Mirror {
    runtime: Runtime,
    url: String,
    store: Arc<dyn Store>,
    leases: HashMap<InstanceId, Lease>,
}

impl Mirror {
    /// Opens the empty store at an address.
    pub fn open(url: &str) -> Mirror {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let store = runtime.block_on(flow_store::connect(url)).expect("the store opens");
        runtime.block_on(store.put_program(&Simulation::PROGRAM, &[0])).expect("the program is kept");
        Mirror { runtime, url: url.into(), store, leases: HashMap::new() }
    }

    /// The process has died: its connections are gone, and another one opens the store.
    pub(super) fn reopen(&mut self) {
        self.leases.clear();
        self.runtime.block_on(self.store.close()).expect("the store closes");
        self.store = self.runtime.block_on(flow_store::connect(&self.url)).expect("the store opens");
    }

    /// Takes the right to write to a tree; whoever had it is gone or has been replaced.
    pub(super) fn claim(&mut self, root: InstanceId) {
        let claim = self.runtime.block_on(self.store.claim(Scope::Tree(root))).expect("the claim");
        let Claim::Granted(lease) = claim else { panic!("the former owner is gone, yet holds {root:?}") };
        self.leases.insert(root, lease);
    }

    /// The right that an owner has who is about to be replaced.
    pub(super) fn old_lease(&self, root: InstanceId) -> Option<OldLease> {
        self.leases.get(&root).copied().map(OldLease)
    }

    /// Writes a transition of the tree with this root.
    pub(super) fn commit(&mut self, root: InstanceId, changes: &Changes) {
        let lease = self.leases.get(&root).copied().expect("the tree is owned");
        let write = Write { lease, root, changes: changes.clone() };
        self.runtime.block_on(self.store.commit(&[write])).expect("the commit");
    }

    /// Tries to write under a lease that is another's by now: that is refused.
    pub(super) fn refuses(&mut self, old: OldLease, root: InstanceId, changes: Changes) {
        let write = Write { lease: old.0, root, changes };
        let refused = self.runtime.block_on(self.store.commit(&[write]));
        assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "an old lease: {refused:?}");
    }

    /// Puts a message into the inbox, once.
    pub(super) fn send(&self, id: Uuid, to: InstanceId, message: &Message) {
        let message = serde_json::to_vec(message).expect("a message is JSON");
        self.runtime.block_on(self.store.send(id, to, &message)).expect("the message is accepted");
    }

    /// Whole instances as the store gives them: they are those that were written.
    pub(super) fn load(&self, model: &stored::Store, expected: Vec<StoredInstance>) -> Vec<StoredInstance> {
        let ids: Vec<InstanceId> = expected.iter().map(|one| one.row.id).collect();
        let mut loaded = self.runtime.block_on(self.store.load(&ids)).expect("the rows");
        for one in &mut loaded {
            let of_it = model.inbox.iter().filter(|letter| letter.to == one.row.id);
            let waiting: Vec<Uuid> = of_it.map(|letter| letter.id).collect();
            let found: Vec<Uuid> = one.inbox.drain(..).map(|row| row.id).collect();
            assert_eq!(found, waiting, "what waits in the store's inbox");
        }
        for (one, written) in loaded.iter_mut().zip(&expected) {
            // Deadlines have no order.
            one.timers.sort_by(|one, other| one.id.cmp(&other.id));
            assert_eq!(one.timers, written.timers, "deadlines");
            assert_eq!(one.strands, written.strands, "strands");
            assert_eq!(one.compensations, written.compensations, "compensations");
            assert_eq!(one, written, "the store gives other rows than it was given");
        }
        assert_eq!(loaded.len(), expected.len(), "the store gives other instances than it was given");
        loaded
    }

    /// At the end: rows, history, what waits and what was answered are those that were written.
    pub(super) fn holds_all_of(&mut self, model: &stored::Store) {
        for (id, rows) in &model.instances {
            self.load(model, rows.stored().into_iter().collect());
            let history = self.runtime.block_on(self.store.history(*id, 0, u32::MAX)).expect("the history");
            assert_eq!(history, rows.history, "the store gives another history than it was given");
        }
        for reply in &model.replies {
            let found = self.runtime.block_on(self.store.reply(reply.id, reply.instance)).expect("the reply");
            assert_eq!(found.as_ref(), Some(reply), "the store gives another answer than it was given");
        }
        for root in self.leases.keys() {
            self.reads(*root, &model.letters(*root));
        }
    }

    /// What waits for a tree is what was sent to it and not consumed.
    pub(super) fn reads(&self, root: InstanceId, letters: &[stored::Letter]) {
        let waiting = self.runtime.block_on(self.store.inbox(&[Scope::Tree(root)])).expect("the inbox");
        assert!(waiting.is_sorted_by_key(|row| row.at), "the oldest message comes first");
        let message =
            |row: &InboxRow| serde_json::from_slice::<Message>(&row.message).expect("a message is JSON");
        let found: BTreeMap<Uuid, _> =
            waiting.iter().map(|row| (row.id, (row.instance, message(row)))).collect();
        let sent: BTreeMap<Uuid, _> =
            letters.iter().map(|one| (one.id, (one.to, one.message.clone()))).collect();
        assert_eq!(found, sent, "what waits in the store's inbox");
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        _ = self.runtime.block_on(self.store.close());
    }
}
