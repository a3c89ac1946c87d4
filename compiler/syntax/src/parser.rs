//! Tokens to tree: one declaration at a time, so that a mistake in one costs the others nothing.
//!
//! The generated parser stops at the first mistake. Recovery is done around it: the statement (field, arm, …)
//! that holds the mistake is replaced by one `Invalid` token, which the grammar takes in its place, and the
//! declaration is parsed again. Brackets are balanced by then, so the extent of a statement is known for sure,
//! and one mistake is one error.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use lalrpop_util::{ParseError, lalrpop_mod};

use crate::ast::{Item, ItemKind, Module};
use crate::codes;
use crate::comments::Comments;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::layout;
use crate::lexer;
use crate::messages::{self, Mistake};
use crate::span::{FileId, SourceFile, SourceMap, Span};
use crate::token::{Token, TokenKind};

lalrpop_mod!(
    #[allow(missing_docs, unused, clippy::all, clippy::unwrap_used, clippy::expect_used)]
    #[allow(clippy::indexing_slicing, clippy::panic)]
    grammar
);

/// More errors than this are no help to anyone.
const MAX_ERRORS: usize = 100;

/// What a file says, as far as it can be read.
#[derive(Debug, Default)]
pub struct Parse {
    /// The tree; what could not be read is marked in it.
    pub module: Module,
    /// The comments, in order.
    pub comments: Comments,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parse {
    /// Whether the file has syntax errors.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Parses a file. Always gives a module, whatever the text is; a file the map doesn't know is empty.
///
/// ```
/// use flow_syntax::{SourceMap, parse};
///
/// let mut sources = SourceMap::new();
/// let file = sources.add("total.flow", "fn twice(n: Int) -> Int { 2 * n }");
/// let parse = parse(&sources, file);
/// assert!(parse.diagnostics.is_empty());
/// assert_eq!(parse.module.items.len(), 1);
/// ```
pub fn parse(sources: &SourceMap, file: FileId) -> Parse {
    let Some(file) = sources.file(file) else { return Parse::default() };
    let lexed = lexer::lex(file.text(), file.base());
    let laid = layout::lay_out(&lexed.tokens, file);
    let mut early = lexed.diagnostics;
    early.extend(laid.diagnostics);
    let cx = Context::new(file, lexed.docs);
    let mut driver = Driver { cx: &cx, early, found: Vec::new(), attempts: 0 };
    let items = chunks(&laid.tokens).map(|chunk| driver.item(chunk)).collect();
    let Driver { early: mut diagnostics, found, .. } = driver;
    diagnostics.extend(found);
    diagnostics.extend(cx.unused_docs().map(unused_docs));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span().start);
    limit(&mut diagnostics);
    let module = Module { docs: lexed.module_docs, items, span: file.span() };
    Parse { module, comments: lexed.comments, diagnostics }
}

/// The words and marks of a file as they are written, comments and line breaks left out; for tools that keep the text.
pub fn tokens(file: &SourceFile) -> Vec<Token> {
    lexer::lex(file.text(), file.base()).tokens
}

fn unused_docs(span: Span) -> Diagnostic {
    Diagnostic::warning(codes::DOCS_WITHOUT_TARGET, "this documentation documents nothing")
        .at(span, "no declaration follows")
        .help("put it on the line before a declaration, or begin it with `//` if it is a comment")
}

fn limit(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.len() > MAX_ERRORS {
        let rest = diagnostics.len() - MAX_ERRORS;
        diagnostics.truncate(MAX_ERRORS);
        let last = diagnostics.last().map(Diagnostic::span).unwrap_or_default();
        diagnostics.push(
            Diagnostic::error(codes::TOO_MANY_ERRORS, format!("{rest} more problems follow"))
                .at(last, "the last one shown is here"),
        );
    }
}

/// The tokens of each top-level declaration: what stands between newlines outside of all brackets.
fn chunks(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut depth = 0usize;
    tokens
        .split(move |token| {
            if token.kind.closer().is_some() {
                depth += 1;
            } else if token.kind.is_closer() {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && token.kind == TokenKind::Newline
        })
        .filter(|chunk| !chunk.is_empty())
}

struct Driver<'c, 's> {
    cx: &'c Context<'s>,
    /// What the lexer and the layout pass reported: a mistake in the same place is theirs.
    early: Vec<Diagnostic>,
    found: Vec<Diagnostic>,
    /// How often a declaration was parsed again.
    attempts: usize,
}

impl Driver<'_, '_> {
    fn item(&mut self, chunk: &[Token]) -> Item {
        let parser = grammar::ItemParser::new();
        let mut tokens = Cow::Borrowed(chunk);
        loop {
            let consumed = Cell::new(0usize);
            let triples = tokens.iter().map(|token| {
                consumed.set(consumed.get() + 1);
                (token.span.start, token.kind, token.span.end)
            });
            let error = match parser.parse(self.cx, triples) {
                Ok(item) => return *item,
                Err(error) => error,
            };
            let (at, expected) = match error {
                ParseError::UnrecognizedToken { expected, .. } => {
                    (consumed.get().saturating_sub(1), expected)
                }
                ParseError::UnrecognizedEof { expected, .. } => (tokens.len(), expected),
                _ => (tokens.len(), Vec::new()),
            };
            let Some(range) = self.mistake(&tokens, at, &expected) else { return invalid(chunk) };
            replace(tokens.to_mut(), range);
        }
    }

    /// Reports a mistake, unless it was, and gives what to leave out; nothing if that is the whole declaration.
    fn mistake(&mut self, tokens: &[Token], at: usize, expected: &[String]) -> Option<Range<usize>> {
        let narrow = element(tokens, at, true);
        let region = tokens.get(narrow.clone().unwrap_or(0..tokens.len())).unwrap_or_default();
        let again = region.iter().any(|token| token.kind == TokenKind::Invalid)
            || tokens.get(at).is_some_and(|token| token.kind == TokenKind::Invalid);
        if !again && !self.reported_early(span_of(region)) {
            self.found.push(messages::explain(&Mistake { cx: self.cx, tokens, at, expected }));
        }
        self.attempts += 1;
        if self.attempts > 2 * MAX_ERRORS {
            return None;
        }
        // A mistake that stays after its element was left out lies in what surrounds it.
        let range = if again { element(tokens, at, false) } else { narrow }?;
        let range = if range.is_empty() { at..at + 1 } else { range };
        let only = tokens.get(range.clone())?;
        let hopeless =
            matches!(only, [token] if matches!(token.kind, TokenKind::Invalid | TokenKind::CloseBrace));
        (!hopeless).then_some(range)
    }

    fn reported_early(&self, region: Span) -> bool {
        self.early.iter().take(2 * MAX_ERRORS).any(|diagnostic| {
            let span = diagnostic.span();
            span.start <= region.end && region.start <= span.end
        })
    }
}

/// The element (statement, field, arm, …) of the nearest braces that holds the token at `at`; none outside of
/// braces. Newlines separate elements, with `commas` commas as well.
fn element(tokens: &[Token], at: usize, commas: bool) -> Option<Range<usize>> {
    let separates = |kind| kind == TokenKind::Newline || (commas && kind == TokenKind::Comma);
    let mut start = None;
    let mut enclosing = 0usize;
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().take(at).rev() {
        if token.kind.is_closer() {
            depth += 1;
        } else if token.kind.closer().is_some() {
            if depth > 0 {
                depth -= 1;
            } else if token.kind == TokenKind::OpenBrace {
                start = start.or(Some(index + 1));
                break;
            } else {
                // A separator seen so far stood in these brackets.
                enclosing += 1;
                start = None;
            }
        } else if depth == 0 && start.is_none() && separates(token.kind) {
            start = Some(index + 1);
            if token.kind == TokenKind::Newline {
                break;
            }
        }
    }
    let start = start?;
    let mut level = enclosing;
    let mut end = tokens.len();
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if token.kind.closer().is_some() {
            level += 1;
        } else if token.kind.is_closer() {
            if level == 0 {
                end = index;
                break;
            }
            level -= 1;
        } else if level == 0 && separates(token.kind) {
            end = index;
            break;
        }
    }
    Some(start..end)
}

fn replace(tokens: &mut Vec<Token>, range: Range<usize>) {
    let Some(replaced) = tokens.get(range.clone()) else { return };
    let span = span_of(replaced);
    tokens.splice(range, [Token { kind: TokenKind::Invalid, starts_line: false, span }]);
}

fn span_of(tokens: &[Token]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => Span::new(first.span.start, last.span.end.max(first.span.start)),
        _ => Span::default(),
    }
}

fn invalid(chunk: &[Token]) -> Item {
    Item { docs: None, public: false, kind: ItemKind::Invalid, span: span_of(chunk) }
}
