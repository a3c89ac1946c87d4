//! One instance in a simulated world: rows in memory, a virtual clock, scripted activities, and crashes on demand.
//!
//! Each transition is numbered. A run can be repeated with a crash just before or just after the commit of any of them,
//! or after an activity has done its work and before its completion is recorded.

use flow_machine::event::{Action, CallOutcome, Dispatch, Event, Message};
use flow_machine::history::{ErrorReport, HistoryEvent};
use flow_machine::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use flow_machine::rows::{
    Changes, CompensationRow, HistoryRow, InstanceRow, Status, StoredInstance, StrandRow, TimerRow,
};
use flow_machine::{Instance, NewInstance};
use flow_mir::value::{Image, from_json, from_json_fields, to_json};
use flow_mir::{Executor, Heap, Limits, Program, TypeId};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// How an attempt of an activity ends.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With this result, as JSON.
    Returns(Value),
    /// With a declared error, as the JSON of its case.
    Fails(Value),
    /// Without an answer, though it happened.
    Unknown,
    /// With a refusal.
    Refused,
    /// As the other one, after so many nanoseconds.
    After(i64, Box<Answer>),
    /// Never.
    Never,
}

/// One attempt, as the script sees it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The activity's name.
    pub activity: String,
    /// Its arguments by name.
    pub args: Value,
    /// Which attempt of this call, from 1.
    pub attempt: u32,
    /// The call's key.
    pub key: CallKey,
}

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
    /// How many transitions were committed.
    pub transitions: usize,
    /// How many attempts were made.
    pub attempts: usize,
    /// The virtual time it took.
    pub took: i64,
}

type Script = Box<dyn FnMut(&Attempt) -> Answer>;

/// What the simulation does next.
enum Next {
    Event(Event),
    /// The process died while it made an attempt.
    Death,
    Nothing,
}

/// The rows of one instance, checked as a store checks them.
#[derive(Default)]
struct Rows {
    instance: Option<InstanceRow>,
    strands: BTreeMap<StrandPath, StrandRow>,
    compensations: BTreeMap<StrandPath, CompensationRow>,
    timers: BTreeMap<String, TimerRow>,
    history: Vec<HistoryRow>,
}

impl Rows {
    fn commit(&mut self, changes: Changes) {
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
        for row in changes.history {
            assert_eq!(row.sequence, self.history.len() as i64 + 1, "history without gaps");
            self.history.push(row);
        }
    }

    fn stored(&self) -> Option<StoredInstance> {
        let mut compensations: Vec<_> = self.compensations.values().cloned().collect();
        compensations.sort_by_key(|row| row.position);
        Some(StoredInstance {
            row: self.instance.clone()?,
            strands: self.strands.values().cloned().collect(),
            compensations,
            timers: self.timers.values().cloned().collect(),
            last_sequence: self.history.len() as i64,
            last_at: self.history.last().map(|row| row.at).unwrap_or_default(),
            inbox: Vec::new(),
            completions: Vec::new(),
        })
    }
}

/// A simulated run of one instance.
pub struct Simulation {
    executor: Arc<dyn Executor>,
    script: Script,
    rows: Rows,
    now: i64,
    /// Attempts in flight or waiting, with the time at which their outcome arrives.
    arrivals: Vec<(i64, CallKey, u32, CallOutcome)>,
    waiting: Vec<Dispatch>,
    outside: VecDeque<Outside>,
    /// The message that the transition being made consumes.
    in_hand: Option<Outside>,
    crash: Option<Crash>,
    transitions: usize,
    attempts: usize,
    effects: Vec<(CallKey, String)>,
    crashed: bool,
}

impl Simulation {
    /// A run with this script.
    pub fn new(executor: Arc<dyn Executor>, script: impl FnMut(&Attempt) -> Answer + 'static) -> Simulation {
        Simulation {
            executor,
            script: Box::new(script),
            rows: Rows::default(),
            now: 0,
            arrivals: Vec::new(),
            waiting: Vec::new(),
            outside: VecDeque::new(),
            in_hand: None,
            crash: None,
            transitions: 0,
            attempts: 0,
            effects: Vec::new(),
            crashed: false,
        }
    }

    /// Dies once, there.
    #[must_use]
    pub fn crashing(mut self, crash: Crash) -> Simulation {
        self.crash = Some(crash);
        self
    }

    /// Does this from outside, in order of time.
    #[must_use]
    pub fn outside(mut self, events: impl IntoIterator<Item = Outside>) -> Simulation {
        self.outside.extend(events);
        self
    }

    fn program(&self) -> Arc<Program> {
        Arc::new(self.executor.program().clone())
    }

    /// Runs the workflow to its end, or until it is stuck with nothing more to come from outside.
    pub fn run(mut self, workflow: &str, input: &Value) -> Ended {
        let (mut instance, mut new) = (None, Some(self.new_instance(workflow, input)));
        loop {
            let current = match instance.take() {
                Some(instance) => instance,
                None => match self.recover(&mut new) {
                    Some(instance) => instance,
                    None => continue,
                },
            };
            let mut current = current;
            if self.is_over(&current) {
                return self.ended(&current);
            }
            let event = match self.next() {
                Next::Event(event) => event,
                Next::Death => continue,
                Next::Nothing => {
                    let view = current.view(&self.program());
                    panic!("nothing more can happen, but the instance is {:?}: {view:#?}", current.status());
                }
            };
            let executor = self.executor.clone();
            current.apply(executor.as_ref(), Timestamp(self.now), event);
            instance = self.commit(current);
        }
    }

    fn is_over(&self, instance: &Instance) -> bool {
        let waits_for_an_operator = matches!(instance.status(), Status::Stuck | Status::Paused);
        instance.status().is_final()
            || (waits_for_an_operator && self.outside.is_empty() && self.arrivals.is_empty())
    }

    fn new_instance(&self, workflow: &str, input: &Value) -> NewInstance {
        let program = self.executor.program();
        let found = program.workflows.iter().find(|(_, known)| known.name == workflow);
        let Some((id, declared)) = found else { panic!("no workflow {workflow}") };
        let mut heap = Heap::new(program.known, Limits::default());
        let words = from_json_fields(program, &mut heap, &declared.params, input).expect("the input fits");
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words).collect();
        let input = Image::capture(program, &heap, &roots).expect("the input fits into memory").encode();
        let uuid = InstanceId(uuid::Uuid::from_u128(7));
        NewInstance {
            id: uuid,
            root: uuid,
            parent: None,
            name: "test".into(),
            workflow: id,
            program: [1; 32],
            input,
        }
    }

    /// A process begins: with the stored rows, or with the new instance where nothing is stored yet.
    fn recover(&mut self, new: &mut Option<NewInstance>) -> Option<Instance> {
        self.arrivals.clear();
        self.waiting.clear();
        let executor = self.executor.clone();
        let started = match self.rows.stored() {
            Some(stored) => {
                let mut loaded =
                    Instance::load(stored, &Limits::default(), executor.as_ref()).expect("the rows load");
                self.apply_overdue(&mut loaded);
                loaded.apply(executor.as_ref(), Timestamp(self.now), Event::Recovered);
                loaded
            }
            None => {
                let new = new.clone().expect("the instance to start");
                Instance::start(new, &Limits::default(), executor.as_ref(), Timestamp(self.now))
            }
        };
        self.commit(started)
    }

    fn apply_overdue(&self, instance: &mut Instance) {
        while let Some((due, id)) = instance.next_timer().map(|(due, id)| (due, id.to_owned())) {
            if due.0 > self.now {
                return;
            }
            instance.apply(self.executor.as_ref(), due, Event::Timer { id });
        }
    }

    /// Commits and acts, unless the process dies there: then the instance is gone from memory.
    fn commit(&mut self, mut instance: Instance) -> Option<Instance> {
        let transition = instance.take(self.executor.as_ref());
        self.transitions += 1;
        let in_hand = self.in_hand.take();
        if self.dies(Crash::BeforeCommit(self.transitions)) {
            // The message is still in the inbox.
            in_hand.into_iter().for_each(|message| self.outside.push_front(message));
            return None;
        }
        self.rows.commit(transition.changes);
        if self.dies(Crash::AfterCommit(self.transitions)) {
            return None;
        }
        for action in transition.actions {
            match action {
                Action::Dispatch(dispatch) => match dispatch.not_before {
                    Some(_) => self.waiting.push(dispatch),
                    None if self.attempt(&dispatch) => {}
                    None => return None,
                },
                Action::Abort { key } => {
                    self.arrivals.retain(|(_, open, ..)| *open != key);
                    self.waiting.retain(|dispatch| dispatch.key != key);
                }
                Action::Withdraw { key } => self.waiting.retain(|dispatch| dispatch.key != key),
                Action::Status(_) => {}
            }
        }
        Some(instance)
    }

    fn dies(&mut self, here: Crash) -> bool {
        let dies = !self.crashed && self.crash == Some(here);
        self.crashed |= dies;
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
        let mut answer = (self.script)(&attempt);
        let mut delay = SECOND / 1000;
        while let Answer::After(more, inner) = answer {
            delay += more;
            answer = *inner;
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
        self.arrivals
            .extend(outcome.map(|outcome| (self.now + delay, dispatch.key, dispatch.attempt, outcome)));
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
        let arrival = self.arrivals.iter().map(|(at, ..)| *at).min();
        let retry = self.waiting.iter().filter_map(|dispatch| dispatch.not_before).map(|at| at.0).min();
        let timer = self.rows.timers.values().map(|row| row.due.0).min();
        let sent = self.outside.front().map(|Outside::Send(at, _)| *at);
        let next = [arrival, sent, timer, retry].into_iter().flatten().min()?;
        self.now = self.now.max(next);
        // At one time: arrivals before deadlines.
        if arrival == Some(next) {
            let index = self.arrivals.iter().position(|(at, ..)| *at == next)?;
            let (_, key, attempt, outcome) = self.arrivals.remove(index);
            return Some(Next::Event(Event::CallEnded { key, attempt, outcome }));
        }
        if sent == Some(next) {
            let Some(Outside::Send(_, message)) = self.outside.pop_front() else { return None };
            self.in_hand = Some(Outside::Send(next, message.clone()));
            return Some(Next::Event(Event::Message { inbox: None, message }));
        }
        if timer == Some(next) {
            let row = self.rows.timers.values().find(|row| row.due.0 == next)?;
            return Some(Next::Event(Event::Timer { id: row.id.clone() }));
        }
        let index =
            self.waiting.iter().position(|dispatch| dispatch.not_before.is_some_and(|at| at.0 == next))?;
        let dispatch = self.waiting.remove(index);
        Some(if self.attempt(&dispatch) { Next::Nothing } else { Next::Death })
    }

    fn ended(self, instance: &Instance) -> Ended {
        let row = instance.row();
        let output = self.history().into_iter().rev().find_map(|event| match event {
            HistoryEvent::Ended { output, .. } => Some(output),
            _ => None,
        });
        let error = row.error.as_ref().and_then(|error| serde_json::from_slice::<ErrorReport>(error).ok());
        if row.status.is_final() {
            assert!(self.rows.strands.is_empty(), "strands are left over");
            assert!(self.rows.compensations.is_empty(), "compensations are left over");
            assert!(self.rows.timers.is_empty(), "timers are left over");
        }
        self.assert_completions_are_unique();
        Ended {
            status: row.status,
            output: output.flatten(),
            error: error.map(|report| report.message),
            effects: self.effects.iter().map(|(_, effect)| effect.clone()).collect(),
            transitions: self.transitions,
            attempts: self.attempts,
            took: self.now,
        }
    }

    fn history(&self) -> Vec<HistoryEvent> {
        self.rows
            .history
            .iter()
            .map(|row| serde_json::from_slice(&row.event).expect("history is JSON"))
            .collect()
    }

    fn assert_completions_are_unique(&self) {
        let mut seen = std::collections::BTreeSet::new();
        for event in self.history() {
            if let HistoryEvent::CallCompleted { key, .. } = event {
                assert!(seen.insert(key.clone()), "the call {key} was completed twice");
            }
        }
    }
}

fn outcome(program: &Program, returns: TypeId, fails: &[TypeId], answer: &Answer) -> Option<CallOutcome> {
    let mut heap = Heap::new(program.known, Limits::default());
    Some(match answer {
        Answer::Returns(json) => {
            let word = from_json(program, &mut heap, returns, json).expect("the scripted result fits");
            CallOutcome::Returned(Image::capture(program, &heap, &[(returns, word)]).expect("fits").encode())
        }
        Answer::Fails(json) => {
            let (ty, word) = fails
                .iter()
                .find_map(|ty| from_json(program, &mut heap, *ty, json).ok().map(|word| (*ty, word)))
                .expect("the scripted error is declared");
            let error = heap.make_error(ty, word).expect("fits");
            CallOutcome::Failed(
                Image::capture(program, &heap, &[(program.known.error, error)]).expect("fits").encode(),
            )
        }
        Answer::Unknown => CallOutcome::Unknown { reason: "no answer".into(), timed_out: false },
        Answer::Refused => CallOutcome::Refused { reason: "refused".into() },
        Answer::Never | Answer::After(..) => return None,
    })
}

fn image_json(program: &Program, types: &[TypeId], bytes: &[u8]) -> Vec<Value> {
    let mut heap = Heap::new(program.known, Limits::default());
    let words = Image::decode(bytes).expect("an image").restore(program, &mut heap).expect("fits");
    types.iter().zip(words).map(|(ty, word)| to_json(program, &heap, *ty, word).expect("JSON")).collect()
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
            let simulation =
                Simulation::new(executor.clone(), script.clone()).outside(outside.iter().cloned());
            match crash {
                Some(crash) => simulation.crashing(crash),
                None => simulation,
            }
            .run(workflow, input)
        };
        let calm = run(None);
        let reference = first.get_or_insert_with(|| calm.clone()).clone();
        assert_eq!(calm, reference, "{kind} differs from the interpreter");
        let commits = (1..=calm.transitions).flat_map(|n| [Crash::BeforeCommit(n), Crash::AfterCommit(n)]);
        let effects = (1..=calm.attempts).map(Crash::AfterEffect);
        for crash in commits.chain(effects) {
            let crashed = run(Some(crash));
            let same = (&crashed.status, &crashed.output, &crashed.error)
                == (&calm.status, &calm.output, &calm.error);
            assert!(same, "{kind}, {crash:?}: ended {crashed:#?}, without the crash {calm:#?}");
            let (mut with, mut without) = (crashed.effects.clone(), calm.effects.clone());
            with.sort();
            without.sort();
            assert_eq!(with, without, "{kind}, {crash:?}: other calls than without the crash");
        }
    }
    first.expect("at least one executor")
}
