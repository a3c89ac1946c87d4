//! Lexer and parser: any text gives a module and diagnostics that point into it.

use super::mutated;
use crate::{Counters, Target, corpus};
use flow_project::Random;
use flow_syntax::{SourceFile, SourceMap, Span, apply_fixes, parse, render};

/// The target.
pub struct Syntax {
    corpus: Vec<String>,
}

impl Default for Syntax {
    fn default() -> Self {
        Syntax { corpus: corpus::load() }
    }
}

impl Target for Syntax {
    fn name(&self) -> &'static str {
        "syntax"
    }

    fn input(&self, random: &mut Random) -> String {
        let text = mutated(&self.corpus, random);
        // Now and then a long one: what is not linear in it hangs.
        if random.one_in(200) { text.repeat(random.between(2, 50)) } else { text }
    }

    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String> {
        let mut sources = SourceMap::new();
        let file = sources.add("fuzz.flow", input);
        let parse = parse(&sources, file);
        let file = sources.file(file).ok_or("the file is gone")?;
        for item in &parse.module.items {
            inside(file, item.span)?;
        }
        for comment in &parse.comments.entries {
            inside(file, comment.span)?;
        }
        for diagnostic in &parse.diagnostics {
            diagnostic.labels.iter().try_for_each(|label| inside(file, label.span))?;
            diagnostic.fixes.iter().try_for_each(|fix| inside(file, fix.span))?;
            render(&sources, diagnostic, false);
        }
        apply_fixes(&sources, &parse.diagnostics);
        counters.count(if parse.has_errors() { "with errors" } else { "without errors" });
        counters.add("diagnostics", parse.diagnostics.len());
        counters.add("declarations", parse.module.items.len());
        Ok(())
    }
}

/// A span lies in its file, between characters.
fn inside(file: &SourceFile, span: Span) -> Result<(), String> {
    let local = |at: u32| at.checked_sub(file.base()).map(|at| at as usize);
    let boundary = |at: u32| local(at).is_some_and(|at| file.text().is_char_boundary(at));
    if span.is_nowhere() || (span.start <= span.end && boundary(span.start) && boundary(span.end)) {
        return Ok(());
    }
    Err(format!("the span {span:?} is not in the file {:?}", file.span()))
}
