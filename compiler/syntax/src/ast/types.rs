//! Types as they are written.

use super::Path;
use crate::span::Span;

/// A type as it is written.
#[derive(Clone, Debug)]
pub struct TypeExpr {
    /// What it says.
    pub kind: TypeExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The ways to write a type.
#[derive(Clone, Debug)]
pub enum TypeExprKind {
    /// `Int`, `Map<String, Int>`, `http.Response`
    Named {
        /// The name, by its module where written.
        path: Path,
        /// Its arguments.
        args: Vec<TypeExpr>,
    },
    /// `T?`
    Optional(Box<TypeExpr>),
    /// `(A, B)`; `()` is the type of nothing.
    Tuple(Vec<TypeExpr>),
    /// `fn(A) -> B`, `(fn(A) -> B fails E)`
    Function {
        /// The parameters.
        params: Vec<TypeExpr>,
        /// The result; without one it gives nothing.
        result: Option<Box<TypeExpr>>,
        /// What it may fail with.
        fails: Vec<TypeExpr>,
    },
    /// What could not be read.
    Error,
}
