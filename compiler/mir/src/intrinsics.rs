//! Library operations, implemented once for every executor.

mod calendar;
mod collection;
mod encoding;
mod float;
mod integer;
mod json;
mod number;
mod order;
mod regex;
mod table;
mod text;

pub(crate) use collection::out_of_range;

use crate::heap::{Heap, OutOfMemory, TrapKind};
use crate::ids::TypeId;
use crate::intrinsic::Intrinsic;
use crate::program::Program;
use crate::types::Type;
use crate::value;

/// Why an operation gave no value.
enum Failure {
    OutOfMemory,
    Trap(TrapKind, String),
}

impl From<OutOfMemory> for Failure {
    fn from(_: OutOfMemory) -> Self {
        Failure::OutOfMemory
    }
}

fn trap<T>(kind: TrapKind, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Trap(kind, message.into()))
}

type Outcome = Result<u64, Failure>;

/// What an operation works with.
struct Context<'a> {
    program: &'a Program,
    heap: &'a mut Heap,
    types: &'a [TypeId],
    args: &'a [u64],
}

/// Does a library operation: its value, or an `Error` (always a trap).
pub fn call(
    intrinsic: Intrinsic,
    types: &[TypeId],
    args: &[u64],
    program: &Program,
    heap: &mut Heap,
) -> Result<u64, u64> {
    let mut context = Context { program, heap, types, args };
    context.call(intrinsic).map_err(|failure| match failure {
        Failure::OutOfMemory => heap.out_of_memory(),
        Failure::Trap(kind, message) => heap.make_trap(kind, &message),
    })
}

impl Context<'_> {
    fn call(&mut self, intrinsic: Intrinsic) -> Outcome {
        // What loops do most comes first.
        let groups: [fn(&mut Self, Intrinsic) -> Option<Outcome>; 10] = [
            Self::collection,
            Self::text,
            Self::number,
            Self::float_function,
            Self::integer,
            Self::json,
            Self::regex,
            Self::calendar,
            Self::encoding,
            Self::table,
        ];
        groups.iter().find_map(|group| group(self, intrinsic)).unwrap_or_else(|| {
            trap(TrapKind::Internal, format!("`{}` isn't an operation of this build", intrinsic.name()))
        })
    }

    /// An argument; the checker has seen to it that it is there.
    fn arg(&self, index: usize) -> u64 {
        self.args.get(index).copied().unwrap_or(0)
    }

    fn int(&self, index: usize) -> i64 {
        self.arg(index) as i64
    }

    fn str(&self, index: usize) -> &str {
        self.heap.str_at(self.arg(index))
    }

    /// A type argument.
    fn ty(&self, index: usize) -> TypeId {
        self.types.get(index).copied().unwrap_or(TypeId(u32::MAX))
    }

    fn some(&mut self, item: TypeId, value: Option<u64>) -> Outcome {
        Ok(self.heap.make_option(&self.program.types, item, value)?)
    }

    fn make_string(&mut self, text: &str) -> Outcome {
        Ok(self.heap.string(text)?)
    }

    fn show(&mut self) -> Outcome {
        let (types, word) = (&self.program.types, self.arg(0));
        match types.get(types.representation(self.ty(0))) {
            Some(Type::String) if self.heap.bytes_at(word).len() <= value::LONGEST => return Ok(word),
            Some(Type::Int) => return Ok(self.heap.digits(word.cast_signed())?),
            _ => {}
        }
        let text = value::show(self.program, self.heap, self.ty(0), self.arg(0));
        self.make_string(&text)
    }

    /// Whether that many bytes could fit: asked before a large text is made outside the heap.
    fn check_bytes(&self, bytes: usize) -> Result<(), Failure> {
        let room = self.heap.limits().heap_words.saturating_sub(self.heap.len()).saturating_mul(8);
        if bytes <= room { Ok(()) } else { Err(Failure::OutOfMemory) }
    }
}

/// A range clamped to `len`.
fn clamp(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let clamp = |index: i64| usize::try_from(index.max(0)).unwrap_or(len).min(len);
    let start = clamp(start);
    start..clamp(end).max(start)
}
