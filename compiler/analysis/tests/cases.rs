//! The reference programs check without errors but for what is not built yet, and broken ones never panic.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use flow_analysis::{Analysis, Memory, Session, analyze};
use flow_syntax::{Diagnostic, SourceMap, render};
use std::path::{Path, PathBuf};

fn cases() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../syntax/tests/cases");
    let mut cases: Vec<(PathBuf, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    cases.sort();
    assert!(cases.len() >= 6);
    cases
}

fn show(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    diagnostics.iter().map(|diagnostic| render(sources, diagnostic, false)).collect()
}

fn check(text: &str) -> (Analysis, SourceMap) {
    let mut sources = SourceMap::new();
    let world = Memory::new().with("main.flow", text);
    let analysis = analyze(&world, Path::new("main.flow"), &mut sources);
    (analysis, sources)
}

#[test]
fn reference_programs_lack_only_what_is_not_built_yet() {
    for (path, text) in cases() {
        let (analysis, sources) = check(&text);
        let wrong: Vec<_> = analysis
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error() && diagnostic.code != flow_analysis::codes::NOT_YET)
            .cloned()
            .collect();
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), show(&wrong, &sources));
    }
}

#[test]
fn truncated_programs_never_panic() {
    let mut session = Session::new();
    for (_, text) in cases() {
        for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
            session.analyze(&Memory::new().with("main.flow", &text[..end]), Path::new("main.flow"), &[]);
        }
    }
}

#[test]
fn the_standard_library_is_without_mistakes() {
    let uses: String = flow_analysis::stdlib::SOURCES
        .iter()
        .filter(|(name, _)| !flow_analysis::stdlib::PRELUDE.contains(name))
        .map(|(name, _)| format!("use std.{name}\n"))
        .collect();
    let (analysis, sources) = check(&uses);
    let wrong: Vec<_> =
        analysis.diagnostics.into_iter().filter(|one| one.code != flow_analysis::codes::UNUSED_USE).collect();
    assert!(wrong.is_empty(), "{}", show(&wrong, &sources));
}

#[test]
fn reference_programs_give_no_false_alarms() {
    for (path, text) in cases() {
        let (analysis, sources) = check(&text);
        let meant = [flow_analysis::codes::MISSING_UNKNOWN, flow_analysis::codes::UNUSED_SIGNAL];
        let warnings = analysis.diagnostics.into_iter();
        // These are no false alarms: a step's unknown outcome is for its author to deal with, and one program declares
        // a signal that it never receives.
        let warnings = warnings.filter(|one| !one.is_error() && !meant.contains(&one.code));
        let warnings: Vec<_> = warnings.collect();
        assert!(warnings.is_empty(), "{}:\n{}", path.display(), show(&warnings, &sources));
    }
}
