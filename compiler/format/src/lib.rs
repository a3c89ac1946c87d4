//! The one style of Flow's source text: `flow fmt` and the editor print files with it.
//!
//! ```text
//! text ─► parse ─► tokens, tree, comments ─► document ─► lines ─► columns
//!                                            doc, list,   render   align
//!                                            item, stmt, expr …
//! ```
//!
//! A file is printed from its tokens, guided by its tree, so that the text of names and literals, comments and single blank
//! lines are kept as they are. Only white space, line breaks and the commas and semicolons between elements change.

mod align;
mod construct;
mod doc;
mod expr;
mod item;
mod list;
mod printer;
mod render;
mod stmt;
mod types;

use flow_syntax::{Diagnostic, SourceMap, Token, TokenKind, parse, tokens};

use crate::doc::Doc;
use crate::printer::Printer;
use crate::render::Output;

/// How many columns a line has, unless something that can't be broken is longer.
pub const WIDTH: usize = 110;

/// Why a text was not formatted.
#[derive(Debug)]
pub struct Unformatted {
    /// The file, for the diagnostics.
    pub sources: SourceMap,
    /// Its syntax errors; none where the formatter itself is at fault: it never gives a text that says something else.
    pub diagnostics: Vec<Diagnostic>,
}

/// The text in the one style. `path` is only for diagnostics.
///
/// ```
/// let text = flow_format::format("twice.flow", "fn twice( n:Int )->Int {2*n}").unwrap();
/// assert_eq!(text, "fn twice(n: Int) -> Int { 2 * n }\n");
/// ```
///
/// # Errors
///
/// A text with syntax errors is not formatted.
pub fn format(path: &str, text: &str) -> Result<String, Box<Unformatted>> {
    let mut sources = SourceMap::new();
    let id = sources.add(path, text.replace("\r\n", "\n"));
    let parse = parse(&sources, id);
    let Some(file) = sources.file(id).filter(|_| !parse.has_errors()) else {
        return Err(Box::new(Unformatted { sources, diagnostics: parse.diagnostics }));
    };
    let before = tokens(file);
    let mut printer = Printer::new(file.text(), file.base(), &before, &parse.comments.entries);
    let mut output = Output::default();
    for (index, item) in parse.module.items.iter().enumerate() {
        let document = printer.capture(|p| {
            p.separators();
            let blank = index > 0 && p.after_blank();
            if blank {
                p.push(Doc::HardLine { blank: false });
            }
            p.comments(true);
            p.item(item);
            p.push(Doc::HardLine { blank: false });
        });
        output.print(&printer.docs, document);
        printer.docs.clear();
    }
    let document = printer.capture(|p| {
        p.separators();
        if p.has_comment() {
            if p.after_blank() && !parse.module.items.is_empty() {
                p.push(Doc::HardLine { blank: false });
            }
            p.comments(false);
            p.push(Doc::HardLine { blank: false });
        }
    });
    output.print(&printer.docs, document);
    let text = align::align(&output.text, &output.stops);
    if says_the_same(&sources, &before, &parse.comments, &text) {
        Ok(text)
    } else {
        Err(Box::new(Unformatted { sources, diagnostics: Vec::new() }))
    }
}

/// Whether a text has the same tokens and comments as before, separators aside: a fault of the formatter must not cost
/// anybody a word.
fn says_the_same(
    sources: &SourceMap,
    before: &[Token],
    comments: &flow_syntax::Comments,
    text: &str,
) -> bool {
    let mut printed = SourceMap::new();
    let id = printed.add("", text);
    let Some(file) = printed.file(id) else { return false };
    let after = tokens(file);
    let counts = |token: &&Token| !matches!(token.kind, TokenKind::Comma | TokenKind::Semicolon);
    let words = before.iter().filter(counts).map(|token| (token.kind, sources.text(token.span)));
    let same = words.eq(after.iter().filter(counts).map(|token| (token.kind, printed.text(token.span))));
    let parsed = parse(&printed, id);
    let comments = comments.entries.iter().map(|comment| comment.text(sources));
    same && !parsed.has_errors()
        && comments.eq(parsed.comments.entries.iter().map(|comment| comment.text(&printed)))
}
