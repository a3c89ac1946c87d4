//! Entering and leaving native code.

use crate::context::{Buffers, Context, Outcome};
use crate::linker::{CompileError, Linker, Unit, is_large};
use crate::runtime;
use flow_mir::strand::ran_too_long;
use flow_mir::{
    Entry, Executor, Exit, Frame, Function, FunctionId, Heap, Host, Id, Interpreter, Program, SuspensionId,
    SuspensionPoint, Terminator, TrapKind,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What `enter` calls: `(context, suspension, slots, value, is_error)`.
type EntryCode = unsafe extern "C" fn(*mut Context<'_>, u64, *const u64, u64, u64) -> Outcome;

/// Runs a program as native code. Functions are compiled when they are first needed, but for those of a size that isn't
/// worth it, which are interpreted, with what they call.
#[derive(Debug)]
pub struct NativeExecutor {
    program: Arc<Program>,
    interpreter: Interpreter,
    /// Which functions it runs.
    interpreted: Box<[bool]>,
    linker: Mutex<Linker>,
    /// Code by function, null where not compiled yet: what `enter` calls.
    entries: Box<[AtomicPtr<u8>]>,
    /// Code by function, null where not compiled yet: what compiled code calls.
    bodies: Box<[AtomicPtr<u8>]>,
    /// What suspensions leave, by function.
    spills: Box<[Box<[Spill]>]>,
    /// Words that the widest suspension leaves.
    widest_spill: usize,
}

impl NativeExecutor {
    /// Prepares to run `program`. Refuses a damaged program, and a machine for which there is no code generator.
    pub fn compile(program: Arc<Program>) -> Result<Self, CompileError> {
        program.validate().map_err(CompileError::new)?;
        let table = || program.functions.ids().map(|_| AtomicPtr::default()).collect();
        let spills: Box<[_]> = program.functions.values().map(spills).collect();
        let widest_spill = spills.iter().flatten().map(|spill| spill.live + spill.operands).max();
        Ok(NativeExecutor {
            linker: Mutex::new(Linker::new()?),
            entries: table(),
            bodies: table(),
            spills,
            widest_spill: widest_spill.unwrap_or(0),
            interpreted: program.functions.values().map(is_large).collect(),
            interpreter: Interpreter::new(Arc::clone(&program)),
            program,
        })
    }

    /// Compiles everything now that would be compiled when first needed.
    pub fn compile_all(&self) -> Result<(), CompileError> {
        let mut compiled = self.program.functions.ids().filter(|id| !self.is_interpreted(*id));
        compiled.try_for_each(|id| self.address(Unit::Entry(id)).map(|_| ()))
    }

    fn is_interpreted(&self, id: FunctionId) -> bool {
        self.interpreted.get(id.index()).copied().unwrap_or(false)
    }

    /// What runs the functions that have no code of their own.
    pub(crate) fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    /// The code of a unit, compiled if it isn't yet.
    pub(crate) fn address(&self, unit: Unit) -> Result<*const u8, CompileError> {
        let known = self.place(unit)?.load(Ordering::Acquire);
        if !known.is_null() {
            return Ok(known);
        }
        let mut linker = self.linker.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.place(unit)?.load(Ordering::Acquire);
        if !known.is_null() {
            return Ok(known);
        }
        let compiled = catch_unwind(AssertUnwindSafe(|| linker.compile(&self.program, unit)));
        let compiled = compiled
            .unwrap_or_else(|panic| Err(linker.fail(CompileError::new(runtime::panic_message(&*panic)))))?;
        for (unit, address) in compiled {
            self.place(unit)?.store(address.cast_mut(), Ordering::Release);
        }
        Ok(self.place(unit)?.load(Ordering::Acquire))
    }

    fn place(&self, unit: Unit) -> Result<&AtomicPtr<u8>, CompileError> {
        let (table, id) = match unit {
            Unit::Entry(id) => (&self.entries, id),
            Unit::Body(id) => (&self.bodies, id),
        };
        let place = table.get(id.index());
        place.ok_or_else(|| CompileError::new(format_args!("the program has no function {}", id.index())))
    }

    /// Calls a function's entry code.
    fn run(
        &self,
        code: EntryCode,
        call: Call<'_>,
        buffers: &mut Buffers,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Outcome {
        let marker = 0u8;
        let stack_pointer = std::ptr::from_ref(&marker).addr() as u64;
        let limits = heap.limits();
        let mut context = Context {
            words: std::ptr::null_mut(),
            used: 0,
            capacity: 0,
            stack_limit: stack_pointer.saturating_sub(limits.stack_bytes as u64),
            interrupt: std::ptr::null(),
            collect_at: 0,
            bodies: self.bodies.as_ptr(),
            constants: buffers.constants.as_mut_ptr(),
            spill: buffers.spill.as_mut_ptr(),
            roots: std::ptr::null_mut(),
            outcome: Outcome::new(Ok(0)),
            executor: self,
            heap,
            host,
            callers,
            made: &mut buffers.made,
        };
        context.lend_heap();
        // SAFETY: `code` was compiled from the validated program with this signature and reads as many slots as the
        // suspension has, which `call` was checked to hold; the context's buffers are as large as any function of the
        // program needs, and everything it points to is borrowed until the code has returned.
        let outcome =
            unsafe { code(&mut context, call.suspension, call.slots.as_ptr(), call.value, call.is_error) };
        context.take_heap();
        outcome
    }

    fn exit(&self, function: FunctionId, outcome: Outcome, buffers: &Buffers) -> Result<Exit, String> {
        match outcome.status {
            Outcome::RETURNED => Ok(Exit::Return(outcome.value)),
            Outcome::RAISED => Ok(Exit::Raise(outcome.value)),
            _ => {
                let suspension = SuspensionId::new(usize::try_from(outcome.value).unwrap_or(usize::MAX));
                let unknown = || format!("{function} left at {suspension}, which it has not");
                let spill = self.spill(function, suspension).ok_or_else(unknown)?;
                let (slots, rest) = buffers.spill.split_at_checked(spill.live).ok_or_else(unknown)?;
                let operands = rest.get(..spill.operands).ok_or_else(unknown)?.to_vec();
                let slots = slots.to_vec();
                Ok(Exit::Suspend { suspension, slots, operands })
            }
        }
    }

    fn spill(&self, function: FunctionId, suspension: SuspensionId) -> Option<Spill> {
        let index = suspension.0.checked_sub(1)? as usize;
        self.spills.get(function.index())?.get(index).copied()
    }

    /// The arguments of the entry code, checked to be as many as it reads.
    fn call<'a>(&self, id: FunctionId, entry: Entry<'a>) -> Result<Call<'a>, String> {
        let (suspension, slots, value, is_error) = match entry {
            Entry::Start(arguments) => (SuspensionId::START, arguments, 0, 0),
            Entry::Resume { suspension, slots, outcome: Ok(value) } => (suspension, slots, value, 0),
            Entry::Resume { suspension, slots, outcome: Err(error) } => (suspension, slots, error, 1),
        };
        let expected = match suspension {
            SuspensionId::START => self.program.functions.get(id).map(|body| body.param_count as usize),
            _ => self.spill(id, suspension).map(|spill| spill.live),
        };
        if expected == Some(slots.len()) {
            return Ok(Call { suspension: u64::from(suspension.0), slots, value, is_error });
        }
        Err(format!("{id} can't be entered at {suspension} with {} values", slots.len()))
    }

    fn try_enter(
        &self,
        id: FunctionId,
        entry: Entry<'_>,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Result<Exit, String> {
        if self.is_interpreted(id) {
            return Ok(self.interpreter.enter(id, entry, callers, heap, host));
        }
        let call = self.call(id, entry)?;
        if heap.interrupted() {
            return Ok(Exit::Raise(ran_too_long(heap)));
        }
        let address = self.address(Unit::Entry(id)).map_err(|error| error.to_string())?;
        // SAFETY: the table of entries holds only addresses of finished code of this signature, or null, which
        // `address` doesn't give.
        let code = unsafe { std::mem::transmute::<*const u8, EntryCode>(address) };
        let mut buffers = Buffers::take(self.program.constants.len(), self.widest_spill);
        let outcome = self.run(code, call, &mut buffers, callers, heap, host);
        let exit = self.exit(id, outcome, &buffers);
        buffers.give_back();
        exit
    }
}

impl Executor for NativeExecutor {
    fn program(&self) -> &Program {
        &self.program
    }

    fn enter(
        &self,
        function: FunctionId,
        entry: Entry<'_>,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Exit {
        self.try_enter(function, entry, callers, heap, host)
            .unwrap_or_else(|message| Exit::Raise(heap.make_trap(TrapKind::Internal, &message)))
    }
}

/// The arguments of entry code.
struct Call<'a> {
    suspension: u64,
    slots: &'a [u64],
    value: u64,
    is_error: u64,
}

/// How many words a suspension leaves.
#[derive(Clone, Copy, Debug)]
struct Spill {
    live: usize,
    operands: usize,
}

/// Those of a function's suspensions, in order.
fn spills(function: &Function) -> Box<[Spill]> {
    let spill = |point: &SuspensionPoint| {
        let operands = match function.blocks.get(point.block).map(|block| &block.terminator) {
            Some(Terminator::Suspend { op, .. }) => op.operands().len(),
            _ => 0,
        };
        Spill { live: point.live.len(), operands }
    };
    function.suspensions.iter().map(spill).collect()
}
