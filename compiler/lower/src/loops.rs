//! Loops.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError, reaches_end};
use crate::scope::Scope;
use flow_analysis::hir::{Expr, ExprKind, Pattern, PatternKind};
use flow_mir::{BinaryOp, BlockId, LocalId, Op, Terminator, Type};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// `loop`
    pub(crate) fn endless_loop(&mut self, body: &'a Expr, dst: LocalId, span: Span) -> Flow<()> {
        let header = self.block();
        self.goto(header, span);
        let (latch, exit) = (self.block(), self.block());
        self.switch_to(header);
        self.loop_body(body, latch, exit)?;
        self.switch_to(latch);
        self.back_edge(header, span);
        self.switch_to(exit);
        self.unit(dst, span);
        Ok(())
    }

    /// `while`
    pub(crate) fn while_loop(
        &mut self,
        condition: &'a Expr,
        body: &'a Expr,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let header = self.block();
        self.goto(header, span);
        let (inside, latch, exit) = (self.block(), self.block(), self.block());
        self.switch_to(header);
        self.condition(condition, inside, exit)?;
        self.switch_to(inside);
        self.loop_body(body, latch, exit)?;
        self.switch_to(latch);
        self.back_edge(header, span);
        self.switch_to(exit);
        self.unit(dst, span);
        Ok(())
    }

    /// `for`: over a range it counts, over a list it takes items by index.
    pub(crate) fn for_loop(
        &mut self,
        pattern: &'a Pattern,
        items: &'a Expr,
        body: &'a Expr,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let int = self.shared.known.int;
        if let ExprKind::Range(start, end) = &items.kind {
            let start = self.stable(start)?;
            let end = self.stable(end)?;
            // Nothing assigns the name that `for` binds, so it can count itself.
            let index = match &pattern.kind {
                PatternKind::Bind(variable) if !self.is_mutable(*variable) => self.variable(*variable)?,
                _ => self.temporary(int),
            };
            self.emit(Op::Copy { dst: index, src: start }, span);
            return self.count(index, end, pattern, None, body, dst, span);
        }
        let list = self.stable(items)?;
        let index = self.temporary(int);
        self.emit(Op::Word { dst: index, word: 0 }, span);
        let length = self.emit_new(int, |dst| Op::ListLen { dst, list }, span);
        self.count(index, length, pattern, Some(list), body, dst, span)
    }

    /// Runs the body with `index` counting up to `end`, the pattern bound to the index or to the item there.
    #[expect(clippy::too_many_arguments, reason = "the parts of one construct")]
    fn count(
        &mut self,
        index: LocalId,
        end: LocalId,
        pattern: &'a Pattern,
        list: Option<LocalId>,
        body: &'a Expr,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let known = self.shared.known;
        let header = self.block();
        self.goto(header, span);
        let (inside, latch, exit) = (self.block(), self.block(), self.block());
        self.switch_to(header);
        let less =
            Op::Binary { dst: self.temporary(known.bool), op: BinaryOp::IntLess, left: index, right: end };
        let condition = less.dst().unwrap_or(index);
        self.emit(less, span);
        self.end(Terminator::Branch { condition, then: inside, otherwise: exit }, span);
        self.switch_to(inside);
        self.bind_item(pattern, index, list)?;
        self.loop_body(body, latch, exit)?;
        self.switch_to(latch);
        let one = self.emit_new(known.int, |dst| Op::Word { dst, word: 1 }, span);
        self.emit(Op::Binary { dst: index, op: BinaryOp::IntCount, left: index, right: one }, span);
        self.back_edge(header, span);
        self.switch_to(exit);
        self.unit(dst, span);
        Ok(())
    }

    fn bind_item(
        &mut self,
        pattern: &'a Pattern,
        index: LocalId,
        list: Option<LocalId>,
    ) -> Result<(), LowerError> {
        let Some(list) = list else {
            return match &pattern.kind {
                PatternKind::Bind(variable) if self.variable(*variable)? == index => Ok(()),
                _ => self.bind(pattern, index),
            };
        };
        let Type::List(item) = *self.stored_type(list) else {
            return Err(LowerError::internal("a loop over what is no list", pattern.span));
        };
        if let PatternKind::Bind(variable) = &pattern.kind {
            let dst = self.variable(*variable)?;
            self.emit(Op::ListGet { dst, list, index }, pattern.span);
            return Ok(());
        }
        let item = self.emit_new(item, |dst| Op::ListGet { dst, list, index }, pattern.span);
        self.bind(pattern, item)
    }

    fn loop_body(&mut self, body: &'a Expr, latch: BlockId, exit: BlockId) -> Result<(), LowerError> {
        let scope = Scope::Loop { on_break: exit, on_continue: latch };
        let outcome = self.within(&[scope], |s| s.expr(body).map(drop));
        if reaches_end(outcome)? {
            self.goto(latch, body.span);
        }
        Ok(())
    }
}
