//! Documents: what is to be printed, with the places where lines may break and the groups that break together.
//!
//! Nodes live in an arena and are built from the inside out, so that a node may stand in several alternatives.

/// A node of the arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id(u32);

/// What a node says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Doc<'s> {
    /// Text on one line.
    Text(&'s str),
    /// Text of several lines, printed as it is.
    Verbatim(&'s str),
    /// A line break where its group is broken, else `flat`; `blank` leaves a line free.
    Line { flat: &'static str, blank: bool },
    /// A line break in any case.
    HardLine { blank: bool },
    /// A line break unless the line is empty so far.
    FreshLine,
    /// A comment for the end of the line.
    Suffix(&'s str),
    /// Text only where its group is broken.
    Broken(&'static str),
    /// Where a line of a broken list is padded to stand under its neighbours'.
    Stop(u32),
    /// One after the other; a range of the arena's children.
    Concat { start: u32, end: u32 },
    /// Its lines one step further in.
    Nest(Id),
    /// Lines that break together, if at all.
    Group { content: Id, broken: bool },
    /// On one line, whatever it says.
    Flat(Id),
    /// `inline` where it fits as far as its first sure line break, else `broken`.
    Choice { inline: Id, broken: Id },
}

/// The arena.
#[derive(Debug, Default)]
pub(crate) struct Docs<'s> {
    nodes: Vec<Doc<'s>>,
    /// For each node, whether it holds a sure line break.
    breaks: Vec<bool>,
    children: Vec<Id>,
}

impl<'s> Docs<'s> {
    /// Forgets all nodes, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.breaks.clear();
        self.children.clear();
    }

    /// Adds a node whose parts are there already.
    pub(crate) fn add(&mut self, doc: Doc<'s>) -> Id {
        let breaks = match doc {
            Doc::HardLine { .. } | Doc::FreshLine | Doc::Suffix(_) => true,
            Doc::Line { blank, .. } => blank,
            Doc::Text(_) | Doc::Verbatim(_) | Doc::Broken(_) | Doc::Stop(_) | Doc::Flat(_) => false,
            Doc::Concat { .. } => self.children(doc).iter().any(|child| self.breaks(*child)),
            Doc::Nest(content) => self.breaks(content),
            Doc::Group { content, broken } => broken || self.breaks(content),
            Doc::Choice { inline, .. } => self.breaks(inline),
        };
        self.nodes.push(doc);
        self.breaks.push(breaks);
        Id(self.nodes.len() as u32 - 1)
    }

    /// Adds several nodes as one.
    pub(crate) fn concat(&mut self, parts: impl IntoIterator<Item = Id>) -> Id {
        let start = self.children.len() as u32;
        self.children.extend(parts);
        let end = self.children.len() as u32;
        self.add(Doc::Concat { start, end })
    }

    /// A copy of a node in which the last group is broken.
    pub(crate) fn with_last_group_broken(&mut self, id: Id) -> Id {
        match self.get(id) {
            Doc::Group { content, .. } => self.add(Doc::Group { content, broken: true }),
            doc @ Doc::Concat { .. } => {
                let mut parts = self.children(doc).to_vec();
                if let Some(last) = parts.pop() {
                    let last = self.with_last_group_broken(last);
                    parts.push(last);
                }
                self.concat(parts)
            }
            _ => id,
        }
    }

    pub(crate) fn get(&self, id: Id) -> Doc<'s> {
        self.nodes.get(id.0 as usize).copied().unwrap_or(Doc::Text(""))
    }

    /// Whether the node holds a sure line break.
    pub(crate) fn breaks(&self, id: Id) -> bool {
        self.breaks.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// A part of a `Concat`, by its place among all children.
    pub(crate) fn child(&self, index: u32) -> Id {
        self.children.get(index as usize).copied().unwrap_or(Id(u32::MAX))
    }

    /// The parts of a `Concat`.
    pub(crate) fn children(&self, doc: Doc<'s>) -> &[Id] {
        match doc {
            Doc::Concat { start, end } => self.children.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}
