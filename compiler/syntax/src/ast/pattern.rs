//! Patterns.

use super::{Expr, Ident, Path};
use crate::span::Span;

/// What a value is compared with, and what it binds where it matches.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What it matches.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// `name`: matches anything and binds it.
    Bind(Ident),
    /// A number, string, duration, `true` or `false`; a negative number is a negation.
    Literal(Box<Expr>),
    /// `none`
    None,
    /// `Draw`, `Some(x)`, `Outcome.Won(by: mark)`, `Claim(id: i, ..)`
    Constructor {
        /// The constructor, by its type or module where written.
        path: Path,
        /// Its arguments; `None` without parentheses.
        args: Option<Vec<PatternArg>>,
        /// Whether `..` leaves the others out.
        rest: bool,
    },
    /// `(a, b)`; `()` is the pattern of nothing.
    Tuple(Vec<Pattern>),
    /// `A | B`: two or more.
    Or(Vec<Pattern>),
    /// What could not be read.
    Error,
}

/// An argument of a constructor in a pattern.
#[derive(Clone, Debug)]
pub struct PatternArg {
    /// The field, where named.
    pub name: Option<Ident>,
    /// What it must match.
    pub pattern: Pattern,
    /// Both.
    pub span: Span,
}
