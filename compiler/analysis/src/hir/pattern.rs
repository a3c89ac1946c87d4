//! Patterns.

use super::expr::Literal;
use super::ids::{LocalId, Ty};
use flow_syntax::Span;

/// A pattern, typed.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What it matches.
    pub kind: PatternKind,
    /// The type of the value it is compared with.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of patterns.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// Matches anything.
    Wildcard,
    /// Matches anything and binds it.
    Bind(LocalId),
    /// A literal of the value's type, compared with `==`.
    Literal(Literal),
    /// `none`
    None,
    /// `Some(p)`
    Some(Box<Pattern>),
    /// A tuple or record: all fields, in order.
    Fields(Vec<Pattern>),
    /// A case of an enum or of an error type: its index and all its fields.
    Case {
        /// The case.
        case: u32,
        /// Its fields.
        fields: Vec<Pattern>,
    },
    /// A `distinct` value: what it wraps.
    Distinct(Box<Pattern>),
    /// Over a raised error (in `catch`) or a value of a union: an error of this type whose value matches. The inner
    /// pattern's `ty` is the error type.
    Error(Box<Pattern>),
    /// Over a raised error, `_` or a name at the top of a `catch` arm: one of the types listed in the local's type (or,
    /// for `_`, any), never `Cancelled` or `Trap`. Where `bind` is of a single error type it receives the error's value,
    /// where of a union the raised error itself.
    AnyError {
        /// The local, if it is a name.
        bind: Option<LocalId>,
    },
    /// Any of these; they bind the same locals.
    Or(Vec<Pattern>),
    /// A mistake was reported here.
    Invalid,
}
