//! Programs made by hand, for tests and measurements.
#![allow(dead_code, reason = "each user needs a part")]

pub mod generate;
pub mod transcript;

use flow_mir::{
    Block, BlockId, Case, Field, Function, FunctionId, Handler, Instruction, KnownTypes, Local, LocalId,
    Location, Op, Program, Table, Terminator, Type, TypeId,
};

/// A program without functions: its types are those that every program has.
pub fn empty_program() -> Program {
    let mut program = Program::default();
    let types = &mut program.types;
    let mut known = KnownTypes {
        unit: types.intern(Type::Unit),
        bool: types.intern(Type::Bool),
        int: types.intern(Type::Int),
        float: types.intern(Type::Float),
        decimal: types.intern(Type::Decimal),
        string: types.intern(Type::String),
        bytes: types.intern(Type::Bytes),
        duration: types.intern(Type::Duration),
        timestamp: types.intern(Type::Timestamp),
        json: types.intern(Type::Json),
        error: types.intern(Type::Error),
        ..KnownTypes::default()
    };
    let field = |name: &str, ty| Field { name: name.into(), ty, default: None };
    let texts = |names: &[&str]| names.iter().map(|name| field(name, known.string)).collect::<Vec<_>>();
    let error = |name: &str, fields| Type::Enum {
        name: name.into(),
        cases: vec![Case { name: name.into(), fields }],
        error: true,
    };
    let (failed, trap) = (texts(&["activity", "reason"]), texts(&["kind", "message"]));
    let attempts = types.intern(Type::Option(known.int));
    let retry = vec![
        field("initial", known.duration),
        field("factor", known.decimal),
        field("max", known.duration),
        field("attempts", attempts),
    ];
    known.timeout = types.push(error("Timeout", vec![]));
    known.cancelled = types.push(error("Cancelled", vec![]));
    known.activity_failed = types.push(error("ActivityFailed", failed));
    known.trap = types.push(error("Trap", trap));
    known.retry = types.push(Type::Record { name: "Retry".into(), fields: retry });
    let duration = types.intern(Type::Option(known.duration));
    let string = types.intern(Type::Option(known.string));
    let retry = types.intern(Type::Option(known.retry));
    let policy = vec![
        field("timeout", duration),
        field("deadline", duration),
        field("retry", retry),
        field("heartbeat", duration),
        field("queue", string),
        field("route", string),
        field("limit_count", attempts),
        field("limit_per", duration),
    ];
    known.policy = types.push(Type::Record { name: "ActivityPolicy".into(), fields: policy });
    program.known = known;
    program
}

/// Builds a function block by block.
pub struct FunctionMaker {
    pub function: Function,
}

impl FunctionMaker {
    /// A function with parameters of these types.
    pub fn new(name: &str, params: &[TypeId], returns: TypeId, suspends: bool) -> Self {
        let locals = params.iter().map(|ty| Local { ty: *ty, name: None }).collect();
        FunctionMaker {
            function: Function {
                name: name.into(),
                location: Location::default(),
                param_count: params.len() as u32,
                captures: Vec::new(),
                returns,
                suspends,
                locals,
                blocks: Table::new(),
                suspensions: Vec::new(),
            },
        }
    }

    /// A new local, with a name so that traces show it.
    pub fn local(&mut self, ty: TypeId) -> LocalId {
        let name = Some(format!("v{}", self.function.locals.len()));
        self.function.locals.push(Local { ty, name })
    }

    /// A new block.
    pub fn block(&mut self, ops: Vec<Op>, terminator: Terminator, handler: Option<Handler>) -> BlockId {
        let location = Location::default();
        let instructions = ops.into_iter().map(|op| Instruction { op, location }).collect();
        self.function.blocks.push(Block { instructions, terminator, location, handler })
    }

    /// Adds it to a program.
    pub fn finish(self, program: &mut Program) -> FunctionId {
        program.functions.push(self.function)
    }
}
