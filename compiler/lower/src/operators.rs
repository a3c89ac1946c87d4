//! Operators: arithmetic, comparison, and conditions as jumps.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError, Stop};
use flow_analysis::hir::{BinaryOp, Expr, ExprKind, Literal};
use flow_mir::{self as mir, BlockId, Intrinsic, LocalId, Op, Terminator, Type, UnaryOp};
use flow_syntax::Span;

/// How the values of a type are computed with and compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Domain {
    /// Words that count: `Int`, `Duration`, `Timestamp`.
    Integer,
    Float,
    Decimal,
    String,
    /// Words that only are the same or not: `Bool`, an enum without fields.
    Word,
    /// Everything else, equal by structure.
    Structure,
}

fn domain(ty: &Type) -> Domain {
    match ty {
        Type::Int | Type::Duration | Type::Timestamp => Domain::Integer,
        Type::Float => Domain::Float,
        Type::Decimal => Domain::Decimal,
        Type::String => Domain::String,
        Type::Bool => Domain::Word,
        Type::Enum { cases, .. } if cases.iter().all(|case| case.fields.is_empty()) => Domain::Word,
        _ => Domain::Structure,
    }
}

impl<'a> FunctionLowering<'_, 'a> {
    /// Negation, operators with two operands and ranges.
    pub(crate) fn arithmetic(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Negate(value) => {
                let operand = self.expr(value)?;
                let op = match domain(self.stored_type(operand)) {
                    Domain::Float => Op::Unary { dst, op: UnaryOp::FloatNegate, operand },
                    Domain::Decimal => intrinsic(dst, Intrinsic::DecimalNegate, vec![operand]),
                    _ => Op::Unary { dst, op: UnaryOp::IntNegate, operand },
                };
                self.emit(op, span);
            }
            ExprKind::Range(start, end) => {
                let (start, end) = self.pair(start, end)?;
                self.emit(intrinsic(dst, Intrinsic::ListRange, vec![start, end]), span);
            }
            ExprKind::Binary { op, left, right } => {
                let (left, right) = self.pair(left, right)?;
                self.binary(*op, left, right, dst, span)?;
            }
            _ => return Err(LowerError::internal("no operator", span).into()),
        }
        Ok(())
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: LocalId,
        right: LocalId,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        match op {
            BinaryOp::Eq => self.equal(left, right, dst, span),
            BinaryOp::Ne => self.not_equal(left, right, dst, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                self.compare(op, left, right, dst, span)?;
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                let op = self.arithmetic_op(op, left, right, dst, span)?;
                self.emit(op, span);
            }
        }
        Ok(())
    }

    fn arithmetic_op(
        &self,
        op: BinaryOp,
        left: LocalId,
        right: LocalId,
        dst: LocalId,
        span: Span,
    ) -> Result<Op, LowerError> {
        use mir::BinaryOp::{
            FloatAdd, FloatDivide, FloatMultiply, FloatRemainder, FloatSubtract, IntAdd, IntDivide,
            IntMultiply, IntRemainder, IntSubtract,
        };
        let (left_type, right_type) = (self.stored_type(left), self.stored_type(right));
        let scalar = |op| Ok(Op::Binary { dst, op, left, right });
        let library = |name| Ok(intrinsic(dst, name, vec![left, right]));
        match (domain(left_type), op) {
            (Domain::Integer, BinaryOp::Mul) if matches!(left_type, Type::Duration) => {
                library(Intrinsic::DurationMultiply)
            }
            (Domain::Integer, BinaryOp::Mul) if matches!(right_type, Type::Duration) => {
                Ok(intrinsic(dst, Intrinsic::DurationMultiply, vec![right, left]))
            }
            (Domain::Integer, BinaryOp::Add) => scalar(IntAdd),
            (Domain::Integer, BinaryOp::Sub) => scalar(IntSubtract),
            (Domain::Integer, BinaryOp::Mul) => scalar(IntMultiply),
            (Domain::Integer, BinaryOp::Div) => scalar(IntDivide),
            (Domain::Integer, BinaryOp::Rem) => scalar(IntRemainder),
            (Domain::Float, BinaryOp::Add) => scalar(FloatAdd),
            (Domain::Float, BinaryOp::Sub) => scalar(FloatSubtract),
            (Domain::Float, BinaryOp::Mul) => scalar(FloatMultiply),
            (Domain::Float, BinaryOp::Div) => scalar(FloatDivide),
            (Domain::Float, BinaryOp::Rem) => scalar(FloatRemainder),
            (Domain::Decimal, BinaryOp::Add) => library(Intrinsic::DecimalAdd),
            (Domain::Decimal, BinaryOp::Sub) => library(Intrinsic::DecimalSubtract),
            (Domain::Decimal, BinaryOp::Mul) => library(Intrinsic::DecimalMultiply),
            (Domain::Decimal, BinaryOp::Div) => library(Intrinsic::DecimalDivide),
            (Domain::Decimal, BinaryOp::Rem) => library(Intrinsic::DecimalRemainder),
            _ => Err(LowerError::internal(format!("{op:?} on {left_type:?}"), span)),
        }
    }

    /// `left == right`
    pub(crate) fn equal(&mut self, left: LocalId, right: LocalId, dst: LocalId, span: Span) {
        let op = match domain(self.stored_type(left)) {
            Domain::Integer | Domain::Word => Op::Binary { dst, op: mir::BinaryOp::IntEqual, left, right },
            Domain::Float => Op::Binary { dst, op: mir::BinaryOp::FloatEqual, left, right },
            _ => Op::Equal { dst, left, right },
        };
        self.emit(op, span);
    }

    fn not_equal(&mut self, left: LocalId, right: LocalId, dst: LocalId, span: Span) {
        let op = match domain(self.stored_type(left)) {
            Domain::Integer | Domain::Word => Op::Binary { dst, op: mir::BinaryOp::IntNotEqual, left, right },
            Domain::Float => Op::Binary { dst, op: mir::BinaryOp::FloatNotEqual, left, right },
            _ => {
                let bool = self.shared.known.bool;
                let operand = self.emit_new(bool, |dst| Op::Equal { dst, left, right }, span);
                Op::Unary { dst, op: UnaryOp::Not, operand }
            }
        };
        self.emit(op, span);
    }

    fn compare(
        &mut self,
        op: BinaryOp,
        left: LocalId,
        right: LocalId,
        dst: LocalId,
        span: Span,
    ) -> Result<(), LowerError> {
        use mir::BinaryOp::{
            FloatGreater, FloatGreaterEqual, FloatLess, FloatLessEqual, IntGreater, IntGreaterEqual, IntLess,
            IntLessEqual,
        };
        let (int, float) = match op {
            BinaryOp::Lt => (IntLess, FloatLess),
            BinaryOp::Le => (IntLessEqual, FloatLessEqual),
            BinaryOp::Gt => (IntGreater, FloatGreater),
            _ => (IntGreaterEqual, FloatGreaterEqual),
        };
        let order = match domain(self.stored_type(left)) {
            Domain::Integer => {
                self.emit(Op::Binary { dst, op: int, left, right }, span);
                return Ok(());
            }
            Domain::Float => {
                self.emit(Op::Binary { dst, op: float, left, right }, span);
                return Ok(());
            }
            Domain::Decimal => Intrinsic::DecimalCompare,
            Domain::String => Intrinsic::StringCompare,
            _ => {
                let what = format!("{op:?} on {:?}", self.stored_type(left));
                return Err(LowerError::internal(what, span));
            }
        };
        let known = self.shared.known;
        let order = self.emit_new(known.int, |dst| intrinsic(dst, order, vec![left, right]), span);
        let zero = self.emit_new(known.int, |dst| Op::Word { dst, word: 0 }, span);
        self.emit(Op::Binary { dst, op: int, left: order, right: zero }, span);
        Ok(())
    }

    /// A `Bool` made of others, as a value.
    pub(crate) fn truth(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let span = expr.span;
        if let ExprKind::Not(value) = &expr.kind {
            let operand = self.expr(value)?;
            self.emit(Op::Unary { dst, op: UnaryOp::Not, operand }, span);
            return Ok(());
        }
        let (yes, no, join) = (self.block(), self.block(), self.block());
        self.condition(expr, yes, no)?;
        for (block, word) in [(yes, 1), (no, 0)] {
            self.switch_to(block);
            self.emit(Op::Word { dst, word }, span);
            self.goto(join, span);
        }
        self.switch_to(join);
        Ok(())
    }

    /// Goes to `yes` where the condition holds, else to `no`.
    pub(crate) fn condition(&mut self, condition: &'a Expr, yes: BlockId, no: BlockId) -> Flow<()> {
        match &condition.kind {
            ExprKind::Not(value) => self.condition(value, no, yes),
            ExprKind::And(left, right) => {
                let both = self.block();
                self.condition(left, both, no)?;
                self.second_condition(both, right, yes, no)
            }
            ExprKind::Or(left, right) => {
                let neither = self.block();
                self.condition(left, yes, neither)?;
                self.second_condition(neither, right, yes, no)
            }
            ExprKind::Is { value, pattern } => {
                let value = self.stable(value)?;
                self.test(pattern, value, no)?;
                self.goto(yes, condition.span);
                Ok(())
            }
            ExprKind::Literal(Literal::Bool(value)) => {
                self.goto(if *value { yes } else { no }, condition.span);
                Ok(())
            }
            _ => {
                let condition_local = self.expr(condition)?;
                let end = Terminator::Branch { condition: condition_local, then: yes, otherwise: no };
                self.end(end, condition.span);
                Ok(())
            }
        }
    }

    /// The right side of `and` and `or`. It may leave another way (`x or fail E`); the left side still goes on.
    fn second_condition(&mut self, at: BlockId, right: &'a Expr, yes: BlockId, no: BlockId) -> Flow<()> {
        self.switch_to(at);
        match self.condition(right, yes, no) {
            Err(Stop::Diverged) | Ok(()) => Ok(()),
            failed => failed,
        }
    }
}

/// A library operation without type arguments.
pub(crate) fn intrinsic(dst: LocalId, intrinsic: Intrinsic, args: Vec<LocalId>) -> Op {
    Op::Intrinsic { dst, intrinsic, types: vec![], args }
}
