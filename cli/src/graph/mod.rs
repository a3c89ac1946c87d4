//! Pictures of workflows: their control flow as nested boxes, and where an instance stands in it.

mod layout;
mod mark;
mod mermaid;
mod outline;
mod read;
mod svg;

use flow_machine::InstanceView;
use flow_mir::Program;
use flow_syntax::{SourceMap, Span};
pub(crate) use mermaid::mermaid;
pub(crate) use outline::Outline;
pub(crate) use svg::svg;

/// The outline of a workflow of a program, with what an instance of it does. `None` where the program's sources don't
/// have the workflow.
pub(crate) fn outline(program: &Program, workflow: &str, instance: Option<&InstanceView>) -> Option<Outline> {
    let mut sources = SourceMap::new();
    let mut bases = Vec::new();
    for source in &program.sources {
        let file = sources.add(source.path.as_str(), source.text.as_str());
        bases.push(sources.file(file).map_or(0, |file| file.base()));
    }
    let mut outline = read::outline(&sources, workflow)?;
    if let Some(view) = instance {
        let place = |at: flow_mir::Location| {
            let base = bases.get(at.source as usize).copied().unwrap_or(0);
            Span::new(base.saturating_add(at.start), base.saturating_add(at.end))
        };
        mark::mark(&mut outline, view, place);
    }
    Some(outline)
}

#[cfg(test)]
mod tests;
