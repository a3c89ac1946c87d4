//! The Cranelift module: which functions are declared, compiled and linked.

use crate::context::RootTypes;
use crate::runtime;
use crate::translate::Translator;
use crate::translate::memory::Slot;
use cranelift_codegen::ir::{self, AbiParam, InstBuilder, MemFlagsData, Signature, UserFuncName, types};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};
use flow_mir::{Function, FunctionId, Id, Program, TypeId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem::ManuallyDrop;

/// Why native code could not be made: the machine is not supported, or Cranelift refused a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    message: String,
}

impl CompileError {
    /// With its cause as people read it.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        CompileError { message: message.to_string() }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make native code: {}", self.message)
    }
}

impl std::error::Error for CompileError {}

/// A piece of native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    /// A function that does not suspend: `(context, arguments…) -> Outcome`.
    Body(FunctionId),
    /// What `enter` calls: `(context, suspension, slots, value, is_error) -> Outcome`. For a function that suspends it
    /// is all its code; for another it hands the slots to its body as arguments.
    Entry(FunctionId),
}

/// The helpers that compiled code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    /// `(context, function, &Instruction, operands, their count) -> Outcome`: does any instruction as the interpreter does.
    Instruction,
    /// `(context, function, arguments, their count) -> Outcome`: runs a function that has no code of its own.
    Interpret,
    /// `(context, constant) -> Outcome`.
    Constant,
    /// `(context, function) -> Outcome`: the address of a body.
    Body,
    /// `(context) -> Outcome`: compacts the heap.
    Collect,
    /// `(context) -> Outcome`: raises where the watchdog has fired.
    Interrupted,
    /// `(context, function) -> Outcome`: raises where the stack has no room.
    StackOverflow,
    /// `(context) -> Outcome`: raises where the program says it never comes.
    Unreachable,
}

impl Helper {
    /// All, with their symbols, addresses and number of parameters.
    fn all() -> [(Helper, &'static str, *const u8, usize); 8] {
        [
            (Helper::Instruction, "flow_instruction", runtime::instruction as *const u8, 5),
            (Helper::Interpret, "flow_interpret", runtime::interpret as *const u8, 4),
            (Helper::Constant, "flow_constant", runtime::constant as *const u8, 2),
            (Helper::Body, "flow_body", runtime::body as *const u8, 2),
            (Helper::Collect, "flow_collect", runtime::collect as *const u8, 1),
            (Helper::Interrupted, "flow_interrupted", runtime::interrupted as *const u8, 1),
            (Helper::StackOverflow, "flow_stack_overflow", runtime::stack_overflow as *const u8, 2),
            (Helper::Unreachable, "flow_unreachable", runtime::unreachable as *const u8, 1),
        ]
    }
}

/// Compiles and links functions as they are asked for.
pub(crate) struct Linker {
    module: ManuallyDrop<JITModule>,
    helpers: HashMap<Helper, FuncId>,
    /// What calls a helper and preserves all registers.
    stubs: HashMap<Helper, FuncId>,
    /// What code refers to by address.
    root_types: HashSet<Box<RootTypes>>,
    declared: HashMap<Unit, FuncId>,
    /// Declared but not compiled.
    pending: Vec<Unit>,
    buffers: FunctionBuilderContext,
    context: cranelift_codegen::Context,
    /// A module in which compilation failed half-way can't be linked, so every later request fails likewise.
    failed: Option<CompileError>,
}

impl Linker {
    /// For the machine it runs on.
    pub fn new() -> Result<Self, CompileError> {
        let mut flags = settings::builder();
        let verify = if cfg!(debug_assertions) { "true" } else { "false" };
        // Nothing unwinds through compiled code, so it needs no tables for that.
        let unwinding = ("unwind_info", "false");
        let settings = [("opt_level", "speed"), ("is_pic", "false"), ("enable_verifier", verify), unwinding];
        for (name, value) in settings {
            flags.set(name, value).map_err(CompileError::new)?;
        }
        let isa = cranelift_native::builder()
            .map_err(CompileError::new)?
            .finish(settings::Flags::new(flags))
            .map_err(CompileError::new)?;
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        builder.symbols(Helper::all().map(|(_, name, address, _)| (name, address)));
        let mut module = JITModule::new(builder);
        let mut helpers = HashMap::new();
        for (helper, name, _, params) in Helper::all() {
            let signature = outcome_signature(&module, params);
            let id = module.declare_function(name, Linkage::Import, &signature).map_err(CompileError::new)?;
            helpers.insert(helper, id);
        }
        let context = module.make_context();
        Ok(Linker {
            module: ManuallyDrop::new(module),
            helpers,
            stubs: HashMap::new(),
            root_types: HashSet::new(),
            declared: HashMap::new(),
            pending: Vec::new(),
            buffers: FunctionBuilderContext::new(),
            context,
            failed: None,
        })
    }

    /// Compiles `root` and everything its code calls directly. Gives the address of each piece that is new.
    pub fn compile(&mut self, program: &Program, root: Unit) -> Result<Vec<(Unit, *const u8)>, CompileError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.link(program, root).map_err(|error| self.fail(error))
    }

    /// Refuses all later requests, because this one left the module half-way.
    pub fn fail(&mut self, error: CompileError) -> CompileError {
        self.failed.insert(error).clone()
    }

    fn link(&mut self, program: &Program, root: Unit) -> Result<Vec<(Unit, *const u8)>, CompileError> {
        self.declare(program, root)?;
        let mut new = Vec::new();
        while let Some(unit) = self.pending.pop() {
            self.define(program, unit)?;
            new.push(unit);
        }
        self.module.finalize_definitions().map_err(CompileError::new)?;
        let address = |unit| {
            let id = self.declared.get(&unit).ok_or_else(|| CompileError::new("a function got lost"))?;
            Ok((unit, self.module.get_finalized_function(*id)))
        };
        new.into_iter().map(address).collect()
    }

    fn define(&mut self, program: &Program, unit: Unit) -> Result<(), CompileError> {
        let id = self.declare(program, unit)?;
        let mut context = std::mem::replace(&mut self.context, cranelift_codegen::Context::new());
        let mut buffers = std::mem::take(&mut self.buffers);
        context.func.signature = self.signature(program, unit)?;
        context.func.name = UserFuncName::user(0, id.as_u32());
        let translated = Translator::translate(self, program, unit, &mut context.func, &mut buffers);
        let defined = translated.and_then(|()| {
            self.module
                .define_function(id, &mut context)
                .map_err(|error| CompileError::new(describe(program, unit, error)))
        });
        self.module.clear_context(&mut context);
        self.context = context;
        self.buffers = buffers;
        defined
    }

    /// The module's number for a unit; new ones are compiled before the current request ends.
    fn declare(&mut self, program: &Program, unit: Unit) -> Result<FuncId, CompileError> {
        if let Some(id) = self.declared.get(&unit) {
            return Ok(*id);
        }
        let name = match unit {
            Unit::Body(function) => format!("body{}", function.index()),
            Unit::Entry(function) => format!("entry{}", function.index()),
        };
        let signature = self.signature(program, unit)?;
        let id =
            self.module.declare_function(&name, Linkage::Local, &signature).map_err(CompileError::new)?;
        self.declared.insert(unit, id);
        self.pending.push(unit);
        Ok(id)
    }

    fn signature(&self, program: &Program, unit: Unit) -> Result<Signature, CompileError> {
        Ok(match unit {
            Unit::Body(id) => {
                let function = function(program, id)?;
                if function.suspends {
                    let name = &function.name;
                    return Err(CompileError::new(format_args!(
                        "`{name}` suspends, yet is called as if not"
                    )));
                }
                self.body_signature(function.param_count as usize)
            }
            Unit::Entry(_) => outcome_signature(&self.module, 5),
        })
    }

    /// Of a body with so many parameters.
    pub fn body_signature(&self, params: usize) -> Signature {
        outcome_signature(&self.module, 1 + params)
    }

    /// A reference to a function's body, for a direct call in `code`.
    pub fn body(
        &mut self,
        program: &Program,
        id: FunctionId,
        code: &mut ir::Function,
    ) -> Result<ir::FuncRef, CompileError> {
        let id = self.declare(program, Unit::Body(id))?;
        Ok(self.module.declare_func_in_func(id, code))
    }

    /// A reference to a helper, for a call in `code`.
    pub fn helper(&mut self, helper: Helper, code: &mut ir::Function) -> Result<ir::FuncRef, CompileError> {
        let id = self.helpers.get(&helper).ok_or_else(|| CompileError::new("a helper is missing"))?;
        Ok(self.module.declare_func_in_func(*id, code))
    }

    /// The address of a list of types, the same as long as the code lives.
    pub fn root_types(&mut self, types: Box<[TypeId]>) -> *const RootTypes {
        let types = RootTypes(types);
        if let Some(known) = self.root_types.get(&types) {
            return std::ptr::from_ref(known.as_ref());
        }
        let types = Box::new(types);
        let address = std::ptr::from_ref(types.as_ref());
        self.root_types.insert(types);
        address
    }

    /// A reference to a helper's stub, for a call in `code`.
    pub fn stub(&mut self, helper: Helper, code: &mut ir::Function) -> Result<ir::FuncRef, CompileError> {
        let id = match self.stubs.get(&helper) {
            Some(id) => *id,
            None => self.define_stub(helper)?,
        };
        Ok(self.module.declare_func_in_func(id, code))
    }

    /// `(the helper's parameters)`, leaving its outcome in the context and every register as it was.
    fn define_stub(&mut self, helper: Helper) -> Result<FuncId, CompileError> {
        let target = *self.helpers.get(&helper).ok_or_else(|| CompileError::new("a helper is missing"))?;
        let mut signature = self.module.declarations().get_function_decl(target).signature.clone();
        signature.returns.clear();
        signature.call_conv = CallConv::PreserveAll;
        let name = format!("stub_{helper:?}");
        let id =
            self.module.declare_function(&name, Linkage::Local, &signature).map_err(CompileError::new)?;
        let mut context = self.module.make_context();
        context.func.signature = signature;
        context.func.name = UserFuncName::user(0, id.as_u32());
        let target = self.module.declare_func_in_func(target, &mut context.func);
        let mut buffers = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut buffers);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let arguments = builder.block_params(entry).to_vec();
        let call = builder.ins().call(target, &arguments);
        let results = builder.inst_results(call).to_vec();
        let first = *arguments.first().ok_or_else(|| CompileError::new("a helper without a context"))?;
        for (slot, value) in [Slot::OutcomeStatus, Slot::OutcomeValue].into_iter().zip(results) {
            builder.ins().store(MemFlagsData::trusted(), value, first, slot.offset()?);
        }
        builder.ins().return_(&[]);
        builder.seal_all_blocks();
        builder.finalize(self.module.target_config());
        self.module.define_function(id, &mut context).map_err(CompileError::new)?;
        self.stubs.insert(helper, id);
        Ok(id)
    }

    /// What Cranelift needs to know to finish a function.
    pub fn frontend_config(&self) -> cranelift_codegen::isa::TargetFrontendConfig {
        self.module.target_config()
    }
}

impl Drop for Linker {
    fn drop(&mut self) {
        // SAFETY: the linker goes with the executor that owns it. Code runs only while that is borrowed, and nobody else
        // has an address of it. The module is taken nowhere else.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() };
    }
}

impl fmt::Debug for Linker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("declared", &self.declared.len()).finish_non_exhaustive()
    }
}

/// Instructions of a function from which on it is interpreted: making native code takes more than linear time, which code of
/// that size, mostly data written as code, seldom runs often enough to repay.
const LARGE: usize = 10_000;

/// Whether a function is interpreted.
pub(crate) fn is_large(function: &Function) -> bool {
    function.blocks.values().map(|block| block.instructions.len() + 1).sum::<usize>() > LARGE
}

/// The function, or an error where a damaged program names one it has not.
pub(crate) fn function(program: &Program, id: FunctionId) -> Result<&Function, CompileError> {
    program
        .functions
        .get(id)
        .ok_or_else(|| CompileError::new(format_args!("the program has no function {}", id.index())))
}

fn outcome_signature(module: &JITModule, params: usize) -> Signature {
    let mut signature = module.make_signature();
    signature.params = vec![AbiParam::new(types::I64); params];
    signature.returns = vec![AbiParam::new(types::I64); 2];
    signature
}

fn describe(program: &Program, unit: Unit, error: impl fmt::Display) -> String {
    let (Unit::Body(id) | Unit::Entry(id)) = unit;
    let name = program.functions.get(id).map_or("?", |function| function.name.as_str());
    format!("function `{name}`: {error}")
}
