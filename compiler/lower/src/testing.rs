//! Runs programs that say what they give: for the tests of every executor.
//!
//! A comment `//= main(1, "a") == 3` calls the workflow `main` with JSON arguments and compares the JSON of its result;
//! `//= main(0) fails TEXT` expects an error whose text begins with TEXT: `Trap(kind: "overflow"`. The workflows are
//! pure: they suspend only to call each other's functions.

use crate::lower;
use flow_analysis::{Memory, analyze};
use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{Executor, Heap, Limits, Program, value};
use flow_syntax::{SourceMap, render};
use std::path::Path;
use std::sync::Arc;

/// Makes the executor to be tested.
pub type MakeExecutor<'a> = &'a dyn Fn(Arc<Program>) -> Result<Box<dyn Executor>, String>;

/// Checks and lowers the text of one file.
pub fn compile(text: &str) -> Result<Program, String> {
    let mut sources = SourceMap::new();
    let world = Memory::new().with("main.flow", text);
    let analysis = analyze(&world, Path::new("main.flow"), &mut sources);
    if analysis.has_errors() {
        return Err(analysis.diagnostics.iter().map(|found| render(&sources, found, false)).collect());
    }
    let program = lower(&analysis.program, &sources).map_err(|error| error.to_string())?;
    program.validate().map_err(|invalid| invalid.to_string())?;
    Ok(program)
}

/// Runs all `//=` comments of a file; gives how many there were, or what was wrong by line.
pub fn run_file(text: &str, make: MakeExecutor<'_>) -> Result<usize, String> {
    let program = Arc::new(compile(text)?);
    let executor = make(Arc::clone(&program))?;
    let mut runs = 0;
    let mut wrong = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(expectation) = line.trim().strip_prefix("//=") else { continue };
        runs += 1;
        if let Err(what) = check(expectation.trim(), executor.as_ref()) {
            wrong.push(format!("line {}: {expectation}: {what}", index + 1));
        }
    }
    if wrong.is_empty() { Ok(runs) } else { Err(wrong.join("\n")) }
}

fn check(expectation: &str, executor: &dyn Executor) -> Result<(), String> {
    if let Some((call, json)) = expectation.rsplit_once(" == ") {
        let expected: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let given = run(call, executor)?;
        return if given == expected { Ok(()) } else { Err(format!("gives {given}")) };
    }
    let (call, text) = expectation.split_once(" fails ").ok_or("neither ` == ` nor ` fails `")?;
    match run(call, executor) {
        Err(error) if error.starts_with(text) => Ok(()),
        Err(error) => Err(format!("fails with {error}")),
        Ok(given) => Err(format!("gives {given}")),
    }
}

fn run(call: &str, executor: &dyn Executor) -> Result<serde_json::Value, String> {
    let program = executor.program();
    let (name, args) =
        call.strip_suffix(')').and_then(|call| call.split_once('(')).ok_or("a call is `name(arguments)`")?;
    let workflow = program.workflows.values().find(|workflow| workflow.name == name);
    let workflow = workflow.ok_or_else(|| format!("there is no workflow `{name}`"))?;
    let args: Vec<serde_json::Value> =
        serde_json::from_str(&format!("[{args}]")).map_err(|error| error.to_string())?;
    if args.len() != workflow.params.len() {
        return Err(format!("`{name}` takes {} arguments", workflow.params.len()));
    }
    let mut heap = Heap::new(program.known, Limits::default());
    let mut words = Vec::new();
    for (param, arg) in workflow.params.iter().zip(&args) {
        let word = value::from_json(program, &mut heap, param.ty, arg);
        words.push(word.map_err(|mismatch| mismatch.to_string())?);
    }
    let mut strand = Strand::new(heap, workflow.body, words);
    match strand.run(executor, &mut NoHost, Ok(0)) {
        Stop::Returned(word) => {
            value::to_json(program, strand.heap(), workflow.returns, word).map_err(|_| "too deep".to_string())
        }
        Stop::Raised(error) => {
            let heap = strand.heap();
            let parts = heap.error_parts(error);
            let shown = value::show(program, heap, parts.ty, parts.value);
            Err(format!("{shown}\n{}", heap.error_trace(error)))
        }
        Stop::Suspended(at) => Err(format!("waits for {:?}", at.op)),
    }
}
