//! Each file of `check/` is checked; `//~ error[E0300]` at the end of a line says what is wrong in it, and nothing else
//! may be. Files in `check/pass/` have nothing wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use flow_analysis::{Disk, analyze, codes};
use flow_syntax::{Severity, SourceMap, render};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .collect();
    files.sort();
    files
}

/// `line kind[code]` for each expectation of a text.
fn expected(text: &str) -> Vec<String> {
    let mut expected = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for note in line.split("//~ ").skip(1) {
            expected.push(format!("{} {}", index + 1, note.trim()));
        }
    }
    expected.sort();
    expected
}

/// The same for what was found, and all of it as people read it.
fn found(path: &Path) -> (Vec<String>, String) {
    let mut sources = SourceMap::new();
    let analysis = analyze(&Disk, path, &mut sources);
    let mut found = Vec::new();
    let mut shown = String::new();
    for diagnostic in &analysis.diagnostics {
        let kind = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let line = sources.positions(diagnostic.span()).map_or(0, |(_, start, _)| start.line);
        found.push(format!("{line} {kind}[{}]", diagnostic.code.0));
        shown.push_str(&render(&sources, diagnostic, false));
    }
    found.sort();
    (found, shown)
}

#[test]
fn mistakes_are_reported_where_they_are() {
    let mut wrong = String::new();
    for path in files("check").into_iter().chain(files("check/pass")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let (found, shown) = found(&path);
        if found != expected(&text) {
            wrong.push_str(&format!(
                "== {}\nexpected {:?}\nfound    {found:?}\n{shown}\n",
                path.display(),
                expected(&text)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_code_has_an_example() {
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for path in files("check") {
        let text = std::fs::read_to_string(&path).unwrap();
        shown.extend(
            expected(&text)
                .iter()
                .filter_map(|note| Some(note.split_once('[')?.1.trim_end_matches(']').to_string())),
        );
    }
    let missing: Vec<_> = codes::TABLE.iter().filter(|(code, _)| !shown.contains(code.0)).collect();
    assert!(missing.is_empty(), "without an example: {missing:?}");
}
