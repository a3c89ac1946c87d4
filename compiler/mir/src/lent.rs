//! What many strands read is lent to them: the branches of a `parallel for` capture the same values, and neither their frames
//! nor their heaps hold these while they wait. A strand that is lent something runs in the lender's heap, behind the values
//! there, and leaves with what is its own: going in and out costs what that is worth, however much is lent.

use crate::executor::{Executor, Host};
use crate::heap::{Heap, TrapKind};
use crate::ids::{FunctionId, Id, LocalId, TypeId};
use crate::program::{Function, Program};
use crate::strand::{Stop, Strand, copy_frames};
use crate::value::{self, CopyError};

/// Values that are lent to strands, to one at a time: the first parameters of their outermost functions, which these never
/// assign to.
#[derive(Debug)]
pub struct Lent {
    heap: Heap,
    values: Vec<u64>,
}

impl Lent {
    /// These values of a heap, which may hold others.
    pub fn new(heap: Heap, values: Vec<u64>) -> Lent {
        Lent { heap, values }
    }

    /// Where they are.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The one for a parameter.
    pub(crate) fn value(&self, param: LocalId) -> Option<u64> {
        self.values.get(param.index()).copied()
    }
}

impl Strand {
    /// As [`run`](Strand::run), with what the strand lacks.
    pub fn run_lent<'p>(
        &mut self,
        lent: &mut Lent,
        executor: &'p dyn Executor,
        host: &mut dyn Host,
        outcome: Result<u64, u64>,
    ) -> Stop<'p> {
        let program = executor.program();
        let mut outcome = match self.go_in(program, lent, outcome) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.frames.clear();
                return Stop::Raised(trap(&mut self.heap, error));
            }
        };
        let Some(outermost) = self.frames.first().map(|frame| frame.function) else {
            return self.run(executor, host, outcome);
        };
        loop {
            let mut stop = self.run(executor, host, outcome);
            let Err(error) = self.come_out(program, lent, outermost, &mut stop) else { return stop };
            // What it would take along does not fit into its own memory.
            if self.frames.is_empty() {
                self.leave(lent, lent.heap.successor());
                return Stop::Raised(trap(&mut self.heap, error));
            }
            outcome = Err(trap(&mut self.heap, error));
        }
    }

    /// Moves into the lender's heap, with the outcome that it goes on with.
    fn go_in(
        &mut self,
        program: &Program,
        lent: &mut Lent,
        outcome: Result<u64, u64>,
    ) -> Result<Result<u64, u64>, CopyError> {
        let awaited = match outcome {
            Ok(_) => self.awaits(program).unwrap_or(program.known.unit),
            Err(_) => program.known.error,
        };
        let mut roots = [(awaited, outcome.unwrap_or_else(|error| error))];
        let values = self.lacking_values(program, lent)?;
        lent.heap.lend(self.heap.limits());
        let copied =
            copy_frames(program, &self.heap, &mut lent.heap, &mut self.frames, &mut roots, value::copy);
        if let Err(error) = copied {
            lent.heap.take_back();
            return Err(error);
        }
        if let Some(frame) = self.frames.first_mut() {
            frame.slots.splice(0..0, values);
            frame.lent = 0;
        }
        lent.heap.start_epoch();
        std::mem::swap(&mut self.heap, &mut lent.heap);
        let [(_, word)] = roots;
        Ok(outcome.map(|_| word).map_err(|_| word))
    }

    /// The type of what it goes on with; `None` before it has begun.
    fn awaits(&self, program: &Program) -> Option<TypeId> {
        let frame = self.frames.last()?;
        let function = program.functions.get(frame.function)?;
        let (_, dst) = function.suspend_op(frame.suspension)?;
        function.locals.get(dst).map(|local| local.ty)
    }

    /// The values of those live locals of its outermost frame that are lent.
    fn lacking_values(&self, program: &Program, lent: &Lent) -> Result<Vec<u64>, CopyError> {
        let others = CopyError::Corrupt("a frame lacks other values than are lent");
        let frame = self.frames.first().filter(|frame| frame.lent as usize == lent.count()).ok_or(others)?;
        let function = program.functions.get(frame.function).ok_or(others)?;
        let live = function.live(frame.suspension).ok_or(others)?;
        let lacking = live.iter().take(function.lent_slots(frame.suspension, frame.lent));
        lacking.map(|local| lent.value(*local).ok_or(others)).collect()
    }

    /// Moves out of the lender's heap, with the words it stopped with. Where that fails it still stands there.
    fn come_out(
        &mut self,
        program: &Program,
        lent: &mut Lent,
        outermost: FunctionId,
        stop: &mut Stop<'_>,
    ) -> Result<(), CopyError> {
        let mut frames = self.frames.clone();
        if let (Some(frame), Some(function)) = (frames.first_mut(), program.functions.get(outermost)) {
            frame.lent = lent.count() as u32;
            frame.slots.drain(..function.lent_slots(frame.suspension, frame.lent).min(frame.slots.len()));
        }
        let mut roots = roots(program, outermost, stop);
        let mut own = lent.heap.successor();
        copy_frames(program, &self.heap, &mut own, &mut frames, &mut roots, value::copy)?;
        own.start_epoch();
        self.frames = frames;
        self.leave(lent, own);
        for (place, (_, word)) in words(stop).iter_mut().zip(roots) {
            *place = word;
        }
        Ok(())
    }

    fn leave(&mut self, lent: &mut Lent, own: Heap) {
        lent.heap = std::mem::replace(&mut self.heap, own);
        lent.heap.take_back();
    }
}

/// The words that a strand stopped with.
fn words<'a>(stop: &'a mut Stop<'_>) -> &'a mut [u64] {
    match stop {
        Stop::Returned(word) | Stop::Raised(word) => std::slice::from_mut(word),
        Stop::Suspended(suspended) => &mut suspended.operands,
    }
}

/// The same with their types.
fn roots(program: &Program, outermost: FunctionId, stop: &mut Stop<'_>) -> Vec<(TypeId, u64)> {
    let locals = |id| program.functions.get(id).map(|function: &Function| &function.locals);
    let types: Vec<TypeId> = match stop {
        Stop::Returned(_) => {
            program.functions.get(outermost).map(|function| function.returns).into_iter().collect()
        }
        Stop::Raised(_) => vec![program.known.error],
        Stop::Suspended(at) => {
            let operands = at.op.operands();
            let ty = |local| locals(at.function).and_then(|locals| Some(locals.get(local)?.ty));
            operands.into_iter().map(|local| ty(local).unwrap_or(program.known.unit)).collect()
        }
    };
    types.into_iter().zip(words(stop).iter().copied()).collect()
}

fn trap(heap: &mut Heap, error: CopyError) -> u64 {
    match error {
        CopyError::OutOfMemory => heap.out_of_memory(),
        CopyError::Corrupt(what) => heap.make_trap(TrapKind::Internal, what),
    }
}
