//! Expressions: which part of the checker each kind belongs to.

use super::{Checker, Want, Why};
use crate::hir::{Expr, ExprKind, Literal, Ty, Types};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;

impl Checker<'_, '_> {
    /// Any value.
    pub fn infer(&mut self, expr: &ast::Expr) -> Expr {
        let value = self.expr(expr, &Want::Any);
        if self.is_open_number(value.ty) {
            self.settle(value.ty);
        }
        value
    }

    /// A value of a type.
    pub fn check(&mut self, expr: &ast::Expr, ty: Ty, why: Why) -> Expr {
        self.expr(expr, &Want::Type(ty, why))
    }

    /// An expression as what is wanted. What contains blocks hands the wish on to them; all else is converted here.
    pub fn expr(&mut self, expr: &ast::Expr, want: &Want) -> Expr {
        use ast::ExprKind as K;
        let span = expr.span;
        match &expr.kind {
            K::Paren(inner) => self.expr(inner, want),
            K::Block(block) => self.block_scoped(block, want),
            K::If { condition, then, otherwise } => {
                self.check_if(condition, then, otherwise.as_deref(), span, want)
            }
            K::Match { value, arms } => self.check_match(value, arms, span, want),
            K::Catch { value, arms } => self.check_catch(value, arms, span, want),
            K::Saga { unordered, body } => self.check_saga(*unordered, body, span, want),
            K::Timeout { limit, body } => self.check_timeout(limit, body, span, want),
            K::Shield(body) => {
                let body = self.block_scoped(body, want);
                Expr { ty: body.ty, kind: ExprKind::Shield(Box::new(body)), span }
            }
            K::Race(arms) => self.check_race(arms, span, want),
            K::Binary { op: ast::BinaryOp::Coalesce, left, right, .. } => {
                self.check_coalesce(left, right, span, want)
            }
            _ => {
                if matches!(want, Want::Drop)
                    && let Some(changed) = self.changing_call(expr)
                {
                    return changed;
                }
                let leaf = self.leaf(expr, want);
                self.want(leaf, want)
            }
        }
    }

    /// What has no blocks that give its value; `want` is only a hint.
    fn leaf(&mut self, expr: &ast::Expr, want: &Want) -> Expr {
        use ast::ExprKind as K;
        let span = expr.span;
        match &expr.kind {
            K::Int(text) | K::Decimal(text) if self.wants_float(want) => self.float_literal(text, span),
            K::Int(_) | K::Decimal(_) if self.wants_open(want) => self.open_literal(&expr.kind, span, want),
            K::Int(text) => self.int_literal(text, span),
            K::Decimal(text) => self.decimal_literal(text, span),
            K::Duration { millis, .. } => self.duration_literal(*millis, span),
            K::Bool(value) => literal(Literal::Bool(*value), Types::BOOL, span),
            K::None => {
                let item = self.fresh();
                Expr { kind: ExprKind::None, ty: self.types().option(item), span }
            }
            K::String(string) => self.string_literal(string, span, want),
            K::Tuple(items) => self.tuple_literal(items, span, want),
            K::List(items) => self.list_literal(items, span, want),
            K::Map(entries) => self.map_literal(entries, span, want),
            K::Name(name) => self.name(name, want),
            K::Field { base, name, optional } => self.field(base, name, *optional, span, want),
            K::Index { base, index } => self.index(base, index, span),
            K::With { base, changes } => self.with(base, changes, span),
            K::Call { callee, args } => self.call(callee, args, None, span, want),
            K::Using { call, settings } => self.using(call, settings, span, want),
            K::Unary { op, operand } => self.unary(*op, operand, span, want),
            K::Binary { op, op_span, left, right } => self.binary(*op, *op_span, left, right, span, want),
            K::Is { value, pattern } => self.check_is(value, pattern, span),
            K::Unless { .. } => self.misplaced("unless", "the `retry` of an activity", span),
            K::Try(value) => self.check_try(value, span),
            K::Fail(value) => self.check_fail(value, span),
            K::Return(value) => self.check_return(value.as_deref(), span),
            K::Break => self.check_jump(true, span),
            K::Continue => self.check_jump(false, span),
            K::Commit => self.check_commit(span),
            K::Sleep(duration) => {
                let duration = self.check(duration, Types::DURATION, Why::Setting("`sleep`"));
                unit(ExprKind::Sleep(Box::new(duration)), span)
            }
            K::SleepUntil(until) => {
                let until = self.check(until, Types::TIMESTAMP, Why::Setting("`sleep until`"));
                unit(ExprKind::SleepUntil(Box::new(until)), span)
            }
            K::Lambda { params, body } => self.lambda(params, body, span, want),
            K::Parallel { first, branches } => self.check_parallel(first.as_deref(), branches, span, want),
            K::ParallelFor(parallel) => self.check_parallel_for(parallel, span, want),
            K::Loop(body) => self.check_loop(body, span),
            K::While { condition, body } => self.check_while(condition, body, span),
            K::For { pattern, items, body } => self.check_for(pattern, items, body, span),
            K::Await(inner) => self.check_await(inner, span),
            K::Spawn(inner) => self.check_spawn(inner, span, want),
            K::Detach(inner) => self.check_detach(inner, span),
            K::WaitUntil(condition) => {
                let wait = self.check_wait_until(condition, span);
                unit(ExprKind::WaitUntil(Box::new(wait)), span)
            }
            K::Receive { signal, within } => self.check_receive(signal, within.as_deref(), span),
            K::Scope(body) => self.check_scope(body, span, want),
            K::Every { interval, body } => self.check_every(interval, body, span),
            K::Exclusive { key, within, body } => {
                if let Some(within) = within {
                    self.check(within, Types::DURATION, Why::Setting("`within`"));
                }
                self.not_yet_block("exclusive", Some(key), body, span)
            }
            _ => self.invalid(span),
        }
    }

    /// A mistake that was reported.
    pub fn invalid(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Invalid, ty: Types::INVALID, span }
    }

    /// An operator that only settings have.
    pub fn misplaced(&mut self, operator: &str, place: &str, span: Span) -> Expr {
        self.report(report::misplaced_operator(operator, place, span));
        self.invalid(span)
    }

    /// A construct that is accepted but not built yet, around a block.
    fn not_yet_block(
        &mut self,
        construct: &str,
        head: Option<&ast::Expr>,
        body: &ast::Block,
        span: Span,
    ) -> Expr {
        self.report(report::not_yet(construct, Span::new(span.start, body.span.start)));
        if let Some(head) = head {
            self.infer(head);
        }
        self.block_scoped(body, &Want::Drop);
        self.invalid(span)
    }
}

/// A literal.
pub(super) fn literal(value: Literal, ty: Ty, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(value), ty, span }
}

/// An expression of type `()`.
pub(super) fn unit(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, ty: Types::UNIT, span }
}
