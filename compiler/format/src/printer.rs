//! The printer's ground: it walks the tokens in step with the tree, and sees to it that no comment is lost.
//!
//! The tree says how a construct is laid out; the text itself always comes from the tokens. What the tree doesn't keep
//! (separators, parentheses around types) is found by looking at the next token.

use flow_syntax::{Comment, Token, TokenKind};

use crate::doc::{Doc, Docs, Id};

/// Prints one file, token by token.
pub(crate) struct Printer<'s> {
    pub docs: Docs<'s>,
    /// Nodes that wait for what they are parts of.
    pending: Vec<Id>,
    source: &'s str,
    /// The global offset of the source's first byte.
    base: u32,
    tokens: &'s [Token],
    comments: &'s [Comment],
    /// Where the last token or comment taken ends.
    end: u32,
    /// Comments that follow the last token on its line and were not printed yet.
    trailing: Vec<&'s str>,
    lists: u32,
    /// Whether an expression stands before a construct's `{`: what breaks is then nested deeper than the body.
    pub header: bool,
}

impl<'s> Printer<'s> {
    pub(crate) fn new(
        source: &'s str,
        base: u32,
        tokens: &'s [Token],
        comments: &'s [Comment],
    ) -> Printer<'s> {
        Printer {
            docs: Docs::default(),
            pending: Vec::new(),
            source,
            base,
            tokens,
            comments,
            end: base,
            trailing: Vec::new(),
            lists: 0,
            header: false,
        }
    }

    // Building.

    pub(crate) fn push(&mut self, doc: Doc<'s>) {
        let id = self.docs.add(doc);
        self.pending.push(id);
    }

    pub(crate) fn push_id(&mut self, id: Id) {
        self.pending.push(id);
    }

    /// What `print` prints, as one node.
    pub(crate) fn capture(&mut self, print: impl FnOnce(&mut Self)) -> Id {
        let mark = self.pending.len();
        print(self);
        let parts = self.pending.split_off(mark);
        match parts.as_slice() {
            [only] => *only,
            _ => self.docs.concat(parts),
        }
    }

    pub(crate) fn group(&mut self, print: impl FnOnce(&mut Self)) {
        let content = self.capture(print);
        self.push(Doc::Group { content, broken: false });
    }

    pub(crate) fn nest(&mut self, print: impl FnOnce(&mut Self)) {
        let content = self.capture(print);
        self.push(Doc::Nest(content));
    }

    pub(crate) fn text(&mut self, text: &'static str) {
        self.push(Doc::Text(text));
    }

    pub(crate) fn space(&mut self) {
        self.text(" ");
    }

    /// A place where the group may break: the comments of the line stay on it.
    pub(crate) fn line(&mut self, flat: &'static str) {
        self.trailing_comments();
        self.push(Doc::Line { flat, blank: false });
    }

    /// A number that no other list of the file has.
    pub(crate) fn new_list(&mut self) -> u32 {
        self.lists += 1;
        self.lists
    }

    // Looking.

    pub(crate) fn peek(&self) -> Option<Token> {
        self.tokens.first().copied()
    }

    pub(crate) fn second(&self) -> Option<Token> {
        self.tokens.get(1).copied()
    }

    /// The tokens to come.
    pub(crate) fn rest(&self) -> &'s [Token] {
        self.tokens
    }

    pub(crate) fn at(&self, kind: TokenKind) -> bool {
        self.peek().is_some_and(|token| token.kind == kind)
    }

    /// Whether the next token stands before `offset`.
    pub(crate) fn before(&self, offset: u32) -> bool {
        self.peek().is_some_and(|token| token.span.start < offset)
    }

    fn source_between(&self, start: u32, end: u32) -> &'s str {
        let start = start.saturating_sub(self.base) as usize;
        self.source.get(start..end.saturating_sub(self.base) as usize).unwrap_or_default()
    }

    /// Whether the source has a line break between two places.
    pub(crate) fn has_break(&self, start: u32, end: u32) -> bool {
        self.source_between(start, end).contains('\n')
    }

    /// Where the next comment or token begins; the end of the file after the last.
    fn next_start(&self) -> u32 {
        let token = self.peek().map_or(self.base + self.source.len() as u32, |token| token.span.start);
        self.next_comment().map_or(token, |comment| comment.span.start)
    }

    /// The comment before the next token.
    fn next_comment(&self) -> Option<Comment> {
        let comment = *self.comments.first()?;
        let before = self.peek().is_none_or(|token| comment.span.start < token.span.start);
        before.then_some(comment)
    }

    /// How many line breaks stand before the next comment or token.
    fn breaks_before(&self) -> usize {
        self.source_between(self.end, self.next_start()).matches('\n').count()
    }

    /// Whether what comes next begins a line.
    pub(crate) fn starts_line(&self) -> bool {
        self.breaks_before() > 0
    }

    /// Whether a blank line stands before what comes next.
    pub(crate) fn after_blank(&self) -> bool {
        self.breaks_before() > 1
    }

    pub(crate) fn has_comment(&self) -> bool {
        self.next_comment().is_some()
    }

    // Taking.

    /// Prints the next token, and the comments before it.
    pub(crate) fn token(&mut self) {
        self.lead();
        if let Some(text) = self.take() {
            self.push(Doc::Text(text));
        }
    }

    pub(crate) fn tokens(&mut self, count: usize) {
        for _ in 0..count {
            self.token();
        }
    }

    /// A token with a space on both sides.
    pub(crate) fn spaced(&mut self) {
        self.space();
        self.token();
        self.space();
    }

    /// Prints the tokens before `offset` as they stand in the source.
    pub(crate) fn verbatim_to(&mut self, offset: u32) {
        self.lead();
        let Some(start) = self.peek().map(|token| token.span.start) else { return };
        let inside = self.tokens.iter().take_while(|token| token.span.start < offset).count();
        self.tokens = self.tokens.get(inside..).unwrap_or_default();
        // Comments inside are part of the text.
        let inside = self.comments.iter().take_while(|comment| comment.span.start < offset).count();
        self.comments = self.comments.get(inside..).unwrap_or_default();
        self.end = offset;
        let text = self.source_between(start, offset);
        self.push(if text.contains('\n') { Doc::Verbatim(text) } else { Doc::Text(text) });
        self.take_trailing();
    }

    /// Moves past a token and gives its text.
    fn take(&mut self) -> Option<&'s str> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        self.end = token.span.end;
        self.take_trailing();
        Some(self.source_between(token.span.start, token.span.end))
    }

    fn take_trailing(&mut self) {
        if let Some(comment) = self.next_comment().filter(|comment| comment.trailing) {
            let text = self.take_comment(comment);
            self.trailing.push(text);
        }
    }

    fn take_comment(&mut self, comment: Comment) -> &'s str {
        self.comments = self.comments.get(1..).unwrap_or_default();
        self.end = comment.span.end;
        self.source_between(comment.span.start, comment.span.end)
    }

    /// Moves past commas and semicolons.
    pub(crate) fn separators(&mut self) {
        while self.at(TokenKind::Comma) || self.at(TokenKind::Semicolon) {
            self.take();
        }
    }

    // Comments.

    /// Comments in the middle of something stay where they are, and what follows stays on a line of its own, which the
    /// source's line break shows to be right.
    fn lead(&mut self) {
        if !self.trailing.is_empty() {
            self.trailing_comments();
            self.push(Doc::HardLine { blank: false });
        }
        if self.has_comment() {
            self.push(Doc::FreshLine);
            self.comments(true);
        }
    }

    /// The comments that follow the last token on its line, for the end of the line.
    pub(crate) fn trailing_comments(&mut self) {
        for (index, comment) in std::mem::take(&mut self.trailing).into_iter().enumerate() {
            if index == 0 {
                self.push(Doc::Suffix(comment));
            } else {
                self.push(Doc::HardLine { blank: false });
                self.push(Doc::Text(comment));
            }
        }
    }

    /// The comments before the next token, each on a line of its own; a line break after the last if `more` follows.
    pub(crate) fn comments(&mut self, more: bool) {
        while let Some(comment) = self.next_comment() {
            let text = self.take_comment(comment);
            self.push(Doc::Text(text));
            if more || self.has_comment() {
                let blank = self.after_blank();
                self.push(Doc::HardLine { blank });
            }
        }
    }
}
