//! Lines of an error's trace, the same from every executor.

use crate::heap::Heap;
use crate::ids::{FunctionId, LocalId};
use crate::program::{Location, Program};
use crate::value;

impl Program {
    /// A place as people read it: `play.flow:12:5`.
    pub fn show_location(&self, location: Location) -> String {
        let Some(source) = self.sources.get(location.source as usize) else { return "?".into() };
        let end = (0..=source.text.len().min(location.start as usize))
            .rev()
            .find(|end| source.text.is_char_boundary(*end));
        let before = end.and_then(|end| source.text.get(..end)).unwrap_or("");
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{}:{line}:{column}", source.path)
    }
}

/// Adds a line to an error's trace: `in play (play.flow:12:5): cell = 4, board = [1, 2]`.
pub fn append(
    program: &Program,
    heap: &mut Heap,
    error: u64,
    function: FunctionId,
    location: Location,
    values: &[(LocalId, u64)],
) {
    let Some(body) = program.functions.get(function) else { return };
    let mut line = format!("in {} ({})", body.name, program.show_location(location));
    let mut separator = ": ";
    for (local, word) in values {
        let Some(local) = body.locals.get(*local) else { continue };
        let Some(name) = &local.name else { continue };
        let value = value::show_brief(program, heap, local.ty, *word);
        line.push_str(&format!("{separator}{name} = {value}"));
        separator = ", ";
    }
    heap.append_trace(error, &line);
}
