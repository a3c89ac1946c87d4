//! Native code for MIR, by Cranelift: the fast [`Executor`](flow_mir::Executor).
//!
//! A function that does not suspend becomes a native function; one that does becomes a function that is entered at its
//! start or at a suspension, with its live locals, and leaves by returning, raising or suspending. Functions are compiled
//! when they are first entered, with all that they call directly.
//!
//! The interpreter in `flow-mir` says what everything means. Code here has fast paths of its own for arithmetic and for
//! objects; for all else, and whenever a fast path's check fails, it calls the interpreter's function for that one
//! instruction. Nothing traps in the machine's sense: overflow, range, stack and memory are checked by branches.
//!
//! # Safety
//! This is the only crate with `unsafe`. What it rests on:
//! - A program is validated before it is compiled: every id is in range, every call has its arguments.
//! - Compiled code holds no address into the heap across a call, and none into anything else but the context and the
//!   program, both borrowed for as long as it runs.
//! - A word of the wrong type is harmless. A local that holds references only is made to refer to a word in use wherever
//!   it is defined: what doesn't becomes index 0. Memory in use only grows until a collection, which can happen only in
//!   calls and at back edges, and behind those each local that is still needed is defined anew. Whatever else is taken for
//!   a reference (a list's buffer, an item's place) is compared with the heap's end where it is used.
//! - Nothing is written but new objects, and words of the heap in use.
//! - No panic crosses compiled code: helpers turn it into a trap.

mod context;
mod executor;
mod linker;
mod runtime;
mod translate;

pub use executor::NativeExecutor;
pub use linker::CompileError;
