//! What compiled code and the helpers it calls share while it runs.

use crate::executor::NativeExecutor;
use flow_mir::{Frame, Heap, Host, TypeId};
use std::cell::Cell;
use std::sync::atomic::AtomicPtr;

/// Words that compiled code may read from the address of any object, however short that is. The heap keeps as many spare
/// behind its last object.
pub(crate) const READABLE: u64 = 256;

/// How a piece of compiled code, or a helper, ended: two machine words in the two result registers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// One of the constants below.
    pub status: u64,
    /// The result, the `Error`, or the id of the suspension.
    pub value: u64,
}

impl Outcome {
    /// Ended with its result.
    pub const RETURNED: u64 = 0;
    /// Ended with an `Error`.
    pub const RAISED: u64 = 1;
    /// Stopped at a suspension; live locals, then operands, are in the spill buffer.
    pub const SUSPENDED: u64 = 2;

    /// A helper's result in this form.
    pub fn new(result: Result<u64, u64>) -> Self {
        match result {
            Ok(value) => Outcome { status: Self::RETURNED, value },
            Err(value) => Outcome { status: Self::RAISED, value },
        }
    }
}

/// The state of one `enter`. Compiled code reads and writes the first fields at fixed offsets; the others are for the
/// helpers alone.
#[repr(C)]
pub(crate) struct Context<'a> {
    /// The arena's first word. Valid until the heap is touched by a helper, which renews it.
    pub words: *mut u64,
    /// Words in use; compiled code allocates by adding to it.
    pub used: u64,
    /// Words there are to allocate.
    pub capacity: u64,
    /// Below this address of the stack pointer a call traps.
    pub stack_limit: u64,
    /// Set from outside to make a long run stop at the next safepoint.
    pub interrupt: *const u8,
    /// Words in use from which on a safepoint of a suspending function leaves so that the heap is compacted.
    pub collect_at: u64,
    /// The native code of functions that don't suspend, by function id; null where not compiled yet.
    pub bodies: *const AtomicPtr<u8>,
    /// The constants made in this run, by id; 0 where not made yet.
    pub constants: *mut u64,
    /// Where a suspension leaves its live locals and operands.
    pub spill: *mut u64,
    /// The values that running functions need behind the calls they are in, innermost first: see [`Record`].
    pub roots: *mut Record,
    /// How the last helper that was called through its stub ended.
    pub outcome: Outcome,

    /// Whose code runs.
    pub executor: &'a NativeExecutor,
    /// The strand's values.
    pub heap: &'a mut Heap,
    /// Who answers its requests.
    pub host: &'a mut dyn Host,
    /// The frames that wait for this one.
    pub callers: &'a mut [Frame],
    /// The constants to forget afterwards.
    pub made: &'a mut Vec<usize>,
}

/// What a running function needs behind the call that it is in, on its stack: written before the call, read back after it,
/// so that a collection meanwhile can move it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Record {
    /// That of the function that called this one, or null.
    pub outer: *mut Record,
    /// The types of the values that follow.
    pub types: *const RootTypes,
}

/// The types of a record's values. They live as long as the code.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct RootTypes(pub Box<[TypeId]>);

/// Buffers that one `enter` after another uses, so that entering allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// See [`Context::constants`]; all 0 between runs.
    pub constants: Vec<u64>,
    /// See [`Context::spill`].
    pub spill: Vec<u64>,
    /// The entries of `constants` that are not 0.
    pub made: Vec<usize>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

impl Buffers {
    /// This thread's buffers, at least so large. Code entered while they are in use gets fresh ones.
    pub fn take(constants: usize, spill: usize) -> Box<Self> {
        let mut buffers = BUFFERS.take().unwrap_or_default();
        if buffers.constants.len() < constants {
            buffers.constants.resize(constants, 0);
        }
        if buffers.spill.len() < spill {
            buffers.spill.resize(spill, 0);
        }
        buffers
    }

    /// Gives them back, with the constants forgotten: the heap may be compacted before the next run.
    pub fn give_back(mut self: Box<Self>) {
        for index in self.made.drain(..) {
            if let Some(constant) = self.constants.get_mut(index) {
                *constant = 0;
            }
        }
        BUFFERS.set(Some(self));
    }
}
