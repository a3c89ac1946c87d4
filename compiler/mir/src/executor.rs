//! How compiled code is entered and left, whichever executor runs it.
//!
//! A function that does not suspend is an ordinary call between two executors' frames and never seen here. A function
//! that suspends is a *frame*: it is entered at its start or at a suspension point with its live locals, and left when
//! it returns, raises, or suspends. [`Strand::run`](crate::strand::Strand::run) drives frames; executors only run one.

use crate::heap::{Heap, TrapKind};
use crate::ids::{FunctionId, SuspensionId};
use crate::instruction::HostOp;
use crate::program::Program;
use crate::strand::Frame;

/// Runs the code of one program: the interpreter, or native code.
pub trait Executor: Send + Sync {
    /// The program it runs.
    fn program(&self) -> &Program;

    /// Runs `function` from `entry` until it leaves. Words are values in `heap`. Traps raise an `Error`; nothing panics
    /// and no input ends the process.
    /// `callers` are the frames that wait for this one: their values are in `heap` too, and move when it is collected.
    fn enter(
        &self,
        function: FunctionId,
        entry: Entry<'_>,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Exit;
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// At the start, with the arguments.
    Start(&'a [u64]),
    /// After a suspension.
    Resume {
        /// Which.
        suspension: SuspensionId,
        /// The values of its live locals, in the order of `SuspensionPoint::live`.
        slots: &'a [u64],
        /// The operation's result, or the `Error` it ended with (which goes to the block's handler).
        outcome: Result<u64, u64>,
    },
}

/// How the code left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With its result.
    Return(u64),
    /// With an `Error`.
    Raise(u64),
    /// At a suspension point.
    Suspend {
        /// Which.
        suspension: SuspensionId,
        /// The values of its live locals.
        slots: Vec<u64>,
        /// The values of the operation's operands, in the order of `SuspendOp::operands`; none for a safepoint.
        operands: Vec<u64>,
    },
}

/// What code may ask of whoever runs it. An `Err` is an `Error` reference in `heap`, raised at the instruction.
pub trait Host {
    /// Answers one request.
    fn call(&mut self, op: &HostOp, args: &[u64], heap: &mut Heap) -> Result<u64, u64>;
}

/// A host for pure code, which asks nothing: every request is answered with a trap.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn call(&mut self, op: &HostOp, _args: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        Err(heap.make_trap(TrapKind::Internal, &format!("{op:?} can't be asked of pure code")))
    }
}
