//! One task for each tree of instances in memory: what happens to it is applied, committed, and only then acted on.

use crate::attempts::{Attempts, Caller};
use crate::commit::Lost;
use crate::core::Core;
use crate::events::Notice;
use crate::registry::{Arrival, Loaded, Mail};
use crate::run::names;
use flow_machine::Tree;
use flow_machine::event::{Action, Ask, Dispatch, Event, Transition};
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::InstanceRow;
use flow_mir::Executor;
use flow_store::{Scope, StoreError};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use uuid::Uuid;

/// How long a tree that sleeps is kept in memory: messages that come one after another load it once.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

/// Why an actor ends.
enum End {
    /// The instance has ended.
    Ended,
    /// It sleeps for long and is out of the registry already.
    Unloaded,
    /// It was asked to, by a process that lives on or ends.
    Stopped { lives_on: bool },
    /// A commit failed.
    Lost(Lost),
    /// A mistake of ours, reported for this instance alone.
    Broken(String),
}

/// What an actor begins with.
pub(crate) struct Beginning {
    pub scope: Scope,
    pub tree: Tree,
    pub executor: Arc<dyn Executor>,
    /// Actions of a transition that is committed.
    pub actions: Vec<Action>,
    /// What came while nobody owned it.
    pub arrivals: Vec<Arrival>,
    /// It was loaded: attempts in flight are lost.
    pub recovering: bool,
    /// The inbox has been read after this time.
    pub read_until: Timestamp,
}

/// A tree of instances, live.
struct Actor {
    core: Arc<Core>,
    scope: Scope,
    tree: Tree,
    /// The users' ids of its members.
    names: HashMap<InstanceId, Arc<str>>,
    executor: Arc<dyn Executor>,
    mailbox: UnboundedReceiver<Mail>,
    row: watch::Sender<Arc<InstanceRow>>,
    attempts: Attempts,
    /// What is being done in other trees, and how to stop each.
    requests: JoinSet<()>,
    asking: HashMap<CallKey, AbortHandle>,
    mailbox_sender: UnboundedSender<Mail>,
    /// What is to be applied next.
    queue: Vec<Arrival>,
    recovering: bool,
    read_until: Timestamp,
    /// Messages known here, by inbox id. `Some`: consumed, when this many readings of the inbox had begun; a later
    /// reading can't bring them again.
    messages: HashMap<Uuid, Option<u64>>,
    /// Completion rows that the next commit takes.
    settled: Vec<CallKey>,
    /// Whether anything has been committed since it was loaded.
    has_committed: bool,
}

/// Puts a tree to work, unless another caller was first.
pub(crate) fn spawn(core: &Arc<Core>, beginning: Beginning) {
    let (sender, mailbox) = unbounded_channel();
    let id = beginning.tree.id();
    let Some(row) = beginning.tree.row().cloned() else { return };
    let row = watch::Sender::new(Arc::new(row));
    let loaded = Loaded { scope: beginning.scope, mailbox: sender.clone(), row: row.subscribe(), task: None };
    if !core.registry.insert(id, loaded) {
        return;
    }
    let caller = Caller {
        core: core.clone(),
        root: id,
        scope: beginning.scope,
        executor: beginning.executor.clone(),
        mailbox: sender.clone(),
    };
    let mut actor = Actor {
        core: core.clone(),
        scope: beginning.scope,
        names: beginning.tree.names().map(|(id, name)| (id, name.into())).collect(),
        tree: beginning.tree,
        executor: beginning.executor,
        mailbox,
        row,
        attempts: Attempts::new(caller),
        requests: JoinSet::new(),
        asking: HashMap::new(),
        mailbox_sender: sender,
        queue: Vec::new(),
        recovering: beginning.recovering,
        read_until: beginning.read_until,
        messages: HashMap::new(),
        settled: Vec::new(),
        has_committed: !beginning.recovering,
    };
    for arrival in beginning.arrivals {
        actor.accept(arrival);
    }
    let actions = beginning.actions;
    let task = tokio::spawn(async move {
        actor.perform(actions);
        let end = actor.live().await;
        if let End::Stopped { lives_on } = end {
            actor.hand_over(lives_on).await;
        }
        actor.leave(end).await;
    });
    core.registry.runs(id, task.abort_handle());
}

impl Actor {
    async fn live(&mut self) -> End {
        loop {
            // All that was accepted for it is in the commit that ended it.
            if self.tree.status().is_final() && self.queue.is_empty() {
                return End::Ended;
            }
            if !self.has_come()
                && !self.recovering
                && !self.is_due()
                && let Some(end) = self.idle().await
            {
                return end;
            }
            if self.is_due() && !self.recovering {
                // An arrival stamped at or before a deadline wins, so the inbox is read once after it.
                let until = self.core.clock.certainly();
                self.core.inbox.fresh().await;
                self.read_until = until;
            }
            if let Some(end) = self.drain() {
                return end;
            }
            if let Err(end) = self.step() {
                return end;
            }
            let transition = self.tree.take(self.executor.as_ref());
            if let Err(lost) = self.commit(transition).await {
                return End::Lost(lost);
            }
        }
    }

    /// Whether something that came can be applied. What came after a deadline waits until that has certainly passed: the clock
    /// is an estimate, and may be ahead.
    fn has_come(&self) -> bool {
        let next = self.tree.next_timer().map(|(due, ..)| due);
        let mut waiting = self.queue.iter();
        waiting.any(|arrival| next.is_none_or(|due| arrival.at <= due || due <= self.read_until))
    }

    /// Whether a deadline has certainly passed.
    fn is_due(&self) -> bool {
        let now = self.core.clock.certainly();
        self.tree.next_timer().is_some_and(|(due, ..)| due <= now)
    }

    /// Waits until there is something to do.
    async fn idle(&mut self) -> Option<End> {
        let next = self.tree.next_timer().map(|(due, ..)| due);
        let sleeps_long = self.sleeps_long(next);
        let clock = &self.core.clock;
        let due = async {
            match next {
                Some(due) => clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            mail = self.mailbox.recv() => self.open(mail?),
            () = due => None,
            () = tokio::time::sleep(LINGER), if sleeps_long => {
                let leaves = self.core.registry.remove_if(self.tree.id(), || self.mailbox.is_empty());
                leaves.then_some(End::Unloaded)
            }
        }
    }

    /// Whether a worker may drop it from memory: it is loaded again when it is due or a message comes.
    fn sleeps_long(&self, next: Option<Timestamp>) -> bool {
        let horizon = self.core.clock.now().plus(crate::clock::nanos(self.core.options.horizon));
        matches!(self.scope, Scope::Shard(_))
            && self.tree.open_calls() == 0
            && next.is_none_or(|due| due > horizon)
    }

    /// Takes all that is in the mailbox.
    fn drain(&mut self) -> Option<End> {
        while let Ok(mail) = self.mailbox.try_recv() {
            if let Some(end) = self.open(mail) {
                return Some(end);
            }
        }
        None
    }

    fn open(&mut self, mail: Mail) -> Option<End> {
        match mail {
            Mail::Arrival(arrival) => {
                self.accept(arrival);
                None
            }
            Mail::Stop { lives_on } => Some(End::Stopped { lives_on }),
        }
    }

    /// Queues what came. A message may be brought by several readings of the inbox before its commit.
    fn accept(&mut self, arrival: Arrival) {
        if let Some(reading) = arrival.reading {
            self.messages.retain(|_, consumed| consumed.is_none_or(|started| started >= reading));
        }
        if let Event::Message { inbox: Some(id), .. } = &arrival.event {
            if self.messages.contains_key(id) {
                return;
            }
            self.messages.insert(*id, None);
        }
        if let Event::CallEnded { key, attempt, .. } = &arrival.event {
            self.attempts.ended(*key, *attempt);
        }
        if let Event::Answered { key, .. } = &arrival.event {
            self.asking.remove(key);
        }
        self.queue.push(arrival);
    }

    /// Applies what came and what is due, by time. Compiled code runs here, on this thread's big stack: handing it to
    /// another thread would cost more than most steps.
    fn step(&mut self) -> Result<(), End> {
        self.queue.sort_by_key(|arrival| arrival.at);
        let applied = std::panic::catch_unwind(AssertUnwindSafe(|| self.apply_all()));
        applied.map_err(|_| End::Broken("a mistake in flow itself; please report it".into()))
    }

    fn apply_all(&mut self) {
        let mut queue = std::mem::take(&mut self.queue).into_iter().peekable();
        loop {
            let timer = self.tree.next_timer().map(|(due, instance, id)| (due, (instance, id.to_owned())));
            let arrived = queue.peek().map(|arrival| arrival.at);
            match (arrived, timer) {
                (at, Some((due, (instance, id)))) if at.is_none_or(|at| due < at) => {
                    if due > self.read_until {
                        break;
                    }
                    self.apply(instance, Event::Timer { id });
                }
                (Some(_), _) => {
                    if let Some(arrival) = queue.next() {
                        self.settled.extend(arrival.settles);
                        self.apply(arrival.instance, arrival.event);
                    }
                }
                (None, _) => break,
            }
        }
        self.queue = queue.collect();
        if std::mem::take(&mut self.recovering) {
            let executor = self.core.limited(&self.executor);
            self.tree.recover(&executor, self.core.clock.now());
        }
    }

    fn apply(&mut self, instance: InstanceId, event: Event) {
        let executor = self.core.limited(&self.executor);
        self.tree.apply(&executor, self.core.clock.now(), instance, event);
    }

    /// Leaves in order: what was reported so far is applied, and the next owner finds out which attempts run, so that none
    /// is used up.
    async fn hand_over(&mut self, lives_on: bool) {
        // What is reported from now on goes to the inbox.
        self.mailbox.close();
        while let Ok(mail) = self.mailbox.try_recv() {
            if let Mail::Arrival(arrival) = mail {
                self.accept(arrival);
            }
        }
        let running = self.attempts.hand_over(lives_on);
        // Before it has recovered, the attempts in flight are those of an owner that is gone.
        if self.recovering || self.step().is_err() {
            return;
        }
        let worker = lives_on.then(|| self.core.store.worker());
        self.tree.hand_over(self.executor.as_ref(), &running, worker);
        let transition = self.tree.take(self.executor.as_ref());
        // What it asks for is asked for again by the next owner, who also goes on where this fails.
        let _ = self.write(transition).await;
    }

    async fn commit(&mut self, transition: Transition) -> Result<(), Lost> {
        let actions = self.write(transition).await?;
        self.perform(actions);
        Ok(())
    }

    /// Commits a transition; what is to be done then.
    async fn write(&mut self, transition: Transition) -> Result<Vec<Action>, Lost> {
        let Transition { mut changes, mut actions } = transition;
        changes.delete_completions.append(&mut self.settled);
        if !changes.is_empty() {
            while let Err(lost) = self.core.commit(self.scope, self.tree.id(), &changes).await {
                if !matches!(lost, Lost::Unread(_)) {
                    return Err(lost);
                }
                let mut more = self.read_what_is_left().await?;
                changes.append(more.changes);
                actions.append(&mut more.actions);
            }
            self.has_committed = true;
        }
        self.names.extend(names(&changes));
        self.core.publish(&self.names, &changes.history);
        for ended in changes.changed_instances.iter().filter(|row| row.status.is_final()) {
            self.names.remove(&ended.id);
        }
        let started = self.core.inbox.started();
        self.messages.extend(changes.delete_inbox.iter().map(|id| (*id, Some(started))));
        if let Some(row) = changes.row_of(self.tree.id()) {
            self.row.send_replace(Arc::new(row.clone()));
        }
        Ok(actions)
    }

    /// Messages were accepted before the end that is about to be committed: what becomes of them belongs into that commit, since
    /// nobody looks for them after it.
    async fn read_what_is_left(&mut self) -> Result<Transition, Lost> {
        let root = self.tree.id();
        let reading = self.core.inbox.started();
        let (mut unreadable, letters) = (Vec::new(), self.core.letters(root).await);
        for row in letters {
            match serde_json::from_slice(&row.message) {
                Ok(message) => self.accept(Arrival::message(&row, message, reading)),
                Err(_) => unreadable.push(row.id),
            }
        }
        self.step().map_err(|_| Lost::Refused(StoreError::Unread { root }))?;
        let mut transition = self.tree.take(self.executor.as_ref());
        transition.changes.delete_inbox.append(&mut unreadable);
        Ok(transition)
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Dispatch(dispatch) if dispatch.run.is_some() => self.attempts.start(dispatch),
                Action::Dispatch(dispatch) => self.wait_for_worker(&dispatch),
                Action::Abort { key } => match self.asking.remove(&key) {
                    Some(task) => task.abort(),
                    None => self.attempts.abort(key),
                },
                Action::Withdraw { key } => self.attempts.withdraw(key),
                Action::Request(ask) => self.request(*ask),
                // The row says it.
                Action::Status(_) => {}
            }
        }
    }

    /// Has something done in another tree, and hears of it. It ends with the actor; whoever loads the tree asks again.
    fn request(&mut self, ask: Ask) {
        let (core, mailbox) = (self.core.clone(), self.mailbox_sender.clone());
        while self.requests.try_join_next().is_some() {}
        let key = ask.request.key;
        let task = self.requests.spawn(async move {
            let answer = core.fulfil(&ask).await;
            let event = Event::Answered { key: ask.request.key, answer };
            let arrival =
                Arrival { instance: ask.instance, at: core.clock.now(), event, reading: None, settles: None };
            // The actor is leaving: whoever loads the tree asks again.
            let _ = mailbox.send(Mail::Arrival(arrival));
        });
        self.asking.insert(key, task);
    }

    /// Nobody polls queues yet, so the call waits for an answer through the inbox.
    fn wait_for_worker(&self, dispatch: &Dispatch) {
        let activity = self.executor.program().activities.get(dispatch.activity);
        self.core.speaker.notice(Notice::WaitingForWorker {
            name: self.names.get(&dispatch.instance).cloned().unwrap_or_default(),
            activity: activity.map(|activity| activity.name.clone()).unwrap_or_default(),
            queue: dispatch.queue.clone().unwrap_or_else(|| "default".into()),
        });
    }

    async fn leave(self, end: End) {
        let (core, id, scope) = (self.core.clone(), self.tree.id(), self.scope);
        let reload = match &end {
            End::Lost(Lost::Stale(error @ StoreError::Conflict { .. })) if !self.has_committed => {
                core.broken(
                    id,
                    format!("{error}, again after it was loaded; see who else writes to the store"),
                );
                false
            }
            End::Lost(Lost::Stale(_) | Lost::Unread(_)) => true,
            End::Lost(Lost::Refused(error)) => {
                core.broken(id, error.to_string());
                false
            }
            End::Broken(reason) => {
                core.broken(id, reason.clone());
                false
            }
            End::Ended | End::Unloaded | End::Stopped { .. } | End::Lost(Lost::Gone | Lost::Closing) => false,
        };
        // Its attempts end before anybody can load it again.
        drop(self);
        if matches!(end, End::Ended) && scope == Scope::Tree(id) {
            // Held a little longer by a failure; it goes with the process.
            let _ = core.leases.release(&[scope]).await;
        }
        if !matches!(end, End::Unloaded) {
            core.registry.remove(id);
        }
        if reload {
            core.bring_soon(scope, id);
        }
    }
}
