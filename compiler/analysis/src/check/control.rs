//! `if`, `match`, `is`, loops and jumps.

use super::expr::unit;
use super::{Checker, FrameKind, Want, Why};
use crate::exhaustive;
use crate::hir::{Arm, Expr, ExprKind, Type, Types};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;

/// The type that arms have in common: the wanted one, else the first arm's that yields a value.
pub(super) struct Join {
    want: Want,
    diverges: bool,
    /// Whether the types of number literals may still be open when all arms are there.
    stays_open: bool,
}

impl Join {
    pub fn new(want: &Want) -> Join {
        let stays_open = !matches!(want, Want::Any);
        // What a number in one arm is another arm may say.
        let want = if stays_open { want.clone() } else { Want::Open };
        Join { want, diverges: true, stays_open }
    }

    /// The type of the whole.
    fn ty(&self) -> crate::hir::Ty {
        match &self.want {
            _ if self.diverges => Types::NEVER,
            Want::Type(ty, _) => *ty,
            Want::Drop => Types::UNIT,
            Want::Any | Want::Open | Want::Hint(_) => Types::NEVER,
        }
    }
}

impl Checker<'_, '_> {
    /// An arm of several that have one type.
    pub(super) fn arm(&mut self, body: &ast::Expr, join: &mut Join) -> Expr {
        let want = join.want.clone();
        let value = self.expr(body, &want);
        self.joined(value, join)
    }

    pub(super) fn joined(&mut self, value: Expr, join: &mut Join) -> Expr {
        let ty = self.head(value.ty);
        if ty != Types::NEVER {
            join.diverges = false;
            if matches!(join.want, Want::Any | Want::Open | Want::Hint(_)) {
                join.want = Want::of(ty, Why::Arms(tail_span(&value)));
            }
        }
        value
    }

    /// The type of the whole, all arms being there.
    pub(super) fn join_type(&mut self, join: &Join) -> crate::hir::Ty {
        let ty = join.ty();
        if !join.stays_open {
            self.settle(ty);
        }
        ty
    }

    pub fn check_if(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        span: Span,
        want: &Want,
    ) -> Expr {
        let mark = self.open_block();
        let condition = self.check(condition, Types::BOOL, Why::Condition);
        let Some(otherwise) = otherwise else {
            let then = self.block_scoped(then, &Want::Drop);
            self.close_block(mark);
            let kind = ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: None };
            return self.nothing(unit(kind, span), want, report::Nothing::IfWithoutElse);
        };
        let mut join = Join::new(want);
        let then_want = join.want.clone();
        let then = self.block_scoped(then, &then_want);
        let then = self.joined(then, &mut join);
        self.close_block(mark);
        let otherwise = self.arm(otherwise, &mut join);
        let kind = ExprKind::If {
            condition: Box::new(condition),
            then: Box::new(then),
            otherwise: Some(Box::new(otherwise)),
        };
        Expr { kind, ty: self.join_type(&join), span }
    }

    pub fn check_match(&mut self, value: &ast::Expr, arms: &[ast::Arm], span: Span, want: &Want) -> Expr {
        let value = self.infer(value);
        self.settle(value.ty);
        let ty = if value.ty == Types::NEVER { Types::INVALID } else { value.ty };
        let mut join = Join::new(want);
        let mut checked = Vec::new();
        for arm in arms {
            let mark = self.open_block();
            let pattern = self.pattern(&arm.pattern, ty);
            let guard = arm.guard.as_ref().map(|guard| self.check(guard, Types::BOOL, Why::Condition));
            let body = self.arm(&arm.body, &mut join);
            self.close_block(mark);
            checked.push(Arm { pattern, guard, body });
        }
        let rows = checked.iter().map(|arm| (&arm.pattern, arm.guard.is_some()));
        let found = exhaustive::check(self, ty, rows.collect());
        for index in found.unreachable {
            if let Some(arm) = checked.get(index) {
                self.report(report::unreachable_arm(arm.pattern.span));
            }
        }
        found.useless.into_iter().for_each(|span| self.report(report::useless_alternative(span)));
        if !found.missing.is_empty() {
            let head = Span::new(span.start, value.span.end);
            self.report(report::not_exhaustive(&found.missing, head, span, arms.last().map(|arm| arm.span)));
        }
        let ty = if checked.is_empty() { Types::NEVER } else { self.join_type(&join) };
        Expr { kind: ExprKind::Match { value: Box::new(value), arms: checked }, ty, span }
    }

    /// `value is PATTERN`; what it binds stays known to the end of the enclosing condition's block.
    pub fn check_is(&mut self, value: &ast::Expr, pattern: &ast::Pattern, span: Span) -> Expr {
        let value = self.infer(value);
        self.settle(value.ty);
        let ty = if value.ty == Types::NEVER { Types::INVALID } else { value.ty };
        let pattern = self.pattern(pattern, ty);
        Expr {
            kind: ExprKind::Is { value: Box::new(value), pattern: Box::new(pattern) },
            ty: Types::BOOL,
            span,
        }
    }

    // ---- loops

    /// Checks the body of a loop; gives also whether a `break` leaves it.
    pub fn in_loop<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        if let Some(frame) = self.frame() {
            frame.loops.push(false);
        }
        let result = check(self);
        let left = self.frame().and_then(|frame| frame.loops.pop()).unwrap_or(false);
        (result, left)
    }

    pub fn check_loop(&mut self, body: &ast::Block, span: Span) -> Expr {
        let (body, left) = self.in_loop(|checker| checker.block_scoped(body, &Want::Drop));
        let ty = if left { Types::UNIT } else { Types::NEVER };
        Expr { kind: ExprKind::Loop(Box::new(body)), ty, span }
    }

    pub fn check_while(&mut self, condition: &ast::Expr, body: &ast::Block, span: Span) -> Expr {
        let mark = self.open_block();
        let condition = self.check(condition, Types::BOOL, Why::Condition);
        let (body, _) = self.in_loop(|checker| checker.block_scoped(body, &Want::Drop));
        self.close_block(mark);
        unit(ExprKind::While { condition: Box::new(condition), body: Box::new(body) }, span)
    }

    pub fn check_for(
        &mut self,
        pattern: &ast::Pattern,
        items: &ast::Expr,
        body: &ast::Block,
        span: Span,
    ) -> Expr {
        let (items, item) = self.items(items);
        let mark = self.open_block();
        let pattern = self.irrefutable(pattern, item, "`for`");
        let (body, _) = self.in_loop(|checker| checker.block_scoped(body, &Want::Drop));
        self.close_block(mark);
        let kind = ExprKind::For { pattern: Box::new(pattern), items: Box::new(items), body: Box::new(body) };
        unit(kind, span)
    }

    /// What a loop goes over, as a list, and the type of an item. A map is its list of entries, bytes are numbers.
    pub fn items(&mut self, items: &ast::Expr) -> (Expr, crate::hir::Ty) {
        let items = self.infer(items);
        match self.shape(items.ty) {
            Type::List(item) => (items, item),
            Type::Map(key, value) => {
                let entry = self.types().intern(Type::Tuple(vec![key, value]));
                let ty = self.types().list(entry);
                let span = items.span;
                (self.std_call("map", "entries", vec![key, value], vec![items], ty, span), entry)
            }
            Type::Set(item) => {
                let (ty, span) = (self.types().list(item), items.span);
                (self.std_call("set", "to_list", vec![item], vec![items], ty, span), item)
            }
            Type::Bytes => {
                let (ty, span) = (self.types().list(Types::INT), items.span);
                (self.std_call("bytes", "to_list", Vec::new(), vec![items], ty, span), Types::INT)
            }
            Type::Invalid | Type::Never => (items, Types::INVALID),
            _ => {
                let found = self.show(items.ty);
                self.report(report::not_iterable(&found, items.span));
                (items, Types::INVALID)
            }
        }
    }

    /// `break`, `continue`
    pub fn check_jump(&mut self, is_break: bool, span: Span) -> Expr {
        let word = if is_break { "break" } else { "continue" };
        let frame_kind = self.frames.last().map_or(FrameKind::Body, |frame| frame.kind);
        let outer_loop = self.frames.iter().any(|frame| !frame.loops.is_empty());
        match self.frame().and_then(|frame| frame.loops.last_mut()) {
            Some(left) => *left |= is_break,
            None if outer_loop => self.report(report::leaves_strand(word, frame_kind.describe(), span)),
            None => self.report(report::outside_loop(word, span)),
        }
        let kind = if is_break { ExprKind::Break } else { ExprKind::Continue };
        Expr { kind, ty: Types::NEVER, span }
    }

    /// `return`, `return value`
    pub fn check_return(&mut self, value: Option<&ast::Expr>, span: Span) -> Expr {
        let kind = self.frames.last().map_or(FrameKind::Body, |frame| frame.kind);
        if kind != FrameKind::Body || self.returns.is_none() {
            value.map(|value| self.infer(value));
            let what = if kind == FrameKind::Body { "this code" } else { kind.describe() };
            self.report(report::leaves_strand("return", what, span));
            return self.invalid(span);
        }
        let (ty, why) = self.returns.clone().unwrap_or((Types::UNIT, Why::Context));
        let nothing = super::expr::literal(crate::hir::Literal::Unit, Types::UNIT, span);
        let value = match value {
            Some(value) if ty == Types::UNIT => self.check_returned_nothing(value, &why),
            Some(value) => self.expr(value, &Want::Type(ty, why)),
            None => self.coerce(nothing, ty, &why),
        };
        Expr { kind: ExprKind::Return(Box::new(value)), ty: Types::NEVER, span }
    }
}

impl Checker<'_, '_> {
    /// `return value` where there is nothing to return.
    fn check_returned_nothing(&mut self, value: &ast::Expr, why: &Why) -> Expr {
        let value = self.infer(value);
        let ty = self.head(value.ty);
        if !matches!(self.cx.ty(ty), Type::Unit | Type::Never | Type::Invalid | Type::Infer(_)) {
            let found = self.show(ty);
            self.report(report::returns_nothing(&found, why, value.span));
        }
        self.discard(value)
    }
}

/// The span of the value of a block, which says more than the whole block.
fn tail_span(expr: &Expr) -> Span {
    match &expr.kind {
        ExprKind::Block(block) => block.value.as_deref().map_or(expr.span, tail_span),
        _ => expr.span,
    }
}
