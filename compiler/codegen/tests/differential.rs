//! Native code and the interpreter do the same: on generated functions, and with a run handed from one to the other at
//! every suspension.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use common::generate::{BlockPlan, Choice, Plan, generate};
use common::transcript::run;
use flow_codegen::NativeExecutor;
use flow_mir::{Executor, Interpreter};
use proptest::prelude::*;
use std::sync::Arc;

fn block() -> impl Strategy<Value = BlockPlan> {
    let steps = prop::collection::vec(any::<Choice>(), 0..8);
    (steps, any::<Choice>(), any::<bool>()).prop_map(|(steps, end, handled)| BlockPlan {
        steps,
        end,
        handled,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let blocks = |most| prop::collection::vec(block(), 1..most);
    (blocks(4), blocks(5), blocks(8))
        .prop_map(|(closure, inner, outer)| Plan { functions: [closure, inner, outer] })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn native_code_does_what_the_interpreter_does(
        plan in plan(),
        number in prop_oneof![-3i64..4, any::<i64>()],
        outcomes in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let (program, function) = generate(&plan);
        let program = Arc::new(program);
        let interpreter = Interpreter::new(Arc::clone(&program));
        let native = NativeExecutor::compile(program).unwrap();
        let expected = run(&[&interpreter], function, number, &outcomes);
        prop_assert_eq!(&run(&[&native], function, number, &outcomes), &expected);
        let both: [&dyn Executor; 2] = [&native, &interpreter];
        prop_assert_eq!(&run(&both, function, number, &outcomes), &expected);
        let both: [&dyn Executor; 2] = [&interpreter, &native];
        prop_assert_eq!(&run(&both, function, number, &outcomes), &expected);
    }
}

#[test]
fn generated_programs_reach_what_they_are_to_compare() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut lines = Vec::new();
    for _ in 0..200 {
        let plan = plan().new_tree(&mut runner).unwrap().current();
        let (program, function) = generate(&plan);
        lines.extend(run(&[&Interpreter::new(Arc::new(program))], function, 3, &[1, 4, 2, 0, 7, 9]));
    }
    let parts = [
        "suspended at",
        "returned",
        "raised",
        "log ",
        "overflow",
        "division by zero",
        "out of range",
        "in outer",
    ];
    for part in parts {
        let count = lines.iter().filter(|line| line.contains(part)).count();
        println!("{part}: {count} of {}", lines.len());
        assert!(count > 0, "no generated program says `{part}`");
    }
}
