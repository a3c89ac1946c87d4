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
use crate::messages::{self, Explained, Mistake, Recovery};
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
    let laid_out = laid.diagnostics.into_iter().filter(|one| !swallowed(one, &lexed.diagnostics));
    let early = lexed.diagnostics.iter().cloned().chain(laid_out).collect();
    let cx = Context::new(file, lexed.docs);
    let mut driver = Driver::new(&cx, early);
    let items = chunks(&laid.tokens).into_iter().map(|chunk| driver.item(chunk)).collect();
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

/// Whether a bracket only seems unclosed, because a text without an end took what closes it.
fn swallowed(unclosed: &Diagnostic, lexed: &[Diagnostic]) -> bool {
    let (first, last) = (unclosed.labels.first(), unclosed.labels.last());
    let (Some(first), Some(last)) = (first, last) else { return false };
    unclosed.code == codes::UNCLOSED_BRACKET
        && lexed.iter().take(MAX_ERRORS).any(|one| {
            let at = one.span().start;
            one.code == codes::UNTERMINATED_STRING && first.span.start <= at && at <= last.span.end
        })
}

/// The tokens of each top-level declaration: what stands between newlines outside of all brackets. A brace on a line of
/// its own belongs to the declaration above, if that has none: it is told to move there.
fn chunks(tokens: &[Token]) -> Vec<&[Token]> {
    let mut chunks = Vec::new();
    let (mut depth, mut start, mut has_braces) = (0usize, 0usize, false);
    for (index, token) in tokens.iter().enumerate() {
        if token.kind.closer().is_some() {
            depth += 1;
            has_braces |= token.kind == TokenKind::OpenBrace;
        } else if token.kind.is_closer() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.kind == TokenKind::Newline {
            let chunk = tokens.get(start..index).unwrap_or_default();
            let brace = tokens.get(index + 1).is_some_and(|next| next.kind == TokenKind::OpenBrace);
            if !(brace && !has_braces && takes_braces(chunk)) {
                chunks.push(chunk);
                (start, has_braces) = (index + 1, false);
            }
        }
    }
    chunks.push(tokens.get(start..).unwrap_or_default());
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

fn takes_braces(chunk: &[Token]) -> bool {
    use TokenKind::{Activity, Enum, Error, Fn, Pub, Record, Schedule, Spec, Test, Workflow};
    let first = chunk.iter().map(|token| token.kind).find(|kind| *kind != Pub);
    first.is_some_and(|kind| {
        matches!(kind, Activity | Enum | Error | Fn | Record | Schedule | Spec | Test | Workflow)
    })
}

/// What to read in place of some tokens.
type Change = (Range<usize>, &'static [TokenKind]);

struct Driver<'c, 's> {
    cx: &'c Context<'s>,
    /// What the lexer and the layout pass reported: a mistake in the same place is theirs.
    early: Vec<Diagnostic>,
    found: Vec<Diagnostic>,
    /// How often a declaration was parsed again.
    attempts: usize,
    /// Whether what stands before is no declaration, so that what follows may be a part of it.
    lost: bool,
    /// Whether the declaration begins as in another language, so that the rest of it may be of that as well.
    foreign: bool,
    /// Reserved words that were used as names: they will be again.
    taken: Vec<&'s str>,
}

impl<'c, 's> Driver<'c, 's> {
    fn new(cx: &'c Context<'s>, early: Vec<Diagnostic>) -> Driver<'c, 's> {
        Driver { cx, early, found: Vec::new(), attempts: 0, lost: false, foreign: false, taken: Vec::new() }
    }

    fn item(&mut self, chunk: &[Token]) -> Item {
        let parser = grammar::ItemParser::new();
        let mut tokens = Cow::Borrowed(chunk);
        self.foreign = false;
        self.taken.clear();
        loop {
            let consumed = Cell::new(0usize);
            let triples = tokens.iter().map(|token| {
                consumed.set(consumed.get() + 1);
                (token.span.start, token.kind, token.span.end)
            });
            let error = match parser.parse(self.cx, triples) {
                Ok(item) => {
                    self.lost = false;
                    return *item;
                }
                Err(error) => error,
            };
            let (at, expected) = match error {
                ParseError::UnrecognizedToken { expected, .. } => {
                    (consumed.get().saturating_sub(1), expected)
                }
                ParseError::UnrecognizedEof { expected, .. } => (tokens.len(), expected),
                _ => (tokens.len(), Vec::new()),
            };
            let Some((range, read)) = self.mistake(&tokens, at, &expected) else {
                self.lost = true;
                return invalid(self.cx, chunk);
            };
            replace(tokens.to_mut(), range, read);
        }
    }

    /// Reports a mistake, unless it was, and gives what to change; nothing if that is the whole declaration.
    fn mistake(&mut self, tokens: &[Token], at: usize, expected: &[String]) -> Option<Change> {
        self.attempts += 1;
        if self.attempts > 2 * MAX_ERRORS {
            return None;
        }
        let narrow = element(tokens, at, true);
        let region = tokens.get(narrow.clone().unwrap_or(0..tokens.len())).unwrap_or_default();
        let again =
            has_invalid(region) || tokens.get(at).is_some_and(|token| token.kind == TokenKind::Invalid);
        let early = self.reported_early(span_of(region));
        let explained = messages::explain(&Mistake { cx: self.cx, tokens, at, expected });
        if !early && self.is_new(tokens, &explained, again) {
            if !self.follows(tokens, at, &explained) {
                self.note(tokens, at, explained.diagnostic);
            }
            match explained.recovery {
                Recovery::Read(range, read) => return Some((range, read)),
                Recovery::Element(range) => {
                    return widened(tokens, at, narrow, &range).and_then(|range| left_out(tokens, range));
                }
            }
        }
        // A mistake that stays after its element was left out lies in what surrounds it.
        let range = if again { element(tokens, at, false) } else { narrow }?;
        left_out(tokens, if range.is_empty() { at..at + 1 } else { range })
    }

    /// Whether a mistake is another one than those before. What another language writes so is known by its own
    /// tokens, even beside a mistake.
    fn is_new(&self, tokens: &[Token], explained: &Explained, again: bool) -> bool {
        let (Recovery::Read(range, _) | Recovery::Element(range)) = &explained.recovery;
        let clean = !range.is_empty() && !has_invalid(tokens.get(range.clone()).unwrap_or_default());
        let span = explained.diagnostic.span();
        (!again || clean) && self.found.iter().rev().take(MAX_ERRORS).all(|known| known.span() != span)
    }

    /// Whether a mistake only follows from one before.
    fn follows(&self, tokens: &[Token], at: usize, explained: &Explained) -> bool {
        let is_taken = |token: &Token| self.taken.contains(&self.cx.text(token.span.start, token.span.end));
        let around = tokens.get(at.saturating_sub(1)..(at + 1).min(tokens.len())).unwrap_or_default();
        let generic = matches!(&explained.recovery, Recovery::Element(range) if range.is_empty());
        let stray = at == 0 && self.lost;
        let indented = tokens.first().is_some_and(|first| self.cx.indent(first.span) > 0);
        self.foreign || around.iter().any(is_taken) || (stray && (generic || indented))
    }

    fn note(&mut self, tokens: &[Token], at: usize, diagnostic: Diagnostic) {
        self.foreign |= diagnostic.code == codes::NOT_A_DECLARATION;
        if diagnostic.code == codes::RESERVED_WORD
            && let Some(word) = tokens.get(at)
        {
            self.taken.push(self.cx.text(word.span.start, word.span.end));
        }
        self.found.push(diagnostic);
    }

    fn reported_early(&self, region: Span) -> bool {
        self.early.iter().take(2 * MAX_ERRORS).any(|diagnostic| {
            let span = diagnostic.span();
            diagnostic.is_error() && span.start <= region.end && region.start <= span.end
        })
    }
}

fn has_invalid(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| token.kind == TokenKind::Invalid)
}

/// The element of a mistake with all elements that `range`, if there is one, reaches into.
fn widened(
    tokens: &[Token],
    at: usize,
    narrow: Option<Range<usize>>,
    range: &Range<usize>,
) -> Option<Range<usize>> {
    let narrow = narrow?;
    let narrow = if narrow.is_empty() { at..at + 1 } else { narrow };
    let Some(last) = range.end.checked_sub(1).filter(|_| !range.is_empty()) else { return Some(narrow) };
    let end = element(tokens, last, true).map_or(range.end, |element| element.end);
    Some(narrow.start.min(range.start)..narrow.end.max(end).max(range.end))
}

/// Leaves an element out, unless that can't help.
fn left_out(tokens: &[Token], range: Range<usize>) -> Option<Change> {
    let only = tokens.get(range.clone())?;
    let hopeless =
        matches!(only, [token] if matches!(token.kind, TokenKind::Invalid | TokenKind::CloseBrace));
    (!hopeless).then_some((range, &[TokenKind::Invalid]))
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

fn replace(tokens: &mut Vec<Token>, range: Range<usize>, read: &[TokenKind]) {
    let Some(replaced) = tokens.get(range.clone()) else { return };
    let span = span_of(replaced);
    let starts_line = replaced.first().is_some_and(|first| first.starts_line);
    tokens.splice(range, read.iter().map(|&kind| Token { kind, starts_line, span }));
}

fn span_of(tokens: &[Token]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => Span::new(first.span.start, last.span.end.max(first.span.start)),
        _ => Span::default(),
    }
}

/// How many tokens of what could not be read are searched for the names it declares.
const HEAD: usize = 16;

/// What could not be read, with the names it may declare: nobody is to hear that these are unknown.
fn invalid(cx: &Context<'_>, chunk: &[Token]) -> Item {
    let is_name = |token: &&Token| {
        matches!(token.kind, TokenKind::Lower | TokenKind::Upper) || token.kind.is_contextual()
    };
    let names = chunk.iter().take(HEAD).filter(is_name);
    let names = names.map(|token| cx.ident(token.span.start, token.span.end)).collect();
    Item { docs: None, public: false, kind: ItemKind::Invalid(names), span: span_of(chunk) }
}
