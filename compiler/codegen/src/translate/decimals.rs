//! Arithmetic on decimals that are not negative and whose digits fit 64 bits, as amounts of money do. All others are the
//! helper's, and so is whatever leaves that range: results are those of `rust_decimal`, digit for digit.

use super::Translator;
use crate::linker::CompileError;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use flow_mir::{Instruction, Intrinsic, LocalId};

/// A decimal's words, as `flow_mir::heap` has them: the scale in bits 16 to 23 of the first, the sign in its bit 31, then 96
/// bits of digits.
const DIGITS: i64 = 32;
const SCALE: i64 = 16;
const LARGEST_SCALE: i64 = 28 << SCALE;

/// The powers of ten by exponent, 0 for those beyond 64 bits: no product with one of these is taken.
static POWERS: [u64; 32] = powers();

#[expect(clippy::indexing_slicing, reason = "done by the compiler, which would refuse an index out of range")]
const fn powers() -> [u64; 32] {
    let mut powers = [0; 32];
    let mut exponent = 0;
    let mut power: u64 = 1;
    while exponent < 20 {
        powers[exponent] = power;
        power = power.wrapping_mul(10);
        exponent += 1;
    }
    powers
}

/// A decimal in registers.
#[derive(Clone, Copy)]
struct Parts {
    /// The low half of the first word: nothing but the scale where the decimal is not negative.
    flags: Value,
    /// The low 64 bits of the digits.
    digits: Value,
    /// The high 32 bits.
    high: Value,
}

/// Two decimals with the same scale.
struct Aligned {
    left: Value,
    right: Value,
    flags: Value,
    /// Whether the digits of both are here, and neither is 0: then a sum has the larger scale.
    whole: Value,
}

impl Translator<'_, '_> {
    /// `+`, `-`, `*` or a comparison.
    pub(super) fn decimal(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        intrinsic: Intrinsic,
        left: LocalId,
        right: LocalId,
    ) -> Result<(), CompileError> {
        let (left, right) = (self.decimal_parts(left)?, self.decimal_parts(right)?);
        if intrinsic == Intrinsic::DecimalMultiply {
            return self.decimal_product(instruction, dst, left, right);
        }
        let Aligned { left, right, flags, whole } = self.aligned(left, right)?;
        match intrinsic {
            Intrinsic::DecimalAdd => {
                let (sum, carry) = self.builder.ins().uadd_overflow(left, right);
                let fits = self.builder.ins().icmp_imm_u(IntCC::Equal, carry, 0);
                let fits = self.builder.ins().band(whole, fits);
                self.make_decimal(instruction, dst, fits, flags, sum)
            }
            Intrinsic::DecimalSubtract => {
                let positive = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, left, right);
                let positive = self.builder.ins().band(whole, positive);
                let difference = self.builder.ins().isub(left, right);
                self.make_decimal(instruction, dst, positive, flags, difference)
            }
            _ => self.fast_or_helper(instruction, dst, whole, |translator| {
                let ins = |translator: &mut Self, condition| {
                    let flag = translator.builder.ins().icmp(condition, left, right);
                    translator.builder.ins().uextend(types::I64, flag)
                };
                let greater = ins(translator, IntCC::UnsignedGreaterThan);
                let less = ins(translator, IntCC::UnsignedLessThan);
                Ok(translator.builder.ins().isub(greater, less))
            }),
        }
    }

    fn decimal_parts(&mut self, decimal: LocalId) -> Result<Parts, CompileError> {
        let address = self.address_of(decimal)?;
        let (first, second) = (self.load_heap(address, 0)?, self.load_heap(address, 1)?);
        let flags = self.builder.ins().band_imm_u(first, i64::from(u32::MAX));
        let low = self.builder.ins().ushr_imm_u(first, DIGITS);
        let middle = self.builder.ins().ishl_imm_u(second, DIGITS);
        let digits = self.builder.ins().bor(low, middle);
        let high = self.builder.ins().ushr_imm_u(second, DIGITS);
        Ok(Parts { flags, digits, high })
    }

    /// The product, with the scales' sum.
    fn decimal_product(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        left: Parts,
        right: Parts,
    ) -> Result<(), CompileError> {
        // A sign is far above the largest scale.
        let flags = self.builder.ins().iadd(left.flags, right.flags);
        let (product, overflow) = self.builder.ins().umul_overflow(left.digits, right.digits);
        let in_scale = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, flags, LARGEST_SCALE);
        let some = self.builder.ins().icmp_imm_u(IntCC::NotEqual, product, 0);
        let overflow = self.builder.ins().uextend(types::I64, overflow);
        let high = self.builder.ins().bor(left.high, right.high);
        let lost = self.builder.ins().bor(high, overflow);
        let all = self.builder.ins().icmp_imm_u(IntCC::Equal, lost, 0);
        let fits = self.builder.ins().band(in_scale, some);
        let fits = self.builder.ins().band(fits, all);
        self.make_decimal(instruction, dst, fits, flags, product)
    }

    /// Both with the larger scale of the two.
    fn aligned(&mut self, left: Parts, right: Parts) -> Result<Aligned, CompileError> {
        let difference = self.builder.ins().isub(left.flags, right.flags);
        let difference = self.builder.ins().sshr_imm_u(difference, SCALE);
        let negated = self.builder.ins().ineg(difference);
        let (left_digits, left_lost) = self.raised(left.digits, negated)?;
        let (right_digits, right_lost) = self.raised(right.digits, difference)?;
        let flags = self.builder.ins().umax(left.flags, right.flags);
        let in_scale = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, flags, LARGEST_SCALE);
        let high = self.builder.ins().bor(left.high, right.high);
        let lost = self.builder.ins().bor(left_lost, right_lost);
        let lost = self.builder.ins().uextend(types::I64, lost);
        let lost = self.builder.ins().bor(high, lost);
        let none_lost = self.builder.ins().icmp_imm_u(IntCC::Equal, lost, 0);
        let smaller = self.builder.ins().umin(left_digits, right_digits);
        let none_zero = self.builder.ins().icmp_imm_u(IntCC::NotEqual, smaller, 0);
        let whole = self.builder.ins().band(in_scale, none_lost);
        let whole = self.builder.ins().band(whole, none_zero);
        Ok(Aligned { left: left_digits, right: right_digits, flags, whole })
    }

    /// The digits times a power of ten, where the exponent is above 0; and whether that does not fit.
    fn raised(&mut self, digits: Value, exponent: Value) -> Result<(Value, Value), CompileError> {
        let zero = self.word(0);
        let exponent = self.builder.ins().smax(exponent, zero);
        // Within the table whatever the flags are.
        let exponent = self.builder.ins().band_imm_u(exponent, POWERS.len() as i64 - 1);
        let offset = self.builder.ins().ishl_imm_u(exponent, 3);
        let table = self.word(POWERS.as_ptr().addr() as u64);
        let place = self.builder.ins().iadd(table, offset);
        let flags = MemFlagsData::trusted().with_readonly();
        let power = self.builder.ins().load(types::I64, flags, place, 0);
        Ok(self.builder.ins().umul_overflow(digits, power))
    }

    /// A decimal of these digits where `condition` holds.
    fn make_decimal(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        condition: Value,
        flags: Value,
        digits: Value,
    ) -> Result<(), CompileError> {
        self.allocate_where(instruction, dst, Some(condition), 2, |translator, address, _| {
            let low = translator.builder.ins().ishl_imm_u(digits, DIGITS);
            let first = translator.builder.ins().bor(low, flags);
            let second = translator.builder.ins().ushr_imm_u(digits, DIGITS);
            translator.store_heap(address, 0, first)?;
            translator.store_heap(address, 1, second)
        })
    }
}
