//! Construction and access of heap objects, laid out as `flow_mir::types` says.

use super::Translator;
use super::memory::Slot;
use crate::context::READABLE;
use crate::linker::{CompileError, Helper};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, types};
use flow_mir::{ConstantId, FunctionId, Id, Instruction, LocalId, Type, TypeId};

impl Translator<'_, '_> {
    /// An object of a first word, where given, and the values of these locals.
    fn make_object(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        first: Option<u64>,
        fields: &[LocalId],
    ) -> Result<(), CompileError> {
        let head = u64::from(first.is_some());
        self.allocate(instruction, dst, head + fields.len() as u64, |translator, address, _| {
            if let Some(first) = first {
                let first = translator.word(first);
                translator.store_heap(address, 0, first)?;
            }
            for (index, field) in (head..).zip(fields) {
                let value = translator.local(*field)?;
                translator.store_heap(address, index, value)?;
            }
            Ok(())
        })
    }

    /// A tuple or record.
    pub(super) fn make_tuple(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        fields: &[LocalId],
    ) -> Result<(), CompileError> {
        if fields.is_empty() {
            return self.by_helper(instruction, Some(dst));
        }
        self.make_object(instruction, dst, None, fields)
    }

    /// A copy with some fields replaced.
    pub(super) fn with(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        base: LocalId,
        replaced: &[(u32, LocalId)],
    ) -> Result<(), CompileError> {
        let ty = self.program.types.representation(self.type_of(base)?);
        let size = match self.program.types.get(ty) {
            Some(Type::Record { fields, .. }) => fields.len(),
            Some(Type::Tuple(items)) => items.len(),
            _ => 0,
        };
        if size == 0 || size as u64 >= READABLE {
            return self.by_helper(instruction, Some(dst));
        }
        self.allocate(instruction, dst, size as u64, |translator, address, _| {
            let source = translator.address_of(base)?;
            for index in 0..size as u64 {
                let replacement = replaced.iter().rev().find(|(field, _)| u64::from(*field) == index);
                let value = match replacement {
                    Some((_, local)) => translator.local(*local)?,
                    None => translator.load_heap(source, index)?,
                };
                translator.store_heap(address, index, value)?;
            }
            Ok(())
        })
    }

    /// An enum value.
    pub(super) fn make_case(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        case: u32,
        fields: &[LocalId],
    ) -> Result<(), CompileError> {
        if self.is_object(dst)? {
            return self.make_object(instruction, dst, Some(u64::from(case)), fields);
        }
        let value = self.word(u64::from(case));
        self.define(dst, value)
    }

    /// The case number of an enum value.
    pub(super) fn case_of(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        base: LocalId,
    ) -> Result<(), CompileError> {
        if self.is_object(base)? {
            return self.load_field(instruction, dst, base, 0);
        }
        let value = self.local(base)?;
        self.define(dst, value)
    }

    /// `Some(value)`.
    pub(super) fn make_some(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        value: LocalId,
    ) -> Result<(), CompileError> {
        if !self.item_is_reference(dst)? {
            return self.make_object(instruction, dst, None, &[value]);
        }
        let value = self.local(value)?;
        self.define(dst, value)
    }

    /// Whether an option holds a value.
    pub(super) fn is_some(&mut self, dst: LocalId, option: LocalId) -> Result<(), CompileError> {
        let option = self.local(option)?;
        let value = self.builder.ins().icmp_imm_u(IntCC::NotEqual, option, 0);
        self.define_bool(dst, value)
    }

    /// The value of an option that holds one.
    pub(super) fn unwrap_option(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        option: LocalId,
    ) -> Result<(), CompileError> {
        if !self.item_is_reference(option)? {
            return self.load_field(instruction, dst, option, 0);
        }
        let value = self.local(option)?;
        self.define(dst, value)
    }

    fn is_object(&self, local: LocalId) -> Result<bool, CompileError> {
        Ok(self.program.types.is_plain_reference(self.type_of(local)?))
    }

    /// Whether the options in this local are the bare references of their values.
    fn item_is_reference(&self, option: LocalId) -> Result<bool, CompileError> {
        let types = &self.program.types;
        let option: TypeId = types.representation(self.type_of(option)?);
        match types.get(option) {
            Some(Type::Option(item)) => Ok(types.is_plain_reference(*item)),
            _ => Err(CompileError::new(format_args!("`{}` is no option", types.show(option)))),
        }
    }

    /// Whether an `Error` carries a value of this type.
    pub(super) fn error_is(&mut self, dst: LocalId, error: LocalId, ty: TypeId) -> Result<(), CompileError> {
        let address = self.address_of(error)?;
        let found = self.load_heap(address, 0)?;
        let value = self.builder.ins().icmp_imm_u(IntCC::Equal, found, i64::from(ty.0));
        self.define_bool(dst, value)
    }

    /// A pooled constant: made once a run.
    pub(super) fn constant(&mut self, dst: LocalId, constant: ConstantId) -> Result<(), CompileError> {
        let constants = self.load_context(Slot::Constants)?;
        let known = self.load_slot(constants, constant.index())?;
        let (make, next) = (self.builder.create_block(), self.builder.create_block());
        let result = self.builder.append_block_param(next, types::I64);
        self.builder.set_cold_block(make);
        self.builder.ins().brif(known, next, &[BlockArg::Value(known)], make, &[]);
        self.builder.switch_to_block(make);
        let id = self.word(constant.index() as u64);
        let made = self.call_stub(Helper::Constant, &[id])?;
        self.builder.ins().jump(next, &[BlockArg::Value(made)]);
        self.builder.switch_to_block(next);
        self.define(dst, result)
    }

    /// A function value.
    pub(super) fn make_closure(
        &mut self,
        instruction: &Instruction,
        dst: LocalId,
        function: FunctionId,
        captures: &[LocalId],
    ) -> Result<(), CompileError> {
        self.make_object(instruction, dst, Some(function.index() as u64), captures)
    }
}
