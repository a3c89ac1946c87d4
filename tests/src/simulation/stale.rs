//! Owners that were taken for dead and do not know: what they still want to write must be refused.

use super::Simulation;
use super::mirror::OldLease;
use flow_machine::Tree;
use flow_machine::event::{Event, Message};
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::Changes;
use std::collections::BTreeMap;

/// What such an owner has in memory of one tree.
pub(super) struct Stale {
    root: InstanceId,
    /// The lease that it goes on with.
    token: u64,
    old: Option<OldLease>,
    /// The commit that it was about to make.
    unwritten: Option<Changes>,
    tree: Tree,
    /// What it hears yet.
    hears: Vec<(InstanceId, Event)>,
}

impl Simulation<'_> {
    /// Keeps the memory of an owner that is being replaced.
    pub(super) fn cut_off(
        &mut self,
        trees: BTreeMap<InstanceId, Tree>,
        mut unwritten: Option<(InstanceId, Changes)>,
    ) {
        for (root, tree) in trees {
            let of_tree = |flight: &&super::attempt::Flight| {
                self.store.row(flight.instance).is_some_and(|row| row.root == root)
            };
            let hears =
                self.flights.iter().filter(of_tree).map(|flight| (flight.instance, flight.event())).collect();
            let unwritten = unwritten.take_if(|(of, _)| *of == root).map(|(_, changes)| changes);
            let old = self.mirror.as_ref().and_then(|mirror| mirror.old_lease(root));
            let token = self.store.token(root);
            self.stale.push(Stale { root, token, old, unwritten, tree, hears });
        }
    }

    /// Lets those that have been replaced try to write once; then they know.
    pub(super) fn wake_stale_owners(&mut self) {
        for mut stale in std::mem::take(&mut self.stale) {
            if self.store.token(stale.root) == stale.token || !self.faults.stale_owner_wakes() {
                // Nobody has claimed it yet, or it sleeps on.
                self.stale.push(stale);
                continue;
            }
            let changes = self.what_it_writes(&mut stale);
            if changes.is_empty() {
                continue;
            }
            let refused = self.store.commit(stale.token, stale.root, changes.clone());
            assert!(refused.is_err(), "an owner that was replaced has written to {:?}", stale.root);
            if let (Some(mirror), Some(old)) = (&mut self.mirror, stale.old) {
                mirror.refuses(old, stale.root, changes);
            }
        }
    }

    fn what_it_writes(&self, stale: &mut Stale) -> Changes {
        if let Some(changes) = stale.unwritten.take() {
            return changes;
        }
        let executor = self.executor.clone();
        let now = Timestamp(self.now);
        let timer =
            stale.tree.next_timer().map(|(_, instance, id)| (instance, Event::Timer { id: id.to_owned() }));
        let cancel = (stale.root, Event::Message { inbox: None, message: Message::Cancel });
        let (instance, event) = stale.hears.pop().or(timer).unwrap_or(cancel);
        stale.tree.apply(executor.as_ref(), now, instance, event);
        stale.tree.take(executor.as_ref()).changes
    }
}
