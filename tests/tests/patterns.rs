//! The control-flow patterns of the Workflow Patterns Initiative: each program in `tests/patterns` must leave the traces that
//! its header says, with a crash at any point, on both executors; programs that miss the pattern by little must not.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::rows::Status;
use flow_mir::interpreter::Interpreter;
use flow_tests::pattern::{Fault, NearMiss, Pattern, Run};
use flow_tests::simulation::{Ended, assert_same};
use std::path::Path;
use std::sync::Arc;

/// Runs a pattern calmly and with a crash at each place, on both executors; what doesn't hold in the first of these runs in
/// which not all does.
fn faults(pattern: &Pattern, run: &Run) -> Vec<String> {
    let told = |place: &str, ended: &Ended| -> Vec<String> {
        let found = run.faults(ended).into_iter();
        found.map(|Fault { text, .. }| format!("{}:{text} ({place})", pattern.file)).collect()
    };
    let mut reference: Option<Ended> = None;
    for (kind, executor) in flow_tests::executors(&pattern.program) {
        let calm = run.simulate(executor.clone(), None);
        let faults = told(kind, &calm);
        if !faults.is_empty() {
            return faults;
        }
        let reference = reference.get_or_insert_with(|| calm.clone());
        assert_eq!(calm, *reference, "{}: {kind} differs from the interpreter", pattern.file);
        for crash in calm.places_to_crash() {
            let crashed = run.simulate(executor.clone(), Some(crash));
            let place = format!("{kind}, {crash:?}");
            let faults = told(&place, &crashed);
            if !faults.is_empty() {
                return faults;
            }
            assert_same(&crashed, &calm, &format!("{}, {}, {place}", pattern.file, run.name));
        }
    }
    Vec::new()
}

#[test]
fn every_pattern_leaves_its_traces_whatever_crashes() {
    let patterns = Pattern::all();
    let each = patterns.iter().flat_map(|pattern| pattern.runs.iter().map(move |run| (pattern, run)));
    let faults: Vec<String> = each.flat_map(|(pattern, run)| faults(pattern, run)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let numbers: Vec<u32> = patterns.iter().map(|pattern| pattern.number).collect();
    assert_eq!(numbers, (1..=43).collect::<Vec<u32>>(), "one program for each pattern");
}

/// Runs a near miss calmly in each of the pattern's worlds; how it went, where all that it should refute holds.
fn not_refuted(pattern: &Pattern, miss: &NearMiss) -> Option<String> {
    let interpreter = Arc::new(Interpreter::new(flow_tests::compile(&miss.text)));
    let mut told = format!("{}: {}: yet `{}` holds", pattern.file, miss.why, miss.key);
    for run in &pattern.runs {
        let ended = run.simulate(interpreter.clone(), None);
        assert_ne!(ended.status, Status::Failed, "{}: {}: {:?}", pattern.file, miss.why, ended.error);
        if run.faults(&ended).iter().any(|fault| fault.key == miss.key) {
            return None;
        }
        told = format!("{told}; {}: {}", run.name, ended.trace);
    }
    Some(told)
}

#[test]
fn a_program_that_misses_the_pattern_by_little_leaves_other_traces() {
    let patterns = Pattern::all();
    let without = patterns.iter().filter(|pattern| pattern.near.is_empty()).map(|pattern| &pattern.file);
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&String>::new(), "these have no near miss");
    let each = patterns.iter().flat_map(|pattern| pattern.near.iter().map(move |miss| (pattern, miss)));
    let missed: Vec<String> = each.filter_map(|(pattern, miss)| not_refuted(pattern, miss)).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_page_about_patterns_lists_these_programs_by_their_names() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/patterns.md");
    let page = std::fs::read_to_string(page).expect("docs/patterns.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 4 && cells[0].parse::<u32>().is_ok())
        .collect();
    let patterns = Pattern::all();
    assert_eq!(rows.len(), patterns.len(), "one row for each program");
    for (row, Pattern { number, title, file, is_nearest, .. }) in rows.iter().zip(&patterns) {
        let link = format!("[{file}](../tests/patterns/{file})");
        assert_eq!((row[0], row[1], row[3]), (number.to_string().as_str(), title.as_str(), link.as_str()));
        assert_eq!(row[2] == "—", *is_nearest, "{title} has a construct, or is said to have none");
        let excuse = page.contains(&format!("\n**WCP-{number}, {title}.** "));
        assert_eq!(excuse, *is_nearest, "{title} can't be said, which the page explains");
    }
}

/// A program with this header; what is wrong with it.
fn wrong(header: &str) -> String {
    let program = "activity vote(member: Int)\nworkflow main() {\n  vote(1)\n}\n";
    let text = format!("//! WCP-1. Sequence: one.\n{header}\n\n{program}");
    Pattern::parse("01.flow", &text).err().unwrap_or_default()
}

#[test]
fn a_header_that_names_what_is_not_there_is_an_error_with_its_line() {
    assert_eq!(wrong("// steps: vote*1"), "");
    for line in
        ["never: vot", "steps: vot*0", "order: vote < vot", "answer: vot after 5s", "apart: vote..vot"]
    {
        let error = wrong(&format!("// steps: vote\n// {line}"));
        assert_eq!(error, "3: `vot` is neither an activity nor a workflow of the program", "{line}");
    }
    let without = "1: the run `` has neither `sequence` nor `steps`";
    for (header, error) in [
        ("// sequence: vote(1, 2)", "2: `vote` takes 1 arguments"),
        ("// sequence: vote\n// outside: once vot began signal go", "3: `vot` is neither"),
        (
            "// sequence: vote\n// near: order: why\n// -   vot(1)\n// +   vote(2)",
            "3: `vot(1)` is not in the program",
        ),
        ("// sequence: vote\n// near: order: why", "3: it changes nothing"),
        ("// sequence: vote\n// nevr: vote", "3: what is `nevr`?"),
        ("// order: vote", "2: a step stands on each side of a `<`"),
        ("// never: vote", without),
        ("// during: vote", "2: a step is missing"),
    ] {
        assert!(wrong(header).starts_with(error), "{header}: {}", wrong(header));
    }
}
