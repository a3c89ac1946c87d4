//! What people write who come from another language, and how it is written here.
//!
//! Each such thing is a row of a table: a pattern over the tokens around the mistake (`pattern.rs`), what to say, and
//! what to write instead. Words and characters that need no pattern have tables of their own.

pub(crate) mod characters;
mod declarations;
mod expressions;
mod pattern;
mod statements;
mod types;
pub mod words;

use std::ops::Range;

use crate::codes;
use crate::diagnostic::{Code, Diagnostic};
use crate::messages::{Explained, Mistake, Recovery};
use crate::span::Span;
use crate::token::TokenKind;
use pattern::Match;

/// Where something is written: what the parser could have gone on with.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    /// Behind what could be a whole expression.
    Complete,
    /// Where an expression could begin.
    Expression,
    /// In a type, or right behind one.
    Type,
    /// Where a declaration could begin.
    Declaration,
    /// Where `{` is expected.
    Brace,
    /// Where a statement could end.
    Line,
    /// Where `:` is expected.
    Colon,
    /// Where a name with a small letter is expected, and nothing else.
    Name,
    /// Where the case of an enum could begin, or end.
    Case,
    /// Behind the pattern of an arm.
    Arm,
    /// Where no arm has its arrow.
    NoArm,
}

/// One thing that another language writes differently.
#[derive(Clone, Copy)]
struct Idiom {
    pattern: &'static str,
    place: Place,
    message: &'static str,
    help: &'static str,
    /// What to write instead of what is marked, and whether that is certain.
    instead: Option<(&'static str, bool)>,
    reading: Reading,
}

/// As what the text is read, so that the rest of it can be.
#[derive(Clone, Copy)]
enum Reading {
    /// The statement around it is left out.
    LeftOut,
    /// All of the pattern is a value, a type or a pattern that nothing is known of.
    Value,
    /// What is marked is read as these words and marks.
    As(&'static [TokenKind]),
    /// The statement is left out, with the lines below that are indented further.
    Indented,
}

/// Something with a `message`; the rest of the row is added to it.
const fn idiom(pattern: &'static str, message: &'static str) -> Idiom {
    Idiom { pattern, place: Place::Anywhere, message, help: "", instead: None, reading: Reading::LeftOut }
}

impl Idiom {
    const fn place(mut self, place: Place) -> Idiom {
        self.place = place;
        self
    }

    const fn help(mut self, help: &'static str) -> Idiom {
        self.help = help;
        self
    }

    /// What is certainly meant.
    const fn fix(mut self, template: &'static str) -> Idiom {
        self.instead = Some((template, true));
        self
    }

    /// What may be meant.
    const fn suggest(mut self, template: &'static str) -> Idiom {
        self.instead = Some((template, false));
        self
    }

    const fn value(mut self) -> Idiom {
        self.reading = Reading::Value;
        self
    }

    const fn read_as(mut self, tokens: &'static [TokenKind]) -> Idiom {
        self.reading = Reading::As(tokens);
        self
    }

    const fn indented(mut self) -> Idiom {
        self.reading = Reading::Indented;
        self
    }
}

/// The tables with their codes, in the order in which they are looked through.
const TABLES: [(&[Idiom], Code); 6] = [
    (declarations::HEADS, codes::NOT_A_DECLARATION),
    (declarations::TABLE, codes::FOREIGN),
    (expressions::MARKS, codes::WRONG_OPERATOR),
    (statements::TABLE, codes::FOREIGN),
    (types::TABLE, codes::FOREIGN),
    (expressions::TABLE, codes::FOREIGN),
];

/// Says what another language's idiom is here, if the mistake is one.
pub(crate) fn explain(mistake: &Mistake<'_, '_>) -> Option<Explained> {
    let rows = TABLES.into_iter().flat_map(|(rows, code)| rows.iter().map(move |row| (row, code)));
    rows.filter(|(row, _)| fits(row.place, mistake))
        .find_map(|(row, code)| Some((row, code, pattern::find(row.pattern, mistake)?)))
        .map(|(row, code, found)| tell(row, code, &found, mistake))
}

fn fits(place: Place, mistake: &Mistake<'_, '_>) -> bool {
    match place {
        Place::Anywhere => true,
        Place::Complete => mistake.complete(),
        Place::Expression => mistake.expects("match") && mistake.expects("int"),
        Place::Type => {
            !mistake.complete()
                && !["match", "_", "=>", "pub"].iter().any(|terminal| mistake.expects(terminal))
        }
        Place::Declaration => {
            mistake.expects("pub") || mistake.expects("workflow") && !mistake.expects("lower")
        }
        Place::Brace => mistake.expects("{"),
        Place::Line => mistake.expects("newline"),
        Place::Colon => mistake.expects(":") && !mistake.complete(),
        Place::Name => mistake.expects("lower") && !mistake.expects("upper") && !mistake.expects("match"),
        Place::Case => mistake.expects("upper") && mistake.expects("}") && !mistake.expects("match"),
        Place::Arm => mistake.expects("=>"),
        Place::NoArm => !mistake.expects("=>"),
    }
}

fn tell(row: &Idiom, code: Code, found: &Match<'_>, mistake: &Mistake<'_, '_>) -> Explained {
    let span = mistake.span_of(found.marked.clone());
    let mut diagnostic = Diagnostic::error(code, found.fill(row.message, mistake)).at(span, "");
    if !row.help.is_empty() {
        diagnostic = diagnostic.help(found.fill(row.help, mistake));
    }
    if let Some((template, certain)) = row.instead {
        let text = found.fill(template, mistake);
        let title =
            if text.is_empty() { "remove it".to_string() } else { format!("write `{}`", text.trim()) };
        let replaced = if text.is_empty() { with_space(mistake, &found.marked, span) } else { span };
        diagnostic = match certain {
            true => diagnostic.fix(replaced, text, title),
            false => diagnostic.suggest(replaced, text, title),
        };
    }
    let recovery = match row.reading {
        Reading::LeftOut => Recovery::Element(found.whole.clone()),
        Reading::Indented => Recovery::Element(indented(mistake, &found.whole)),
        Reading::Value => Recovery::Read(found.whole.clone(), &[TokenKind::Invalid]),
        Reading::As(tokens) => Recovery::Read(found.marked.clone(), tokens),
    };
    Explained { diagnostic, recovery }
}

/// What is removed takes the space behind it along, if there is some before it as well; at the end of a line that before.
fn with_space(mistake: &Mistake<'_, '_>, range: &Range<usize>, span: Span) -> Span {
    let before = range.start.checked_sub(1).and_then(|at| mistake.tokens.get(at));
    let spaced = before.is_none_or(|token| token.span.end < span.start);
    match (before, mistake.tokens.get(range.end)) {
        _ if !spaced => span,
        (_, Some(next)) if !next.starts_line && next.kind != TokenKind::Newline => {
            Span::new(span.start, next.span.start.max(span.end))
        }
        (Some(before), _) => Span::new(before.span.end, span.end),
        _ => span,
    }
}

/// A statement with the lines below it that are indented further, as other languages write a block, and the clauses that
/// go on with it.
fn indented(mistake: &Mistake<'_, '_>, range: &Range<usize>) -> Range<usize> {
    const CLAUSES: [&str; 6] = ["else", "elif", "except", "finally", "case", "catch"];
    let Some(first) = mistake.tokens.get(range.start) else { return range.clone() };
    let indent = mistake.cx.indent(first.span);
    let mut end = range.end;
    let mut depth = 0usize;
    for (index, token) in mistake.tokens.iter().enumerate().skip(range.end) {
        let here = mistake.cx.indent(token.span);
        let goes_on = here > indent || here == indent && CLAUSES.contains(&mistake.text(*token));
        if depth == 0 && (token.kind.is_closer() || token.starts_line && !goes_on) {
            break;
        }
        if token.kind.closer().is_some() {
            depth += 1;
        } else if token.kind.is_closer() {
            depth -= 1;
        }
        if token.kind != TokenKind::Newline {
            end = index + 1;
        }
    }
    range.start..end
}

#[cfg(test)]
mod tests {
    use super::TABLES;

    #[test]
    fn the_tables_are_sound() {
        for row in TABLES.iter().flat_map(|(rows, _)| rows.iter()) {
            let marks = row.pattern.split(' ').filter(|part| *part == "^").count();
            assert!(marks <= 2, "{}", row.pattern);
            let holes = |text: &'static str| {
                text.split(|char: char| char.is_whitespace() || "`()[]{},.?<>+:\"".contains(char))
                    .filter_map(|word| word.strip_prefix('$'))
                    .map(|name| name.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or(""))
                    .filter(|name| !name.is_empty())
                    .collect::<Vec<_>>()
            };
            let known = holes(row.pattern);
            let used = [row.message, row.help, row.instead.map_or("", |(text, _)| text)];
            for name in used.into_iter().flat_map(holes) {
                assert!((name == "marked" || known.contains(&name)), "`{}` has no `${name}`", row.pattern);
            }
        }
    }
}
