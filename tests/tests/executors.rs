//! Every test program gives the same on both executors.
#![allow(clippy::expect_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_codegen::NativeExecutor;
use flow_mir::Executor;
use flow_mir::interpreter::Interpreter;
use std::path::Path;
use std::sync::Arc;

#[test]
fn programs_give_what_they_say_on_both_executors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/lower/tests/run");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the programs").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a program");
        let native = |program: Arc<flow_mir::Program>| {
            let executor = NativeExecutor::compile(program).map_err(|error| error.to_string())?;
            Ok(Box::new(executor) as Box<dyn Executor>)
        };
        let interpreter =
            |program: Arc<flow_mir::Program>| Ok(Box::new(Interpreter::new(program)) as Box<dyn Executor>);
        for (kind, made) in [
            ("interpreter", flow_lower::testing::run_file(&text, &interpreter)),
            ("native", flow_lower::testing::run_file(&text, &native)),
        ] {
            if let Err(failed) = made {
                panic!("{} on {kind}: {failed}", entry.path().display());
            }
        }
        files += 1;
    }
    assert!(files > 0, "there are programs to run");
}
