//! What the formatter's tests share.
#![allow(dead_code, reason = "each test crate uses a part")]
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are not in test functions")]

use flow_syntax::{SourceMap, parse, render};
use std::path::{Path, PathBuf};

/// The text in the one style; its syntax errors fail the test.
pub fn format(text: &str) -> String {
    match flow_format::format("test.flow", text) {
        Ok(text) => text,
        Err(failed) => {
            let said = failed.diagnostics.iter().map(|diagnostic| render(&failed.sources, diagnostic, false));
            panic!("{text}\nis not formatted: {}", said.collect::<String>())
        }
    }
}

/// The tree of a text, without the places.
pub fn tree(text: &str) -> String {
    let mut sources = SourceMap::new();
    let file = sources.add("test.flow", text);
    let parse = parse(&sources, file);
    assert!(!parse.has_errors(), "{text}\ndoes not parse: {:?}", parse.diagnostics);
    let debug = format!("{:?}", parse.module);
    let mut parts = debug.split("Span { start: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |tree, part| tree + part.split_once('}').map_or(part, |(_, rest)| rest))
}

/// A text is formatted without changing what it says, and formatting it again changes nothing.
pub fn check(text: &str) -> String {
    let formatted = format(text);
    assert_eq!(tree(&formatted), tree(text), "{text}\nbecame\n{formatted}");
    let again = format(&formatted);
    assert_eq!(again, formatted, "not stable:\n{text}");
    formatted
}

/// The `.flow` files of the repository, those left out that show what is wrong with a program: where their mistakes stand
/// is part of them.
pub fn programs() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["stdlib", "examples", "tests", "compiler/syntax/tests/cases", "compiler/lower/tests"] {
        collect(&root.join(folder), &mut found);
    }
    found.sort();
    assert!(found.len() > 20, "the repository's programs");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "flow") {
            let text = std::fs::read_to_string(&path).expect("a program");
            found.push((path.canonicalize().unwrap_or(path), text));
        }
    }
}
