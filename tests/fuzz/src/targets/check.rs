//! Checker and lowering: any text is checked without a panic, and what has no errors becomes a valid program.

use super::mutated;
use crate::{Counters, Target, corpus, program};
use flow_analysis::{Memory, analyze};
use flow_project::Random;
use flow_syntax::{SourceMap, render};
use std::path::Path;

/// The target.
pub struct Check {
    corpus: Vec<String>,
}

impl Default for Check {
    fn default() -> Self {
        Check { corpus: corpus::load() }
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
        let mut sources = SourceMap::new();
        let world = Memory::new().with("main.flow", input);
        let analysis = analyze(&world, Path::new("main.flow"), &mut sources);
        for diagnostic in &analysis.diagnostics {
            render(&sources, diagnostic, false);
            counters.count(diagnostic.code.0);
        }
        if analysis.has_errors() {
            counters.count("with errors");
            return Ok(());
        }
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
