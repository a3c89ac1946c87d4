//! A strand: a stack of frames over one heap. It runs until it needs something from outside, and can be stored there.

use crate::artifact::ProgramHash;
use crate::bytes::{Corrupt, Reader, Writer};
use crate::executor::{Entry, Executor, Exit, Host};
use crate::heap::{Heap, Limits, Safepoint, TrapKind};
use crate::ids::{FunctionId, Id, LocalId, SuspensionId, TypeId};
use crate::instruction::{SuspendOp, Terminator};
use crate::lent::Lent;
use crate::program::{Function, Location, Program};
use crate::value::{self, CopyError};
use std::fmt;

const MAGIC: &[u8; 4] = b"FLWS";
pub(crate) const VERSION: u16 = 2;
/// Suspending calls nested more deeply trap.
pub const DEEPEST: usize = 10_000;

/// A function's activation while it isn't running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose.
    pub function: FunctionId,
    /// Where it stands: `START`, or a suspension point.
    pub suspension: SuspensionId,
    /// How many of its first parameters are lent (see [`Lent`](crate::lent::Lent)) and not among the slots; 0 while it runs.
    pub lent: u32,
    /// The values of the live locals there.
    pub slots: Vec<u64>,
}

/// A stack of frames, the outermost first, and their values.
#[derive(Clone, Debug)]
pub struct Strand {
    pub(crate) heap: Heap,
    pub(crate) frames: Vec<Frame>,
}

/// Why a strand stopped. Words are values in its heap.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop<'p> {
    /// It is done, with the result of its function.
    Returned(u64),
    /// It is done, with an `Error`.
    Raised(u64),
    /// It waits. [`Strand::run`] goes on with the operation's outcome.
    Suspended(Suspended<'p>),
}

/// What a strand waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspended<'p> {
    /// The innermost function.
    pub function: FunctionId,
    /// Its suspension point.
    pub suspension: SuspensionId,
    /// The operation; never a call of a function.
    pub op: &'p SuspendOp,
    /// The type of the operation's result.
    pub result: TypeId,
    /// The operands, in the order of `SuspendOp::operands`. They move when the strand is collected or encoded.
    pub operands: Vec<u64>,
    /// Where it stands.
    pub location: Location,
}

/// Why stored bytes aren't a strand of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes are damaged, or of another format version.
    Corrupt(Corrupt),
    /// It belongs to another program.
    Program {
        /// The hash it was stored with.
        found: ProgramHash,
    },
    /// Its values are damaged, or don't fit into the memory limit.
    Value(CopyError),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Corrupt(corrupt) => write!(f, "the stored frames can't be read: {corrupt}"),
            FrameError::Program { found } => write!(f, "the stored frames belong to the program {found}"),
            FrameError::Value(error) => write!(f, "the stored frames' values can't be read: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<Corrupt> for FrameError {
    fn from(corrupt: Corrupt) -> Self {
        FrameError::Corrupt(corrupt)
    }
}

/// A variable of a stopped function, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in the source.
    pub name: String,
    /// Its type, as written.
    pub ty: String,
    /// Its value, as interpolation shows it.
    pub value: String,
}

/// Where a stopped function stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameView {
    /// The function's name.
    pub function: String,
    /// Where it stands in the source.
    pub location: Location,
    /// Its named live variables.
    pub variables: Vec<Variable>,
}

impl Function {
    /// The operation of a suspension point and the local of its result; `None` for a safepoint.
    pub fn suspend_op(&self, suspension: SuspensionId) -> Option<(&SuspendOp, LocalId)> {
        let point = self.suspensions.get((suspension.0 as usize).checked_sub(1)?)?;
        match &self.blocks.get(point.block)?.terminator {
            Terminator::Suspend { op, dst, .. } => Some((op, *dst)),
            _ => None,
        }
    }

    /// The types of the slots of a frame stopped at `suspension`, without those of its first `lent` parameters.
    fn slot_types(
        &self,
        suspension: SuspensionId,
        lent: u32,
    ) -> Option<impl ExactSizeIterator<Item = TypeId>> {
        let params = self.param_count as usize;
        let live = match (suspension.0 as usize).checked_sub(1) {
            None => &[],
            Some(index) => self.suspensions.get(index)?.live.as_slice(),
        };
        let count = if suspension == SuspensionId::START { params } else { live.len() };
        let local = move |slot: usize| live.get(slot).copied().unwrap_or(LocalId::new(slot));
        let ty = move |slot| self.locals.get(local(slot)).map_or(TypeId(u32::MAX), |local| local.ty);
        Some((self.lent_slots(suspension, lent).min(count)..count).map(ty))
    }

    /// How many of the first `lent` parameters are live at `suspension`: slots ascend, so theirs are the first.
    pub(crate) fn lent_slots(&self, suspension: SuspensionId, lent: u32) -> usize {
        match (suspension.0 as usize).checked_sub(1).map(|index| self.suspensions.get(index)) {
            None => lent.min(self.param_count) as usize,
            Some(None) => 0,
            Some(Some(point)) => point.live.partition_point(|local| local.index() < lent as usize),
        }
    }
}

impl Strand {
    /// A strand that will call `function` with these values of `heap`.
    pub fn new(heap: Heap, function: FunctionId, args: Vec<u64>) -> Strand {
        Strand::lacking(heap, function, 0, args)
    }

    /// A strand that will call `function` with these arguments for all but its first `lent` parameters: those are lent to
    /// it whenever it runs.
    pub fn lacking(heap: Heap, function: FunctionId, lent: u32, args: Vec<u64>) -> Strand {
        Strand { heap, frames: vec![Frame { function, suspension: SuspensionId::START, lent, slots: args }] }
    }

    /// Its outermost function, and how many parameters of that must be lent to it to run; `None` when it is done.
    pub fn lacks(&self) -> Option<(FunctionId, u32)> {
        self.frames.first().map(|frame| (frame.function, frame.lent))
    }

    /// Its values.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Its values, to make the outcome of what it waits for.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// Its frames, the outermost first; none when it is done.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Runs until the strand is done or waits. `outcome` is that of the operation it waited for: a value, or an `Error`
    /// that goes to the handler there. A strand not yet started starts with `Ok`; `Err` ends it unstarted.
    pub fn run<'p>(
        &mut self,
        executor: &'p dyn Executor,
        host: &mut dyn Host,
        mut outcome: Result<u64, u64>,
    ) -> Stop<'p> {
        while let Some(frame) = self.frames.pop() {
            let entry = match (frame.suspension, outcome) {
                (SuspensionId::START, Err(_)) => continue,
                _ if frame.lent > 0 => {
                    outcome =
                        Err(self.heap.make_trap(TrapKind::Internal, "a strand runs without what it is lent"));
                    continue;
                }
                (SuspensionId::START, Ok(_)) => Entry::Start(&frame.slots),
                (suspension, outcome) => Entry::Resume { suspension, slots: &frame.slots, outcome },
            };
            outcome = match executor.enter(frame.function, entry, &mut self.frames, &mut self.heap, host) {
                Exit::Return(value) => Ok(value),
                Exit::Raise(error) => Err(error),
                Exit::Suspend { suspension, slots, operands } => {
                    self.frames.push(Frame { function: frame.function, suspension, lent: 0, slots });
                    match self.suspended(executor.program(), frame.function, suspension, operands) {
                        Ok(Some(suspended)) => return Stop::Suspended(suspended),
                        Ok(None) => Ok(0),
                        Err(error) => Err(error),
                    }
                }
            };
        }
        match outcome {
            Ok(value) => Stop::Returned(value),
            Err(error) => Stop::Raised(error),
        }
    }

    /// What to do about the suspension of the innermost frame: calls and collections are done here.
    fn suspended<'p>(
        &mut self,
        program: &'p Program,
        function: FunctionId,
        suspension: SuspensionId,
        operands: Vec<u64>,
    ) -> Result<Option<Suspended<'p>>, u64> {
        let body = program.functions.get(function);
        let op = body.and_then(|body| Some((body, body.suspend_op(suspension)?)));
        match op {
            None => self.collect(program).map(|()| None),
            Some((_, (SuspendOp::Call { function, .. }, _))) => {
                self.push(program, *function, operands).map(|()| None)
            }
            Some((_, (SuspendOp::CallClosure { .. }, _))) => {
                let closure = operands.first().copied().unwrap_or(0);
                let function = usize::try_from(self.heap.get(closure, 0)).unwrap_or(usize::MAX);
                self.push(program, FunctionId::new(function), operands).map(|()| None)
            }
            Some((body, (op, dst))) => {
                let result = body.locals.get(dst).map_or(program.known.unit, |local| local.ty);
                let index = (suspension.0 as usize).saturating_sub(1);
                let location = body.suspensions.get(index).map(|point| point.location).unwrap_or_default();
                Ok(Some(Suspended { function, suspension, op, result, operands, location }))
            }
        }
    }

    fn push(&mut self, program: &Program, function: FunctionId, args: Vec<u64>) -> Result<(), u64> {
        let params = program.functions.get(function).map(|function| function.param_count as usize);
        if params != Some(args.len()) {
            let message = format!("{function} can't be called with {} arguments", args.len());
            return Err(self.heap.make_trap(TrapKind::Internal, &message));
        }
        if self.frames.len() >= DEEPEST {
            let message = format!("{DEEPEST} calls that wait for one another");
            return Err(self.heap.make_trap(TrapKind::RecursionTooDeep, &message));
        }
        self.frames.push(Frame { function, suspension: SuspensionId::START, lent: 0, slots: args });
        match self.heap.safepoint() {
            Safepoint::Continue => Ok(()),
            safepoint => {
                let done = match safepoint {
                    Safepoint::Interrupt => Err(ran_too_long(&mut self.heap)),
                    _ => self.collect(program),
                };
                done.inspect_err(|_| _ = self.frames.pop())
            }
        }
    }

    /// Compacts the heap to what the frames reach. Words held elsewhere are no longer valid. Fails with a trap.
    pub fn collect(&mut self, program: &Program) -> Result<(), u64> {
        collect(program, &mut self.heap, &mut self.frames, &mut [])
    }

    fn compact(&mut self, program: &Program) -> Result<(), CopyError> {
        let mut compact = self.heap.successor();
        copy_frames(program, &self.heap, &mut compact, &mut self.frames, &mut [], value::copy)?;
        compact.start_epoch();
        self.heap = compact;
        Ok(())
    }

    /// Collects, and gives frames and values as bytes; described in `docs/frame-format.md`.
    pub fn encode(&mut self, program: &Program, hash: ProgramHash) -> Result<Vec<u8>, CopyError> {
        self.compact(program)?;
        let words = self.heap.words();
        let slots: usize = self.frames.iter().map(|frame| 16 + 8 * frame.slots.len()).sum();
        let mut writer = Writer::new(MAGIC, VERSION, slots + 8 * words.len());
        writer.raw(&hash.0);
        writer.u32(self.frames.len());
        for frame in &self.frames {
            writer.u32(frame.function.index());
            writer.u32(frame.suspension.index());
            writer.u32(frame.lent as usize);
            writer.words(&frame.slots);
        }
        writer.words(words);
        Ok(writer.finish())
    }

    /// The strand that was encoded as `bytes` for the program with that hash. Every reference is checked.
    pub fn decode(
        program: &Program,
        hash: ProgramHash,
        bytes: &[u8],
        limits: Limits,
    ) -> Result<Strand, FrameError> {
        let mut reader = Reader::new(bytes, MAGIC, VERSION)?;
        let found = ProgramHash(reader.array()?);
        if found != hash {
            return Err(FrameError::Program { found });
        }
        let mut frames = Vec::new();
        for _ in 0..reader.count(16)? {
            let function = FunctionId(reader.u32()?);
            let suspension = SuspensionId(reader.u32()?);
            let lent = reader.u32()?;
            frames.push(Frame { function, suspension, lent, slots: reader.words()? });
        }
        let words = reader.words()?;
        reader.end()?;
        check_calls(program, &frames)?;
        let heap = Heap::from_words(program.known, limits, words);
        let mut strand = Strand { heap, frames };
        strand.compact(program).map_err(FrameError::Value)?;
        Ok(strand)
    }

    /// Where the strand stands, the innermost function last, with the values of named variables. `lent` is what it lacks.
    pub fn view(&self, program: &Program, lent: Option<&Lent>) -> Vec<FrameView> {
        self.frames.iter().filter_map(|frame| self.view_frame(program, frame, lent)).collect()
    }

    fn view_frame(&self, program: &Program, frame: &Frame, lent: Option<&Lent>) -> Option<FrameView> {
        let function = program.functions.get(frame.function)?;
        let point = (frame.suspension.0 as usize).checked_sub(1).and_then(|at| function.suspensions.get(at));
        let live = function.live(frame.suspension)?;
        let (lacking, own) = live.split_at_checked(function.lent_slots(frame.suspension, frame.lent))?;
        let lent = lacking.iter().filter_map(|local| Some((local, lent?.heap(), lent?.value(*local)?)));
        let own = own.iter().zip(&frame.slots).map(|(local, word)| (local, &self.heap, *word));
        let variables = lent.chain(own).filter_map(|(local, heap, word)| {
            let local = function.locals.get(*local)?;
            Some(Variable {
                name: local.name.clone()?,
                ty: program.types.show(local.ty),
                value: value::show(program, heap, local.ty, word),
            })
        });
        Some(FrameView {
            function: function.name.clone(),
            location: point.map_or(function.location, |point| point.location),
            variables: variables.collect(),
        })
    }
}

/// Compacts a heap to what the frames and the other roots reach, and makes both refer to where it is now. A root of 0 is
/// none. Words held elsewhere are no longer valid. Fails with a trap.
pub fn collect(
    program: &Program,
    heap: &mut Heap,
    frames: &mut [Frame],
    roots: &mut [(TypeId, u64)],
) -> Result<(), u64> {
    let mut compact = heap.reuse();
    match copy_frames(program, heap, &mut compact, frames, roots, value::collect) {
        Ok(()) => {
            heap.collected(compact);
            Ok(())
        }
        Err(CopyError::OutOfMemory) => Err(heap.out_of_memory()),
        Err(CopyError::Corrupt(what)) => Err(heap.make_trap(TrapKind::Internal, what)),
    }
}

/// [`value::copy`] or [`value::collect`].
type CopyValues = fn(&Program, &Heap, &mut Heap, &mut [(TypeId, u64)]) -> Result<(), CopyError>;

/// Copies what frames and roots reach, and makes them refer to the copies once all is copied. A root of 0 is none.
pub(crate) fn copy_frames(
    program: &Program,
    from: &Heap,
    to: &mut Heap,
    frames: &mut [Frame],
    roots: &mut [(TypeId, u64)],
    copy: CopyValues,
) -> Result<(), CopyError> {
    let mut all: Vec<(TypeId, u64)> = roots.iter().copied().filter(|(_, word)| *word != 0).collect();
    for frame in frames.iter() {
        let function = program.functions.get(frame.function);
        let types = function.and_then(|function| function.slot_types(frame.suspension, frame.lent));
        let types = types.ok_or(CopyError::Corrupt("a frame stands at no suspension point"))?;
        if types.len() != frame.slots.len() {
            return Err(CopyError::Corrupt("a frame has another number of slots than its suspension point"));
        }
        all.extend(types.zip(frame.slots.iter().copied()));
    }
    copy(program, from, to, &mut all)?;
    let mut words = all.into_iter().map(|(_, word)| word);
    let held = roots.iter_mut().map(|(_, word)| word).filter(|word| **word != 0);
    for place in held.chain(frames.iter_mut().flat_map(|frame| &mut frame.slots)) {
        *place = words.next().unwrap_or(0);
    }
    Ok(())
}

/// The trap for a step that the watchdog interrupted.
pub fn ran_too_long(heap: &mut Heap) -> u64 {
    heap.make_trap(TrapKind::RanTooLong, "a loop or a recursion goes on without waiting for anything")
}

/// Every frame but the innermost waits for the one above it.
fn check_calls(program: &Program, frames: &[Frame]) -> Result<(), FrameError> {
    let malformed = |what: String| Err(FrameError::Corrupt(Corrupt::Malformed(what)));
    if frames.len() > DEEPEST {
        return malformed(format!("it has {} frames, more than the {DEEPEST} allowed", frames.len()));
    }
    for pair in frames.windows(2) {
        let [outer, inner] = pair else { continue };
        let function = program.functions.get(outer.function);
        let called = match function.and_then(|function| function.suspend_op(outer.suspension)) {
            Some((SuspendOp::Call { function, .. }, _)) => *function == inner.function,
            Some((SuspendOp::CallClosure { .. }, _)) => true,
            _ => false,
        };
        if !called {
            return malformed(format!(
                "{} at {} doesn't call {}",
                outer.function, outer.suspension, inner.function
            ));
        }
        if inner.lent > 0 {
            return malformed(format!("{} is called with parameters that it lacks", inner.function));
        }
    }
    Ok(())
}
