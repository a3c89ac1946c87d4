//! Whatever stands in brackets. A bracket whose elements begin on a new line stays open, one element a line; any other
//! is closed up where it fits.

use flow_syntax::TokenKind;

use crate::doc::{Doc, Id};
use crate::printer::Printer;

/// How the elements of a bracket are told apart.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// What stands inside the brackets on one line.
    pad: &'static str,
    /// What stands between two elements on one line, beside the comma.
    between: &'static str,
    /// Whether elements end in a comma, the last one only where the list is broken.
    commas: bool,
    /// Whether a line break anywhere between the elements keeps the bracket open, not only one before the first.
    loose: bool,
}

/// Arguments, lists, tuples: `(a, b)`.
pub(crate) const TIGHT: Style = Style { pad: "", between: " ", commas: true, loose: false };
/// `use` names: `{a, b}`.
pub(crate) const NAMES: Style = TIGHT;
/// What stands side by side: `{ a: A  b: B }`.
pub(crate) const SIDE_BY_SIDE: Style = Style { pad: " ", between: "  ", commas: false, loose: true };
/// Arms and branches: `{ a, b }`.
pub(crate) const ARMS: Style = Style { pad: " ", between: ", ", commas: false, loose: true };
/// Statements: `{ a; b }`.
pub(crate) const STATEMENTS: Style = Style { pad: " ", between: "; ", commas: false, loose: true };
/// One expression in parentheses.
pub(crate) const PARENS: Style = Style { pad: "", between: "", commas: false, loose: false };

/// What the last argument of a call is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// Something with brackets of its own.
    Brackets,
    /// A string, and the only argument.
    OnlyString,
    Other,
}

/// An element and what stands before it.
struct Piece {
    /// The comments that end the line before.
    trailing: Id,
    blank: bool,
    comments: Id,
    item: Id,
}

/// A bracket with its elements, printed but not put together.
pub(crate) struct Pieces {
    opening: Id,
    pieces: Vec<Piece>,
    /// Comments after the last element.
    trailing: Id,
    comments: Option<(bool, Id)>,
    closing: Id,
    /// Whether it stays open.
    open: bool,
    /// Whether no comment stands directly in it.
    plain: bool,
}

impl<'s> Printer<'s> {
    /// Prints the elements of a bracket, from its opening to its closing token.
    pub(crate) fn pieces<T>(
        &mut self,
        items: &[T],
        style: Style,
        mut print: impl FnMut(&mut Self, &T),
    ) -> Pieces {
        let header = std::mem::replace(&mut self.header, false);
        let opening = self.capture(Self::token);
        let mut open = self.starts_line() && (!items.is_empty() || self.has_comment());
        let mut plain = true;
        let mut pieces = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let trailing = self.capture(Self::trailing_comments);
            self.separators();
            let blank = index > 0 && self.after_blank();
            open |= (style.loose && self.starts_line()) || blank;
            let comments = self.capture(|p| p.comments(true));
            plain &= !self.docs.breaks(trailing) && !self.docs.breaks(comments);
            let item = self.capture(|p| print(p, item));
            self.separators();
            pieces.push(Piece { trailing, blank, comments, item });
        }
        let trailing = self.capture(Self::trailing_comments);
        plain &= !self.docs.breaks(trailing);
        let comments = self.has_comment().then(|| {
            plain = false;
            (!pieces.is_empty() && self.after_blank(), self.capture(|p| p.comments(false)))
        });
        open |= style.loose && !pieces.is_empty() && self.starts_line();
        let closing = self.capture(Self::token);
        self.header = header;
        Pieces { opening, pieces, trailing, comments, closing, open, plain }
    }

    /// A whole bracket as a group of its own.
    pub(crate) fn list<T>(&mut self, items: &[T], style: Style, print: impl FnMut(&mut Self, &T)) {
        let pieces = self.pieces(items, style, print);
        let list = self.assemble(&pieces, style);
        self.push(Doc::Group { content: list, broken: false });
    }

    /// A bracket's pieces with the lines between them, which belong to the group around.
    pub(crate) fn assemble(&mut self, list: &Pieces, style: Style) -> Id {
        let Pieces { opening, pieces, trailing, comments, closing, open, .. } = list;
        let content = self.capture(|p| {
            let last = pieces.len().saturating_sub(1);
            for (index, piece) in pieces.iter().enumerate() {
                p.push_id(piece.trailing);
                match (index, open) {
                    (0, true) => p.push(Doc::HardLine { blank: false }),
                    (0, false) => p.push(Doc::Line { flat: style.pad, blank: false }),
                    _ => p.push(Doc::Line { flat: style.between, blank: piece.blank }),
                }
                p.push_id(piece.comments);
                p.push_id(piece.item);
                match style.commas {
                    true if index < last => p.text(","),
                    true => p.push(Doc::Broken(",")),
                    false => {}
                }
            }
            p.push_id(*trailing);
            if let Some((blank, comments)) = comments {
                p.push(Doc::HardLine { blank: *blank });
                p.push_id(*comments);
            }
        });
        let empty = pieces.is_empty() && comments.is_none() && !self.docs.breaks(*trailing);
        let nested = self.docs.add(Doc::Nest(content));
        let line = self.docs.add(Doc::Line { flat: style.pad, blank: false });
        let parts = if empty { vec![*opening, *closing] } else { vec![*opening, nested, line, *closing] };
        self.docs.concat(parts)
    }

    /// Arguments. Where the last one has brackets of its own, it alone may be broken: `f(a, |x| {` … `})`. A string alone
    /// stays beside its brackets, since a line of its own would gain it little.
    pub(crate) fn arguments<T>(&mut self, items: &[T], last: Last, print: impl FnMut(&mut Self, &T)) {
        let pieces = self.pieces(items, TIGHT, print);
        let apart = self.assemble(&pieces, TIGHT);
        let apart = self.docs.add(Doc::Group { content: apart, broken: false });
        let others = pieces.pieces.split_last().map_or(&[][..], |(_, others)| others);
        let simple = others.iter().all(|piece| !self.docs.breaks(piece.item));
        if last == Last::Other || pieces.open || !pieces.plain || !simple {
            return self.push_id(apart);
        }
        let close = self.hugging(&pieces, false);
        if last == Last::OnlyString {
            return self.push_id(close);
        }
        let broken = self.hugging(&pieces, true);
        let broken = self.docs.add(Doc::Choice { inline: broken, broken: apart });
        self.push(Doc::Choice { inline: close, broken });
    }

    fn hugging(&mut self, list: &Pieces, broken: bool) -> Id {
        let mut parts = vec![list.opening];
        let last = list.pieces.len().saturating_sub(1);
        let comma = self.docs.add(Doc::Text(", "));
        for (index, piece) in list.pieces.iter().enumerate() {
            if index < last {
                parts.push(self.docs.add(Doc::Flat(piece.item)));
                parts.push(comma);
            } else {
                parts.push(if broken { self.docs.with_last_group_broken(piece.item) } else { piece.item });
            }
        }
        parts.push(list.closing);
        self.docs.concat(parts)
    }

    /// Whether the next token opens a bracket of this kind.
    pub(crate) fn at_brace(&self) -> bool {
        self.at(TokenKind::OpenBrace)
    }
}
