//! A tree of instances in its owner's memory: a root and the child workflows below it. All of it is one writer's, so what
//! happens between parent and child is part of one transition and of one commit.

use crate::event::{Answered, Event, Message, Request, Transition, Wish};
use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use crate::instance::{Instance, NewInstance};
use crate::load::LoadError;
use crate::rows::{InstanceRow, Status, StoredInstance};
use flow_mir::{Executor, Limits};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// A root instance and its children that have not ended. One owner applies events to it, one at a time.
pub struct Tree {
    root: InstanceId,
    members: BTreeMap<InstanceId, Instance>,
    by_name: HashMap<String, InstanceId>,
    limits: Limits,
    /// The earliest deadline of each member that has one, and the same by instance.
    due: BTreeSet<(Timestamp, InstanceId)>,
    due_of: HashMap<InstanceId, Timestamp>,
    /// Members with something to commit.
    touched: BTreeSet<InstanceId>,
    /// Messages for children that have ended.
    undelivered: Vec<Uuid>,
}

/// What a member wants of another instance.
pub(crate) enum Outgoing {
    /// To start a child.
    Start(Box<NewInstance>),
    /// To tell a child something.
    Send {
        /// Which.
        to: InstanceId,
        /// What.
        message: Message,
    },
    /// It is a child and has ended.
    Ended {
        /// Whose.
        parent: InstanceId,
        /// The strand that waits for it.
        strand: StrandPath,
        /// How.
        end: ChildEnd,
    },
    /// Something of an instance of its own.
    Request(Request),
}

/// How a child ended.
pub(crate) struct ChildEnd {
    /// Which.
    pub id: InstanceId,
    /// Its user id.
    pub name: String,
    /// Its workflow.
    pub workflow: String,
    /// Its status.
    pub status: Status,
    /// Its result, or the error that it raised: images. Without an error it was ended from outside.
    pub result: Result<Vec<u8>, Option<Vec<u8>>>,
    /// The error for people.
    pub reason: String,
}

impl Tree {
    /// Starts a root instance: runs its workflow up to the first suspensions. `limits` bound each strand.
    pub fn start(new: NewInstance, limits: &Limits, executor: &dyn Executor, now: Timestamp) -> Tree {
        let mut tree = Tree::of(new.id, limits);
        tree.adopt(Instance::start(new, limits, executor, now));
        tree.settle(executor, now, tree.root);
        tree
    }

    /// A root instance that has not run yet: nothing is asked for before an owner loads it and it recovers.
    pub fn create(new: NewInstance, limits: &Limits, executor: &dyn Executor, now: Timestamp) -> Tree {
        let mut tree = Tree::of(new.id, limits);
        tree.adopt(Instance::create(new, limits, executor, now));
        tree
    }

    /// The tree in these rows: its root and the children that have not ended. The executor must run the program that
    /// they are pinned to.
    pub fn load(
        stored: Vec<StoredInstance>,
        limits: &Limits,
        executor: &dyn Executor,
    ) -> Result<Tree, LoadError> {
        let root = stored.first().map(|stored| (stored.row.root, stored.row.name.clone()));
        let (root, name) = root.unwrap_or_else(|| (InstanceId(Uuid::nil()), String::new()));
        let mut tree = Tree::of(root, limits);
        for one in stored {
            tree.adopt(Instance::load(one, limits, executor)?);
        }
        if !tree.members.contains_key(&root) {
            return Err(LoadError { name, reason: "the root of its tree is not stored".into() });
        }
        tree.touched.clear();
        Ok(tree)
    }

    fn of(root: InstanceId, limits: &Limits) -> Tree {
        Tree {
            root,
            members: BTreeMap::new(),
            by_name: HashMap::new(),
            limits: limits.clone(),
            due: BTreeSet::new(),
            due_of: HashMap::new(),
            touched: BTreeSet::new(),
            undelivered: Vec::new(),
        }
    }

    fn adopt(&mut self, instance: Instance) {
        let id = instance.id();
        self.by_name.insert(instance.name().to_owned(), id);
        self.members.insert(id, instance);
        self.note(id);
    }

    /// Keeps what is derived from a member that may have changed.
    fn note(&mut self, id: InstanceId) {
        self.touched.insert(id);
        let next = self.members.get(&id).and_then(|member| member.next_timer().map(|(due, _)| due));
        let before = match next {
            Some(due) => self.due_of.insert(id, due),
            None => self.due_of.remove(&id),
        };
        if before != next {
            before.map(|due| self.due.remove(&(due, id)));
            next.map(|due| self.due.insert((due, id)));
        }
    }

    /// Applies one event that the owner accepted at `now` to one member. Changes gather until [`take`](Tree::take).
    pub fn apply(&mut self, executor: &dyn Executor, now: Timestamp, instance: InstanceId, event: Event) {
        match self.members.get_mut(&instance) {
            Some(member) => member.apply(executor, now, event),
            None => {
                // Its own history is closed; the root's says it.
                if let (Event::Message { inbox, message }, Some(root)) =
                    (event, self.members.get_mut(&self.root))
                {
                    self.undelivered.extend(inbox);
                    root.too_late(inbox, &message);
                }
                return self.note(self.root);
            }
        }
        self.note(instance);
        self.settle(executor, now, instance);
    }

    /// Does what a member that has moved wants of others, and they of others, until nobody wants anything more.
    fn settle(&mut self, executor: &dyn Executor, now: Timestamp, moved: InstanceId) {
        let mut pending = VecDeque::from([moved]);
        while let Some(id) = pending.pop_front() {
            let mut outbox = match self.members.get_mut(&id) {
                Some(member) => std::mem::take(&mut member.outbox),
                None => continue,
            };
            // A child may be told something before the strand that calls it has had its turn.
            outbox.sort_by_key(|outgoing| !matches!(outgoing, Outgoing::Start(_)));
            for outgoing in outbox {
                pending.extend(self.deliver(executor, now, id, outgoing));
            }
            self.note(id);
        }
    }

    /// Does one thing for a member; the members that it may have moved.
    fn deliver(
        &mut self,
        executor: &dyn Executor,
        now: Timestamp,
        from: InstanceId,
        outgoing: Outgoing,
    ) -> Vec<InstanceId> {
        match outgoing {
            Outgoing::Start(new) => {
                let id = new.id;
                self.adopt(Instance::start(*new, &self.limits, executor, now));
                vec![id]
            }
            Outgoing::Send { to, message } => {
                if let Some(member) = self.members.get_mut(&to) {
                    member.apply(executor, now, Event::Message { inbox: None, message });
                }
                vec![to]
            }
            Outgoing::Ended { parent, strand, end } => {
                if let Some(member) = self.members.get_mut(&parent) {
                    member.apply_child_end(executor, now, &strand, end);
                }
                vec![parent]
            }
            Outgoing::Request(request) => self.request(executor, now, from, request),
        }
    }

    /// A request: what concerns a member is done here, anything else is the engine's to do.
    fn request(
        &mut self,
        executor: &dyn Executor,
        now: Timestamp,
        from: InstanceId,
        request: Request,
    ) -> Vec<InstanceId> {
        let to = self.by_name.get(&request.to).copied();
        let member = to.and_then(|to| self.members.get_mut(&to));
        let answer = match (&request.wish, member) {
            (Wish::Tell { .. } | Wish::Ask { .. }, Some(member))
                if member.row().workflow != request.workflow =>
            {
                Err(request.is_of_another(&member.row().workflow))
            }
            (Wish::Tell { .. }, Some(member)) if !member.status().is_final() => {
                if let Some(message) = request.message() {
                    member.apply(executor, now, Event::Message { inbox: None, message });
                }
                Ok(Answered::Done)
            }
            // An update of one that is paused waits for the end of the pause, in the inbox like any other.
            (Wish::Ask { update, .. }, Some(member)) if !update || member.status() != Status::Paused => {
                member.asked(executor, now, &request)
            }
            _ => {
                if let Some(member) = self.members.get_mut(&from) {
                    member.ask_engine(request);
                }
                return vec![from];
            }
        };
        if let Some(member) = self.members.get_mut(&from) {
            member.apply(executor, now, Event::Answered { key: request.key, answer });
        }
        to.into_iter().chain([from]).collect()
    }

    /// A new owner goes on with all members.
    pub fn recover(&mut self, executor: &dyn Executor, now: Timestamp) {
        let members: Vec<InstanceId> = self.members.keys().copied().collect();
        for member in members {
            self.apply(executor, now, member, Event::Recovered);
        }
    }

    /// The owner leaves as planned, and tells the next one of the attempts that it is making: `running`. Where it is to live
    /// on, as `worker`, it goes on with them, and they report through the inbox; else they are given up. No attempt in
    /// flight is used up by that.
    pub fn hand_over(
        &mut self,
        executor: &dyn Executor,
        running: &HashSet<(CallKey, u32)>,
        worker: Option<Uuid>,
    ) {
        for (id, member) in &mut self.members {
            member.leave(executor, running, worker);
            self.touched.insert(*id);
        }
    }

    /// What has changed since the last time, one write per row, and what to do once that has committed.
    pub fn take(&mut self, executor: &dyn Executor) -> Transition {
        let mut whole = Transition::default();
        for id in std::mem::take(&mut self.touched) {
            let Some(member) = self.members.get_mut(&id) else { continue };
            let mut one = member.take(executor);
            whole.changes.append(one.changes);
            whole.actions.append(&mut one.actions);
            if member.status().is_final() && id != self.root {
                self.by_name.remove(member.name());
                self.members.remove(&id);
            }
        }
        whole.changes.delete_inbox.append(&mut self.undelivered);
        whole
    }

    /// The identity of the root.
    pub fn id(&self) -> InstanceId {
        self.root
    }

    /// The root's row, as the last [`take`](Tree::take) wrote it.
    pub fn row(&self) -> Option<&InstanceRow> {
        self.members.get(&self.root).map(Instance::row)
    }

    /// The users' ids of all members.
    pub fn names(&self) -> impl Iterator<Item = (InstanceId, &str)> {
        self.members.iter().map(|(id, member)| (*id, member.name()))
    }

    /// The root's status: where it is final, nothing is left of the tree.
    pub fn status(&self) -> Status {
        self.members.get(&self.root).map_or(Status::Terminated, Instance::status)
    }

    /// Its instances that have not ended, the root always.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.members.values()
    }

    /// One of its instances that have not ended, or the root.
    pub fn member(&self, instance: InstanceId) -> Option<&Instance> {
        self.members.get(&instance)
    }

    /// The next deadline, whose it is, and its timer.
    pub fn next_timer(&self) -> Option<(Timestamp, InstanceId, &str)> {
        let (due, id) = self.due.first()?;
        let (_, timer) = self.members.get(id)?.next_timer()?;
        Some((*due, *id, timer))
    }

    /// How many calls are open.
    pub fn open_calls(&self) -> usize {
        self.members.values().map(Instance::open_calls).sum()
    }
}
