//! Checked arithmetic and comparisons. Where a check fails, the helper makes the trap.

use super::Translator;
use crate::linker::CompileError;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, MemFlagsData, Opcode, Value, types};
use flow_mir::{BinaryOp, Instruction, LocalId, Type, UnaryOp};

impl<'a> Translator<'a, '_> {
    /// `dst` becomes what `fast` gives where `condition` holds, else what the helper gives for the instruction.
    pub(super) fn fast_or_helper(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        condition: Value,
        fast: impl FnOnce(&mut Self) -> Result<Value, CompileError>,
    ) -> Result<(), CompileError> {
        self.reference_or_helper(instruction, dst, condition, |translator| {
            let value = fast(translator)?;
            Ok(if translator.is_reference(dst) { translator.known_reference(value) } else { value })
        })
    }

    /// As [`fast_or_helper`](Self::fast_or_helper), where `fast` gives a reference into the heap.
    pub(super) fn reference_or_helper(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        condition: Value,
        fast: impl FnOnce(&mut Self) -> Result<Value, CompileError>,
    ) -> Result<(), CompileError> {
        let slow = self.cold_block();
        self.require(condition, slow);
        let value = fast(self)?;
        self.join(instruction, dst, value, slow)
    }

    /// `dst = value`, or in the block `slow` what the helper gives for the instruction.
    pub(super) fn join(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        value: Value,
        slow: ir::Block,
    ) -> Result<(), CompileError> {
        let next = self.builder.create_block();
        let joined = self.builder.append_block_param(next, types::I64);
        self.builder.ins().jump(next, &[BlockArg::Value(value)]);
        self.builder.switch_to_block(slow);
        let value = self.call_instruction_helper(instruction)?;
        let value = if self.is_reference(dst) { self.known_reference(value) } else { value };
        self.builder.ins().jump(next, &[BlockArg::Value(value)]);
        self.builder.switch_to_block(next);
        self.define_known(dst, joined)
    }

    /// An operator with two operands.
    pub(super) fn binary(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        op: BinaryOp,
        left: LocalId,
        right: LocalId,
    ) -> Result<(), CompileError> {
        use BinaryOp::*;
        let (left, right) = (self.local(left)?, self.local(right)?);
        match op {
            IntCount => {
                let value = self.builder.ins().iadd(left, right);
                self.define(dst, value)
            }
            IntAdd => {
                let (value, overflow) = self.builder.ins().sadd_overflow(left, right);
                self.checked(instruction, dst, value, overflow)
            }
            IntSubtract => {
                let (value, overflow) = self.builder.ins().ssub_overflow(left, right);
                self.checked(instruction, dst, value, overflow)
            }
            IntMultiply => {
                let (value, overflow) = self.builder.ins().smul_overflow(left, right);
                self.checked(instruction, dst, value, overflow)
            }
            IntDivide | IntRemainder => self.divide(instruction, dst, op, left, right),
            IntEqual => self.compare_int(dst, IntCC::Equal, left, right),
            IntNotEqual => self.compare_int(dst, IntCC::NotEqual, left, right),
            IntLess => self.compare_int(dst, IntCC::SignedLessThan, left, right),
            IntLessEqual => self.compare_int(dst, IntCC::SignedLessThanOrEqual, left, right),
            IntGreater => self.compare_int(dst, IntCC::SignedGreaterThan, left, right),
            IntGreaterEqual => self.compare_int(dst, IntCC::SignedGreaterThanOrEqual, left, right),
            FloatAdd | FloatSubtract | FloatMultiply | FloatDivide => {
                self.float(instruction, dst, op, left, right)
            }
            // The machine has no instruction for it.
            FloatRemainder => self.by_helper(instruction, Some(dst)),
            FloatEqual => self.compare_float(dst, FloatCC::Equal, left, right),
            FloatNotEqual => self.compare_float(dst, FloatCC::NotEqual, left, right),
            FloatLess => self.compare_float(dst, FloatCC::LessThan, left, right),
            FloatLessEqual => self.compare_float(dst, FloatCC::LessThanOrEqual, left, right),
            FloatGreater => self.compare_float(dst, FloatCC::GreaterThan, left, right),
            FloatGreaterEqual => self.compare_float(dst, FloatCC::GreaterThanOrEqual, left, right),
        }
    }

    /// An operator with one operand.
    pub(super) fn unary(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        op: UnaryOp,
        operand: LocalId,
    ) -> Result<(), CompileError> {
        let operand = self.local(operand)?;
        match op {
            UnaryOp::IntNegate => {
                let zero = self.word(0);
                let (value, overflow) = self.builder.ins().ssub_overflow(zero, operand);
                self.checked(instruction, dst, value, overflow)
            }
            UnaryOp::FloatNegate => {
                let operand = self.float_of(operand);
                let value = self.builder.ins().fneg(operand);
                self.define(dst, value)
            }
            UnaryOp::Not => {
                let value = self.builder.ins().icmp_imm_u(IntCC::Equal, operand, 0);
                self.define_bool(dst, value)
            }
        }
    }

    /// `dst = value` unless it overflowed, for which the helper raises.
    fn checked(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        value: Value,
        overflow: Value,
    ) -> Result<(), CompileError> {
        let failing = self.failing(instruction);
        self.require_not(overflow, failing);
        self.define(dst, value)
    }

    /// The machine's division for divisors other than 0 and -1, which alone can trap; those by the helper.
    fn divide(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        op: BinaryOp,
        left: Value,
        right: Value,
    ) -> Result<(), CompileError> {
        let above = self.builder.ins().iadd_imm_u(right, 1);
        let ordinary = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, above, 1);
        self.fast_or_helper(instruction, dst, ordinary, |translator| {
            Ok(match op {
                BinaryOp::IntDivide => translator.builder.ins().sdiv(left, right),
                _ => translator.builder.ins().srem(left, right),
            })
        })
    }

    fn float(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        op: BinaryOp,
        left: Value,
        right: Value,
    ) -> Result<(), CompileError> {
        let (left, right) = (self.float_of(left), self.float_of(right));
        let value = match op {
            BinaryOp::FloatAdd => self.builder.ins().fadd(left, right),
            BinaryOp::FloatSubtract => self.builder.ins().fsub(left, right),
            BinaryOp::FloatMultiply => self.builder.ins().fmul(left, right),
            _ => self.builder.ins().fdiv(left, right),
        };
        let not_a_number = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
        self.checked(instruction, dst, value, not_a_number)
    }

    fn compare_int(
        &mut self,
        dst: LocalId,
        condition: IntCC,
        left: Value,
        right: Value,
    ) -> Result<(), CompileError> {
        let value = self.builder.ins().icmp(condition, left, right);
        self.define_bool(dst, value)
    }

    fn compare_float(
        &mut self,
        dst: LocalId,
        condition: FloatCC,
        left: Value,
        right: Value,
    ) -> Result<(), CompileError> {
        let (left, right) = (self.float_of(left), self.float_of(right));
        let value = self.builder.ins().fcmp(condition, left, right);
        self.define_bool(dst, value)
    }

    /// Structural equality: inline where the word is the value.
    pub(super) fn equal(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        left: LocalId,
        right: LocalId,
    ) -> Result<(), CompileError> {
        let ty = self.type_of(left)?;
        let word_is_value = match self.program.types.get(self.program.types.representation(ty)) {
            Some(Type::Bool | Type::Int | Type::Duration | Type::Timestamp) => true,
            Some(Type::Enum { .. }) => !self.program.types.is_plain_reference(ty),
            _ => false,
        };
        if !word_is_value {
            return self.by_helper(instruction, Some(dst));
        }
        let (left, right) = (self.local(left)?, self.local(right)?);
        self.compare_int(dst, IntCC::Equal, left, right)
    }

    /// A flag as a `Bool`'s word.
    pub(super) fn define_bool(&mut self, dst: LocalId, flag: Value) -> Result<(), CompileError> {
        let value = self.builder.ins().uextend(types::I64, flag);
        self.define(dst, value)
    }

    /// A value in a float register.
    pub(super) fn float_of(&mut self, value: Value) -> Value {
        self.value_as(types::F64, value)
    }

    /// A value in a general register.
    pub(super) fn word_of(&mut self, value: Value) -> Value {
        self.value_as(types::I64, value)
    }

    fn value_as(&mut self, ty: ir::Type, value: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        if dfg.value_type(value) == ty {
            return value;
        }
        // There and back again is where it was.
        if let Some(made) = dfg.value_def(value).inst()
            && dfg.insts[made].opcode() == Opcode::Bitcast
            && let [before] = dfg.inst_args(made)
            && dfg.value_type(*before) == ty
        {
            return *before;
        }
        self.builder.ins().bitcast(ty, MemFlagsData::new(), value)
    }
}
