//! Matches too large to be written by hand: exhaustive or not, and told in time.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use flow_analysis::{Memory, analyze};
use flow_syntax::{SourceMap, render};
use std::path::Path;

const MANY: usize = 10_000;

fn told(text: &str) -> Vec<String> {
    let mut sources = SourceMap::new();
    let analysis = analyze(&Memory::new().with("main.flow", text), Path::new("main.flow"), &mut sources);
    analysis.diagnostics.iter().map(|diagnostic| render(&sources, diagnostic, false)).collect()
}

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..MANY).map(line).collect()
}

#[test]
fn ten_thousand_literals_are_told_apart() {
    let text = |last: &str| {
        let arms = lines(|n| format!("    {n} => \"n{n}\"\n"));
        format!("workflow main(n: Int) -> String {{\n  match n {{\n{arms}    {last} => \"\"\n  }}\n}}\n")
    };
    assert_eq!(told(&text("_")), [""; 0]);
    let again = told(&text("77 | -1 | -1"));
    assert_eq!(again.len(), 3, "{again:?}");
    assert!(again.iter().any(|one| one.contains("this `match` misses `_`")), "{again:?}");
    assert_eq!(again.iter().filter(|one| one.contains("this alternative never matches")).count(), 2);
}

#[test]
fn ten_thousand_cases_are_each_named() {
    let text = |from: usize| {
        let cases = lines(|n| format!("  C{n}(value: Int?)\n"));
        let arms =
            lines(
                |n| if n < from { String::new() } else { format!("    C{n}(none) | C{n}(Some(_)) => {n}\n") },
            );
        format!("enum Many {{\n{cases}}}\nworkflow main(it: Many) -> Int {{\n  match it {{\n{arms}  }}\n}}\n")
    };
    assert_eq!(told(&text(0)), [""; 0]);
    let missing = told(&text(2));
    assert!(missing[0].contains("misses `C0(_)` and `C1(_)`"), "{missing:?}");
}

#[test]
fn a_match_with_more_combinations_than_can_be_looked_at_wants_an_arm_for_the_rest() {
    let columns = 40;
    let row = |at: usize| {
        let parts = (0..columns).map(|column| if column == at { "true" } else { "_" });
        format!("    ({}) => {at}\n", parts.collect::<Vec<_>>().join(", "))
    };
    let text = |last: &str| {
        let types = vec!["Bool"; columns].join(", ");
        let arms: String = (0..columns).map(row).collect();
        format!("workflow main(t: ({types})) -> Int {{\n  match t {{\n{arms}{last}  }}\n}}\n")
    };
    assert_eq!(told(&text("    _ => 0\n")), [""; 0]);
    assert!(told(&text(""))[0].contains("this `match` misses `_`"));
}
