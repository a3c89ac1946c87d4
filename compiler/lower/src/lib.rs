//! From the checked program (HIR) to what runs (MIR): generic declarations made concrete, control flow made explicit,
//! functions cut out of branches, race heads, compensations and lambdas.

mod activity;
mod builder;
mod calls;
mod closure;
pub mod codes;
mod defaults;
mod durable;
mod error;
mod expr;
mod failure;
mod loops;
mod matching;
mod operators;
mod pattern;
mod program;
mod scope;
mod spawn;
mod strands;
pub mod testing;
mod types;
mod waiting;

pub use error::LowerError;

use flow_analysis::hir;
use flow_syntax::SourceMap;

/// Lowers a program that was checked without errors: its workflows and activities and all that they reach.
///
/// Fails only where the program exceeds a limit, or where the compiler contradicts itself.
pub fn lower(program: &hir::Program, sources: &SourceMap) -> Result<flow_mir::Program, LowerError> {
    program::Lowering::new(program, sources)?.run()
}
