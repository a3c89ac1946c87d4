//! Constructs that open something in the strand that runs them, and close it whichever way they are left: sagas with
//! their compensations, `timeout`, `shield`. And waiting.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use crate::scope::Scope;
use flow_analysis::hir::{self, Branch, Compensation, Expr, ExprKind, Stmt, Unknown};
use flow_mir::{Handler, HostOp, LocalId, Op, SuspendOp, Terminator, TypeId};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// A durable construct.
    pub(crate) fn durable(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Sleep(duration) => {
                let duration = self.expr(duration)?;
                self.suspend(dst, SuspendOp::Sleep { duration }, span)?;
            }
            ExprKind::SleepUntil(until) => {
                let until = self.expr(until)?;
                self.suspend(dst, SuspendOp::SleepUntil { until }, span)?;
            }
            ExprKind::Receive(signal) => {
                self.suspend(dst, SuspendOp::Receive { signal: *signal }, span)?;
            }
            ExprKind::WaitUntil(wait) => self.wait_until(wait, dst, span)?,
            ExprKind::Commit { saga } => {
                let saga = self.variable(*saga)?;
                self.emit(Op::Host { dst, op: HostOp::SagaCommit, args: vec![saga] }, span);
            }
            ExprKind::Saga { handle, unordered, body } => self.saga(*handle, *unordered, body, dst, span)?,
            ExprKind::Timeout { limit, body } => self.timeout(limit, body, dst, span)?,
            ExprKind::Shield(body) => self.shield(body, dst, span)?,
            ExprKind::Scope { handle, body } => {
                let scope = self.variable(*handle)?;
                self.scope_of_strands(scope, span, false, |s| s.expr_into(body, dst))?;
            }
            ExprKind::Spawn { branch, kept } => self.spawn(branch, *kept, dst, span)?,
            ExprKind::Await(handle) => self.await_strand(handle, dst, span)?,
            ExprKind::Tell { .. } | ExprKind::Ask { .. } => self.talk(expr, dst)?,
            ExprKind::Detach { workflow, args, id } => {
                self.detach(*workflow, args, id.as_deref(), dst, span)?;
            }
            ExprKind::Parallel { first: None, branches } => self.parallel(branches, dst, span)?,
            ExprKind::Parallel { first: Some(first), branches } => {
                self.quorum(first, branches, dst, span)?;
            }
            ExprKind::ParallelFor { .. } => self.parallel_for(expr, dst)?,
            ExprKind::Race(arms) => self.race(arms, dst, span)?,
            _ => return Err(LowerError::internal("no durable construct", span).into()),
        }
        Ok(())
    }

    /// Lowers a block within a scope that is ended when the block ends, and whose handler `on_error` lowers; what that
    /// does with the error ends the handler.
    fn enclosed(
        &mut self,
        scope: Scope,
        body: &'a Expr,
        dst: LocalId,
        span: Span,
        on_error: impl FnOnce(&mut Self, LocalId) -> Result<(), LowerError>,
    ) -> Flow<()> {
        let handler = self.new_handler();
        let join = self.block();
        // The scope outside its handler: leaving the scope is no longer the handler's business.
        let scopes = [scope, Scope::Handler { handler, traced: true }];
        let mut outcome = self.within(&scopes, |s| s.expr_into(body, dst));
        if outcome.is_ok() {
            outcome = self.end_scope(scope, span);
        }
        let joined = self.join(outcome, join, span)?;
        self.switch_to(handler.block);
        on_error(self, handler.error)?;
        self.go_on(joined, join)
    }

    fn saga(
        &mut self,
        handle: hir::LocalId,
        unordered: bool,
        body: &'a Expr,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let saga = self.variable(handle)?;
        self.emit(Op::Host { dst: saga, op: HostOp::SagaEnter { unordered }, args: vec![] }, span);
        self.enclosed(Scope::Saga(saga), body, dst, span, |s, error| {
            let done = s.temporary(s.shared.known.unit);
            s.suspend(done, SuspendOp::SagaUnwind { saga, error }, span)?;
            let _diverged = s.raise_again(error, span);
            Ok(())
        })
    }

    fn timeout(&mut self, limit: &'a Expr, body: &'a Expr, dst: LocalId, span: Span) -> Flow<()> {
        let limit = self.expr(limit)?;
        let known = self.shared.known;
        let enter = |dst| Op::Host { dst, op: HostOp::TimeoutEnter, args: vec![limit] };
        let scope = self.emit_new(known.int, enter, span);
        self.enclosed(Scope::Timeout(scope), body, dst, span, |s, error| {
            let expired = |dst| Op::Host { dst, op: HostOp::TimeoutExpired, args: vec![scope] };
            let condition = s.emit_new(known.bool, expired, span);
            let (timed_out, other) = (s.block(), s.block());
            s.end(Terminator::Branch { condition, then: timed_out, otherwise: other }, span);
            s.switch_to(timed_out);
            let make = |dst| Op::MakeCase { dst, case: 0, fields: vec![] };
            let value = s.emit_new(known.timeout, make, span);
            let timeout = s.emit_new(known.error, |dst| Op::MakeError { dst, value }, span);
            let _diverged = s.raise(timeout, span);
            s.switch_to(other);
            let _diverged = s.raise_again(error, span);
            Ok(())
        })
    }

    fn shield(&mut self, body: &'a Expr, dst: LocalId, span: Span) -> Flow<()> {
        self.host_unit(HostOp::ShieldEnter, vec![], span);
        self.enclosed(Scope::Shield, body, dst, span, |s, error| {
            s.host_unit(HostOp::ShieldExit, vec![], span);
            let _diverged = s.raise_again(error, span);
            Ok(())
        })
    }

    /// A statement and, once it has succeeded, its compensation.
    pub(crate) fn compensated(&mut self, stmt: &'a Stmt) -> Flow<()> {
        let Some(compensation) = &stmt.compensation else { return self.stmt(stmt) };
        match &compensation.unknown {
            Some(unknown) => self.with_unknown(stmt, compensation, unknown)?,
            None => self.stmt(stmt)?,
        }
        self.register(compensation.saga, &compensation.undo, None, stmt.span)?;
        Ok(())
    }

    /// Registers a compensation with the values as they are now.
    fn register(
        &mut self,
        saga: hir::LocalId,
        undo: &'a Branch,
        key: Option<(hir::LocalId, LocalId)>,
        span: Span,
    ) -> Result<(), LowerError> {
        let (parameter, value) = key.unzip();
        let branch = self.branch("compensation", undo, parameter, None)?;
        let mut args = vec![self.variable(saga)?];
        args.extend(branch.captures);
        args.extend(value);
        self.host_unit(HostOp::Compensate { function: branch.function }, args, span);
        Ok(())
    }

    /// A statement that, where a call in it ended unknown, registers what then undoes it before the error goes on.
    fn with_unknown(
        &mut self,
        stmt: &'a Stmt,
        compensation: &'a Compensation,
        unknown: &'a Unknown,
    ) -> Flow<()> {
        let span = stmt.span;
        let handler: Handler = self.new_handler();
        let join = self.block();
        let outcome = self.within(&[Scope::Handler { handler, traced: true }], |s| s.stmt(stmt));
        let joined = self.join(outcome, join, span)?;
        self.switch_to(handler.block);
        let known = self.shared.known;
        let optional: TypeId = self.shared.types.intern(flow_mir::Type::Option(known.string));
        let error = handler.error;
        let option = self.emit_new(optional, |dst| Op::ErrorUnknownKey { dst, error }, span);
        let condition = self.emit_new(known.bool, |dst| Op::IsSome { dst, option }, span);
        let (ended_unknown, onward) = (self.block(), self.block());
        self.end(Terminator::Branch { condition, then: ended_unknown, otherwise: onward }, span);
        self.switch_to(ended_unknown);
        let key = self.emit_new(known.string, |dst| Op::Unwrap { dst, option }, span);
        self.register(compensation.saga, &unknown.branch, Some((unknown.key, key)), span)?;
        self.goto(onward, span);
        self.switch_to(onward);
        let _diverged = self.raise_again(error, span);
        self.go_on(joined, join)
    }
}
