//! MIR as text, both ways: for people, and for tests that say what a piece of MIR does.
//!
//! ```text
//! standard                        ; the well-known types, t0 to t16
//! type t17 = list t2
//! fn "sum" (_0: t17 "items") -> t2 {
//!   local _1: t2
//!   b0:
//!     _1 = list_len _0
//!     return _1
//! }
//! ```
//!
//! Ids are positions, so what they name is written in order. `;` begins a comment. Places in the source follow an
//! instruction as `@source:start:end`.

mod cursor;
mod file_tests;
mod syntax;

pub use cursor::TextError;
pub use file_tests::{Failed, run_file};

use crate::ids::{BlockId, ConstantId, FunctionId, Id, LocalId, SuspensionId, TypeId};
use crate::liveness;
use crate::program::{
    Activity, Block, Constant, Function, Handler, KnownTypes, Local, Location, Program, Source, Workflow,
};
use crate::types::Type;
use cursor::Cursor;
use std::fmt::Write;
use syntax::{Syntax, field};

impl Program {
    /// The program as text; [`parse`] reads it back. Sources keep their paths and texts.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for source in &self.sources {
            field(&mut text, "source", &source.path);
            field(&mut text, "", &source.text);
            text.push('\n');
        }
        for (id, ty) in self.types.iter() {
            text.push_str("type ");
            id.print(&mut text);
            field(&mut text, " =", ty);
            text.push('\n');
        }
        print_json(&mut text, "known", &self.known);
        for constant in self.constants.values() {
            field(&mut text, "constant", constant);
            text.push('\n');
        }
        self.activities.values().for_each(|activity| print_json(&mut text, "activity", activity));
        self.workflows.values().for_each(|workflow| print_json(&mut text, "workflow", workflow));
        for (id, function) in self.functions.iter() {
            _ = writeln!(text, "; {id}");
            print_function(&mut text, function);
        }
        text
    }
}

fn print_json(text: &mut String, keyword: &str, value: &impl serde::Serialize) {
    let json = serde_json::to_string(value).unwrap_or_default();
    _ = writeln!(text, "{keyword} {json}");
}

fn print_location(text: &mut String, location: Location) {
    if location != Location::default() {
        _ = write!(text, " @{}:{}:{}", location.source, location.start, location.end);
    }
}

fn print_local(text: &mut String, id: LocalId, local: &Local) {
    _ = write!(text, "{id}: {}", local.ty);
    if let Some(name) = &local.name {
        field(text, "", name);
    }
}

fn print_function(text: &mut String, function: &Function) {
    field(text, "fn", &function.name);
    text.push_str(" (");
    let params = function.param_count as usize;
    for (id, local) in function.locals.iter().take(params) {
        text.push_str(if id.index() > 0 { ", " } else { "" });
        print_local(text, id, local);
    }
    text.push(')');
    if !function.captures.is_empty() {
        field(text, " captures", &function.captures);
    }
    text.push_str(if function.suspends { " suspends" } else { "" });
    field(text, " ->", &function.returns);
    print_location(text, function.location);
    text.push_str(" {\n");
    for (id, local) in function.locals.iter().skip(params) {
        text.push_str("  local ");
        print_local(text, id, local);
        text.push('\n');
    }
    for (id, block) in function.blocks.iter() {
        _ = write!(text, "  {id}");
        if let Some(handler) = block.handler {
            _ = write!(text, " handler {} {}", handler.block, handler.error);
        }
        text.push_str(":\n");
        for instruction in &block.instructions {
            text.push_str("    ");
            instruction.op.print(text);
            print_location(text, instruction.location);
            text.push('\n');
        }
        text.push_str("    ");
        block.terminator.print(text);
        print_location(text, block.location);
        text.push('\n');
    }
    text.push_str("}\n");
}

/// The program that a text says, with its suspensions numbered and its collections shared where they must be, and checked.
pub fn parse(text: &str) -> Result<Program, TextError> {
    let mut cursor = Cursor::new(text);
    let mut program = Program::default();
    while !cursor.at_end() {
        declaration(&mut cursor, &mut program)?;
    }
    for id in program.functions.ids() {
        if let Some(function) = program.functions.get_mut(id) {
            liveness::complete(function, &program.types);
        }
    }
    program.validate().map_err(|invalid| cursor.error(&invalid.to_string()))?;
    Ok(program)
}

fn declaration(cursor: &mut Cursor<'_>, program: &mut Program) -> Result<(), TextError> {
    match cursor.word()? {
        "standard" => KnownTypes::standard(program),
        "source" => {
            let (path, text) = (Syntax::parse(cursor)?, Syntax::parse(cursor)?);
            program.sources.push(Source { path, text });
        }
        "type" => {
            let id = TypeId::parse(cursor)?;
            cursor.expect("=")?;
            let ty = Type::parse(cursor)?;
            in_order(cursor, id.index(), program.types.push(ty).index())?;
        }
        "known" => program.known = json(cursor)?,
        "constant" => {
            let constant = Constant::parse(cursor)?;
            let _: ConstantId = program.constants.push(constant);
        }
        "activity" => {
            let activity: Activity = json(cursor)?;
            program.activities.push(activity);
        }
        "workflow" => {
            let workflow: Workflow = json(cursor)?;
            program.workflows.push(workflow);
        }
        "fn" => {
            let function = function(cursor)?;
            let _: FunctionId = program.functions.push(function);
        }
        other => return Err(cursor.error(&format!("`{other}` begins no declaration"))),
    }
    Ok(())
}

fn json<T: serde::de::DeserializeOwned>(cursor: &mut Cursor<'_>) -> Result<T, TextError> {
    let line = cursor.line();
    serde_json::from_str(line).map_err(|error| cursor.error(&error.to_string()))
}

fn in_order(cursor: &Cursor<'_>, written: usize, actual: usize) -> Result<(), TextError> {
    if written == actual {
        return Ok(());
    }
    Err(cursor.error(&format!("this is number {actual}, but it says {written}: ids are positions")))
}

fn location(cursor: &mut Cursor<'_>) -> Result<Location, TextError> {
    if !cursor.skip("@") {
        return Ok(Location::default());
    }
    let source = u32::parse(cursor)?;
    cursor.expect(":")?;
    let start = u32::parse(cursor)?;
    cursor.expect(":")?;
    Ok(Location { source, start, end: u32::parse(cursor)? })
}

fn local(cursor: &mut Cursor<'_>, function: &mut Function) -> Result<(), TextError> {
    let id = LocalId::parse(cursor)?;
    cursor.expect(":")?;
    let ty = TypeId::parse(cursor)?;
    let name = if cursor.peek().starts_with('"') { Some(String::parse(cursor)?) } else { None };
    let actual: LocalId = function.locals.push(Local { ty, name });
    in_order(cursor, id.index(), actual.index())
}

fn function(cursor: &mut Cursor<'_>) -> Result<Function, TextError> {
    let mut function = Function {
        name: String::parse(cursor)?,
        location: Location::default(),
        param_count: 0,
        captures: Vec::new(),
        returns: TypeId(0),
        suspends: false,
        locals: Default::default(),
        blocks: Default::default(),
        suspensions: Vec::new(),
    };
    cursor.expect("(")?;
    while !cursor.skip(")") {
        local(cursor, &mut function)?;
        function.param_count += 1;
        cursor.skip(",");
    }
    if cursor.skip("captures") {
        function.captures = Vec::parse(cursor)?;
    }
    function.suspends = cursor.skip("suspends");
    cursor.expect("->")?;
    function.returns = TypeId::parse(cursor)?;
    function.location = location(cursor)?;
    cursor.expect("{")?;
    while cursor.skip("local") {
        local(cursor, &mut function)?;
    }
    while !cursor.skip("}") {
        block(cursor, &mut function)?;
    }
    Ok(function)
}

fn block(cursor: &mut Cursor<'_>, function: &mut Function) -> Result<(), TextError> {
    let id = BlockId::parse(cursor)?;
    in_order(cursor, id.index(), function.blocks.len())?;
    let handler = match cursor.skip("handler") {
        true => Some(Handler { block: BlockId::parse(cursor)?, error: LocalId::parse(cursor)? }),
        false => None,
    };
    cursor.expect(":")?;
    let mut instructions = Vec::new();
    let (terminator, place) = loop {
        match syntax::statement(cursor)? {
            syntax::Statement::Op(op) => {
                let location = location(cursor)?;
                instructions.push(crate::instruction::Instruction { op, location });
            }
            syntax::Statement::Terminator(terminator) => break (terminator, location(cursor)?),
        }
    };
    function.blocks.push(Block { instructions, terminator, location: place, handler });
    Ok(())
}

/// Suspensions are numbered when a text has been read.
const UNNUMBERED: SuspensionId = SuspensionId::START;
