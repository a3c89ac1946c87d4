//! The function being made: its locals and blocks, and where an error raised in each block goes.

use crate::error::{Flow, LowerError, Stop};
use crate::program::Lowering;
use crate::scope::Scope;
use flow_analysis::hir;
use flow_mir::{
    Block, BlockId, Function, Handler, Id as _, Instruction, Local, LocalId, Location, Op, SuspendOp,
    SuspensionId, Table, Terminator, TypeId, UnaryOp,
};
use flow_syntax::Span;
use std::collections::HashMap;
use std::rc::Rc;

/// What the code of one declaration and all functions cut out of it have in common.
pub(crate) struct Context<'a> {
    /// The declaration's locals.
    pub(crate) locals: &'a hir::Table<hir::LocalId, hir::Local>,
    /// Which of them are its parameters.
    pub(crate) params: &'a [hir::LocalId],
    /// What its type parameters stand for.
    pub(crate) type_args: Vec<hir::Ty>,
    /// Which of its parameters are functions that suspend.
    pub(crate) suspending: Vec<bool>,
}

/// A block before its handler and end are settled.
struct Draft {
    instructions: Vec<Instruction>,
    end: Option<(Terminator, Location)>,
    handler: Option<Handler>,
}

/// Makes one function. The methods are spread over the modules of this crate, by subject.
pub(crate) struct FunctionLowering<'l, 'a> {
    pub(crate) shared: &'l mut Lowering<'a>,
    pub(crate) context: Rc<Context<'a>>,
    pub(crate) name: String,
    pub(crate) suspends: bool,
    pub(crate) returns: TypeId,
    pub(crate) scopes: Vec<Scope>,
    span: Span,
    captures: Vec<TypeId>,
    param_count: u32,
    locals: Table<LocalId, Local>,
    variables: HashMap<hir::LocalId, LocalId>,
    blocks: Table<BlockId, Draft>,
    current: BlockId,
    landings: HashMap<(Option<BlockId>, u32, u32), Handler>,
    raised: Option<LocalId>,
    outlined: HashMap<&'static str, u32>,
}

impl<'l, 'a> FunctionLowering<'l, 'a> {
    pub(crate) fn new(
        shared: &'l mut Lowering<'a>,
        context: Rc<Context<'a>>,
        name: String,
        span: Span,
        suspends: bool,
    ) -> FunctionLowering<'l, 'a> {
        let returns = shared.known.unit;
        let mut blocks = Table::new();
        let current = blocks.push(Draft { instructions: Vec::new(), end: None, handler: None });
        FunctionLowering {
            shared,
            context,
            name,
            suspends,
            returns,
            scopes: Vec::new(),
            span,
            captures: Vec::new(),
            param_count: 0,
            locals: Table::new(),
            variables: HashMap::new(),
            blocks,
            current,
            landings: HashMap::new(),
            raised: None,
            outlined: HashMap::new(),
        }
    }

    /// Adds a parameter. All are added before any other local.
    pub(crate) fn param(&mut self, ty: TypeId, name: Option<String>) -> LocalId {
        self.param_count += 1;
        self.locals.push(Local { ty, name })
    }

    /// Adds a parameter that holds a variable of the source.
    pub(crate) fn variable_param(&mut self, variable: hir::LocalId) -> Result<LocalId, LowerError> {
        let (ty, name) = self.variable_type(variable)?;
        let local = self.param(ty, name);
        self.variables.insert(variable, local);
        Ok(local)
    }

    /// Makes the function a closure: parameter 0 is its environment, of type `ty`.
    pub(crate) fn environment(&mut self, ty: TypeId, captures: Vec<TypeId>) -> LocalId {
        self.captures = captures;
        self.param(ty, None)
    }

    /// The local that holds a variable of the source.
    pub(crate) fn variable(&mut self, variable: hir::LocalId) -> Result<LocalId, LowerError> {
        if let Some(&local) = self.variables.get(&variable) {
            return Ok(local);
        }
        let (ty, name) = self.variable_type(variable)?;
        let local = self.locals.push(Local { ty, name });
        self.variables.insert(variable, local);
        Ok(local)
    }

    /// Whether a variable may be assigned again.
    pub(crate) fn is_mutable(&self, variable: hir::LocalId) -> bool {
        self.context.locals.get(variable).is_none_or(|local| local.mutable)
    }

    fn variable_type(&mut self, variable: hir::LocalId) -> Result<(TypeId, Option<String>), LowerError> {
        let context = self.context.clone();
        let Some(local) = context.locals.get(variable) else {
            return Err(LowerError::internal(format!("there is no local {variable:?}"), self.span));
        };
        let ty = self.shared.types.substitute(local.ty, &context.type_args, local.span)?;
        // A parameter declared as a type parameter holds functions of the suspending kind only.
        let declared_function = matches!(self.shared.types.source(local.ty), hir::Type::Function { .. });
        let suspends = match context.params.iter().position(|param| *param == variable) {
            Some(index) => context.suspending.get(index).copied().unwrap_or(true),
            None => self.resolve(&local.suspends),
        };
        let ty = self.shared.types.lower_function(ty, suspends || !declared_function, local.span)?;
        Ok((ty, local.name.as_ref().map(ToString::to_string)))
    }

    /// Whether code suspends in this instance of the declaration.
    pub(crate) fn resolve(&self, suspends: &hir::Suspends) -> bool {
        suspends.resolve(|index| self.context.suspending.get(index as usize).copied().unwrap_or(true))
    }

    /// The MIR type of a type in the source of this function.
    pub(crate) fn ty(&mut self, ty: hir::Ty, span: Span) -> Result<TypeId, LowerError> {
        let ty = self.concrete(ty, span)?;
        self.shared.types.lower(ty, span)
    }

    /// A type in the source of this function with its type parameters replaced.
    pub(crate) fn concrete(&mut self, ty: hir::Ty, span: Span) -> Result<hir::Ty, LowerError> {
        let context = self.context.clone();
        self.shared.types.substitute(ty, &context.type_args, span)
    }

    /// A new local without a name.
    pub(crate) fn temporary(&mut self, ty: TypeId) -> LocalId {
        self.locals.push(Local { ty, name: None })
    }

    /// The type of a local.
    pub(crate) fn type_of(&self, local: LocalId) -> TypeId {
        self.locals.get(local).map_or(self.shared.known.unit, |local| local.ty)
    }

    /// The type that says how a local's value is stored.
    pub(crate) fn stored_type(&self, local: LocalId) -> &flow_mir::Type {
        self.shared.types.stored(self.type_of(local))
    }

    /// The name of the next function cut out of this one: `play.branch#2`.
    pub(crate) fn outlined_name(&mut self, kind: &'static str) -> String {
        let count = self.outlined.entry(kind).or_insert(0);
        *count += 1;
        format!("{}.{kind}#{count}", self.name)
    }

    /// A new block, not yet reached.
    pub(crate) fn block(&mut self) -> BlockId {
        self.blocks.push(Draft { instructions: Vec::new(), end: None, handler: None })
    }

    /// Goes on in another block.
    pub(crate) fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// Adds an instruction.
    pub(crate) fn emit(&mut self, op: Op, span: Span) {
        let location = self.shared.location(span);
        if may_raise(&op) {
            self.protect(location, span);
        }
        self.blocks.at_mut(self.current).instructions.push(Instruction { op, location });
    }

    /// Adds an instruction whose result goes to a new local.
    pub(crate) fn emit_new(&mut self, ty: TypeId, op: impl FnOnce(LocalId) -> Op, span: Span) -> LocalId {
        let dst = self.temporary(ty);
        self.emit(op(dst), span);
        dst
    }

    /// Ends the current block.
    pub(crate) fn end(&mut self, terminator: Terminator, span: Span) {
        let location = self.shared.location(span);
        self.blocks.at_mut(self.current).end = Some((terminator, location));
    }

    /// Goes to another block.
    pub(crate) fn goto(&mut self, block: BlockId, span: Span) {
        self.end(Terminator::Goto(block), span);
    }

    /// A loop's back edge.
    pub(crate) fn back_edge(&mut self, header: BlockId, span: Span) {
        let location = self.shared.location(span);
        self.protect(location, span);
        self.end(Terminator::Safepoint { next: header, suspension: SuspensionId::START }, span);
    }

    /// Suspends, then goes on in a new block with the result in `dst`.
    pub(crate) fn suspend(&mut self, dst: LocalId, op: SuspendOp, span: Span) -> Result<(), LowerError> {
        if !self.suspends {
            let what = format!("`{}` suspends here but isn't known to", self.name);
            return Err(LowerError::internal(what, span));
        }
        let location = self.shared.location(span);
        self.protect(location, span);
        let next = self.block();
        self.end(Terminator::Suspend { dst, op, next, suspension: SuspensionId::START }, span);
        self.switch_to(next);
        Ok(())
    }

    /// Raises an error that begins here.
    pub(crate) fn raise(&mut self, error: LocalId, span: Span) -> Stop {
        let location = self.shared.location(span);
        self.protect(location, span);
        self.end(Terminator::Raise(error), span);
        Stop::Diverged
    }

    /// Raises an error again whose trace has this function's line already.
    pub(crate) fn raise_again(&mut self, error: LocalId, span: Span) -> Stop {
        match self.handler() {
            Some((handler, _)) => {
                self.emit(Op::Copy { dst: handler.error, src: error }, span);
                self.goto(handler.block, span);
            }
            None => {
                if self.blocks.at(self.current).handler.is_some() {
                    let unprotected = self.block();
                    self.goto(unprotected, span);
                    self.switch_to(unprotected);
                }
                self.end(Terminator::Raise(error), span);
            }
        }
        Stop::Diverged
    }

    /// The handler of the innermost scope that has one, and whether errors get their line of the trace before it.
    fn handler(&self) -> Option<(Handler, bool)> {
        self.scopes.iter().rev().find_map(|scope| match scope {
            Scope::Handler { handler, traced } => Some((*handler, *traced)),
            _ => None,
        })
    }

    /// Sees to it that an error raised next goes where it should; begins a new block where that differs from where
    /// errors of the current one go.
    fn protect(&mut self, location: Location, span: Span) {
        let handler = match self.handler() {
            Some((handler, false)) => handler,
            Some((handler, true)) => self.landing(Some(handler), location, span),
            None => self.landing(None, location, span),
        };
        match self.blocks.at(self.current).handler {
            Some(known) if known == handler => {}
            Some(_) => {
                let next = self.block();
                self.blocks.at_mut(self.current).end = Some((Terminator::Goto(next), location));
                self.blocks.at_mut(next).handler = Some(handler);
                self.switch_to(next);
            }
            None => self.blocks.at_mut(self.current).handler = Some(handler),
        }
    }

    /// The block that adds a line to the trace of errors raised in one line of the source, on their way to a handler
    /// or out of the function. One for each line: instructions of a line share a block, and its line is exact.
    fn landing(&mut self, onward: Option<Handler>, location: Location, span: Span) -> Handler {
        let line = self.shared.line(span);
        let key = (onward.map(|handler| handler.block), location.source, line);
        if let Some(known) = self.landings.get(&key) {
            return *known;
        }
        let error = match onward {
            Some(handler) => handler.error,
            None => self.raised_local(),
        };
        let end = match onward {
            Some(handler) => Terminator::Goto(handler.block),
            None => Terminator::Raise(error),
        };
        let values = self.traced_values();
        let trace = Instruction { op: Op::Trace { error, values }, location };
        let block =
            self.blocks.push(Draft { instructions: vec![trace], end: Some((end, location)), handler: None });
        let landing = Handler { block, error };
        self.landings.insert(key, landing);
        landing
    }

    fn raised_local(&mut self) -> LocalId {
        if let Some(local) = self.raised {
            return local;
        }
        let local = self.temporary(self.shared.known.error);
        self.raised = Some(local);
        local
    }

    /// The named parameters, functions excepted.
    fn traced_values(&self) -> Vec<LocalId> {
        let shown = |local: &LocalId| {
            let named = self.locals.get(*local).is_some_and(|local| local.name.is_some());
            named && !matches!(self.stored_type(*local), flow_mir::Type::Function { .. })
        };
        (0..self.param_count).map(LocalId).filter(shown).collect()
    }

    /// Ends the code with its value, where it reaches its end.
    pub(crate) fn return_value(&mut self, value: Flow<LocalId>) -> Result<(), LowerError> {
        match value {
            Ok(value) => self.end(Terminator::Return(value), self.span),
            Err(Stop::Diverged) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
        Ok(())
    }

    /// The finished function: blocks that nothing reaches are gone.
    pub(crate) fn finish(mut self) -> Function {
        let location = self.shared.location(self.span);
        let order = reachable(&self.blocks);
        let renamed = |block: BlockId| order.get(block.index()).copied().flatten().unwrap_or(block);
        let mut blocks = Table::new();
        for id in self.blocks.ids() {
            if order.get(id.index()).copied().flatten().is_none() {
                continue;
            }
            let draft = self.blocks.at_mut(id);
            let (mut terminator, ended) = draft.end.take().unwrap_or((Terminator::Unreachable, location));
            retarget(&mut terminator, renamed);
            let handler = draft.handler.map(|handler| Handler { block: renamed(handler.block), ..handler });
            let instructions = std::mem::take(&mut draft.instructions);
            blocks.push(Block { instructions, terminator, location: ended, handler });
        }
        let mut function = Function {
            name: self.name,
            location,
            param_count: self.param_count,
            captures: self.captures,
            returns: self.returns,
            suspends: self.suspends,
            locals: self.locals,
            blocks,
            suspensions: Vec::new(),
        };
        flow_mir::liveness::complete(&mut function, &self.shared.types.types);
        function
    }
}

/// The new id of each block that can be reached.
fn reachable(blocks: &Table<BlockId, Draft>) -> Vec<Option<BlockId>> {
    let mut seen = vec![false; blocks.len()];
    let mut pending = vec![BlockId(0)];
    while let Some(id) = pending.pop() {
        let (Some(mark), Some(draft)) = (seen.get_mut(id.index()), blocks.get(id)) else { continue };
        if !std::mem::replace(mark, true) {
            if let Some((terminator, _)) = &draft.end {
                terminator.for_each_target(|target| pending.push(target));
            }
            pending.extend(draft.handler.map(|handler| handler.block));
        }
    }
    let mut next = 0;
    let number = |seen: bool| {
        seen.then(|| {
            next += 1;
            BlockId::new(next - 1)
        })
    };
    seen.into_iter().map(number).collect()
}

fn retarget(terminator: &mut Terminator, renamed: impl Fn(BlockId) -> BlockId) {
    match terminator {
        Terminator::Goto(next) | Terminator::Safepoint { next, .. } | Terminator::Suspend { next, .. } => {
            *next = renamed(*next);
        }
        Terminator::Branch { then, otherwise, .. } => {
            *then = renamed(*then);
            *otherwise = renamed(*otherwise);
        }
        Terminator::Switch { targets, otherwise, .. } => {
            targets.iter_mut().for_each(|target| *target = renamed(*target));
            *otherwise = renamed(*otherwise);
        }
        Terminator::Return(_) | Terminator::Raise(_) | Terminator::Unreachable => {}
    }
}

/// Whether an instruction may raise; what makes an object in the heap may find no room there.
fn may_raise(op: &Op) -> bool {
    match op {
        Op::Binary { op, .. } => op.can_trap(),
        Op::Unary { op, .. } => *op == UnaryOp::IntNegate,
        Op::Word { .. }
        | Op::Copy { .. }
        | Op::Equal { .. }
        | Op::Field { .. }
        | Op::CaseOf { .. }
        | Op::CaseField { .. }
        | Op::IsSome { .. }
        | Op::Unwrap { .. }
        | Op::ListLen { .. }
        | Op::Capture { .. }
        | Op::ErrorIs { .. }
        | Op::ErrorValue { .. }
        | Op::ErrorUnknownKey { .. }
        | Op::Trace { .. }
        | Op::Share { .. } => false,
        _ => true,
    }
}
