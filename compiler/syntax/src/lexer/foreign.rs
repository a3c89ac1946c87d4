//! Characters, quotes and comments of other languages. What they stand for is read on, so that one mistake is one error.

use std::ops::Range;

use super::Lexer;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::foreign::characters;
use crate::token::{Token, TokenKind};

/// Quotes that are none here, and what may end a text that they begin.
const QUOTES: [(char, &[char]); 8] = [
    ('`', &['`']),
    ('“', &['”', '“', '"']),
    ('”', &['”', '“', '"']),
    ('„', &['“', '”', '"']),
    ('‘', &['’', '‘']),
    ('’', &['’', '‘']),
    ('«', &['»']),
    ('「', &['」']),
];

impl Lexer<'_> {
    /// A character that begins no token.
    pub(super) fn unexpected(&mut self, start: usize, end: usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        let first = rest.chars().next().unwrap_or_default();
        if first == '#' {
            return self.hash(start);
        }
        if let Some((quote, closers)) = QUOTES.iter().find(|(quote, _)| *quote == first)
            && self.quoted(*quote, closers, start, end)
        {
            return;
        }
        let written = self.text.get(start..end).unwrap_or_default();
        if first == '\'' {
            let mark = self.span(start, start + 1);
            self.report(
                Diagnostic::error(codes::WRONG_QUOTES, "this `'` begins no string")
                    .at(mark, "nothing on this line ends it")
                    .help("strings stand in double quotes: `\"…\"`"),
            );
        } else {
            self.report(characters::explain(
                written,
                self.text.get(end..).unwrap_or_default(),
                self.span(start, end),
            ));
        }
        self.push(TokenKind::Invalid, start, end);
    }

    /// A text in foreign quotes. `false` where it has no end.
    fn quoted(&mut self, quote: char, closers: &[char], start: usize, end: usize) -> bool {
        let open = quote.len_utf8();
        let rest = self.text.get(start + open..).unwrap_or_default();
        // Only backticks hold several lines.
        let line = if quote == '`' { rest } else { rest.lines().next().unwrap_or_default() };
        let Some((offset, closer)) = line.char_indices().find(|(_, char)| closers.contains(char)) else {
            return false;
        };
        let stop = start + open + offset + closer.len_utf8();
        if stop < end {
            return false;
        }
        self.foreign_string(start..stop, open, closer.len_utf8());
        self.line_breaks = 0;
        self.resume(stop);
        true
    }

    /// A text in three single quotes.
    pub(super) fn quoted_by(&mut self, quotes: &str, start: usize, end: usize) {
        let rest = self.text.get(end..).unwrap_or_default();
        let stop = rest.find(quotes).map_or(self.text.len(), |offset| end + offset + quotes.len());
        let close = if stop - end < quotes.len() { 0 } else { quotes.len() };
        self.foreign_string(start..stop, end - start, close);
        self.resume(stop);
    }

    /// Reports a text in other quotes than ours, and reads it as one.
    pub(super) fn foreign_string(&mut self, range: Range<usize>, open: usize, close: usize) {
        let span = self.span(range.start, range.end);
        let (from, to) = (range.start + open, range.end - close);
        let inner = self.text.get(from..to).unwrap_or_default();
        let diagnostic =
            Diagnostic::error(codes::WRONG_QUOTES, "strings stand in double quotes").at(span, "");
        let is_template = self.text.get(range.start..from) == Some("`");
        self.report(match inner.contains('\n') {
            true => diagnostic.help("text of several lines stands between `\"\"\"`"),
            false => {
                diagnostic.fix(span, format!("\"{}\"", requoted(inner, is_template)), "use double quotes")
            }
        });
        self.push(TokenKind::StrOpen, range.start, from);
        self.string_part(from, to);
        self.push(TokenKind::StrClose, to, range.end);
    }

    /// `# comment`, `#[attribute]`: what follows on the line is not read.
    fn hash(&mut self, start: usize) {
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let end = start + line.trim_end().len();
        let mark = self.span(start, start + 1);
        let diagnostic = if line.starts_with("#[") {
            let whole = self.span(start, end);
            Diagnostic::error(codes::UNEXPECTED_CHARACTER, "there are no attributes").at(whole, "")
        } else {
            Diagnostic::error(codes::WRONG_COMMENT, "a comment begins with `//`").at(mark, "").fix(
                mark,
                "//",
                "write `//`",
            )
        };
        self.report(diagnostic);
        self.resume(end);
    }

    /// `/* … */`: left out.
    pub(super) fn block_comment(&mut self, start: usize, end: usize) {
        let rest = self.text.get(end..).unwrap_or_default();
        let stop = rest.find("*/").map_or(self.text.len(), |offset| end + offset + 2);
        let span = self.span(start, stop);
        let inner = self.text.get(end..stop).unwrap_or_default().trim_end_matches("*/");
        let goes_on = self.text.get(stop..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let diagnostic =
            Diagnostic::error(codes::WRONG_COMMENT, "a comment begins with `//`, on each of its lines")
                .at(span, "");
        self.report(match goes_on.trim().is_empty() || goes_on.trim_start().starts_with("//") {
            true => diagnostic.fix(span, line_comments(inner), "write `//`"),
            false => diagnostic,
        });
        self.line_breaks += inner.matches('\n').count() as u32;
        self.resume(stop);
    }

    /// `"${name}"`: the `$` is text, as in an amount of dollars, or a habit from another language.
    pub(super) fn dollar(&mut self, at: usize) {
        let mark = self.span(at, at + 1);
        self.report(
            Diagnostic::warning(codes::DOLLAR_BEFORE_BRACE, "this `$` is part of the text")
                .at(mark, "shown as it is")
                .help("`{…}` interpolates by itself; where an amount of dollars is meant, `\\$` says so")
                .suggest(mark, "", "remove it")
                .suggest(mark, "\\$", "keep it"),
        );
    }

    /// `let half = n // 2`: as a comment, the division of another language takes the rest of its line along.
    pub(super) fn divided(&mut self, start: usize, comment: &str) {
        let comment = comment.trim_start_matches('/').split("//").next().unwrap_or_default().trim();
        let number = comment.trim_end_matches([')', ']', '}', ' ']);
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
            return;
        }
        let closes = comment.ends_with([')', ']', '}']);
        let is_operand =
            |kind| matches!(kind, TokenKind::Lower | TokenKind::CloseParen | TokenKind::CloseBracket);
        let mut before = self.out.tokens.iter().rev();
        let behind_operand = before.clone().next().is_some_and(|last| is_operand(last.kind));
        // A number behind an item of a list, say, is a note; behind what is assigned it is hardly one.
        let line = |token: &&Token| !token.starts_line;
        let assigned = before.by_ref().take_while(line).any(|token| token.kind == TokenKind::Equal);
        if !behind_operand || !(closes || assigned) {
            return;
        }
        let mark = self.span(start, start + "//".len());
        self.report(
            Diagnostic::warning(codes::COMMENTED_DIVISION, "`//` begins a comment: nothing is divided here")
                .at(mark, "the rest of the line is not read")
                .help("`Int / Int` gives a whole number, rounded toward zero")
                .suggest(mark, "/", "divide with `/`"),
        );
    }

    /// `!a` is negation; behind a value, `!` is what other languages unwrap or expand with.
    pub(super) fn bang(&mut self, start: usize, end: usize) {
        let behind_value = self.out.tokens.last().is_some_and(|last| {
            let value =
                matches!(last.kind, TokenKind::Lower | TokenKind::CloseParen | TokenKind::CloseBracket);
            value && last.span.end == self.span(start, end).start
        });
        if !behind_value {
            return self.foreign(start, end, TokenKind::Not, "not");
        }
        let span = self.span(start, end);
        let next = self.text.get(end..).and_then(|rest| rest.chars().next());
        let diagnostic =
            Diagnostic::error(codes::WRONG_OPERATOR, "there is no `!` behind a value").at(span, "");
        self.report(match next {
            Some('(') => diagnostic.help("there are no macros: functions are called without it").fix(
                span,
                "",
                "remove it",
            ),
            Some('[') => diagnostic.help("there are no macros: a list is `[1, 2]`"),
            _ => diagnostic
                .help("for what may be `none`, give a default with `??`, or fail: `name ?? fail Missing`"),
        });
        self.push(TokenKind::Invalid, start, end);
    }
}

/// The text of a foreign string as it is written between double quotes.
fn requoted(inner: &str, is_template: bool) -> String {
    let inner = inner.replace("\\'", "'").replace('"', "\\\"");
    if !is_template {
        return inner;
    }
    // Of a template, `${` interpolates and a brace alone does not.
    let parts: Vec<String> = inner.split("${").map(|part| part.replace('{', "\\{")).collect();
    parts.join("{").replace("\\`", "`")
}

fn line_comments(inner: &str) -> String {
    let lines = inner.trim().lines().map(|line| {
        let line = line.trim_start();
        format!("// {}", line.strip_prefix('*').map_or(line, str::trim_start)).trim_end().to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}
