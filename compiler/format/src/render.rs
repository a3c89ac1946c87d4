//! Documents to text: a group is broken only where it doesn't fit on the rest of its line.

use crate::WIDTH;
use crate::doc::{Doc, Docs, Id};

/// Two columns a step.
const STEP: usize = 2;
/// Stops of this list are where comments at the ends of lines begin.
pub(crate) const COMMENTS: u32 = u32::MAX;

/// A place where a line may be padded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// Where in the text.
    pub offset: usize,
    /// The line, from 0.
    pub line: usize,
    /// The list whose lines are padded to the same column.
    pub list: u32,
}

/// The text so far, and where it may be padded.
#[derive(Debug, Default)]
pub(crate) struct Output<'s> {
    pub text: String,
    pub stops: Vec<Stop>,
    line: usize,
    column: usize,
    /// The indentation that the line's first text will bring.
    indent: usize,
    /// Comments that wait for the end of the line.
    suffix: Option<&'s str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
    /// When trying an inline alternative: groups that surely break are broken, the others flat.
    Inline,
}

#[derive(Clone, Copy)]
struct Command {
    indent: usize,
    mode: Mode,
    doc: Id,
}

/// What is left to be measured. The children of a node are taken one by one: most of them are never reached.
enum Part {
    Node(Id),
    Children(std::ops::Range<u32>),
}

impl<'s> Output<'s> {
    /// Appends a document.
    pub(crate) fn print(&mut self, docs: &Docs<'s>, root: Id) {
        let mut stack = vec![Command { indent: 0, mode: Mode::Broken, doc: root }];
        while let Some(Command { indent, mode, doc }) = stack.pop() {
            let next = |doc| Command { indent, mode, doc };
            let node = docs.get(doc);
            match node {
                Doc::Text(text) => self.write(text),
                Doc::Verbatim(text) => self.verbatim(text),
                Doc::Line { blank, .. } if mode != Mode::Flat => self.newline(indent, blank),
                Doc::Line { flat, .. } => self.write(flat),
                Doc::HardLine { blank } => self.newline(indent, blank),
                Doc::FreshLine if self.column > 0 => self.newline(indent, false),
                Doc::FreshLine => {}
                Doc::Suffix(comment) => self.suffix = Some(comment),
                Doc::Broken(text) if mode != Mode::Flat => self.write(text),
                Doc::Stop(list) if mode != Mode::Flat => self.stop(list),
                Doc::Broken(_) | Doc::Stop(_) => {}
                Doc::Concat { .. } => stack.extend(docs.children(node).iter().rev().map(|&doc| next(doc))),
                Doc::Nest(doc) => stack.push(Command { indent: indent + STEP, mode, doc }),
                Doc::Flat(doc) => stack.push(Command { indent, mode: Mode::Flat, doc }),
                Doc::Group { content, broken } => {
                    let flat = Command { indent, mode: Mode::Flat, doc: content };
                    let fits = mode == Mode::Flat
                        || (!broken && !docs.breaks(content) && self.fits(docs, flat, &stack));
                    stack.push(if fits { flat } else { Command { mode: Mode::Broken, ..flat } });
                }
                Doc::Choice { inline, broken } => {
                    let attempt = Command { indent, mode: Mode::Inline, doc: inline };
                    if mode == Mode::Flat {
                        stack.push(next(inline));
                    } else if self.fits(docs, attempt, &stack) {
                        stack.push(Command { mode: Mode::Broken, ..attempt });
                    } else {
                        stack.push(next(broken));
                    }
                }
            }
        }
    }

    /// Whether `first` and what follows it fit on the line, up to the first place where it may break.
    fn fits(&self, docs: &Docs<'s>, first: Command, rest: &[Command]) -> bool {
        let column = if self.column == 0 { self.indent } else { self.column };
        let Some(mut room) = WIDTH.checked_sub(column) else { return false };
        let mut rest = rest.iter().rev();
        let mut stack = vec![(first.mode, Part::Node(first.doc))];
        loop {
            let (mode, doc) = match stack.pop() {
                Some((mode, Part::Node(doc))) => (mode, doc),
                Some((mode, Part::Children(mut children))) => {
                    let Some(child) = children.next() else { continue };
                    stack.push((mode, Part::Children(children)));
                    (mode, docs.child(child))
                }
                None => match rest.next() {
                    Some(Command { mode, doc, .. }) => (*mode, *doc),
                    None => return true,
                },
            };
            let mut push = |mode, doc| {
                stack.push((mode, Part::Node(doc)));
                0
            };
            let node = docs.get(doc);
            let width = match node {
                Doc::Text(text) => text.chars().count(),
                Doc::Verbatim(text) => {
                    let first = text.split('\n').next().unwrap_or_default().chars().count();
                    return first <= room;
                }
                Doc::Line { flat, .. } if mode == Mode::Flat => flat.len(),
                Doc::Line { .. } | Doc::HardLine { .. } | Doc::FreshLine => return true,
                Doc::Broken(text) if mode != Mode::Flat => text.len(),
                Doc::Suffix(_) | Doc::Broken(_) | Doc::Stop(_) => 0,
                Doc::Concat { start, end } => {
                    stack.push((mode, Part::Children(start..end)));
                    0
                }
                Doc::Nest(doc) | Doc::Choice { inline: doc, .. } => push(mode, doc),
                Doc::Flat(doc) => push(Mode::Flat, doc),
                Doc::Group { content, broken } => {
                    let sure = broken || docs.breaks(content);
                    let mode = match mode {
                        Mode::Inline if sure => Mode::Broken,
                        Mode::Inline => Mode::Flat,
                        mode => mode,
                    };
                    push(mode, content)
                }
            };
            match room.checked_sub(width) {
                Some(left) => room = left,
                None => return false,
            }
        }
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.column == 0 {
            self.text.extend(std::iter::repeat_n(' ', self.indent));
            self.column = self.indent;
        }
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn verbatim(&mut self, text: &'s str) {
        self.write(text);
        if let Some((before, last)) = text.rsplit_once('\n') {
            self.line += before.matches('\n').count() + 1;
            self.column = last.chars().count();
        }
    }

    fn stop(&mut self, list: u32) {
        self.stops.push(Stop { offset: self.text.len(), line: self.line, list });
    }

    /// Ends the line, with the comment that waited for it.
    pub(crate) fn newline(&mut self, indent: usize, blank: bool) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        if let Some(comment) = self.suffix.take() {
            if self.column > 0 {
                self.stop(COMMENTS);
                self.write("  ");
            }
            self.write(comment);
        }
        self.text.push('\n');
        self.line += 1;
        if blank {
            self.text.push('\n');
            self.line += 1;
        }
        self.column = 0;
        self.indent = indent;
    }
}
