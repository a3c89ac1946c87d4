//! Arithmetic and comparison on scalars: the reference for every executor, which may call it to learn why an operation
//! has no result.

use crate::heap::TrapKind;
use crate::instruction::{BinaryOp, UnaryOp};

/// Why an operation has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What to raise.
    pub kind: TrapKind,
    /// The operation with its values.
    pub message: String,
}

/// The result of a binary operator. `MIN / -1` and `MIN % -1` overflow; a float operation faults where it gives a NaN.
pub fn binary(op: BinaryOp, left: u64, right: u64) -> Result<u64, Fault> {
    use BinaryOp::*;
    let (a, b) = (left as i64, right as i64);
    let (x, y) = (f64::from_bits(left), f64::from_bits(right));
    match op {
        IntCount => Ok(a.wrapping_add(b) as u64),
        IntAdd => int(a.checked_add(b), a, "+", b),
        IntSubtract => int(a.checked_sub(b), a, "-", b),
        IntMultiply => int(a.checked_mul(b), a, "*", b),
        IntDivide | IntRemainder if b == 0 => {
            let sign = if op == IntDivide { "/" } else { "%" };
            Err(Fault { kind: TrapKind::DivisionByZero, message: format!("{a} {sign} 0") })
        }
        IntDivide => int(a.checked_div(b), a, "/", b),
        IntRemainder => int(a.checked_rem(b), a, "%", b),
        IntEqual => Ok(u64::from(a == b)),
        IntNotEqual => Ok(u64::from(a != b)),
        IntLess => Ok(u64::from(a < b)),
        IntLessEqual => Ok(u64::from(a <= b)),
        IntGreater => Ok(u64::from(a > b)),
        IntGreaterEqual => Ok(u64::from(a >= b)),
        FloatAdd => float(x + y, x, "+", y),
        FloatSubtract => float(x - y, x, "-", y),
        FloatMultiply => float(x * y, x, "*", y),
        FloatDivide => float(x / y, x, "/", y),
        FloatRemainder => float(x % y, x, "%", y),
        FloatEqual => Ok(u64::from(x == y)),
        FloatNotEqual => Ok(u64::from(x != y)),
        FloatLess => Ok(u64::from(x < y)),
        FloatLessEqual => Ok(u64::from(x <= y)),
        FloatGreater => Ok(u64::from(x > y)),
        FloatGreaterEqual => Ok(u64::from(x >= y)),
    }
}

/// The result of a unary operator.
pub fn unary(op: UnaryOp, operand: u64) -> Result<u64, Fault> {
    match op {
        UnaryOp::IntNegate => (operand as i64).checked_neg().map(|value| value as u64).ok_or_else(|| Fault {
            kind: TrapKind::Overflow,
            message: format!("-({}) is out of Int's range", operand as i64),
        }),
        UnaryOp::FloatNegate => Ok((-f64::from_bits(operand)).to_bits()),
        UnaryOp::Not => Ok(u64::from(operand == 0)),
    }
}

fn int(value: Option<i64>, left: i64, sign: &str, right: i64) -> Result<u64, Fault> {
    value.map(|value| value as u64).ok_or_else(|| Fault {
        kind: TrapKind::Overflow,
        message: format!("{left} {sign} {right} is out of Int's range"),
    })
}

fn float(value: f64, left: f64, sign: &str, right: f64) -> Result<u64, Fault> {
    if value.is_nan() {
        let message = format!("{left:?} {sign} {right:?} is no number");
        return Err(Fault { kind: TrapKind::NotANumber, message });
    }
    Ok(value.to_bits())
}
