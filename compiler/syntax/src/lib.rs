//! The front end of Flow: source text in, syntax tree, comments and diagnostics out.

pub mod ast;
pub mod diagnostic;
pub mod span;

pub use diagnostic::{Code, Diagnostic, Fix, Label, Severity};
pub use span::{FileId, Position, SourceFile, SourceMap, Span};
