//! Where an instance stands, put into the outline of its workflow.

use super::outline::{Item, Leaf, Outline, Stand};
use flow_machine::{InstanceView, StrandView};
use flow_mir::Location;
use flow_syntax::Span;

/// Puts each strand that waits for something outside at its place.
pub(crate) fn mark(outline: &mut Outline, view: &InstanceView, place: impl Fn(Location) -> Span) {
    for strand in &view.strands {
        let stand = Stand { strand: strand.path.clone(), waits_for: strand.waits_for.clone() };
        if strand.role == "compensation" {
            let Some(at) = strand.frames.first().map(|frame| place(frame.at)) else { continue };
            mark_undoing(&mut outline.items, at, &stand);
            continue;
        }
        let chain: Vec<Span> = chain(view, strand).into_iter().map(&place).collect();
        mark_items(&mut outline.items, &chain, &stand);
    }
}

/// The calls that a strand is inside of, from the workflow's body to where it stands: those of the strands that forked it
/// first, without the fork itself.
fn chain(view: &InstanceView, strand: &StrandView) -> Vec<Location> {
    let mut locations = Vec::new();
    let parent = strand.path.rsplitn(3, '.').nth(2);
    if let Some(parent) = view.strands.iter().find(|other| Some(other.path.as_str()) == parent) {
        locations = chain(view, parent);
        locations.pop();
    }
    locations.extend(strand.frames.iter().map(|frame| frame.at));
    locations
}

/// Marks the innermost part in which the chain ends; whether there is one.
fn mark_items(items: &mut [Item], chain: &[Span], stand: &Stand) -> bool {
    let Some((at, inner)) = chain.split_first() else { return false };
    for item in items {
        if !contains(item.place(), *at) {
            continue;
        }
        match item {
            Item::Leaf(leaf) => {
                leaf.here.push(stand.clone());
                return true;
            }
            Item::Block(block) => {
                let within = if block.is_function() { inner } else { chain };
                if !mark_items(&mut block.items, within, stand) {
                    block.here.push(stand.clone());
                }
                return true;
            }
            Item::Split(split) => {
                let found = split.lanes.iter_mut().any(|lane| mark_items(&mut lane.items, chain, stand));
                if !found {
                    split.here.push(stand.clone());
                }
                return true;
            }
        }
    }
    false
}

fn mark_undoing(items: &mut [Item], at: Span, stand: &Stand) {
    for item in items {
        match item {
            Item::Leaf(Leaf { undo, unknown, .. }) => {
                for undo in [undo, unknown].into_iter().flatten().filter(|undo| contains(undo.place, at)) {
                    undo.here.push(stand.clone());
                }
            }
            Item::Block(block) => mark_undoing(&mut block.items, at, stand),
            Item::Split(split) => {
                split.lanes.iter_mut().for_each(|lane| mark_undoing(&mut lane.items, at, stand));
            }
        }
    }
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
