//! Warnings about finished code: what compiles and runs, but hardly does what its author thinks.
//!
//! One walk over each body, bottom up, that notes what code can do (fail, wait) and judges each construct by what is
//! inside it. What needs scopes and names is warned of by the checker itself.

mod conditions;
mod loops;

use crate::check::{Bodies, WorkflowBody};
use crate::hir::{
    Body, CoerceKind, Expr, ExprKind, Function, FunctionCode, FunctionId, Literal, Local, LocalId, ModuleId,
    Pattern, PatternKind, Program, RaceHead, State, Stmt, StmtKind, Suspends, Table, Type, Types, VisitorMut,
    Workflow,
};
use crate::report;
use flow_syntax::ast::Name;
use flow_syntax::{Diagnostic, SourceMap, Span};
use loops::OpenLoop;
use std::collections::HashSet;

/// Warns of the bodies of a module outside of the standard library.
pub(crate) fn lint(program: &Program, bodies: &mut Bodies, sources: &SourceMap) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, code) in &mut bodies.functions {
        if let FunctionCode::Flow(body) = code {
            found.extend(Linter::body(program, sources, &[], body).found);
        }
    }
    for (_, activity) in &mut bodies.activities {
        found.extend(Linter::body(program, sources, &[], &mut activity.body).found);
    }
    for (id, workflow) in &mut bodies.workflows {
        found.extend(lint_workflow(program, sources, &program.workflows[*id], workflow));
    }
    found
}

fn is_standard(program: &Program, module: ModuleId) -> bool {
    program.modules.get(module).is_some_and(|module| module.standard)
}

/// A workflow with its queries and updates: together they read its states and receive its signals.
fn lint_workflow(
    program: &Program,
    sources: &SourceMap,
    declared: &Workflow,
    workflow: &mut WorkflowBody,
) -> Vec<Diagnostic> {
    let WorkflowBody { body, states, queries, updates } = workflow;
    let mut found = Vec::new();
    let (mut received, mut read) = (HashSet::new(), HashSet::new());
    for body in std::iter::once(body).chain(queries).chain(updates) {
        let linter = Linter::body(program, sources, states, &mut body.code);
        found.extend(linter.found);
        received.extend(linter.received);
        read.extend(linter.states_read);
    }
    let meant = |name: &Name| name.starts_with('_');
    for (signal, index) in declared.signals.iter().zip(0..) {
        if !received.contains(&index) && !meant(&signal.name) {
            found.push(report::unused_signal(&signal.name, signal.span));
        }
    }
    for (state, index) in states.iter().zip(0..) {
        if !read.contains(&index) && !meant(&state.name) {
            found.push(report::unused_state(&state.name, state.span));
        }
    }
    found
}

/// What code can do.
#[derive(Clone, Copy, Default)]
struct Effects {
    /// Raise a failure that is declared.
    fails: bool,
    /// Wait in the instance or reach the world, so that it can fail as the system does.
    waits: bool,
}

impl Effects {
    fn join(&mut self, other: Effects) {
        self.fails |= other.fails;
        self.waits |= other.waits;
    }
}

struct Linter<'p> {
    program: &'p Program,
    sources: &'p SourceMap,
    locals: &'p Table<LocalId, Local>,
    /// The states of the workflow.
    states: &'p [State],
    found: Vec<Diagnostic>,
    /// What the code walked so far can do.
    effects: Effects,
    /// For each open saga, whether anything in it may register a compensation.
    sagas: Vec<bool>,
    loops: Vec<OpenLoop>,
    received: HashSet<u32>,
    states_read: HashSet<u32>,
}

impl<'p> Linter<'p> {
    fn body(
        program: &'p Program,
        sources: &'p SourceMap,
        states: &'p [State],
        body: &'p mut Body,
    ) -> Linter<'p> {
        let mut linter = Linter {
            program,
            sources,
            locals: &body.locals,
            states,
            found: Vec::new(),
            effects: Effects::default(),
            sagas: Vec::new(),
            loops: Vec::new(),
            received: HashSet::new(),
            states_read: HashSet::new(),
        };
        linter.expr(&mut body.value);
        linter
    }

    /// The word a construct begins with.
    fn keyword(&self, construct: Span) -> Span {
        let text = self.sources.text(construct);
        let length = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
        Span::new(construct.start, construct.start + length as u32)
    }

    fn function(&self, id: FunctionId) -> Option<&'p Function> {
        self.program.functions.get(id)
    }

    /// What walking `expr` adds to the effects, by itself.
    fn effects_of(&mut self, expr: &mut Expr) -> Effects {
        let before = std::mem::take(&mut self.effects);
        self.expr(expr);
        let own = self.effects;
        self.effects.join(before);
        own
    }

    fn call(&mut self, id: FunctionId, args: &[Expr]) {
        let Some(function) = self.function(id) else { return };
        let passes = args.iter().any(|arg| self.is_function(arg));
        let waits = function.touches_world || function.suspends == Suspends::Yes;
        self.effects.join(Effects { fails: passes || !function.signature.fails.is_empty(), waits });
        // A function that waits may hold a saga of its own, which hands on what it holds.
        if waits && !is_standard(self.program, function.signature.module) {
            self.sagas.iter_mut().for_each(|holds| *holds = true);
        }
    }

    fn is_function(&self, expr: &Expr) -> bool {
        matches!(self.program.types.get(expr.ty), Type::Function { .. })
    }

    /// A value that is dropped: a `Result`, or what a pure function of the standard library made.
    fn dropped(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Try { .. } => self.found.push(report::unused_try(value.span)),
            ExprKind::Call { function: id, args, .. } => {
                let Some(function) = self.function(*id) else { return };
                let pure = is_standard(self.program, function.signature.module)
                    && matches!(function.code, FunctionCode::Flow(_) | FunctionCode::Intrinsic(_))
                    && function.suspends == Suspends::NO
                    && function.signature.fails.is_empty()
                    && !args.iter().any(|arg| self.is_function(arg));
                if pure {
                    self.found.push(report::unused_result(&function.signature.name, value.span));
                }
            }
            _ => {}
        }
    }

    fn catch(&mut self, expr: &mut Expr) {
        let span = expr.span;
        let ExprKind::Catch { value, arms } = &mut expr.kind else { return };
        let effects = self.effects_of(value);
        let takes_any = arms.iter().all(|arm| matches!(arm.pattern.kind, PatternKind::AnyError { .. }));
        if takes_any && !effects.fails && !effects.waits && value.ty != Types::INVALID {
            let arms = Span::new(value.span.end, span.end);
            self.found.push(report::needless_catch(value.span, arms));
        }
        for arm in arms {
            arm.guard.iter_mut().for_each(|guard| self.condition(guard));
            self.expr(&mut arm.body);
        }
    }

    fn saga(&mut self, body: &mut Expr, span: Span) {
        self.sagas.push(false);
        self.expr(body);
        if self.sagas.pop() == Some(false) {
            self.found.push(report::empty_saga(self.keyword(span)));
        }
        self.effects.waits = true;
    }

    fn duration(&mut self, construct: &str, duration: &Expr) {
        if matches!(duration.kind, ExprKind::Literal(Literal::Duration(length)) if length <= 0) {
            self.found.push(report::zero_duration(construct, duration.span));
        }
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        if stmt.compensation.is_some() {
            self.sagas.iter_mut().for_each(|holds| *holds = true);
        }
        self.note_assignment(stmt);
        match &mut stmt.kind {
            // To read a state only to change it is no use of it.
            StmtKind::AssignState { state, .. } => {
                let (state, read) = (*state, self.states_read.contains(state));
                stmt.each_part_mut(self);
                if !read {
                    self.states_read.remove(&state);
                }
            }
            _ => stmt.each_part_mut(self),
        }
    }
}

impl VisitorMut for Linter<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Block(block) => {
                block.stmts.iter_mut().for_each(|stmt| self.stmt(stmt));
                block.value.iter_mut().for_each(|value| self.expr(value));
                return;
            }
            ExprKind::Catch { .. } => return self.catch(expr),
            ExprKind::Saga { body, .. } => return self.saga(body, span),
            ExprKind::Loop(_) | ExprKind::While { .. } => return self.looping(expr),
            ExprKind::If { condition, .. } => self.condition(condition),
            ExprKind::Coerce { kind: CoerceKind::Discard, value } => self.dropped(value),
            ExprKind::Sleep(duration) => self.duration("sleep", duration),
            ExprKind::Timeout { limit, .. } => self.duration("timeout", limit),
            ExprKind::Parallel { branches, .. } if branches.len() == 1 => {
                self.found.push(report::needless_construct("parallel", self.keyword(span)));
            }
            ExprKind::Race(arms) => {
                if arms.len() == 1 {
                    self.found.push(report::needless_construct("race", self.keyword(span)));
                }
                for arm in arms.iter() {
                    match &arm.head {
                        RaceHead::After(duration) => self.duration("after", duration),
                        RaceHead::Receive(signal) => _ = self.received.insert(*signal),
                        RaceHead::Strand(_) | RaceHead::WaitUntil(_) => {}
                    }
                }
            }
            ExprKind::Receive(signal) => _ = self.received.insert(*signal),
            ExprKind::State(state) => _ = self.states_read.insert(*state),
            ExprKind::Binary { op, left, right } => {
                let always = conditions::comparison(self, *op, left, right);
                self.found.extend(always.map(|always| report::constant_condition(always, span)));
            }
            ExprKind::Return(_) => self.leave_loops(),
            ExprKind::Fail(_) => {
                self.effects.fails = true;
                self.leave_loops();
            }
            _ => {}
        }
        expr.each_part_mut(self);
        match &expr.kind {
            ExprKind::Call { function, args, .. } => self.call(*function, args),
            ExprKind::CallValue { .. } => {
                self.effects.join(Effects { fails: true, waits: true });
                self.sagas.iter_mut().for_each(|holds| *holds = true);
            }
            ExprKind::CallActivity { .. }
            | ExprKind::CallWorkflow { .. }
            | ExprKind::Await(_)
            | ExprKind::Ask { .. } => {
                self.effects.join(Effects { fails: true, waits: true });
            }
            ExprKind::Sleep(_)
            | ExprKind::SleepUntil(_)
            | ExprKind::Parallel { .. }
            | ExprKind::Scope { .. }
            | ExprKind::Spawn { .. }
            | ExprKind::Detach { .. }
            | ExprKind::Tell { .. }
            | ExprKind::ParallelFor { .. }
            | ExprKind::Race(_)
            | ExprKind::Timeout { .. }
            | ExprKind::Shield(_)
            | ExprKind::Receive(_)
            | ExprKind::WaitUntil(_)
            | ExprKind::Env(_)
            | ExprKind::StepKey => self.effects.waits = true,
            // What it would have been is not known: it may be anything.
            ExprKind::Invalid => {
                self.effects.waits = true;
                self.sagas.iter_mut().for_each(|holds| *holds = true);
            }
            _ => {}
        }
    }

    fn pattern(&mut self, _: &mut Pattern) {}
}
