//! The reference executor: does what each instruction says, on an explicit stack.

use crate::executor::{Entry, Executor, Exit, Host};
use crate::heap::{Heap, OutOfMemory, Safepoint, TrapKind};
use crate::ids::{BlockId, FunctionId, Id, LocalId, SuspensionId, TypeId};
use crate::instruction::{Instruction, Op, Terminator};
use crate::intrinsics::{self, out_of_range};
use crate::program::{Block, Function, Program};
use crate::roots::Roots;
use crate::scalar::{self, Fault};
use crate::strand::{self, Frame, ran_too_long};
use crate::types::Type;
use crate::{trace, value};
use std::collections::HashMap;
use std::sync::Arc;

/// Interprets a program. The program must be valid (`Program::validate`); one that isn't traps.
#[derive(Clone, Debug)]
pub struct Interpreter {
    program: Arc<Program>,
}

impl Interpreter {
    /// An interpreter of the program.
    pub fn new(program: Arc<Program>) -> Interpreter {
        Interpreter { program }
    }

    /// As [`Executor::enter`], while more than frames wait for the function.
    pub fn enter_within(
        &self,
        function: FunctionId,
        entry: Entry<'_>,
        waiting: Waiting<'_>,
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Exit {
        let mut machine = Machine::new(&self.program, waiting, heap, host);
        machine.begin(function, entry).and_then(|()| machine.run()).unwrap_or_else(|exit| exit)
    }

    /// Does one instruction of a function, other than a call: its result, or the `Error` it raises. So native code leaves
    /// to the interpreter what it has no code for, and what its checks have found to fail. `locals` gives the operands.
    pub fn instruction(
        program: &Program,
        id: FunctionId,
        instruction: &Instruction,
        locals: Vec<u64>,
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Result<u64, u64> {
        let mut machine = Machine::new(program, Waiting::default(), heap, host);
        let Some(function) = program.functions.get(id) else { return Ok(0) };
        let dst = instruction.op.dst();
        machine.stack.push(Activation { id, function, locals, block: BlockId(0), at: 0, dst: LocalId(0) });
        match machine.instruction(instruction) {
            Ok(()) => Ok(dst.map_or(0, |dst| machine.get(dst))),
            Err(Leave::Raise(error)) => Err(error),
            Err(Leave::Exit(_)) => Ok(0),
        }
    }
}

/// Who waits for what is running, and has values in the same heap, which move when it is collected.
#[derive(Debug, Default)]
pub struct Waiting<'a> {
    /// Frames.
    pub frames: &'a mut [Frame],
    /// What native code needs behind the call that it is in.
    pub roots: &'a mut [(TypeId, u64)],
}

impl Executor for Interpreter {
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
        self.enter_within(function, entry, Waiting { frames: callers, roots: &mut [] }, heap, host)
    }
}

/// What a native frame takes beside its locals, about: so that both executors reach the limit at like depths.
const FRAME_BYTES: usize = 64;

struct Activation<'p> {
    id: FunctionId,
    function: &'p Function,
    locals: Vec<u64>,
    block: BlockId,
    /// The next instruction.
    at: usize,
    /// The caller's local that receives the result.
    dst: LocalId,
}

impl Activation<'_> {
    fn get(&self, local: LocalId) -> u64 {
        self.locals.get(local.index()).copied().unwrap_or(0)
    }

    fn set(&mut self, local: LocalId, word: u64) {
        if let Some(place) = self.locals.get_mut(local.index()) {
            *place = word;
        }
    }

    fn all(&self, locals: &[LocalId]) -> Vec<u64> {
        locals.iter().map(|local| self.get(*local)).collect()
    }

    fn goto(&mut self, block: BlockId) {
        self.block = block;
        self.at = 0;
    }

    fn bytes(&self) -> usize {
        FRAME_BYTES + 8 * self.locals.len()
    }
}

struct Machine<'p, 'h> {
    program: &'p Program,
    waiting: Waiting<'h>,
    heap: &'h mut Heap,
    host: &'h mut dyn Host,
    stack: Vec<Activation<'p>>,
    stack_bytes: usize,
}

/// How a step ended that didn't just go on.
enum Leave {
    /// With an `Error`, to be handled.
    Raise(u64),
    /// Out of the function that was entered.
    Exit(Exit),
}

impl<'p, 'h> Machine<'p, 'h> {
    fn new(program: &'p Program, waiting: Waiting<'h>, heap: &'h mut Heap, host: &'h mut dyn Host) -> Self {
        Machine { program, waiting, heap, host, stack: Vec::new(), stack_bytes: 0 }
    }

    fn begin(&mut self, id: FunctionId, entry: Entry<'_>) -> Result<(), Exit> {
        let (suspension, slots, outcome) = match entry {
            Entry::Start(args) => (SuspensionId::START, args, Ok(0)),
            Entry::Resume { suspension, slots, outcome } => (suspension, slots, outcome),
        };
        let live =
            self.program.functions.get(id).and_then(|function| Some((function, function.live(suspension)?)));
        let Some((function, live)) = live.filter(|(_, live)| live.len() == slots.len()) else {
            let message = format!("{id} can't be entered at {suspension} with {} values", slots.len());
            return Err(Exit::Raise(self.heap.make_trap(TrapKind::Internal, &message)));
        };
        self.push(id, function, &[], LocalId(0)).map_err(Exit::Raise)?;
        let Some(top) = self.stack.last_mut() else { return Ok(()) };
        live.into_iter().zip(slots).for_each(|(local, word)| top.set(local, *word));
        let point = (suspension.0 as usize).checked_sub(1).and_then(|index| function.suspensions.get(index));
        let Some(point) = point else { return Ok(()) };
        top.goto(point.block);
        match (outcome, function.blocks.get(point.block).map(|block| &block.terminator)) {
            (Err(error), _) => self.raise(error)?,
            (Ok(_), Some(Terminator::Safepoint { next, .. })) => top.goto(*next),
            (Ok(value), Some(Terminator::Suspend { dst, next, .. })) => {
                top.set(*dst, value);
                top.goto(*next);
            }
            _ => {}
        }
        Ok(())
    }

    fn push(
        &mut self,
        id: FunctionId,
        function: &'p Function,
        args: &[u64],
        dst: LocalId,
    ) -> Result<(), u64> {
        // Recursion without a loop passes no safepoint.
        if self.heap.interrupted() {
            return Err(ran_too_long(self.heap));
        }
        let mut locals = vec![0; function.locals.len()];
        locals.iter_mut().zip(args).for_each(|(local, arg)| *local = *arg);
        let activation = Activation { id, function, locals, block: BlockId(0), at: 0, dst };
        self.stack_bytes += activation.bytes();
        self.stack.push(activation);
        // What was entered has room, whatever its size: only calls within calls are bounded.
        if self.stack.len() > 1 && self.stack_bytes > self.heap.limits().stack_bytes {
            self.pop();
            let message = format!("`{}` is called within {} calls", function.name, self.stack.len());
            return Err(self.heap.make_trap(TrapKind::RecursionTooDeep, &message));
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<Activation<'p>> {
        let top = self.stack.pop()?;
        self.stack_bytes -= top.bytes();
        Some(top)
    }

    fn run(&mut self) -> Result<Exit, Exit> {
        loop {
            let left = match self.step() {
                Ok(()) => continue,
                Err(left) => left,
            };
            match left {
                Leave::Raise(error) => self.raise(error)?,
                Leave::Exit(exit) => return Ok(exit),
            }
        }
    }

    /// Goes to the nearest handler, or out.
    fn raise(&mut self, error: u64) -> Result<(), Exit> {
        while let Some(top) = self.stack.last_mut() {
            if let Some(handler) = top.function.blocks.get(top.block).and_then(|block| block.handler) {
                top.set(handler.error, error);
                top.goto(handler.block);
                return Ok(());
            }
            self.pop();
        }
        Err(Exit::Raise(error))
    }

    fn step(&mut self) -> Result<(), Leave> {
        let Some(top) = self.stack.last_mut() else { return Err(self.internal("nothing is running")) };
        let function = top.function;
        let Some(block) = function.blocks.get(top.block) else { return Err(self.internal("no such block")) };
        match block.instructions.get(top.at) {
            Some(instruction) => {
                top.at += 1;
                self.instruction(instruction)
            }
            None => self.terminator(block),
        }
    }

    fn internal(&mut self, message: &str) -> Leave {
        Leave::Raise(self.heap.make_trap(TrapKind::Internal, message))
    }

    fn fault(&mut self, fault: Fault) -> Leave {
        Leave::Raise(self.heap.make_trap(fault.kind, &fault.message))
    }

    fn made(&mut self, made: Result<u64, OutOfMemory>) -> Result<u64, Leave> {
        made.map_err(|_| Leave::Raise(self.heap.out_of_memory()))
    }

    fn get(&self, local: LocalId) -> u64 {
        self.stack.last().map_or(0, |top| top.get(local))
    }

    fn all(&self, locals: &[LocalId]) -> Vec<u64> {
        self.stack.last().map_or_else(Vec::new, |top| top.all(locals))
    }

    fn ty(&self, local: LocalId) -> TypeId {
        let local = self.stack.last().and_then(|top| top.function.locals.get(local));
        local.map_or(TypeId(u32::MAX), |local| local.ty)
    }

    /// The type that an option holds.
    fn item(&self, option: LocalId) -> TypeId {
        let types = &self.program.types;
        match types.get(types.representation(self.ty(option))) {
            Some(Type::Option(item)) => *item,
            _ => TypeId(u32::MAX),
        }
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<(), Leave> {
        let word = match &instruction.op {
            Op::Call { dst, function, args } => return self.call(*function, &self.all(args), *dst),
            Op::CallClosure { dst, closure, args } => {
                let closure = self.get(*closure);
                let function = usize::try_from(self.heap.get(closure, 0)).unwrap_or(usize::MAX);
                let args: Vec<u64> = [closure].into_iter().chain(self.all(args)).collect();
                return self.call(FunctionId::new(function), &args, *dst);
            }
            Op::Trace { error, values } => {
                let Some(top) = self.stack.last() else { return Ok(()) };
                let values: Vec<_> = values.iter().map(|local| (*local, top.get(*local))).collect();
                let (error, id) = (top.get(*error), top.id);
                trace::append(self.program, self.heap, error, id, instruction.location, &values);
                return Ok(());
            }
            Op::Share { value } => {
                let value = self.get(*value);
                self.heap.share(value);
                return Ok(());
            }
            op => self.compute(op)?,
        };
        if let (Some(top), Some(dst)) = (self.stack.last_mut(), instruction.op.dst()) {
            top.set(dst, word);
        }
        Ok(())
    }

    fn call(&mut self, id: FunctionId, args: &[u64], dst: LocalId) -> Result<(), Leave> {
        match self.program.functions.get(id) {
            Some(function) if function.param_count as usize == args.len() && !function.suspends => {
                self.push(id, function, args, dst).map_err(Leave::Raise)
            }
            _ => Err(self.internal(&format!("{id} can't be called with {} values", args.len()))),
        }
    }

    /// The value of an instruction that has one and calls nothing in the program.
    fn compute(&mut self, op: &Op) -> Result<u64, Leave> {
        let types = &self.program.types;
        Ok(match op {
            Op::Word { word, .. } => *word,
            Op::Constant { constant, .. } => {
                let made = self.program.constants.get(*constant).map(|constant| self.heap.constant(constant));
                self.made(made.unwrap_or(Ok(0)))?
            }
            Op::Copy { src, .. } => self.get(*src),
            Op::Binary { op, left, right, .. } => {
                scalar::binary(*op, self.get(*left), self.get(*right)).map_err(|fault| self.fault(fault))?
            }
            Op::Unary { op, operand, .. } => {
                scalar::unary(*op, self.get(*operand)).map_err(|fault| self.fault(fault))?
            }
            Op::Equal { left, right, .. } => {
                let ty = self.ty(*left);
                u64::from(value::equal(types, self.heap, ty, self.get(*left), self.get(*right)))
            }
            Op::MakeTuple { fields, .. } => {
                let made = self.heap.make_record(&self.all(fields));
                self.made(made)?
            }
            Op::Field { base, index, .. } => self.heap.field(self.get(*base), *index as usize),
            Op::With { base, fields, .. } => self.with(*base, fields)?,
            Op::MakeCase { dst, case, fields } => {
                let made = self.heap.make_case(types, self.ty(*dst), *case, &self.all(fields));
                self.made(made)?
            }
            Op::CaseOf { base, .. } => self.heap.case_of(types, self.ty(*base), self.get(*base)),
            Op::CaseField { base, index, .. } => self.heap.case_field(self.get(*base), *index as usize),
            Op::MakeSome { dst, value } => {
                let made = self.heap.make_some(types, self.item(*dst), self.get(*value));
                self.made(made)?
            }
            Op::IsSome { option, .. } => u64::from(self.get(*option) != 0),
            Op::Unwrap { option, .. } => {
                self.heap.option_at(types, self.item(*option), self.get(*option)).unwrap_or(0)
            }
            Op::MakeList { items, .. } => {
                let made = self.heap.make_list(&self.all(items));
                self.made(made)?
            }
            Op::ListGet { list, index, .. } => {
                let (list, index) = (self.get(*list), self.get(*index) as i64);
                let fault = || Fault {
                    kind: TrapKind::IndexOutOfRange,
                    message: out_of_range(index, self.heap.list_len(list)),
                };
                self.heap.list_get(list, index).ok_or_else(fault).map_err(|fault| self.fault(fault))?
            }
            Op::ListLen { list, .. } => self.heap.list_len(self.get(*list)) as u64,
            Op::MakeClosure { function, captures, .. } => {
                let mut object = vec![u64::from(function.0)];
                object.extend(self.all(captures));
                let made = self.heap.alloc_from(&object);
                self.made(made)?
            }
            Op::Capture { environment, index, .. } => {
                self.heap.get(self.get(*environment), 1 + *index as usize)
            }
            Op::Intrinsic { intrinsic, types, args, .. } => {
                let args = self.all(args);
                intrinsics::call(*intrinsic, types, &args, self.program, self.heap).map_err(Leave::Raise)?
            }
            Op::MakeError { value, .. } => {
                let made = self.heap.make_error(self.ty(*value), self.get(*value));
                self.made(made)?
            }
            Op::ErrorIs { error, ty, .. } => u64::from(self.heap.error_parts(self.get(*error)).ty == *ty),
            Op::ErrorValue { error, .. } => self.heap.error_parts(self.get(*error)).value,
            Op::ErrorUnknownKey { error, .. } => self.heap.error_parts(self.get(*error)).unknown_key,
            Op::Host { op, args, .. } => {
                let args = self.all(args);
                self.host.call(op, &args, self.heap).map_err(Leave::Raise)?
            }
            Op::Call { .. } | Op::CallClosure { .. } | Op::Trace { .. } | Op::Share { .. } => 0,
        })
    }

    fn with(&mut self, base: LocalId, replaced: &[(u32, LocalId)]) -> Result<u64, Leave> {
        let types = &self.program.types;
        let count = match types.get(types.representation(self.ty(base))) {
            Some(Type::Tuple(items)) => items.len(),
            Some(Type::Record { fields, .. }) => fields.len(),
            _ => 0,
        };
        let mut fields = self.heap.slice(self.get(base), 0, count).to_vec();
        for (index, local) in replaced {
            if let Some(field) = fields.get_mut(*index as usize) {
                *field = self.get(*local);
            }
        }
        let made = self.heap.make_record(&fields);
        self.made(made)
    }

    fn terminator(&mut self, block: &'p Block) -> Result<(), Leave> {
        let next = match &block.terminator {
            Terminator::Goto(next) => *next,
            Terminator::Branch { condition, then, otherwise } => {
                if self.get(*condition) != 0 {
                    *then
                } else {
                    *otherwise
                }
            }
            Terminator::Switch { value, targets, otherwise } => {
                let target = usize::try_from(self.get(*value)).ok().and_then(|value| targets.get(value));
                *target.unwrap_or(otherwise)
            }
            Terminator::Return(local) => return self.return_value(self.get(*local)),
            Terminator::Raise(local) => return Err(Leave::Raise(self.get(*local))),
            Terminator::Safepoint { next, suspension } => match self.heap.safepoint() {
                Safepoint::Interrupt => return Err(Leave::Raise(ran_too_long(self.heap))),
                Safepoint::Collect if *suspension != SuspensionId::START => {
                    return Err(self.suspend(*suspension, Vec::new()));
                }
                Safepoint::Collect => {
                    self.collect().map_err(Leave::Raise)?;
                    *next
                }
                Safepoint::Continue => *next,
            },
            Terminator::Suspend { op, suspension, .. } => {
                let operands = self.all(&op.operands());
                return Err(self.suspend(*suspension, operands));
            }
            Terminator::Unreachable => return Err(self.internal("the program went where it can't go")),
        };
        if let Some(top) = self.stack.last_mut() {
            top.goto(next);
        }
        Ok(())
    }

    /// Compacts the heap to what the running functions need, and those that wait for them.
    fn collect(&mut self) -> Result<(), u64> {
        let mut known: HashMap<FunctionId, Roots> = HashMap::new();
        let mut places = Vec::new();
        let mut roots = Vec::new();
        for (depth, running) in self.stack.iter().enumerate() {
            let of =
                known.entry(running.id).or_insert_with(|| Roots::of(running.function, &self.program.types));
            let instructions =
                running.function.blocks.get(running.block).map_or(0, |block| block.instructions.len());
            // The innermost stands at its terminator; the others behind the call that they wait for.
            let innermost = depth + 1 == self.stack.len();
            let at = if innermost { instructions } else { running.at.saturating_sub(1) };
            for local in of.at(running.block, at) {
                let ty =
                    running.function.locals.get(*local).map_or(self.program.known.unit, |local| local.ty);
                places.push((depth, *local));
                roots.push((ty, running.get(*local)));
            }
        }
        let own = roots.len();
        roots.extend_from_slice(self.waiting.roots);
        strand::collect(self.program, self.heap, self.waiting.frames, &mut roots)?;
        self.waiting.roots.copy_from_slice(roots.get(own..).unwrap_or_default());
        for ((depth, local), (_, word)) in places.into_iter().zip(roots) {
            if let Some(running) = self.stack.get_mut(depth) {
                running.set(local, word);
            }
        }
        Ok(())
    }

    fn return_value(&mut self, value: u64) -> Result<(), Leave> {
        let returned = self.pop();
        match (self.stack.last_mut(), returned) {
            (Some(caller), Some(returned)) => {
                caller.set(returned.dst, value);
                Ok(())
            }
            _ => Err(Leave::Exit(Exit::Return(value))),
        }
    }

    fn suspend(&mut self, suspension: SuspensionId, operands: Vec<u64>) -> Leave {
        let live = match self.stack.as_slice() {
            [only] => only.function.live(suspension).map(|live| only.all(&live)),
            _ => None,
        };
        match live {
            Some(slots) if suspension != SuspensionId::START => {
                Leave::Exit(Exit::Suspend { suspension, slots, operands })
            }
            _ => self.internal("a function that doesn't suspend did"),
        }
    }
}
