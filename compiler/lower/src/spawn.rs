//! Strands that are started one by one and joined by their scope, and instances of their own.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use crate::scope::Scope;
use flow_analysis::hir::{self, Branch, Expr, ExprKind};
use flow_mir::{self as mir, FunctionId, HostOp, LocalId, Op, SuspendOp, Type};
use flow_syntax::Span;
use std::rc::Rc;

impl<'a> FunctionLowering<'_, 'a> {
    /// Lowers code within a scope that joins what is spawned in it. The scope's number is kept in `scope`.
    pub(crate) fn scope_of_strands(
        &mut self,
        scope: LocalId,
        span: Span,
        body: bool,
        code: impl FnOnce(&mut Self) -> Flow<()>,
    ) -> Flow<()> {
        self.emit(Op::Host { dst: scope, op: HostOp::ScopeEnter, args: vec![] }, span);
        let handler = self.new_handler();
        let join = self.block();
        let scopes = [Scope::Strands { scope, body }, Scope::Handler { handler, traced: true }];
        let mut outcome = self.within(&scopes, code);
        if outcome.is_ok() {
            outcome = self.end_strands(scope, false, span).map_err(Into::into);
        }
        let joined = self.join(outcome, join, span)?;
        self.switch_to(handler.block);
        self.end_strands(scope, true, span)?;
        let _diverged = self.raise_again(handler.error, span);
        self.go_on(joined, join)
    }

    /// Waits until the strands of a scope have ended; cancels them before where it is left early.
    pub(crate) fn end_strands(&mut self, scope: LocalId, cancel: bool, span: Span) -> Result<(), LowerError> {
        let done = self.temporary(self.shared.known.unit);
        self.suspend(done, SuspendOp::ScopeEnd { scope, cancel }, span)
    }

    /// `spawn e`
    pub(crate) fn spawn(&mut self, branch: &'a Branch, kept: bool, dst: LocalId, span: Span) -> Flow<()> {
        let workflow = match &branch.body.kind {
            ExprKind::CallWorkflow { workflow, args } => Some((mir::WorkflowId(workflow.0), args)),
            _ => None,
        };
        let (function, args) = match workflow {
            // The arguments are evaluated here, so that the call is the first thing the strand does.
            Some((workflow, args)) => {
                let args = self.operands(&args.iter().collect::<Vec<_>>())?;
                (self.calling_strand(workflow, &args, &branch.body)?, args)
            }
            None => {
                let branch = self.branch("strand", branch, None, None)?;
                (branch.function, branch.captures)
            }
        };
        let string = self.shared.known.string;
        let start = |dst| Op::Host { dst, op: HostOp::Spawn { function, kept }, args };
        let strand = self.emit_new(string, start, span);
        match workflow.filter(|_| kept) {
            Some((workflow, _)) => {
                let child = |dst| Op::Host { dst, op: HostOp::ChildId { workflow }, args: vec![strand] };
                let id = self.emit_new(string, child, span);
                self.emit(Op::MakeTuple { dst, fields: vec![id, strand] }, span);
            }
            None if kept => self.emit(Op::MakeTuple { dst, fields: vec![strand] }, span),
            None => self.unit(dst, span),
        }
        Ok(())
    }

    /// A strand that only calls a workflow: its parameters are the arguments.
    fn calling_strand(
        &mut self,
        workflow: mir::WorkflowId,
        args: &[LocalId],
        call: &Expr,
    ) -> Result<FunctionId, LowerError> {
        let types: Vec<mir::TypeId> = args.iter().map(|arg| self.type_of(*arg)).collect();
        let returns = self.ty(call.ty, call.span)?;
        let name = self.outlined_name("strand");
        let function = self.shared.reserve()?;
        let mut inner = FunctionLowering::new(self.shared, Rc::clone(&self.context), name, call.span, true);
        inner.returns = returns;
        let args = types.into_iter().map(|ty| inner.param(ty, None)).collect();
        let result = inner.temporary(returns);
        inner.suspend(result, SuspendOp::Workflow { workflow, args }, call.span)?;
        inner.return_value(Ok(result))?;
        let made = inner.finish();
        self.shared.fill(function, made);
        Ok(function)
    }

    /// `await e`
    pub(crate) fn await_strand(&mut self, handle: &'a Expr, dst: LocalId, span: Span) -> Flow<()> {
        let base = self.expr(handle)?;
        let Type::Record { fields, .. } = self.stored_type(base) else {
            return Err(LowerError::internal("`await` of no handle", span).into());
        };
        // The strand is what a handle's last field names.
        let index = u32::try_from(fields.len().saturating_sub(1)).unwrap_or(0);
        let strand = self.emit_new(self.shared.known.string, |dst| Op::Field { dst, base, index }, span);
        self.suspend(dst, SuspendOp::Await { strand }, span)?;
        Ok(())
    }

    /// `detach f(x)`
    pub(crate) fn detach(
        &mut self,
        workflow: hir::WorkflowId,
        args: &'a [Expr],
        id: Option<&'a Expr>,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let mut operands = self.operands(&args.iter().chain(id).collect::<Vec<_>>())?;
        let id = id.and_then(|_| operands.pop());
        let workflow = mir::WorkflowId(workflow.0);
        let name = self.temporary(self.shared.known.string);
        self.suspend(name, SuspendOp::Detach { workflow, args: operands, id }, span)?;
        self.emit(Op::MakeTuple { dst, fields: vec![name] }, span);
        Ok(())
    }

    /// `c.verdict(x)`, `c.status()`: the id of the instance is a handle's first field.
    pub(crate) fn talk(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        let (handle, args): (&Expr, Vec<&'a Expr>) = match &expr.kind {
            ExprKind::Tell { handle, value, .. } => (handle, value.as_deref().into_iter().collect()),
            ExprKind::Ask { handle, args, .. } => (handle, args.iter().collect()),
            _ => return Err(LowerError::internal("no message", span).into()),
        };
        let mut operands = vec![handle];
        operands.extend(args);
        let mut operands = self.operands(&operands)?;
        let base = operands.remove(0);
        let to = self.emit_new(self.shared.known.string, |dst| Op::Field { dst, base, index: 0 }, span);
        let op = match &expr.kind {
            ExprKind::Tell { workflow, signal, .. } => SuspendOp::Tell {
                workflow: mir::WorkflowId(workflow.0),
                signal: *signal,
                to,
                value: operands.pop(),
            },
            ExprKind::Ask { workflow, update, index, interruptible, .. } => SuspendOp::Ask {
                workflow: mir::WorkflowId(workflow.0),
                update: *update,
                index: *index,
                to,
                args: operands,
                interruptible: *interruptible,
            },
            _ => return Err(LowerError::internal("no message", span).into()),
        };
        self.suspend(dst, op, span)?;
        Ok(())
    }

    /// Code of an instance that awaits all it has spawned outside any `scope`, whichever way it ends.
    pub(crate) fn joining(&mut self, span: Span, code: impl FnOnce(&mut Self) -> Flow<()>) -> Flow<()> {
        if !self.shared.program.spawns {
            return code(self);
        }
        let scope = self.temporary(self.shared.known.int);
        self.scope_of_strands(scope, span, true, code)
    }
}
