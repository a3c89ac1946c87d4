//! What a store holds, in memory, checked as a store checks it.

use flow_machine::event::{Event, Message};
use flow_machine::history::HistoryEvent;
use flow_machine::ids::{InstanceId, StrandPath};
use flow_machine::rows::{
    Changes, CompensationRow, HistoryRow, InstanceRow, MessageRow, ReplyRow, StoredInstance, StrandRow,
    TimerRow,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// All instances, and the messages that they have not consumed.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) instances: BTreeMap<InstanceId, Rows>,
    /// Messages that wait.
    pub(crate) inbox: Vec<Letter>,
    /// All messages that were ever accepted: the id, for whom, and when.
    accepted: Vec<(Uuid, InstanceId, i64, Message)>,
    /// The ids of all that were ever consumed.
    consumed: BTreeSet<Uuid>,
    /// Answers to requests, in the order in which they were given.
    pub(crate) replies: Vec<ReplyRow>,
    /// How often each tree has been claimed: the token of its present lease.
    claims: BTreeMap<InstanceId, u64>,
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) id: Uuid,
    pub(crate) to: InstanceId,
    /// When it was accepted.
    pub(crate) at: i64,
    /// When the owner looks.
    pub(crate) read: i64,
    pub(crate) message: Message,
}

impl Letter {
    pub(crate) fn event(&self) -> Event {
        Event::Message { inbox: Some(self.id), message: self.message.clone() }
    }
}

/// A commit under a lease that is another's by now. Nothing was written.
#[derive(Debug)]
pub(crate) struct LeaseLost;

impl Store {
    /// Gives a tree to a new owner.
    pub(crate) fn claim(&mut self, root: InstanceId) {
        *self.claims.entry(root).or_default() += 1;
    }

    /// The token of a tree's present lease.
    pub(crate) fn token(&self, root: InstanceId) -> u64 {
        self.claims.get(&root).copied().unwrap_or(0)
    }

    /// Writes a transition of a tree, under a lease.
    pub(crate) fn commit(&mut self, token: u64, root: InstanceId, changes: Changes) -> Result<(), LeaseLost> {
        if self.token(root) != token {
            return Err(LeaseLost);
        }
        for message in &changes.delete_inbox {
            self.inbox.retain(|letter| letter.id != *message);
            assert!(self.consumed.insert(*message), "a message is consumed twice");
        }
        for row in &changes.replies {
            assert!(self.replies.iter().all(|known| known.id != row.id), "a request is answered twice");
            self.replies.push(row.clone());
        }
        for instance in changes.instances() {
            self.instances.entry(instance).or_default().commit(part(&changes, instance));
        }
        let has_ended = self.row(root).is_some_and(|row| row.status.is_final());
        assert!(!has_ended || self.letters(root).is_empty(), "a tree ends with unread messages");
        let mut names = BTreeSet::new();
        for row in self.instances.values().filter_map(|rows| rows.instance.as_ref()) {
            assert!(names.insert(row.name.clone()), "two instances have the id {}", row.name);
        }
        Ok(())
    }

    /// Accepts a message once; refused where there is no such instance or it has ended.
    pub(crate) fn accept(
        &mut self,
        id: Uuid,
        to: InstanceId,
        at: i64,
        read: i64,
        message: Message,
    ) -> Result<(), String> {
        if self.has_accepted(id) {
            return Ok(());
        }
        match self.row(to) {
            Some(row) if !row.status.is_final() => {
                self.accepted.push((id, to, at, message.clone()));
                self.inbox.push(Letter { id, to, at, read, message });
                Ok(())
            }
            _ => Err("it has ended".into()),
        }
    }

    /// What was accepted for an instance, and when.
    pub(crate) fn accepted_by(&self, instance: InstanceId) -> Vec<(i64, Message)> {
        let of_it = self.accepted.iter().filter(|(_, to, ..)| *to == instance);
        of_it.map(|(_, _, at, message)| (*at, message.clone())).collect()
    }

    /// Whether a message of this id was ever accepted.
    pub(crate) fn has_accepted(&self, id: Uuid) -> bool {
        self.accepted.iter().any(|(known, ..)| *known == id)
    }

    /// What waits for the instances of a tree, oldest first.
    pub(crate) fn letters(&self, root: InstanceId) -> Vec<Letter> {
        let of_tree = |letter: &&Letter| self.row(letter.to).is_some_and(|row| row.root == root);
        self.inbox.iter().filter(of_tree).cloned().collect()
    }

    /// The row of an instance.
    pub(crate) fn row(&self, instance: InstanceId) -> Option<&InstanceRow> {
        self.instances.get(&instance)?.instance.as_ref()
    }

    /// The row of the instance of that user id.
    pub(crate) fn find(&self, name: &str) -> Option<&InstanceRow> {
        self.instances.values().filter_map(|rows| rows.instance.as_ref()).find(|row| row.name == name)
    }

    /// The rows of a tree as an owner loads them: the root, and the children that have not ended.
    pub(crate) fn tree(&self, root: InstanceId) -> Vec<StoredInstance> {
        let stored = self.instances.values().filter_map(Rows::stored);
        let mut tree: Vec<StoredInstance> = stored
            .filter(|one| one.row.root == root && (one.row.id == root || !one.row.status.is_final()))
            .collect();
        tree.sort_by_key(|one| one.row.id != root);
        tree
    }

    /// The roots that have not ended.
    pub(crate) fn live_roots(&self) -> Vec<InstanceId> {
        let rows = self.instances.values().filter_map(|rows| rows.instance.as_ref());
        rows.filter(|row| row.id == row.root && !row.status.is_final()).map(|row| row.id).collect()
    }
}

/// What a transition changes in one instance, apart from messages and completions.
pub(crate) fn part(changes: &Changes, instance: InstanceId) -> Changes {
    fn of<T: Clone>(rows: &[T], is_its: impl Fn(&T) -> bool) -> Vec<T> {
        rows.iter().filter(|row| is_its(row)).cloned().collect()
    }
    Changes {
        new_instances: of(&changes.new_instances, |row| row.id == instance),
        changed_instances: of(&changes.changed_instances, |row| row.id == instance),
        strands: of(&changes.strands, |row| row.instance == instance),
        delete_strands: of(&changes.delete_strands, |row| row.0 == instance),
        compensations: of(&changes.compensations, |row| row.instance == instance),
        delete_compensations: of(&changes.delete_compensations, |row| row.0 == instance),
        timers: of(&changes.timers, |row| row.instance == instance),
        delete_timers: of(&changes.delete_timers, |row| row.0 == instance),
        messages: of(&changes.messages, |row| row.instance == instance),
        delete_messages: of(&changes.delete_messages, |row| row.0 == instance),
        history: of(&changes.history, |row| row.instance == instance),
        ..Changes::default()
    }
}

/// The rows of one instance, checked as a store checks them.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) instance: Option<InstanceRow>,
    pub(crate) strands: BTreeMap<StrandPath, StrandRow>,
    pub(crate) compensations: BTreeMap<StrandPath, CompensationRow>,
    pub(crate) timers: BTreeMap<String, TimerRow>,
    pub(crate) messages: BTreeMap<i64, MessageRow>,
    pub(crate) history: Vec<HistoryRow>,
}

impl Rows {
    /// Which row is not as the writer thinks.
    pub(crate) fn conflict(&self, changes: &Changes) -> Option<String> {
        let version = self.instance.as_ref().map_or(0, |row| row.version);
        let rows = changes.new_instances.iter().chain(&changes.changed_instances);
        let row = rows.filter(|row| row.version != version + 1).map(|_| "the instance".to_owned());
        let strand_version = |path| self.strands.get(path).map_or(0, |row| row.version);
        let strands = changes.strands.iter().filter(|row| row.version != strand_version(&row.path) + 1);
        let strand = strands.map(|row| format!("strand {}", row.path));
        let last = self.history.len() as i64;
        let event = changes.history.iter().filter(|row| row.sequence <= last);
        row.chain(strand).chain(event.map(|row| format!("event {}", row.sequence))).next()
    }

    pub(crate) fn commit(&mut self, changes: Changes) {
        for row in changes.new_instances {
            assert!(self.instance.is_none(), "an instance is inserted twice");
            self.instance = Some(row);
        }
        for row in changes.changed_instances {
            let before = self.instance.as_ref().map(|row| row.version);
            assert_eq!(before, Some(row.version - 1), "the instance's version");
            self.instance = Some(row);
        }
        for row in changes.strands {
            let before = self.strands.get(&row.path).map_or(0, |row| row.version);
            assert_eq!(before, row.version - 1, "the version of strand {}", row.path);
            self.strands.insert(row.path.clone(), row);
        }
        for (_, path) in changes.delete_strands {
            assert!(self.strands.remove(&path).is_some(), "strand {path} is deleted but not stored");
        }
        for row in changes.compensations {
            self.compensations.insert(row.path.clone(), row);
        }
        for (_, path) in changes.delete_compensations {
            assert!(
                self.compensations.remove(&path).is_some(),
                "compensation {path} is deleted but not stored"
            );
        }
        for row in changes.timers {
            assert!(self.timers.insert(row.id.clone(), row).is_none(), "a timer is inserted twice");
        }
        for (_, timer) in changes.delete_timers {
            assert!(self.timers.remove(&timer).is_some(), "timer {timer} is deleted but not stored");
        }
        for (_, number) in changes.delete_messages {
            assert!(self.messages.remove(&number).is_some(), "message {number} is deleted but not stored");
        }
        for row in changes.messages {
            let before = self.messages.insert(row.number, row.clone());
            assert!(before.is_none_or(|before| before == row), "two messages have one number");
        }
        for row in changes.history {
            assert_eq!(row.sequence, self.history.len() as i64 + 1, "history without gaps");
            self.history.push(row);
        }
    }

    /// Its history.
    pub(crate) fn events(&self) -> Vec<HistoryEvent> {
        let event = |row: &HistoryRow| serde_json::from_slice(&row.event).expect("history is JSON");
        self.history.iter().map(event).collect()
    }

    pub(crate) fn stored(&self) -> Option<StoredInstance> {
        let mut compensations: Vec<_> = self.compensations.values().cloned().collect();
        compensations.sort_by_key(|row| row.position);
        Some(StoredInstance {
            row: self.instance.clone()?,
            strands: self.strands.values().cloned().collect(),
            compensations,
            timers: self.timers.values().cloned().collect(),
            messages: self.messages.values().cloned().collect(),
            last_sequence: self.history.len() as i64,
            last_at: self.history.last().map(|row| row.at).unwrap_or_default(),
            inbox: Vec::new(),
            completions: Vec::new(),
        })
    }
}
