//! MIR to Cranelift's IR, one function at a time.
//!
//! A local is a Cranelift variable, so it lives in a register. A check that fails, an allocation for which there is no
//! room, and whatever isn't worth code of its own go to a helper that does the same instruction as the interpreter
//! does: there is one source of results, errors and messages.

mod arithmetic;
mod collections;
mod control;
mod decimals;
pub(crate) mod memory;
mod objects;

use crate::context::Outcome;
use crate::linker::{CompileError, Helper, Linker, Unit, function, is_large};
use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, BlockArg, InstBuilder, StackSlot, StackSlotData, StackSlotKind,
    Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use flow_mir::roots::Roots;
use flow_mir::{
    Block, BlockId, Function, FunctionId, Handler, Id, Instruction, LocalId, Op, Program, Type, TypeId,
};
use memory::Slot;
use std::collections::{BTreeMap, HashMap};

/// Makes one function's code.
pub(crate) struct Translator<'a, 'f> {
    builder: FunctionBuilder<'f>,
    linker: &'a mut Linker,
    program: &'a Program,
    id: FunctionId,
    function: &'a Function,
    /// The `Context` pointer.
    context: Value,
    variables: Vec<Variable>,
    /// By local: whether it holds a reference and nothing else. Such a local is made to refer into the heap wherever it is
    /// defined, so that its uses need not look.
    references: Vec<bool>,
    /// The heap's first word, and how many words are in use: kept in registers, read anew after each call.
    words: Variable,
    used: Variable,
    /// The start of each MIR block that something jumps to.
    blocks: BTreeMap<BlockId, ir::Block>,
    /// Those of them that are still to be translated.
    pending: Vec<BlockId>,
    /// Where an error goes, by handler: blocks that take the `Error`.
    raising: BTreeMap<Option<(BlockId, LocalId)>, ir::Block>,
    /// Those of them that are still without code.
    unfilled: Vec<Option<Handler>>,
    /// Blocks, still without code, where an instruction of the MIR block being translated fails.
    failing: Vec<(ir::Block, &'a Instruction)>,
    /// The handler of the MIR block being translated.
    handler: Option<Handler>,
    helpers: HashMap<Helper, ir::FuncRef>,
    stubs: HashMap<Helper, ir::FuncRef>,
    bodies: HashMap<FunctionId, ir::FuncRef>,
    /// Operands of helper calls.
    operands: Option<StackSlot>,
    /// What is needed behind calls, where it is while they last, and the block and instruction being translated.
    roots: Roots,
    record: Option<StackSlot>,
    place: (BlockId, usize),
    /// Memory of the `Context`, and of the heap: they never overlap.
    context_region: AliasRegion,
    heap_region: AliasRegion,
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Fills `code`, whose signature is set, with the unit's code.
    pub fn translate(
        linker: &'a mut Linker,
        program: &'a Program,
        unit: Unit,
        code: &'f mut ir::Function,
        buffers: &'f mut FunctionBuilderContext,
    ) -> Result<(), CompileError> {
        let (Unit::Body(id) | Unit::Entry(id)) = unit;
        let function = function(program, id)?;
        let interpreted = matches!(unit, Unit::Body(_)) && is_large(function);
        let mut region = |user_id, description: &'static str| {
            code.dfg.alias_regions.insert(AliasRegionData { user_id, description: description.into() })
        };
        let (context_region, heap_region) = (region(0, "context"), region(1, "heap"));
        let mut builder = FunctionBuilder::new(code, buffers);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let params = builder.block_params(entry).to_vec();
        let (context, params) =
            params.split_first().ok_or_else(|| CompileError::new("a function without a context"))?;
        let [words, used] = [(); 2].map(|()| builder.declare_var(types::I64));
        let mut translator = Translator {
            builder,
            words,
            used,
            linker,
            program,
            id,
            function,
            context: *context,
            variables: Vec::new(),
            references: Vec::new(),
            blocks: BTreeMap::new(),
            pending: Vec::new(),
            raising: BTreeMap::new(),
            unfilled: Vec::new(),
            failing: Vec::new(),
            handler: None,
            helpers: HashMap::new(),
            stubs: HashMap::new(),
            bodies: HashMap::new(),
            operands: None,
            roots: if interpreted { Roots::default() } else { Roots::of(function, &program.types) },
            record: None,
            place: (BlockId(0), 0),
            context_region,
            heap_region,
        };
        translator.read_heap()?;
        match unit {
            Unit::Entry(_) if !function.suspends => translator.entry_of_body(params)?,
            Unit::Entry(_) => translator.resumable(params)?,
            Unit::Body(_) if interpreted => translator.interpreted(params)?,
            Unit::Body(_) => translator.body(params)?,
        }
        let config = translator.linker.frontend_config();
        translator.builder.seal_all_blocks();
        translator.builder.finalize(config);
        Ok(())
    }

    /// The `enter` form of a function that does not suspend: calls its body with the slots as arguments.
    fn entry_of_body(&mut self, params: &[Value]) -> Result<(), CompileError> {
        let slots = parameter(params, 1)?;
        let mut arguments = vec![self.context];
        for index in 0..self.function.param_count {
            arguments.push(self.load_slot(slots, index as usize)?);
        }
        let body = self.linker.body(self.program, self.id, self.builder.func)?;
        let call = self.builder.ins().call(body, &arguments);
        let results = self.builder.inst_results(call).to_vec();
        self.builder.ins().return_(&results);
        Ok(())
    }

    /// A function that does not suspend and has no code of its own.
    fn interpreted(&mut self, arguments: &[Value]) -> Result<(), CompileError> {
        self.check_call()?;
        let bytes = u32::try_from(8 * arguments.len().max(1)).unwrap_or(u32::MAX);
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3);
        let slot = self.builder.create_sized_stack_slot(data);
        for (index, argument) in arguments.iter().enumerate() {
            self.builder.ins().stack_store(types::I64, *argument, slot, offset(index as u64)?);
        }
        let function = self.word(self.id.index() as u64);
        let count = self.word(arguments.len() as u64);
        let arguments = self.builder.ins().stack_addr(types::I64, slot, 0);
        let value = self.call_helper(Helper::Interpret, &[function, arguments, count])?;
        self.leave(Outcome::RETURNED, value);
        self.fill_raising_blocks()
    }

    /// A function that does not suspend.
    fn body(&mut self, params: &[Value]) -> Result<(), CompileError> {
        self.declare_locals();
        for (index, value) in params.iter().enumerate() {
            self.define(LocalId::new(index), *value)?;
        }
        self.check_call()?;
        let first = self.block(BlockId(0));
        self.builder.ins().jump(first, &[]);
        self.translate_blocks()
    }

    /// A function that suspends: goes to where `suspension` says, with the slots loaded.
    fn resumable(&mut self, params: &[Value]) -> Result<(), CompileError> {
        self.declare_locals();
        self.dispatch(params)?;
        self.translate_blocks()
    }

    fn declare_locals(&mut self) {
        let types = &self.program.types;
        let references = self.function.locals.values().map(|local| types.is_plain_reference(local.ty));
        self.references = references.collect();
        for local in self.function.locals.ids() {
            let ty = if self.is_float(local).unwrap_or(false) { types::F64 } else { types::I64 };
            self.variables.push(self.builder.declare_var(ty));
        }
    }

    /// Translates every block that can be reached; others may hold suspensions without a number.
    fn translate_blocks(&mut self) -> Result<(), CompileError> {
        let function = self.function;
        while let Some(id) = self.pending.pop() {
            let block = function.blocks.get(id).ok_or_else(|| self.damaged("block", id.index()))?;
            let start = self.block(id);
            self.builder.switch_to_block(start);
            self.handler = block.handler;
            self.place = (id, 0);
            self.translate_block(block)?;
            self.fill_failing_blocks()?;
            self.fill_raising_blocks()?;
        }
        Ok(())
    }

    fn translate_block(&mut self, block: &'a Block) -> Result<(), CompileError> {
        for (at, instruction) in block.instructions.iter().enumerate() {
            self.place.1 = at;
            self.instruction(instruction)?;
        }
        self.place.1 = block.instructions.len();
        self.terminator(&block.terminator)
    }

    fn instruction(&mut self, instruction: &'a Instruction) -> Result<(), CompileError> {
        match &instruction.op {
            Op::Word { dst, word } => {
                let value = self.word(*word);
                self.define(*dst, value)
            }
            Op::Copy { dst, src } => {
                let value = self.local(*src)?;
                if self.is_reference(*src) {
                    self.define_known(*dst, value)
                } else {
                    self.define(*dst, value)
                }
            }
            Op::Constant { dst, constant } => self.constant(*dst, *constant),
            Op::Binary { dst, op, left, right } => self.binary(instruction, *dst, *op, *left, *right),
            Op::Unary { dst, op, operand } => self.unary(instruction, *dst, *op, *operand),
            Op::Equal { dst, left, right } => self.equal(instruction, *dst, *left, *right),
            Op::MakeTuple { dst, fields } => self.make_tuple(instruction, *dst, fields),
            Op::Field { dst, base, index } => self.load_field(instruction, *dst, *base, u64::from(*index)),
            Op::With { dst, base, fields } => self.with(instruction, *dst, *base, fields),
            Op::MakeCase { dst, case, fields } => self.make_case(instruction, *dst, *case, fields),
            Op::CaseOf { dst, base } => self.case_of(instruction, *dst, *base),
            Op::CaseField { dst, base, index, .. } => {
                self.load_field(instruction, *dst, *base, 1 + u64::from(*index))
            }
            Op::MakeSome { dst, value } => self.make_some(instruction, *dst, *value),
            Op::IsSome { dst, option } => self.is_some(*dst, *option),
            Op::Unwrap { dst, option } => self.unwrap_option(instruction, *dst, *option),
            Op::MakeList { dst, items } => self.make_list(instruction, *dst, items),
            Op::ListGet { dst, list, index } => self.list_get(instruction, *dst, *list, *index),
            Op::ListLen { dst, list } => self.load_field(instruction, *dst, *list, 0),
            Op::Call { dst, function, args } => self.call(*dst, *function, args),
            Op::MakeClosure { dst, function, captures } => {
                self.make_closure(instruction, *dst, *function, captures)
            }
            Op::CallClosure { dst, closure, args } => self.call_closure(*dst, *closure, args),
            Op::Capture { dst, environment, index } => {
                self.load_field(instruction, *dst, *environment, 1 + u64::from(*index))
            }
            Op::ErrorIs { dst, error, ty } => self.error_is(*dst, *error, *ty),
            Op::ErrorValue { dst, error } => self.load_field(instruction, *dst, *error, 1),
            Op::ErrorUnknownKey { dst, error } => self.load_field(instruction, *dst, *error, 3),
            Op::Intrinsic { dst, intrinsic, args, .. } => self.intrinsic(instruction, *dst, *intrinsic, args),
            Op::MakeError { dst, .. } | Op::Host { dst, .. } => self.by_helper(instruction, Some(*dst)),
            Op::Share { value } => self.share(*value),
            Op::Trace { .. } => self.by_helper(instruction, None),
        }
    }

    /// Does the instruction by the helper alone.
    fn by_helper(&mut self, instruction: &Instruction, dst: Option<LocalId>) -> Result<(), CompileError> {
        let arguments = self.instruction_arguments(instruction)?;
        let value = self.call_helper(Helper::Instruction, &arguments)?;
        dst.map_or(Ok(()), |dst| self.define(dst, value))
    }

    /// The helper's value for an instruction, where its own code can't do it, which is seldom.
    fn call_instruction_helper(&mut self, instruction: &Instruction) -> Result<Value, CompileError> {
        let arguments = self.instruction_arguments(instruction)?;
        self.call_stub(Helper::Instruction, &arguments)
    }

    /// What the helper that does any instruction is called with.
    fn instruction_arguments(&mut self, instruction: &Instruction) -> Result<[Value; 4], CompileError> {
        let operands = operands(&instruction.op);
        let slot = self.operand_slot();
        for (index, operand) in operands.iter().enumerate() {
            let value = self.local(*operand)?;
            self.builder.ins().stack_store(types::I64, value, slot, offset(index as u64)?);
        }
        let count = operands.len() as u64;
        let operands = self.builder.ins().stack_addr(types::I64, slot, 0);
        let function = self.word(self.id.index() as u64);
        let instruction = self.word(std::ptr::from_ref(instruction) as u64);
        let count = self.word(count);
        Ok([function, instruction, operands, count])
    }

    /// One slot for all helper calls: large enough for the widest instruction of the function.
    fn operand_slot(&mut self) -> StackSlot {
        if let Some(slot) = self.operands {
            return slot;
        }
        let all = self.function.blocks.values().flat_map(|block| &block.instructions);
        let widest = all.map(|instruction| operands(&instruction.op).len()).max().unwrap_or(0).max(1);
        let bytes = u32::try_from(widest * 8).unwrap_or(u32::MAX);
        let slot =
            self.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3));
        *self.operands.insert(slot)
    }

    /// Goes on where `condition` holds, else to `otherwise`.
    fn require(&mut self, condition: Value, otherwise: ir::Block) {
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, next, &[], otherwise, &[]);
        self.builder.switch_to_block(next);
    }

    /// Goes on where `condition` does not hold, else to `otherwise`.
    fn require_not(&mut self, condition: Value, otherwise: ir::Block) {
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, otherwise, &[], next, &[]);
        self.builder.switch_to_block(next);
    }

    fn cold_block(&mut self) -> ir::Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    /// Where this instruction, of which nothing is done yet, goes when the helper is known to raise for it. Nothing comes
    /// back from there, so the code behind it finds all that it holds as it was.
    fn failing(&mut self, instruction: &'a Instruction) -> ir::Block {
        let block = self.cold_block();
        self.failing.push((block, instruction));
        block
    }

    /// The code of the blocks where instructions fail. A local there is what it was where the block was left.
    fn fill_failing_blocks(&mut self) -> Result<(), CompileError> {
        while let Some((block, instruction)) = self.failing.pop() {
            self.builder.switch_to_block(block);
            let arguments = self.instruction_arguments(instruction)?;
            self.fail(Helper::Instruction, &arguments)?;
        }
        Ok(())
    }

    /// Calls the stub of a helper that always raises, and goes where its error goes.
    fn fail(&mut self, helper: Helper, arguments: &[Value]) -> Result<(), CompileError> {
        self.run_stub(helper, arguments)?;
        self.read_heap()?;
        let error = self.load_context(Slot::OutcomeValue)?;
        let raise = self.raise_block();
        self.builder.ins().jump(raise, &[BlockArg::Value(error)]);
        Ok(())
    }

    /// Calls a helper with the context and these arguments. Gives its value; an error goes to the handler.
    fn call_helper(&mut self, helper: Helper, arguments: &[Value]) -> Result<Value, CompileError> {
        let reference = match self.helpers.get(&helper) {
            Some(reference) => *reference,
            None => {
                let reference = self.linker.helper(helper, self.builder.func)?;
                *self.helpers.entry(helper).or_insert(reference)
            }
        };
        let mut all = vec![self.context];
        all.extend(arguments);
        let call = self.builder.ins().call(reference, &all);
        self.read_heap()?;
        self.outcome(call)
    }

    /// As [`call_helper`](Self::call_helper), for what is seldom called: the call leaves all registers as they are, so that
    /// the code around it need not spill what it holds.
    fn call_stub(&mut self, helper: Helper, arguments: &[Value]) -> Result<Value, CompileError> {
        self.run_stub(helper, arguments)?;
        self.read_heap()?;
        self.stub_outcome()
    }

    fn run_stub(&mut self, helper: Helper, arguments: &[Value]) -> Result<(), CompileError> {
        let stub = self.stub(helper)?;
        let mut all = vec![self.context];
        all.extend(arguments);
        self.builder.ins().call(stub, &all);
        Ok(())
    }

    fn stub(&mut self, helper: Helper) -> Result<ir::FuncRef, CompileError> {
        if let Some(reference) = self.stubs.get(&helper) {
            return Ok(*reference);
        }
        let reference = self.linker.stub(helper, self.builder.func)?;
        Ok(*self.stubs.entry(helper).or_insert(reference))
    }

    /// What a stub that was just called has left; goes on where it is a result.
    fn stub_outcome(&mut self) -> Result<Value, CompileError> {
        let status = self.load_context(Slot::OutcomeStatus)?;
        let value = self.load_context(Slot::OutcomeValue)?;
        self.raise_unless_returned(status, value)
    }

    /// What a call that gives an `Outcome` returns; goes on where it is a result.
    fn outcome(&mut self, call: ir::Inst) -> Result<Value, CompileError> {
        let &[status, value] = self.builder.inst_results(call) else {
            return Err(CompileError::new("a call without status and value"));
        };
        self.raise_unless_returned(status, value)
    }

    fn raise_unless_returned(&mut self, status: Value, value: Value) -> Result<Value, CompileError> {
        let raise = self.raise_block();
        let next = self.builder.create_block();
        self.builder.ins().brif(status, raise, &[BlockArg::Value(value)], next, &[]);
        self.builder.switch_to_block(next);
        Ok(value)
    }

    /// Where an error raised here goes: a block that takes the `Error`.
    fn raise_block(&mut self) -> ir::Block {
        let key = self.handler.map(|handler| (handler.block, handler.error));
        if let Some(block) = self.raising.get(&key) {
            return *block;
        }
        let block = self.builder.create_block();
        self.builder.append_block_param(block, types::I64);
        self.builder.set_cold_block(block);
        self.unfilled.push(self.handler);
        *self.raising.entry(key).or_insert(block)
    }

    fn block(&mut self, id: BlockId) -> ir::Block {
        if let Some(block) = self.blocks.get(&id) {
            return *block;
        }
        self.pending.push(id);
        *self.blocks.entry(id).or_insert(self.builder.create_block())
    }

    fn variable(&self, local: LocalId) -> Result<Variable, CompileError> {
        self.variables.get(local.index()).copied().ok_or_else(|| self.damaged("local", local.index()))
    }

    fn local(&mut self, local: LocalId) -> Result<Value, CompileError> {
        let variable = self.variable(local)?;
        let value = self.builder.use_var(variable);
        Ok(self.word_of(value))
    }

    /// `local = value`. Where the local holds references only, what is none becomes the heap's start: see
    /// [`address_of`](Self::address_of).
    fn define(&mut self, local: LocalId, value: Value) -> Result<(), CompileError> {
        if !self.is_reference(local) {
            return self.define_known(local, value);
        }
        let value = self.word_of(value);
        let reference = self.known_reference(value);
        self.define_known(local, reference)
    }

    /// `local = value`, which is known to refer into the heap where the local holds references only.
    fn define_known(&mut self, local: LocalId, value: Value) -> Result<(), CompileError> {
        let variable = self.variable(local)?;
        let value = if self.is_float(local)? { self.float_of(value) } else { self.word_of(value) };
        self.builder.def_var(variable, value);
        Ok(())
    }

    /// Whether a local holds references only.
    fn is_reference(&self, local: LocalId) -> bool {
        self.references.get(local.index()).copied().unwrap_or(false)
    }

    /// Whether a local lives in a float register.
    fn is_float(&self, local: LocalId) -> Result<bool, CompileError> {
        let types = &self.program.types;
        Ok(matches!(types.get(types.representation(self.type_of(local)?)), Some(Type::Float)))
    }

    fn type_of(&self, local: LocalId) -> Result<TypeId, CompileError> {
        let local = self.function.locals.get(local).ok_or_else(|| self.damaged("local", local.index()))?;
        Ok(local.ty)
    }

    fn word(&mut self, word: u64) -> Value {
        self.builder.ins().iconst(types::I64, word.cast_signed())
    }

    /// A program that names what it has not: only a damaged one does.
    fn damaged(&self, what: &str, index: usize) -> CompileError {
        CompileError::new(format_args!("function `{}` has no {what} {index}", self.function.name))
    }
}

/// The locals that an instruction reads, in order.
fn operands(op: &Op) -> Vec<LocalId> {
    let mut operands = Vec::new();
    op.for_each_operand(|local| operands.push(local));
    operands
}

/// A parameter of the function being made.
fn parameter(params: &[Value], index: usize) -> Result<Value, CompileError> {
    params.get(index).copied().ok_or_else(|| CompileError::new("a parameter is missing"))
}

/// The byte offset of a word.
fn offset(word: u64) -> Result<i32, CompileError> {
    let bytes = word.checked_mul(8).and_then(|bytes| i32::try_from(bytes).ok());
    bytes.ok_or_else(|| CompileError::new("an object is too large"))
}
