//! Expressions and statements: what each becomes, apart from the constructs that have a module of their own.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError, Stop, reaches_end};
use crate::program::Key;
use flow_analysis::hir::{
    Block, CoerceKind, Expr, ExprKind, Literal, PatternKind, Stmt, StmtKind, StringPart, Types,
};
use flow_mir::{Constant, HostOp, Intrinsic, LocalId, Op, SuspendOp, Terminator, Type, TypeId};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// Evaluates an expression and gives the local that holds its value: a variable itself, else a new local.
    pub(crate) fn expr(&mut self, expr: &'a Expr) -> Flow<LocalId> {
        match &expr.kind {
            ExprKind::Local(variable) => Ok(self.variable(*variable)?),
            ExprKind::Block(Block { stmts, value: Some(value) }) => {
                self.stmts(stmts)?;
                self.expr(value)
            }
            _ => {
                let ty = self.value_type(expr)?;
                let dst = self.temporary(ty);
                self.expr_into(expr, dst)?;
                Ok(dst)
            }
        }
    }

    /// The type of an expression's value; for lambdas and functions, of the kind they are by nature.
    fn value_type(&mut self, expr: &'a Expr) -> Result<TypeId, LowerError> {
        let ty = self.ty(expr.ty, expr.span)?;
        let suspends = match &expr.kind {
            ExprKind::Lambda(lambda) => self.resolve(&lambda.suspends),
            ExprKind::Function { function, .. } => self.shared.value_suspends(*function),
            _ => return Ok(ty),
        };
        Ok(self.shared.types.function_kind(ty, suspends))
    }

    /// As [`expr`](Self::expr), with function values of the kind that `want` asks for.
    pub(crate) fn expr_as(&mut self, expr: &'a Expr, want: TypeId) -> Flow<LocalId> {
        let value = self.expr(expr)?;
        Ok(self.adapt(value, want, expr.span)?)
    }

    /// As [`expr`](Self::expr), in a local that later assignments don't change.
    pub(crate) fn stable(&mut self, expr: &'a Expr) -> Flow<LocalId> {
        let value = self.expr(expr)?;
        if !self.reads_variable(expr) {
            return Ok(value);
        }
        Ok(self.emit_new(self.type_of(value), |dst| Op::Copy { dst, src: value }, expr.span))
    }

    /// Evaluates operands in order; what one of them assigns doesn't change those before it.
    pub(crate) fn operands(&mut self, operands: &[&'a Expr]) -> Flow<Vec<LocalId>> {
        let may_assign = |operand: &&Expr| !assigns_nothing(operand, &mut { LOOKED_AT });
        let last_busy = operands.iter().rposition(may_assign).unwrap_or(0);
        let mut values = Vec::with_capacity(operands.len());
        for (index, operand) in operands.iter().enumerate() {
            values.push(if index < last_busy { self.stable(operand)? } else { self.expr(operand)? });
        }
        Ok(values)
    }

    /// Whether the expression's value is that of a `var`, in the variable's own local.
    fn reads_variable(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Local(variable) => self.is_mutable(*variable),
            ExprKind::Block(Block { value: Some(value), .. }) => self.reads_variable(value),
            _ => false,
        }
    }

    /// Evaluates an expression into a local. The local is written last, so that the expression may read its old value.
    pub(crate) fn expr_into(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        if self.concrete(expr.ty, expr.span)? != Types::NEVER {
            return self.kind_into(expr, dst);
        }
        let never = self.shared.types.intern(Type::Never);
        let nothing = self.temporary(never);
        self.kind_into(expr, nothing)?;
        self.end(Terminator::Unreachable, expr.span);
        Err(Stop::Diverged)
    }

    fn kind_into(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, dst, span),
            ExprKind::Interpolate(parts) => self.interpolate(parts, dst, span)?,
            ExprKind::Local(variable) => {
                let src = self.variable(*variable)?;
                self.store(dst, src, span)?;
            }
            ExprKind::Const(constant) => {
                let function = self.shared.request(Key::Const(*constant))?;
                self.emit(Op::Call { dst, function, args: vec![] }, span);
            }
            ExprKind::State(state) => {
                self.emit(Op::Host { dst, op: HostOp::StateGet { state: *state }, args: vec![] }, span);
            }
            ExprKind::None => self.emit(Op::Word { dst, word: 0 }, span),
            ExprKind::Tuple(_)
            | ExprKind::List(_)
            | ExprKind::Map(_)
            | ExprKind::Record(_)
            | ExprKind::Case { .. }
            | ExprKind::With { .. }
            | ExprKind::Field { .. }
            | ExprKind::Index { .. } => self.composite(expr, dst)?,
            ExprKind::Negate(_) | ExprKind::Binary { .. } | ExprKind::Range(..) => {
                self.arithmetic(expr, dst)?
            }
            ExprKind::Not(_) | ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Is { .. } => {
                self.truth(expr, dst)?;
            }
            ExprKind::Function { function, type_args } => {
                self.function_reference(*function, type_args, dst, span)?;
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda, dst, span)?,
            ExprKind::Call { function, type_args, args } => {
                self.call(*function, type_args, args, dst, span)?;
            }
            ExprKind::CallValue { callee, args } => self.call_value(callee, args, dst, span)?,
            ExprKind::CallActivity { activity, args, using, interruptible } => {
                self.call_activity(*activity, args, using, *interruptible, dst, span)?;
            }
            ExprKind::CallWorkflow { workflow, args } => {
                let args = self.operands(&args.iter().collect::<Vec<_>>())?;
                let workflow = flow_mir::WorkflowId(workflow.0);
                self.suspend(dst, SuspendOp::Workflow { workflow, args }, span)?;
            }
            ExprKind::Env(name) => {
                self.emit(Op::Host { dst, op: HostOp::Env { name: name.to_string() }, args: vec![] }, span);
            }
            ExprKind::StepKey => self.emit(Op::Host { dst, op: HostOp::StepKey, args: vec![] }, span),
            ExprKind::Coerce { kind, value } => self.coerce(*kind, value, dst, span)?,
            ExprKind::Block(block) => {
                self.stmts(&block.stmts)?;
                match &block.value {
                    Some(value) => self.expr_into(value, dst)?,
                    None => self.unit(dst, span),
                }
            }
            ExprKind::If { condition, then, otherwise } => {
                self.if_else(condition, then, otherwise.as_deref(), dst, span)?;
            }
            ExprKind::Match { value, arms } => self.match_value(value, arms, dst, span)?,
            ExprKind::Catch { value, arms } => self.catch(value, arms, dst, span)?,
            ExprKind::Try { value, errors } => self.try_value(value, errors, dst, span)?,
            ExprKind::Fail(value) => return self.fail(value, span),
            ExprKind::Return(value) => {
                let value = self.returned_value(value)?;
                self.leave_function(value, span)?;
            }
            ExprKind::Break => drop(self.leave_loop(false, span)?),
            ExprKind::Continue => drop(self.leave_loop(true, span)?),
            ExprKind::Loop(body) => self.endless_loop(body, dst, span)?,
            ExprKind::While { condition, body } => self.while_loop(condition, body, dst, span)?,
            ExprKind::For { pattern, items, body } => self.for_loop(pattern, items, body, dst, span)?,
            ExprKind::Sleep(_)
            | ExprKind::SleepUntil(_)
            | ExprKind::Saga { .. }
            | ExprKind::Commit { .. }
            | ExprKind::Scope { .. }
            | ExprKind::Spawn { .. }
            | ExprKind::Await(_)
            | ExprKind::Detach { .. }
            | ExprKind::Tell { .. }
            | ExprKind::Ask { .. }
            | ExprKind::Parallel { .. }
            | ExprKind::ParallelFor { .. }
            | ExprKind::Race(_)
            | ExprKind::Timeout { .. }
            | ExprKind::Shield(_)
            | ExprKind::Receive(_)
            | ExprKind::WaitUntil(_) => self.durable(expr, dst)?,
            ExprKind::Invalid => {
                return Err(LowerError::internal("a part of the program was never checked", span).into());
            }
        }
        Ok(())
    }

    /// The value a `return`, or the end of the function, gives.
    pub(crate) fn returned_value(&mut self, value: &'a Expr) -> Flow<LocalId> {
        self.expr_as(value, self.returns)
    }

    /// Copies a value, making a function value of the kind that `dst` holds.
    pub(crate) fn store(&mut self, dst: LocalId, src: LocalId, span: Span) -> Result<(), LowerError> {
        let src = self.adapt(src, self.type_of(dst), span)?;
        self.emit(Op::Copy { dst, src }, span);
        Ok(())
    }

    /// `()`
    pub(crate) fn unit(&mut self, dst: LocalId, span: Span) {
        self.emit(Op::Word { dst, word: 0 }, span);
    }

    /// Loads a literal.
    pub(crate) fn literal(&mut self, literal: &Literal, dst: LocalId, span: Span) {
        let word = match literal {
            Literal::Unit => 0,
            Literal::Bool(value) => u64::from(*value),
            Literal::Int(value) | Literal::Duration(value) => value.cast_unsigned(),
            Literal::Float(value) => value.to_bits(),
            Literal::Decimal(value) => return self.pooled(Constant::Decimal(value.serialize()), dst, span),
            Literal::String(text) => return self.pooled(Constant::String(text.to_string()), dst, span),
        };
        self.emit(Op::Word { dst, word }, span);
    }

    fn pooled(&mut self, constant: Constant, dst: LocalId, span: Span) {
        let constant = self.shared.constant(constant);
        self.emit(Op::Constant { dst, constant }, span);
    }

    fn interpolate(&mut self, parts: &'a [StringPart], dst: LocalId, span: Span) -> Flow<()> {
        let strings = self.shared.types.intern(Type::List(self.shared.known.string));
        let (first, rest) = parts.split_at(parts.len().min(WIDEST));
        let items = first.iter().map(|part| self.string_part(part, span)).collect::<Flow<_>>()?;
        let mut list = self.emit_new(strings, |dst| Op::MakeList { dst, items }, span);
        for part in rest {
            let item = self.string_part(part, span)?;
            list = self.pushed(list, item, span)?;
        }
        let intrinsic = Intrinsic::StringJoinAll;
        self.emit(Op::Intrinsic { dst, intrinsic, types: vec![], args: vec![list] }, span);
        Ok(())
    }

    fn string_part(&mut self, part: &'a StringPart, span: Span) -> Flow<LocalId> {
        match part {
            StringPart::Text(text) => {
                let item = self.temporary(self.shared.known.string);
                self.literal(&Literal::String(text.clone()), item, span);
                Ok(item)
            }
            StringPart::Expr(expr) => {
                let value = self.stable(expr)?;
                Ok(self.shown(value, expr.span))
            }
        }
    }

    /// The list with one item more.
    fn pushed(&mut self, list: LocalId, item: LocalId, span: Span) -> Flow<LocalId> {
        let ty = self.type_of(list);
        let Type::List(of) = *self.shared.types.stored(ty) else {
            return Err(LowerError::internal("a list of another type", span).into());
        };
        let (intrinsic, types, args) = (Intrinsic::ListPush, vec![of], vec![list, item]);
        Ok(self.emit_new(ty, |dst| Op::Intrinsic { dst, intrinsic, types, args }, span))
    }

    fn list(&mut self, items: &'a [Expr], dst: LocalId, span: Span) -> Flow<()> {
        let (first, rest) = items.split_at(items.len().min(WIDEST));
        let items = self.operands(&first.iter().collect::<Vec<_>>())?;
        if rest.is_empty() {
            self.emit(Op::MakeList { dst, items }, span);
            return Ok(());
        }
        // Made in a local of its own: the items may read what `dst` held before.
        let mut list = self.emit_new(self.type_of(dst), |dst| Op::MakeList { dst, items }, span);
        for item in rest {
            let item = self.expr(item)?;
            list = self.pushed(list, item, span)?;
        }
        self.emit(Op::Copy { dst, src: list }, span);
        Ok(())
    }

    fn shown(&mut self, value: LocalId, span: Span) -> LocalId {
        let ty = self.type_of(value);
        let string = self.shared.known.string;
        if ty == string {
            return value;
        }
        let intrinsic = Intrinsic::Show;
        self.emit_new(
            string,
            |dst| Op::Intrinsic { dst, intrinsic, types: vec![ty], args: vec![value] },
            span,
        )
    }

    /// Values made of others, and their parts.
    fn composite(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        let op = match &expr.kind {
            ExprKind::Tuple(fields) | ExprKind::Record(fields) => {
                Op::MakeTuple { dst, fields: self.operands(&fields.iter().collect::<Vec<_>>())? }
            }
            ExprKind::List(items) => return self.list(items, dst, span),
            ExprKind::Map(entries) => return self.map(entries, dst, span),
            ExprKind::Case { case, fields } => {
                let fields = self.operands(&fields.iter().collect::<Vec<_>>())?;
                Op::MakeCase { dst, case: *case, fields }
            }
            ExprKind::With { base, changes } => {
                let mut operands = vec![&**base];
                operands.extend(changes.iter().map(|(_, value)| value));
                let mut values = self.operands(&operands)?.into_iter();
                let base = values.next().unwrap_or(dst);
                let fields = changes.iter().map(|(index, _)| *index).zip(values).collect();
                Op::With { dst, base, fields }
            }
            ExprKind::Field { base, index } => Op::Field { dst, base: self.expr(base)?, index: *index },
            ExprKind::Index { list, index } => {
                let (list, index) = self.pair(list, index)?;
                Op::ListGet { dst, list, index }
            }
            _ => return Err(LowerError::internal("no composite value", span).into()),
        };
        self.emit(op, span);
        Ok(())
    }

    /// Two operands.
    pub(crate) fn pair(&mut self, left: &'a Expr, right: &'a Expr) -> Flow<(LocalId, LocalId)> {
        let left =
            if assigns_nothing(right, &mut { LOOKED_AT }) { self.expr(left)? } else { self.stable(left)? };
        Ok((left, self.expr(right)?))
    }

    fn map(&mut self, entries: &'a [(Expr, Expr)], dst: LocalId, span: Span) -> Flow<()> {
        let ty = self.type_of(dst);
        let Type::Map(key, value) = *self.shared.types.stored(ty) else {
            return Err(LowerError::internal("a map of another type", span).into());
        };
        let types = vec![key, value];
        // Made in a local of its own: the entries may read what `dst` held before.
        let mut map = self.temporary(ty);
        let make =
            Op::Intrinsic { dst: map, intrinsic: Intrinsic::MapNew, types: types.clone(), args: vec![] };
        self.emit(make, span);
        for (key, value) in entries {
            let (key, value) = self.pair(key, value)?;
            let (types, args) = (types.clone(), vec![map, key, value]);
            let intrinsic = Intrinsic::MapInsert;
            map = self.emit_new(ty, |dst| Op::Intrinsic { dst, intrinsic, types, args }, span);
        }
        self.emit(Op::Copy { dst, src: map }, span);
        Ok(())
    }

    fn coerce(&mut self, kind: CoerceKind, value: &'a Expr, dst: LocalId, span: Span) -> Flow<()> {
        match kind {
            CoerceKind::Suspending => return self.expr_into(value, dst),
            CoerceKind::Discard => {
                self.expr(value)?;
                self.unit(dst, span);
            }
            CoerceKind::Wrap | CoerceKind::Unwrap => {
                let src = self.expr(value)?;
                self.emit(Op::Copy { dst, src }, span);
            }
            CoerceKind::Some => {
                let value = self.expr(value)?;
                self.emit(Op::MakeSome { dst, value }, span);
            }
            CoerceKind::ToJson => {
                let value = self.expr(value)?;
                let ty = self.type_of(value);
                if ty == self.shared.known.json {
                    self.emit(Op::Copy { dst, src: value }, span);
                } else {
                    let (types, args) = (vec![ty], vec![value]);
                    self.emit(Op::Intrinsic { dst, intrinsic: Intrinsic::JsonFrom, types, args }, span);
                }
            }
            CoerceKind::ToUnion => {
                let value = self.expr(value)?;
                // Where a type parameter was replaced, a union may have shrunk to one type: then nothing changes.
                if self.type_of(value) == self.type_of(dst) {
                    self.emit(Op::Copy { dst, src: value }, span);
                } else {
                    self.emit(Op::MakeError { dst, value }, span);
                }
            }
        }
        Ok(())
    }

    fn if_else(
        &mut self,
        condition: &'a Expr,
        then: &'a Expr,
        otherwise: Option<&'a Expr>,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let (yes, no, join) = (self.block(), self.block(), self.block());
        self.condition(condition, yes, no)?;
        self.switch_to(yes);
        let outcome = match otherwise {
            Some(_) => self.expr_into(then, dst),
            None => self.expr(then).map(|_| self.unit(dst, span)),
        };
        let mut joined = self.join(outcome, join, span)?;
        self.switch_to(no);
        let outcome = match otherwise {
            Some(otherwise) => self.expr_into(otherwise, dst),
            None => {
                self.unit(dst, span);
                Ok(())
            }
        };
        joined |= self.join(outcome, join, span)?;
        self.go_on(joined, join)
    }

    /// Goes to `join` where the code reached its end, and says whether it did.
    pub(crate) fn join(
        &mut self,
        outcome: Flow<()>,
        join: flow_mir::BlockId,
        span: Span,
    ) -> Result<bool, LowerError> {
        let reached = reaches_end(outcome)?;
        if reached {
            self.goto(join, span);
        }
        Ok(reached)
    }

    /// Goes on where paths joined, if any did.
    pub(crate) fn go_on(&mut self, joined: bool, join: flow_mir::BlockId) -> Flow<()> {
        self.switch_to(join);
        if joined { Ok(()) } else { Err(Stop::Diverged) }
    }

    fn stmts(&mut self, stmts: &'a [Stmt]) -> Flow<()> {
        stmts.iter().try_for_each(|stmt| self.compensated(stmt))
    }

    /// A statement, apart from its compensation.
    pub(crate) fn stmt(&mut self, stmt: &'a Stmt) -> Flow<()> {
        match &stmt.kind {
            StmtKind::Let { pattern, value } => {
                if let PatternKind::Bind(variable) = &pattern.kind {
                    let dst = self.variable(*variable)?;
                    return self.expr_into(value, dst);
                }
                let value = self.stable(value)?;
                self.bind(pattern, value)?;
            }
            StmtKind::Assign { local, value } => {
                let dst = self.variable(*local)?;
                self.expr_into(value, dst)?;
            }
            StmtKind::AssignState { state, value } | StmtKind::InitState { state, value } => {
                let value = self.expr(value)?;
                self.host_unit(HostOp::StateSet { state: *state }, vec![value], stmt.span);
            }
            StmtKind::Expr(expr) => drop(self.expr(expr)?),
            StmtKind::Index { name, value } => {
                let value = self.expr(value)?;
                let ty = self.type_of(value);
                self.host_unit(HostOp::Index { name: name.to_string(), ty }, vec![value], stmt.span);
            }
        }
        Ok(())
    }
}

/// How many items of a literal are alive at once: a longer one is made by adding to it, so that what a function keeps alive,
/// and with it the work on it, does not grow with the square of the literal's length.
const WIDEST: usize = 64;

/// How many expressions [`assigns_nothing`] looks at: what is larger may assign, for all it knows.
const LOOKED_AT: u32 = 64;

/// Whether evaluating the expression surely assigns no variable.
fn assigns_nothing(expr: &Expr, budget: &mut u32) -> bool {
    let Some(left) = budget.checked_sub(1) else { return false };
    *budget = left;
    let mut all = |parts: &[Expr]| parts.iter().all(|part| assigns_nothing(part, budget));
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Local(_)
        | ExprKind::Const(_)
        | ExprKind::State(_)
        | ExprKind::None
        | ExprKind::Function { .. }
        | ExprKind::Lambda(_) => true,
        ExprKind::Tuple(parts)
        | ExprKind::List(parts)
        | ExprKind::Record(parts)
        | ExprKind::Case { fields: parts, .. }
        | ExprKind::Call { args: parts, .. } => all(parts),
        ExprKind::CallValue { callee, args } => {
            assigns_nothing(callee, budget) && args.iter().all(|arg| assigns_nothing(arg, budget))
        }
        ExprKind::Field { base: part, .. }
        | ExprKind::Coerce { value: part, .. }
        | ExprKind::Negate(part)
        | ExprKind::Not(part) => assigns_nothing(part, budget),
        ExprKind::Binary { left: first, right: second, .. }
        | ExprKind::And(first, second)
        | ExprKind::Or(first, second)
        | ExprKind::Index { list: first, index: second }
        | ExprKind::Range(first, second) => assigns_nothing(first, budget) && assigns_nothing(second, budget),
        ExprKind::Interpolate(parts) => parts.iter().all(|part| match part {
            StringPart::Text(_) => true,
            StringPart::Expr(part) => assigns_nothing(part, budget),
        }),
        ExprKind::Block(Block { stmts, value: Some(value) }) => {
            stmts.is_empty() && assigns_nothing(value, budget)
        }
        ExprKind::Match { value, arms } => {
            assigns_nothing(value, budget)
                && arms.iter().all(|arm| {
                    arm.guard.as_ref().is_none_or(|guard| assigns_nothing(guard, budget))
                        && assigns_nothing(&arm.body, budget)
                })
        }
        _ => false,
    }
}
