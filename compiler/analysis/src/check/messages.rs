//! What an instance does with messages and its `state`: `receive`, `wait until`, `every`, `index`.

use super::expr::unit;
use super::{Binding, Checker, FrameKind, Place, Want, Why};
use crate::hir::{
    BinaryOp, Block, Branch, CoerceKind, Expr, ExprKind, Id, Literal, LocalId, NominalKind, Pattern,
    PatternKind, Stmt, StmtKind, Ty, Type, Types, VisitorMut, WaitUntil,
};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident};
use std::collections::BTreeSet;

impl Checker<'_, '_> {
    /// `receive NAME`, `receive NAME within d`
    pub fn check_receive(&mut self, signal: &Ident, within: Option<&ast::Expr>, span: Span) -> Expr {
        let limit =
            within.map(|within| self.check(within, Types::DURATION, Why::Setting("`within`"))).map(Box::new);
        // Nothing else is received, so a variable of the same name is in nobody's way: `let go = receive go`.
        let found = (0u32..).zip(&self.parts.signals).find(|(_, known)| known.name == signal.text);
        let received = match (found, self.binding(signal.as_str())) {
            (Some((index, known)), _) => Expr { kind: ExprKind::Receive(index), ty: known.ty, span },
            (None, Some(_)) => {
                self.report(report::wrong_kind(signal, "no signal", "a signal"));
                return self.invalid(span);
            }
            (None, None) => {
                let known: Vec<&str> = self.parts.signals.iter().map(|known| known.name.as_str()).collect();
                let diagnostic = report::unknown_signal(signal, &known);
                self.report(diagnostic);
                return self.invalid(span);
            }
        };
        match limit {
            None => received,
            Some(limit) => {
                let ty = received.ty;
                Expr { kind: ExprKind::Timeout { limit, body: Box::new(received) }, ty, span }
            }
        }
    }

    /// `wait until CONDITION`. What its patterns bind stays known to the end of the enclosing block.
    pub fn check_wait_until(&mut self, condition: &ast::Expr, span: Span) -> WaitUntil {
        let mark = self.open_block();
        let ((mut body, bound), captures) = self.in_frame(FrameKind::Condition, |checker| {
            let body = checker.check(condition, Types::BOOL, Why::Condition);
            let mut bound = Vec::new();
            bound_where_true(&body, &mut bound);
            (checker.giving(body, &bound), bound)
        });
        self.close_block(mark);
        for local in &bound {
            if let Some(depth) = self.depths.get_mut(local.index()) {
                *depth = self.frames.len();
            }
            if let Some(name) = self.locals[*local].name.clone() {
                self.bind(name, Binding::Local(*local));
            }
        }
        let mut states = StatesRead::default();
        states.expr(&mut body);
        if states.0.is_empty() && !matches!(body.kind, ExprKind::Invalid) {
            self.report(report::no_state(span));
        }
        let condition = Branch { captures, body: Box::new(body) };
        WaitUntil { states: states.0.into_iter().collect(), condition, bound }
    }

    /// A condition as an option of what it binds; as it is, where that is nothing.
    fn giving(&mut self, condition: Expr, bound: &[LocalId]) -> Expr {
        if bound.is_empty() {
            return condition;
        }
        let span = condition.span;
        let values: Vec<Expr> = bound.iter().map(|local| self.read(*local, span)).collect();
        let tuple = self.types().intern(Type::Tuple(values.iter().map(|value| value.ty).collect()));
        let ty = self.types().option(tuple);
        let values = Expr { kind: ExprKind::Tuple(values), ty: tuple, span };
        let some =
            Expr { kind: ExprKind::Coerce { kind: CoerceKind::Some, value: Box::new(values) }, ty, span };
        let none = Expr { kind: ExprKind::None, ty, span };
        let kind = ExprKind::If {
            condition: Box::new(condition),
            then: Box::new(some),
            otherwise: Some(Box::new(none)),
        };
        Expr { kind, ty, span }
    }

    /// `every INTERVAL { … }`: a loop that sleeps until its next beat. The first beat is now.
    pub fn check_every(&mut self, interval: &ast::Expr, body: &ast::Block, span: Span) -> Expr {
        let interval = self.check(interval, Types::DURATION, Why::Setting("`every`"));
        if matches!(interval.kind, ExprKind::Literal(Literal::Duration(nanos)) if nanos <= 0) {
            self.report(report::bad_interval(interval.span));
        }
        let head = Span::new(span.start, body.span.start);
        let step = self.temporary(Types::DURATION, head);
        let beat = self.temporary(Types::TIMESTAMP, head);
        self.locals[beat].mutable = true;
        let now = |checker: &mut Self| {
            checker.std_call("time", "now", Vec::new(), Vec::new(), Types::TIMESTAMP, head)
        };
        let before = binary(BinaryOp::Sub, now(self), self.read(step, head), Types::TIMESTAMP);
        let times = vec![self.read(beat, head), self.read(step, head), now(self)];
        let next = self.std_call("time", "next_beat", Vec::new(), times, Types::TIMESTAMP, head);
        let is_ahead = binary(BinaryOp::Gt, self.read(beat, head), now(self), Types::BOOL);
        let sleep = unit(ExprKind::SleepUntil(Box::new(self.read(beat, head))), head);
        let kind = ExprKind::If { condition: Box::new(is_ahead), then: Box::new(sleep), otherwise: None };
        let rest = unit(kind, head);
        let (body, left) = self.in_loop(|checker| checker.block_scoped(body, &Want::Drop));
        let turn = vec![
            plain(StmtKind::Assign { local: beat, value: next }, head),
            plain(StmtKind::Expr(rest), head),
            plain(StmtKind::Expr(body), span),
        ];
        let turn = unit(ExprKind::Block(Block { stmts: turn, value: None }), span);
        let ty = if left { Types::UNIT } else { Types::NEVER };
        let looped = Expr { kind: ExprKind::Loop(Box::new(turn)), ty, span };
        let stmts =
            vec![plain(let_local(step, interval, head), head), plain(let_local(beat, before, head), head)];
        Expr { kind: ExprKind::Block(Block { stmts, value: Some(Box::new(looped)) }), ty, span }
    }

    /// `index NAME = VALUE`: kept as JSON.
    pub fn index_stmt(&mut self, name: &Ident, value: &ast::Expr) -> StmtKind {
        let value = self.infer(value);
        let (ty, span) = (self.resolve(value.ty), value.span);
        let item = match *self.cx.ty(ty) {
            Type::Option(item) => item,
            _ => ty,
        };
        if !self.is_scalar(item) {
            let found = self.show(ty);
            self.report(report::bad_index(&found, span));
        }
        let kind = ExprKind::Coerce { kind: CoerceKind::ToJson, value: Box::new(value) };
        StmtKind::Index { name: name.text.clone(), value: Expr { kind, ty: Types::JSON, span } }
    }

    /// Whether values of a type are searched for as one.
    fn is_scalar(&self, ty: Ty) -> bool {
        match self.cx.ty(ty) {
            Type::Nominal(id, _) => match &self.cx.nominal(*id).kind {
                NominalKind::Distinct(inner) => self.is_scalar(*inner),
                NominalKind::Enum(cases) => cases.iter().all(|case| case.fields.is_empty()),
                _ => false,
            },
            _ => {
                let scalars = [
                    Types::BOOL,
                    Types::INT,
                    Types::DECIMAL,
                    Types::FLOAT,
                    Types::STRING,
                    Types::DURATION,
                    Types::TIMESTAMP,
                    Types::INVALID,
                    Types::NEVER,
                ];
                scalars.contains(&ty)
            }
        }
    }

    /// Reports a `state` that has no value yet where the workflow's body stands.
    pub fn require_set(&mut self, state: u32, name: &Ident) {
        if self.place == Place::Workflow && state >= self.parts.standing {
            let declared = self.parts.states.get(state as usize).map_or(name.span, |state| state.span);
            self.report(report::unset_state(name, declared));
        }
    }

    /// The kind of code that may only compute, if this is such.
    pub fn pure_place(&self) -> Option<&'static str> {
        if self.frames.iter().any(|frame| frame.kind == FrameKind::Condition) {
            return Some("a condition");
        }
        (self.place == Place::Query).then_some("a query")
    }
}

fn binary(op: BinaryOp, left: Expr, right: Expr, ty: Ty) -> Expr {
    let span = left.span;
    Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, span }
}

fn plain(kind: StmtKind, span: Span) -> Stmt {
    Stmt { kind, compensation: None, span }
}

fn let_local(local: LocalId, value: Expr, span: Span) -> StmtKind {
    StmtKind::Let { pattern: Pattern { kind: PatternKind::Bind(local), ty: value.ty, span }, value }
}

/// The locals that the patterns of a condition have bound where it holds.
fn bound_where_true(condition: &Expr, out: &mut Vec<LocalId>) {
    match &condition.kind {
        ExprKind::Is { pattern, .. } => pattern.bindings(out),
        ExprKind::And(left, right) => {
            bound_where_true(left, out);
            bound_where_true(right, out);
        }
        _ => {}
    }
}

/// The states that code reads.
#[derive(Default)]
struct StatesRead(BTreeSet<u32>);

impl VisitorMut for StatesRead {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::State(state) = expr.kind {
            self.0.insert(state);
        }
        expr.each_part_mut(self);
    }

    fn pattern(&mut self, _: &mut Pattern) {}
}
