//! An outline as a Mermaid flowchart.

use super::outline::{Block, BlockKind, Item, Lane, Leaf, LeafKind, Outline, Split, SplitKind, Stand, Undo};
use std::fmt::Write;

/// The flowchart.
pub(crate) fn mermaid(outline: &Outline) -> String {
    let mut chart = Chart { text: String::from("flowchart TD\n"), next: 0, indent: 1, marked: Vec::new() };
    let start = chart.node("([\"", &outline.workflow, "\"])");
    let last = chart.items(&outline.items, Edge { from: start, label: String::new() });
    let end = chart.node("([\"", "end", "\"])");
    chart.edge(&last, &end);
    chart.line("classDef here stroke:#d9480f,stroke-width:4px");
    chart.line("classDef undo stroke-dasharray:4 3");
    if !chart.marked.is_empty() {
        let marked = chart.marked.join(",");
        chart.line(&format!("class {marked} here"));
    }
    chart.text
}

/// From where the next node is reached.
struct Edge {
    from: String,
    label: String,
}

struct Chart {
    text: String,
    next: usize,
    indent: usize,
    /// Nodes where a strand stands.
    marked: Vec<String>,
}

impl Chart {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}{line}", "  ".repeat(self.indent));
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("n{}", self.next)
    }

    fn node(&mut self, open: &str, label: &str, close: &str) -> String {
        let id = self.id();
        self.line(&format!("{id}{open}{}{close}", escaped(label)));
        id
    }

    fn edge(&mut self, edge: &Edge, to: &str) {
        match edge.label.as_str() {
            "" => self.line(&format!("{} --> {to}", edge.from)),
            label => self.line(&format!("{} -->|\"{}\"| {to}", edge.from, escaped(label))),
        }
    }

    fn items(&mut self, items: &[Item], mut edge: Edge) -> Edge {
        for item in items {
            edge = match item {
                Item::Leaf(leaf) => self.leaf(leaf, &edge),
                Item::Block(block) => self.block(block, edge),
                Item::Split(split) => self.split(split, &edge),
            };
        }
        edge
    }

    fn leaf(&mut self, leaf: &Leaf, edge: &Edge) -> Edge {
        let (open, close) = match leaf.what {
            LeafKind::Step => ("[\"", "\"]"),
            LeafKind::Child => ("[[\"", "\"]]"),
            LeafKind::Timer | LeafKind::Signal => ("([\"", "\"])"),
            LeafKind::Commit => ("{{\"", "\"}}"),
            LeafKind::Fail | LeafKind::Leave => (">\"", "\"]"),
        };
        let id = self.node(open, &with_stands(&leaf.text, &leaf.here), close);
        self.mark(&id, &leaf.here);
        self.edge(edge, &id);
        for (undo, label) in [(&leaf.undo, "compensate"), (&leaf.unknown, "unknown")] {
            if let Some(undo) = undo {
                self.undo(undo, label, &id);
            }
        }
        Edge { from: id, label: String::new() }
    }

    fn undo(&mut self, undo: &Undo, label: &str, step: &str) {
        let id = self.node("[\"", &with_stands(&undo.text, &undo.here), "\"]");
        self.mark(&id, &undo.here);
        self.line(&format!("{step} -.->|{label}| {id}"));
        self.line(&format!("class {id} undo"));
    }

    fn mark(&mut self, id: &str, here: &[Stand]) {
        if !here.is_empty() {
            self.marked.push(id.to_owned());
        }
    }

    fn block(&mut self, block: &Block, edge: Edge) -> Edge {
        let id = self.id();
        let title = with_stands(&block.title, &block.here);
        self.line(&format!("subgraph {id}[\"{}\"]", escaped(&title)));
        self.mark(&id, &block.here);
        self.indent += 1;
        let mut edge = edge;
        if block.what == BlockKind::Loop {
            let again = self.node("((\"", "again", "\"))");
            self.edge(&edge, &again);
            let last = self.items(&block.items, Edge { from: again.clone(), label: String::new() });
            self.edge(&last, &again);
            edge = Edge { from: again, label: "done".into() };
        } else {
            edge = self.items(&block.items, edge);
        }
        self.indent -= 1;
        self.line("end");
        edge
    }

    fn split(&mut self, split: &Split, edge: &Edge) -> Edge {
        let (open, close) = match split.what {
            SplitKind::Choice | SplitKind::Catch => ("{\"", "\"}"),
            SplitKind::Parallel | SplitKind::Race => ("[/\"", "\"/]"),
        };
        let fork = self.node(open, &with_stands(&split.title, &split.here), close);
        self.mark(&fork, &split.here);
        self.edge(edge, &fork);
        let join = self.node("((\"", if split.what == SplitKind::Race { "first" } else { " " }, "\"))");
        for lane in &split.lanes {
            self.lane(lane, &fork, &join);
        }
        Edge { from: join, label: String::new() }
    }

    fn lane(&mut self, lane: &Lane, fork: &str, join: &str) {
        let last = self.items(&lane.items, Edge { from: fork.to_owned(), label: lane.title.clone() });
        // After what leaves, nothing goes on.
        let leaves = matches!(lane.items.last(), Some(Item::Leaf(leaf)) if matches!(leaf.what, LeafKind::Fail | LeafKind::Leave));
        if !leaves {
            self.edge(&last, join);
        }
    }
}

fn with_stands(text: &str, here: &[Stand]) -> String {
    match here {
        [] => text.to_owned(),
        [stand] => format!("{text}<br/>▶ {}: {}", stand.strand, stand.waits_for),
        [first, rest @ ..] => {
            format!("{text}<br/>▶ {}: {} and {} more", first.strand, first.waits_for, rest.len())
        }
    }
}

/// As text in quotes.
fn escaped(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace("&lt;br/&gt;", "<br/>")
}
