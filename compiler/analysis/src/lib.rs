//! From syntax tree to a typed, resolved program, or to what is wrong with it.
//!
//! ```text
//! modules   files and what they use          names     what is declared where
//! declare   types of declarations            check/    types of bodies
//! messages  what instances can be told and asked
//! exhaustive  patterns                       suspension  what suspends, what touches the world
//! keys      keys of maps and sets
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
mod keys;
mod messages;
mod modules;
mod names;
mod parallel;
mod report;
pub mod stdlib;
mod suspension;
pub mod world;

pub use world::{Disk, Memory, World};

use context::{Context, Prelude};
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
    let modules::Loaded { modules, trees, uses, standard, diagnostics } =
        modules::load(world, root, sources, &mut modules::ParseCache::default());
    let mut cx = Context {
        program: hir::Program { modules, ..hir::Program::default() },
        scopes: Vec::new(),
        prelude: Prelude::default(),
        uses,
        standard,
        aliases: Vec::new(),
        functions: Vec::new(),
        activities: Vec::new(),
        workflows: Vec::new(),
        constants: Vec::new(),
        field_defaults: Default::default(),
        item_starts: trees.iter().map(|tree| tree.items.first().map(|item| item.span.start)).collect(),
        diagnostics,
        written_keys: Vec::new(),
        inferred_keys: Default::default(),
        system_errors: Default::default(),
    };
    names::declare(&mut cx, &trees);
    declare::resolve(&mut cx, &trees);
    check::check(&mut cx, &trees);
    keys::check(&mut cx);
    let Context { mut program, mut diagnostics, .. } = cx;
    diagnostics.extend(suspension::infer(&mut program));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span());
    diagnostics.dedup();
    Analysis { program, diagnostics }
}
