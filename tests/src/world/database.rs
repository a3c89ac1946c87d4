//! What the simulated store holds: rows, leases, who lives. Each operation is one transaction, checked as a store checks it; what a
//! store may trust its writers with is a broken law here.

use crate::simulation::stored::{self, Rows};
use crate::trace::Trace;
use flow_machine::history::HistoryEvent;
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{
    Changes, CompletionRow, InboxRow, InstanceRow, ProgramHash, ReplyRow, Status, StoredInstance,
};
use flow_store::{Claim, Lease, Owner, Scope, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use uuid::Uuid;

/// A worker that was not heard of for so many nanoseconds is taken for dead.
pub(super) const EXPIRY: i64 = 10 * crate::simulation::SECOND;

/// A worker, as its row says.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// When it was heard of last.
    heard: i64,
    /// Its process is there: seen at once, as by a lock that dies with it.
    runs: bool,
}

/// Who has a scope.
#[derive(Clone, Copy, Debug)]
struct Held {
    token: Uuid,
    worker: Uuid,
}

/// All rows.
#[derive(Default)]
pub(super) struct Database {
    pub(super) instances: BTreeMap<InstanceId, Rows>,
    programs: BTreeMap<ProgramHash, Vec<u8>>,
    pub(super) inbox: Vec<InboxRow>,
    /// The request ids of the messages that were accepted, to whom they went, and when.
    requests: BTreeMap<Uuid, (InstanceId, i64)>,
    /// Request ids from before this time are forgotten.
    forgotten: i64,
    consumed: BTreeSet<Uuid>,
    pub(super) replies: Vec<ReplyRow>,
    completions: BTreeMap<CallKey, CompletionRow>,
    leases: BTreeMap<Scope, Held>,
    workers: BTreeMap<Uuid, Life>,
    tokens: u128,
    /// Which instance asked for a call, by its key.
    asked: BTreeMap<String, InstanceId>,
    /// Who recorded that a call is over, or, by its id, that an instance is.
    over: BTreeMap<String, Uuid>,
    /// What was accepted from outside, and when.
    pub(super) accepted: Vec<(InstanceId, i64, Vec<u8>)>,
    pub(super) transitions: usize,
    pub(super) trace: Trace,
    /// The laws that were broken.
    pub(super) broken: Vec<String>,
}

// --- Who owns what ---

impl Database {
    fn lives(life: Option<&Life>, now: i64) -> bool {
        life.is_some_and(|life| life.runs && now < life.heard + EXPIRY)
    }

    pub(super) fn is_alive(&self, worker: Uuid, now: i64) -> bool {
        Database::lives(self.workers.get(&worker), now)
    }

    /// A worker says that it lives; only one that has claimed something is known.
    pub(super) fn hear(&mut self, worker: Uuid, now: i64) {
        if let Some(life) = self.workers.get_mut(&worker) {
            life.heard = now;
        }
    }

    /// A process is gone.
    pub(super) fn bury(&mut self, worker: Uuid) {
        if let Some(life) = self.workers.get_mut(&worker) {
            life.runs = false;
        }
    }

    /// The living holder of exactly this scope.
    fn holder(&self, scope: Scope, now: i64) -> Option<Uuid> {
        self.leases.get(&scope).map(|held| held.worker).filter(|worker| self.is_alive(*worker, now))
    }

    /// Who has a tree, by its own lease or its shard's.
    pub(super) fn owner(&self, root: InstanceId, now: i64) -> Option<Uuid> {
        self.holder(Scope::Tree(root), now).or_else(|| self.holder(Scope::Shard(root.shard()), now))
    }

    pub(super) fn claim(&mut self, scope: Scope, worker: Uuid, now: i64) -> Claim {
        self.workers.entry(worker).or_insert(Life { heard: now, runs: true }).heard = now;
        if let Some(holder) = self.holder(scope, now).filter(|holder| *holder != worker) {
            return Claim::Held(owner(holder));
        }
        // A tree that exists and has no lease of its own belongs to its shard's owner.
        if let Scope::Tree(root) = scope
            && !self.leases.contains_key(&scope)
            && self.row(root).is_some()
            && let Some(holder) = self.holder(Scope::Shard(scope.shard()), now)
        {
            return Claim::Held(owner(holder));
        }
        self.tokens += 1;
        let token = Uuid::from_u128(self.tokens);
        self.leases.insert(scope, Held { token, worker });
        Claim::Granted(Lease { scope, token })
    }

    pub(super) fn release(&mut self, leases: &[Lease]) {
        for lease in leases {
            if self.is_in_force(lease) {
                self.leases.remove(&lease.scope);
            }
        }
    }

    /// A worker leaves in order.
    pub(super) fn leave(&mut self, worker: Uuid) {
        self.leases.retain(|_, held| held.worker != worker);
        self.workers.remove(&worker);
    }

    pub(super) fn is_in_force(&self, lease: &Lease) -> bool {
        self.leases.get(&lease.scope).is_some_and(|held| held.token == lease.token)
    }

    /// The fence: a write needs the scope's present token, and a shard's is none for a tree that is leased on its own.
    pub(super) fn fence(&self, lease: &Lease, root: InstanceId) -> Result<(), StoreError> {
        let carved = lease.scope != Scope::Tree(root) && self.leases.contains_key(&Scope::Tree(root));
        if !self.is_in_force(lease) || carved {
            return Err(StoreError::LeaseLost { scopes: vec![lease.scope] });
        }
        Ok(())
    }

    /// Whether a tree belongs to a scope: not to its shard's while it is leased on its own.
    fn is_in(&self, root: InstanceId, scope: Scope) -> bool {
        scope == Scope::Tree(root)
            || scope == Scope::Shard(root.shard()) && !self.leases.contains_key(&Scope::Tree(root))
    }
}

// --- Writing ---

impl Database {
    /// Writes a batch, all or nothing.
    pub(super) fn commit(&mut self, writes: &[Write], by: Uuid, now: i64) -> Result<(), StoreError> {
        for write in writes {
            self.fence(&write.lease, write.root)?;
        }
        let mut new = BTreeMap::new();
        for write in writes {
            self.check(&write.changes)?;
            for row in &write.changes.new_instances {
                if new.insert(&row.name, row.id).is_some_and(|id| id != row.id) {
                    return Err(StoreError::NameTaken { name: row.name.clone() });
                }
            }
        }
        let ends = writes.iter().filter(|write| write.is_end());
        if let Some(root) = ends.map(|write| write.root).find(|root| self.is_unread(*root, writes)) {
            return Err(StoreError::Unread { root });
        }
        for write in writes {
            self.apply(write, by, now);
        }
        Ok(())
    }

    /// Whether the rows are as the writer thinks.
    fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        for row in &changes.new_instances {
            let same_name = |known: &&InstanceRow| known.name == row.name && known.id != row.id;
            if self.rows().any(|known| same_name(&known)) {
                return Err(StoreError::NameTaken { name: row.name.clone() });
            }
        }
        let none = Rows::default();
        for instance in changes.instances() {
            let rows = self.instances.get(&instance).unwrap_or(&none);
            if let Some(what) = rows.conflict(&stored::part(changes, instance)) {
                return Err(StoreError::Conflict { instance, what });
            }
        }
        Ok(())
    }

    /// Whether something waits for a tree that these writes don't consume.
    fn is_unread(&self, root: InstanceId, writes: &[Write]) -> bool {
        let is_consumed = |id: &Uuid| writes.iter().any(|write| write.changes.delete_inbox.contains(id));
        self.inbox.iter().any(|row| row.root == root && !is_consumed(&row.id))
    }

    fn apply(&mut self, write: &Write, by: Uuid, now: i64) {
        let changes = &write.changes;
        let owner = self.owner(write.root, now);
        // One that is taken for dead may write until it is replaced.
        if owner.is_some_and(|owner| owner != by) {
            self.breaks(format!("{by} has written to {:?}, which is {owner:?}'s", write.root));
        }
        let instances = changes.instances();
        for message in &changes.delete_inbox {
            self.inbox.retain(|row| row.id != *message);
            // A commit that says nothing in the history may be repeated when its answer was lost.
            if !self.consumed.insert(*message) && !changes.history.is_empty() {
                self.breaks(format!("the message {message} is consumed twice"));
            }
        }
        for key in &changes.delete_completions {
            self.completions.remove(key);
        }
        for row in &changes.replies {
            if self.replies.iter().any(|known| known.id == row.id) {
                self.breaks(format!("the request {} is answered twice", row.id));
            }
            self.replies.push(row.clone());
        }
        for instance in instances {
            let part = stored::part(changes, instance);
            let rows = self.instances.entry(instance).or_default();
            let written = std::panic::catch_unwind(AssertUnwindSafe(|| rows.commit(part)));
            if written.is_err() {
                self.breaks(format!("the rows of {instance:?} make no sense"));
            }
        }
        self.trace.commit(changes);
        self.note(changes, by);
        self.transitions += 1;
    }

    /// Keeps what attempts are judged by.
    fn note(&mut self, changes: &Changes, by: Uuid) {
        for row in &changes.history {
            match serde_json::from_slice(&row.event).expect("history is JSON") {
                HistoryEvent::CallRequested { key, .. } => {
                    self.asked.insert(key, row.instance);
                }
                HistoryEvent::CallCompleted { key, .. } | HistoryEvent::CallFailed { key, .. } => {
                    self.over.insert(key, by);
                }
                // A stuck compensation is tried again under its key.
                HistoryEvent::Resumed => {
                    let asked = &self.asked;
                    self.over.retain(|key, _| asked.get(key) != Some(&row.instance));
                }
                HistoryEvent::Ended { .. } => {
                    self.over.insert(row.instance.to_string(), by);
                }
                _ => {}
            }
        }
    }

    /// An attempt of a call begins, and nothing delays it. It was asked for, its process has the instance, and no other process has
    /// recorded that it is over: only in the process that did may it be on its way still. Whose call it is.
    pub(super) fn attempts(&mut self, by: Uuid, key: CallKey, name: &str, now: i64) -> Option<InstanceId> {
        let key = HistoryEvent::key(key);
        let Some(instance) = self.asked.get(&key).copied() else {
            self.breaks(format!("{name} is attempted, but nothing says that it was asked for"));
            return None;
        };
        let root = self.row(instance)?.root;
        let over = [key, instance.to_string()].into_iter().find_map(|what| self.over.get(&what).copied());
        if let Some(other) = over.filter(|other| *other != by) {
            self.breaks(format!(
                "{by} attempts {name} of {root:?}, though {other} has recorded that it is over"
            ));
        }
        let owner = self.owner(root, now);
        if over.is_none() && owner != Some(by) {
            self.breaks(format!("{by} attempts {name} of {root:?}, which is {owner:?}'s"));
        }
        Some(instance)
    }

    pub(super) fn breaks(&mut self, law: String) {
        self.broken.push(law);
    }

    pub(super) fn put_program(&mut self, hash: ProgramHash, artifact: Vec<u8>) {
        self.programs.entry(hash).or_insert(artifact);
    }

    /// Accepts a message once; who is to be woken for it.
    pub(super) fn accept(
        &mut self,
        id: Uuid,
        instance: InstanceId,
        message: Vec<u8>,
        asked: Option<Timestamp>,
        now: i64,
    ) -> Result<Option<Uuid>, StoreError> {
        if let Some((before, _)) = self.requests.get(&id) {
            let refused = StoreError::Refused { reason: "it was used for another instance".into() };
            return if *before == instance { Ok(None) } else { Err(refused) };
        }
        if asked.is_some_and(|asked| asked.0 < self.forgotten) {
            return Err(StoreError::Forgotten);
        }
        let root = match self.row(instance) {
            Some(row) if !row.status.is_final() => row.root,
            _ => return Err(StoreError::Refused { reason: "there is nobody to get it".into() }),
        };
        self.requests.insert(id, (instance, now));
        self.accepted.push((instance, now, message.clone()));
        self.inbox.push(InboxRow { id, instance, root, at: Timestamp(now), message });
        Ok(self.owner(root, now))
    }

    /// Forgets request ids and answers from before a time, but for what still waits.
    pub(super) fn forget(&mut self, before: i64) -> u64 {
        self.forgotten = self.forgotten.max(before);
        let count = self.requests.len() + self.replies.len();
        let waits = |id: &Uuid| self.inbox.iter().any(|row| row.id == *id);
        let paused: BTreeSet<InstanceId> =
            self.rows().filter(|row| row.status == Status::Paused).map(|row| row.id).collect();
        let mut requests = std::mem::take(&mut self.requests);
        requests.retain(|id, (of, at)| *at >= before || waits(id) || paused.contains(of));
        self.requests = requests;
        self.replies.retain(|row| row.at.0 >= before);
        (count - self.requests.len() - self.replies.len()) as u64
    }

    /// Writes the outcome of a transactional call, unless there is one: that one.
    pub(super) fn complete(&mut self, row: CompletionRow) -> Option<CompletionRow> {
        match self.completions.get(&row.key) {
            Some(first) => Some(first.clone()),
            None => {
                self.completions.insert(row.key, row);
                None
            }
        }
    }
}

// --- Reading ---

impl Database {
    pub(super) fn rows(&self) -> impl Iterator<Item = &InstanceRow> {
        self.instances.values().filter_map(|rows| rows.instance.as_ref())
    }

    pub(super) fn row(&self, instance: InstanceId) -> Option<&InstanceRow> {
        self.instances.get(&instance)?.instance.as_ref()
    }

    pub(super) fn find(&self, name: &str) -> Option<&InstanceRow> {
        self.rows().find(|row| row.name == name)
    }

    pub(super) fn program(&self, hash: &ProgramHash) -> Option<Vec<u8>> {
        self.programs.get(hash).cloned()
    }

    pub(super) fn completion(&self, key: CallKey) -> Option<CompletionRow> {
        self.completions.get(&key).cloned()
    }

    pub(super) fn load(&self, instance: InstanceId) -> Option<StoredInstance> {
        let mut stored = self.instances.get(&instance)?.stored()?;
        stored.inbox = self.inbox.iter().filter(|row| row.instance == instance).cloned().collect();
        let completions = self.completions.values().filter(|row| row.instance == instance);
        stored.completions = completions.cloned().collect();
        Some(stored)
    }

    pub(super) fn children(&self, roots: &[InstanceId]) -> Vec<InstanceId> {
        let below = |row: &&InstanceRow| roots.contains(&row.root) && row.id != row.root;
        self.rows().filter(below).filter(|row| !row.status.is_final()).map(|row| row.id).collect()
    }

    /// What a scope has to do until the horizon; what dead workers leased on their own goes back to its shard.
    pub(super) fn runnable(&mut self, scope: Scope, horizon: i64, now: i64) -> Vec<InstanceId> {
        if let Scope::Shard(shard) = scope {
            // Trees come after all shards.
            let trees = self.leases.range(Scope::Tree(InstanceId(Uuid::nil()))..);
            let of_dead = trees.filter(|(of, held)| of.shard() == shard && !self.is_alive(held.worker, now));
            let of_dead: Vec<Scope> = of_dead.map(|(of, _)| *of).collect();
            of_dead.iter().for_each(|scope| _ = self.leases.remove(scope));
        }
        let mut roots = BTreeSet::new();
        for rows in self.instances.values() {
            let Some(row) = &rows.instance else { continue };
            let has_call = rows.strands.values().any(|strand| strand.open_call);
            let is_due = rows.timers.values().any(|timer| timer.due.0 <= horizon);
            let has_message = self.inbox.iter().any(|message| message.instance == row.id);
            let is_settled = self.completions.values().any(|done| done.instance == row.id);
            let has_something = has_call || is_due || has_message || is_settled;
            if !row.status.is_final() && has_something && self.is_in(row.root, scope) {
                roots.insert(row.root);
            }
        }
        roots.into_iter().collect()
    }

    pub(super) fn messages(&self, scopes: &[Scope]) -> Vec<InboxRow> {
        let wanted = |row: &&InboxRow| scopes.iter().any(|scope| self.is_in(row.root, *scope));
        self.inbox.iter().filter(wanted).cloned().collect()
    }

    pub(super) fn has_status(&self, wanted: Option<Status>) -> Vec<InstanceRow> {
        self.rows().filter(|row| wanted.is_none_or(|status| row.status == status)).cloned().collect()
    }
}

pub(super) fn owner(worker: Uuid) -> Owner {
    Owner { worker, pid: 1, host: "world".into(), formats: flow_machine::FORMATS }
}
