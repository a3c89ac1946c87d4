//! Functions cut out of others: lambdas, which carry an environment, and the code of strands, which takes what it reads
//! as parameters.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use flow_analysis::hir::{self, Branch, Lambda};
use flow_mir::{self as mir, FunctionId, LocalId, Op, Type};
use flow_syntax::Span;
use std::rc::Rc;

impl<'a> FunctionLowering<'_, 'a> {
    /// A lambda, made of the kind that `dst` holds.
    pub(crate) fn lambda(&mut self, lambda: &'a Lambda, dst: LocalId, span: Span) -> Flow<()> {
        let ty = self.type_of(dst);
        let Type::Function { returns, suspends, .. } = *self.shared.types.stored(ty) else {
            return Err(LowerError::internal("a lambda of a type that is no function", span).into());
        };
        let captures = self.captured(&lambda.captures)?;
        let types = captures.iter().map(|local| self.type_of(*local)).collect();
        let name = self.outlined_name("lambda");
        let function = self.shared.reserve()?;
        let mut inner = FunctionLowering::new(self.shared, Rc::clone(&self.context), name, span, suspends);
        inner.returns = returns;
        let environment = inner.environment(ty, types);
        for param in &lambda.params {
            inner.variable_param(*param)?;
        }
        for (index, captured) in (0u32..).zip(&lambda.captures) {
            let dst = inner.variable(*captured)?;
            inner.emit(Op::Capture { dst, environment, index }, span);
        }
        let value = inner.returned_value(&lambda.body);
        inner.return_value(value)?;
        let made = inner.finish();
        self.shared.fill(function, made);
        self.emit(Op::MakeClosure { dst, function, captures }, span);
        Ok(())
    }

    /// The locals that hold captured variables.
    pub(crate) fn captured(&mut self, variables: &[hir::LocalId]) -> Result<Vec<LocalId>, LowerError> {
        variables.iter().map(|variable| self.variable(*variable)).collect()
    }

    /// A strand's code, or a condition's, as a function of its own: its parameters are the captures, then `more`.
    pub(crate) fn outline(
        &mut self,
        kind: &'static str,
        branch: &'a Branch,
        more: Option<hir::LocalId>,
        returns: Option<mir::TypeId>,
        suspends: bool,
    ) -> Result<FunctionId, LowerError> {
        let span = branch.body.span;
        let returns = match returns {
            Some(ty) => ty,
            None => self.ty(branch.body.ty, span)?,
        };
        let name = self.outlined_name(kind);
        let function = self.shared.reserve()?;
        let mut inner = FunctionLowering::new(self.shared, Rc::clone(&self.context), name, span, suspends);
        inner.returns = returns;
        for variable in branch.captures.iter().chain(&more) {
            inner.variable_param(*variable)?;
        }
        let value = if kind == "compensation" {
            // It awaits what it spawns: nothing outside would.
            let dst = inner.temporary(returns);
            let value = inner.joining(span, |inner| {
                let value = inner.returned_value(&branch.body)?;
                inner.emit(Op::Copy { dst, src: value }, span);
                Ok(())
            });
            value.map(|()| dst)
        } else {
            inner.returned_value(&branch.body)
        };
        inner.return_value(value)?;
        let made = inner.finish();
        self.shared.fill(function, made);
        Ok(function)
    }

    /// A strand to start: its function and the values it captures.
    pub(crate) fn branch(
        &mut self,
        kind: &'static str,
        branch: &'a Branch,
        more: Option<hir::LocalId>,
        returns: Option<mir::TypeId>,
    ) -> Result<mir::Branch, LowerError> {
        let function = self.outline(kind, branch, more, returns, true)?;
        Ok(mir::Branch { function, captures: self.captured(&branch.captures)? })
    }
}
