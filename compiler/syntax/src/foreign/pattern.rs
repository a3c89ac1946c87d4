//! Patterns over tokens, written as one would show the thing: `for ( $name of $value )`.
//!
//! The parts of a pattern stand between spaces. A text is one mark or word, or several tokens without space between them
//! (`===`); `a/b` is either. `^` stands before and behind the part that is pointed at and replaced, where that is not the
//! whole; `!` stands where the mistake must be, where it could be found elsewhere too. `;` is the end of a statement, and `$…` a hole, whose name says what it takes (digits tell two apart):
//!
//! - `$name` a name with a small letter, `$Type` one with a capital, `$int` a number, `$str` a string
//! - `$value` an expression, `$term` one without `and`, `or`, `not`; at the start or the end as long as it goes
//! - `$rest` anything between brackets, or nothing
//! - `$block` braces and what is in them, `$type` a type, `$small` a type as other languages spell it, `$alien` one that has no name here, `$unit` a unit of time
//! - `$line`, `$begin`, `$intype`, `$eol`: nothing at all, at the start of a statement, an expression or a type, at the
//!   end of a line
//! - `$interp` the `{` within a string
//!
//! A hole that comes twice stands for the same text both times. In what is said, `$marked` is what stands between the `^`.

use std::ops::Range;

use super::words;
use crate::duration;
use crate::messages::Mistake;
use crate::token::{Token, TokenKind};

/// How far before a mistake a pattern may begin, and how many parts a hole may take: whatever people write by hand is
/// shorter, and what machines write must not take long.
const REACH: usize = 40;
/// How many tokens brackets in a hole may hold.
const GROUP: usize = 2_000;

/// Where a pattern fits. The ranges count tokens.
#[derive(Debug)]
pub(super) struct Match<'p> {
    /// All of it.
    pub whole: Range<usize>,
    /// What is pointed at and replaced.
    pub marked: Range<usize>,
    holes: Vec<(&'p str, Range<usize>)>,
}

/// Looks for a pattern that has the mistake in it, or right before it.
pub(super) fn find<'p>(pattern: &'p str, mistake: &Mistake<'_, '_>) -> Option<Match<'p>> {
    let parts: Vec<&str> = pattern.split(' ').collect();
    let first = parts.iter().copied().find(|part| !matches!(*part, "^" | "!"))?;
    let starts: Vec<usize> = match kind(first) {
        Some(hole @ ("value" | "term")) => operand_starts(mistake, hole),
        _ => (mistake.at.saturating_sub(REACH)..=mistake.at).rev().collect(),
    };
    starts.into_iter().find_map(|start| {
        let mut matcher = Matcher { mistake, holes: Vec::new(), marks: Vec::new() };
        let end = matcher.parts(&parts, start)?;
        let marked = match *matcher.marks.as_slice() {
            [] => start..end,
            [from] => from..end,
            [from, to, ..] => from..to,
        };
        (mistake.at <= end).then_some(Match { whole: start..end, marked, holes: matcher.holes })
    })
}

impl Match<'_> {
    /// A text with the holes in it filled.
    pub(super) fn fill(&self, template: &str, mistake: &Mistake<'_, '_>) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let length = after.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(after.len());
            let (name, tail) = after.split_at(length);
            let marked = ("marked", self.marked.clone());
            match self.holes.iter().chain([&marked]).find(|(known, _)| *known == name) {
                Some((_, range)) => filled.push_str(&written(name, mistake.between(range.clone()))),
                None => filled.extend(['$'].into_iter().chain(name.chars())),
            }
            rest = tail;
        }
        filled + rest
    }
}

/// What a hole took, as it is written here.
fn written(name: &str, text: &str) -> String {
    match name.trim_end_matches(|char: char| char.is_ascii_digit()) {
        "small" | "type" => words::of(words::Place::Type, text)
            .filter(|word| !word.own.is_empty())
            .map_or(text, |word| word.own)
            .to_string(),
        "alien" => words::of(words::Place::Type, text).map_or(text, |word| word.help).to_string(),
        "unit" => duration::mend(text).unwrap_or(text).to_string(),
        _ => text.to_string(),
    }
}

/// The kind of a hole; none for a text.
fn kind(part: &str) -> Option<&str> {
    let name =
        part.strip_prefix('$').filter(|name| name.starts_with(|char: char| char.is_ascii_alphabetic()))?;
    Some(name.trim_end_matches(|char: char| char.is_ascii_digit()))
}

struct Matcher<'m, 'p> {
    mistake: &'m Mistake<'m, 'm>,
    holes: Vec<(&'p str, Range<usize>)>,
    marks: Vec<usize>,
}

impl<'p> Matcher<'_, 'p> {
    fn token(&self, at: usize) -> Option<Token> {
        self.mistake.tokens.get(at).copied()
    }

    /// Matches parts from `at` on; where they end.
    fn parts(&mut self, parts: &[&'p str], at: usize) -> Option<usize> {
        let Some((&part, rest)) = parts.split_first() else { return Some(at) };
        if part == "^" {
            self.marks.push(at);
            return self.parts(rest, at).or_else(|| {
                self.marks.pop();
                None
            });
        }
        if part == "!" {
            return (at == self.mistake.at).then(|| self.parts(rest, at)).flatten();
        }
        let Some(hole) = kind(part) else {
            return part_texts(part)
                .find_map(|text| self.text(text, at))
                .and_then(|end| self.parts(rest, end));
        };
        let is_last = rest.iter().all(|part| *part == "^");
        match hole {
            "value" | "term" if is_last => {
                let end = self.operand_end(hole, at);
                (end > at && self.fits(part, at..end))
                    .then_some(end)
                    .and_then(|end| self.take(part, at..end, rest))
            }
            "value" | "term" | "rest" => self.shortest(part, hole, at, rest),
            _ => self.one(hole, at).and_then(|end| self.take(part, at..end, rest)),
        }
    }

    /// Gives a range to a hole and goes on behind it.
    fn take(&mut self, part: &'p str, range: Range<usize>, rest: &[&'p str]) -> Option<usize> {
        if !self.fits(part, range.clone()) {
            return None;
        }
        let name = part.get(1..)?;
        self.holes.push((name, range.clone()));
        self.parts(rest, range.end).or_else(|| {
            self.holes.pop();
            None
        })
    }

    /// Whether a hole of this name has taken nothing else yet.
    fn fits(&self, part: &str, range: Range<usize>) -> bool {
        let earlier = self.holes.iter().find(|(name, _)| part.strip_prefix('$') == Some(name));
        earlier.is_none_or(|(_, known)| self.mistake.between(known.clone()) == self.mistake.between(range))
    }

    /// The shortest range for a hole with which all that follows fits.
    fn shortest(&mut self, part: &'p str, hole: &str, at: usize, rest: &[&'p str]) -> Option<usize> {
        let mut end = at;
        for _ in 0..REACH {
            if (end > at || hole == "rest")
                && let Some(done) = self.take(part, at..end, rest)
            {
                return Some(done);
            }
            end = self.step(end, hole)?;
        }
        None
    }

    /// One token, or one group of brackets, of an operand.
    fn step(&self, at: usize, hole: &str) -> Option<usize> {
        let token = self.token(at)?;
        let stops = token.kind == TokenKind::Newline
            || token.kind.is_closer()
            || (hole == "term" && matches!(token.kind, TokenKind::And | TokenKind::Or | TokenKind::Not));
        if stops {
            return None;
        }
        if token.kind.closer().is_some() || token.kind == TokenKind::StrOpen {
            self.group(at)
        } else {
            Some(at + 1)
        }
    }

    /// The end of the brackets, or the text in quotes, that open at `at`.
    fn group(&self, at: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (offset, token) in self.mistake.tokens.get(at..)?.iter().take(GROUP).enumerate() {
            if token.kind.closer().is_some() || token.kind == TokenKind::StrOpen {
                depth += 1;
            } else if token.kind.is_closer() || token.kind == TokenKind::StrClose {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let end = at + offset + 1;
                    // A mistake within the brackets has to do with what stands there.
                    return (!(at + 1..end).contains(&self.mistake.at)).then_some(end);
                }
            }
        }
        None
    }

    /// Tokens without space between them that are written like `text`.
    fn text(&self, text: &str, at: usize) -> Option<usize> {
        let first = self.token(at)?;
        if text == ";" {
            return (first.kind == TokenKind::Newline).then_some(at + 1);
        }
        if matches!(
            first.kind,
            TokenKind::Newline | TokenKind::InterpOpen | TokenKind::InterpClose | TokenKind::StrText
        ) {
            return None;
        }
        let mut end = at;
        while let Some(token) = self.token(end) {
            let so_far = self.mistake.cx.text(first.span.start, token.span.end);
            end += 1;
            if so_far == text {
                return Some(end);
            }
            if !text.starts_with(so_far) {
                return None;
            }
        }
        None
    }

    /// What takes one thing of a kind: where it ends.
    fn one(&self, hole: &str, at: usize) -> Option<usize> {
        let previous = at.checked_sub(1).and_then(|at| self.token(at)).map(|token| token.kind);
        match hole {
            "line" => previous.is_some_and(begins_statement).then_some(at),
            "intype" => previous.is_some_and(begins_type).then_some(at),
            "begin" => previous.is_some_and(begins_expression).then_some(at),
            "eol" => self
                .token(at)
                .is_none_or(|next| next.starts_line || next.kind == TokenKind::Newline)
                .then_some(at),
            "type" => self.type_end(at),
            _ => {
                let token = self.token(at)?;
                let text = self.mistake.text(token);
                let fits = match hole {
                    "name" => token.kind == TokenKind::Lower || token.kind.is_contextual(),
                    "Type" => token.kind == TokenKind::Upper,
                    "int" => token.kind == TokenKind::Int,
                    "interp" => token.kind == TokenKind::InterpOpen,
                    "small" => words::of(words::Place::Type, text).is_some_and(|word| !word.own.is_empty()),
                    "alien" => words::of(words::Place::Type, text).is_some_and(|word| word.own.is_empty()),
                    "unit" => duration::mend(text).is_some(),
                    "str" => return (token.kind == TokenKind::StrOpen).then(|| self.group(at))?,
                    "block" => return (token.kind == TokenKind::OpenBrace).then(|| self.group(at))?,
                    _ => false,
                };
                fits.then_some(at + 1)
            }
        }
    }

    /// `Int`, `List<Int>?`
    fn type_end(&self, at: usize) -> Option<usize> {
        let name = self.one("Type", at).or_else(|| self.one("small", at))?;
        let mut end = name;
        if self.token(end).is_some_and(|token| token.kind == TokenKind::Less) {
            let behind = self.mistake.tokens.get(end..)?.iter().take(REACH);
            end += behind.take_while(|token| token.kind != TokenKind::Greater).count() + 1;
        }
        let optional = self.token(end).is_some_and(|token| token.kind == TokenKind::Question);
        Some(if optional { end + 1 } else { end })
    }

    /// How far an expression goes on.
    fn operand_end(&self, hole: &str, at: usize) -> usize {
        let mut end = at;
        while let Some(token) = self.token(end)
            && token.kind != TokenKind::OpenBrace
            && joins(token.kind, hole)
            && let Some(next) = self.step(end, hole)
        {
            end = next;
        }
        end
    }
}

fn part_texts(part: &str) -> impl Iterator<Item = &str> {
    part.split('/').filter(|text| !text.is_empty())
}

/// Where the expression begins that has the mistake in it or ends before it; and the one around its bracket.
fn operand_starts(mistake: &Mistake<'_, '_>, hole: &str) -> Vec<usize> {
    let inner = operand_start(mistake, hole, mistake.at);
    let outer = inner.checked_sub(1).map(|bracket| operand_start(mistake, hole, bracket));
    [Some(inner), outer].into_iter().flatten().collect()
}

fn operand_start(mistake: &Mistake<'_, '_>, hole: &str, at: usize) -> usize {
    let mut start = at;
    let mut depth = 0usize;
    for (index, token) in mistake.tokens.iter().enumerate().take(at).rev().take(GROUP) {
        if token.kind.is_closer() || token.kind == TokenKind::StrClose {
            depth += 1;
        } else if token.kind.closer().is_some() || token.kind == TokenKind::StrOpen {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if depth == 0 && !joins(token.kind, hole) {
            break;
        }
        if depth == 0 {
            start = index;
        }
    }
    start
}

/// Whether a token may stand in an expression outside of its brackets.
fn joins(kind: TokenKind, hole: &str) -> bool {
    use TokenKind::*;
    match kind {
        And | Or | Not => hole == "value",
        Newline | Comma | Colon | Equal | FatArrow | Arrow | Bar | Question | Semicolon => false,
        PlusEqual | MinusEqual | StarEqual | SlashEqual | PercentEqual => false,
        True | False | None | Is | Try | Await => true,
        kind => !kind.is_reserved(),
    }
}

fn begins_statement(before: TokenKind) -> bool {
    matches!(before, TokenKind::Newline | TokenKind::OpenBrace | TokenKind::FatArrow)
}

fn begins_type(before: TokenKind) -> bool {
    matches!(before, TokenKind::Colon | TokenKind::Arrow | TokenKind::Less)
}

fn begins_expression(before: TokenKind) -> bool {
    use TokenKind::{Colon, Comma, Equal, FatArrow, OpenParen, Return};
    matches!(before, OpenParen | Comma | Equal | Colon | Return | FatArrow)
}
