//! The typed tree: a whole program with every name resolved, every type known and sugar taken apart.
//!
//! What a later stage may rely on, for a program without errors:
//! - Every [`Expr`] has its final type; no `Infer` or `Invalid` is left. Conversions are [`ExprKind::Coerce`] nodes, except that an
//!   expression of type `Never` may stand where any type is expected.
//! - Names are ids. Methods, operators on maps, `??`, `?.`, compound assignments, named and default arguments are gone.
//! - Generics are kept: types of a generic declaration hold [`Type::Param`], calls hold type arguments;
//!   [`Types::substitute`] monomorphises.
//! - Durable constructs and lambdas list what they capture; see [`Body`] for how locals are shared.
//! - `match` is exhaustive; `let`, `for` and `race` patterns match always.

mod expr;
mod ids;
mod pattern;
mod program;
mod stmt;
mod types;
mod walk;

pub use expr::*;
pub use ids::*;
pub use pattern::*;
pub use program::*;
pub use stmt::*;
pub(crate) use types::Adopted;
pub use types::{Type, Types};
pub use walk::VisitorMut;
