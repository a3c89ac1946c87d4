//! Reads and writes of the context and the heap.

use super::{Translator, offset};
use crate::context::{Context, READABLE};
use crate::linker::CompileError;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use flow_mir::{Instruction, LocalId};
use std::mem::offset_of;

/// A word of the context that compiled code uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    Words,
    Used,
    Capacity,
    StackLimit,
    Interrupt,
    CollectAt,
    Bodies,
    Constants,
    Spill,
    Roots,
    OutcomeStatus,
    OutcomeValue,
}

impl Slot {
    pub(crate) fn offset(self) -> Result<i32, CompileError> {
        let bytes = match self {
            Slot::Words => offset_of!(Context, words),
            Slot::Used => offset_of!(Context, used),
            Slot::Capacity => offset_of!(Context, capacity),
            Slot::StackLimit => offset_of!(Context, stack_limit),
            Slot::Interrupt => offset_of!(Context, interrupt),
            Slot::CollectAt => offset_of!(Context, collect_at),
            Slot::Bodies => offset_of!(Context, bodies),
            Slot::Constants => offset_of!(Context, constants),
            Slot::Spill => offset_of!(Context, spill),
            Slot::Roots => offset_of!(Context, roots),
            Slot::OutcomeStatus => offset_of!(Context, outcome.status),
            Slot::OutcomeValue => offset_of!(Context, outcome.value),
        };
        i32::try_from(bytes).map_err(CompileError::new)
    }
}

impl Translator<'_, '_> {
    fn context_flags(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.context_region))
    }

    fn heap_flags(&self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(self.heap_region))
    }

    /// A word of the context.
    pub(super) fn load_context(&mut self, slot: Slot) -> Result<Value, CompileError> {
        let flags = self.context_flags();
        Ok(self.builder.ins().load(types::I64, flags, self.context, slot.offset()?))
    }

    /// A word of the context that stays the same while the code runs.
    pub(super) fn load_constant(&mut self, slot: Slot) -> Result<Value, CompileError> {
        let flags = self.context_flags().with_readonly().with_can_move();
        Ok(self.builder.ins().load(types::I64, flags, self.context, slot.offset()?))
    }

    /// Reads where the heap is and how much of it is in use: at the start, and after whatever may have changed that.
    pub(super) fn read_heap(&mut self) -> Result<(), CompileError> {
        let (words, used) = (self.load_context(Slot::Words)?, self.load_context(Slot::Used)?);
        self.builder.def_var(self.words, words);
        self.builder.def_var(self.used, used);
        Ok(())
    }

    /// Sets a word of the context.
    pub(super) fn store_context(&mut self, slot: Slot, value: Value) -> Result<(), CompileError> {
        let flags = self.context_flags();
        self.builder.ins().store(flags, value, self.context, slot.offset()?);
        Ok(())
    }

    /// A word of a buffer outside the heap: slots, constants.
    pub(super) fn load_slot(&mut self, buffer: Value, index: usize) -> Result<Value, CompileError> {
        let offset = offset(index as u64)?;
        Ok(self.builder.ins().load(types::I64, MemFlagsData::trusted(), buffer, offset))
    }

    /// Sets a word of a buffer outside the heap.
    pub(super) fn store_slot(
        &mut self,
        buffer: Value,
        index: usize,
        value: Value,
    ) -> Result<(), CompileError> {
        let offset = offset(index as u64)?;
        self.builder.ins().store(MemFlagsData::trusted(), value, buffer, offset);
        Ok(())
    }

    /// The machine address of the object that a local refers to. Valid until a call. What is no reference at all gives the
    /// heap's start, so that even a value of the wrong type lets nothing outside the heap be read; [`READABLE`] words may
    /// be, from there.
    ///
    /// A local that holds references only is looked at where it is defined. The heap grows behind it, and a collection,
    /// which shrinks it, leaves the locals that are still needed to be defined anew.
    pub(super) fn address_of(&mut self, local: LocalId) -> Result<Value, CompileError> {
        let value = self.local(local)?;
        let reference = if self.is_reference(local) { value } else { self.known_reference(value) };
        Ok(self.address(reference))
    }

    /// The reference, or 0 where it is none: nothing in the heap has it.
    pub(super) fn known_reference(&mut self, reference: Value) -> Value {
        let zero = self.word(0);
        let known = self.is_within(reference);
        self.builder.ins().select(known, reference, zero)
    }

    /// Whether a word is the index of one that is in use.
    pub(super) fn is_within(&mut self, reference: Value) -> Value {
        let used = self.builder.use_var(self.used);
        self.builder.ins().icmp(IntCC::UnsignedLessThan, reference, used)
    }

    /// The machine address of what is known to be within the heap.
    pub(super) fn address(&mut self, reference: Value) -> Value {
        let words = self.builder.use_var(self.words);
        let bytes = self.builder.ins().ishl_imm_u(reference, 3);
        self.builder.ins().iadd(words, bytes)
    }

    /// A word at an address in the heap.
    pub(super) fn load_heap(&mut self, address: Value, word: u64) -> Result<Value, CompileError> {
        let flags = self.heap_flags();
        Ok(self.builder.ins().load(types::I64, flags, address, offset(word)?))
    }

    /// Sets a word at an address in the heap.
    pub(super) fn store_heap(&mut self, address: Value, word: u64, value: Value) -> Result<(), CompileError> {
        let flags = self.heap_flags();
        self.builder.ins().store(flags, value, address, offset(word)?);
        Ok(())
    }

    /// `dst = base[word]`, which is what the instruction does.
    pub(super) fn load_field(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        base: LocalId,
        word: u64,
    ) -> Result<(), CompileError> {
        if word >= READABLE {
            return self.by_helper(instruction, Some(dst));
        }
        let address = self.address_of(base)?;
        let value = self.load_heap(address, word)?;
        self.define(dst, value)
    }

    /// A new object of `size` words, of which `fill` writes all, given its address and its reference. Where there is
    /// no room the helper does the whole instruction.
    pub(super) fn allocate(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        size: u64,
        fill: impl FnOnce(&mut Self, Value, Value) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        self.allocate_where(instruction, dst, None, size, fill)
    }

    /// As [`allocate`](Self::allocate), where a condition holds: else the helper does the whole instruction as well.
    pub(super) fn allocate_where(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        condition: Option<Value>,
        size: u64,
        fill: impl FnOnce(&mut Self, Value, Value) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        let reference = self.builder.use_var(self.used);
        let capacity = self.load_context(Slot::Capacity)?;
        let end = self.builder.ins().iadd_imm_u(reference, size.cast_signed());
        let fits = self.builder.ins().icmp(IntCC::UnsignedLessThanOrEqual, end, capacity);
        let fits = condition.map_or(fits, |condition| self.builder.ins().band(fits, condition));
        self.reference_or_helper(instruction, dst, fits, |translator| {
            translator.store_context(Slot::Used, end)?;
            translator.builder.def_var(translator.used, end);
            let address = translator.address(reference);
            fill(translator, address, reference)?;
            Ok(reference)
        })
    }
}
