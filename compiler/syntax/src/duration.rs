//! Numbers with letters behind them: durations, and what is meant where they are none.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::TokenKind;

/// The units of a duration and their milliseconds.
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// What people write for a unit that has another name.
const MISTAKEN: [(&str, &str); 20] = [
    ("millis", "ms"),
    ("msec", "ms"),
    ("millisecond", "ms"),
    ("milliseconds", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("D", "d"),
    ("S", "s"),
];

/// Why a number with letters behind it is none.
pub(crate) struct Problem {
    /// What it is read as, so that parsing goes on.
    pub stands_for: TokenKind,
    kind: ProblemKind,
}

enum ProblemKind {
    Unit {
        suggestion: Option<String>,
    },
    TooLong,
    /// `0xFF`, and the number in decimal.
    Radix {
        decimal: Option<String>,
    },
    /// `100L`, and the number alone.
    Typed {
        number: String,
    },
}

impl Problem {
    pub(crate) fn diagnostic(&self, text: &str, span: Span) -> Diagnostic {
        match &self.kind {
            ProblemKind::TooLong => {
                Diagnostic::error(codes::DURATION_TOO_LONG, format!("`{text}` is too long a duration"))
                    .at(span, "")
                    .note("the longest is about 292 million years")
            }
            ProblemKind::Radix { decimal } => {
                let base =
                    Diagnostic::error(codes::BAD_NUMBER, "numbers are written in decimal").at(span, "");
                match decimal {
                    Some(decimal) => base.fix(span, decimal.clone(), format!("write `{decimal}`")),
                    None => base,
                }
            }
            ProblemKind::Typed { number } => {
                let message = "the type of a number follows from where it stands";
                Diagnostic::error(codes::BAD_NUMBER, message).at(span, "").fix(
                    span,
                    number.clone(),
                    format!("write `{number}`"),
                )
            }
            ProblemKind::Unit { suggestion } => {
                let base = Diagnostic::error(
                    codes::BAD_NUMBER,
                    format!("`{text}` is neither a number nor a duration"),
                )
                .at(span, "");
                match suggestion {
                    Some(suggestion) => base.help(format!("did you mean `{suggestion}`?")).fix(
                        span,
                        suggestion.clone(),
                        format!("write `{suggestion}`"),
                    ),
                    None => {
                        base.help("the units of a duration are `ms`, `s`, `m`, `h` and `d`: `250ms`, `1h30m`")
                    }
                }
            }
        }
    }
}

/// What kind of literal a number with letters behind it is.
pub(crate) fn classify(text: &str) -> Result<TokenKind, Problem> {
    if is_scientific(text) {
        return Ok(TokenKind::Decimal);
    }
    let invalid = |kind| Err(Problem { stands_for: TokenKind::Invalid, kind });
    let duration = |kind| Err(Problem { stands_for: TokenKind::Duration, kind });
    if let Some(decimal) = radix(text) {
        return invalid(ProblemKind::Radix { decimal });
    }
    if let Some(number) = typed(text) {
        return invalid(ProblemKind::Typed { number: number.to_string() });
    }
    match split(text) {
        Some(parts) if parts.iter().all(|(_, unit)| millis_of(unit).is_some()) => match parse(text) {
            Some(_) => Ok(TokenKind::Duration),
            None => duration(ProblemKind::TooLong),
        },
        Some(parts) => {
            let mended = parts.iter().map(|(number, unit)| mended(number, unit));
            duration(ProblemKind::Unit { suggestion: mended.collect() })
        }
        None => invalid(ProblemKind::Unit { suggestion: fraction(text) }),
    }
}

/// `5min` as `5m`, `2w` as `14d`.
fn mended(number: &str, unit: &str) -> Option<String> {
    if let Some(unit) = mend(unit) {
        return Some(format!("{number}{unit}"));
    }
    let weeks =
        ["w", "wk", "wks", "week", "weeks"].contains(&unit).then(|| number.replace('_', "").parse::<i64>());
    Some(format!("{}d", weeks?.ok()?.checked_mul(7)?))
}

/// `1.5h` as `1h30m`.
fn fraction(text: &str) -> Option<String> {
    let (number, unit) = text.split_at(text.find(char::is_alphabetic)?);
    let (whole, places) = number.split_once('.').filter(|(_, places)| places.len() <= 6)?;
    let scale = 10i64.checked_pow(places.len() as u32)?;
    let count = whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(places.parse().ok()?)?;
    let scaled = count.checked_mul(millis_of(mend(unit)?)?)?;
    (scaled % scale == 0).then(|| written(scaled / scale))
}

/// Milliseconds as a literal.
fn written(mut millis: i64) -> String {
    let mut text = String::new();
    for (unit, size) in UNITS.iter().rev() {
        if millis >= *size {
            text.push_str(&format!("{}{unit}", millis / size));
            millis %= size;
        }
    }
    if text.is_empty() { "0s".to_string() } else { text }
}

/// `0xFF` in decimal, if it fits.
fn radix(text: &str) -> Option<Option<String>> {
    let bases = [("0x", 16), ("0b", 2), ("0o", 8)];
    let (digits, base) = bases.iter().find_map(|(prefix, base)| Some((text.strip_prefix(prefix)?, *base)))?;
    Some(i64::from_str_radix(&digits.replace('_', ""), base).ok().map(|number| number.to_string()))
}

/// The number before a suffix that says its type.
fn typed(text: &str) -> Option<&str> {
    const SUFFIXES: [&str; 18] = [
        "L", "l", "n", "f", "F", "u", "U", "i32", "i64", "u8", "u32", "u64", "f32", "f64", "usize", "isize",
        "UL", "LL",
    ];
    let (number, suffix) = text.split_at(text.find(char::is_alphabetic)?);
    SUFFIXES.contains(&suffix).then_some(number)
}

/// The milliseconds of a duration literal; `None` where it is none or does not fit.
pub(crate) fn parse(text: &str) -> Option<i64> {
    split(text)?.into_iter().try_fold(0i64, |sum, (number, unit)| {
        let number = number.replace('_', "").parse::<i64>().ok()?;
        sum.checked_add(number.checked_mul(millis_of(unit)?)?)
    })
}

fn millis_of(unit: &str) -> Option<i64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, millis)| *millis)
}

pub(crate) fn mend(unit: &str) -> Option<&str> {
    let known = UNITS.iter().find(|(name, _)| *name == unit).map(|(name, _)| *name);
    known.or_else(|| MISTAKEN.iter().find(|(name, _)| *name == unit).map(|(_, right)| *right))
}

/// `1h30m` as `[("1", "h"), ("30", "m")]`.
fn split(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_ascii_digit() && c != '_').filter(|&at| at > 0)?;
        let (number, tail) = rest.split_at(letters);
        let digits = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(digits);
        if !unit.chars().all(char::is_alphabetic) {
            return None;
        }
        parts.push((number, unit));
        rest = tail;
    }
    Some(parts)
}

fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.') && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_their_length() {
        let cases = [
            ("250ms", Some(250)),
            ("1h30m", Some(5_400_000)),
            ("7d", Some(604_800_000)),
            ("10_000s", Some(10_000_000)),
            ("5min", None),
            ("99999999999999999999d", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), millis, "{text}");
        }
    }

    #[test]
    fn letters_that_are_no_unit_get_a_suggestion() {
        let suggestion = |text| match classify(text) {
            Err(Problem { kind: ProblemKind::Unit { suggestion }, .. }) => suggestion,
            _ => panic!("{text} was accepted"),
        };
        assert_eq!(suggestion("5min").as_deref(), Some("5m"));
        assert_eq!(suggestion("1hour30min").as_deref(), Some("1h30m"));
        assert_eq!(suggestion("3apples"), None);
        assert!(matches!(classify("1e5"), Ok(TokenKind::Decimal)));
    }
}
