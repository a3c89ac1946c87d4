//! An outline as a picture that needs nothing else: SVG, readable in light and dark.

use super::layout::{LINE, Look, Shape, layout};
use super::outline::{BlockKind, LeafKind, Outline, SplitKind, Stand};
use std::fmt::Write;

const STYLE: &str = "text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2933}\
.arrow{stroke:#52606d;stroke-width:1.2;fill:none}.head{fill:#52606d}\
.note{fill:#b8390a;font-weight:bold}.title{font-weight:bold;fill:#3e4c59}";

/// Space around the picture, for the labels of what stands at its edge.
const MARGIN: f64 = 16.0;

/// The picture.
pub(crate) fn svg(outline: &Outline) -> String {
    let mut whole = layout(outline);
    whole.shift(MARGIN, MARGIN);
    let right = rightmost(&whole) + MARGIN;
    let bottom = whole.y + whole.height + MARGIN;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right:.0}\" height=\"{bottom:.0}\" viewBox=\"0 0 {right:.0} {bottom:.0}\">"
    );
    let _ = writeln!(text, "<style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        text,
        "<defs><marker id=\"head\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"3\" orient=\"auto\"><path class=\"head\" d=\"M0,0 L7,3 L0,6 z\"/></marker></defs>"
    );
    whole.parts.iter().for_each(|part| draw(&mut text, part));
    arrows(&mut text, &whole);
    text.push_str("</svg>\n");
    text
}

fn rightmost(shape: &Shape) -> f64 {
    let own = shape.x + shape.width.max(note_width(&shape.here));
    shape.parts.iter().map(rightmost).fold(own, f64::max)
}

fn note_width(here: &[Stand]) -> f64 {
    note(here).map_or(0.0, |note| super::layout::LETTER * note.chars().count() as f64 + 8.0)
}

/// Fill, line and corner of a box, and whether its line is dashed.
fn style(look: Look) -> (&'static str, &'static str, f64, bool) {
    match look {
        Look::Leaf(LeafKind::Step) => ("#e3f2fd", "#1c6dd0", 4.0, false),
        Look::Leaf(LeafKind::Child) => ("#e3f2fd", "#1c6dd0", 0.0, false),
        Look::Leaf(LeafKind::Timer) => ("#fff8e1", "#b7860b", 12.0, false),
        Look::Leaf(LeafKind::Signal) => ("#f3e8fd", "#7b3fbf", 12.0, false),
        Look::Leaf(LeafKind::Commit) => ("#e6f6ec", "#23843f", 4.0, false),
        Look::Leaf(LeafKind::Fail) => ("#fdecea", "#c0392b", 4.0, false),
        Look::Leaf(LeafKind::Leave) => ("#f1f3f5", "#7b8794", 4.0, false),
        Look::Undo => ("#fff4ec", "#d9730d", 4.0, true),
        Look::Block(BlockKind::Saga) => ("#f5fbf7", "#23843f", 8.0, false),
        Look::Block(BlockKind::Scope) => ("#fffdf5", "#b7860b", 8.0, false),
        Look::Block(BlockKind::Loop) => ("#f8f9fb", "#52606d", 8.0, false),
        Look::Block(BlockKind::Function) => ("#ffffff", "#9aa5b1", 8.0, true),
        Look::Split(SplitKind::Parallel) => ("#f4f9ff", "#1c6dd0", 8.0, false),
        Look::Split(SplitKind::Race) => ("#fbf6ff", "#7b3fbf", 8.0, false),
        Look::Split(SplitKind::Choice) => ("#fafbfc", "#7b8794", 8.0, false),
        Look::Split(SplitKind::Catch) => ("#fffafa", "#c0392b", 8.0, false),
        Look::Lane => ("#ffffff", "#d5dbe1", 6.0, true),
        Look::End => ("#323f4b", "#323f4b", 12.0, false),
    }
}

fn draw(text: &mut String, shape: &Shape) {
    let (fill, line, corner, dashed) = style(shape.look);
    let Shape { x, y, width, height, .. } = shape;
    let dashes = if dashed { " stroke-dasharray=\"4 3\"" } else { "" };
    let (line, weight) = if shape.here.is_empty() { (line, 1.2) } else { ("#d9480f", 3.0) };
    let _ = writeln!(
        text,
        "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner}\" fill=\"{fill}\" stroke=\"{line}\" stroke-width=\"{weight}\"{dashes}/>",
        escaped(&tip(shape))
    );
    words(text, shape);
    if shape.look == Look::Block(BlockKind::Loop) {
        way_back(text, shape);
    }
    shape.parts.iter().for_each(|part| draw(text, part));
    if let Some(part) = shape.parts.iter().find(|part| part.look == Look::Undo) {
        let (from, middle) = (x + width, part.y + part.height / 2.0);
        let _ = writeln!(
            text,
            "<path class=\"arrow\" stroke-dasharray=\"3 3\" d=\"M{from:.1},{middle:.1} H{:.1}\"/>",
            part.x
        );
    }
    arrows(text, shape);
    if let Some(note) = note(&shape.here) {
        let _ = writeln!(
            text,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 2.0,
            y - 5.0,
            escaped(&note)
        );
    }
    text.push_str("</g>\n");
}

fn words(text: &mut String, shape: &Shape) {
    let is_frame = matches!(shape.look, Look::Block(_) | Look::Split(_) | Look::Lane);
    for (index, line) in shape.lines.iter().enumerate() {
        let y = shape.y + LINE * (index as f64 + 1.0);
        let class = if is_frame { " class=\"title\"" } else { "" };
        let colour = if shape.look == Look::End { " style=\"fill:#ffffff\"" } else { "" };
        let (x, y) = (shape.x + 10.0, y + 1.0);
        let _ = writeln!(text, "<text{class}{colour} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(line));
    }
}

/// From the last part of a loop back to its first.
fn way_back(text: &mut String, shape: &Shape) {
    let (Some(first), Some(last)) = (shape.parts.first(), shape.parts.last()) else { return };
    let (left, top, bottom) = (shape.x + 9.0, first.y + 12.0, last.y + last.height / 2.0);
    let bottom = bottom.max(top + 1.0);
    let _ = writeln!(
        text,
        "<path class=\"arrow\" marker-end=\"url(#head)\" d=\"M{:.1},{bottom:.1} H{left:.1} V{top:.1} H{:.1}\"/>",
        last.x, first.x
    );
}

fn arrows(text: &mut String, shape: &Shape) {
    for (from_x, from_y, to_x, to_y) in &shape.arrows {
        let _ = writeln!(
            text,
            "<path class=\"arrow\" marker-end=\"url(#head)\" d=\"M{from_x:.1},{from_y:.1} L{to_x:.1},{to_y:.1}\"/>"
        );
    }
}

/// What is shown when the pointer rests on a box.
fn tip(shape: &Shape) -> String {
    let stands = shape.here.iter().map(|stand| format!("\n{} waits for {}", stand.strand, stand.waits_for));
    format!("{}{}", shape.tip, stands.collect::<String>())
}

fn note(here: &[Stand]) -> Option<String> {
    let (first, rest) = here.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    Some(format!("▶ {}: {}{more}", first.strand, first.waits_for))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
