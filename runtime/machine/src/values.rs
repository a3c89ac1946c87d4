//! Values on their way between strands, rows and people.

use crate::history::ErrorReport;
use crate::ids::CallKey;
use flow_mir::executor::NoHost;
use flow_mir::value::{self, Image};
use flow_mir::{Entry, Executor, Exit, Field, FunctionId, Heap, Limits, Location, Program, TypeId};
use serde_json::{Map, Value};

/// An image of these values, as bytes.
pub(crate) fn image(program: &Program, heap: &Heap, roots: &[(TypeId, u64)]) -> Result<Vec<u8>, String> {
    Image::capture(program, heap, roots).map(|image| image.encode()).map_err(|error| error.to_string())
}

/// The values of an image, brought into a heap. They must be of these types.
pub(crate) fn absorb(
    program: &Program,
    types: &[TypeId],
    bytes: &[u8],
    heap: &mut Heap,
) -> Result<Vec<u64>, String> {
    let image = Image::decode(bytes).map_err(|error| error.to_string())?;
    let found: Vec<TypeId> = image.types().collect();
    let same = found.len() == types.len()
        && found.iter().zip(types).all(|(found, wanted)| {
            program.types.representation(*found) == program.types.representation(*wanted)
        });
    if !same {
        let show =
            |types: &[TypeId]| types.iter().map(|ty| program.types.show(*ty)).collect::<Vec<_>>().join(", ");
        return Err(format!("expected values of types ({}), found ({})", show(types), show(&found)));
    }
    image.restore(program, heap).map_err(|error| error.to_string())
}

/// Copies values from one heap to another.
pub(crate) fn transfer(
    program: &Program,
    from: &Heap,
    to: &mut Heap,
    roots: &[(TypeId, u64)],
) -> Result<Vec<u64>, String> {
    let mut roots = roots.to_vec();
    value::copy(program, from, to, &mut roots).map_err(|error| error.to_string())?;
    Ok(roots.into_iter().map(|(_, word)| word).collect())
}

/// A heap for values at rest: as large as heaps can be.
pub(crate) fn resting_heap(program: &Program) -> Heap {
    Heap::new(program.known, Limits { heap_words: u32::MAX as usize, ..Limits::default() })
}

/// A value as JSON; what has no JSON form is shown as text.
pub(crate) fn json(program: &Program, heap: &Heap, ty: TypeId, word: u64) -> Value {
    value::to_json(program, heap, ty, word)
        .unwrap_or_else(|_| Value::String(value::show(program, heap, ty, word)))
}

/// Named values as one object.
pub(crate) fn fields_json(program: &Program, heap: &Heap, fields: &[Field], words: &[u64]) -> Value {
    let pairs = fields
        .iter()
        .zip(words)
        .map(|(field, word)| (field.name.clone(), json(program, heap, field.ty, *word)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// The only value of an image as JSON.
pub(crate) fn image_json(program: &Program, ty: TypeId, bytes: &[u8]) -> Value {
    let mut heap = resting_heap(program);
    match absorb(program, &[ty], bytes, &mut heap).ok().and_then(|words| words.first().copied()) {
        Some(word) => json(program, &heap, ty, word),
        None => Value::Null,
    }
}

/// The `Error` in an image as the language shows it.
pub(crate) fn error_text(program: &Program, bytes: &[u8]) -> String {
    let mut heap = resting_heap(program);
    match absorb(program, &[program.known.error], bytes, &mut heap)
        .ok()
        .and_then(|words| words.first().copied())
    {
        Some(error) => value::show(program, &heap, program.known.error, error),
        None => "an error that can't be read".into(),
    }
}

/// An `Error` of an error type with one case without fields.
pub(crate) fn simple_error(heap: &mut Heap, ty: TypeId, unknown: Option<CallKey>) -> u64 {
    let error = heap.make_error(ty, 0);
    with_key(heap, error, unknown)
}

/// `ActivityFailed(activity, reason)`
pub(crate) fn activity_failed(
    program: &Program,
    heap: &mut Heap,
    activity: &str,
    reason: &str,
    unknown: Option<CallKey>,
) -> u64 {
    let ty = program.known.activity_failed;
    let error = heap.string(activity).and_then(|activity| {
        let reason = heap.string(reason)?;
        let value = heap.make_case(&program.types, ty, 0, &[activity, reason])?;
        heap.make_error(ty, value)
    });
    with_key(heap, error, unknown)
}

fn with_key(heap: &mut Heap, error: Result<u64, flow_mir::OutOfMemory>, unknown: Option<CallKey>) -> u64 {
    let marked = error.and_then(|error| match unknown {
        Some(key) => heap.set_unknown_key(error, &key.to_string()).map(|()| error),
        None => Ok(error),
    });
    marked.unwrap_or_else(|memory| memory.raise(heap))
}

/// Runs `fn(Error) -> Bool`, pure; anything but `true` is no.
pub(crate) fn test_error(executor: &dyn Executor, function: FunctionId, image: &[u8]) -> bool {
    let program = executor.program();
    let mut heap = resting_heap(program);
    let Ok(words) = absorb(program, &[program.known.error], image, &mut heap) else { return false };
    matches!(executor.enter(function, Entry::Start(&words), &mut [], &mut heap, &mut NoHost), Exit::Return(1))
}

/// Why a strand ended, for people and tools.
pub(crate) fn report(program: &Program, heap: &Heap, error: u64) -> ErrorReport {
    let ty = heap.error_parts(error).ty;
    ErrorReport {
        message: value::show(program, heap, program.known.error, error),
        ty: program.types.show(ty),
        value: json(program, heap, program.known.error, error),
        stack: heap.error_trace(error).lines().map(str::to_owned).collect(),
    }
}

/// `file:line` of a place in the sources.
pub(crate) fn line(program: &Program, location: Location) -> String {
    let Some(source) = program.sources.get(location.source as usize) else { return String::new() };
    let before = source.text.as_bytes().iter().take(location.start as usize);
    let line = 1 + before.filter(|byte| **byte == b'\n').count();
    format!("{}:{line}", source.path)
}
