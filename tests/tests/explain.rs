//! `docs/errors/`: every code has a page, and the examples on it do what it says.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]

use flow_analysis::{Memory, analyze};
use flow_syntax::{Diagnostic, SourceMap, render};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Codes no small program can show.
const WITHOUT_EXAMPLE: [&str; 4] = ["E0012", "E0099", "E0900", "E0999"];

/// The pages by code.
fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
    let paths = fs::read_dir(folder).expect("docs/errors").map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| {
            let code = path.file_stem().unwrap().to_string_lossy().into_owned();
            (code, fs::read_to_string(path).expect("a page"))
        })
        .collect()
}

fn titles() -> BTreeMap<&'static str, &'static str> {
    let tables = [flow_syntax::codes::TABLE, flow_analysis::codes::TABLE, flow_lower::codes::TABLE];
    tables.into_iter().flatten().map(|(code, title)| (code.0, *title)).collect()
}

/// The program under a heading, and the other files of the page.
fn program(page: &str, heading: &str) -> Option<String> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1)?;
    Some(section.split("```flow\n").nth(1)?.split("```").next()?.to_string())
}

fn neighbours(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```flow ").skip(1);
    blocks
        .filter_map(|block| {
            let (name, rest) = block.split_once('\n')?;
            Some((name.to_string(), rest.split("```").next()?.to_string()))
        })
        .collect()
}

/// What is said of a program, by the checker and then by lowering.
fn check(page: &str, text: &str) -> (BTreeSet<&'static str>, String) {
    let world =
        neighbours(page).into_iter().fold(Memory::new(), |world, (name, text)| world.with(name, text));
    let mut sources = SourceMap::new();
    let analysis = analyze(&world.with("main.flow", text), Path::new("main.flow"), &mut sources);
    let mut found: Vec<Diagnostic> = analysis.diagnostics.clone();
    if !analysis.has_errors() {
        found.extend(flow_lower::lower(&analysis.program, &sources).err().map(|error| error.diagnostic()));
    }
    let told = found.iter().map(|one| render(&sources, one, false)).collect();
    (found.iter().map(|one| one.code.0).collect(), told)
}

#[test]
fn every_code_has_a_page_with_its_title() {
    let (pages, titles) = (pages(), titles());
    for (code, title) in &titles {
        let page = pages.get(*code).unwrap_or_else(|| panic!("docs/errors/{code}.md is missing"));
        assert!(page.starts_with(&format!("# {code}: {title}\n")), "{code} has another title: {title}");
    }
    let unknown: Vec<_> = pages.keys().filter(|code| !titles.contains_key(code.as_str())).collect();
    assert!(unknown.is_empty(), "pages of codes that do not exist: {unknown:?}");
}

#[test]
fn the_wrong_program_of_each_page_has_that_mistake_and_no_other() {
    let mut wrong = String::new();
    for (code, page) in pages() {
        let Some(text) = program(&page, "Wrong") else {
            assert!(WITHOUT_EXAMPLE.contains(&code.as_str()), "{code} shows no mistake");
            continue;
        };
        let (found, told) = check(&page, &text);
        if found != BTreeSet::from([code.as_str()]) {
            wrong.push_str(&format!("== {code}: {found:?}\n{told}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_right_program_of_each_page_has_none() {
    let mut wrong = String::new();
    for (code, page) in pages() {
        let Some(text) = program(&page, "Right") else { continue };
        let (found, told) = check(&page, &text);
        if !found.is_empty() {
            wrong.push_str(&format!("== {code}: {found:?}\n{told}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
