//! `--where 'customer = "acme" and status = running and created > 2h ago'`: from text to a condition of the store.
//!
//! ```text
//! condition  = conjunction ("or" conjunction)*
//! conjunction = negation ("and" negation)*
//! negation   = "not" negation | "(" condition ")" | comparison
//! comparison = name (("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") value)?
//! value      = "text" | word | number | true | false | time | duration "ago"
//! ```

mod lexer;

use crate::program::nearest;
use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone};
use flow_machine::ids::Timestamp;
use flow_machine::rows::Status;
use flow_store::{Comparison, Condition, Field, Operand};
use lexer::{Kind, Token};

/// What is wrong with a condition, and where: byte offsets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub start: usize,
    pub end: usize,
    pub message: String,
}

impl Mistake {
    fn at(token: &Token<'_>, message: impl Into<String>) -> Mistake {
        Mistake { start: token.start, end: token.end, message: message.into() }
    }

    /// The message, with the condition and a mark under the place.
    pub(crate) fn render(&self, text: &str) -> String {
        let before = text.get(..self.start).unwrap_or_default().chars().count();
        let wrong = text.get(self.start..self.end).unwrap_or_default().chars().count();
        format!("--where: {}\n  {text}\n  {}{}", self.message, " ".repeat(before), "^".repeat(wrong.max(1)))
    }
}

/// Reads a condition; `now` is what `ago` counts from.
pub(crate) fn parse(text: &str, now: DateTime<Local>) -> Result<Condition, Mistake> {
    let mut parser = Parser { tokens: lexer::tokens(text)?, next: 0, now };
    let condition = parser.condition()?;
    let rest = parser.peek();
    match rest.kind {
        Kind::End => Ok(condition),
        Kind::Close => Err(Mistake::at(rest, "this closes nothing")),
        _ => Err(Mistake::at(rest, "expected `and` or `or`")),
    }
}

struct Parser<'a> {
    /// The last one is the end.
    tokens: Vec<Token<'a>>,
    next: usize,
    now: DateTime<Local>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        // The end is never taken, so there is always one; the static one stands for what can't be.
        self.tokens.get(self.next).unwrap_or(&lexer::NOTHING)
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek().clone();
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().kind == Kind::Word && self.peek().text == word;
        self.next += usize::from(found);
        found
    }

    fn condition(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.conjunction()?];
        while self.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn conjunction(&mut self) -> Result<Condition, Mistake> {
        let mut parts = vec![self.negation()?];
        while self.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn negation(&mut self) -> Result<Condition, Mistake> {
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.negation()?)));
        }
        let token = self.take();
        match token.kind {
            Kind::Open => {
                let inner = self.condition()?;
                let close = self.take();
                if close.kind == Kind::Close {
                    Ok(inner)
                } else {
                    Err(Mistake::at(&token, "this is never closed"))
                }
            }
            Kind::Word if !is_reserved(token.text) => self.comparison(&token),
            _ => Err(Mistake::at(&token, "expected the name of a field or of a search attribute")),
        }
    }

    fn comparison(&mut self, name: &Token<'a>) -> Result<Condition, Mistake> {
        let field = field(name.text);
        let Kind::Comparison(comparison, negated) = self.peek().kind else {
            return match field {
                Field::Attribute(_) if self.ends_here() => {
                    Ok(compare(field, Comparison::Equal, Operand::Bool(true)))
                }
                _ => Err(Mistake::at(self.peek(), "expected `=`, `!=`, `<`, `<=`, `>` or `>=`")),
            };
        };
        let sign = self.take();
        let value = self.take();
        let operand = self.operand(&field, &value)?;
        let is_ordered =
            !matches!(field, Field::Status | Field::Program) && !matches!(operand, Operand::Bool(_));
        if comparison != Comparison::Equal && !is_ordered {
            let what = if matches!(operand, Operand::Bool(_)) {
                "`true` and `false` have"
            } else {
                "this field has"
            };
            return Err(Mistake::at(&sign, format!("{what} no order: only `=` and `!=`")));
        }
        let compared = compare(field, comparison, operand);
        Ok(if negated { Condition::Not(Box::new(compared)) } else { compared })
    }

    /// Whether a comparison could end before the next token.
    fn ends_here(&self) -> bool {
        let next = self.peek();
        matches!(next.kind, Kind::End | Kind::Close) || (next.kind == Kind::Word && is_reserved(next.text))
    }

    fn operand(&mut self, field: &Field, value: &Token<'a>) -> Result<Operand, Mistake> {
        if !matches!(value.kind, Kind::Word | Kind::Text(_) | Kind::Number)
            || value.kind == Kind::Word && is_reserved(value.text)
        {
            return Err(Mistake::at(
                value,
                "expected a value: \"text\", a number, `true`, `false` or a time",
            ));
        }
        match field {
            Field::Created | Field::Updated => self.time(value).map(Operand::Time),
            Field::Status => status(value),
            Field::Id | Field::Workflow => Ok(Operand::Text(value.content().to_owned())),
            Field::Program => {
                let hash = value.content();
                let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
                let wrong =
                    || Mistake::at(value, "expected the beginning of a program's hash, in hexadecimal");
                is_hash.then(|| Operand::Text(hash.to_owned())).ok_or_else(wrong)
            }
            Field::Attribute(_) => Ok(match (&value.kind, value.text) {
                (Kind::Text(text), _) => Operand::Text(text.clone()),
                (Kind::Word, "true") => Operand::Bool(true),
                (Kind::Word, "false") => Operand::Bool(false),
                (Kind::Number, text) if is_json_number(text) => Operand::Number(text.to_owned()),
                (_, text) => Operand::Text(text.to_owned()),
            }),
        }
    }

    fn time(&mut self, value: &Token<'a>) -> Result<Timestamp, Mistake> {
        if self.take_word("ago") {
            let Some(nanos) = duration(value.text) else {
                return Err(Mistake::at(
                    value,
                    "expected a duration before `ago`: `30m`, `2h`, `7d`, `1h30m`",
                ));
            };
            let now = self.now.timestamp_nanos_opt().unwrap_or(i64::MAX);
            return Ok(Timestamp(now.saturating_sub(nanos)));
        }
        let found = time(value.content()).and_then(|time| time.timestamp_nanos_opt());
        found.map(Timestamp).ok_or_else(|| {
            Mistake::at(
                value,
                "expected a time: `2h ago`, `2026-11-24`, \"2026-11-24 08:30\" or \"2026-11-24T08:30:00Z\"",
            )
        })
    }
}

fn compare(field: Field, comparison: Comparison, operand: Operand) -> Condition {
    Condition::Compare { field, comparison, operand }
}

fn is_reserved(word: &str) -> bool {
    matches!(word, "and" | "or" | "not")
}

fn field(name: &str) -> Field {
    match name {
        "id" => Field::Id,
        "workflow" => Field::Workflow,
        "status" => Field::Status,
        "created" => Field::Created,
        "updated" => Field::Updated,
        "program" => Field::Program,
        attribute => Field::Attribute(attribute.to_owned()),
    }
}

fn status(value: &Token<'_>) -> Result<Operand, Mistake> {
    let word = value.content();
    let known = Status::ALL.map(Status::as_str);
    if known.contains(&word) {
        return Ok(Operand::Text(word.to_owned()));
    }
    let help = match nearest(word, known.into_iter()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    Err(Mistake::at(value, format!("there is no status `{word}`; {help}")))
}

fn is_json_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// A date, a date and time in the user's zone, or RFC 3339.
fn time(text: &str) -> Option<DateTime<Local>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Local));
    }
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let timed = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let naive = timed.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Local.from_local_datetime(&naive).earliest()
}

/// `1h30m` in nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, more) = after.split_at(letters);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let part = number.parse::<i64>().ok()?.checked_mul(millis)?.checked_mul(1_000_000)?;
        total = total.checked_add(part)?;
        rest = more;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests;
