//! Decimals, floats, durations.

use super::{Context, Failure, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

const NANOSECONDS: i64 = 1_000_000_000;

impl Context<'_> {
    pub(super) fn number(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let known = *self.heap.known();
        Some(match intrinsic {
            I::DecimalAdd => self.decimals("+", Decimal::checked_add),
            I::DecimalSubtract => self.decimals("-", Decimal::checked_sub),
            I::DecimalMultiply => self.decimals("*", Decimal::checked_mul),
            I::DecimalDivide => self.nonzero("/").unwrap_or_else(|| self.decimals("/", Decimal::checked_div)),
            I::DecimalRemainder => {
                self.nonzero("%").unwrap_or_else(|| self.decimals("%", Decimal::checked_rem))
            }
            I::DecimalNegate => self.make_decimal(-self.decimal(0)),
            I::DecimalAbs => self.make_decimal(self.decimal(0).abs()),
            I::DecimalTruncate => self.make_decimal(self.decimal(0).trunc()),
            I::DecimalCompare => Ok(self.decimal(0).cmp(&self.decimal(1)) as i64 as u64),
            I::DecimalRound => self.round(),
            I::DecimalScale => Ok(u64::from(self.decimal(0).scale())),
            I::DecimalNormalize => self.make_decimal(self.decimal(0).normalize()),
            I::DecimalWithScale => self.with_scale(),
            I::DecimalPower => self.power(),
            I::DecimalSquareRoot => self.decimal_function("sqrt", MathematicalOps::sqrt),
            I::DecimalExp => self.decimal_function("exp", MathematicalOps::checked_exp),
            I::DecimalLn => self.decimal_function("ln", MathematicalOps::checked_ln),
            I::DecimalFromInt => self.make_decimal(Decimal::from(self.int(0))),
            I::DecimalToInt => {
                let value =
                    Some(self.decimal(0)).filter(Decimal::is_integer).and_then(|value| value.to_i64());
                self.some(known.int, value.map(|value| value as u64))
            }
            I::DecimalToFloat => {
                // By way of the digits: the conversion by arithmetic isn't always the nearest `Float`.
                let nearest = self.decimal(0).to_string().parse::<f64>().unwrap_or(0.0);
                Ok(nearest.to_bits())
            }
            I::FloatFromInt => Ok((self.int(0) as f64).to_bits()),
            I::FloatToInt => {
                let value = f64::from_bits(self.arg(0)).to_i64();
                self.some(known.int, value.map(|value| value as u64))
            }
            // The shortest digits that stand for the number: 0.1 is 0.1.
            I::FloatToDecimal => match format!("{}", f64::from_bits(self.arg(0))).parse::<Decimal>() {
                Ok(value) => self.make_decimal(value),
                Err(_) => Ok(0),
            },
            I::DurationMultiply => {
                let product = self.int(0).checked_mul(self.int(1));
                self.duration(product, "*")
            }
            I::DurationDivide if self.int(1) == 0 => {
                trap(TrapKind::DivisionByZero, "a duration divided by 0")
            }
            I::DurationDivide => {
                let quotient = self.int(0).checked_div(self.int(1));
                self.duration(quotient, "/")
            }
            I::DurationSeconds => {
                self.make_decimal((Decimal::from(self.int(0)) / Decimal::from(NANOSECONDS)).normalize())
            }
            I::DurationFromSeconds => {
                let nanoseconds = self.decimal(0).checked_mul(Decimal::from(NANOSECONDS));
                match nanoseconds.and_then(|value| value.trunc().to_i64()) {
                    Some(value) => Ok(value as u64),
                    None => trap(TrapKind::Overflow, format!("{} seconds are no Duration", self.decimal(0))),
                }
            }
            _ => return None,
        })
    }

    fn decimal(&self, index: usize) -> Decimal {
        self.heap.decimal_at(self.arg(index))
    }

    fn make_decimal(&mut self, value: Decimal) -> Outcome {
        Ok(self.heap.decimal(value)?)
    }

    fn decimals(&mut self, sign: &str, operation: fn(Decimal, Decimal) -> Option<Decimal>) -> Outcome {
        let (left, right) = (self.decimal(0), self.decimal(1));
        match operation(left, right) {
            Some(value) => self.make_decimal(value),
            None => trap(TrapKind::Overflow, format!("{left} {sign} {right} is out of Decimal's range")),
        }
    }

    fn nonzero(&self, sign: &str) -> Option<Outcome> {
        let message = || format!("{} {sign} 0", self.decimal(0));
        self.decimal(1).is_zero().then(|| trap(TrapKind::DivisionByZero, message()))
    }

    fn round(&mut self) -> Outcome {
        let strategy = match self.arg(2) {
            0 => RoundingStrategy::MidpointNearestEven,
            1 => RoundingStrategy::MidpointAwayFromZero,
            2 => RoundingStrategy::MidpointTowardZero,
            3 => RoundingStrategy::AwayFromZero,
            4 => RoundingStrategy::ToZero,
            5 => RoundingStrategy::ToPositiveInfinity,
            _ => RoundingStrategy::ToNegativeInfinity,
        };
        let places = self.places("rounded")?;
        self.make_decimal(self.decimal(0).round_dp_with_strategy(places, strategy))
    }

    /// The second argument as a number of digits behind the point.
    fn places(&self, what: &str) -> Result<u32, Failure> {
        u32::try_from(self.int(1)).or_else(|_| {
            trap(TrapKind::InvalidValue, format!("a Decimal can't be {what} to {} places", self.int(1)))
        })
    }

    fn with_scale(&mut self) -> Outcome {
        let places = self.places("written")?;
        let mut value = self.decimal(0).round_dp(places);
        value.rescale(places);
        if value.scale() == places {
            return self.make_decimal(value);
        }
        trap(TrapKind::Overflow, format!("{} has no room for {places} places", self.decimal(0)))
    }

    fn power(&mut self) -> Outcome {
        let (base, exponent) = (self.decimal(0), self.int(1));
        if base.is_zero() && exponent < 0 {
            return trap(TrapKind::DivisionByZero, format!("0 can't be raised to {exponent}"));
        }
        match base.checked_powi(exponent) {
            Some(value) => self.make_decimal(value),
            None => trap(TrapKind::Overflow, format!("`{base}.pow({exponent})` is out of Decimal's range")),
        }
    }

    fn decimal_function(&mut self, name: &str, function: fn(&Decimal) -> Option<Decimal>) -> Outcome {
        match function(&self.decimal(0)) {
            Some(value) => self.make_decimal(value),
            None => {
                trap(TrapKind::InvalidValue, format!("`{}.{name}()` is no number in range", self.decimal(0)))
            }
        }
    }

    fn duration(&self, value: Option<i64>, sign: &str) -> Outcome {
        match value {
            Some(value) => Ok(value as u64),
            None => {
                let left = crate::value::time::show_duration(self.int(0));
                trap(TrapKind::Overflow, format!("{left} {sign} {} is out of Duration's range", self.int(1)))
            }
        }
    }
}
