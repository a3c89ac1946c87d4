//! Copying values from one heap to another: collection, transfer, and the check of stored values in one.
//!
//! The types say where references are. What two references share stays shared; lists and maps are copied without what
//! only other versions of them see. Every read is checked, so that words from a damaged store give an error.

use crate::heap::json::JsonTag;
use crate::heap::map::Entry;
use crate::heap::{Heap, OutOfMemory};
use crate::ids::{FunctionId, Id, TypeId};
use crate::program::Program;
use crate::types::Type;
use std::collections::HashMap;
use std::fmt;

/// Why a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyError {
    /// The target heap's limit.
    OutOfMemory,
    /// A word isn't a value of its type: the source is damaged.
    Corrupt(&'static str),
}

impl From<OutOfMemory> for CopyError {
    fn from(_: OutOfMemory) -> Self {
        CopyError::OutOfMemory
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CopyError::OutOfMemory => f.write_str("its values don't fit into the memory limit"),
            CopyError::Corrupt(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for CopyError {}

/// Copies the roots' values, each of the type beside it, to `to`, and makes the roots refer to the copies.
pub fn copy(
    program: &Program,
    from: &Heap,
    to: &mut Heap,
    roots: &mut [(TypeId, u64)],
) -> Result<(), CopyError> {
    copy_all(program, from, to, 0, roots)
}

/// As [`copy`], to a heap that begins with what is lent to `from`: references into that stay as they are.
pub(crate) fn collect(
    program: &Program,
    from: &Heap,
    to: &mut Heap,
    roots: &mut [(TypeId, u64)],
) -> Result<(), CopyError> {
    copy_all(program, from, to, from.lent(), roots)
}

fn copy_all(
    program: &Program,
    from: &Heap,
    to: &mut Heap,
    stays: usize,
    roots: &mut [(TypeId, u64)],
) -> Result<(), CopyError> {
    let (forward, forward_lent, pending) = (Vec::new(), HashMap::new(), Vec::new());
    let mut copier = Copier { program, from, to, stays, forward, forward_lent, pending };
    for (ty, word) in roots {
        *word = copier.value(*ty, *word)?;
        copier.finish()?;
    }
    Ok(())
}

/// A run of words in `to` that still hold references to `from`.
struct Run {
    start: u64,
    count: usize,
    ty: TypeId,
}

struct Copier<'a> {
    program: &'a Program,
    from: &'a Heap,
    to: &'a mut Heap,
    /// Positions in `from` below this are the same in `to`.
    stays: usize,
    /// By position in `from` above what is lent to it: the copy's position and what it was copied as.
    forward: Vec<u64>,
    /// The same for what is lent: few of a great many values.
    forward_lent: HashMap<usize, u64>,
    pending: Vec<Run>,
}

/// What an object was copied as: types share their number with nothing else, inner objects have their own.
const LIST_BUFFER: u32 = u32::MAX;
const BYTES: u32 = u32::MAX - 1;
const DECIMAL: u32 = u32::MAX - 2;
const FUNCTION: u32 = u32::MAX - 3;
const ERROR: u32 = u32::MAX - 4;
const JSON: u32 = u32::MAX - 5;

impl Copier<'_> {
    fn finish(&mut self) -> Result<(), CopyError> {
        while let Some(run) = self.pending.last_mut() {
            // From the end: where versions of a list share a buffer, the longest comes last and brings it whole.
            run.count -= 1;
            let (at, ty) = (run.start + run.count as u64, run.ty);
            if run.count == 0 {
                self.pending.pop();
            }
            let word = self.value(ty, self.to.get(at, 0))?;
            self.to.set(at, 0, word);
        }
        Ok(())
    }

    /// Words of `to` that still refer to `from`, all of one type.
    fn later(&mut self, start: u64, count: usize, ty: TypeId) {
        if count > 0 && self.program.types.may_reference(ty) {
            self.pending.push(Run { start, count, ty });
        }
    }

    /// The copy of one word; objects are copied with their words as they are and put on `pending`.
    fn value(&mut self, ty: TypeId, word: u64) -> Result<u64, CopyError> {
        let program = self.program;
        let ty = program.types.representation(ty);
        Ok(match program.types.get(ty).ok_or(CopyError::Corrupt("a value's type doesn't exist"))? {
            Type::Float if f64::from_bits(word).is_nan() => {
                return Err(CopyError::Corrupt("a Float is no number"));
            }
            Type::Unit | Type::Int | Type::Float | Type::Duration | Type::Timestamp | Type::Never => word,
            Type::Bool if word > 1 => return Err(CopyError::Corrupt("a Bool is neither false nor true")),
            Type::Bool => word,
            Type::Option(_) if word == 0 => 0,
            Type::Option(item) if program.types.is_plain_reference(*item) => return self.value(*item, word),
            Type::Option(item) => {
                let copy = self.object(word, ty.0, 1)?;
                if let Some(copy) = copy.fresh() {
                    self.later(copy, 1, *item);
                }
                copy.place()
            }
            Type::String => self.bytes(word, true)?,
            Type::Bytes => self.bytes(word, false)?,
            Type::Decimal => self.object(word, DECIMAL, 2)?.place(),
            Type::List(item) => self.list(word, ty, *item)?,
            Type::Set(item) => self.map(word, ty, *item, None)?,
            Type::Map(key, value) => self.map(word, ty, *key, Some(*value))?,
            Type::Tuple(items) if items.is_empty() => self.to.alloc(1)?,
            Type::Record { fields, .. } if fields.is_empty() => self.to.alloc(1)?,
            Type::Tuple(items) => {
                let copy = self.object(word, ty.0, items.len())?;
                self.fields(copy.fresh(), items.iter().copied());
                copy.place()
            }
            Type::Record { fields, .. } => {
                let copy = self.object(word, ty.0, fields.len())?;
                self.fields(copy.fresh(), fields.iter().map(|field| field.ty));
                copy.place()
            }
            Type::Enum { .. } => self.case(word, ty)?,
            Type::Function { .. } => self.function(word)?,
            Type::Json => self.json(word, ty)?,
            Type::Error => self.error(word)?,
            Type::Distinct { .. } => return Err(CopyError::Corrupt("a distinct type has no end")),
        })
    }

    fn fields(&mut self, start: Option<u64>, types: impl Iterator<Item = TypeId>) {
        if let Some(start) = start {
            for (at, ty) in (start..).zip(types) {
                self.later(at, 1, ty);
            }
        }
    }

    /// Copies `len` words as they are, or finds the copy made before.
    fn object(&mut self, word: u64, kind: u32, len: usize) -> Result<Copied, CopyError> {
        if let Some(place) = self.forwarded(word, kind)? {
            return Ok(Copied::Before(place));
        }
        let words = self.from.slice(word, 0, len);
        if word == 0 || words.len() != len {
            return Err(CopyError::Corrupt("a reference leads out of the values"));
        }
        let place = self.to.alloc_from(words)?;
        self.note(word, kind, place);
        Ok(Copied::Now(place))
    }

    fn forwarded(&mut self, word: u64, kind: u32) -> Result<Option<u64>, CopyError> {
        let Ok(at) = usize::try_from(word) else { return Ok(None) };
        if (1..self.stays).contains(&at) {
            return Ok(Some(word));
        }
        let known = match at.checked_sub(self.from.lent()) {
            None => self.forward_lent.get(&at),
            Some(at) => self.forward.get(at),
        };
        match known.copied().unwrap_or(0) {
            0 => Ok(None),
            known if (known >> 32) as u32 == kind => Ok(Some(known & 0xFFFF_FFFF)),
            _ => Err(CopyError::Corrupt("two references of different types lead to one place")),
        }
    }

    fn note(&mut self, word: u64, kind: u32, place: u64) {
        let Ok(at) = usize::try_from(word) else { return };
        let known = u64::from(kind) << 32 | place;
        let Some(own) = at.checked_sub(self.from.lent()) else {
            self.forward_lent.insert(at, known);
            return;
        };
        if self.forward.is_empty() {
            // Zeroed memory is free until it is touched.
            self.forward = vec![0; self.from.len().saturating_sub(self.from.lent())];
        }
        if let Some(place) = self.forward.get_mut(own) {
            *place = known;
        }
    }

    fn bytes(&mut self, word: u64, text: bool) -> Result<u64, CopyError> {
        let len = self.from.get(word, 0);
        let len = usize::try_from(len).unwrap_or(usize::MAX).div_ceil(8).saturating_add(1);
        let copy = self.object(word, BYTES, len)?;
        if copy.fresh().is_some() && text && std::str::from_utf8(self.from.bytes_at(word)).is_err() {
            return Err(CopyError::Corrupt("a String isn't UTF-8"));
        }
        Ok(copy.place())
    }

    fn list(&mut self, word: u64, ty: TypeId, item: TypeId) -> Result<u64, CopyError> {
        let copy = self.object(word, ty.0, 2)?;
        let Some(place) = copy.fresh() else { return Ok(copy.place()) };
        let &[len, buffer] = self.from.slice(word, 0, 2) else {
            return Err(CopyError::Corrupt("a list is cut off"));
        };
        if len == 0 {
            self.to.set(place, 1, 0);
            return Ok(place);
        }
        let shared = self.forwarded(buffer, LIST_BUFFER)?.filter(|buffer| self.to.get(*buffer, 1) >= len);
        let buffer = match shared {
            Some(buffer) => buffer,
            None => {
                let items = self.from.list_items(word);
                if items.len() as u64 != len {
                    return Err(CopyError::Corrupt("a list is longer than its items"));
                }
                let copy = self.to.alloc_from(&[len, len])?;
                let start = self.to.alloc_from(items)?;
                self.note(buffer, LIST_BUFFER, copy);
                self.later(start, items.len(), item);
                copy
            }
        };
        self.to.set(place, 1, buffer);
        Ok(place)
    }

    fn map(&mut self, word: u64, ty: TypeId, key: TypeId, value: Option<TypeId>) -> Result<u64, CopyError> {
        if let Some(place) = self.forwarded(word, ty.0)? {
            return Ok(place);
        }
        if word == 0 || self.from.slice(word, 0, 3).is_empty() {
            return Err(CopyError::Corrupt("a map's reference leads out of the values"));
        }
        let entries: Vec<Entry> = self.from.map_entries(word);
        if entries.len() as u64 != self.from.get(word, 0) {
            return Err(CopyError::Corrupt("a map's length isn't the number of its entries"));
        }
        let place = self.to.map_from_entries(&entries)?;
        self.to.share(place);
        self.note(word, ty.0, place);
        for at in 0..entries.len() {
            let entry = self.to.map_entry_place(place, at);
            self.later(entry, 1, key);
            if let Some(value) = value {
                self.later(entry + 1, 1, value);
            }
        }
        Ok(place)
    }

    fn case(&mut self, word: u64, ty: TypeId) -> Result<u64, CopyError> {
        let program = self.program;
        let Some(Type::Enum { cases, .. }) = program.types.get(ty) else { return Ok(word) };
        let is_object = program.types.is_plain_reference(ty);
        let number = if is_object { self.from.get(word, 0) } else { word };
        let case = usize::try_from(number).ok().and_then(|number| cases.get(number));
        let case = case.ok_or(CopyError::Corrupt("an enum has no case of that number"))?;
        if !is_object {
            return Ok(word);
        }
        let copy = self.object(word, ty.0, 1 + case.fields.len())?;
        self.fields(copy.fresh().map(|place| place + 1), case.fields.iter().map(|field| field.ty));
        Ok(copy.place())
    }

    fn function(&mut self, word: u64) -> Result<u64, CopyError> {
        let program = self.program;
        let id = usize::try_from(self.from.get(word, 0)).map(FunctionId::new).ok();
        let function = id.and_then(|id| program.functions.get(id));
        let function = function.ok_or(CopyError::Corrupt("a closure has no function of that number"))?;
        let copy = self.object(word, FUNCTION, 1 + function.captures.len())?;
        self.fields(copy.fresh().map(|place| place + 1), function.captures.iter().copied());
        Ok(copy.place())
    }

    fn json(&mut self, word: u64, ty: TypeId) -> Result<u64, CopyError> {
        let copy = self.object(word, JSON, 2)?;
        let Some(place) = copy.fresh() else { return Ok(copy.place()) };
        let payload = self.from.get(word, 1);
        let payload = match JsonTag::new(self.from.get(word, 0)) {
            None => return Err(CopyError::Corrupt("JSON is of no known kind")),
            Some(JsonTag::Null | JsonTag::Bool) => payload,
            Some(JsonTag::Number | JsonTag::String) => self.bytes(payload, true)?,
            // The tags of inner lists and maps differ from every type's, so that they can't pass for one another.
            Some(JsonTag::Array) => self.list(payload, TypeId(JSON - 1), ty)?,
            Some(JsonTag::Object) => {
                let key = self.program.known.string;
                self.map(payload, TypeId(JSON - 2), key, Some(ty))?
            }
        };
        self.to.set(place, 1, payload);
        Ok(place)
    }

    fn error(&mut self, word: u64) -> Result<u64, CopyError> {
        let copy = self.object(word, ERROR, 4)?;
        let Some(place) = copy.fresh() else { return Ok(copy.place()) };
        let parts = self.from.error_parts(word);
        match self.program.types.get(self.program.types.representation(parts.ty)) {
            Some(Type::Enum { .. }) => self.pending.push(Run { start: place + 1, count: 1, ty: parts.ty }),
            _ => return Err(CopyError::Corrupt("an error's value is of no error type")),
        }
        for (at, text) in [(2, parts.trace), (3, parts.unknown_key)] {
            if text != 0 {
                let text = self.bytes(text, true)?;
                self.to.set(place, at, text);
            }
        }
        Ok(place)
    }
}

/// An object's copy.
#[derive(Clone, Copy)]
enum Copied {
    Now(u64),
    Before(u64),
}

impl Copied {
    fn place(self) -> u64 {
        match self {
            Copied::Now(place) | Copied::Before(place) => place,
        }
    }

    fn fresh(self) -> Option<u64> {
        match self {
            Copied::Now(place) => Some(place),
            Copied::Before(_) => None,
        }
    }
}
