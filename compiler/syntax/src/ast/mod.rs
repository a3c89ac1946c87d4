//! The syntax tree: what a module says, as one plain tree in which every node knows its span.
//!
//! The tree keeps what a reader wrote (parentheses, number text, separate string parts) and decides nothing
//! that needs names or types: a call, a constructor and a method look alike here.

mod expr;
mod item;
mod pattern;
mod stmt;
mod types;

pub use expr::*;
pub use item::*;
pub use pattern::*;
pub use stmt::*;
pub use types::*;

use crate::span::Span;

/// The text of a name or a number. Short texts are stored in place, so most names cost no allocation.
pub type Name = smol_str::SmolStr;

/// A name where it is written.
#[derive(Clone, Debug)]
pub struct Ident {
    /// The name.
    pub text: Name,
    /// Where it stands.
    pub span: Span,
}

impl Ident {
    /// The name as plain text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the name begins with a capital, as types, constructors and constants do.
    pub fn is_capital(&self) -> bool {
        self.text.trim_start_matches('_').starts_with(char::is_uppercase)
    }
}

/// Names joined by dots: `charge`, `payments.charge`, `Verdict.Approved`. Never empty.
#[derive(Clone, Debug)]
pub struct Path {
    /// The names, in order.
    pub segments: Vec<Ident>,
    /// Where it stands.
    pub span: Span,
}

impl Path {
    /// The last name: what the path is about.
    pub fn name(&self) -> Option<&Ident> {
        self.segments.last()
    }

    /// The names before the last.
    pub fn qualifier(&self) -> &[Ident] {
        self.segments.split_last().map_or(&[], |(_, qualifier)| qualifier)
    }
}

/// Text of consecutive `///` (or `//!`) lines, without the marks, as Markdown.
#[derive(Clone, Debug)]
pub struct Docs {
    /// The lines, joined by newlines.
    pub text: String,
    /// From the first mark to the end of the last line.
    pub span: Span,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// What `//!` says at the head of the file.
    pub docs: Option<Docs>,
    /// The declarations, as written.
    pub items: Vec<Item>,
    /// The whole file.
    pub span: Span,
}
