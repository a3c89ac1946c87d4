//! What people write who come from another language, and how it is written here.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::messages::Mistake;
use crate::span::Span;
use crate::token::TokenKind;

/// Words that begin a statement elsewhere, and the word for it here.
const WORDS: [(&str, &str); 8] = [
    ("throw", "fail"),
    ("raise", "fail"),
    ("val", "let"),
    ("final", "let"),
    ("auto", "let"),
    ("elif", "else if"),
    ("elsif", "else if"),
    ("go", "spawn"),
];

/// Marks of other languages that are read as two of ours, and the one for it here.
const MARKS: [(&str, &str); 4] = [("||", "or"), ("===", "=="), ("!==", "!="), ("::", ".")];

/// Marks that stand where another one belongs: found, expected.
const WRONG_MARKS: [(TokenKind, &str); 4] =
    [(TokenKind::Arrow, "=>"), (TokenKind::Colon, "=>"), (TokenKind::Colon, "->"), (TokenKind::Equal, ":")];

impl Mistake<'_, '_> {
    /// `throw E`, `val x = 1`
    pub(crate) fn foreign_word(&self) -> Option<Diagnostic> {
        let word = self.previous()?;
        let (foreign, own) = WORDS.iter().find(|(foreign, _)| *foreign == self.text(word))?;
        self.complete().then(|| {
            Diagnostic::error(codes::EXPECTED, format!("`{foreign}` is written `{own}`"))
                .at(word.span, "")
                .fix(word.span, *own, format!("write `{own}`"))
        })
    }

    /// `new Point(…)`
    pub(crate) fn needless_new(&self) -> Option<Diagnostic> {
        let word = self.previous().filter(|word| self.text(*word) == "new")?;
        let made = self.found().filter(|found| found.kind == TokenKind::Upper)?;
        let gap = Span::new(word.span.start, made.span.start);
        Some(
            Diagnostic::error(codes::EXPECTED, "values are made without `new`")
                .at(word.span, "not needed")
                .fix(gap, "", "remove it"),
        )
    }

    /// `a || b`, `a === b`, `Verdict::Approved`
    pub(crate) fn foreign_mark(&self) -> Option<Diagnostic> {
        let found = self.found()?;
        let around = [(self.previous(), Some(found)), (Some(found), self.next())];
        let (span, own) = around.into_iter().find_map(|(first, second)| {
            let span = Span::new(first?.span.start, second?.span.end);
            let (_, own) =
                MARKS.iter().find(|(foreign, _)| *foreign == self.cx.text(span.start, span.end))?;
            Some((span, *own))
        })?;
        let foreign = self.cx.text(span.start, span.end);
        Some(
            Diagnostic::error(codes::WRONG_OPERATOR, format!("`{foreign}` is written `{own}`"))
                .at(span, "")
                .fix(span, own, format!("write `{own}`")),
        )
    }

    /// `n++`
    pub(crate) fn increment(&self) -> Option<Diagnostic> {
        let (first, second) = (self.previous()?, self.found()?);
        let sign = match (first.kind, second.kind) {
            (TokenKind::Plus, TokenKind::Plus) => "+",
            (TokenKind::Minus, TokenKind::Minus) => "-",
            _ => return None,
        };
        let span = Span::new(first.span.start, second.span.end);
        (span.len() == 2).then(|| {
            Diagnostic::error(codes::WRONG_OPERATOR, format!("there is no `{sign}{sign}`"))
                .at(span, "")
                .help(format!("count with `n {sign}= 1`"))
                .fix(span, format!(" {sign}= 1"), format!("write `{sign}= 1`"))
        })
    }

    /// `x => x * 2`, `(x, y) => x + y`
    pub(crate) fn arrow_lambda(&self) -> Option<Diagnostic> {
        let arrow = self.found().filter(|found| found.kind == TokenKind::FatArrow)?;
        let last = self.previous().filter(|_| !self.expects("=>"))?;
        let first = match last.kind {
            TokenKind::Lower => last,
            TokenKind::CloseParen => {
                let before = self.tokens.get(..self.at)?;
                *before.iter().rev().find(|token| token.kind == TokenKind::OpenParen)?
            }
            _ => return None,
        };
        let params = self.cx.text(first.span.start, last.span.end).trim_matches(['(', ')']).trim();
        let span = Span::new(first.span.start, arrow.span.end);
        Some(
            Diagnostic::error(codes::EXPECTED, "a lambda has its parameters between bars")
                .at(span, "")
                .help(format!("write `|{params}| …`"))
                .fix(span, format!("|{params}|"), format!("write `|{params}|`")),
        )
    }

    /// `A -> b` in a `match`, `fn f(): T`, `record R { x = Int }`
    pub(crate) fn wrong_mark(&self) -> Option<Diagnostic> {
        let found = self.found()?;
        let fits = |(kind, own): &&(TokenKind, &str)| *kind == found.kind && self.expects(own);
        let (_, own) = WRONG_MARKS.iter().find(fits)?;
        let written = self.text(found);
        let space = if written == ":" { " " } else { "" };
        // A colon stands right behind the name.
        let gap = self.previous().filter(|_| *own == ":").map_or(found.span.start, |name| name.span.end);
        let replaced = Span::new(gap, found.span.end);
        Some(
            Diagnostic::error(codes::EXPECTED, format!("expected `{own}`{}", self.after()))
                .at(found.span, format!("found `{written}`"))
                .fix(replaced, format!("{space}{own}"), format!("write `{own}`")),
        )
    }

    /// `fn f() Int`, `fn f(x Int)`: a type without the mark before it.
    pub(crate) fn missing_mark(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|found| found.kind == TokenKind::Upper)?;
        let previous = self.previous()?;
        let (mark, place) = match (self.expects("->"), self.expects(":")) {
            (true, _) => ("->", Span::new(found.span.start, found.span.start)),
            (_, true) => (":", Span::new(previous.span.end, previous.span.end)),
            _ => return None,
        };
        let inserted = if mark == "->" { "-> " } else { ":" };
        Some(
            Diagnostic::error(codes::EXPECTED, format!("expected `{mark}`{}", self.after()))
                .at(found.span, format!("the type `{}` stands behind `{mark}`", self.text(found)))
                .fix(place, inserted, format!("insert `{mark}`")),
        )
    }

    /// `const x = 1` in a body, `let mut x = 1`.
    pub(crate) fn other_declaration(&self) -> Option<Diagnostic> {
        let found = self.found()?;
        if found.kind == TokenKind::Const && self.expects("let") {
            return Some(
                Diagnostic::error(codes::EXPECTED, "constants are declared at the top of a file")
                    .at(found.span, "in a body, a variable that never changes is declared with `let`")
                    .fix(found.span, "let", "write `let`"),
            );
        }
        let word = self.previous().filter(|word| self.text(*word) == "mut")?;
        let keyword =
            self.tokens.get(self.at.checked_sub(2)?).filter(|token| token.kind == TokenKind::Let)?;
        let span = Span::new(keyword.span.start, word.span.end);
        Some(Diagnostic::error(codes::EXPECTED, "`let mut` is written `var`").at(span, "").fix(
            span,
            "var",
            "write `var`",
        ))
    }
}
