//! The front end of Flow: source text in; syntax tree, comments and diagnostics out.
//!
//! ```text
//! text ─► lexer ─► layout ─► grammar ─► ast::Module
//!         tokens   newlines,  LR(1)
//!                  brackets
//! ```

pub mod ast;
pub mod codes;
mod comments;
mod context;
pub mod diagnostic;
mod duration;
mod fixes;
pub mod foreign;
mod layout;
mod lexer;
mod messages;
pub mod parallel;
mod parser;
mod render;
pub mod span;
mod strings;
mod token;

pub use comments::{Comment, CommentKind, Comments};
pub use diagnostic::{Code, Diagnostic, Fix, Label, Severity};
pub use fixes::{Fixed, apply_fixes};
pub use parser::{Parse, parse, tokens};
pub use render::{JsonDiagnostic, JsonFix, JsonLabel, JsonPlace, render, render_json, to_json};
pub use span::{FileId, Position, SourceFile, SourceMap, Span};
pub use token::{Token, TokenKind};
