//! A real store beside the simulated one: it gets every commit, and what an owner loads comes from it.

use crate::simulation::Simulation;
use flow_machine::event::Message;
use flow_machine::ids::InstanceId;
use flow_machine::rows::{Changes, StoredInstance};
use flow_store::{Claim, Lease, Scope, Store, Write};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::runtime::Runtime;
use uuid::Uuid;

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
    pub(crate) fn reopen(&mut self) {
        self.leases.clear();
        self.runtime.block_on(self.store.close()).expect("the store closes");
        self.store = self.runtime.block_on(flow_store::connect(&self.url)).expect("the store opens");
    }

    /// Writes a transition of the tree with this root.
    pub(crate) fn commit(&mut self, root: InstanceId, changes: &Changes) {
        let lease = self.lease(root);
        let write = Write { lease, root, changes: changes.clone() };
        self.runtime.block_on(self.store.commit(&[write])).expect("the commit");
    }

    fn lease(&mut self, root: InstanceId) -> Lease {
        if let Some(lease) = self.leases.get(&root) {
            return *lease;
        }
        let claim = self.runtime.block_on(self.store.claim(Scope::Tree(root))).expect("the claim");
        let Claim::Granted(lease) = claim else { panic!("the former owner is gone, yet holds {root:?}") };
        *self.leases.entry(root).or_insert(lease)
    }

    /// Puts a message into the inbox, once.
    pub(crate) fn send(&self, id: Uuid, to: InstanceId, message: &Message) {
        let message = serde_json::to_vec(message).expect("a message is JSON");
        self.runtime.block_on(self.store.send(id, to, &message)).expect("the message is accepted");
    }

    /// Whole instances, as they are stored, without what waits in the inbox.
    pub(crate) fn load(&mut self, root: InstanceId, instances: &[InstanceId]) -> Vec<StoredInstance> {
        self.lease(root);
        let mut loaded = self.runtime.block_on(self.store.load(instances)).expect("the rows");
        loaded.iter_mut().for_each(|instance| instance.inbox.clear());
        loaded
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        _ = self.runtime.block_on(self.store.close());
    }
}
