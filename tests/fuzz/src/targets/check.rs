//! Checker and lowering: any text is checked without a panic, and what has no errors becomes a valid program.

use super::mutated;
use crate::{Counters, Target, corpus, program};
use flow_analysis::{Memory, Session, analyze};
use flow_project::Random;
use flow_syntax::{SourceMap, render};
use std::path::Path;
use std::sync::Mutex;

/// The target.
pub struct Check {
    corpus: Vec<String>,
    /// Knows the standard library, so that most texts, which have errors, are checked fast.
    session: Mutex<Session>,
}

impl Default for Check {
    fn default() -> Self {
        Check { corpus: corpus::load(), session: Mutex::default() }
    }
}

impl Target for Check {
    fn name(&self) -> &'static str {
        "check"
    }

    fn input(&self, random: &mut Random) -> String {
        match random.below(4) {
            // A typed program with a few changes is wrong in finer ways than a text with a few changes.
            0 => {
                let (text, other) = (program::generate(random), program::generate(random));
                crate::mutate::change_tokens(&text, &other, random)
            }
            _ => mutated(&self.corpus, random),
        }
    }

    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String> {
        let world = Memory::new().with("main.flow", input);
        let root = Path::new("main.flow");
        // After a panic the session is what it was before.
        let mut session = self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let analysis = session.analyze(&world, root, &[]);
        for diagnostic in &analysis.diagnostics {
            render(session.sources(), diagnostic, false);
            counters.count(diagnostic.code.0);
        }
        drop(session);
        if analysis.has_errors() {
            counters.count("with errors");
            return Ok(());
        }
        let mut sources = SourceMap::new();
        let afresh = analyze(&world, root, &mut sources);
        if afresh.diagnostics.len() != analysis.diagnostics.len() {
            return Err("a session finds something else than an analysis".to_string());
        }
        let analysis = afresh;
        counters.count("without errors");
        let program = flow_lower::lower(&analysis.program, &sources)
            .map_err(|error| format!("is not lowered: {error}"))?;
        program.validate().map_err(|invalid| format!("is lowered to an invalid program: {invalid}"))?;
        let (bytes, hash) = program.encode().map_err(|error| format!("is not encoded: {error}"))?;
        let (_, again) =
            flow_mir::Program::decode(&bytes).map_err(|error| format!("is not decoded: {error}"))?;
        if hash != again {
            return Err("changes its hash when decoded".to_string());
        }
        Ok(())
    }
}
