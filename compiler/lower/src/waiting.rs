//! `wait until`: a condition is a function of its own, called where it stands and, from then on, by the instance.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use flow_analysis::hir::WaitUntil;
use flow_mir::{self as mir, LocalId, Op, SuspendOp, Terminator, Type};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// `wait until`: goes on at once where the condition holds already.
    pub(crate) fn wait_until(&mut self, wait: &'a WaitUntil, dst: LocalId, span: Span) -> Flow<()> {
        let condition = self.condition_of(wait)?;
        let ty = self.ty(wait.condition.body.ty, span)?;
        let (function, args) = (condition.function, condition.captures.clone());
        let found = self.emit_new(ty, |dst| Op::Call { dst, function, args }, span);
        let holds = if wait.bound.is_empty() {
            found
        } else {
            self.emit_new(self.shared.known.bool, |dst| Op::IsSome { dst, option: found }, span)
        };
        let (later, join) = (self.block(), self.block());
        self.end(Terminator::Branch { condition: holds, then: join, otherwise: later }, span);
        self.switch_to(later);
        self.suspend(found, SuspendOp::WaitUntil { condition, states: wait.states.clone() }, span)?;
        self.goto(join, span);
        self.switch_to(join);
        self.bind_held(wait, found, span)?;
        self.unit(dst, span);
        Ok(())
    }

    /// A condition's function and the values it captures.
    pub(crate) fn condition_of(&mut self, wait: &'a WaitUntil) -> Result<mir::Branch, LowerError> {
        let function = self.outline("condition", &wait.condition, None, None, false)?;
        Ok(mir::Branch { function, captures: self.captured(&wait.condition.captures)? })
    }

    /// Takes what a condition has bound out of the option it gave.
    pub(crate) fn bind_held(
        &mut self,
        wait: &WaitUntil,
        found: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        if wait.bound.is_empty() {
            return Ok(());
        }
        let Type::Option(values) = *self.stored_type(found) else {
            return Err(LowerError::internal("a condition that binds gives no option", span));
        };
        let values = self.emit_new(values, |dst| Op::Unwrap { dst, option: found }, span);
        for (index, local) in (0u32..).zip(&wait.bound) {
            let dst = self.variable(*local)?;
            self.emit(Op::Field { dst, base: values, index }, span);
        }
        Ok(())
    }
}
