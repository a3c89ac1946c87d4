//! Endless loops whose state grows: each wait in them saves the whole of it again, for years.

use super::{Linter, is_standard};
use crate::hir::{
    Expr, ExprKind, FunctionId, Literal, LocalId, NominalKind, Stmt, StmtKind, StringPart, Type, Types,
};
use crate::report;
use flow_syntax::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What outlives one turn of a loop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Local(LocalId),
    State(u32),
}

/// A loop that is being walked.
#[derive(Default)]
pub(super) struct OpenLoop {
    /// The locals declared in it: each turn has new ones.
    own: BTreeSet<LocalId>,
    /// What grows in it, and where.
    grows: BTreeMap<Place, Span>,
    /// What is assigned in it in any other way.
    reset: BTreeSet<Place>,
    /// Whether something in it leaves the whole function.
    left: bool,
}

impl Linter<'_> {
    /// A `loop` or `while`.
    pub(super) fn looping(&mut self, expr: &mut Expr) {
        let (span, ty) = (expr.span, expr.ty);
        let endless = match &mut expr.kind {
            ExprKind::While { condition, body } => {
                let always = matches!(condition.kind, ExprKind::Literal(Literal::Bool(true)));
                if always {
                    self.found.push(report::while_true(Span::new(span.start, body.span.start)));
                } else {
                    self.judge(condition);
                }
                always
            }
            _ => ty == Types::NEVER,
        };
        self.loops.push(OpenLoop::default());
        let before = std::mem::take(&mut self.effects);
        expr.each_part_mut(self);
        let waits = self.effects.waits;
        self.effects.join(before);
        let Some(done) = self.loops.pop() else { return };
        if endless && waits && !done.left {
            self.report_growth(&done, self.keyword(span));
        }
        if let Some(outer) = self.loops.last_mut() {
            outer.own.extend(done.own);
            outer.grows.extend(done.grows);
            outer.reset.extend(done.reset);
            outer.left |= done.left;
        }
    }

    fn report_growth(&mut self, done: &OpenLoop, head: Span) {
        for (place, span) in &done.grows {
            let own = matches!(place, Place::Local(local) if done.own.contains(local));
            if own || done.reset.contains(place) {
                continue;
            }
            let name = match place {
                Place::Local(local) => self.locals.get(*local).and_then(|local| local.name.clone()),
                Place::State(state) => self.states.get(*state as usize).map(|state| state.name.clone()),
            };
            let name = name.unwrap_or_else(|| "the state".into());
            self.found.push(report::growing(&name, *span, head));
        }
    }

    /// Whether `return` or `fail` may end the loops around it.
    pub(super) fn leave_loops(&mut self) {
        self.loops.iter_mut().for_each(|open| open.left = true);
    }

    /// Notes what a statement declares or assigns in the innermost loop.
    pub(super) fn note_assignment(&mut self, stmt: &Stmt) {
        let (place, value) = match &stmt.kind {
            StmtKind::Let { pattern, .. } => {
                let mut bound = Vec::new();
                pattern.bindings(&mut bound);
                if let Some(open) = self.loops.last_mut() {
                    open.own.extend(bound);
                }
                return;
            }
            StmtKind::Assign { local, value } => (Place::Local(*local), value),
            StmtKind::AssignState { state, value } => (Place::State(*state), value),
            _ => return,
        };
        let grows = self.grows(place, value);
        let Some(open) = self.loops.last_mut() else { return };
        if grows {
            open.grows.insert(place, stmt.span);
        } else {
            open.reset.insert(place);
        }
    }

    /// Whether a value is the place's old one with something added: `xs.push(x)`, `"{text}{more}"`, `m with (xs: …)`.
    fn grows(&self, place: Place, value: &Expr) -> bool {
        self.part_grows(place, &mut Vec::new(), value)
    }

    /// The same for a field of a field of the place.
    fn part_grows(&self, place: Place, fields: &mut Vec<u32>, value: &Expr) -> bool {
        let mut field_grows = |index: u32, value: &Expr| {
            fields.push(index);
            let grows = self.part_grows(place, fields, value);
            fields.pop();
            grows
        };
        match &value.kind {
            ExprKind::With { changes, .. } => changes.iter().any(|(index, value)| field_grows(*index, value)),
            ExprKind::Record(values) => (0..).zip(values).any(|(index, value)| field_grows(index, value)),
            ExprKind::Call { function, args, .. } => {
                args.first().is_some_and(|first| is_part(place, fields, first)) && self.adds(*function, args)
            }
            ExprKind::Interpolate(parts) => parts
                .iter()
                .any(|part| matches!(part, StringPart::Expr(expr) if is_part(place, fields, expr))),
            _ => false,
        }
    }

    /// Whether a function of the standard library gives its first argument with more in it.
    fn adds(&self, id: FunctionId, args: &[Expr]) -> bool {
        let Some(signature) = self.function(id).map(|function| &function.signature) else { return false };
        is_standard(self.program, signature.module)
            && match signature.name.as_str() {
                "push" | "concat" | "merge" | "merge_with" | "union" => true,
                // A map or set holds each key once.
                "insert" | "update" => {
                    let is_list = args
                        .first()
                        .is_some_and(|list| matches!(self.program.types.get(list.ty), Type::List(_)));
                    is_list || args.get(1).is_some_and(|key| !self.has_few_values(key))
                }
                _ => false,
            }
    }

    /// Whether a key can only be one of a few, so that what it is the key of stays small.
    fn has_few_values(&self, key: &Expr) -> bool {
        match (&key.kind, self.program.types.get(key.ty)) {
            (ExprKind::Literal(_) | ExprKind::Const(_), _) | (_, Type::Bool) => true,
            (_, Type::Nominal(id, _)) => match self.program.nominals.get(*id).map(|nominal| &nominal.kind) {
                Some(NominalKind::Enum(cases)) => cases.iter().all(|case| case.fields.is_empty()),
                _ => false,
            },
            _ => false,
        }
    }
}

/// Whether an expression is a place, or the field of a field of it.
fn is_part(place: Place, fields: &[u32], expr: &Expr) -> bool {
    match (&expr.kind, fields.split_last()) {
        (ExprKind::Local(local), None) => place == Place::Local(*local),
        (ExprKind::State(state), None) => place == Place::State(*state),
        (ExprKind::Field { base, index }, Some((last, rest))) => index == last && is_part(place, rest, base),
        _ => false,
    }
}
