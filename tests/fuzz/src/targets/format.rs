//! The formatter: what it writes says the same as before, and formatted again it stays.

use super::mutated;
use crate::{Counters, Target, corpus, program};
use flow_project::Random;
use flow_syntax::{SourceMap, parse};

/// The target.
pub struct Format {
    corpus: Vec<String>,
}

impl Default for Format {
    fn default() -> Self {
        Format { corpus: corpus::load() }
    }
}

impl Target for Format {
    fn name(&self) -> &'static str {
        "format"
    }

    fn input(&self, random: &mut Random) -> String {
        if random.one_in(3) { program::generate(random) } else { mutated(&self.corpus, random) }
    }

    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String> {
        let Ok(printed) = flow_format::format("fuzz.flow", input) else {
            counters.count("with errors");
            return Ok(());
        };
        counters.count("formatted");
        let before = meaning(input).ok_or("what was formatted has errors")?;
        let after = meaning(&printed).ok_or_else(|| format!("has errors when printed:\n{printed}"))?;
        if before != after {
            return Err(format!("says something else when printed:\n{printed}"));
        }
        let again = flow_format::format("fuzz.flow", &printed).map_err(|_| "can't be formatted again")?;
        if again != printed {
            return Err(format!("is printed differently again:\n{printed}\n--- again\n{again}"));
        }
        Ok(())
    }
}

/// The tree as text, but for where its parts stand; none of a text with errors.
fn meaning(text: &str) -> Option<String> {
    let mut sources = SourceMap::new();
    let file = sources.add("fuzz.flow", text);
    let parse = parse(&sources, file);
    if parse.has_errors() {
        return None;
    }
    let tree = format!("{:?}", parse.module);
    let mut parts = tree.split("Span { ");
    let first = parts.next().unwrap_or_default().to_string();
    Some(parts.fold(first, |text, part| text + part.split_once('}').map_or(part, |(_, rest)| rest)))
}
