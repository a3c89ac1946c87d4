//! The kernels whose speed is measured give what they give in other languages, on both executors, in little memory: most of
//! them make far more garbage than fits.
#![allow(clippy::expect_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::value::to_json;
use flow_mir::{Heap, Limits};
use serde_json::{Value, json};
use std::path::Path;

/// About 5 MB.
const MEMORY: usize = 600_000;

#[test]
fn kernels_give_what_they_give_in_other_languages() {
    let expected = [
        ("fib", 20, json!(6765)),
        ("nbody", 1000, json!(-0.16930106330265351)),
        ("spectral_norm", 50, json!(1.2741938369830932)),
        ("fannkuch", 7, json!(228016)),
        ("sieve", 10_000, json!(1229)),
        ("mandelbrot", 50, json!(992)),
        ("binary_trees", 10, json!(66_495)),
        ("matrix_multiply", 20, json!(90.80110000000002)),
        ("map_count", 20_000, json!(767_320_303)),
        ("string_build", 1000, json!(19_789_100)),
        ("sort_closure", 1000, json!(194_651_668)),
        ("decimal_interest", 3000, json!(139_428.36)),
        ("json_transform", 1000, json!(491_582_936)),
    ];
    for (name, n, expected) in expected {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/kernels").join(name).with_extension("flow");
        let program = flow_tests::compile(&std::fs::read_to_string(path).expect("the kernel"));
        for (executor_name, executor) in flow_tests::executors(&program) {
            let (_, main) = program.workflows.iter().next().expect("a workflow");
            let heap = Heap::new(program.known, Limits { heap_words: MEMORY, ..Limits::default() });
            let mut strand = Strand::new(heap, main.body, vec![n]);
            let result = match strand.run(executor.as_ref(), &mut NoHost, Ok(0)) {
                Stop::Returned(word) => to_json(&program, strand.heap(), main.returns, word).expect("JSON"),
                Stop::Raised(error) => panic!("{name}: {:?}", strand.heap().trap_parts(error)),
                Stop::Suspended(at) => panic!("{name} suspends on {:?}", at.op),
            };
            assert!(same(&result, &expected), "{name} on {executor_name}: {result}, not {expected}");
        }
    }
}

/// Sums of floats differ in their last digits from language to language.
fn same(result: &Value, expected: &Value) -> bool {
    match (result.as_f64(), expected.as_f64()) {
        (Some(result), Some(expected)) => (result - expected).abs() <= 1e-9 * expected.abs(),
        _ => result == expected,
    }
}
