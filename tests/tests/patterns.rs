//! The control-flow patterns of the Workflow Patterns Initiative: each program in `tests/patterns` must leave the
//! traces that its comments say, and with a crash at any point, on both executors, end the same way with the same steps.
#![allow(clippy::expect_used, reason = "in a test, a panic is how a failure is told")]

use flow_tests::pattern::Pattern;
use flow_tests::simulation::survives_every_crash;

#[test]
fn every_pattern_leaves_its_traces_and_no_others() {
    let (mut numbers, mut faults) = (Vec::new(), Vec::new());
    for pattern in Pattern::all() {
        let program = flow_tests::compile(&pattern.text);
        let ended =
            survives_every_crash(&program, "main", &pattern.input, &pattern.outside, pattern.script());
        faults.extend(pattern.faults(&ended));
        let number = pattern.name.split('_').next().and_then(|number| number.parse::<u32>().ok());
        numbers.push(number.expect("a number"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(numbers, (1..=43).collect::<Vec<u32>>(), "one program for each pattern");
}
