//! Trees of instances in a simulated world: rows in memory, a virtual clock, scripted activities, and crashes on demand.
//!
//! Each transition is numbered. A run can be repeated with a crash just before or just after the commit of any of them,
//! or after an activity has done its work and before its completion is recorded.

use crate::mirror::Mirror;
pub use crate::script::{Answer, Attempt};
use crate::script::{image_json, outcome};
use crate::stored::Store;
use crate::trace::{Gate, Trace};
use flow_machine::event::{Action, Answered, Ask, CallOutcome, Dispatch, Event, Message, Wish};
use flow_machine::history::{ErrorReport, HistoryEvent};
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{HistoryRow, InstanceRow, Status, StoredInstance};
use flow_machine::{NewInstance, Tree};
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Executor, Heap, Limits, Program};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Transition `n` is not committed.
    BeforeCommit(usize),
    /// Transition `n` is committed, its actions are not performed.
    AfterCommit(usize),
    /// Attempt `n` has done its work, its completion is lost.
    AfterEffect(usize),
}

/// What an operator or another program does.
#[derive(Clone, Debug)]
pub enum Outside {
    /// Sends a message at this time.
    Send(i64, Message),
    /// Sends it once the gate is open, and what comes before it is sent.
    Once(Gate, Message),
}

impl Outside {
    fn message(&self) -> &Message {
        match self {
            Outside::Send(_, message) | Outside::Once(_, message) => message,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The instance's status.
    pub status: Status,
    /// Its result as JSON.
    pub output: Option<Value>,
    /// Its error's message.
    pub error: Option<String>,
    /// Calls of activities that happened, `name(args)`, one for each key, in the order of their first effect.
    pub effects: Vec<String>,
    /// The other instances, children and detached ones, by id.
    pub instances: Vec<(String, Status)>,
    /// Answers to updates, in the order in which they were given.
    pub replies: Vec<Value>,
    /// Messages that nobody got, with the reason.
    pub undelivered: Vec<String>,
    /// What its queries without parameters answer at the end, by name.
    pub answers: BTreeMap<String, Value>,
    /// What they gave, by id.
    pub outputs: BTreeMap<String, Value>,
    /// How many transitions were committed.
    pub transitions: usize,
    /// How many attempts were made.
    pub attempts: usize,
    /// The virtual time it took.
    pub took: i64,
    /// When its steps began and ended.
    pub trace: Trace,
    /// It did not end: where it stood when nothing more could happen.
    pub stalled: Option<String>,
}

type Script = Box<dyn FnMut(&Attempt) -> Answer>;

/// What the simulation does next.
enum Next {
    Event(InstanceId, Event),
    /// The process died while it made an attempt.
    Death,
    Nothing,
}

/// The outcome of an attempt, on its way.
struct Arrival {
    /// Not before that time, nor before the gate is open.
    at: i64,
    gate: Gate,
    instance: InstanceId,
    key: CallKey,
    attempt: u32,
    outcome: CallOutcome,
}

/// A simulated run of one instance, its children, and what they detach.
pub struct Simulation {
    executor: Arc<dyn Executor>,
    script: Script,
    store: Store,
    /// A real store that gets the same.
    mirror: Option<Mirror>,
    /// The trees in memory, by root.
    live: BTreeMap<InstanceId, Tree>,
    /// The instance that the run is about.
    main: InstanceId,
    now: i64,
    /// Outcomes of attempts that are on their way.
    arrivals: Vec<Arrival>,
    /// Requests of strands that are done or refused, and are to be told so.
    answers: VecDeque<(InstanceId, CallKey, Result<Answered, String>)>,
    waiting: Vec<Dispatch>,
    /// What comes from outside, from now on.
    outside: VecDeque<(Uuid, Outside)>,
    /// The messages from there that the transition being made consumes.
    in_hand: Vec<(Uuid, Outside)>,
    crash: Option<Crash>,
    transitions: usize,
    attempts: usize,
    effects: Vec<(CallKey, String)>,
    trace: Trace,
    crashed: bool,
}

impl Simulation {
    /// What stands for the hash of the program.
    pub(crate) const PROGRAM: [u8; 32] = [1; 32];

    /// A run with this script.
    pub fn new(executor: Arc<dyn Executor>, script: impl FnMut(&Attempt) -> Answer + 'static) -> Simulation {
        Simulation {
            executor,
            script: Box::new(script),
            store: Store::default(),
            mirror: None,
            live: BTreeMap::new(),
            main: InstanceId(uuid::Uuid::from_u128(7)),
            now: 0,
            arrivals: Vec::new(),
            answers: VecDeque::new(),
            waiting: Vec::new(),
            outside: VecDeque::new(),
            in_hand: Vec::new(),
            crash: None,
            transitions: 0,
            attempts: 0,
            effects: Vec::new(),
            trace: Trace::default(),
            crashed: false,
        }
    }

    /// Writes to this store as well, and loads from it.
    #[must_use]
    pub fn mirrored(mut self, mirror: Option<Mirror>) -> Simulation {
        self.mirror = mirror;
        self
    }

    /// Dies once, there.
    #[must_use]
    pub fn crashing(mut self, crash: impl Into<Option<Crash>>) -> Simulation {
        self.crash = crash.into();
        self
    }

    /// Does this from outside, in order of time.
    #[must_use]
    pub fn outside(mut self, events: impl IntoIterator<Item = Outside>) -> Simulation {
        let numbered = (1..).map(Uuid::from_u128).zip(events);
        self.outside.extend(numbered);
        self
    }

    fn program(&self) -> Arc<Program> {
        Arc::new(self.executor.program().clone())
    }

    /// Runs the workflow to its end and that of all it detaches, or until it is stuck with nothing more to come from
    /// outside.
    pub fn run(self, workflow: &str, input: &Value) -> Ended {
        let ended = self.watch(workflow, input);
        if let Some(stalled) = &ended.stalled {
            panic!("nothing more can happen: {stalled}");
        }
        ended
    }

    /// The same, but a run that doesn't end is told as such.
    pub fn watch(mut self, workflow: &str, input: &Value) -> Ended {
        let new = self.new_instance(workflow, input);
        loop {
            if !self.revive(&new) {
                continue;
            }
            if self.is_over() {
                return self.ended(None);
            }
            let (instance, event) = match self.next() {
                Next::Event(instance, event) => (instance, event),
                Next::Death => continue,
                Next::Nothing => {
                    let views: Vec<_> = self.live.values().flat_map(Tree::instances).collect();
                    let views: Vec<_> = views.iter().map(|one| one.view(&self.program())).collect();
                    let stalled = format!("{views:#?}");
                    return self.ended(Some(stalled));
                }
            };
            let Some(root) = self.store.row(instance).map(|row| row.root) else { continue };
            let Some(mut tree) = self.live.remove(&root) else { continue };
            let executor = self.executor.clone();
            tree.apply(executor.as_ref(), Timestamp(self.now), instance, event);
            self.commit(tree);
        }
    }

    fn is_over(&self) -> bool {
        let Some(row) = self.store.row(self.main) else { return false };
        let waits_for_an_operator = matches!(row.status, Status::Stuck | Status::Paused);
        if row.status.is_final() {
            return self.store.live_roots().is_empty();
        }
        waits_for_an_operator && self.outside.is_empty() && self.arrivals.is_empty()
    }

    fn new_instance(&self, workflow: &str, input: &Value) -> NewInstance {
        let program = self.executor.program();
        let found = program.workflows.iter().find(|(_, known)| known.name == workflow);
        let Some((id, declared)) = found else { panic!("no workflow {workflow}") };
        let mut heap = Heap::new(program.known, Limits::default());
        let words = from_json_fields(program, &mut heap, &declared.params, input).expect("the input fits");
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words).collect();
        let input = Image::capture(program, &heap, &roots).expect("the input fits into memory").encode();
        let uuid = self.main;
        NewInstance {
            id: uuid,
            root: uuid,
            parent: None,
            name: "test".into(),
            workflow: id,
            program: Simulation::PROGRAM,
            input,
        }
    }

    /// Sees to it that all that has not ended is in memory: loaded from its rows, or started where it is not stored yet.
    /// False where the process died over it.
    fn revive(&mut self, new: &NewInstance) -> bool {
        let executor = self.executor.clone();
        if self.store.row(self.main).is_none() {
            let tree = Tree::start(new.clone(), &Limits::default(), executor.as_ref(), Timestamp(self.now));
            return self.commit(tree);
        }
        for root in self.store.live_roots() {
            if self.live.contains_key(&root) {
                continue;
            }
            let stored = self.load(root);
            let mut tree = Tree::load(stored, &Limits::default(), executor.as_ref()).expect("the rows load");
            self.apply_overdue(&mut tree);
            tree.recover(executor.as_ref(), Timestamp(self.now));
            if !self.commit(tree) {
                return false;
            }
        }
        true
    }

    /// The rows of a tree: those of the real store, which are the same.
    fn load(&mut self, root: InstanceId) -> Vec<StoredInstance> {
        let stored = self.store.tree(root);
        let Some(mirror) = &mut self.mirror else { return stored };
        let ids: Vec<InstanceId> = stored.iter().map(|one| one.row.id).collect();
        let loaded = mirror.load(root, &ids);
        assert_eq!(loaded, stored, "the store gives other rows than it was given");
        loaded
    }

    /// What was due and what came while nobody owned it, by time; a message wins a tie.
    fn apply_overdue(&mut self, tree: &mut Tree) {
        let executor = self.executor.clone();
        loop {
            let timer = tree.next_timer().map(|(due, of, id)| (due, of, id.to_owned()));
            let timer = timer.filter(|(due, ..)| due.0 <= self.now);
            let sent = self.next_sent().filter(|at| *at <= self.now && tree.id() == self.main);
            match (sent, timer) {
                (Some(at), timer) if timer.as_ref().is_none_or(|(due, ..)| at <= due.0) => {
                    if let Some(event) = self.take_message() {
                        tree.apply(executor.as_ref(), Timestamp(at), self.main, event);
                    }
                }
                (_, Some((due, instance, id))) => {
                    tree.apply(executor.as_ref(), due, instance, Event::Timer { id });
                }
                _ => return,
            }
        }
    }

    /// When the next message comes from outside.
    fn next_sent(&self) -> Option<i64> {
        match &self.outside.front()?.1 {
            Outside::Send(at, _) => Some(*at),
            Outside::Once(gate, _) => gate.is_open(&self.trace).then_some(self.now),
        }
    }

    /// Takes that message.
    fn take_message(&mut self) -> Option<Event> {
        let (id, outside) = self.outside.pop_front()?;
        let message = outside.message().clone();
        if let Some(mirror) = &self.mirror {
            mirror.send(id, self.main, &message);
        }
        self.in_hand.push((id, outside));
        Some(Event::Message { inbox: Some(id), message })
    }

    /// Commits and acts; false where the process dies over it: then all instances are gone from memory.
    fn commit(&mut self, mut tree: Tree) -> bool {
        let transition = tree.take(self.executor.as_ref());
        self.transitions += 1;
        let in_hand = std::mem::take(&mut self.in_hand);
        if self.dies(Crash::BeforeCommit(self.transitions)) {
            // The messages are still in the inbox.
            in_hand.into_iter().rev().for_each(|message| self.outside.push_front(message));
            return false;
        }
        if let Some(mirror) = &mut self.mirror {
            mirror.commit(tree.id(), &transition.changes);
        }
        self.trace.commit(&transition.changes);
        self.store.commit(transition.changes);
        if self.dies(Crash::AfterCommit(self.transitions)) {
            return false;
        }
        if !tree.status().is_final() {
            self.live.insert(tree.id(), tree);
        }
        transition.actions.into_iter().all(|action| self.act(action))
    }

    /// Does what a transition asked for; false where the process dies over it.
    fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Dispatch(dispatch) if dispatch.not_before.is_some() => self.waiting.push(dispatch),
            Action::Dispatch(dispatch) => return self.attempt(&dispatch),
            Action::Abort { key } => {
                self.arrivals.retain(|arrival| arrival.key != key);
                self.waiting.retain(|dispatch| dispatch.key != key);
            }
            Action::Withdraw { key } => self.waiting.retain(|dispatch| dispatch.key != key),
            Action::Request(ask) => return self.request(&ask),
            Action::Status(_) => {}
        }
        true
    }

    /// Does what a strand asks of another tree. That is a commit of its own, with crashes of its own.
    fn request(&mut self, ask: &Ask) -> bool {
        let request = &ask.request;
        let found = self.store.find(&request.to).map(|row| (row.id, row.workflow == request.workflow));
        let answer = match (&request.wish, found) {
            (_, Some((_, false))) => Err("it is of another workflow".to_owned()),
            (Wish::Tell { .. }, None) => Err("there is no such instance".to_owned()),
            (Wish::Tell { .. }, Some((to, true))) => {
                let message = request.message().expect("the message is JSON");
                let id = uuid::Uuid::from_bytes(request.key.0);
                let accepted = self.store.accept(id, to, message.clone());
                if let (Some(mirror), Ok(())) = (&self.mirror, &accepted) {
                    mirror.send(id, to, &message);
                }
                accepted
            }
            (Wish::Start { .. }, Some(_)) => Ok(()),
            (Wish::Ask { .. }, _) => Err("only a child can be asked".to_owned()),
            (Wish::Start { id, input }, None) => {
                let program = self.program();
                let found = program.workflows.iter().find(|(_, known)| known.name == request.workflow);
                let workflow = found.map(|(id, _)| id);
                let new = NewInstance {
                    id: *id,
                    root: *id,
                    parent: None,
                    name: request.to.clone(),
                    workflow: workflow.expect("the workflow"),
                    program: Simulation::PROGRAM,
                    input: input.clone(),
                };
                let executor = self.executor.clone();
                let tree = Tree::start(new, &Limits::default(), executor.as_ref(), Timestamp(self.now));
                if !self.commit(tree) {
                    return false;
                }
                Ok(())
            }
        };
        self.attempts += 1;
        if self.dies(Crash::AfterEffect(self.attempts)) {
            return false;
        }
        self.answers.push_back((ask.instance, request.key, answer.map(|()| Answered::Done)));
        true
    }

    fn dies(&mut self, here: Crash) -> bool {
        let dies = !self.crashed && self.crash == Some(here);
        self.crashed |= dies;
        if dies {
            self.live.clear();
            self.arrivals.clear();
            self.waiting.clear();
            self.answers.clear();
            if let Some(mirror) = &mut self.mirror {
                mirror.reopen();
            }
        }
        dies
    }

    /// Makes an attempt; false where the process dies after its effect.
    fn attempt(&mut self, dispatch: &Dispatch) -> bool {
        let program = self.program();
        let activity = program.activities.at(dispatch.activity);
        let args = image_json(
            &program,
            &activity.params.iter().map(|param| param.ty).collect::<Vec<_>>(),
            &dispatch.args,
        );
        let named = activity.params.iter().map(|param| param.name.clone()).zip(args.clone()).collect();
        let attempt = Attempt {
            activity: activity.name.clone(),
            args: Value::Object(named),
            attempt: dispatch.attempt,
            key: dispatch.key,
        };
        self.attempts += 1;
        self.trace.attempt(dispatch.key, &activity.name, &args);
        let mut answer = (self.script)(&attempt);
        let (mut delay, mut gate) = (SECOND / 1000, Gate::default());
        loop {
            answer = match answer {
                Answer::After(more, inner) => {
                    delay += more;
                    *inner
                }
                Answer::Once(held, inner) => {
                    gate.0.extend(held.0);
                    *inner
                }
                _ => break,
            };
        }
        let happened = matches!(answer, Answer::Returns(_) | Answer::Unknown | Answer::Never);
        if happened && !self.effects.iter().any(|(key, _)| *key == dispatch.key) {
            let args = args.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            self.effects.push((dispatch.key, format!("{}({args})", activity.name)));
        }
        let mut outcome = outcome(&program, activity.returns, &activity.fails, &answer);
        if let Some(limit) =
            dispatch.timeout.filter(|limit| delay > *limit || matches!(answer, Answer::Never))
        {
            outcome = Some(CallOutcome::Unknown { reason: "timed out".into(), timed_out: true });
            delay = limit;
        }
        if self.dies(Crash::AfterEffect(self.attempts)) {
            return false;
        }
        self.arrivals.extend(outcome.map(|outcome| Arrival {
            at: self.now + delay,
            gate,
            instance: dispatch.instance,
            key: dispatch.key,
            attempt: dispatch.attempt,
            outcome,
        }));
        true
    }

    /// The next thing to happen. Time goes on to it.
    fn next(&mut self) -> Next {
        loop {
            match self.try_next() {
                Some(Next::Nothing) => {}
                Some(next) => return next,
                None => return Next::Nothing,
            }
        }
    }

    /// `None`: nothing is left to happen. `Nothing`: an attempt was made, which is no event.
    fn try_next(&mut self) -> Option<Next> {
        if let Some((instance, key, answer)) = self.answers.pop_front() {
            return Some(Next::Event(instance, Event::Answered { key, answer }));
        }
        if let Some((id, instance, message)) = self.store.inbox.first().cloned() {
            return Some(Next::Event(instance, Event::Message { inbox: Some(id), message }));
        }
        let arrives = |arrival: &&Arrival| arrival.gate.is_open(&self.trace);
        let arrival = self.arrivals.iter().filter(arrives).map(|arrival| arrival.at).min();
        let retry = self.waiting.iter().filter_map(|dispatch| dispatch.not_before).map(|at| at.0).min();
        let timers = self.store.instances.values().flat_map(|rows| rows.timers.values());
        let timer = timers.clone().map(|row| row.due.0).min();
        let sent = self.next_sent();
        let next = [arrival, sent, timer, retry].into_iter().flatten().min()?;
        self.now = self.now.max(next);
        // At one time: arrivals before deadlines.
        if arrival == Some(next) {
            let index = self.arrivals.iter().position(|one| one.at == next && arrives(&one))?;
            let Arrival { instance, key, attempt, outcome, .. } = self.arrivals.remove(index);
            return Some(Next::Event(instance, Event::CallEnded { key, attempt, outcome }));
        }
        if sent == Some(next) {
            return self.take_message().map(|event| Next::Event(self.main, event));
        }
        if timer == Some(next) {
            let row = timers.clone().find(|row| row.due.0 == next)?;
            let (instance, id) = (row.instance, row.id.clone());
            return Some(Next::Event(instance, Event::Timer { id }));
        }
        let index =
            self.waiting.iter().position(|dispatch| dispatch.not_before.is_some_and(|at| at.0 == next))?;
        let dispatch = self.waiting.remove(index);
        Some(if self.attempt(&dispatch) { Next::Nothing } else { Next::Death })
    }

    fn ended(self, stalled: Option<String>) -> Ended {
        let row = self.store.row(self.main).expect("the instance is stored");
        let output = self.history(self.main).into_iter().rev().find_map(|event| match event {
            HistoryEvent::Ended { output, .. } => Some(output),
            _ => None,
        });
        let error = row.error.as_ref().and_then(|error| serde_json::from_slice::<ErrorReport>(error).ok());
        for rows in self.store.instances.values() {
            if rows.instance.as_ref().is_some_and(|row| row.status.is_final()) {
                assert!(rows.strands.is_empty(), "strands are left over");
                assert!(rows.compensations.is_empty(), "compensations are left over");
                assert!(rows.timers.is_empty(), "timers are left over");
                assert!(rows.messages.is_empty(), "messages are left over");
            } else {
                assert!(!row.status.is_final(), "an instance outlives the root of its tree");
            }
        }
        self.assert_completions_are_unique();
        let undelivered = self.history(self.main).into_iter().filter_map(|event| match event {
            HistoryEvent::Undelivered { message, reason } => Some(format!("{message}: {reason}")),
            _ => None,
        });
        let replies = self.store.replies.iter();
        let mut instances: Vec<(String, Status)> = self
            .store
            .instances
            .values()
            .filter_map(|rows| rows.instance.as_ref().map(|row| (row.name.clone(), row.status)))
            .filter(|(name, _)| name != "test")
            .collect();
        instances.sort_by(|one, other| one.0.cmp(&other.0));
        let outputs = self.store.instances.iter().filter_map(|(id, rows)| {
            let name = rows.instance.as_ref()?.name.clone();
            self.history(*id).into_iter().rev().find_map(|event| match event {
                HistoryEvent::Ended { output, .. } => Some((name.clone(), output?)),
                _ => None,
            })
        });
        Ended {
            outputs: outputs.collect(),
            status: row.status,
            output: output.flatten(),
            error: error.map(|report| report.message),
            effects: self.effects.iter().map(|(_, effect)| effect.clone()).collect(),
            instances,
            replies: replies
                .map(|row| serde_json::from_slice(&row.reply).expect("a reply is JSON"))
                .collect(),
            undelivered: undelivered.collect(),
            answers: answers(self.executor.as_ref(), row),
            transitions: self.transitions,
            attempts: self.attempts,
            took: self.now,
            trace: self.trace,
            stalled,
        }
    }

    fn history(&self, instance: InstanceId) -> Vec<HistoryEvent> {
        let rows = self.store.instances.get(&instance).map(|rows| rows.history.as_slice());
        let event = |row: &HistoryRow| serde_json::from_slice(&row.event).expect("history is JSON");
        rows.unwrap_or_default().iter().map(event).collect()
    }

    fn assert_completions_are_unique(&self) {
        let mut seen = std::collections::BTreeSet::new();
        for instance in self.store.instances.keys() {
            for event in self.history(*instance) {
                if let HistoryEvent::CallCompleted { key, .. } = event {
                    assert!(seen.insert(key.clone()), "the call {key} was completed twice");
                }
            }
        }
    }
}

/// What the queries without parameters answer, from the row alone.
fn answers(executor: &dyn Executor, row: &InstanceRow) -> BTreeMap<String, Value> {
    let workflow = executor.program().workflows.values().find(|known| known.name == row.workflow);
    let queries = workflow.map(|workflow| workflow.queries.as_slice()).unwrap_or_default();
    let nothing = Value::Object(serde_json::Map::new());
    let ask = |name: &str| match flow_machine::query(executor, row, name, &nothing, &Limits::default()) {
        Ok(flow_machine::Answer::Returned(value)) => value,
        other => Value::String(format!("{other:?}")),
    };
    let plain = queries.iter().filter(|query| query.params.is_empty());
    plain.map(|query| (query.name.clone(), ask(&query.name))).collect()
}

/// Runs a workflow without crashes, then again with a crash at each place; every run must end the same way and with the
/// same calls. Gives the first run.
pub fn survives_every_crash(
    program: &Arc<Program>,
    workflow: &str,
    input: &Value,
    outside: &[Outside],
    script: impl Fn(&Attempt) -> Answer + Clone + 'static,
) -> Ended {
    let mut first: Option<Ended> = None;
    for (kind, executor) in crate::executors(program) {
        let run = |crash: Option<Crash>| {
            let simulation = Simulation::new(executor.clone(), script.clone());
            simulation.outside(outside.iter().cloned()).crashing(crash).run(workflow, input)
        };
        let calm = run(None);
        let reference = first.get_or_insert_with(|| calm.clone()).clone();
        assert_eq!(calm, reference, "{kind} differs from the interpreter");
        for crash in calm.places_to_crash() {
            assert_same(&run(Some(crash)), &calm, &format!("{kind}, {crash:?}"));
        }
    }
    first.expect("at least one executor")
}

impl Ended {
    /// Before and after each commit, and after each effect.
    pub fn places_to_crash(&self) -> Vec<Crash> {
        let commits = (1..=self.transitions).flat_map(|n| [Crash::BeforeCommit(n), Crash::AfterCommit(n)]);
        commits.chain((1..=self.attempts).map(Crash::AfterEffect)).collect()
    }
}

/// A run with a crash ends as the calm one, and with the same calls.
pub fn assert_same(crashed: &Ended, calm: &Ended, place: &str) {
    let told = |ended: &Ended| {
        let Ended { status, output, error, instances, replies, undelivered, answers, .. } = ended.clone();
        (status, output, error, instances, replies, undelivered, answers)
    };
    assert!(told(crashed) == told(calm), "{place}: ended {crashed:#?}, without the crash {calm:#?}");
    let (mut with, mut without) = (crashed.effects.clone(), calm.effects.clone());
    with.sort();
    without.sort();
    assert_eq!(with, without, "{place}: other calls than without the crash");
}
