//! Checks a program once, so that nothing indexes out of range afterwards.

use crate::ids::{BlockId, FunctionId, Id, LocalId, SuspensionId, TypeId};
use crate::instruction::{HostOp, Op, RaceArm, SuspendOp, Terminator};
use crate::program::{Function, Handle, Program};
use crate::types::{Field, Type};
use std::fmt;

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The function, activity, workflow or type.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid program: in {}: {}", self.place, self.what)
    }
}

impl std::error::Error for Invalid {}

impl Program {
    /// Checks that every id is in range, every call has as many arguments as parameters, fields and cases exist, and
    /// suspension points are those of the blocks.
    pub fn validate(&self) -> Result<(), Invalid> {
        for (id, ty) in self.types.iter() {
            let place = || format!("type {id}");
            self.check_type(id, ty).map_err(|what| Invalid { place: place(), what })?;
        }
        for (id, function) in self.functions.iter() {
            let checker = Checker { program: self, function };
            checker.check().map_err(|what| Invalid { place: format!("{id} `{}`", function.name), what })?;
        }
        for activity in self.activities.values() {
            let functions = activity.run.into_iter().chain(activity.unless);
            let types =
                fields(&activity.params).chain([activity.returns]).chain(activity.fails.iter().copied());
            let run = activity.run.map(|run| (run, activity.params.len()));
            self.check_declaration(functions, types, run)
                .map_err(|what| Invalid { place: format!("activity `{}`", activity.name), what })?;
        }
        for workflow in self.workflows.values() {
            let handles = workflow.queries.iter().chain(&workflow.updates);
            let functions = [workflow.body].into_iter().chain(handles.clone().map(|handle| handle.function));
            let types = fields(&workflow.params)
                .chain(fields(&workflow.states))
                .chain(fields(&workflow.signals))
                .chain(handles.clone().flat_map(|handle| fields(&handle.params)))
                .chain(handles.clone().map(|handle| handle.returns))
                .chain(handles.clone().flat_map(|handle| handle.fails.iter().copied()))
                .chain([workflow.returns])
                .chain(workflow.fails.iter().copied());
            self.check_declaration(functions, types, Some((workflow.body, workflow.params.len())))
                .map_err(|what| Invalid { place: format!("workflow `{}`", workflow.name), what })?;
            for handle in handles {
                self.check_handle(handle).map_err(|what| Invalid {
                    place: format!("workflow `{}`, `{}`", workflow.name, handle.name),
                    what,
                })?;
            }
        }
        Ok(())
    }

    fn check_handle(&self, handle: &Handle) -> Result<(), String> {
        match self.functions.get(handle.function) {
            Some(function) if function.suspends => Err("its code suspends".into()),
            Some(function) if function.param_count as usize != handle.params.len() => Err(format!(
                "its code takes {} parameters, not {}",
                function.param_count,
                handle.params.len()
            )),
            _ => Ok(()),
        }
    }

    fn check_declaration(
        &self,
        functions: impl Iterator<Item = FunctionId>,
        mut types: impl Iterator<Item = TypeId>,
        body: Option<(FunctionId, usize)>,
    ) -> Result<(), String> {
        for id in functions {
            self.functions.get(id).ok_or_else(|| format!("there is no function {id}"))?;
        }
        types.try_for_each(|id| self.has_type(id))?;
        match body.and_then(|(id, count)| Some((self.functions.get(id)?, count))) {
            Some((function, count)) if function.param_count as usize != count => {
                Err(format!("its body takes {} parameters, not {count}", function.param_count))
            }
            _ => Ok(()),
        }
    }

    fn has_type(&self, id: TypeId) -> Result<(), String> {
        self.types.get(id).map(|_| ()).ok_or_else(|| format!("there is no type {id}"))
    }

    fn check_type(&self, id: TypeId, ty: &Type) -> Result<(), String> {
        let parts: Vec<TypeId> = match ty {
            Type::List(item) | Type::Set(item) | Type::Option(item) => vec![*item],
            Type::Map(key, value) => vec![*key, *value],
            Type::Tuple(items) => items.clone(),
            Type::Record { fields: parts, .. } => fields(parts).collect(),
            Type::Enum { cases, .. } => cases.iter().flat_map(|case| fields(&case.fields)).collect(),
            Type::Distinct { .. } => return self.check_distinct(id),
            Type::Function { params, returns, .. } => params.iter().copied().chain([*returns]).collect(),
            _ => Vec::new(),
        };
        parts.into_iter().try_for_each(|part| self.has_type(part))
    }

    /// A chain of distinct types must end, or following it would not.
    fn check_distinct(&self, start: TypeId) -> Result<(), String> {
        let mut id = start;
        for _ in 0..=self.types.len() {
            self.has_type(id)?;
            match self.types.get(id) {
                Some(Type::Distinct { inner, .. }) => id = *inner,
                _ => return Ok(()),
            }
        }
        Err("a distinct type is made of itself".into())
    }
}

fn fields(fields: &[Field]) -> impl Iterator<Item = TypeId> {
    fields.iter().map(|field| field.ty)
}

struct Checker<'a> {
    program: &'a Program,
    function: &'a Function,
}

impl Checker<'_> {
    fn check(&self) -> Result<(), String> {
        let function = self.function;
        if function.param_count as usize > function.locals.len() {
            return Err(format!(
                "it has {} parameters but only {} locals",
                function.param_count,
                function.locals.len()
            ));
        }
        if function.blocks.is_empty() {
            return Err("it has no entry block".into());
        }
        self.program.has_type(function.returns)?;
        function.captures.iter().try_for_each(|ty| self.program.has_type(*ty))?;
        function.locals.values().try_for_each(|local| self.program.has_type(local.ty))?;
        for (id, block) in function.blocks.iter() {
            for instruction in &block.instructions {
                self.op(&instruction.op).map_err(|what| format!("{id}: {what}"))?;
            }
            let end = self.terminator(id, &block.terminator);
            end.and_then(|()| match block.handler {
                Some(handler) => self.block(handler.block).and_then(|()| self.local(handler.error)),
                None => Ok(()),
            })
            .map_err(|what| format!("{id}: {what}"))?;
        }
        self.suspensions()
    }

    fn suspensions(&self) -> Result<(), String> {
        for (index, point) in self.function.suspensions.iter().enumerate() {
            let id = SuspensionId::new(index + 1);
            self.block(point.block)?;
            point.live.iter().try_for_each(|local| self.local(*local))?;
            let found = self.function.blocks.get(point.block).map(|block| &block.terminator);
            match found {
                Some(Terminator::Suspend { suspension, .. } | Terminator::Safepoint { suspension, .. })
                    if *suspension == id => {}
                _ => return Err(format!("{id} is said to stand in {}, where it doesn't", point.block)),
            }
        }
        Ok(())
    }

    fn local(&self, id: LocalId) -> Result<(), String> {
        self.function.locals.get(id).map(|_| ()).ok_or_else(|| format!("there is no local {id}"))
    }

    fn block(&self, id: BlockId) -> Result<(), String> {
        self.function.blocks.get(id).map(|_| ()).ok_or_else(|| format!("there is no block {id}"))
    }

    /// The type that says how the local's value is stored.
    fn ty(&self, id: LocalId) -> Option<&Type> {
        let types = &self.program.types;
        types.get(types.representation(self.function.locals.get(id)?.ty))
    }

    fn call(&self, id: FunctionId, args: usize, suspends: bool) -> Result<(), String> {
        let function = self.program.functions.get(id).ok_or_else(|| format!("there is no function {id}"))?;
        if function.param_count as usize != args {
            return Err(format!("`{}` takes {} arguments, not {args}", function.name, function.param_count));
        }
        if function.suspends && !suspends {
            return Err(format!("`{}` suspends but is called as if it didn't", function.name));
        }
        Ok(())
    }

    fn op(&self, op: &Op) -> Result<(), String> {
        let mut locals = Ok(());
        op.for_each_operand(|local| locals = locals.clone().and_then(|()| self.local(local)));
        locals?;
        op.dst().map_or(Ok(()), |dst| self.local(dst))?;
        match op {
            Op::Constant { constant, .. } => {
                let constant = self.program.constants.get(*constant);
                constant.map(|_| ()).ok_or_else(|| "there is no such constant".to_string())
            }
            Op::MakeTuple { dst, fields } => self.field_count(*dst, fields.len()),
            Op::Field { base, index, .. } => self.field(*base, *index),
            Op::With { base, fields, .. } => {
                fields.iter().try_for_each(|(index, _)| self.field(*base, *index))
            }
            Op::MakeCase { dst, case, fields } => self.case(*dst, *case, |count| count == fields.len()),
            Op::CaseField { base, case, index, .. } => {
                self.case(*base, *case, |count| (*index as usize) < count)
            }
            Op::MakeSome { dst, .. } => self.needs(*dst, "an option", |ty| matches!(ty, Type::Option(_))),
            Op::IsSome { option, .. } | Op::Unwrap { option, .. } => {
                self.needs(*option, "an option", |ty| matches!(ty, Type::Option(_)))
            }
            Op::MakeList { dst, .. } => self.needs(*dst, "a list", |ty| matches!(ty, Type::List(_))),
            Op::ListGet { list, .. } | Op::ListLen { list, .. } => {
                self.needs(*list, "a list", |ty| matches!(ty, Type::List(_)))
            }
            Op::Call { function, args, .. } => self.call(*function, args.len(), false),
            Op::MakeClosure { function, captures, .. } => self.closure(*function, captures.len()),
            Op::Capture { index, .. } if *index as usize >= self.function.captures.len() => {
                Err(format!("there is no capture {index}"))
            }
            Op::CallClosure { closure, args, .. } => self.closure_call(*closure, args.len()),
            Op::Intrinsic { types, .. } => types.iter().try_for_each(|ty| self.program.has_type(*ty)),
            Op::ErrorIs { ty, .. } => self.program.has_type(*ty),
            Op::Host { op: HostOp::Spawn { function, .. }, args, .. } => {
                self.call(*function, args.len(), true)
            }
            Op::Host { op: HostOp::Compensate { function }, args, .. } => {
                self.call(*function, args.len().saturating_sub(1), true)
            }
            _ => Ok(()),
        }
    }

    fn needs(&self, local: LocalId, what: &str, is: impl Fn(&Type) -> bool) -> Result<(), String> {
        if self.ty(local).is_some_and(is) { Ok(()) } else { Err(format!("{local} isn't {what}")) }
    }

    fn field_count(&self, local: LocalId, count: usize) -> Result<(), String> {
        let expected = match self.ty(local) {
            Some(Type::Tuple(items)) => items.len(),
            Some(Type::Record { fields, .. }) => fields.len(),
            _ => return Err(format!("{local} is no tuple or record")),
        };
        if count == expected { Ok(()) } else { Err(format!("{local} has {expected} fields, not {count}")) }
    }

    fn field(&self, local: LocalId, index: u32) -> Result<(), String> {
        let there = match self.ty(local) {
            Some(Type::Tuple(items)) => (index as usize) < items.len(),
            Some(Type::Record { fields, .. }) => (index as usize) < fields.len(),
            _ => false,
        };
        if there { Ok(()) } else { Err(format!("{local} has no field {index}")) }
    }

    fn case(&self, local: LocalId, case: u32, fits: impl Fn(usize) -> bool) -> Result<(), String> {
        let cases = match self.ty(local) {
            Some(Type::Enum { cases, .. }) => cases,
            _ => return Err(format!("{local} is no enum")),
        };
        match cases.get(case as usize) {
            Some(case) if fits(case.fields.len()) => Ok(()),
            Some(case) => Err(format!("case `{}` doesn't have these fields", case.name)),
            None => Err(format!("{local} has no case {case}")),
        }
    }

    fn closure(&self, id: FunctionId, captures: usize) -> Result<(), String> {
        let function = self.program.functions.get(id).ok_or_else(|| format!("there is no function {id}"))?;
        if function.captures.len() != captures {
            return Err(format!(
                "`{}` captures {} values, not {captures}",
                function.name,
                function.captures.len()
            ));
        }
        if function.param_count == 0 {
            return Err(format!("`{}` is made a closure but takes no environment", function.name));
        }
        Ok(())
    }

    fn closure_call(&self, closure: LocalId, args: usize) -> Result<(), String> {
        match self.ty(closure) {
            Some(Type::Function { params, .. }) if params.len() == args => Ok(()),
            Some(Type::Function { params, .. }) => {
                Err(format!("{closure} takes {} arguments, not {args}", params.len()))
            }
            _ => Err(format!("{closure} is no function")),
        }
    }

    fn terminator(&self, id: BlockId, terminator: &Terminator) -> Result<(), String> {
        let mut result = Ok(());
        terminator.for_each_operand(|local| result = result.clone().and_then(|()| self.local(local)));
        terminator.for_each_target(|target| result = result.clone().and_then(|()| self.block(target)));
        result?;
        let suspension = match terminator {
            Terminator::Suspend { dst, op, suspension, .. } => {
                self.local(*dst)?;
                self.suspend_op(*dst, op)?;
                if !self.function.suspends {
                    return Err("it suspends in a function that doesn't".into());
                }
                *suspension
            }
            Terminator::Safepoint { suspension, .. } => *suspension,
            _ => return Ok(()),
        };
        let point = (suspension.0 as usize).checked_sub(1).map(|index| self.function.suspensions.get(index));
        match point {
            None => Ok(()),
            Some(Some(point)) if point.block == id => Ok(()),
            _ => Err(format!("{suspension} isn't among the function's suspension points")),
        }
    }

    fn suspend_op(&self, dst: LocalId, op: &SuspendOp) -> Result<(), String> {
        let branch = |branch: &crate::instruction::Branch, more: usize| {
            self.call(branch.function, branch.captures.len() + more, true)
        };
        match op {
            SuspendOp::Call { function, args } => self.call(*function, args.len(), true),
            SuspendOp::CallClosure { closure, args } => self.closure_call(*closure, args.len()),
            SuspendOp::Activity { activity, args, .. } => {
                let params = self.program.activities.get(*activity).map(|activity| activity.params.len());
                self.arguments(params, args.len(), "activity")
            }
            SuspendOp::Workflow { workflow, args } | SuspendOp::Detach { workflow, args, .. } => {
                let params = self.program.workflows.get(*workflow).map(|workflow| workflow.params.len());
                self.arguments(params, args.len(), "workflow")
            }
            SuspendOp::Parallel { branches, first } => {
                if first.is_none() {
                    self.field_count(dst, branches.len())?;
                }
                branches.iter().try_for_each(|item| branch(item, 0))
            }
            SuspendOp::ParallelFor { branch: item, .. } => {
                branch(item, 1)?;
                self.keeps_captures(item)
            }
            SuspendOp::WaitUntil { condition, .. } => self.condition(condition),
            SuspendOp::Race { arms } => arms.iter().enumerate().try_for_each(|(at, arm)| {
                self.case(dst, u32::try_from(at).unwrap_or(u32::MAX), |fields| fields <= 1)?;
                match arm {
                    RaceArm::Strand(item) => branch(item, 0),
                    RaceArm::WaitUntil { condition, .. } => self.condition(condition),
                    RaceArm::After(_) | RaceArm::Receive { .. } => Ok(()),
                }
            }),
            _ => Ok(()),
        }
    }

    /// What a branch captures is lent to it each time it runs, so nothing it did to it would last.
    fn keeps_captures(&self, branch: &crate::instruction::Branch) -> Result<(), String> {
        let Some(function) = self.program.functions.get(branch.function) else { return Ok(()) };
        let written = function.blocks.values().flat_map(|block| {
            let result = match &block.terminator {
                Terminator::Suspend { dst, .. } => Some(*dst),
                _ => None,
            };
            let results = block.instructions.iter().filter_map(|instruction| instruction.op.dst());
            results.chain(result).chain(block.handler.map(|handler| handler.error))
        });
        match written.into_iter().find(|local| local.index() < branch.captures.len()) {
            Some(local) => Err(format!("`{}` assigns to {local}, which it captures", function.name)),
            None => Ok(()),
        }
    }

    fn condition(&self, condition: &crate::instruction::Branch) -> Result<(), String> {
        self.call(condition.function, condition.captures.len(), false)
    }

    fn arguments(&self, params: Option<usize>, args: usize, what: &str) -> Result<(), String> {
        match params {
            None => Err(format!("there is no such {what}")),
            Some(params) if params == args => Ok(()),
            Some(params) => Err(format!("the {what} takes {params} arguments, not {args}")),
        }
    }
}
