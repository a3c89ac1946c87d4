//! What the documentation shows is checked by the compiler.
#![allow(clippy::expect_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_codegen::NativeExecutor;
use flow_mir::interpreter::Interpreter;
use flow_mir::{Executor, Program};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Every Markdown file of `docs/` with its samples.
fn documents() -> Vec<(String, Vec<String>)> {
    let files = fs::read_dir(root().join("docs")).expect("docs").flatten();
    let files = files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"));
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, samples(&fs::read_to_string(entry.path()).expect("a text")))
    };
    files.map(read).filter(|(_, samples)| !samples.is_empty()).collect()
}

/// `line code` of each error that a sample says it has: `//~ error[E0400]` at the end of a line.
fn said(sample: &str) -> Vec<String> {
    let lines = sample.lines().enumerate();
    let notes =
        lines.flat_map(|(index, line)| line.split("//~ error[").skip(1).map(move |note| (index, note)));
    notes
        .map(|(index, note)| format!("{} {}", index + 1, note.split(']').next().unwrap_or_default()))
        .collect()
}

#[test]
fn samples_in_docs_check_or_have_the_mistakes_they_say() {
    for (file, samples) in documents() {
        for sample in samples {
            let world = flow_analysis::Memory::new().with("sample.flow", sample.as_str());
            let mut sources = flow_syntax::SourceMap::new();
            let analysis = flow_analysis::analyze(&world, Path::new("sample.flow"), &mut sources);
            let errors = analysis.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
            let found: Vec<String> = errors
                .map(|error| {
                    let line = sources.positions(error.span()).map_or(0, |(_, start, _)| start.line);
                    format!("{line} {}", error.code.0)
                })
                .collect();
            let shown = analysis.diagnostics.iter().map(|it| flow_syntax::render(&sources, it, false));
            assert_eq!(found, said(&sample), "{file}:\n{sample}\n{}", shown.collect::<String>());
        }
    }
}

#[test]
fn samples_in_docs_give_what_they_say_on_both_executors() {
    let native = |program: Arc<Program>| {
        let executor = NativeExecutor::compile(program).map_err(|error| error.to_string())?;
        Ok(Box::new(executor) as Box<dyn Executor>)
    };
    let interpreter = |program: Arc<Program>| Ok(Box::new(Interpreter::new(program)) as Box<dyn Executor>);
    let mut runs = 0;
    for (file, samples) in documents() {
        for sample in samples.iter().filter(|sample| sample.contains("//= ")) {
            for (kind, ran) in [
                ("interpreter", flow_lower::testing::run_file(sample, &interpreter)),
                ("native", flow_lower::testing::run_file(sample, &native)),
            ] {
                runs += ran.unwrap_or_else(|wrong| panic!("{file} on {kind}: {wrong}\n{sample}"));
            }
        }
    }
    assert!(runs > 20, "the reference shows what programs give");
}

#[test]
fn samples_in_docs_are_in_the_style() {
    for (file, samples) in documents() {
        for sample in samples {
            let formatted = flow_format::format(&file, &sample).expect("a sample that parses");
            assert_eq!(sample, formatted, "{file}");
        }
    }
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

#[test]
fn every_rule_of_the_engine_names_tests_that_are_there() {
    let rules = read("tests/RULES.md");
    let mut named = 0;
    for line in rules.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| rule ")) {
        let tests = line.rsplit('|').nth(1).unwrap_or_default();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {line}");
        for name in names {
            let (file, test) = name.split_once("::").unwrap_or_else(|| panic!("{name} is not FILE::TEST"));
            assert!(read(file).contains(&format!("fn {test}(")), "there is no test `{test}` in {file}");
            named += 1;
        }
    }
    assert!(named > 100, "the tables name {named} tests");
}
