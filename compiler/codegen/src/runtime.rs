//! Helpers that compiled code calls. Each takes the heap over, does its work in safe Rust shared with the interpreter,
//! and hands the heap back. None lets a panic out: unwinding through compiled code would be undefined.

use crate::context::{Context, Outcome, READABLE, Record};
use crate::linker::Unit;
use flow_mir::{
    ConstantId, Entry, Executor, Exit, FunctionId, Id, Instruction, Interpreter, Op, TrapKind, TypeId,
    Waiting, intrinsics, strand,
};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Context<'_> {
    /// Makes the heap's memory available to compiled code.
    pub(crate) fn lend_heap(&mut self) {
        let limits = self.heap.limits();
        let limit = limits.heap_words;
        self.interrupt = limits.interrupt.as_ptr().cast::<u8>().cast_const();
        self.collect_at = self.heap.collect_at() as u64;
        self.heap.reserve(READABLE as usize);
        let storage = self.heap.storage_mut();
        self.words = storage.as_mut_ptr();
        self.used = storage.len() as u64;
        self.capacity = (storage.capacity() - READABLE as usize).min(limit) as u64;
    }

    /// Takes it back, with what compiled code has allocated.
    pub(crate) fn take_heap(&mut self) {
        let used = usize::try_from(self.used).unwrap_or(0);
        let storage = self.heap.storage_mut();
        debug_assert!(storage.len() <= used && used <= storage.capacity());
        // SAFETY: compiled code raises `used` only up to `capacity`, which is less than the storage's, and writes every
        // word of an object that it allocates before it calls or leaves.
        unsafe { storage.set_len(used) };
    }
}

/// Runs a helper's body with the heap taken over. A panic, which is a defect of ours, becomes a trap.
fn with_heap(context: *mut Context<'_>, body: impl FnOnce(&mut Context<'_>) -> Result<u64, u64>) -> Outcome {
    // SAFETY: compiled code passes on the context that `enter` gave it, and uses it for nothing else during the call.
    let context = unsafe { &mut *context };
    context.take_heap();
    let result = catch_unwind(AssertUnwindSafe(|| body(context)));
    let result = result
        .unwrap_or_else(|panic| Err(context.heap.make_trap(TrapKind::Internal, &panic_message(&*panic))));
    context.lend_heap();
    Outcome::new(result)
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

/// Does one instruction as the interpreter does. `function` is whose it is.
pub(crate) extern "C" fn instruction(
    context: *mut Context<'_>,
    function: u64,
    instruction: *const Instruction,
    operands: *const u64,
    count: u64,
) -> Outcome {
    // SAFETY: it is an address within the program, which the executor owns for as long as its code runs.
    let instruction = unsafe { &*instruction };
    // SAFETY: the caller has put that many words into its stack slot.
    let operands = unsafe { std::slice::from_raw_parts(operands, usize::try_from(count).unwrap_or(0)) };
    with_heap(context, |context| {
        let program = context.executor.program();
        match &instruction.op {
            Op::Intrinsic { intrinsic, types, .. } => {
                intrinsics::call(*intrinsic, types, operands, program, context.heap)
            }
            Op::Host { op, .. } => context.host.call(op, operands, context.heap),
            op => {
                let id = function_id(function);
                let count = program.functions.get(id).map_or(0, |function| function.locals.len());
                let mut locals = vec![0; count];
                let mut operands = operands.iter();
                op.for_each_operand(|local| {
                    if let (Some(place), Some(word)) = (locals.get_mut(local.index()), operands.next()) {
                        *place = *word;
                    }
                });
                Interpreter::instruction(program, id, instruction, locals, context.heap, context.host)
            }
        }
    })
}

/// Runs a function that has no code of its own.
pub(crate) extern "C" fn interpret(
    context: *mut Context<'_>,
    function: u64,
    arguments: *const u64,
    count: u64,
) -> Outcome {
    // SAFETY: the caller has put that many words into its stack slot.
    let arguments = unsafe { std::slice::from_raw_parts(arguments, usize::try_from(count).unwrap_or(0)) };
    with_heap(context, |context| {
        let (interpreter, id) = (context.executor.interpreter(), function_id(function));
        let exit = collecting(context, |context, roots| {
            let waiting = Waiting { frames: context.callers, roots };
            interpreter.enter_within(id, Entry::Start(arguments), waiting, context.heap, context.host)
        });
        match exit {
            Exit::Return(value) => Ok(value),
            Exit::Raise(error) => Err(error),
            Exit::Suspend { .. } => Err(context.heap.make_trap(TrapKind::Internal, "a body suspended")),
        }
    })
}

fn function_id(word: u64) -> FunctionId {
    FunctionId::new(usize::try_from(word).unwrap_or(usize::MAX))
}

/// Makes a pooled constant and remembers it for the rest of the run.
pub(crate) extern "C" fn constant(context: *mut Context<'_>, constant: u64) -> Outcome {
    with_heap(context, |context| {
        let program = context.executor.program();
        let index = usize::try_from(constant).unwrap_or(usize::MAX);
        let Some(value) = program.constants.get(ConstantId::new(index)) else {
            return Err(context.heap.make_trap(TrapKind::Internal, "no such constant"));
        };
        let made = context.heap.constant(value).map_err(|full| full.raise(context.heap))?;
        // SAFETY: the buffer has an entry for each constant of the program, and only compiled code reads it.
        unsafe { *context.constants.add(index) = made };
        context.made.push(index);
        Ok(made)
    })
}

/// Compiles a function that is called through a function value for the first time.
pub(crate) extern "C" fn body(context: *mut Context<'_>, function: u64) -> Outcome {
    with_heap(context, |context| {
        let address = context.executor.address(Unit::Body(function_id(function)));
        address
            .map(|address| address.addr() as u64)
            .map_err(|error| context.heap.make_trap(TrapKind::Internal, &error.to_string()))
    })
}

/// Compacts the heap at a back edge, to what running functions and the frames that wait for them need.
pub(crate) extern "C" fn collect(context: *mut Context<'_>) -> Outcome {
    with_heap(context, |context| {
        collecting(context, |context, roots| {
            strand::collect(context.executor.program(), context.heap, context.callers, roots).map(|()| 0)
        })
    })
}

/// Does what may move the values that running functions need: it is given them, and leaves where they are now.
fn collecting<'a, R>(
    context: &mut Context<'a>,
    work: impl FnOnce(&mut Context<'a>, &mut [(TypeId, u64)]) -> R,
) -> R {
    for index in context.made.drain(..) {
        // SAFETY: the buffer has an entry for each constant of the program, and only compiled code reads it.
        unsafe { *context.constants.add(index) = 0 };
    }
    let places = roots(context.roots);
    // SAFETY: each place is a word of a record on the stack of a function that is running.
    let mut roots: Vec<_> = places.iter().map(|(ty, place)| (*ty, unsafe { **place })).collect();
    let result = work(context, &mut roots);
    for ((_, place), (_, word)) in places.into_iter().zip(roots) {
        // SAFETY: as above; the function reads the word back when its call has returned.
        unsafe { *place = word };
    }
    result
}

/// The places of all values in a chain of records.
fn roots(mut record: *mut Record) -> Vec<(TypeId, *mut u64)> {
    let mut places = Vec::new();
    while !record.is_null() {
        // SAFETY: a record is complete before the call during which it is in the chain, and is taken out after it.
        let (outer, types) = unsafe { ((*record).outer, &*(*record).types) };
        // SAFETY: a record's values follow it, as many as there are types.
        let values = unsafe { record.add(1).cast::<u64>() };
        // SAFETY: the index is below that number.
        places.extend(types.0.iter().enumerate().map(|(index, ty)| (*ty, unsafe { values.add(index) })));
        record = outer;
    }
    places
}

/// Raises at a safepoint or at the start of a function: the watchdog fired.
pub(crate) extern "C" fn interrupted(context: *mut Context<'_>) -> Outcome {
    with_heap(context, |context| Err(strand::ran_too_long(context.heap)))
}

/// Raises at the start of a function: the stack is full.
pub(crate) extern "C" fn stack_overflow(context: *mut Context<'_>, function: u64) -> Outcome {
    with_heap(context, |context| {
        let function = context.executor.program().functions.get(function_id(function));
        let name = function.map_or("?", |function| &function.name);
        let message = format!("`{name}` is called within too many calls");
        Err(context.heap.make_trap(TrapKind::RecursionTooDeep, &message))
    })
}

/// Raises where the program says that it never comes.
pub(crate) extern "C" fn unreachable(context: *mut Context<'_>) -> Outcome {
    let message = "the program went where it can't go";
    with_heap(context, |context| Err(context.heap.make_trap(TrapKind::Internal, message)))
}
