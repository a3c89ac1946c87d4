//! Lists, whose layout `flow_mir::heap::list` describes, and the library operations that have code of their own.

use super::Translator;
use crate::linker::CompileError;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, Value, types};
use flow_mir::heap::HELD_ONCE;
use flow_mir::{Instruction, Intrinsic, LocalId};

/// Where things are: in a list, then in its buffer.
const LENGTH: u64 = 0;
const BUFFER: u64 = 1;
const CAPACITY: u64 = 0;
const USED: u64 = 1;
const ITEMS: u64 = 2;

impl<'a> Translator<'a, '_> {
    /// A library operation: a few have code of their own, all others are the helper's.
    pub(super) fn intrinsic(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        intrinsic: Intrinsic,
        args: &[LocalId],
    ) -> Result<(), CompileError> {
        match (intrinsic, args) {
            (Intrinsic::ListSet, &[list, index, item]) => self.list_set(instruction, dst, list, index, item),
            (Intrinsic::ListPush, &[list, item]) => self.list_push(instruction, dst, list, item),
            (
                Intrinsic::DecimalAdd
                | Intrinsic::DecimalSubtract
                | Intrinsic::DecimalMultiply
                | Intrinsic::DecimalCompare,
                &[left, right],
            ) => self.decimal(instruction, dst, intrinsic, left, right),
            (Intrinsic::FloatFromInt, &[value]) => {
                let value = self.local(value)?;
                let value = self.builder.ins().fcvt_from_sint(types::F64, value);
                self.define(dst, value)
            }
            (Intrinsic::FloatSquareRoot, &[value]) => {
                let value = self.local(value)?;
                let value = self.float_of(value);
                let zero = self.builder.ins().f64const(0.0);
                let real = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, value, zero);
                self.fast_or_helper(instruction, dst, real, |translator| {
                    let root = translator.builder.ins().sqrt(value);
                    Ok(translator.word_of(root))
                })
            }
            _ => self.by_helper(instruction, Some(dst)),
        }
    }

    /// A list with its buffer, held once.
    pub(super) fn make_list(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        items: &[LocalId],
    ) -> Result<(), CompileError> {
        if items.is_empty() {
            return self.by_helper(instruction, Some(dst));
        }
        let len = items.len() as u64;
        self.allocate(instruction, dst, 4 + len, |translator, address, reference| {
            let length = translator.word(len);
            let capacity = translator.word(len | HELD_ONCE);
            let buffer = translator.builder.ins().iadd_imm_u(reference, 2);
            for (index, value) in [length, buffer, capacity, length].into_iter().enumerate() {
                translator.store_heap(address, index as u64, value)?;
            }
            for (index, item) in (4..).zip(items) {
                let value = translator.local(*item)?;
                translator.store_heap(address, index, value)?;
            }
            Ok(())
        })
    }

    /// An item, unless the index is out of range.
    pub(super) fn list_get(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        list: LocalId,
        index: LocalId,
    ) -> Result<(), CompileError> {
        let index = self.local(index)?;
        let header = self.address_of(list)?;
        let failing = self.failing(instruction);
        self.in_range(header, index, failing)?;
        let buffer = self.load_heap(header, BUFFER)?;
        let item = self.item(buffer, index, failing);
        let value = self.load_heap(item, ITEMS)?;
        self.define(dst, value)
    }

    /// Goes on where the list at this address has an item of that number.
    fn in_range(&mut self, header: Value, index: Value, failing: ir::Block) -> Result<(), CompileError> {
        let len = self.load_heap(header, LENGTH)?;
        let in_range = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, len);
        self.require(in_range, failing);
        Ok(())
    }

    /// The list with an item replaced: in place where the index is in range and the list held once.
    fn list_set(
        &mut self,
        instruction: &'a Instruction,
        dst: LocalId,
        list: LocalId,
        index: LocalId,
        item: LocalId,
    ) -> Result<(), CompileError> {
        let (index, item) = (self.local(index)?, self.local(item)?);
        let (list, header) = self.list(list)?;
        let failing = self.failing(instruction);
        self.in_range(header, index, failing)?;
        let slow = self.cold_block();
        let reference = self.load_heap(header, BUFFER)?;
        let buffer = self.buffer(reference, slow);
        let capacity = self.load_heap(buffer, CAPACITY)?;
        let held_once = self.builder.ins().icmp_imm_u(IntCC::SignedLessThan, capacity, 0);
        self.require(held_once, slow);
        let place = self.item(reference, index, slow);
        self.store_heap(place, ITEMS, item)?;
        self.join(instruction, dst, list, slow)
    }

    /// The list with one more item: in place where it is held once, ends where its buffer is used, and there is room.
    fn list_push(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        list: LocalId,
        item: LocalId,
    ) -> Result<(), CompileError> {
        let item = self.local(item)?;
        let (list, header) = self.list(list)?;
        let len = self.load_heap(header, LENGTH)?;
        let slow = self.cold_block();
        let reference = self.load_heap(header, BUFFER)?;
        let buffer = self.buffer(reference, slow);
        let (capacity, used) = (self.load_heap(buffer, CAPACITY)?, self.load_heap(buffer, USED)?);
        // The bit is the sign: with it, the length is above what a capacity without it can be.
        let bit = self.word(HELD_ONCE);
        let marked = self.builder.ins().bor(len, bit);
        let room = self.builder.ins().icmp(IntCC::UnsignedLessThan, marked, capacity);
        let at_end = self.builder.ins().icmp(IntCC::Equal, len, used);
        let in_place = self.builder.ins().band(room, at_end);
        self.require(in_place, slow);
        let place = self.item(reference, len, slow);
        self.store_heap(place, ITEMS, item)?;
        let longer = self.builder.ins().iadd_imm_u(len, 1);
        self.store_heap(header, LENGTH, longer)?;
        self.store_heap(buffer, USED, longer)?;
        self.join(instruction, dst, list, slow)
    }

    /// Marks a list, map or set as held by more than one. Of one without a buffer the reserved word is cleared, which is
    /// 0 anyway.
    pub(super) fn share(&mut self, value: LocalId) -> Result<(), CompileError> {
        let header = self.address_of(value)?;
        let buffer = self.load_heap(header, BUFFER)?;
        let buffer = self.known_reference(buffer);
        let buffer = self.address(buffer);
        let capacity = self.load_heap(buffer, CAPACITY)?;
        let capacity = self.builder.ins().band_imm_u(capacity, (!HELD_ONCE).cast_signed());
        self.store_heap(buffer, CAPACITY, capacity)
    }

    /// A list, and its address.
    fn list(&mut self, list: LocalId) -> Result<(Value, Value), CompileError> {
        let value = self.local(list)?;
        let reference = if self.is_reference(list) { value } else { self.known_reference(value) };
        Ok((reference, self.address(reference)))
    }

    /// The address of a buffer, where it is one.
    fn buffer(&mut self, reference: Value, otherwise: ir::Block) -> Value {
        let known = self.is_within(reference);
        self.require(known, otherwise);
        self.address(reference)
    }

    /// An address from which the `index`-th item of a buffer is `ITEMS` words on, where it is in the heap.
    fn item(&mut self, buffer: Value, index: Value, otherwise: ir::Block) -> Value {
        let item = self.builder.ins().iadd(buffer, index);
        self.buffer(item, otherwise)
    }
}
