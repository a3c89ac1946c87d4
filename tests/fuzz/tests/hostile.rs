//! No text crashes the compiler or hangs it: nesting, length and mistakes, scaled down here; `flow-front-bench hostile`
//! measures full size.
#![allow(clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_analysis::{Memory, Session};
use flow_mir::{Executor, Interpreter, Program};
use flow_project::hostile;
use flow_syntax::render;
use flow_tests::simulation::{Answer, Simulation};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Runs with the stack of a main thread.
fn on_a_thread(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(8 << 20).spawn(run);
    if thread.is_ok_and(|thread| thread.join().is_err()) {
        panic!("see above");
    }
}

fn codes(session: &mut Session, text: &str) -> Vec<&'static str> {
    let analysis = session.analyze(&Memory::new().with("main.flow", text), Path::new("main.flow"), &[]);
    for diagnostic in analysis.diagnostics.iter().take(20) {
        let shown = render(session.sources(), diagnostic, false);
        let head: String = shown.chars().take(1_000).collect();
        assert!(shown.len() < 20_000, "a diagnostic of {} bytes: {head}", shown.len());
    }
    analysis.diagnostics.iter().filter(|found| found.is_error()).map(|found| found.code.0).collect()
}

#[test]
fn what_is_nested_too_deep_is_one_clear_error() {
    on_a_thread(|| {
        let mut session = Session::new();
        for (name, text) in hostile::nested(20_000) {
            let found = codes(&mut session, &text);
            // What is left of it may be wrong in other ways, but it is told once that it is too deep.
            assert_eq!(found.iter().filter(|code| **code == "E0012").count(), 1, "{name}: {found:?}");
            let others: BTreeSet<_> = found.iter().collect();
            assert!(others.len() <= 4, "{name}: {others:?}");
            assert!(flow_format::format("main.flow", &text).is_err(), "{name}");
        }
    });
}

#[test]
fn what_is_nested_as_deep_as_may_be_is_checked() {
    on_a_thread(|| {
        let mut session = Session::new();
        for depth in [60, 200, 250, 290, 550] {
            for (name, text) in hostile::nested(depth) {
                codes(&mut session, &text);
                let _ = flow_format::format("main.flow", &text)
                    .is_ok_and(|text| text.is_empty())
                    .then(|| panic!("{name}"));
            }
        }
    });
}

fn compiled(name: &str, text: &str) -> Arc<Program> {
    match flow_lower::testing::compile(text) {
        Ok(program) => Arc::new(program),
        Err(error) => panic!("{name}: {}", error.chars().take(500).collect::<String>()),
    }
}

fn runs(name: &str, executor: Arc<dyn Executor>) {
    let ended = Simulation::new(executor, |_| Answer::Never).run("main", &serde_json::json!({}));
    assert!(ended.output.is_some(), "{name}: {:?}", ended.error);
}

#[test]
fn what_is_long_is_checked_formatted_and_run() {
    on_a_thread(|| {
        for (name, text) in hostile::long(2_000) {
            let program = compiled(name, &text);
            runs(name, Arc::new(Interpreter::new(program)));
            assert!(flow_format::format("main.flow", &text).is_ok(), "{name}");
        }
    });
}

#[test]
fn what_is_long_becomes_native_code() {
    on_a_thread(|| {
        // With the largest, all is interpreted but what calls it.
        for (name, text) in [150, 6_000].into_iter().flat_map(hostile::long) {
            let program = compiled(name, &text);
            flow_tests::executors(&program).into_iter().for_each(|(_, executor)| runs(name, executor));
        }
    });
}

#[test]
fn many_mistakes_are_all_told() {
    on_a_thread(|| {
        let mut session = Session::new();
        for (name, text) in hostile::mistaken(5_000) {
            assert!(!codes(&mut session, &text).is_empty(), "{name}");
        }
    });
}
