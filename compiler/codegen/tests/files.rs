//! The runs that the MIR crate's test files describe, on native code.

use flow_codegen::NativeExecutor;
use flow_mir::Executor;
use flow_mir::text::run_file;
use std::path::Path;
use std::sync::Arc;

#[test]
fn native_code_gives_what_the_test_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mir/tests/mir");
    let mut runs = 0;
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the MIR crate has tests").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "mir") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a test file is readable");
        let native = |program| match NativeExecutor::compile(Arc::clone(&program)) {
            Ok(native) => Ok(Box::new(native) as Box<dyn Executor>),
            Err(error) => Err(error.to_string()),
        };
        match run_file(&text, &native) {
            Ok(count) => runs += count,
            Err(failed) => failures.push(format!("{}: {failed}", path.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(runs > 0, "no run in {}", folder.display());
}
