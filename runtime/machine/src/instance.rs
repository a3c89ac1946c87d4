//! An instance in its owner's memory: its strands and what they have open, and what has changed since the last commit.

use crate::event::{Action, Event, Message, Transition};
use crate::fork::Branches;
use crate::history::{ErrorReport, HistoryEvent};
use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use crate::message::Kept;
use crate::meta::{Call, Meta, Role, StoredOutcome, Wait};
use crate::pending::Pending;
use crate::rows::{InstanceRow, ProgramHash, Status};
use crate::spawn::{ScopeId, Spawned};
use crate::tree::{ChildEnd, Outgoing};
use flow_mir::strand::Strand;
use flow_mir::{Executor, Heap, Limits, Program, SuspensionId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// What a new instance is.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// Its identity.
    pub id: InstanceId,
    /// The root of its tree.
    pub root: InstanceId,
    /// The strand that waits for it, where it is a child.
    pub parent: Option<(InstanceId, StrandPath)>,
    /// The user's id.
    pub name: String,
    /// What it runs.
    pub workflow: WorkflowId,
    /// The program it is pinned to.
    pub program: ProgramHash,
    /// The arguments, an image.
    pub input: Vec<u8>,
}

/// An instance, live. One owner applies events to it, one at a time.
pub struct Instance {
    pub(crate) row: InstanceRow,
    pub(crate) state: State,
    pub(crate) workflow: WorkflowId,
    pub(crate) strands: BTreeMap<StrandPath, LiveStrand>,
    /// Live compensations by position.
    pub(crate) compensations: BTreeMap<i64, Compensation>,
    /// Derived from the compensations: saga and position of each.
    pub(crate) undo: BTreeSet<(i64, i64)>,
    /// Open deadlines by timer id.
    pub(crate) timers: BTreeMap<String, Deadline>,
    /// Derived from the timers: the same by time.
    pub(crate) due: BTreeSet<(Timestamp, String)>,
    /// Derived from the strands: who waits for which call.
    pub(crate) calls: HashMap<CallKey, StrandPath>,
    /// Derived from the strands: the branches of each open fork, by the strand that forked.
    pub(crate) branches: HashMap<StrandPath, Branches>,
    /// Derived from the strands: what each open scope joins.
    pub(crate) spawned: BTreeMap<ScopeId, Spawned>,
    /// Derived from the strands: who awaits which.
    pub(crate) awaiting: HashMap<StrandPath, BTreeSet<StrandPath>>,
    /// What the tree is to do with other instances, in this transition.
    pub(crate) outbox: Vec<Outgoing>,
    /// The error that the main strand has raised, an image: what its parent is told.
    pub(crate) raised: Option<Vec<u8>>,
    /// Strands to run, in order, and what with.
    pub(crate) ready: VecDeque<(StrandPath, Resumption)>,
    /// Messages that wait for their time, in the order in which they came.
    pub(crate) messages: BTreeMap<i64, Kept>,
    /// Derived from them: signal and number of each.
    pub(crate) queued: BTreeSet<(u32, i64)>,
    /// Derived from the strands: who waits for which signal, by signal, ticket and arm.
    pub(crate) receivers: BTreeMap<(u32, i64, u32), StrandPath>,
    /// Derived from the strands: who waits for a condition, by ticket and arm.
    pub(crate) conditions: BTreeMap<(i64, u32), StrandPath>,
    /// The states written since the conditions were looked at last.
    pub(crate) written: BTreeSet<u32>,
    pub(crate) counters: Counters,
    /// Whether it had run when it was loaded: else its next owner is its first.
    pub(crate) has_begun: bool,
    /// The instance's time: never runs backwards.
    pub(crate) clock: Timestamp,
    pub(crate) pending: Pending,
}

/// The last numbers given out. All are derived from rows at load: they order or name what is live, nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// History events.
    pub sequence: i64,
    /// Positions in the order of completion.
    pub position: i64,
    /// Sagas.
    pub saga: i64,
    /// Those who wait for a message or a condition.
    pub ticket: i64,
    /// Messages that are kept.
    pub message: i64,
    /// Turns of strands that a pause holds.
    pub turn: i64,
    /// Random numbers drawn since the instance was loaded.
    pub draws: i64,
}

/// The machine's part of the instance row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Whether it was asked to end by cancellation.
    pub cancelled: bool,
    /// `state` variables: images, by index.
    pub states: Vec<Option<Vec<u8>>>,
    /// `progress`: done and total.
    pub progress: (i64, Option<i64>),
    /// `index` attributes, as JSON text.
    pub attributes: BTreeMap<String, String>,
}

/// A strand, live.
#[derive(Debug)]
pub(crate) struct LiveStrand {
    /// Frames and heap; a finished branch has none.
    pub code: Option<Strand>,
    pub meta: Meta,
    /// Of its stored row; 0 if it isn't stored yet.
    pub version: i64,
    /// In a compensation: the call whose failure it was resumed with.
    pub failed_call: Option<Box<Call>>,
}

impl LiveStrand {
    /// Whether none of its code has run.
    pub fn has_not_begun(&self) -> bool {
        let frames = self.code.as_ref().map_or(&[][..], Strand::frames);
        matches!(frames, [frame] if frame.suspension == SuspensionId::START)
    }
}

/// A registered compensation.
#[derive(Clone, Debug)]
pub(crate) struct Compensation {
    pub path: StrandPath,
    pub saga: i64,
    pub image: Vec<u8>,
    /// Whether its row is stored.
    pub stored: bool,
}

/// An open deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub due: Timestamp,
    /// Whether its row is stored.
    pub stored: bool,
}

/// What a strand goes on with. Words are values in its own heap.
#[derive(Clone, Debug)]
pub(crate) enum Resumption {
    /// From its start.
    Start,
    /// With the construct's value.
    Value(u64),
    /// With an `Error`.
    Error(u64),
    /// With a value that is not in its heap yet.
    Stored(StoredOutcome),
}

/// What a transition runs with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub executor: &'a dyn Executor,
    pub program: &'a Program,
}

impl<'a> Context<'a> {
    fn new(executor: &'a dyn Executor) -> Context<'a> {
        Context { executor, program: executor.program() }
    }
}

impl Instance {
    /// Starts an instance: runs its workflow up to the first suspensions. `limits` bound each of its strands.
    pub fn start(new: NewInstance, limits: &Limits, executor: &dyn Executor, now: Timestamp) -> Instance {
        let mut instance = Instance::create(new, limits, executor, now);
        instance.has_begun = true;
        instance.run(Context::new(executor));
        instance
    }

    /// An instance that has not run yet: nothing is asked for before an owner loads it and it recovers.
    pub fn create(new: NewInstance, limits: &Limits, executor: &dyn Executor, now: Timestamp) -> Instance {
        let context = Context::new(executor);
        let workflow = &context.program.workflows.at(new.workflow);
        let row = InstanceRow {
            id: new.id,
            root: new.root,
            parent: new.parent,
            name: new.name,
            workflow: workflow.name.clone(),
            program: new.program,
            status: Status::Running,
            version: 0,
            created_at: now,
            updated_at: now,
            input: new.input,
            output: None,
            error: None,
            state: Vec::new(),
            attributes: "{}".into(),
        };
        let mut instance = Instance::empty(row, new.workflow, now);
        instance.begin(context, Heap::new(context.program.known, limits.clone()));
        instance
    }

    pub(crate) fn empty(row: InstanceRow, workflow: WorkflowId, now: Timestamp) -> Instance {
        Instance {
            row,
            state: State::default(),
            workflow,
            strands: BTreeMap::new(),
            compensations: BTreeMap::new(),
            undo: BTreeSet::new(),
            timers: BTreeMap::new(),
            due: BTreeSet::new(),
            calls: HashMap::new(),
            branches: HashMap::new(),
            spawned: BTreeMap::new(),
            awaiting: HashMap::new(),
            outbox: Vec::new(),
            raised: None,
            ready: VecDeque::new(),
            messages: BTreeMap::new(),
            queued: BTreeSet::new(),
            receivers: BTreeMap::new(),
            conditions: BTreeMap::new(),
            written: BTreeSet::new(),
            counters: Counters::default(),
            has_begun: false,
            clock: now,
            pending: Pending::default(),
        }
    }

    fn begin(&mut self, context: Context<'_>, mut heap: Heap) {
        self.pending.row = true;
        let workflow = &context.program.workflows.at(self.workflow);
        self.state.states = vec![None; workflow.states.len()];
        let types: Vec<_> = workflow.params.iter().map(|param| param.ty).collect();
        let args = crate::values::absorb(context.program, &types, &self.row.input, &mut heap);
        let input = match &args {
            Ok(words) => crate::values::fields_json(context.program, &heap, &workflow.params, words),
            Err(_) => Value::Null,
        };
        self.record(HistoryEvent::Started { workflow: workflow.name.clone(), input });
        match args {
            Ok(words) => {
                self.add_strand(
                    StrandPath::main(),
                    Strand::new(heap, workflow.body, words),
                    Meta::new(Role::Main),
                );
            }
            Err(reason) => self.end_with_report(Status::Failed, internal_report(&reason)),
        }
    }

    /// Applies one event that the owner accepted at `now`. Changes gather until [`take`](Instance::take).
    pub fn apply(&mut self, executor: &dyn Executor, now: Timestamp, event: Event) {
        let context = Context::new(executor);
        self.clock = self.clock.max(now);
        match event {
            Event::Message { inbox, message } => {
                self.pending.inbox.extend(inbox);
                self.message(context, inbox, message);
            }
            _ if self.row.status.is_final() => {}
            Event::Recovered => self.recovered(context),
            Event::CallEnded { key, attempt, outcome } => self.call_ended(context, key, attempt, outcome),
            Event::Timer { id } => self.timer_fired(context, &id),
            Event::Answered { key, answer } => self.answered(context, key, answer),
        }
        self.run(context);
    }

    /// Its owner leaves as planned: see [`Tree::hand_over`](crate::Tree::hand_over).
    pub(crate) fn leave(
        &mut self,
        executor: &dyn Executor,
        running: &HashSet<(CallKey, u32)>,
        worker: Option<Uuid>,
    ) {
        self.hand_over(Context::new(executor), running, worker);
    }

    /// A child has ended: goes on with the strand that called it.
    pub(crate) fn apply_child_end(
        &mut self,
        executor: &dyn Executor,
        now: Timestamp,
        strand: &StrandPath,
        end: ChildEnd,
    ) {
        let context = Context::new(executor);
        self.clock = self.clock.max(now);
        self.child_ended(context, strand, end);
        self.run(context);
    }

    /// What has changed since the last time, one write per row, and what to do once that has committed.
    pub fn take(&mut self, executor: &dyn Executor) -> Transition {
        crate::pending::take(self, executor.program())
    }

    /// Its identity.
    pub fn id(&self) -> InstanceId {
        self.row.id
    }

    /// The root of its tree.
    pub fn root(&self) -> InstanceId {
        self.row.root
    }

    /// The user's id.
    pub fn name(&self) -> &str {
        &self.row.name
    }

    /// Its status.
    pub fn status(&self) -> Status {
        self.row.status
    }

    /// Its row, as the last [`take`](Instance::take) wrote it.
    pub fn row(&self) -> &InstanceRow {
        &self.row
    }

    /// The next deadline, and its timer.
    pub fn next_timer(&self) -> Option<(Timestamp, &str)> {
        self.due.first().map(|(due, id)| (*due, id.as_str()))
    }

    /// How many calls are open.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn record(&mut self, event: HistoryEvent) {
        self.counters.sequence += 1;
        self.pending.history.push((self.counters.sequence, self.clock, event));
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.pending.actions.push(action);
    }

    /// Adds a strand that will run from its start.
    pub(crate) fn add_strand(&mut self, path: StrandPath, code: Strand, meta: Meta) {
        self.strands
            .insert(path.clone(), LiveStrand { code: Some(code), meta, version: 0, failed_call: None });
        self.make_ready(&path, Resumption::Start);
    }

    /// Removes a strand and what it has open.
    pub(crate) fn remove_strand(&mut self, path: &StrandPath) {
        // If it was to run, `run` finds it gone: a path is never used twice.
        let Some(strand) = self.strands.remove(path) else { return };
        if strand.version > 0 {
            self.pending.deleted_strands.insert(path.clone());
        }
        self.pending.strands.remove(path);
        match &strand.meta.wait {
            Wait::Call(call) | Wait::Stuck { call: Some(call), .. } => {
                self.calls.remove(&call.key);
            }
            Wait::Child { instance, .. } => {
                let message = Message::Terminate { reason: "its parent has ended".into() };
                self.outbox.push(Outgoing::Send { to: *instance, message });
            }
            other => self.waits_no_more(path, other),
        }
        let scopes: Vec<ScopeId> = self
            .spawned
            .range((path.clone(), 0)..=(path.clone(), u32::MAX))
            .map(|(id, _)| id.clone())
            .collect();
        for scope in scopes {
            self.spawned.remove(&scope);
        }
        let prefix = format!("{path}#");
        let timers: Vec<String> = self
            .timers
            .range(prefix.clone()..)
            .map(|(id, _)| id)
            .take_while(|id| id.starts_with(&prefix))
            .cloned()
            .collect();
        for timer in timers {
            self.clear_timer(&timer);
        }
        self.branches.remove(path);
    }

    /// The strand's stored part has changed.
    pub(crate) fn touch(&mut self, path: &StrandPath) {
        self.pending.strands.insert(path.clone());
    }

    pub(crate) fn make_ready(&mut self, path: &StrandPath, resumption: Resumption) {
        if let Some(strand) = self.strands.get_mut(path) {
            let before = std::mem::replace(&mut strand.meta.wait, Wait::Ready);
            strand.failed_call = None;
            match before {
                Wait::Call(call) => _ = self.calls.remove(&call.key),
                other => self.waits_no_more(path, &other),
            }
            self.touch(path);
            self.ready.push_back((path.clone(), resumption));
        }
    }

    /// Forgets what is derived from what a strand waited for.
    fn waits_no_more(&mut self, path: &StrandPath, wait: &Wait) {
        match wait {
            Wait::Request(request) => _ = self.calls.remove(&request.key),
            Wait::Await { strand } => {
                if let Some(awaiting) = self.awaiting.get_mut(strand) {
                    awaiting.remove(path);
                }
            }
            other => self.forget_wait(other),
        }
    }

    /// Sets what a strand waits for.
    pub(crate) fn wait(&mut self, path: &StrandPath, wait: Wait) {
        if let Some(strand) = self.strands.get_mut(path) {
            strand.meta.wait = wait;
            self.touch(path);
        }
    }

    /// Opens a deadline of a strand: its timer id.
    pub(crate) fn open_timer(&mut self, path: &StrandPath, due: Timestamp) -> String {
        let number = match self.strands.get_mut(path) {
            Some(strand) => {
                strand.meta.timers += 1;
                strand.meta.timers
            }
            None => 0,
        };
        let id = format!("{path}#{number}");
        self.add_timer(id.clone(), due);
        id
    }

    /// Adds a deadline that is not stored yet.
    pub(crate) fn add_timer(&mut self, id: String, due: Timestamp) {
        self.due.insert((due, id.clone()));
        self.pending.timers.insert(id.clone());
        self.timers.insert(id, Deadline { due, stored: false });
    }

    pub(crate) fn clear_timer(&mut self, id: &str) {
        let Some(deadline) = self.timers.remove(id) else { return };
        self.due.remove(&(deadline.due, id.to_owned()));
        self.pending.timers.remove(id);
        if deadline.stored {
            self.pending.deleted_timers.insert(id.to_owned());
        }
    }

    pub(crate) fn set_status(&mut self, status: Status) {
        if self.row.status != status {
            self.row.status = status;
            self.pending.row = true;
            self.act(Action::Status(status));
        }
    }

    /// Ends the instance: nothing of it is left but its row and its history.
    pub(crate) fn end(
        &mut self,
        status: Status,
        output: Option<(Vec<u8>, Value)>,
        error: Option<ErrorReport>,
    ) {
        let keys: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in keys {
            self.act(Action::Abort { key });
        }
        let paths: Vec<StrandPath> = self.strands.keys().cloned().collect();
        for path in paths {
            self.remove_strand(&path);
        }
        let positions: Vec<i64> = self.compensations.keys().copied().collect();
        for position in positions {
            self.drop_compensation(position);
        }
        self.ready.clear();
        self.written.clear();
        self.refuse_kept();
        let (image, json) = output.unzip();
        self.tell_parent(status, image.clone(), error.as_ref());
        self.row.output = image;
        self.row.error = error.as_ref().map(|report| serde_json::to_vec(report).unwrap_or_default());
        self.record(HistoryEvent::Ended { status, output: json, error });
        self.set_status(status);
    }

    fn tell_parent(&mut self, status: Status, output: Option<Vec<u8>>, error: Option<&ErrorReport>) {
        let Some((parent, strand)) = self.row.parent.clone() else { return };
        self.outbox.push(Outgoing::Ended {
            parent,
            strand,
            end: ChildEnd {
                id: self.row.id,
                name: self.row.name.clone(),
                workflow: self.row.workflow.clone(),
                status,
                result: output.ok_or(self.raised.take()),
                reason: error.map(|error| error.message.clone()).unwrap_or_default(),
            },
        });
    }

    pub(crate) fn end_with_report(&mut self, status: Status, report: ErrorReport) {
        self.end(status, None, Some(report));
    }
}

/// A report of what should never happen: damaged data, or a mistake of ours.
pub(crate) fn internal_report(reason: &str) -> ErrorReport {
    ErrorReport { message: format!("internal: {reason}"), ty: "Internal".into(), ..ErrorReport::default() }
}
