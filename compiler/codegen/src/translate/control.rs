//! Calls, jumps, errors, safepoints and suspensions.

use super::memory::Slot;
use super::{Translator, offset, parameter};
use crate::context::Outcome;
use crate::linker::{CompileError, Helper};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, BlockArg, InstBuilder, JumpTableData, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Value,
    types,
};
use flow_mir::{
    BlockId, Function, FunctionId, Id, LocalId, SuspensionId, SuspensionPoint, Terminator, TypeId,
};

/// Words of a `Record` before its values.
const RECORD: u64 = 2;

impl Translator<'_, '_> {
    /// A direct call of a function that does not suspend.
    pub(super) fn call(
        &mut self,
        dst: LocalId,
        function: FunctionId,
        args: &[LocalId],
    ) -> Result<(), CompileError> {
        let body = match self.bodies.get(&function) {
            Some(body) => *body,
            None => {
                let body = self.linker.body(self.program, function, self.builder.func)?;
                *self.bodies.entry(function).or_insert(body)
            }
        };
        let mut arguments = vec![self.context];
        for arg in args {
            arguments.push(self.local(*arg)?);
        }
        let call = self.collecting(|translator| translator.builder.ins().call(body, &arguments))?;
        let value = self.outcome(call)?;
        self.define(dst, value)
    }

    /// A call of a function value: its body's address is in a table, compiled at its first use.
    pub(super) fn call_closure(
        &mut self,
        dst: LocalId,
        closure: LocalId,
        args: &[LocalId],
    ) -> Result<(), CompileError> {
        let address = self.address_of(closure)?;
        let closure = self.local(closure)?;
        let function = self.load_heap(address, 0)?;
        let (look_up, compile, next) =
            (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        let body = self.builder.append_block_param(next, types::I64);
        self.builder.set_cold_block(compile);
        let count = self.program.functions.len() as u64;
        let exists = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, function, count.cast_signed());
        self.builder.ins().brif(exists, look_up, &[], compile, &[]);

        self.builder.switch_to_block(look_up);
        let bodies = self.load_context(Slot::Bodies)?;
        let offset = self.builder.ins().ishl_imm_u(function, 3);
        let place = self.builder.ins().iadd(bodies, offset);
        let known = self.builder.ins().atomic_load(types::I64, MemFlagsData::trusted(), place);
        self.builder.ins().brif(known, next, &[BlockArg::Value(known)], compile, &[]);

        self.builder.switch_to_block(compile);
        let compiled = self.call_stub(Helper::Body, &[function])?;
        self.builder.ins().jump(next, &[BlockArg::Value(compiled)]);
        self.builder.switch_to_block(next);

        let mut arguments = vec![self.context, closure];
        for arg in args {
            arguments.push(self.local(*arg)?);
        }
        let signature = self.linker.body_signature(1 + args.len());
        let signature = self.builder.import_signature(signature);
        let call = self
            .collecting(|translator| translator.builder.ins().call_indirect(signature, body, &arguments))?;
        let value = self.outcome(call)?;
        self.define(dst, value)
    }

    /// The start of a function: raises where the stack has no room, or where the watchdog has fired, since recursion
    /// without a loop passes no safepoint.
    pub(super) fn check_call(&mut self) -> Result<(), CompileError> {
        let pointer = self.builder.ins().get_stack_pointer(types::I64);
        let limit = self.load_constant(Slot::StackLimit)?;
        let full = self.builder.ins().icmp(IntCC::UnsignedLessThan, pointer, limit);
        let id = self.word(self.id.index() as u64);
        self.unlikely(full, Helper::StackOverflow, &[id])?;
        self.check_interrupt()
    }

    fn check_interrupt(&mut self) -> Result<(), CompileError> {
        let flag = self.load_constant(Slot::Interrupt)?;
        // Atomic, so that it is read anew each time.
        let interrupted = self.builder.ins().atomic_load(types::I8, MemFlagsData::trusted(), flag);
        self.unlikely(interrupted, Helper::Interrupted, &[])
    }

    /// Calls a helper, which raises, where `condition` holds.
    fn unlikely(
        &mut self,
        condition: Value,
        helper: Helper,
        arguments: &[Value],
    ) -> Result<(), CompileError> {
        let (slow, next) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(condition, slow, &[], next, &[]);
        self.builder.switch_to_block(slow);
        self.fail(helper, arguments)?;
        self.builder.switch_to_block(next);
        Ok(())
    }

    /// The end of a block.
    pub(super) fn terminator(&mut self, terminator: &Terminator) -> Result<(), CompileError> {
        match terminator {
            Terminator::Goto(next) => {
                self.jump(*next);
                Ok(())
            }
            Terminator::Branch { condition, then, otherwise } => {
                let condition = self.local(*condition)?;
                let (then, otherwise) = (self.block(*then), self.block(*otherwise));
                self.builder.ins().brif(condition, then, &[], otherwise, &[]);
                Ok(())
            }
            Terminator::Switch { value, targets, otherwise } => {
                let value = self.local(*value)?;
                let targets: Vec<_> = targets.iter().map(|target| self.block(*target)).collect();
                let otherwise = self.block(*otherwise);
                self.switch(value, &targets, otherwise);
                Ok(())
            }
            Terminator::Return(value) => {
                let value = self.local(*value)?;
                self.leave(Outcome::RETURNED, value);
                Ok(())
            }
            Terminator::Raise(error) => {
                let error = self.local(*error)?;
                let raise = self.raise_block();
                self.builder.ins().jump(raise, &[BlockArg::Value(error)]);
                Ok(())
            }
            Terminator::Safepoint { next, suspension } => self.safepoint(*next, *suspension),
            Terminator::Suspend { op, suspension, .. } => self.suspend(*suspension, &op.operands()),
            Terminator::Unreachable => self.fail(Helper::Unreachable, &[]),
        }
    }

    fn jump(&mut self, block: BlockId) {
        let block = self.block(block);
        self.builder.ins().jump(block, &[]);
    }

    /// A jump table over the whole word: one that doesn't fit 32 bits is out of the table's range.
    fn switch(&mut self, value: Value, targets: &[ir::Block], otherwise: ir::Block) {
        let narrow = self.builder.create_block();
        let in_range = self.builder.ins().icmp_imm_u(
            IntCC::UnsignedLessThan,
            value,
            (targets.len() as u64).cast_signed(),
        );
        self.builder.ins().brif(in_range, narrow, &[], otherwise, &[]);
        self.builder.switch_to_block(narrow);
        let index = self.builder.ins().ireduce(types::I32, value);
        let pool = &mut self.builder.func.dfg.value_lists;
        let otherwise = ir::BlockCall::new(otherwise, [], pool);
        let targets: Vec<_> = targets.iter().map(|target| ir::BlockCall::new(*target, [], pool)).collect();
        let table = self.builder.create_jump_table(JumpTableData::new(otherwise, &targets));
        self.builder.ins().br_table(index, table);
    }

    /// Returns an `Outcome`.
    pub(super) fn leave(&mut self, status: u64, value: Value) {
        let status = self.word(status);
        self.builder.ins().return_(&[status, value]);
    }

    /// The code of the blocks where errors arrive: on to the handler, or out of the function.
    pub(super) fn fill_raising_blocks(&mut self) -> Result<(), CompileError> {
        while let Some(handler) = self.unfilled.pop() {
            self.handler = handler;
            let block = self.raise_block();
            self.builder.switch_to_block(block);
            let error = parameter(self.builder.block_params(block), 0)?;
            match handler {
                None => self.leave(Outcome::RAISED, error),
                Some(handler) => {
                    self.define(handler.error, error)?;
                    self.jump(handler.block);
                }
            }
        }
        Ok(())
    }

    /// Makes a call during which memory may be collected: what is needed behind it is in a [`Record`] meanwhile. Locals that
    /// aren't may refer to nothing afterwards.
    fn collecting(&mut self, make: impl FnOnce(&mut Self) -> ir::Inst) -> Result<ir::Inst, CompileError> {
        let (block, instruction) = self.place;
        let roots = self.roots.at(block, instruction).to_vec();
        if roots.is_empty() {
            let call = make(self);
            self.read_heap()?;
            return Ok(call);
        }
        let root_types: Result<Box<[TypeId]>, _> = roots.iter().map(|local| self.type_of(*local)).collect();
        let root_types = self.linker.root_types(root_types?).addr() as u64;
        let root_types = self.word(root_types);
        let outer = self.load_context(Slot::Roots)?;
        let slot = self.root_slot();
        let record = self.builder.ins().stack_addr(types::I64, slot, 0);
        for (index, value) in [outer, root_types].into_iter().enumerate() {
            self.builder.ins().stack_store(types::I64, value, slot, offset(index as u64)?);
        }
        for (index, local) in (RECORD..).zip(&roots) {
            let value = self.local(*local)?;
            self.builder.ins().stack_store(types::I64, value, slot, offset(index)?);
        }
        self.store_context(Slot::Roots, record)?;
        let call = make(self);
        self.store_context(Slot::Roots, outer)?;
        self.read_heap()?;
        for (index, local) in (RECORD..).zip(&roots) {
            let value = self.builder.ins().stack_load(types::I64, types::I64, slot, offset(index)?);
            self.define(*local, value)?;
        }
        Ok(call)
    }

    /// One slot for all records of the function, which is in one call at a time.
    fn root_slot(&mut self) -> StackSlot {
        if let Some(slot) = self.record {
            return slot;
        }
        let words = u32::try_from(self.roots.most()).unwrap_or(u32::MAX).saturating_add(RECORD as u32);
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, words.saturating_mul(8), 3);
        let slot = self.builder.create_sized_stack_slot(data);
        *self.record.insert(slot)
    }

    /// A back edge: raises where the run is to stop. Where memory is to be collected a function that suspends leaves, for
    /// the strand to do it; another has it done.
    fn safepoint(&mut self, next: BlockId, suspension: SuspensionId) -> Result<(), CompileError> {
        self.check_interrupt()?;
        let (used, collect_at) = (self.builder.use_var(self.used), self.load_context(Slot::CollectAt)?);
        let due = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, used, collect_at);
        let leave = self.builder.create_block();
        self.builder.set_cold_block(leave);
        let next = self.block(next);
        self.builder.ins().brif(due, leave, &[], next, &[]);
        self.builder.switch_to_block(leave);
        if suspension != SuspensionId::START {
            return self.suspend(suspension, &[]);
        }
        let stub = self.stub(Helper::Collect)?;
        let context = self.context;
        self.collecting(|translator| translator.builder.ins().call(stub, &[context]))?;
        self.stub_outcome()?;
        self.builder.ins().jump(next, &[]);
        Ok(())
    }

    /// Leaves: live locals, then operands, to the spill buffer.
    fn suspend(&mut self, suspension: SuspensionId, operands: &[LocalId]) -> Result<(), CompileError> {
        let point = point(self.function, suspension)?;
        let spill = self.load_context(Slot::Spill)?;
        for (index, local) in point.live.iter().chain(operands).enumerate() {
            let value = self.local(*local)?;
            self.store_slot(spill, index, value)?;
        }
        let id = self.word(u64::from(suspension.0));
        self.leave(Outcome::SUSPENDED, id);
        Ok(())
    }

    /// The start of a function that suspends: to its first block with its arguments, or to where it stopped.
    pub(super) fn dispatch(&mut self, params: &[Value]) -> Result<(), CompileError> {
        let suspension = parameter(params, 0)?;
        let count = self.function.suspensions.len();
        let targets: Vec<_> = (0..=count).map(|_| self.builder.create_block()).collect();
        let unknown = self.builder.create_block();
        self.builder.set_cold_block(unknown);
        self.switch(suspension, &targets, unknown);
        self.builder.switch_to_block(unknown);
        self.terminator(&Terminator::Unreachable)?;
        for (index, target) in targets.into_iter().enumerate() {
            self.builder.switch_to_block(target);
            self.resume_at(SuspensionId(u32::try_from(index).unwrap_or(u32::MAX)), params)?;
        }
        Ok(())
    }

    /// Loads the live locals, then goes on with the outcome: to the next block, or to the handler.
    fn resume_at(&mut self, suspension: SuspensionId, params: &[Value]) -> Result<(), CompileError> {
        let function = self.function;
        let slots = parameter(params, 1)?;
        let live = function.live(suspension).unwrap_or_default();
        for (index, local) in live.into_iter().enumerate() {
            let value = self.load_slot(slots, index)?;
            self.define(local, value)?;
        }
        if suspension == SuspensionId::START {
            self.jump(BlockId(0));
            return Ok(());
        }
        let block = point(function, suspension)?.block;
        let block = function.blocks.get(block).ok_or_else(|| self.damaged("block", block.0 as usize))?;
        let (value, is_error) = (parameter(params, 2)?, parameter(params, 3)?);
        self.handler = block.handler;
        let (raise, resumed) = (self.raise_block(), self.builder.create_block());
        self.builder.ins().brif(is_error, raise, &[BlockArg::Value(value)], resumed, &[]);
        self.builder.switch_to_block(resumed);
        match &block.terminator {
            Terminator::Suspend { dst, next, .. } => {
                self.define(*dst, value)?;
                self.jump(*next);
            }
            Terminator::Safepoint { next, .. } => self.jump(*next),
            _ => return Err(self.damaged("suspension in the block of its number", suspension.0 as usize)),
        }
        Ok(())
    }
}

fn point(function: &Function, suspension: SuspensionId) -> Result<&SuspensionPoint, CompileError> {
    let index = suspension.0.checked_sub(1).map(|index| index as usize);
    let point = index.and_then(|index| function.suspensions.get(index));
    point.ok_or_else(|| {
        CompileError::new(format_args!("function `{}` has no suspension {}", function.name, suspension.0))
    })
}
