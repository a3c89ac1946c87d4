//! The layout pass: one walk over the tokens that decides which newlines end statements, which words are
//! names, and mends brackets, so that the grammar sees neither lines nor unbalanced input.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lexer::ENOUGH;
use crate::span::{SourceFile, Span};
use crate::token::{Token, TokenKind};

/// How deep brackets may nest, so that nothing that walks the tree runs out of stack.
const MAX_BRACKETS: usize = 256;
/// How many operators and brackets may be pending in one expression, for the same reason.
const MAX_PENDING: u32 = 600;

/// Tokens for the grammar, brackets balanced, with `Newline` where a statement ends.
pub(crate) struct Laid {
    pub tokens: Vec<Token>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Lays out the tokens of a file.
pub(crate) fn lay_out(tokens: &[Token], file: &SourceFile) -> Laid {
    let mut layout = Layout {
        file,
        tokens,
        out: Vec::with_capacity(tokens.len() + tokens.len() / 8),
        diagnostics: Vec::new(),
        open: vec![Open { kind: TokenKind::OpenBrace, span: Span::default(), pending: 0 }],
        pending: 0,
        skipping: None,
        told: false,
        mended_at: None,
    };
    for at in 0..tokens.len() {
        layout.token(at);
    }
    layout.finish();
    Laid { tokens: layout.out, diagnostics: layout.diagnostics }
}

/// An open bracket. The first is the file itself.
#[derive(Clone, Copy)]
struct Open {
    kind: TokenKind,
    span: Span,
    /// Operators and brackets since the last separator in it.
    pending: u32,
}

struct Layout<'t> {
    file: &'t SourceFile,
    tokens: &'t [Token],
    out: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
    open: Vec<Open>,
    /// Sum of the pending operators over all open brackets.
    pending: u32,
    /// Set while tokens nested too deep are left out: until this many brackets are open, and a separator.
    skipping: Option<usize>,
    /// Whether the declaration was reported as too deep.
    told: bool,
    /// Where an unclosed bracket was reported last.
    mended_at: Option<u32>,
}

impl Layout<'_> {
    fn token(&mut self, at: usize) {
        let Some(&token) = self.tokens.get(at) else { return };
        let next = self.tokens.get(at + 1).copied();
        if token.starts_line {
            let begins = self.mend_at_line_start(token, next);
            if begins || self.newline_ends_statement(token, next) {
                self.separator(TokenKind::Newline, token.span);
            }
        }
        let kind = self.name_or_keyword(token, next);
        match kind {
            TokenKind::Semicolon => self.separator(TokenKind::Newline, token.span),
            TokenKind::Comma => self.separator(TokenKind::Comma, token.span),
            _ if kind.closer().is_some() => self.open(Token { kind, ..token }),
            _ if kind.is_closer() => self.close(Token { kind, ..token }),
            _ => {
                if binds(kind) {
                    self.weigh(token.span);
                }
                self.emit(Token { kind, ..token });
            }
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < ENOUGH {
            self.diagnostics.push(diagnostic);
        }
    }

    fn emit(&mut self, token: Token) {
        if self.skipping.is_none() {
            self.out.push(token);
        }
    }

    fn depth(&self) -> usize {
        self.open.len()
    }

    fn innermost(&self) -> TokenKind {
        self.open.last().map_or(TokenKind::OpenBrace, |open| open.kind)
    }

    /// Rule 1 and 2: whether the line break before `token` ends a statement.
    fn newline_ends_statement(&self, token: Token, next: Option<Token>) -> bool {
        let Some(last) = self.out.last() else { return false };
        self.innermost() == TokenKind::OpenBrace
            && self.can_end(*last)
            && !continues(token, next)
            && token.kind != TokenKind::CloseBrace
    }

    fn can_end(&self, last: Token) -> bool {
        use TokenKind::*;
        match last.kind {
            Lower | Upper | Int | Decimal | Duration | StrClose | True | False | None | Invalid => true,
            CloseParen | CloseBracket | CloseBrace | Question | Underscore => true,
            Break | Continue | Return | Commit => true,
            Greater => self.glued(last.span),
            kind => kind.is_contextual() && !self.introduces(last),
        }
    }

    /// Whether no space stands before a mark: `List<T>` rather than `a > b`.
    fn glued(&self, span: Span) -> bool {
        let before = (span.start - self.file.base()) as usize;
        let byte = before.checked_sub(1).and_then(|at| self.file.text().as_bytes().get(at));
        byte.is_some_and(|byte| !byte.is_ascii_whitespace())
    }

    /// A contextual word at the start of a statement may introduce what the next line goes on with.
    fn introduces(&self, last: Token) -> bool {
        last.starts_line && matches!(last.kind, TokenKind::Always | TokenKind::Eventually)
    }

    /// Rule "a word after `.` or before `:` is a name".
    fn name_or_keyword(&self, token: Token, next: Option<Token>) -> TokenKind {
        if !(token.kind.is_reserved() || token.kind.is_contextual()) {
            return token.kind;
        }
        let after_dot =
            self.out.last().is_some_and(|last| matches!(last.kind, TokenKind::Dot | TokenKind::OptionalDot));
        let literal = matches!(token.kind, TokenKind::True | TokenKind::False | TokenKind::None);
        let before_colon = !literal && next.is_some_and(|next| next.kind == TokenKind::Colon);
        // `else:` at the end of a line is Python's, whose blocks are told of: no key is called so.
        let block = matches!(token.kind, TokenKind::Else | TokenKind::Try) && self.ends_line(next);
        let before_colon = before_colon && !block;
        if after_dot || before_colon { TokenKind::Lower } else { token.kind }
    }

    /// Whether nothing follows a token on its line.
    fn ends_line(&self, token: Option<Token>) -> bool {
        let behind = token.map_or(0, |token| (token.span.end - self.file.base()) as usize);
        let rest = self.file.text().get(behind..).unwrap_or_default();
        rest.lines()
            .next()
            .is_none_or(|line| line.trim_start().is_empty() || line.trim_start().starts_with("//"))
    }

    /// Ends what the operators of the current bracket are pending for. Separators before a closing bracket, at
    /// the start and after one another are left out.
    fn separator(&mut self, kind: TokenKind, span: Span) {
        if self.skipping.is_some_and(|depth| depth >= self.depth()) {
            self.skipping = None;
        }
        if let Some(open) = self.open.last_mut() {
            self.pending -= std::mem::take(&mut open.pending);
        }
        if kind == TokenKind::Newline {
            self.told &= self.depth() > 1;
            let at_start = self
                .out
                .last()
                .is_none_or(|last| matches!(last.kind, TokenKind::Newline | TokenKind::OpenBrace));
            if !at_start {
                self.emit(Token { kind, starts_line: false, span: Span::new(span.start, span.start) });
            }
        } else {
            self.emit(Token { kind, starts_line: false, span });
        }
    }

    /// Counts an operator or bracket; too many pending are an error, and the rest of the expression is left out.
    fn weigh(&mut self, span: Span) {
        if let Some(open) = self.open.last_mut() {
            open.pending += 1;
            self.pending += 1;
        }
        if self.pending > MAX_PENDING {
            self.too_deep(span, "this expression has too many operators");
        }
    }

    fn too_deep(&mut self, span: Span, message: &str) {
        if self.skipping.is_none() {
            if !std::mem::replace(&mut self.told, true) {
                self.report(
                    Diagnostic::error(codes::TOO_DEEP, message)
                        .at(span, "from here on it is not read")
                        .note(format!(
                            "at most {MAX_BRACKETS} brackets and {MAX_PENDING} operators may be nested"
                        ))
                        .help("give parts of it a name with `let`, or move them to a function"),
                );
            }
            self.out.push(Token { kind: TokenKind::Invalid, starts_line: false, span });
            self.skipping = Some(self.depth());
        }
    }

    fn open(&mut self, token: Token) {
        if token.kind != TokenKind::InterpOpen {
            self.weigh(token.span);
        }
        if self.depth() > MAX_BRACKETS {
            self.too_deep(token.span, "brackets are nested too deep");
        }
        self.emit(token);
        self.open.push(Open { kind: token.kind, span: token.span, pending: 0 });
    }

    fn close(&mut self, token: Token) {
        if !self.has_opener(token.kind) {
            if self.closes_wrongly(token) {
                return;
            }
            let written = text(token.kind);
            self.report(
                Diagnostic::error(codes::UNEXPECTED_CLOSER, format!("this `{written}` closes nothing"))
                    .at(token.span, "")
                    .suggest(token.span, "", format!("remove `{written}`")),
            );
            return;
        }
        while self.open.last().is_some_and(|open| open.kind.closer() != Some(token.kind)) {
            self.close_unclosed(token.span);
        }
        self.pop(token);
    }

    /// `[1, 2)`: a round bracket that closes a square one, or the reverse.
    fn closes_wrongly(&mut self, token: Token) -> bool {
        let Some(&open) = self.open.last() else { return false };
        let round = matches!(token.kind, TokenKind::CloseParen | TokenKind::CloseBracket);
        let Some(closer) = open
            .kind
            .closer()
            .filter(|closer| round && matches!(closer, TokenKind::CloseParen | TokenKind::CloseBracket))
        else {
            return false;
        };
        let (opened, written, meant) = (text(open.kind), text(token.kind), text(closer));
        self.report(
            Diagnostic::error(codes::UNEXPECTED_CLOSER, format!("`{written}` can't close `{opened}`"))
                .at(token.span, "")
                .also(open.span, "opened here")
                .suggest(token.span, meant, format!("write `{meant}`")),
        );
        self.pop(Token { kind: closer, ..token });
        true
    }

    /// Whether a closing bracket has its opening one: round and square ones within the nearest braces.
    fn has_opener(&self, closer: TokenKind) -> bool {
        // Looking no further than anything sensible nests keeps hostile input linear.
        let open = self.open.iter().skip(1).rev().take(2 * MAX_BRACKETS);
        let wall = |kind| match closer {
            TokenKind::InterpClose => false,
            TokenKind::CloseBrace => kind == TokenKind::InterpOpen,
            _ => kind == TokenKind::OpenBrace || kind == TokenKind::InterpOpen,
        };
        open.map(|open| open.kind)
            .find(|&kind| kind.closer() == Some(closer) || wall(kind))
            .is_some_and(|kind| kind.closer() == Some(closer))
    }

    fn pop(&mut self, closer: Token) {
        if self.out.last().is_some_and(|last| last.kind == TokenKind::Newline) && self.skipping.is_none() {
            self.out.pop();
        }
        if let Some(open) = self.open.pop() {
            self.pending -= open.pending;
        }
        // The bracket where skipping began closes what was left out, too.
        if self.skipping.is_some_and(|depth| depth > self.depth()) {
            self.skipping = None;
        }
        self.emit(closer);
    }

    /// Closes the innermost bracket, which nothing in the text closes, before `at`.
    fn close_unclosed(&mut self, at: Span) {
        let Some(&open) = self.open.last() else { return };
        let Some(closer) = open.kind.closer() else { return };
        // Of several brackets that end at one place, the innermost tells enough.
        let first = self.mended_at.replace(at.start) != Some(at.start);
        if first && open.kind != TokenKind::InterpOpen && self.skipping.is_none() {
            let (opened, closed) = (text(open.kind), text(closer));
            let end = self.out.last().map_or(at.start, |last| last.span.end);
            let indent = self.file.indent(open.span);
            // A block ends on a line of its own, if it does not on that on which it begins.
            let insert = match open.kind == TokenKind::OpenBrace && !self.on_one_line(open.span.start, end) {
                true => format!("\n{}{closed}", " ".repeat(indent)),
                false => closed.to_string(),
            };
            self.report(
                Diagnostic::error(codes::UNCLOSED_BRACKET, format!("this `{opened}` is never closed"))
                    .at(open.span, "opened here")
                    .also(Span::new(end, end), format!("`{closed}` is missing, here at the latest"))
                    .suggest(Span::new(end, end), insert, format!("insert `{closed}`")),
            );
        }
        if open.kind == TokenKind::OpenBrace {
            // What belongs into the block may stand behind it: nothing is known of its value.
            self.separator(TokenKind::Newline, at);
            self.emit(Token {
                kind: TokenKind::Invalid,
                starts_line: false,
                span: Span::new(at.start, at.start),
            });
        }
        self.pop(Token { kind: closer, starts_line: false, span: Span::new(at.start, at.start) });
    }

    /// A word that can only begin a statement or a declaration, at the start of a line, closes what was left
    /// open before it: round and square brackets, and braces as well where it stands no deeper than their line.
    /// Whether it is such a word, and so ends whatever stands before.
    fn mend_at_line_start(&mut self, token: Token, next: Option<Token>) -> bool {
        use TokenKind::*;
        let named = next.is_some_and(|next| !next.starts_line && (next.kind == Lower || next.kind == Upper));
        let (statement, declaration) = match token.kind {
            Let | Var => (next.is_some_and(|next| next.kind != Colon), false),
            Fn | Workflow | Activity | Record | Enum => (named, named),
            Const | Schedule => (false, named),
            Pub => (false, next.is_some_and(|next| next.kind != Colon)),
            _ => (false, false),
        };
        if statement {
            while matches!(self.innermost(), OpenParen | OpenBracket) {
                self.close_unclosed(token.span);
            }
        }
        while declaration && self.depth() > 1 && self.file.indent(token.span) <= self.open_indent() {
            self.close_unclosed(token.span);
        }
        (statement || declaration) && self.innermost() == OpenBrace
    }

    fn on_one_line(&self, start: u32, end: u32) -> bool {
        let line = |at: u32| self.file.line_index((at - self.file.base()) as usize);
        line(start) == line(end)
    }

    fn open_indent(&self) -> usize {
        self.open.last().map_or(0, |open| self.file.indent(open.span))
    }

    fn finish(&mut self) {
        let end = Span::new(self.file.span().end, self.file.span().end);
        while self.depth() > 1 {
            self.close_unclosed(end);
        }
    }
}

/// Rule 2: whether a line that begins with `token` goes on with the statement of the line before.
fn continues(token: Token, next: Option<Token>) -> bool {
    use TokenKind::*;
    match token.kind {
        // A word before `:` is a key, whatever it says elsewhere.
        kind if kind.is_reserved() && kind != Else && next.is_some_and(|next| next.kind == Colon) => false,
        // Nothing begins with it: it is another language's choice between two values.
        Question => true,
        Dot | OptionalDot | Comma | Colon | Equal | Arrow | FatArrow | Bar | CloseParen | CloseBracket => {
            true
        }
        Minus => next.is_some_and(|next| next.span.start > token.span.end),
        Plus | Star | Slash | Percent | EqualEqual | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
            true
        }
        Coalesce | DotDot | PlusEqual | MinusEqual | StarEqual | SlashEqual | PercentEqual => true,
        Catch | Compensate | Unknown | Else | And | Or | Is | As | With | Using => true,
        Implies | Until | Per | Unless | Within | Fails => true,
        _ => false,
    }
}

/// Whether a token nests what stands beside it: operators and the words that join or begin expressions.
fn binds(kind: TokenKind) -> bool {
    use TokenKind::*;
    match kind {
        Lower | Upper | Underscore | Int | Decimal | Duration | True | False | None => false,
        StrOpen | StrText | StrClose | Colon | Equal | Newline | Invalid => false,
        kind => !kind.is_contextual(),
    }
}

fn text(bracket: TokenKind) -> &'static str {
    match bracket {
        TokenKind::OpenParen => "(",
        TokenKind::CloseParen => ")",
        TokenKind::OpenBracket => "[",
        TokenKind::CloseBracket => "]",
        TokenKind::OpenBrace | TokenKind::InterpOpen => "{",
        _ => "}",
    }
}
