//! Mistakes in words: from where the parser stopped and what it could have gone on with to a sentence that
//! helps.

use std::ops::Range;

use crate::codes;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::foreign;
use crate::span::Span;
use crate::token::{Token, TokenKind};

/// Marks that stand where another one belongs: found, expected.
const WRONG_MARKS: [(TokenKind, &str); 5] = [
    (TokenKind::FatArrow, "->"),
    (TokenKind::Arrow, "=>"),
    (TokenKind::Colon, "=>"),
    (TokenKind::Colon, "->"),
    (TokenKind::Equal, ":"),
];

/// Where the parser stopped.
pub(crate) struct Mistake<'m, 's> {
    pub cx: &'m Context<'s>,
    pub tokens: &'m [Token],
    /// The token it could not take; their number at the end.
    pub at: usize,
    /// The terminals it could have taken, as the grammar writes them.
    pub expected: &'m [String],
}

/// What is said of a mistake, and how what surrounds it can be read all the same.
pub(crate) struct Explained {
    pub diagnostic: Diagnostic,
    pub recovery: Recovery,
}

/// How parsing goes on after a mistake. Ranges count tokens.
pub(crate) enum Recovery {
    /// Without the element (statement, field, arm …) around these.
    Element(Range<usize>),
    /// As if other tokens stood in place of these.
    Read(Range<usize>, &'static [TokenKind]),
}

/// Says what is wrong.
pub(crate) fn explain(mistake: &Mistake<'_, '_>) -> Explained {
    let found = mistake.brace_on_own_line().or_else(|| mistake.settings_expected());
    found.or_else(|| foreign::explain(mistake)).unwrap_or_else(|| mistake.plain())
}

impl Mistake<'_, '_> {
    /// What the parser makes of the mistake by itself, without the habits of other languages.
    fn plain(&self) -> Explained {
        let special = [
            Mistake::not_a_declaration,
            Mistake::wrong_mark,
            Mistake::missing_mark,
            Mistake::chained_comparison,
            Mistake::single_equal,
            Mistake::diverging_operand,
            Mistake::case_of_name,
            Mistake::reserved_word,
            Mistake::use_of_reserved_name,
        ];
        let diagnostic =
            special.iter().find_map(|explain| explain(self)).unwrap_or_else(|| self.unexpected());
        Explained { diagnostic, recovery: Recovery::Element(self.at..self.at) }
    }

    pub(crate) fn found(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn kind(&self) -> Option<TokenKind> {
        self.found().map(|token| token.kind)
    }

    pub(crate) fn previous(&self) -> Option<Token> {
        self.tokens.get(self.at.checked_sub(1)?).copied()
    }

    pub(crate) fn expects(&self, terminal: &str) -> bool {
        self.expected.iter().any(|expected| expected.trim_matches('"') == terminal)
    }

    pub(crate) fn text(&self, token: Token) -> &str {
        self.cx.text(token.span.start, token.span.end)
    }

    /// Where some tokens stand.
    pub(crate) fn span_of(&self, range: Range<usize>) -> Span {
        let tokens = self.tokens.get(range).unwrap_or_default();
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end.max(first.span.start)),
            _ => self.place(),
        }
    }

    /// What is written at some tokens.
    pub(crate) fn between(&self, range: Range<usize>) -> &str {
        if range.is_empty() {
            return "";
        }
        let span = self.span_of(range);
        self.cx.text(span.start, span.end)
    }

    /// Where to point: the token, or just behind the one before where a line or the file ends too early.
    fn place(&self) -> Span {
        let behind = self.previous().map(|token| Span::new(token.span.end, token.span.end));
        match self.found() {
            Some(token) if token.kind != TokenKind::Newline && !token.span.is_empty() => token.span,
            Some(token) => behind.unwrap_or(token.span),
            None => behind.unwrap_or_default(),
        }
    }

    fn found_text(&self) -> String {
        match self.found() {
            None => "the end of the declaration".to_string(),
            Some(token) if token.kind == TokenKind::Newline => "the end of the line".to_string(),
            Some(token) if token.kind == TokenKind::StrOpen => "a string".to_string(),
            Some(token) if token.span.is_empty() => "the end of what the brackets hold".to_string(),
            Some(token) => format!("`{}`", self.text(token)),
        }
    }

    pub(crate) fn after(&self) -> String {
        match self.previous() {
            Some(token) if matches!(token.kind, TokenKind::StrClose) => " after the string".to_string(),
            Some(token) if matches!(token.kind, TokenKind::Newline | TokenKind::Invalid) => String::new(),
            Some(token) if !self.text(token).is_empty() => format!(" after `{}`", self.text(token)),
            _ => String::new(),
        }
    }

    fn unexpected(&self) -> Diagnostic {
        let found = self.found_text();
        let place = self.place();
        let wanted = self.wanted();
        if self.complete() {
            let bare = found.trim_start_matches("a ").trim_start_matches("the ");
            let message = format!("unexpected {bare}{}", self.after());
            let diagnostic = Diagnostic::error(codes::EXPECTED, message);
            return match wanted {
                Some(wanted)
                    if ["`)`", "`]`"].contains(&wanted.as_str()) && self.kind().is_some_and(begins_value) =>
                {
                    let behind = self.previous().map_or(place.start, |token| token.span.end);
                    diagnostic.at(place, format!("expected `,` or {wanted} here")).suggest(
                        Span::new(behind, behind),
                        ",",
                        "insert `,`",
                    )
                }
                Some(wanted) => diagnostic.at(place, format!("expected {wanted} here")),
                None => diagnostic
                    .at(place, "the expression before is complete")
                    .help("begin a new statement on a new line, or join the two with an operator or a comma"),
            };
        }
        let Some(wanted) = wanted else {
            let message = format!("unexpected {}{}", found.trim_start_matches("the "), self.after());
            return Diagnostic::error(codes::EXPECTED, message)
                .at(place, "")
                .help("a declaration begins on a line of its own");
        };
        let diagnostic = Diagnostic::error(codes::EXPECTED, format!("expected {wanted}{}", self.after()))
            .at(place, format!("found {found}"));
        if wanted == "a pattern" && self.kind() == Some(TokenKind::OpenBracket) {
            return diagnostic.help("lists have no patterns: ask for `xs.len()`, then look at `xs[0]`");
        }
        diagnostic
    }

    /// Whether what stands before could be a whole expression.
    pub(crate) fn complete(&self) -> bool {
        self.expects("+") && self.expects("and") && !self.expects("match")
    }

    /// What was expected, as a person would say it.
    fn wanted(&self) -> Option<String> {
        let wanted = if self.complete() {
            let closer = self.expected_of(&["{", "=>", ")", "]", "interp_close", "in", "else"]);
            return (closer.len() == 1).then(|| closer.first().cloned()).flatten();
        } else if self.expects("match") && self.expects("let") {
            "a statement"
        } else if self.expects("match") && self.expects("int") {
            "an expression"
        } else if self.expects("_") && self.expects("upper") {
            "a pattern"
        } else if self.expects("_") {
            "a name"
        } else if self.expects("fn") && self.expects("upper") {
            "a type"
        } else if self.expects("str_open") && self.expected.len() == 1 {
            "a text in double quotes"
        } else {
            return self.listed();
        };
        Some(wanted.to_string())
    }

    /// A few terminals by name.
    fn listed(&self) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        if self.expects("lower") {
            names.push("a name".to_string());
        }
        if self.expects("upper") {
            names.push("a name that begins with a capital".to_string());
        }
        let marks =
            ["(", ")", "[", "]", "{", "}", "<", ">", ",", ":", "=", "->", "=>", ".", "in", "until", "for"];
        names.extend(self.expected_of(&marks));
        // These two are names as well.
        if !self.expects("lower") {
            names.extend(self.expected_of(&["returns", "takes"]));
        }
        names.extend(self.expected_of(&["interp_close", "fails", "newline"]));
        names.truncate(4);
        let last = names.pop()?;
        Some(if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) })
    }

    fn expected_of(&self, terminals: &[&str]) -> Vec<String> {
        let name = |terminal: &str| match terminal {
            "interp_close" => "`}`".to_string(),
            "newline" => "the end of the line".to_string(),
            mark => format!("`{mark}`"),
        };
        terminals.iter().filter(|terminal| self.expects(terminal)).map(|terminal| name(terminal)).collect()
    }

    fn not_a_declaration(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|_| self.expects("pub"))?;
        let message = format!("{} begins no declaration", self.found_text());
        Some(Diagnostic::error(codes::NOT_A_DECLARATION, message).at(found.span, "").help(
            "statements stand in the body of a `fn`, `workflow` or `test`; constants begin with `const`",
        ))
    }

    fn brace_on_own_line(&self) -> Option<Explained> {
        let next = self.tokens.get(self.at + 1)?;
        let brace =
            next.kind == TokenKind::OpenBrace && self.kind() == Some(TokenKind::Newline) && self.expects("{");
        let previous = self.previous().filter(|_| brace)?;
        let gap = Span::new(previous.span.end, next.span.start);
        let diagnostic =
            Diagnostic::error(codes::BRACE_ON_OWN_LINE, "`{` stands on the line of what it belongs to")
                .at(next.span, "a line that begins with `{` begins a new statement")
                .help("move it to the end of the line before")
                .fix(gap, " ", "move it to the line before");
        Some(Explained { diagnostic, recovery: Recovery::Read(self.at..self.at + 1, &[]) })
    }

    /// Statements where an activity has its settings.
    fn settings_expected(&self) -> Option<Explained> {
        let start = usize::from(self.tokens.first()?.kind == TokenKind::Pub);
        let is_activity = self.tokens.get(start)?.kind == TokenKind::Activity;
        let open = self.tokens.iter().position(|token| token.kind == TokenKind::OpenBrace)?;
        let depth = self.tokens.get(open..self.at)?.iter().fold(0usize, |depth, token| {
            if token.kind.closer().is_some() {
                depth + 1
            } else {
                depth.saturating_sub(usize::from(token.kind.is_closer()))
            }
        });
        let first = self.tokens.get(open + 1)?;
        let second = self.tokens.get(open + 2)?;
        // A word before a value is a key that lacks its colon.
        let is_key = second.kind == TokenKind::Colon
            || (first.kind == TokenKind::Timeout || !first.kind.is_reserved()) && begins_value(second.kind);
        let close = self.tokens.iter().rposition(|token| token.kind == TokenKind::CloseBrace)?;
        if !is_activity || is_key || depth != 1 || first.kind == TokenKind::Invalid {
            return None;
        }
        let diagnostic = Diagnostic::error(codes::EXPECTED, "the body of an activity is a list of settings")
            .at(first.span, "a setting is expected here, such as `timeout: 30s`")
            .help("what the activity does is its `run`: `run: http.get(url)`, `run: { … }`");
        Some(Explained {
            diagnostic,
            recovery: Recovery::Read(open + 1..close.max(open + 1), &[TokenKind::Invalid]),
        })
    }

    /// `A -> b` in a `match`, `fn f(): T`, `record R { x = Int }`
    fn wrong_mark(&self) -> Option<Diagnostic> {
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
    fn missing_mark(&self) -> Option<Diagnostic> {
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

    fn chained_comparison(&self) -> Option<Diagnostic> {
        use TokenKind::{EqualEqual, Greater, GreaterEqual, Is, Less, LessEqual, NotEqual};
        let found = self.found()?;
        let comparison =
            matches!(found.kind, EqualEqual | NotEqual | Less | LessEqual | Greater | GreaterEqual | Is);
        // The parser may have closed the first comparison before it noticed, so what it expects now says little.
        let after_value = self.previous().is_some_and(|previous| ends_value(previous.kind));
        (comparison && after_value).then(|| {
            Diagnostic::error(codes::CHAINED_COMPARISON, "comparisons can't be chained")
                .at(found.span, "a second comparison")
                .help("join two with `and`: `a < b and b < c`; or put one in parentheses")
        })
    }

    fn single_equal(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|token| token.kind == TokenKind::Equal)?;
        (self.expects("==") || (self.complete() && self.expects("{"))).then(|| {
            Diagnostic::error(codes::EXPECTED, "`=` assigns, which can't be done here")
                .at(found.span, "")
                .help("`==` compares")
                .fix(found.span, "==", "compare with `==`")
        })
    }

    fn diverging_operand(&self) -> Option<Diagnostic> {
        let diverging = matches!(self.kind(), Some(TokenKind::Fail | TokenKind::Return | TokenKind::Bar));
        let found = self.found().filter(|_| diverging && self.expects("match") && self.expects("int"))?;
        let text = self.text(found);
        let what = if text == "|" { "a lambda".to_string() } else { format!("`{text}`") };
        Some(
            Diagnostic::error(codes::EXPECTED, format!("{what} can't stand here{}", self.after()))
                .at(found.span, "it takes everything to its right")
                .help("it stands at the start of an expression; put it in parentheses here"),
        )
    }

    fn case_of_name(&self) -> Option<Diagnostic> {
        let found = self.found()?;
        let text = self.text(found);
        let mut chars = text.chars();
        let first = chars.next()?;
        let (rule, fixed) = match found.kind {
            TokenKind::Upper if self.expects("lower") && !self.expects("upper") => (
                "values, functions, activities and workflows begin with a small letter",
                first.to_lowercase().chain(chars).collect::<String>(),
            ),
            TokenKind::Lower if self.expects("upper") && !self.expects("lower") => (
                "types, their cases and constants begin with a capital",
                first.to_uppercase().chain(chars).collect::<String>(),
            ),
            _ => return None,
        };
        (fixed != text).then(|| {
            Diagnostic::error(codes::CASE_OF_NAME, format!("`{text}` begins with the wrong kind of letter"))
                .at(found.span, rule)
                .suggest(found.span, fixed.clone(), format!("write `{fixed}`"))
        })
    }

    fn reserved_word(&self) -> Option<Diagnostic> {
        let found = self.found().filter(|token| token.kind.is_reserved() && self.expects("lower"))?;
        if self.expects("match") {
            return None;
        }
        let text = self.text(found);
        if self.expects("}") {
            // In a list of keys any word will do, so long as its `:` follows.
            let behind = Span::new(found.span.end, found.span.end);
            return Some(
                Diagnostic::error(codes::EXPECTED, format!("expected `:` after `{text}`"))
                    .at(found.span, "a key without a value")
                    .fix(behind, ":", "insert `:`"),
            );
        }
        Some(
            Diagnostic::error(codes::RESERVED_WORD, format!("`{text}` is a reserved word"))
                .at(found.span, "a name is expected here")
                .suggest(found.span, format!("{text}_"), format!("name it `{text}_`")),
        )
    }
}

impl Mistake<'_, '_> {
    /// A parameter or variable may be called by a reserved word, since its `:` follows; its use can't be told from the
    /// construct of that name.
    fn use_of_reserved_name(&self) -> Option<Diagnostic> {
        let reserved = |token: &Token| token.kind.is_reserved();
        let used = self.found().filter(reserved).or_else(|| self.previous().filter(reserved))?;
        let text = self.text(used);
        let before = self.tokens.get(..self.at).unwrap_or_default();
        let declares = |window: &[Token]| match window {
            [name, colon, ty] => {
                let kinds = (name.kind, colon.kind, ty.kind);
                kinds == (TokenKind::Lower, TokenKind::Colon, TokenKind::Upper) && self.text(*name) == text
            }
            _ => false,
        };
        let declared = before.windows(3).find(|window| declares(window))?.first()?;
        Some(
            Diagnostic::error(codes::RESERVED_WORD, format!("`{text}` is a reserved word"))
                .at(used.span, "this is not read as a name")
                .also(declared.span, "what is declared here can't be used by this name")
                .help(format!("call it otherwise, say `{text}_`")),
        )
    }
}

fn begins_value(kind: TokenKind) -> bool {
    use TokenKind::{Decimal, Duration, Int, Lower, StrOpen, Upper};
    matches!(kind, Int | Decimal | Duration | StrOpen | Upper | Lower)
}

/// Whether an expression can end with such a token.
fn ends_value(kind: TokenKind) -> bool {
    use TokenKind::*;
    matches!(
        kind,
        Lower
            | Upper
            | Int
            | Decimal
            | Duration
            | StrClose
            | True
            | False
            | None
            | CloseParen
            | CloseBracket
            | CloseBrace
    )
}
