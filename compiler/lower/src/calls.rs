//! Calls of declared functions and of function values.

use crate::builder::{Context, FunctionLowering};
use crate::error::{Flow, LowerError};
use crate::program::{Key, Lowering, instance_suspends};
use flow_analysis::hir::{self, Expr, FunctionCode, FunctionId, Ty};
use flow_mir::{self as mir, HostOp, Intrinsic, LocalId, Op, SuspendOp, Type, TypeId};
use flow_syntax::Span;
use std::rc::Rc;

impl<'a> FunctionLowering<'_, 'a> {
    /// A call of a declared function.
    pub(crate) fn call(
        &mut self,
        function: FunctionId,
        type_args: &[Ty],
        args: &'a [Expr],
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let args = self.operands(&args.iter().collect::<Vec<_>>())?;
        let mut concrete = Vec::with_capacity(type_args.len());
        for arg in type_args {
            concrete.push(self.concrete(*arg, span)?);
        }
        Ok(self.call_with(function, concrete, args, dst, span)?)
    }

    /// A call of a declared function with evaluated arguments and concrete type arguments.
    fn call_with(
        &mut self,
        function: FunctionId,
        type_args: Vec<Ty>,
        args: Vec<LocalId>,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        let program = self.shared.program;
        let Some(declared) = program.functions.get(function) else {
            return Err(LowerError::internal(format!("there is no {function:?}"), span));
        };
        match &declared.code {
            FunctionCode::Flow(_) => self.call_flow(function, declared, type_args, args, dst, span),
            FunctionCode::Intrinsic(name) => self.call_intrinsic(name, &type_args, args, dst, span),
            FunctionCode::Host(name) => {
                let op = host_op(name).ok_or_else(|| {
                    LowerError::internal(format!("there is no host function `{name}`"), span)
                })?;
                self.emit(Op::Host { dst, op, args }, span);
                Ok(())
            }
            FunctionCode::Connector(name) => {
                self.suspend(dst, SuspendOp::Connector { name: name.clone(), args }, span)
            }
        }
    }

    fn call_flow(
        &mut self,
        function: FunctionId,
        declared: &hir::Function,
        type_args: Vec<Ty>,
        mut args: Vec<LocalId>,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        let mut suspending = Vec::with_capacity(args.len());
        for (param, arg) in declared.signature.params.iter().zip(&mut args) {
            let is_function = matches!(self.shared.types.source(param.ty), hir::Type::Function { .. });
            if !is_function {
                // What is declared as a type parameter takes function values of the suspending kind only.
                let general = self.shared.types.function_kind(self.type_of(*arg), true);
                *arg = self.adapt(*arg, general, span)?;
            }
            suspending.push(is_function && self.is_suspending(*arg));
        }
        let suspends = instance_suspends(declared, &suspending);
        let function = self.shared.request(Key::Function { function, type_args, suspending })?;
        if suspends {
            self.suspend(dst, SuspendOp::Call { function, args }, span)
        } else {
            self.emit(Op::Call { dst, function, args }, span);
            Ok(())
        }
    }

    fn call_intrinsic(
        &mut self,
        name: &str,
        type_args: &[Ty],
        args: Vec<LocalId>,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        if let (Some(op), [list]) = (instruction(name), args.as_slice()) {
            self.emit(op(dst, *list), span);
            return Ok(());
        }
        let Some(intrinsic) = Intrinsic::from_name(name) else {
            return Err(LowerError::internal(format!("there is no built-in operation `{name}`"), span));
        };
        let mut types = Vec::with_capacity(type_args.len());
        for arg in type_args {
            types.push(self.shared.types.lower(*arg, span)?);
        }
        self.emit(Op::Intrinsic { dst, intrinsic, types, args }, span);
        Ok(())
    }

    /// A call of a function value.
    pub(crate) fn call_value(
        &mut self,
        callee: &'a Expr,
        args: &'a [Expr],
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let mut operands = vec![callee];
        operands.extend(args);
        let mut values = self.operands(&operands)?;
        let closure = values.remove(0);
        let Type::Function { params, .. } = self.stored_type(closure).clone() else {
            return Err(LowerError::internal("a call of what is no function", span).into());
        };
        for (value, param) in values.iter_mut().zip(params) {
            *value = self.adapt(*value, param, span)?;
        }
        Ok(self.call_closure(closure, values, dst, span)?)
    }

    fn call_closure(
        &mut self,
        closure: LocalId,
        args: Vec<LocalId>,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        if self.is_suspending(closure) {
            self.suspend(dst, SuspendOp::CallClosure { closure, args }, span)
        } else {
            self.emit(Op::CallClosure { dst, closure, args }, span);
            Ok(())
        }
    }

    /// Whether a local holds a function value that suspends.
    pub(crate) fn is_suspending(&self, local: LocalId) -> bool {
        matches!(self.stored_type(local), Type::Function { suspends: true, .. })
    }

    /// A declared function as a value.
    pub(crate) fn function_reference(
        &mut self,
        function: FunctionId,
        type_args: &[Ty],
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        let mut concrete = Vec::with_capacity(type_args.len());
        for arg in type_args {
            concrete.push(self.concrete(*arg, span)?);
        }
        let ty = self.type_of(dst);
        let function = self.shared.request(Key::Value { function, type_args: concrete, ty })?;
        self.emit(Op::MakeClosure { dst, function, captures: vec![] }, span);
        Ok(())
    }

    /// A value as `want` asks: a function value that doesn't suspend is wrapped where one that does is expected.
    pub(crate) fn adapt(&mut self, value: LocalId, want: TypeId, span: Span) -> Result<LocalId, LowerError> {
        let have = self.type_of(value);
        if have == want {
            return Ok(value);
        }
        let suspends = |ty: TypeId| match self.shared.types.types.get(ty) {
            Some(Type::Function { suspends, .. }) => Some(*suspends),
            _ => None,
        };
        match (suspends(have), suspends(want)) {
            (Some(false), Some(true)) => {
                let function = self.shared.request(Key::Suspending(have))?;
                let captures = vec![value];
                Ok(self.emit_new(want, |dst| Op::MakeClosure { dst, function, captures }, span))
            }
            (Some(true), Some(false)) => {
                Err(LowerError::internal("a function that suspends where none may", span))
            }
            _ => Ok(value),
        }
    }
}

impl<'a> Lowering<'a> {
    /// Whether a reference to a function is a value that suspends.
    pub(crate) fn value_suspends(&self, function: FunctionId) -> bool {
        self.program.functions.get(function).is_none_or(|declared| {
            let suspending = vec![true; declared.signature.params.len()];
            let connector = matches!(declared.code, FunctionCode::Connector(_));
            connector || instance_suspends(declared, &suspending)
        })
    }

    /// The code of a function value that stands for a declared function.
    pub(crate) fn function_value(
        &mut self,
        function: FunctionId,
        declared: &'a hir::Function,
        type_args: &[Ty],
        ty: TypeId,
    ) -> Result<mir::Function, LowerError> {
        let name = format!("{}.value", self.declared_name(&declared.signature, type_args));
        let span = declared.signature.span;
        self.forwarding(name, span, ty, Vec::new(), |lowering, _, args, dst| {
            lowering.call_with(function, type_args.to_vec(), args, dst, span)
        })
    }

    /// The code of a closure that suspends, around a function value of this type that doesn't.
    pub(crate) fn suspending_closure(&mut self, inner: TypeId) -> Result<mir::Function, LowerError> {
        let outer = self.types.function_kind(inner, true);
        let name = format!("suspending<{}>", self.types.types.show(inner));
        let span = Span::default();
        self.forwarding(name, span, outer, vec![inner], |lowering, environment, args, dst| {
            let closure = lowering.emit_new(inner, |dst| Op::Capture { dst, environment, index: 0 }, span);
            lowering.call_closure(closure, args, dst, span)
        })
    }

    /// A closure of type `ty` that only passes its arguments on.
    fn forwarding(
        &mut self,
        name: String,
        span: Span,
        ty: TypeId,
        captures: Vec<TypeId>,
        call: impl FnOnce(&mut FunctionLowering<'_, 'a>, LocalId, Vec<LocalId>, LocalId) -> Result<(), LowerError>,
    ) -> Result<mir::Function, LowerError> {
        let Some(Type::Function { params, returns, suspends }) = self.types.types.get(ty).cloned() else {
            return Err(LowerError::internal("a function value of another type", span));
        };
        let context =
            Context { locals: &NO_LOCALS, params: &[], type_args: Vec::new(), suspending: Vec::new() };
        let mut lowering = FunctionLowering::new(self, Rc::new(context), name, span, suspends);
        lowering.returns = returns;
        let environment = lowering.environment(ty, captures);
        let args = params.into_iter().map(|param| lowering.param(param, None)).collect();
        let dst = lowering.temporary(returns);
        call(&mut lowering, environment, args, dst)?;
        lowering.return_value(Ok(dst))?;
        Ok(lowering.finish())
    }
}

/// For code without variables.
pub(crate) static NO_LOCALS: hir::Table<hir::LocalId, hir::Local> = hir::Table::new();

/// Built-in operations that are instructions.
fn instruction(name: &str) -> Option<fn(LocalId, LocalId) -> Op> {
    match name {
        "list.len" => Some(|dst, list| Op::ListLen { dst, list }),
        "option.is_some" => Some(|dst, option| Op::IsSome { dst, option }),
        _ => None,
    }
}

fn host_op(name: &str) -> Option<HostOp> {
    Some(match name {
        "time.now" => HostOp::Now,
        "progress.total" => HostOp::ProgressTotal,
        "progress.step" => HostOp::ProgressStep,
        "log.line" => HostOp::LogLine,
        "random.bits" => HostOp::Random,
        "env.get" => HostOp::Variable,
        _ => return None,
    })
}
