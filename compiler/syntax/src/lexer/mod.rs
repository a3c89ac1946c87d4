//! Text to tokens. Logos does the words and marks; a small loop around it does strings, whose interpolations
//! hold tokens again, and sorts comments and documentation out of the way.

mod foreign;

use logos::Logos;

use crate::ast::Docs;
use crate::codes;
use crate::comments::{Comment, CommentKind, Comments};
use crate::diagnostic::Diagnostic;
use crate::duration;
use crate::span::Span;
use crate::strings;
use crate::token::{Token, TokenKind};

/// More diagnostics than this are never shown.
pub(crate) const ENOUGH: usize = 1_000;

/// Documentation and the token it stands before.
#[derive(Debug)]
pub(crate) struct PendingDocs {
    pub docs: Docs,
    /// Where the documented declaration begins.
    pub target: u32,
}

/// Everything the lexer finds in a file.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub tokens: Vec<Token>,
    pub comments: Comments,
    pub docs: Vec<PendingDocs>,
    pub module_docs: Option<Docs>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Cuts a file into tokens; `base` is the global offset of its first byte.
pub(crate) fn lex(text: &str, base: u32) -> Lexed {
    let mut lexer = Lexer {
        text,
        base,
        inner: TokenKind::lexer(text),
        out: Lexed { tokens: Vec::with_capacity(text.len() / 5), ..Lexed::default() },
        strings: Vec::new(),
        line_breaks: 1,
        docs: None,
        cut: false,
    };
    lexer.run();
    lexer.out
}

/// A string that is being read, suspended while one of its interpolations is.
struct OpenString {
    block: bool,
    /// Where it begins, in the file.
    start: usize,
    /// Where its current interpolation begins, and how many braces are open in it.
    interpolation: usize,
    braces: usize,
}

pub(crate) struct Lexer<'s> {
    pub(super) text: &'s str,
    base: u32,
    inner: logos::Lexer<'s, TokenKind>,
    pub(super) out: Lexed,
    strings: Vec<OpenString>,
    /// Line breaks since the last token or comment.
    pub(super) line_breaks: u32,
    docs: Option<Docs>,
    /// Whether a string without an end was reported on this line already.
    cut: bool,
}

impl<'s> Lexer<'s> {
    fn run(&mut self) {
        while let Some(result) = self.inner.next() {
            let range = self.inner.span();
            match result {
                Ok(TokenKind::LineBreak) => self.line_break(range.start),
                Ok(TokenKind::Comment) => self.comment(range.start, range.end),
                Ok(TokenKind::Quote) => self.string(range.start, range.end, false),
                Ok(TokenKind::BlockQuote) => self.string(range.start, range.end, true),
                Ok(TokenKind::SingleQuoted) => self.foreign_string(range.start..range.end, 1, 1),
                Ok(TokenKind::TripleQuoted) => self.quoted_by("'''", range.start, range.end),
                Ok(TokenKind::BlockComment) => self.block_comment(range.start, range.end),
                Ok(TokenKind::Suffixed) => self.suffixed(range.start, range.end),
                Ok(TokenKind::AndAnd) => self.foreign(range.start, range.end, TokenKind::And, "and"),
                Ok(TokenKind::Bang) => self.bang(range.start, range.end),
                Ok(TokenKind::CloseBrace) => self.close_brace(range.start, range.end),
                Ok(kind) => {
                    if kind == TokenKind::OpenBrace
                        && let Some(open) = self.strings.last_mut()
                    {
                        open.braces += 1;
                    }
                    self.push(kind, range.start, range.end);
                }
                Err(()) => self.unexpected(range.start, range.end),
            }
        }
        while let Some(open) = self.strings.pop() {
            self.abandon(open, self.text.len());
        }
        self.unattached_docs();
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.base + start as u32, self.base + end as u32)
    }

    pub(super) fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let span = self.span(start, end);
        if let Some(docs) = self.docs.take() {
            self.out.docs.push(PendingDocs { docs, target: span.start });
        }
        self.out.tokens.push(Token { kind, starts_line: self.line_breaks > 0, span });
        self.line_breaks = 0;
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        // Beyond what is shown, only that there is more matters.
        if self.out.diagnostics.len() < ENOUGH {
            self.out.diagnostics.push(diagnostic);
        }
    }

    /// A line break ends a plain string even inside an interpolation: one missing quote spoils one line.
    fn line_break(&mut self, at: usize) {
        if let Some(first) = self.strings.iter().position(|open| !open.block) {
            while self.strings.len() > first {
                if let Some(open) = self.strings.pop() {
                    self.abandon(open, at);
                }
            }
        }
        self.cut = false;
        self.line_breaks += 1;
    }

    fn comment(&mut self, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or_default().trim_end();
        let kind = match text.as_bytes() {
            [_, _, b'/', b'/', ..] => CommentKind::Line,
            [_, _, b'/', ..] => CommentKind::Doc,
            [_, _, b'!', ..] => CommentKind::ModuleDoc,
            _ => CommentKind::Line,
        };
        let span = self.span(start, start + text.len());
        let trailing = self.line_breaks == 0;
        let blank_lines_before = self.line_breaks.saturating_sub(1);
        self.out.comments.entries.push(Comment { kind, span, blank_lines_before, trailing });
        self.line_breaks = 0;
        let line = text.get(3..).unwrap_or_default();
        let line = line.strip_prefix(' ').unwrap_or(line);
        match kind {
            CommentKind::Line if trailing => self.divided(start, text),
            CommentKind::Line => {}
            // Behind code it would document what follows, which nobody means: it has no target.
            CommentKind::Doc if trailing => {
                let docs = Docs { text: line.to_string(), span };
                self.out.docs.push(PendingDocs { docs, target: 0 });
            }
            CommentKind::Doc => add_line(&mut self.docs, line, span),
            CommentKind::ModuleDoc => add_line(&mut self.out.module_docs, line, span),
        }
    }

    fn unattached_docs(&mut self) {
        if let Some(docs) = self.docs.take() {
            let target = self.base + self.text.len() as u32;
            self.out.docs.push(PendingDocs { docs, target });
        }
    }

    fn string(&mut self, start: usize, end: usize, block: bool) {
        self.push(TokenKind::StrOpen, start, end);
        self.string_text(OpenString { block, start, interpolation: end, braces: 0 }, end);
    }

    fn close_brace(&mut self, start: usize, end: usize) {
        match self.strings.pop() {
            Some(open) if open.braces == 0 => {
                if start == open.interpolation + 1 {
                    let span = self.span(open.interpolation, end);
                    self.report(
                        Diagnostic::error(codes::EMPTY_INTERPOLATION, "nothing between the braces")
                            .at(span, "an expression belongs here")
                            .help("for the braces themselves write `\\{` and `}`"),
                    );
                    self.push(TokenKind::Invalid, start, start);
                }
                self.push(TokenKind::InterpClose, start, end);
                self.string_text(open, end);
            }
            Some(mut open) => {
                open.braces -= 1;
                self.strings.push(open);
                self.push(TokenKind::CloseBrace, start, end);
            }
            None => self.push(TokenKind::CloseBrace, start, end),
        }
    }

    /// Reads the text of a string from `from` up to its end or its next interpolation.
    fn string_text(&mut self, mut open: OpenString, from: usize) {
        let bytes = self.text.as_bytes();
        let mut at = from;
        let mut unescaped = from;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest {
                [b'\\', ..] => {
                    at = self.escape(at);
                    unescaped = at;
                }
                [b'{', ..] => {
                    if bytes.get(unescaped..at).is_some_and(|text| text.ends_with(b"$")) {
                        self.dollar(at - 1);
                    }
                    self.string_part(from, at);
                    self.push(TokenKind::InterpOpen, at, at + 1);
                    open.interpolation = at;
                    self.strings.push(open);
                    return self.resume(at + 1);
                }
                [b'"', b'"', b'"', ..] if open.block => return self.string_end(from, at, 3),
                [b'"', ..] if !open.block => return self.string_end(from, at, 1),
                [b'\n', ..] if !open.block => break,
                [_, ..] => at += 1,
                [] => break,
            }
        }
        at = at.min(self.text.len());
        self.string_part(from, at);
        self.unterminated(&open, at);
        self.push(TokenKind::StrClose, at, at);
        self.resume(at);
    }

    /// Steps over an escape; one that doesn't exist is reported. A line break is never part of one.
    fn escape(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        match strings::escape_length(rest) {
            Ok(length) => at + length,
            Err(_) if rest.starts_with("\\\n") || rest.starts_with("\\\r") => at + 1,
            Err(length) => {
                let span = self.span(at, at + length);
                let written = rest.get(..length).unwrap_or_default();
                let diagnostic =
                    Diagnostic::error(codes::BAD_ESCAPE, format!("`{written}` is no escape")).at(span, "");
                self.report(match written {
                    "\\(" => diagnostic.help("in a string, `{name}` interpolates"),
                    _ => diagnostic
                        .help("escapes are `\\n \\t \\r \\0 \\\\ \\\" \\{ \\} \\$` and `\\u{e4}`; a backslash itself is `\\\\`"),
                });
                at + length
            }
        }
    }

    pub(super) fn string_part(&mut self, from: usize, to: usize) {
        if from < to {
            self.push(TokenKind::StrText, from, to);
        }
    }

    fn string_end(&mut self, from: usize, at: usize, quotes: usize) {
        self.string_part(from, at);
        self.push(TokenKind::StrClose, at, at + quotes);
        self.resume(at + quotes);
    }

    /// Lets logos go on at `at`, which is never before where it stands.
    pub(super) fn resume(&mut self, at: usize) {
        self.inner.bump(at - self.inner.span().end);
    }

    /// Closes a string whose interpolation or text is cut off at `at`.
    fn abandon(&mut self, open: OpenString, at: usize) {
        self.unterminated(&open, at);
        self.push(TokenKind::InterpClose, at, at);
        self.push(TokenKind::StrClose, at, at);
    }

    fn unterminated(&mut self, open: &OpenString, at: usize) {
        if std::mem::replace(&mut self.cut, true) {
            return;
        }
        if let Some(outer) = self.strings.last().filter(|outer| !outer.block && !open.block) {
            let (brace, quote) =
                (self.span(outer.interpolation, outer.interpolation + 1), self.span(open.start, open.start));
            let diagnostic = Diagnostic::error(codes::UNTERMINATED_STRING, "this interpolation has no end")
                .at(brace, "it begins here")
                .help("end it with `}`; for the brace itself write `\\{`")
                .suggest(quote, "}", "end the interpolation here");
            return self.report(diagnostic);
        }
        if !open.block
            && self.out.diagnostics.last().is_some_and(|last| last.code == codes::UNTERMINATED_STRING)
        {
            // What ends a string of several lines seems to begin one.
            let rest = self.text.get(open.start..at).unwrap_or_default();
            if !rest.split("//").next().unwrap_or_default().contains(char::is_alphanumeric) {
                self.push(TokenKind::Invalid, open.start, open.start);
                return;
            }
        }
        let quotes = if open.block { "\"\"\"" } else { "\"" };
        let mark = self.span(open.start, open.start + quotes.len());
        let end = open.start + self.text.get(open.start..at).unwrap_or_default().trim_end().len();
        let end = self.span(end, end);
        let mut diagnostic = Diagnostic::error(codes::UNTERMINATED_STRING, "this string has no end")
            .at(mark, "it begins here")
            .help(format!("end it with `{quotes}`"));
        if !open.block {
            diagnostic = diagnostic
                .note("a string ends on the line it begins on; text of several lines stands between `\"\"\"`")
                .suggest(end, quotes, "end the string here");
        }
        self.report(diagnostic);
    }

    fn suffixed(&mut self, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or_default();
        let kind = match duration::classify(text) {
            Ok(kind) => kind,
            Err(problem) => {
                let span = self.span(start, end);
                self.report(problem.diagnostic(text, span));
                problem.stands_for
            }
        };
        self.push(kind, start, end);
    }

    pub(super) fn foreign(&mut self, start: usize, end: usize, kind: TokenKind, word: &str) {
        let span = self.span(start, end);
        let written = self.text.get(start..end).unwrap_or_default();
        let spaced = |at: Option<char>| at.is_none_or(|char| char.is_whitespace() || char == '(');
        let space = if spaced(self.text.get(end..).and_then(|rest| rest.chars().next())) { "" } else { " " };
        self.report(
            Diagnostic::error(codes::WRONG_OPERATOR, format!("`{written}` is written `{word}`"))
                .at(span, "")
                .fix(span, format!("{word}{space}"), format!("write `{word}`")),
        );
        self.push(kind, start, end);
    }
}

fn add_line(docs: &mut Option<Docs>, line: &str, span: Span) {
    match docs {
        Some(docs) => {
            docs.text.push('\n');
            docs.text.push_str(line);
            docs.span = docs.span.to(span);
        }
        None => *docs = Some(Docs { text: line.to_string(), span }),
    }
}
