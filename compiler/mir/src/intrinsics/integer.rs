//! Whole numbers in other bases, and their bits.

use super::{Context, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;

impl Context<'_> {
    pub(super) fn integer(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let (value, other) = (self.int(0), self.int(1));
        Some(match intrinsic {
            I::IntParse => self.base(other).and_then(|base| {
                let number = i64::from_str_radix(self.str(0).trim(), base).ok();
                self.some(self.heap.known().int, number.map(i64::cast_unsigned))
            }),
            I::IntToBase => self.base(other).and_then(|base| self.make_string(&digits(value, base))),
            I::IntBitAnd => Ok((value & other).cast_unsigned()),
            I::IntBitOr => Ok((value | other).cast_unsigned()),
            I::IntBitXor => Ok((value ^ other).cast_unsigned()),
            I::IntShiftLeft => shift(other).map(|places| (value << places).cast_unsigned()),
            I::IntShiftRight => shift(other).map(|places| (value >> places).cast_unsigned()),
            _ => return None,
        })
    }

    fn base(&self, base: i64) -> Result<u32, super::Failure> {
        match u32::try_from(base) {
            Ok(base @ 2..=36) => Ok(base),
            _ => trap(
                TrapKind::InvalidValue,
                format!("there are no numbers of base {base}: 2 to 36 are known"),
            ),
        }
    }
}

fn shift(places: i64) -> Result<u32, super::Failure> {
    match u32::try_from(places) {
        Ok(places @ 0..=63) => Ok(places),
        _ => trap(TrapKind::InvalidValue, format!("an Int can't be shifted by {places} places: 0 to 63 can")),
    }
}

/// The digits of a number, the sign first.
fn digits(value: i64, base: u32) -> String {
    let mut rest = value.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % u64::from(base)).unwrap_or(0);
        digits.extend(char::from_digit(digit, base));
        rest /= u64::from(base);
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}
