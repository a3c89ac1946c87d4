//! Which code may suspend, and which reaches the world: inferred module by module, those that are used first.

use crate::check::Bodies;
use crate::context::Members;
use crate::hir::{
    Body, Expr, ExprKind, Function, FunctionCode, FunctionId, Id, LocalId, Pattern, PatternKind, Program,
    RaceArm, RaceHead, Stmt, StmtKind, Suspends, VisitorMut,
};
use crate::report;
use flow_syntax::{Diagnostic, Span};
use std::collections::{BTreeSet, VecDeque};

/// What is known of each function so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Fact {
    suspends: bool,
    /// The function parameters it depends on.
    depends: BTreeSet<u32>,
    touches: bool,
    /// Whether it uses the `sql` connector.
    transactional: bool,
    /// Whether it waits for more than a connector: an activity, a timer, another strand.
    waits: bool,
    /// Whether it asks the instance for something: the time, progress, a log.
    asks: bool,
}

impl Fact {
    /// A function that does nothing of all this.
    fn is_idle(&self) -> bool {
        *self == Fact::default()
    }
}

/// What is inferred of the functions of one module, in order of declaration.
#[derive(Default)]
pub(crate) struct Inferred {
    pub facts: Vec<Fact>,
    /// Functions of other modules that were taken to do nothing of all this, since nothing else was known.
    unknown: Vec<FunctionId>,
}

impl Inferred {
    /// Whether the functions that were taken to do nothing of all this do nothing indeed.
    pub(crate) fn holds(&self, facts: &[Fact]) -> bool {
        self.unknown.iter().all(|id| facts.get(id.index()).is_none_or(Fact::is_idle))
    }
}

/// Reports where code of a module that is no function waits or reaches the world and must not, once everything is known
/// of all functions.
pub(crate) fn check(program: &Program, bodies: &mut Bodies, facts: &[Fact]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, activity) in &mut bodies.activities {
        let fact = walk(&mut activity.body, facts, |event| {
            if let Event::Waits(span) = event {
                found.push(report::waits_in(span, "an activity's `run`"));
            }
        });
        activity.transactional = fact.transactional;
    }
    for (id, workflow) in &mut bodies.workflows {
        let outside = |event: Event, found: &mut Vec<Diagnostic>| match event {
            Event::Touches(span) => found.push(report::outside_run(span)),
            Event::InCondition(span, what) => found.push(report::impure(span, "a condition", what)),
            Event::Waits(_) | Event::Asks(_) => {}
        };
        walk(&mut workflow.body.code, facts, |event| outside(event, &mut found));
        let declared = &program.workflows[*id];
        for (body, update) in workflow.updates.iter_mut().zip(&declared.updates) {
            computes(&mut body.code, facts, "an update", true, update.signature.span, &mut found);
        }
        for (body, query) in workflow.queries.iter_mut().zip(&declared.queries) {
            computes(&mut body.code, facts, "a query", false, query.signature.span, &mut found);
        }
    }
    found
}

/// Reports constants that wait or reach the world.
pub(crate) fn check_constants(program: &mut Program, members: &Members, facts: &[Fact]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for constant in program.constants.slice_mut(members.constants.clone()) {
        walk(&mut constant.body, facts, |event| match event {
            Event::Touches(span) => found.push(report::outside_run(span)),
            Event::Waits(span) => found.push(report::waits_in(span, "a constant")),
            Event::Asks(span) => found.push(report::impure(span, "a constant", ASKS)),
            Event::InCondition(..) => {}
        });
    }
    found
}

/// Writes what is known of a function into it.
pub(crate) fn apply(function: &mut Function, fact: &Fact) {
    function.touches_world = fact.touches;
    function.suspends =
        if fact.suspends { Suspends::Yes } else { Suspends::If(fact.depends.iter().copied().collect()) };
}

/// What is known of functions while those of one module are walked.
#[derive(Clone, Copy)]
struct Known<'w> {
    /// Of all functions, but for the module's own.
    others: &'w [Fact],
    own: &'w [Fact],
    /// The first function that is the module's own.
    first: usize,
}

impl<'w> Known<'w> {
    /// Once everything is known.
    fn all(facts: &'w [Fact]) -> Known<'w> {
        Known { others: facts, own: &[], first: 0 }
    }

    fn own(self, id: FunctionId) -> Option<usize> {
        id.index().checked_sub(self.first).filter(|index| *index < self.own.len())
    }

    fn get(self, id: FunctionId) -> Option<&'w Fact> {
        match self.own(id) {
            Some(index) => self.own.get(index),
            None => self.others.get(id.index()),
        }
    }
}

/// Infers suspension and the use of connectors of the functions of one module, the `first` of which is where they begin.
/// `facts` has an entry for every function; those of the modules it uses should be known. The functions are walked until
/// nothing more becomes known of any: again those that call what changed.
pub(crate) fn infer(functions: &mut [(FunctionId, FunctionCode)], first: usize, facts: &[Fact]) -> Inferred {
    let mut own: Vec<Fact> = functions.iter().map(|(_, code)| initial(code)).collect();
    let mut unknown = Vec::new();
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); functions.len()];
    let mut waiting: VecDeque<usize> = (0..functions.len()).collect();
    let mut queued = vec![true; functions.len()];
    let mut walked = vec![false; functions.len()];
    while let Some(index) = waiting.pop_front() {
        let Some((_, FunctionCode::Flow(body))) = functions.get_mut(index) else { continue };
        let known = Known { others: facts, own: &own, first };
        let (fact, called) = walk_body(body, known, |_| {});
        if let Some(queued) = queued.get_mut(index) {
            *queued = false;
        }
        if walked.get_mut(index).is_some_and(|walked| !std::mem::replace(walked, true)) {
            for callee in called {
                match known.own(callee) {
                    Some(own) => callers.get_mut(own).into_iter().for_each(|callers| callers.push(index)),
                    None => unknown.extend(known.get(callee).is_some_and(Fact::is_idle).then_some(callee)),
                }
            }
        }
        let Some(known) = own.get_mut(index).filter(|known| **known != fact) else { continue };
        *known = fact;
        for &caller in callers.get(index).into_iter().flatten() {
            if queued.get_mut(caller).is_some_and(|queued| !std::mem::replace(queued, true)) {
                waiting.push_back(caller);
            }
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    Inferred { facts: own, unknown }
}

/// Checks code that never waits; only where it `may_ask` may it ask the instance for something.
fn computes(
    body: &mut Body,
    facts: &[Fact],
    place: &'static str,
    may_ask: bool,
    declared: Span,
    found: &mut Vec<Diagnostic>,
) {
    let before = found.len();
    let fact = walk(body, facts, |event| match event {
        Event::Touches(span) => found.push(report::outside_run(span)),
        Event::Waits(span) => found.push(report::waits_in(span, place)),
        Event::Asks(span) if !may_ask => found.push(report::impure(span, place, ASKS)),
        Event::Asks(_) | Event::InCondition(..) => {}
    });
    // A function value that may wait is called.
    if fact.suspends && found.len() == before {
        found.push(report::waits_in(declared, place));
    }
}

const ASKS: &str = "this asks the instance for more than its `state`";

fn initial(code: &FunctionCode) -> Fact {
    match code {
        FunctionCode::Connector(name) => {
            Fact { suspends: true, touches: true, transactional: name.starts_with("sql."), ..Fact::default() }
        }
        // The environment belongs to attempts alone.
        FunctionCode::Host(name) if name.starts_with("env.") => Fact { touches: true, ..Fact::default() },
        FunctionCode::Host(_) => Fact { asks: true, ..Fact::default() },
        _ => Fact::default(),
    }
}

/// Something worth a report in places where it must not be.
enum Event {
    Touches(Span),
    Waits(Span),
    Asks(Span),
    /// The condition of a `wait until` does more than compute.
    InCondition(Span, &'static str),
}

fn walk(body: &mut Body, facts: &[Fact], on_event: impl FnMut(Event)) -> Fact {
    walk_body(body, Known::all(facts), on_event).0
}

/// What is known of code now, and what it calls.
fn walk_body(body: &mut Body, facts: Known<'_>, on_event: impl FnMut(Event)) -> (Fact, Vec<FunctionId>) {
    let (fact, called) = (Fact::default(), Vec::new());
    let mut walker = Walker { facts, fact, called, body: Vec::new(), in_condition: false, on_event };
    // What is known of each local that holds a function: parameters depend on themselves.
    walker.body = body.locals.values().map(|_| Suspends::Yes).collect();
    for (id, index) in body.params.iter().zip(0..) {
        walker.set(*id, Suspends::If(vec![index]));
    }
    let mut value = std::mem::take(&mut body.value);
    walker.expr(&mut value);
    body.value = value;
    for (local, suspends) in body.locals.values_mut().zip(walker.body) {
        local.suspends = suspends;
    }
    (walker.fact, walker.called)
}

struct Walker<'w, F> {
    facts: Known<'w>,
    fact: Fact,
    /// The functions whose facts were asked for.
    called: Vec<FunctionId>,
    body: Vec<Suspends>,
    in_condition: bool,
    on_event: F,
}

impl<'w, F: FnMut(Event)> Walker<'w, F> {
    fn set(&mut self, id: LocalId, suspends: Suspends) {
        if let Some(slot) = self.body.get_mut(id.0 as usize) {
            *slot = suspends;
        }
    }

    fn fact_of(&mut self, id: FunctionId) -> Option<&'w Fact> {
        self.called.push(id);
        self.facts.get(id)
    }

    fn add(&mut self, suspends: Suspends) {
        match suspends {
            Suspends::Yes => self.fact.suspends = true,
            Suspends::If(params) => self.fact.depends.extend(params),
        }
    }

    /// Whether a function value suspends when called.
    fn of_value(&mut self, expr: &Expr) -> Suspends {
        match &expr.kind {
            ExprKind::Lambda(lambda) => lambda.suspends.clone(),
            ExprKind::Function { function, .. } => match self.fact_of(*function) {
                Some(fact) if !fact.suspends && fact.depends.is_empty() => Suspends::NO,
                _ => Suspends::Yes,
            },
            ExprKind::Local(id) => self.body.get(id.0 as usize).cloned().unwrap_or(Suspends::Yes),
            _ => Suspends::Yes,
        }
    }

    fn call(&mut self, function: FunctionId, args: &[Expr], span: Span) {
        let Some(fact) = self.fact_of(function) else { return };
        if fact.suspends {
            self.fact.suspends = true;
        }
        for index in &fact.depends {
            if let Some(arg) = args.get(*index as usize) {
                let suspends = self.of_value(arg);
                self.add(suspends);
            }
        }
        if fact.touches {
            self.fact.touches = true;
            (self.on_event)(Event::Touches(span));
        }
        if fact.waits {
            self.waits(span);
        }
        if fact.asks {
            self.asks(span);
        }
        self.fact.transactional |= fact.transactional;
    }

    fn waits(&mut self, span: Span) {
        self.fact.waits = true;
        let event =
            if self.in_condition { Event::InCondition(span, "this waits") } else { Event::Waits(span) };
        (self.on_event)(event);
    }

    fn asks(&mut self, span: Span) {
        self.fact.asks = true;
        (self.on_event)(if self.in_condition { Event::InCondition(span, ASKS) } else { Event::Asks(span) });
    }

    /// The condition of a `wait until` runs apart, whenever a state has changed.
    fn condition(&mut self, condition: &mut Expr) {
        let outer = std::mem::replace(&mut self.in_condition, true);
        let (suspends, waits) = (self.fact.suspends, self.fact.waits);
        self.fact.suspends = false;
        self.fact.waits = false;
        self.expr(condition);
        if self.fact.suspends && !self.fact.waits {
            (self.on_event)(Event::InCondition(condition.span, "this calls a function that may wait"));
        }
        self.fact.suspends = suspends;
        self.fact.waits = waits;
        self.in_condition = outer;
    }

    /// A lambda suspends where its own code does; merely making one does not.
    fn lambda(&mut self, expr: &mut Expr) {
        let ExprKind::Lambda(lambda) = &mut expr.kind else { return };
        let outer = std::mem::take(&mut self.fact);
        self.expr(&mut lambda.body);
        let inner = std::mem::replace(&mut self.fact, outer);
        lambda.suspends =
            if inner.suspends { Suspends::Yes } else { Suspends::If(inner.depends.into_iter().collect()) };
        self.fact.touches |= inner.touches;
        self.fact.transactional |= inner.transactional;
        self.fact.waits |= inner.waits;
        self.fact.asks |= inner.asks;
    }
}

impl<F: FnMut(Event)> VisitorMut for Walker<'_, F> {
    fn expr(&mut self, expr: &mut Expr) {
        if matches!(expr.kind, ExprKind::Lambda(_)) {
            return self.lambda(expr);
        }
        if let ExprKind::Block(block) = &mut expr.kind {
            for stmt in &mut block.stmts {
                stmt.each_part_mut(self);
                self.note_let(stmt);
            }
            block.value.iter_mut().for_each(|value| self.expr(value));
            return;
        }
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::WaitUntil(wait) => {
                self.condition(&mut wait.condition.body);
                self.fact.suspends = true;
                return self.waits(span);
            }
            ExprKind::Race(arms) => {
                self.race(arms);
                self.fact.suspends = true;
                return self.waits(span);
            }
            _ => expr.each_part_mut(self),
        }
        match &expr.kind {
            ExprKind::Call { function, args, .. } => self.call(*function, args, span),
            ExprKind::CallValue { callee, .. } => {
                let suspends = self.of_value(callee);
                self.add(suspends);
            }
            ExprKind::Env(_) | ExprKind::StepKey => {
                self.fact.touches = true;
                (self.on_event)(Event::Touches(span));
            }
            ExprKind::CallActivity { .. }
            | ExprKind::CallWorkflow { .. }
            | ExprKind::Sleep(_)
            | ExprKind::SleepUntil(_)
            | ExprKind::Saga { .. }
            | ExprKind::Scope { .. }
            | ExprKind::Spawn { .. }
            | ExprKind::Await(_)
            | ExprKind::Detach { .. }
            | ExprKind::Tell { .. }
            | ExprKind::Ask { .. }
            | ExprKind::Parallel { .. }
            | ExprKind::ParallelFor { .. }
            | ExprKind::Timeout { .. }
            | ExprKind::Shield(_)
            | ExprKind::Receive(_) => {
                self.fact.suspends = true;
                self.waits(span);
            }
            _ => {}
        }
    }

    fn pattern(&mut self, _: &mut Pattern) {}
}

impl<F: FnMut(Event)> Walker<'_, F> {
    fn race(&mut self, arms: &mut [RaceArm]) {
        for arm in arms {
            match &mut arm.head {
                RaceHead::Strand(branch) => self.expr(&mut branch.body),
                RaceHead::After(duration) => self.expr(duration),
                RaceHead::WaitUntil(wait) => self.condition(&mut wait.condition.body),
                RaceHead::Receive(_) => {}
            }
            self.expr(&mut arm.body);
        }
    }

    /// A `let` of a function keeps what is known of it.
    fn note_let(&mut self, stmt: &Stmt) {
        if let StmtKind::Let { pattern: Pattern { kind: PatternKind::Bind(id), .. }, value } = &stmt.kind {
            let suspends = self.of_value(value);
            self.set(*id, suspends);
        }
    }
}
