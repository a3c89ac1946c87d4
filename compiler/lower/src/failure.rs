//! Failures: `fail`, `catch`, `try`.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use crate::scope::Scope;
use flow_analysis::hir::{CatchArm, Expr, Ty};
use flow_mir::{BlockId, Handler, LocalId, Op, Type, TypeId};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// `fail e`
    pub(crate) fn fail(&mut self, value: &'a Expr, span: Span) -> Flow<()> {
        let value = self.expr(value)?;
        let error = if self.type_of(value) == self.shared.known.error {
            // A value of a union is the raised error itself.
            value
        } else {
            self.emit_new(self.shared.known.error, |dst| Op::MakeError { dst, value }, span)
        };
        Err(self.raise(error, span))
    }

    /// Lowers code whose errors go to a handler. Where the code fits in a line, errors get their line of the trace only
    /// if they go on from there; else before, since later nobody knows which line raised them.
    fn protected(&mut self, value: &'a Expr, dst: LocalId) -> (Flow<()>, Handler, bool) {
        let handler = self.new_handler();
        let traced = !self.shared.is_one_line(value.span);
        let scope = Scope::Handler { handler, traced };
        (self.within(&[scope], |s| s.expr_into(value, dst)), handler, traced)
    }

    /// The end of a handler that doesn't handle the error.
    fn unhandled(&mut self, error: LocalId, traced: bool, span: Span) {
        // Both end the block; there is nothing after it.
        let _diverged = if traced { self.raise_again(error, span) } else { self.raise(error, span) };
    }

    /// `value catch { … }`
    pub(crate) fn catch(
        &mut self,
        value: &'a Expr,
        arms: &'a [CatchArm],
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let join = self.block();
        let (outcome, handler, traced) = self.protected(value, dst);
        let mut joined = self.join(outcome, join, span)?;
        self.switch_to(handler.block);
        for arm in arms {
            let next = self.block();
            self.test(&arm.pattern, handler.error, next)?;
            let outcome = self.catch_arm(arm, handler.error, next, dst);
            joined |= self.join(outcome, join, span)?;
            self.switch_to(next);
        }
        self.unhandled(handler.error, traced, value.span);
        self.go_on(joined, join)
    }

    fn catch_arm(&mut self, arm: &'a CatchArm, error: LocalId, next: BlockId, dst: LocalId) -> Flow<()> {
        if let Some(guard) = &arm.guard {
            let passed = self.block();
            let outcome = self.condition(guard, passed, next);
            self.switch_to(passed);
            outcome?;
        }
        if !arm.reraises_cancelled {
            return self.expr_into(&arm.body, dst);
        }
        let clean_up = Scope::CleanUp(error);
        self.within(&[clean_up], |s| s.expr_into(&arm.body, dst))?;
        self.end_scope(clean_up, arm.body.span)
    }

    /// `try value`
    pub(crate) fn try_value(&mut self, value: &'a Expr, errors: &[Ty], dst: LocalId, span: Span) -> Flow<()> {
        let mut concrete = Vec::with_capacity(errors.len());
        for error in errors {
            concrete.push(self.concrete(*error, span)?);
        }
        self.shared.types.flatten_errors(&mut concrete);
        let (ok, err) = self.result_parts(dst, span)?;
        let join = self.block();
        let success = self.temporary(ok);
        let (outcome, handler, traced) = self.protected(value, success);
        let outcome = outcome.map(|()| self.emit(Op::MakeCase { dst, case: 0, fields: vec![success] }, span));
        let mut joined = self.join(outcome, join, span)?;
        self.switch_to(handler.block);
        let caught = self.block();
        for error in &concrete {
            let ty = self.shared.types.lower(*error, span)?;
            let next = self.block();
            self.branch_on_error(handler.error, ty, caught, next, span);
            self.switch_to(next);
        }
        self.unhandled(handler.error, traced, value.span);
        if !concrete.is_empty() {
            joined = true;
            self.switch_to(caught);
            let error = if err == self.shared.known.error {
                handler.error
            } else {
                self.emit_new(err, |dst| Op::ErrorValue { dst, error: handler.error }, span)
            };
            self.emit(Op::MakeCase { dst, case: 1, fields: vec![error] }, span);
            self.goto(join, span);
        }
        self.go_on(joined, join)
    }

    /// The types of the values of `Ok` and `Err` of a `Result`.
    fn result_parts(&self, result: LocalId, span: Span) -> Result<(TypeId, TypeId), LowerError> {
        if let Type::Enum { cases, .. } = self.stored_type(result)
            && let [ok, err] = cases.as_slice()
            && let ([ok], [err]) = (ok.fields.as_slice(), err.fields.as_slice())
        {
            return Ok((ok.ty, err.ty));
        }
        Err(LowerError::internal("`try` gives no `Result`", span))
    }
}
