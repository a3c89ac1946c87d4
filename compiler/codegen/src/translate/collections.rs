//! Lists, whose layout `flow_mir::heap::list` describes, and the library operations that have code of their own.

use super::Translator;
use crate::linker::CompileError;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use flow_mir::heap::HELD_ONCE;
use flow_mir::{Instruction, Intrinsic, LocalId};

/// Where things are: in a list, then in its buffer.
const LENGTH: u64 = 0;
const BUFFER: u64 = 1;
const CAPACITY: u64 = 0;
const USED: u64 = 1;
const ITEMS: u64 = 2;

impl Translator<'_, '_> {
    /// A library operation: a few have code of their own, all others are the helper's.
    pub(super) fn intrinsic(
        &mut self,
        instruction: &Instruction,
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
        instruction: &Instruction,
        dst: LocalId,
        list: LocalId,
        index: LocalId,
    ) -> Result<(), CompileError> {
        let (list, index) = (self.local(list)?, self.local(index)?);
        let list = self.address(list)?;
        let len = self.load_heap(list, LENGTH)?;
        let in_range = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, len);
        self.fast_or_helper(instruction, dst, in_range, |translator| {
            let item = translator.item(list, index)?;
            translator.load_heap(item, ITEMS)
        })
    }

    /// The list with an item replaced: in place where the index is in range and the list held once.
    fn list_set(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        list: LocalId,
        index: LocalId,
        item: LocalId,
    ) -> Result<(), CompileError> {
        let (list, index, item) = (self.local(list)?, self.local(index)?, self.local(item)?);
        let header = self.address(list)?;
        let len = self.load_heap(header, LENGTH)?;
        let in_range = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, len);
        let buffer = self.buffer(header)?;
        let capacity = self.load_heap(buffer, CAPACITY)?;
        let held_once = self.builder.ins().icmp_imm_u(IntCC::SignedLessThan, capacity, 0);
        let in_place = self.builder.ins().band(in_range, held_once);
        self.fast_or_helper(instruction, dst, in_place, |translator| {
            let place = translator.item(header, index)?;
            translator.store_heap(place, ITEMS, item)?;
            Ok(list)
        })
    }

    /// The list with one more item: in place where it is held once, ends where its buffer is used, and there is room.
    fn list_push(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        list: LocalId,
        item: LocalId,
    ) -> Result<(), CompileError> {
        let (list, item) = (self.local(list)?, self.local(item)?);
        let header = self.address(list)?;
        let len = self.load_heap(header, LENGTH)?;
        let buffer = self.buffer(header)?;
        let (capacity, used) = (self.load_heap(buffer, CAPACITY)?, self.load_heap(buffer, USED)?);
        // The bit is the sign: with it, the length is above what a capacity without it can be.
        let bit = self.word(HELD_ONCE);
        let marked = self.builder.ins().bor(len, bit);
        let room = self.builder.ins().icmp(IntCC::UnsignedLessThan, marked, capacity);
        let at_end = self.builder.ins().icmp(IntCC::Equal, len, used);
        let in_place = self.builder.ins().band(room, at_end);
        self.fast_or_helper(instruction, dst, in_place, |translator| {
            let place = translator.item(header, len)?;
            translator.store_heap(place, ITEMS, item)?;
            let longer = translator.builder.ins().iadd_imm_u(len, 1);
            translator.store_heap(header, LENGTH, longer)?;
            translator.store_heap(buffer, USED, longer)?;
            Ok(list)
        })
    }

    /// Marks a list, map or set as held by more than one. Of one without a buffer the reserved word is cleared, which is
    /// 0 anyway.
    pub(super) fn share(&mut self, value: LocalId) -> Result<(), CompileError> {
        let value = self.local(value)?;
        let header = self.address(value)?;
        let buffer = self.buffer(header)?;
        let capacity = self.load_heap(buffer, CAPACITY)?;
        let capacity = self.builder.ins().band_imm_u(capacity, (!HELD_ONCE).cast_signed());
        self.store_heap(buffer, CAPACITY, capacity)
    }

    /// The address of the buffer of the list, or of the table of the map, at this address.
    fn buffer(&mut self, header: Value) -> Result<Value, CompileError> {
        let buffer = self.load_heap(header, BUFFER)?;
        self.address(buffer)
    }

    /// An address from which the `index`-th item of the list at this address is `ITEMS` words on.
    fn item(&mut self, header: Value, index: Value) -> Result<Value, CompileError> {
        let buffer = self.load_heap(header, BUFFER)?;
        let item = self.builder.ins().iadd(buffer, index);
        self.address(item)
    }
}
