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
    Unit { suggestion: Option<String> },
    TooLong,
}

impl Problem {
    pub(crate) fn diagnostic(&self, text: &str, span: Span) -> Diagnostic {
        match &self.kind {
            ProblemKind::TooLong => {
                Diagnostic::error(codes::DURATION_TOO_LONG, format!("`{text}` is too long a duration"))
                    .at(span, "")
                    .note("the longest is about 292 million years")
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
    match split(text) {
        Some(parts) if parts.iter().all(|(_, unit)| millis_of(unit).is_some()) => match parse(text) {
            Some(_) => Ok(TokenKind::Duration),
            None => Err(Problem { stands_for: TokenKind::Duration, kind: ProblemKind::TooLong }),
        },
        Some(parts) => {
            let mended = parts.iter().map(|(number, unit)| Some(format!("{number}{}", mend(unit)?)));
            let suggestion = mended.collect::<Option<String>>();
            Err(Problem { stands_for: TokenKind::Duration, kind: ProblemKind::Unit { suggestion } })
        }
        None => Err(Problem { stands_for: TokenKind::Int, kind: ProblemKind::Unit { suggestion: None } }),
    }
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

fn mend(unit: &str) -> Option<&str> {
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
