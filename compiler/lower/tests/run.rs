//! Runs `tests/run/*.flow` on the reference interpreter.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use flow_lower::testing;
use flow_mir::{Executor, Interpreter, Program};
use std::sync::Arc;

fn interpreter(program: Arc<Program>) -> Result<Box<dyn Executor>, String> {
    Ok(Box::new(Interpreter::new(program)))
}

#[test]
fn programs_give_what_they_say() {
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        files += 1;
        match testing::run_file(&text, &interpreter) {
            Ok(0) => wrong.push(format!("{}: says nothing", path.display())),
            Ok(_) => {}
            Err(what) => wrong.push(format!("{}:\n{what}", path.display())),
        }
    }
    assert!(files > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let text = "workflow main(x: Int) -> Int { x + 1 }\n//= main(1) == 3\n";
    assert!(testing::run_file(text, &interpreter).unwrap_err().contains("gives 2"));
}

#[test]
fn a_trap_is_traced_to_its_line_once_per_function() {
    let text = "fn half(n: Int) -> Int {\n  let a = n + 1\n  a / (n - n)\n}\nworkflow main(n: Int) -> Int {\n  let b = 1\n  half(n) + b\n}\n//= main(4) fails x\n";
    let what = testing::run_file(text, &interpreter).unwrap_err();
    let places: Vec<&str> = what.lines().filter(|line| line.contains("main.flow:")).collect();
    assert_eq!(places.len(), 2, "{what}");
    assert!(places[0].contains("main.flow:3") && places[1].contains("main.flow:7"), "{what}");
}

#[test]
fn durable_constructs_become_scopes_and_strands() {
    let text = "error Bad\nactivity take(n: Int) -> Int fails Bad {\n  run: n\n  timeout: 5s\n}\nactivity give(n: Int) {}\nworkflow main(n: Int) -> Int fails Bad {\n  saga {\n    let a = take(n)\n      compensate give(a)\n      unknown |key| give(0)\n    let b = race {\n      take(2) as v => v\n      after 1h => fail Bad\n    }\n    timeout 5m { sleep 1s }\n    shield { give(a) }\n    let (c, d) = parallel { take(1), take(2) }\n    if a > 3 { return 7 }\n    a + b + c + d\n  }\n}\n";
    let program = testing::compile(text).unwrap();
    let names: Vec<&str> = program.functions.values().map(|function| function.name.as_str()).collect();
    for name in ["main.race#1", "main.compensation#1", "main.compensation#2", "main.branch#2", "take.policy"]
    {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let text = program.to_text();
    for (part, count) in [("saga", 1), ("timeout", 1), ("shield", 2), ("race", 1)] {
        assert!(text.to_lowercase().matches(part).count() >= count, "{part}: {text}");
    }
}

#[test]
fn handlers_and_conditions_become_functions_that_never_suspend() {
    let text = "fn found(n: Int) -> Int? { if n > 2 { n } else { none } }\nworkflow main(n: Int) -> Int {\n  signal go: Int\n  state count = n\n  /// How many.\n  query seen(plus: Int) -> Int { count + plus }\n  update add(by: Int) -> Int { count += by; count }\n  receive go within 1h\n  wait until found(count) is Some(c)\n  race {\n    receive go as g => g + c\n    wait until found(count) is Some(d) => d\n  }\n}\n";
    let program = testing::compile(text).unwrap();
    let main = program.workflows.values().next().unwrap();
    assert_eq!((main.states.len(), main.signals.len()), (1, 1));
    let (seen, add) = (&main.queries[0], &main.updates[0]);
    assert_eq!(
        (seen.name.as_str(), seen.docs.as_str(), seen.params[0].name.as_str()),
        ("seen", "How many.", "plus")
    );
    for (_, function) in program.functions.iter().filter(|(id, function)| {
        *id == seen.function || *id == add.function || function.name.contains("condition")
    }) {
        assert!(!function.suspends, "{}", function.name);
    }
    let text = program.to_text();
    for part in ["wait_until", "receive 0", "condition#2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
