//! Trees of instances in a simulated world: rows in memory, a virtual clock, scripted activities, and all that can go wrong.
//!
//! Each transition is numbered. A run can be repeated with a crash just before or just after the commit of any of them, or
//! after an activity has done its work and before its completion is recorded; or with whatever a seed brings
//! ([`Faults`]). `survive` does all of that to a program, `laws` says what must hold whatever happens.

mod attempt;
pub(crate) mod ended;
mod faults;
mod laws;
pub mod mirror;
mod outside;
mod real;
pub(crate) mod script;
mod stale;
pub(crate) mod stored;
mod survive;

pub use ended::{Ended, assert_same};
pub use faults::{Crash, Faults, Loss, Weather};
pub use outside::Outside;
pub use real::on_real_stores;
pub use script::{Answer, Attempt};
pub use survive::{Repeat, Seeds, Storm, any_weather, interfered, survives_every_crash};

use crate::trace::Trace;
use attempt::Flight;
use flow_machine::event::{Action, Answered, Dispatch, Event, Transition};
use flow_machine::ids::{CallKey, InstanceId, Timestamp};
use flow_machine::rows::{Changes, Status, StoredInstance};
use flow_machine::{NewInstance, Tree};
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Executor, Heap, Limits};
use mirror::Mirror;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use stored::{Letter, Store};
use uuid::Uuid;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// A run that takes more turns than this has no end.
const ENDLESS: usize = 300_000;

type Script<'s> = Box<dyn FnMut(&Attempt) -> Answer + 's>;

/// What the simulation does next.
enum Next {
    Event(InstanceId, Event),
    /// An event that was delivered before.
    Echo(InstanceId, Event),
    /// Something that is no event: an attempt was made, or the process was lost over it.
    Again,
    /// Nothing is left to happen.
    Nothing,
}

/// A simulated run of one instance, its children, and what they detach.
pub struct Simulation<'s> {
    executor: Arc<dyn Executor>,
    script: Script<'s>,
    store: Store,
    /// A real store that gets the same.
    mirror: Option<Mirror>,
    /// The trees in memory, by root.
    live: BTreeMap<InstanceId, Tree>,
    /// Owners that have been replaced and do not know.
    stale: Vec<stale::Stale>,
    /// The instance that the run is about.
    main: InstanceId,
    now: i64,
    /// Attempts whose outcome is on its way.
    flights: Vec<Flight>,
    /// Since when the work of an attempt is under way, where crashes cost no time.
    under_way: HashMap<(CallKey, u32), i64>,
    /// Requests of strands that are done or refused, and are to be told so.
    answers: VecDeque<(InstanceId, CallKey, Result<Answered, String>)>,
    /// Updates that were sent to other trees and wait for their answers: who asked, under which key, whom.
    asking: Vec<(InstanceId, CallKey, InstanceId)>,
    waiting: Vec<Dispatch>,
    /// What was delivered and comes again.
    echoes: Vec<(i64, InstanceId, Event)>,
    /// What comes from outside, from now on.
    outside: VecDeque<(Uuid, Outside)>,
    faults: Faults,
    /// Whether the ids of requests are forgotten by the time somebody asks again.
    forgets: bool,
    is_wild: bool,
    /// How often those who wait for its end have lost patience, and how many messages they have sent.
    nudges: usize,
    nudged: u128,
    transitions: usize,
    attempts: usize,
    effects: Vec<(CallKey, String)>,
    trace: Trace,
}

impl<'s> Simulation<'s> {
    /// What stands for the hash of the program.
    pub(crate) const PROGRAM: [u8; 32] = [1; 32];

    /// A run with this script.
    pub fn new(executor: Arc<dyn Executor>, script: impl FnMut(&Attempt) -> Answer + 's) -> Simulation<'s> {
        Simulation {
            executor,
            script: Box::new(script),
            store: Store::default(),
            mirror: None,
            live: BTreeMap::new(),
            stale: Vec::new(),
            main: InstanceId(Uuid::from_u128(7)),
            now: 0,
            flights: Vec::new(),
            under_way: HashMap::new(),
            answers: VecDeque::new(),
            asking: Vec::new(),
            waiting: Vec::new(),
            echoes: Vec::new(),
            outside: VecDeque::new(),
            faults: Faults::default(),
            forgets: false,
            is_wild: false,
            nudges: 0,
            nudged: 0,
            transitions: 0,
            attempts: 0,
            effects: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// Writes to this store as well, and loads from it.
    #[must_use]
    pub fn mirrored(mut self, mirror: Option<Mirror>) -> Self {
        self.mirror = mirror;
        self
    }

    /// With these faults.
    #[must_use]
    pub fn crashing(mut self, faults: impl Into<Faults>) -> Self {
        self.faults = faults.into();
        self.is_wild = self.faults.is_wild();
        self
    }

    /// Whoever asks another instance again after a crash comes so late that nobody knows whether it was done.
    #[must_use]
    pub fn forgetting(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// Does this from outside, in order of time.
    #[must_use]
    pub fn outside(mut self, events: impl IntoIterator<Item = Outside>) -> Self {
        let numbered = (1..).map(Uuid::from_u128).zip(events);
        self.outside.extend(numbered);
        self
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
        for _ in 0..ENDLESS {
            if !self.revive(&new) {
                continue;
            }
            self.wake_stale_owners();
            if self.is_over() {
                return self.ended(None);
            }
            if self.is_endless() {
                self.lose_patience();
            }
            match self.next() {
                Next::Event(instance, event) => {
                    self.may_come_again(instance, &event);
                    self.deliver(instance, event);
                }
                Next::Echo(instance, event) => self.deliver(instance, event),
                Next::Again => {}
                Next::Nothing if self.is_wild && self.lose_patience() => {}
                Next::Nothing => {
                    let views: Vec<_> = self.live.values().flat_map(Tree::instances).collect();
                    let program = self.executor.program();
                    let views: Vec<_> = views.iter().map(|one| one.view(program)).collect();
                    return self.ended(Some(format!("{views:#?}")));
                }
            }
        }
        panic!("it goes on for ever: {} transitions in {} s", self.transitions, self.now / SECOND);
    }

    fn is_over(&self) -> bool {
        let Some(row) = self.store.row(self.main) else { return false };
        let waits_for_an_operator = matches!(row.status, Status::Stuck | Status::Paused);
        if row.status.is_final() {
            return self.store.live_roots().is_empty();
        }
        let nothing_comes = self.outside.is_empty() && self.store.inbox.is_empty() && self.flights.is_empty();
        waits_for_an_operator && nothing_comes
    }

    fn new_instance(&self, workflow: &str, input: &Value) -> NewInstance {
        let program = self.executor.program();
        let found = program.workflows.iter().find(|(_, known)| known.name == workflow);
        let Some((id, declared)) = found else { panic!("no workflow {workflow}") };
        let mut heap = Heap::new(program.known, Limits::default());
        let words = from_json_fields(program, &mut heap, &declared.params, input).expect("the input fits");
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words).collect();
        let input = Image::capture(program, &heap, &roots).expect("the input fits into memory").encode();
        NewInstance {
            id: self.main,
            root: self.main,
            parent: None,
            name: "test".into(),
            workflow: id,
            program: Simulation::PROGRAM,
            input,
        }
    }

    /// Sees to it that all that has not ended is in memory: loaded from its rows, or started where it is not stored yet.
    /// False where the process was lost over it.
    fn revive(&mut self, new: &NewInstance) -> bool {
        let executor = self.executor.clone();
        if self.store.row(self.main).is_none() {
            self.claim(self.main);
            let tree = Tree::start(new.clone(), &Limits::default(), executor.as_ref(), Timestamp(self.now));
            return self.commit(tree);
        }
        self.accept_what_came();
        for root in self.store.live_roots() {
            if self.live.contains_key(&root) {
                continue;
            }
            self.claim(root);
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

    /// Takes the right to write to a tree from whoever had it.
    fn claim(&mut self, root: InstanceId) {
        self.store.claim(root);
        if let Some(mirror) = &mut self.mirror {
            mirror.claim(root);
        }
    }

    /// The rows of a tree: those of the real store, which are the same.
    fn load(&mut self, root: InstanceId) -> Vec<StoredInstance> {
        let stored = self.store.tree(root);
        match &self.mirror {
            Some(mirror) => mirror.load(&self.store, stored),
            None => stored,
        }
    }

    /// What was due and what came while nobody owned it, by time; a message wins a tie.
    fn apply_overdue(&mut self, tree: &mut Tree) {
        let executor = self.executor.clone();
        let mut letters = self.store.letters(tree.id()).into_iter().peekable();
        loop {
            let timer = tree.next_timer().map(|(due, of, id)| (due, of, id.to_owned()));
            let timer = timer.filter(|(due, ..)| due.0 <= self.now);
            let until = timer.as_ref().map_or(self.now, |(due, ..)| due.0);
            if let Some(letter) = letters.next_if(|letter| letter.at <= until) {
                tree.apply(executor.as_ref(), Timestamp(letter.at), letter.to, letter.event());
            } else if let Some((due, instance, id)) = timer {
                tree.apply(executor.as_ref(), due, instance, Event::Timer { id });
            } else {
                return;
            }
        }
    }

    /// A message is accepted once; anything else may be delivered twice.
    fn may_come_again(&mut self, instance: InstanceId, event: &Event) {
        if matches!(event, Event::Message { .. }) {
            return;
        }
        if let Some(later) = self.faults.echo() {
            self.echoes.push((self.now + later, instance, event.clone()));
        }
    }

    fn deliver(&mut self, instance: InstanceId, event: Event) {
        let Some(root) = self.store.row(instance).map(|row| row.root) else { return };
        let Some(mut tree) = self.live.remove(&root) else { return };
        tree.apply(self.executor.clone().as_ref(), Timestamp(self.now), instance, event);
        self.commit(tree);
    }

    /// Commits and acts; false where the process is lost over it: then all instances are gone from memory.
    fn commit(&mut self, mut tree: Tree) -> bool {
        let root = tree.id();
        let mut transition = tree.take(self.executor.as_ref());
        self.read_what_is_left(&mut tree, &mut transition);
        self.transitions += 1;
        if let Some(loss) = self.faults.loss_at(Crash::BeforeCommit(self.transitions)) {
            self.live.insert(root, tree);
            self.lose(loss, Some((root, transition.changes)));
            return false;
        }
        self.write(root, transition.changes);
        if !tree.status().is_final() {
            self.live.insert(root, tree);
        }
        if self.is_lost_at(Crash::AfterCommit(self.transitions)) {
            return false;
        }
        transition.actions.into_iter().all(|action| self.act(action))
    }

    /// A store lets a tree end only with nothing unread.
    fn read_what_is_left(&self, tree: &mut Tree, transition: &mut Transition) {
        if !tree.status().is_final() {
            return;
        }
        let is_consumed = |letter: &Letter| transition.changes.delete_inbox.contains(&letter.id);
        let letters: Vec<Letter> = self.store.letters(tree.id());
        for letter in letters.into_iter().filter(|letter| !is_consumed(letter)) {
            tree.apply(self.executor.as_ref(), Timestamp(self.now), letter.to, letter.event());
        }
        let mut more = tree.take(self.executor.as_ref());
        transition.changes.append(more.changes);
        transition.actions.append(&mut more.actions);
    }

    /// Writes under the lease of the present owner.
    fn write(&mut self, root: InstanceId, changes: Changes) {
        if let Some(mirror) = &mut self.mirror {
            mirror.commit(root, &changes);
        }
        self.trace.commit(&changes);
        let token = self.store.token(root);
        self.store.commit(token, root, changes).expect("its owner writes");
    }

    /// Does what a transition asked for; false where the process is lost over it.
    fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Dispatch(dispatch) if dispatch.not_before.is_some() => self.waiting.push(dispatch),
            Action::Dispatch(dispatch) => return self.attempt(&dispatch),
            Action::Abort { key } => {
                self.flights.retain(|flight| flight.key != key);
                self.waiting.retain(|dispatch| dispatch.key != key);
                self.asking.retain(|(_, asked, _)| *asked != key);
            }
            Action::Withdraw { key } => self.waiting.retain(|dispatch| dispatch.key != key),
            Action::Request(ask) => return self.request(&ask),
            Action::Status(_) => {}
        }
        true
    }

    fn is_lost_at(&mut self, place: Crash) -> bool {
        let loss = self.faults.loss_at(place);
        if let Some(loss) = loss {
            self.lose(loss, None);
        }
        loss.is_some()
    }

    /// The owner of all instances is lost, perhaps in the middle of a commit. Attempts may outlive it.
    fn lose(&mut self, loss: Loss, unwritten: Option<(InstanceId, Changes)>) {
        let trees = std::mem::take(&mut self.live);
        if loss == Loss::CutOff {
            self.cut_off(trees, unwritten);
        }
        self.waiting.clear();
        self.answers.clear();
        self.asking.clear();
        for mut flight in std::mem::take(&mut self.flights) {
            if flight.elsewhere || self.faults.reports_elsewhere() {
                flight.elsewhere = true;
                self.flights.push(flight);
            }
        }
        self.now += self.faults.downtime();
        if let (Some(mirror), Loss::Death) = (&mut self.mirror, loss) {
            mirror.reopen();
        }
    }

    /// The next thing to happen. Time goes on to it.
    fn next(&mut self) -> Next {
        self.hear_answers();
        if let Some((instance, key, answer)) = self.answers.pop_front() {
            return Next::Event(instance, Event::Answered { key, answer });
        }
        if let Some((to, event)) = self.read_inbox(self.now, self.now) {
            return Next::Event(to, event);
        }
        let timers = self.store.instances.values().flat_map(|rows| rows.timers.values());
        let timer = timers.min_by_key(|row| row.due).map(|row| (row.due.0, row.instance, row.id.clone()));
        let times = [
            self.flights.iter().filter(|flight| self.arrives(flight)).map(|flight| flight.at).min(),
            self.next_sent(),
            self.store.inbox.iter().map(|letter| letter.read).min(),
            self.echoes.iter().map(|(at, ..)| *at).min(),
            timer.as_ref().map(|(due, ..)| *due),
            self.waiting.iter().filter_map(|dispatch| dispatch.not_before).map(|at| at.0).min(),
        ];
        let Some(next) = times.into_iter().flatten().min() else { return Next::Nothing };
        self.now = self.now.max(next);
        // At one time: arrivals before deadlines.
        if let Some(index) = self.flights.iter().position(|flight| flight.at == next && self.arrives(flight))
        {
            let flight = self.flights.remove(index);
            return self.land(flight);
        }
        self.accept_what_came();
        if let Some((to, event)) = self.read_inbox(self.now, self.now) {
            return Next::Event(to, event);
        }
        if let Some(index) = self.echoes.iter().position(|(at, ..)| *at == next) {
            let (_, instance, event) = self.echoes.remove(index);
            return Next::Echo(instance, event);
        }
        if let Some((_, instance, id)) = timer.filter(|(due, ..)| *due == next) {
            // An owner reads the inbox once more before a deadline takes effect.
            return match self.read_inbox(next, i64::MAX) {
                Some((to, event)) => Next::Event(to, event),
                None => Next::Event(instance, Event::Timer { id }),
            };
        }
        let due = |dispatch: &Dispatch| dispatch.not_before.is_some_and(|at| at.0 == next);
        if let Some(index) = self.waiting.iter().position(due) {
            let dispatch = self.waiting.remove(index);
            self.attempt(&dispatch);
        }
        Next::Again
    }

    /// The outcome of an attempt is heard of.
    fn land(&mut self, flight: Flight) -> Next {
        if !flight.elsewhere {
            return Next::Event(flight.instance, flight.event());
        }
        self.nudged += 1;
        let id = Uuid::from_u128((1 << 64) + self.nudged);
        self.send(id, flight.instance, self.now, flight.message());
        Next::Again
    }
}
