//! Where each part of an outline is drawn. A structured program needs no graph layout: parts that follow each other are
//! stacked, parts side by side stand side by side, and each construct is a box around its parts.

use super::outline::{Block, BlockKind, Item, Leaf, LeafKind, Outline, Split, SplitKind, Stand};

/// Pixels of one letter: the font is monospaced.
pub(crate) const LETTER: f64 = 7.2;
/// Pixels from one line to the next.
pub(crate) const LINE: f64 = 17.0;
const PADDING: f64 = 10.0;
/// Between parts that follow each other: an arrow is drawn there.
const GAP: f64 = 22.0;
/// The room for a note above a box, beside the gap.
const NOTE: f64 = 12.0;
/// Between lanes.
const ASIDE: f64 = 18.0;
/// Longer texts are cut: the whole is shown when the pointer rests on them.
const LONGEST: usize = 46;

/// How a box looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Leaf(LeafKind),
    /// `compensate`, `unknown`
    Undo,
    Block(BlockKind),
    Split(SplitKind),
    Lane,
    /// Where the workflow begins and ends.
    End,
}

/// A box with its lines of text, its parts on top of it, and what connects them. Absolute pixels.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub look: Look,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub lines: Vec<String>,
    /// The whole text.
    pub tip: String,
    /// What stands here, for the label at its edge.
    pub here: Vec<Stand>,
    pub parts: Vec<Shape>,
    /// Arrows between parts: from, to.
    pub arrows: Vec<(f64, f64, f64, f64)>,
    /// Whether nothing follows it.
    pub leaves: bool,
}

impl Shape {
    fn plain(look: Look, text: &str, here: &[Stand]) -> Shape {
        let line = cut(text);
        let width = LETTER * line.chars().count() as f64 + 2.0 * PADDING;
        let lines = if line.is_empty() { vec![] } else { vec![line] };
        let height = LINE * lines.len() as f64 + PADDING;
        let (parts, arrows) = (Vec::new(), Vec::new());
        let (tip, here) = (text.to_owned(), here.to_vec());
        Shape { look, x: 0.0, y: 0.0, width, height, lines, tip, here, parts, arrows, leaves: false }
    }

    /// Moves it with all its parts.
    pub(crate) fn shift(&mut self, x: f64, y: f64) {
        self.x += x;
        self.y += y;
        for arrow in &mut self.arrows {
            *arrow = (arrow.0 + x, arrow.1 + y, arrow.2 + x, arrow.3 + y);
        }
        self.parts.iter_mut().for_each(|part| part.shift(x, y));
    }

    fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle of its flow: compensations hang at the side of a step.
    fn middle(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// The whole picture: one box without a border.
pub(crate) fn layout(outline: &Outline) -> Shape {
    let mut shapes = vec![Shape::plain(Look::End, &outline.workflow, &[])];
    shapes.extend(outline.items.iter().map(item));
    shapes.push(Shape::plain(Look::End, "end", &[]));
    let mut whole = Shape::plain(Look::Lane, "", &[]);
    stack(&mut whole, shapes, PADDING);
    whole
}

fn item(item: &Item) -> Shape {
    match item {
        Item::Leaf(leaf) => step(leaf),
        Item::Block(inner) => block(inner),
        Item::Split(inner) => split(inner),
    }
}

/// A step with what undoes it at its right.
fn step(leaf: &Leaf) -> Shape {
    let mut shape = Shape::plain(Look::Leaf(leaf.what), &leaf.text, &leaf.here);
    shape.leaves = matches!(leaf.what, LeafKind::Fail | LeafKind::Leave);
    let mut below = 0.0;
    for (undo, word) in [(&leaf.undo, "compensate"), (&leaf.unknown, "unknown")] {
        let Some(undo) = undo else { continue };
        let mut part = Shape::plain(Look::Undo, &format!("{word} {}", undo.text), &undo.here);
        part.shift(shape.width + ASIDE, below);
        below = part.bottom() + 4.0;
        shape.parts.push(part);
    }
    shape
}

/// How wide a shape is with what hangs at its side.
fn reach(shape: &Shape) -> f64 {
    let aside = shape.parts.iter().filter(|part| part.look == Look::Undo);
    aside.map(|part| part.x + part.width - shape.x).fold(shape.width, f64::max)
}

fn depth(shape: &Shape) -> f64 {
    let aside = shape.parts.iter().filter(|part| part.look == Look::Undo);
    aside.map(|part| part.bottom() - shape.y).fold(shape.height, f64::max)
}

fn block(block: &Block) -> Shape {
    let mut shape = Shape::plain(Look::Block(block.what), &block.title, &block.here);
    let parts: Vec<Shape> = block.items.iter().map(item).collect();
    shape.leaves = block.what != BlockKind::Loop && parts.last().is_some_and(|last| last.leaves);
    // At the left of a loop's parts the way back is drawn.
    let left = if block.what == BlockKind::Loop { 2.6 * PADDING } else { PADDING };
    stack(&mut shape, parts, left);
    shape
}

/// Puts parts under each other below a box's title, centred on one line, and lets the box reach around them.
fn stack(shape: &mut Shape, mut parts: Vec<Shape>, left: f64) {
    let title = if shape.lines.is_empty() { PADDING } else { LINE + 1.5 * PADDING };
    let widest = parts.iter().map(|part| part.width).fold(0.0, f64::max);
    let reaching = parts.iter().map(|part| (widest - part.width) / 2.0 + reach(part)).fold(widest, f64::max);
    let mut y = title;
    let mut before: Option<(f64, f64)> = None;
    for part in &mut parts {
        // Above it stands who waits there.
        y += if part.here.is_empty() { 0.0 } else { NOTE };
        part.shift(left + (widest - part.width) / 2.0, y);
        let middle = part.middle();
        if let Some((x, from)) = before {
            shape.arrows.push((x, from, middle, part.y));
        }
        before = (!part.leaves).then_some((middle, part.bottom()));
        y += depth(part) + GAP;
    }
    shape.width = shape.width.max(reaching + left + PADDING);
    shape.height = if parts.is_empty() { shape.height } else { y - GAP + PADDING };
    shape.parts = parts;
}

fn split(split: &Split) -> Shape {
    let mut shape = Shape::plain(Look::Split(split.what), &split.title, &split.here);
    let mut x = PADDING;
    let mut lanes = Vec::new();
    for lane in &split.lanes {
        let mut drawn = Shape::plain(Look::Lane, &lane.title, &[]);
        let parts: Vec<Shape> = lane.items.iter().map(item).collect();
        drawn.leaves = parts.last().is_some_and(|last| last.leaves);
        stack(&mut drawn, parts, PADDING);
        drawn.shift(x, LINE + 1.2 * PADDING);
        x += drawn.width + ASIDE;
        lanes.push(drawn);
    }
    let tallest = lanes.iter().map(|lane| lane.height).fold(0.0, f64::max);
    lanes.iter_mut().for_each(|lane| lane.height = tallest);
    shape.leaves = !lanes.is_empty() && lanes.iter().all(|lane| lane.leaves);
    shape.width = shape.width.max(x - ASIDE + PADDING);
    shape.height = LINE + 2.2 * PADDING + tallest;
    shape.parts = lanes;
    shape
}
