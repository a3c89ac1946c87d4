//! Lost updates: a `state` that is read, then waited over, then assigned from the old value, where somebody else may have
//! written it meanwhile.

use crate::check::Bodies;
use crate::hir::{
    Branch, Expr, ExprKind, Function, FunctionId, LocalId, Pattern, Program, RaceHead, Stmt, StmtKind,
    Suspends, Table, VisitorMut,
};
use crate::report;
use flow_syntax::{Diagnostic, Span};
use std::collections::{BTreeSet, HashMap};

/// Warns of every assignment in a module's workflows that may undo what another strand or an update has written.
pub(crate) fn check(program: &Program, bodies: &mut Bodies) -> Vec<Diagnostic> {
    let functions = &program.functions;
    let mut found = Vec::new();
    for (_, workflow) in &mut bodies.workflows {
        let mut walk = Walk::new(functions);
        for update in &mut workflow.updates {
            walk.expr(&mut update.code.value);
        }
        let updated: BTreeSet<u32> = walk.writes.iter().map(|(state, _)| *state).collect();
        let mut walk = Walk::new(functions);
        walk.expr(&mut workflow.body.code.value);
        let overwritten = |stale: &&Stale| updated.contains(&stale.state) || walk.written_beside(stale);
        for stale in walk.found.iter().filter(overwritten) {
            let name = workflow.states.get(stale.state as usize).map_or("", |state| state.name.as_str());
            found.push(report::stale_state(name, stale.read, stale.assigned));
        }
    }
    found
}

/// A function that depends on those passed to it may.
fn may_suspend(function: &Function) -> bool {
    match &function.suspends {
        Suspends::Yes => true,
        Suspends::If(params) => !params.is_empty(),
    }
}

/// A read of a state that a value comes from: which, after how many waits, where.
type Source = (u32, u32, Span);

/// An assignment from an old value.
struct Stale {
    state: u32,
    read: Span,
    assigned: Span,
    strand: usize,
}

/// A piece of code that runs as a strand.
struct Strand {
    parent: usize,
    /// Several of it run at once.
    many: bool,
}

/// Goes over code in the order in which it runs.
struct Walk<'p> {
    functions: &'p Table<FunctionId, Function>,
    waits: u32,
    strands: Vec<Strand>,
    strand: usize,
    /// What the value being visited comes from.
    sources: Vec<Source>,
    locals: HashMap<LocalId, Vec<Source>>,
    writes: Vec<(u32, usize)>,
    found: Vec<Stale>,
}

impl<'p> Walk<'p> {
    fn new(functions: &'p Table<FunctionId, Function>) -> Walk<'p> {
        Walk {
            functions,
            waits: 0,
            strands: vec![Strand { parent: 0, many: false }],
            strand: 0,
            sources: Vec::new(),
            locals: HashMap::new(),
            writes: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Whether a strand that runs beside this one writes the state. The strand that forked it waits meanwhile.
    fn written_beside(&self, stale: &Stale) -> bool {
        self.writes.iter().any(|(state, writer)| {
            let above = self.is_within(stale.strand, *writer) || self.is_within(*writer, stale.strand);
            *state == stale.state && (!above || self.is_one_of_many(stale.strand))
        })
    }

    fn is_within(&self, mut strand: usize, outer: usize) -> bool {
        while strand != outer {
            match self.strands.get(strand) {
                Some(Strand { parent, .. }) if *parent != strand => strand = *parent,
                _ => return false,
            }
        }
        true
    }

    fn is_one_of_many(&self, mut strand: usize) -> bool {
        loop {
            match self.strands.get(strand) {
                Some(known) if known.many => return true,
                Some(known) if known.parent != strand => strand = known.parent,
                _ => return false,
            }
        }
    }

    /// What an expression's value comes from.
    fn sources_of(&mut self, expr: &mut Expr) -> Vec<Source> {
        let outer = std::mem::take(&mut self.sources);
        self.expr(expr);
        std::mem::replace(&mut self.sources, outer)
    }

    /// What is spawned runs beside the code around it, and maybe several times.
    fn spawn(&mut self, branch: &mut Branch) {
        let waits = self.waits;
        let own = self.strands.len();
        self.strands.push(Strand { parent: own, many: true });
        let before = std::mem::replace(&mut self.strand, own);
        self.waits += 1;
        self.expr(&mut branch.body);
        (self.strand, self.waits) = (before, waits);
    }

    fn branch(&mut self, branch: &mut Branch, many: bool) {
        self.strands.push(Strand { parent: self.strand, many });
        let before = std::mem::replace(&mut self.strand, self.strands.len() - 1);
        self.waits += 1;
        self.expr(&mut branch.body);
        self.strand = before;
    }

    /// One way of several: each begins after as many waits.
    fn ways<'e>(&mut self, ways: impl Iterator<Item = &'e mut Expr>) {
        let (before, mut most) = (self.waits, self.waits);
        for way in ways {
            self.waits = before;
            self.expr(way);
            most = most.max(self.waits);
        }
        self.waits = most;
    }

    fn written(&mut self, state: u32, value: &mut Expr, span: Span) {
        for (_, at, read) in self.sources_of(value).into_iter().filter(|(known, ..)| *known == state) {
            let is_new = self.found.iter().all(|known| known.assigned != span);
            if at < self.waits && is_new {
                self.found.push(Stale { state, read, assigned: span, strand: self.strand });
            }
        }
        self.writes.push((state, self.strand));
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        let span = stmt.span;
        match &mut stmt.kind {
            StmtKind::Let { pattern, value } => {
                let sources = self.sources_of(value);
                let mut bound = Vec::new();
                pattern.bindings(&mut bound);
                bound.into_iter().for_each(|local| _ = self.locals.insert(local, sources.clone()));
            }
            StmtKind::Assign { local, value } => {
                let (local, sources) = (*local, self.sources_of(value));
                self.locals.insert(local, sources);
            }
            StmtKind::AssignState { state, value } => self.written(*state, value, span),
            StmtKind::InitState { value, .. } | StmtKind::Index { value, .. } | StmtKind::Expr(value) => {
                self.sources_of(value);
            }
        }
        if let Some(compensation) = &mut stmt.compensation {
            self.branch(&mut compensation.undo, false);
        }
    }
}

impl VisitorMut for Walk<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::State(state) => self.sources.push((*state, self.waits, span)),
            ExprKind::Local(local) => {
                self.sources.extend(self.locals.get(local).into_iter().flatten().copied());
            }
            ExprKind::Block(block) => {
                block.stmts.iter_mut().for_each(|stmt| self.stmt(stmt));
                block.value.iter_mut().for_each(|value| self.expr(value));
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.ways(std::iter::once(&mut **then).chain(otherwise.as_deref_mut()));
            }
            ExprKind::Match { value, arms } => {
                self.expr(value);
                self.ways(arms.iter_mut().map(|arm| &mut arm.body));
            }
            ExprKind::Catch { value, arms } => {
                self.expr(value);
                self.ways(arms.iter_mut().map(|arm| &mut arm.body));
            }
            // What the end of one turn has read, the beginning of the next may assign.
            ExprKind::Loop(_) | ExprKind::While { .. } | ExprKind::For { .. } => {
                expr.each_part_mut(self);
                expr.each_part_mut(self);
            }
            ExprKind::Spawn { branch, .. } => self.spawn(branch),
            ExprKind::Parallel { first, branches } => {
                first.iter_mut().for_each(|first| self.expr(first));
                branches.iter_mut().for_each(|branch| self.branch(branch, false));
                self.waits += 1;
            }
            ExprKind::ParallelFor { first, items, max, branch, .. } => {
                first.iter_mut().for_each(|first| self.expr(first));
                self.expr(items);
                max.iter_mut().for_each(|max| self.expr(max));
                self.branch(branch, true);
                self.waits += 1;
            }
            ExprKind::Race(arms) => {
                for arm in arms.iter_mut() {
                    if let RaceHead::Strand(branch) = &mut arm.head {
                        self.branch(branch, false);
                    }
                }
                self.waits += 1;
                self.ways(arms.iter_mut().map(|arm| &mut arm.body));
            }
            ExprKind::Call { function, .. } => {
                let waits = self.functions.get(*function).is_none_or(may_suspend);
                expr.each_part_mut(self);
                self.waits += u32::from(waits);
            }
            ExprKind::CallActivity { .. }
            | ExprKind::CallWorkflow { .. }
            | ExprKind::Sleep(_)
            | ExprKind::SleepUntil(_)
            | ExprKind::Receive(_)
            | ExprKind::WaitUntil(_)
            | ExprKind::Scope { .. }
            | ExprKind::Await(_)
            | ExprKind::Detach { .. } => {
                expr.each_part_mut(self);
                self.waits += 1;
            }
            _ => expr.each_part_mut(self),
        }
    }

    fn pattern(&mut self, _: &mut Pattern) {}
}
