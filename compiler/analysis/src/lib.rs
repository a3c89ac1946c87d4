//! From syntax tree to a typed, resolved program, or to what is wrong with it.
//!
//! ```text
//! modules   files and what they use          names     what is declared where
//! declare   types of declarations            check/    types of bodies
//! messages  what instances can be told and asked
//! exhaustive  patterns                       suspension  what suspends, what touches the world
//! keys      keys of maps and sets
//! unused    names nothing uses               lint/     warnings about finished code
//! report    every message, in one place      codes     their codes
//! ```

#![expect(
    clippy::indexing_slicing,
    reason = "only `Table`s are indexed, by ids that came from `push` on the same table; slices go through `get`"
)]

mod check;
pub mod codes;
mod context;
mod declare;
pub mod documentation;
mod exhaustive;
pub mod hir;
mod infer;
mod interface;
mod keys;
mod lint;
mod messages;
mod modules;
mod names;
mod report;
mod session;
mod stale;
pub mod stdlib;
mod suspension;
mod unused;
pub mod world;

pub use session::{Redone, Session};
pub use world::{Disk, Memory, World};

use flow_syntax::{Diagnostic, SourceMap};
use std::path::Path;

/// A checked program, as far as it could be understood, and all that is wrong with it.
#[derive(Debug)]
pub struct Analysis {
    /// The program; only one without errors may be lowered.
    pub program: hir::Program,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Analysis {
    /// Whether anything stops the program from compiling.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads, parses and checks a file and all it uses. Never fails: what is broken is marked in the program and explained
/// in the diagnostics. The files read are added to `sources`, in which all spans lie.
pub fn analyze(world: &dyn World, root: &Path, sources: &mut SourceMap) -> Analysis {
    analyze_all(world, &[root], sources)
}

/// The same for several files in one analysis: what they share is read and checked once.
pub fn analyze_all(world: &dyn World, roots: &[&Path], sources: &mut SourceMap) -> Analysis {
    let mut cache = session::Cache::default();
    let analysis = session::run(world, roots, sources, &mut cache, &[]);
    // Taking the trees of a large project apart is a tenth of the whole work.
    flow_syntax::parallel::let_go(cache);
    analysis
}
