//! Tests written in a MIR file: comments that say what its functions give, for any executor.
//!
//! ```text
//! ; run: NAME [ARGUMENTS] => RESULT
//! ; run: NAME [ARGUMENTS] with [OUTCOMES] => trap overflow: 1 + 2 is out of Int's range
//! ; limits: heap_words=1000 stack_bytes=1000 interrupt
//! ```
//!
//! Arguments and results are JSON. `with` gives the outcomes of what a run waits for, in order, a failure being
//! `{"error": N}` with the number of the error type and its `value`; sleeps end by themselves. `=> error JSON` expects a
//! raised error, `=> trap KIND` or `=> trap KIND: MESSAGE` a trap. At each suspension the strand is stored and loaded.
//! `limits` holds for the runs below it.

use super::parse;
use crate::artifact::ProgramHash;
use crate::executor::{Executor, NoHost};
use crate::heap::{Heap, Limits};
use crate::ids::{FunctionId, TypeId};
use crate::instruction::SuspendOp;
use crate::program::Program;
use crate::strand::{Stop, Strand, Suspended};
use crate::value;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A run that didn't give what the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The line of the comment, or of what can't be read.
    pub line: usize,
    /// What happened instead.
    pub what: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Failed {}

/// Executes a file's `; run:` comments; how many there were.
pub fn run_file(
    text: &str,
    executor: &dyn Fn(Arc<Program>) -> Result<Box<dyn Executor>, String>,
) -> Result<usize, Failed> {
    let program = parse(text).map_err(|error| Failed { line: error.line, what: error.what })?;
    let executor = executor(Arc::new(program)).map_err(|what| Failed { line: 1, what })?;
    let mut limits = Limits::default();
    let mut runs = 0;
    for (index, line) in text.lines().enumerate() {
        let failed = |what: String| Failed { line: index + 1, what };
        if let Some(text) = line.strip_prefix("; limits:") {
            limits = parse_limits(text).map_err(failed)?;
        } else if let Some(text) = line.strip_prefix("; run:") {
            let run = Run::parse(text.trim()).map_err(failed)?;
            let given = run.execute(executor.as_ref(), limits.clone()).map_err(failed)?;
            if given != run.expected && !is_prefix(run.expected, &given) {
                return Err(failed(format!("expected `{}`, got `{given}`", run.expected)));
            }
            runs += 1;
        }
    }
    Ok(runs)
}

/// A trap may be expected without its message.
fn is_prefix(expected: &str, given: &str) -> bool {
    let rest = given.strip_prefix(expected);
    expected.starts_with("trap ") && rest.is_some_and(|rest| rest.starts_with(':'))
}

fn parse_limits(text: &str) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for word in text.split_whitespace() {
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no number"));
        match word.split_once('=') {
            Some(("heap_words", text)) => limits.heap_words = number(text)?,
            Some(("stack_bytes", text)) => limits.stack_bytes = number(text)?,
            None if word == "interrupt" => limits.interrupt = Arc::new(AtomicBool::new(true)),
            None if word == "default" => {}
            _ => return Err(format!("`{word}` is no limit")),
        }
    }
    limits.interrupt = Arc::new(AtomicBool::new(limits.interrupt.load(Ordering::Relaxed)));
    Ok(limits)
}

struct Run<'a> {
    function: &'a str,
    args: Vec<Value>,
    outcomes: Vec<Value>,
    expected: &'a str,
}

impl<'a> Run<'a> {
    fn parse(text: &'a str) -> Result<Run<'a>, String> {
        let (call, expected) = text.split_once(" => ").ok_or("a run ends with ` => ` and its result")?;
        let (function, rest) = call.split_once(' ').ok_or("a run names its arguments: `NAME [ARGUMENTS]`")?;
        let (args, outcomes) = rest.split_once(" with ").unwrap_or((rest, "[]"));
        let array = |text: &str| {
            serde_json::from_str::<Vec<Value>>(text).map_err(|error| format!("`{text}`: {error}"))
        };
        Ok(Run { function, args: array(args)?, outcomes: array(outcomes)?, expected: expected.trim() })
    }

    fn execute(&self, executor: &dyn Executor, limits: Limits) -> Result<String, String> {
        let program = executor.program();
        let found = program.functions.iter().find(|(_, function)| function.name == self.function);
        let (id, function) = found.ok_or_else(|| format!("there is no function `{}`", self.function))?;
        let mut heap = Heap::new(program.known, limits.clone());
        let mut args = Vec::new();
        for (local, json) in function.params().zip(&self.args) {
            let ty = function.locals.get(local).map_or(TypeId(u32::MAX), |local| local.ty);
            args.push(
                value::from_json(program, &mut heap, ty, json).map_err(|mismatch| mismatch.to_string())?,
            );
        }
        let mut strand = Strand::new(heap, id, args);
        let mut outcomes = self.outcomes.iter();
        let mut outcome = Ok(0);
        loop {
            match strand.run(executor, &mut NoHost, outcome) {
                Stop::Returned(word) => return show_result(program, &strand, id, word),
                Stop::Raised(error) => return show_error(program, &strand, error),
                Stop::Suspended(suspended) => {
                    strand = store_and_load(program, strand, limits.clone())?;
                    outcome = answer(program, &mut strand, &suspended, &mut outcomes)?;
                }
            }
        }
    }
}

fn show_result(
    program: &Program,
    strand: &Strand,
    function: FunctionId,
    word: u64,
) -> Result<String, String> {
    let ty = program.functions.get(function).map_or(TypeId(u32::MAX), |function| function.returns);
    let json = value::to_json(program, strand.heap(), ty, word);
    json.map(|json| json.to_string()).map_err(|_| "the result is nested too deeply for JSON".into())
}

fn show_error(program: &Program, strand: &Strand, error: u64) -> Result<String, String> {
    let heap = strand.heap();
    if let Some((kind, message)) = heap.trap_parts(error) {
        return Ok(format!("trap {kind}: {message}"));
    }
    let json = value::to_json(program, heap, program.known.error, error);
    json.map(|json| format!("error {json}")).map_err(|_| "the error is nested too deeply for JSON".into())
}

/// Every suspension is one where the process may end.
fn store_and_load(program: &Program, mut strand: Strand, limits: Limits) -> Result<Strand, String> {
    let hash = ProgramHash([7; 32]);
    let bytes = strand.encode(program, hash).map_err(|error| error.to_string())?;
    let mut loaded = Strand::decode(program, hash, &bytes, limits).map_err(|error| error.to_string())?;
    let again = loaded.encode(program, hash).map_err(|error| error.to_string())?;
    if again == bytes { Ok(loaded) } else { Err("a loaded strand isn't stored as it was".into()) }
}

fn answer<'v>(
    program: &Program,
    strand: &mut Strand,
    suspended: &Suspended<'_>,
    outcomes: &mut impl Iterator<Item = &'v Value>,
) -> Result<Result<u64, u64>, String> {
    if let SuspendOp::Sleep { .. } | SuspendOp::SleepUntil { .. } | SuspendOp::SagaUnwind { .. } =
        suspended.op
    {
        return Ok(Ok(0));
    }
    let json = outcomes.next().ok_or_else(|| format!("nothing is given for {:?}", suspended.op))?;
    let error = json.get("error").and_then(Value::as_u64).and_then(|ty| u32::try_from(ty).ok()).map(TypeId);
    let (ty, content) = match error {
        Some(ty) => (ty, json.get("value").unwrap_or(&Value::Null)),
        None => (suspended.result, json),
    };
    let heap = strand.heap_mut();
    let word = value::from_json(program, heap, ty, content).map_err(|mismatch| mismatch.to_string())?;
    match error {
        Some(ty) => heap.make_error(ty, word).map(Err).map_err(|_| "out of memory".into()),
        None => Ok(Ok(word)),
    }
}
