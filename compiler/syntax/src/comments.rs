//! Comments: kept beside the tree, for the formatter.

use crate::span::{SourceMap, Span};

/// How a comment is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `// …`
    Line,
    /// `/// …`: documents the next declaration; its text is in the tree as well.
    Doc,
    /// `//! …`: documents the module; its text is in the tree as well.
    ModuleDoc,
}

/// One comment: a mark and the rest of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its mark.
    pub kind: CommentKind,
    /// From the mark to the end of the line, trailing space excluded.
    pub span: Span,
    /// How many blank lines stand between it and what comes before.
    pub blank_lines_before: u32,
    /// Whether it follows code on its line.
    pub trailing: bool,
}

impl Comment {
    /// The comment as written, its mark included.
    pub fn text(self, sources: &SourceMap) -> &str {
        sources.text(self.span)
    }
}

/// The comments of a file, in order.
#[derive(Clone, Debug, Default)]
pub struct Comments {
    /// All of them.
    pub entries: Vec<Comment>,
}

impl Comments {
    /// The comments that begin in a span.
    pub fn within(&self, span: Span) -> &[Comment] {
        let start = self.entries.partition_point(|comment| comment.span.start < span.start);
        let end = self.entries.partition_point(|comment| comment.span.start < span.end);
        self.entries.get(start..end).unwrap_or_default()
    }
}
