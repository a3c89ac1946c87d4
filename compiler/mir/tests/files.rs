//! Runs `tests/mir/*.mir` on the interpreter, and takes each file through text and artifact.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use flow_mir::{Executor, Interpreter, Program, text};
use std::sync::Arc;

fn interpreter(program: Arc<Program>) -> Result<Box<dyn Executor>, String> {
    Ok(Box::new(Interpreter::new(program)))
}

fn check(file: &str, runs: usize) {
    assert_eq!(text::run_file(file, &interpreter), Ok(runs));
    let program = text::parse(file).unwrap();
    assert_eq!(text::parse(&program.to_text()).unwrap(), program);
    let (bytes, hash) = program.encode().unwrap();
    assert_eq!(Program::decode(&bytes), Ok((program, hash)));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Program::decode(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn arithmetic_recursion_and_interrupts() {
    check(include_str!("mir/arithmetic.mir"), 9);
}

#[test]
fn suspensions_are_stored_and_loaded() {
    check(include_str!("mir/suspending.mir"), 3);
}

#[test]
fn programs_of_an_older_flow_are_refused() {
    let program = text::parse(include_str!("mir/arithmetic.mir")).unwrap();
    let (mut bytes, _) = program.encode().unwrap();
    bytes["FLOWC".len()] -= 1;
    let refused = Program::decode(&bytes).unwrap_err().to_string();
    assert!(refused.ends_with("an older flow wrote it; use that one, or make it anew"), "{refused}");
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let file = include_str!("mir/arithmetic.mir").replace("[1, 2] => 3", "[1, 2] => 4");
    let failed = text::run_file(&file, &interpreter).unwrap_err();
    assert_eq!(failed.what, "expected `4`, got `3`");
}
