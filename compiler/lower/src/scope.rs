//! Constructs that are open around the current place, and leaving them early.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError, Stop, reaches_end};
use flow_mir::{BlockId, Handler, HostOp, LocalId, Op, Terminator};
use flow_syntax::Span;

/// A construct that is open around the code being lowered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// Errors go to this handler; `traced`: they have this function's line of the trace when they arrive.
    Handler { handler: Handler, traced: bool },
    /// A loop: where `break` and `continue` go.
    Loop { on_break: BlockId, on_continue: BlockId },
    /// A saga, by the local that holds its number.
    Saga(LocalId),
    /// A `timeout` block, by the local that holds its number.
    Timeout(LocalId),
    /// A `shield` block.
    Shield,
    /// A `scope`, by the local that holds its number; `body`: that of a workflow, whose strands it awaits however it ends.
    Strands { scope: LocalId, body: bool },
    /// The arm of a `catch` that cleans up after a cancellation: leaving it any way raises the error again if it is one.
    CleanUp(LocalId),
}

impl FunctionLowering<'_, '_> {
    /// A new block that handles errors, of which it receives one in the local given.
    pub(crate) fn new_handler(&mut self) -> Handler {
        let error = self.temporary(self.shared.known.error);
        Handler { block: self.block(), error }
    }

    /// Lowers code within scopes.
    pub(crate) fn within<T>(&mut self, scopes: &[Scope], code: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.scopes.len();
        self.scopes.extend_from_slice(scopes);
        let result = code(self);
        self.scopes.truncate(depth);
        result
    }

    /// `return`
    pub(crate) fn leave_function(&mut self, value: LocalId, span: Span) -> Flow<LocalId> {
        self.leave(0, span, |s| s.end(Terminator::Return(value), span))
    }

    /// `break` or `continue`
    pub(crate) fn leave_loop(&mut self, continues: bool, span: Span) -> Flow<LocalId> {
        let innermost = self.scopes.iter().enumerate().rev().find_map(|(depth, scope)| match scope {
            Scope::Loop { on_break, on_continue } => {
                Some((depth, if continues { *on_continue } else { *on_break }))
            }
            _ => None,
        });
        let Some((depth, target)) = innermost else {
            return Err(LowerError::internal("`break` or `continue` outside a loop", span).into());
        };
        self.leave(depth, span, |s| s.goto(target, span))
    }

    /// Ends all scopes above `depth` from the inside out, then leaves.
    fn leave(&mut self, depth: usize, span: Span, exit: impl FnOnce(&mut Self)) -> Flow<LocalId> {
        let mut left = Vec::new();
        let mut outcome = Ok(());
        while self.scopes.len() > depth
            && let Some(scope) = self.scopes.pop()
        {
            left.push(scope);
            outcome = self.end_scope(scope, span);
            if outcome.is_err() {
                break;
            }
        }
        // An early end here means that a clean-up raises: the exit is never reached.
        let reached = reaches_end(outcome);
        if let Ok(true) = reached {
            exit(self);
        }
        self.scopes.extend(left.into_iter().rev());
        reached?;
        Err(Stop::Diverged)
    }

    /// What leaving a scope without an error does.
    pub(crate) fn end_scope(&mut self, scope: Scope, span: Span) -> Flow<()> {
        match scope {
            Scope::Handler { .. } | Scope::Loop { .. } => {}
            Scope::Saga(saga) => self.host_unit(HostOp::SagaSucceed, vec![saga], span),
            Scope::Timeout(scope) => self.host_unit(HostOp::TimeoutExit, vec![scope], span),
            Scope::Shield => self.host_unit(HostOp::ShieldExit, vec![], span),
            Scope::Strands { scope, body } => self.end_strands(scope, !body, span)?,
            Scope::CleanUp(error) => {
                let cancelled = self.shared.known.cancelled;
                let again = self.block();
                let onward = self.block();
                self.branch_on_error(error, cancelled, again, onward, span);
                self.switch_to(again);
                let _diverged = self.raise_again(error, span);
                self.switch_to(onward);
            }
        }
        Ok(())
    }

    /// Goes one way where the error is of this type and the other where it isn't.
    pub(crate) fn branch_on_error(
        &mut self,
        error: LocalId,
        ty: flow_mir::TypeId,
        then: BlockId,
        otherwise: BlockId,
        span: Span,
    ) {
        let condition = self.emit_new(self.shared.known.bool, |dst| Op::ErrorIs { dst, error, ty }, span);
        self.end(Terminator::Branch { condition, then, otherwise }, span);
    }

    /// Asks the host for something without an answer.
    pub(crate) fn host_unit(&mut self, op: HostOp, args: Vec<LocalId>, span: Span) {
        self.emit_new(self.shared.known.unit, |dst| Op::Host { dst, op, args }, span);
    }
}
