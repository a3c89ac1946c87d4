//! What the documentation shows is checked by the compiler.
#![allow(clippy::expect_used, reason = "in a test, a panic is how a failure is told")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file of the repository")
}

/// The ```flow blocks of a Markdown text.
fn samples(text: &str) -> Vec<String> {
    let blocks = text.split("```flow\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn samples_in_docs_are_programs_that_check() {
    let mut checked = 0;
    for entry in fs::read_dir(root().join("docs")).expect("docs").flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        for sample in samples(&text) {
            flow_tests::compile(&sample);
            checked += 1;
        }
    }
    assert!(checked > 0, "the docs show programs");
}

#[test]
fn the_readme_shows_a_workflow_that_checks_with_the_examples_declarations() {
    let example = read("examples/transfer/transfer.flow");
    let start = example.find("/// Moves `t.amount`").expect("the example's workflow");
    let end = example.find("/// The target chain confirms").expect("what follows it");
    let around = [example.get(..start), example.get(end..)].map(Option::unwrap_or_default).concat();
    let [sample] = samples(&read("README.md")).try_into().expect("one program");
    flow_tests::compile(&format!("{around}\n{sample}"));
}

#[test]
fn every_command_is_documented() {
    let docs = read("docs/cli.md");
    for entry in fs::read_dir(root().join("cli/src/commands")).expect("commands").flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let command = file.trim_end_matches(".rs");
        assert!(
            command == "mod" || docs.contains(&format!("`flow {command}")),
            "docs/cli.md lacks `flow {command}`"
        );
    }
}

/// The text of every Rust file below a folder.
fn rust_files(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn every_rule_of_durability_names_a_test_that_is_there() {
    let docs = read("docs/durability.md");
    let (_, table) = docs.split_once("| rule | test |").expect("the table of rules");
    let mut code = String::new();
    ["runtime", "tests", "compiler"].iter().for_each(|folder| rust_files(&root().join(folder), &mut code));
    let mut named = 0;
    for line in table.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")) {
        let tests = line.rsplit('|').nth(1).unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            assert!(code.contains(&format!("fn {test}")), "there is no test `{test}`");
            named += 1;
        }
    }
    assert!(named > 30, "the table names {named} tests");
}
