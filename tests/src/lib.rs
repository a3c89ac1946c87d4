//! What the end-to-end tests share: compiling programs, and running instances in a simulated world.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

pub mod pattern;
pub mod promise;
pub mod scenario;
pub mod simulation;
pub mod trace;
pub mod world;

use flow_mir::interpreter::Interpreter;
use flow_mir::{Executor, Program};
use std::sync::Arc;

/// Checks and lowers a program given as text; panics with its diagnostics where it is wrong.
pub fn compile(text: &str) -> Arc<Program> {
    let world = flow_analysis::Memory::new().with("test.flow", text);
    let mut sources = flow_syntax::SourceMap::new();
    let analysis = flow_analysis::analyze(&world, std::path::Path::new("test.flow"), &mut sources);
    let errors: String = analysis
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == flow_syntax::Severity::Error)
        .map(|diagnostic| flow_syntax::render(&sources, diagnostic, false))
        .collect();
    assert!(errors.is_empty(), "the program is wrong:\n{errors}");
    match flow_lower::lower(&analysis.program, &sources) {
        Ok(program) => Arc::new(program),
        Err(error) => panic!("the program can't be lowered: {error}"),
    }
}

/// Both executors of a program, by name.
pub fn executors(program: &Arc<Program>) -> Vec<(&'static str, Arc<dyn Executor>)> {
    let native = match flow_codegen::NativeExecutor::compile(program.clone()) {
        Ok(native) => native,
        Err(error) => panic!("the program can't be compiled: {error}"),
    };
    vec![("interpreter", Arc::new(Interpreter::new(program.clone()))), ("native", Arc::new(native))]
}
