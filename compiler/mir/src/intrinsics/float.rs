//! Functions of binary floating-point numbers.

use super::{Context, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;

impl Context<'_> {
    pub(super) fn float_function(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let (value, other) = (self.float(0), self.float(1));
        let result = match intrinsic {
            I::FloatSquareRoot => value.sqrt(),
            I::FloatExp => value.exp(),
            I::FloatLn => value.ln(),
            I::FloatLog10 => value.log10(),
            I::FloatPower => value.powf(other),
            I::FloatSin => value.sin(),
            I::FloatCos => value.cos(),
            I::FloatTan => value.tan(),
            I::FloatAsin => value.asin(),
            I::FloatAcos => value.acos(),
            I::FloatAtan => value.atan(),
            I::FloatAtan2 => value.atan2(other),
            I::FloatFloor => value.floor(),
            I::FloatCeil => value.ceil(),
            I::FloatTruncate => value.trunc(),
            I::FloatRound => return Some(self.round_float()),
            I::FloatFormat => return Some(self.format_float()),
            I::FloatIsInfinite => return Some(Ok(u64::from(value.is_infinite()))),
            I::StringToFloat => {
                let number = self.str(0).trim().parse::<f64>().ok().filter(|number| number.is_finite());
                return Some(self.some(self.heap.known().float, number.map(f64::to_bits)));
            }
            _ => return None,
        };
        if result.is_nan() {
            let name = intrinsic.name();
            let args = match intrinsic {
                I::FloatPower | I::FloatAtan2 => format!("{value:?}, {other:?}"),
                _ => format!("{value:?}"),
            };
            return Some(trap(TrapKind::NotANumber, format!("`{name}({args})` is no number")));
        }
        Some(Ok(result.to_bits()))
    }

    fn float(&self, index: usize) -> f64 {
        f64::from_bits(self.arg(index))
    }

    /// By way of the decimal digits, so that 2.675 to two places is what people expect of the digits they see.
    fn round_float(&mut self) -> Outcome {
        let (value, places) = (self.float(0), self.int(1));
        let Ok(places) = i32::try_from(places) else {
            return trap(TrapKind::InvalidValue, format!("a Float can't be rounded to {places} places"));
        };
        let power = 10_f64.powi(places.clamp(-400, 400));
        let scaled = value * power;
        // What is whole already at that scale, or beyond the range, has nothing to round.
        let rounded = if !scaled.is_finite() {
            value
        } else if power == 0.0 {
            0.0
        } else {
            scaled.round() / power
        };
        Ok(if rounded.is_finite() { rounded } else { value }.to_bits())
    }

    fn format_float(&mut self) -> Outcome {
        match usize::try_from(self.int(1)) {
            Ok(places @ 0..=1000) => {
                let text = format!("{:.places$}", self.float(0));
                self.make_string(&text)
            }
            _ => trap(
                TrapKind::InvalidValue,
                format!("a Float can't be written with {} places: 0 to 1000 can", self.int(1)),
            ),
        }
    }
}
