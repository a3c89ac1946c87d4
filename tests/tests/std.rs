//! The standard library: every public function has an example, every example holds on both executors, the built-in
//! operations are what the library declares, and the pages in `docs/std/` are those its comments make.
#![allow(clippy::panic, clippy::expect_used, reason = "in a test, a panic is how a failure is told")]

use flow_analysis::documentation::{Example, examples, index, standard_library};
use flow_analysis::hir::FunctionCode;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{Executor, Heap, Host, HostOp, Intrinsic, Limits, Program, value};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A world with a clock that moves and numbers that differ.
#[derive(Default)]
struct World {
    asked: u64,
}

impl Host for World {
    fn call(&mut self, op: &HostOp, _: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        self.asked += 1;
        match op {
            HostOp::Now => Ok(1_800_000_000_000_000_000 + self.asked),
            HostOp::Random => Ok(value::hash_bytes(&self.asked.to_le_bytes())),
            HostOp::LogLine | HostOp::ProgressStep | HostOp::ProgressTotal => Ok(0),
            other => Err(heap.make_trap(flow_mir::TrapKind::Internal, &format!("{other:?}"))),
        }
    }
}

/// What a workflow without parameters gives, as JSON, or the error as text.
fn run(program: &Program, executor: &dyn Executor, workflow: &str) -> Result<serde_json::Value, String> {
    let workflow = program.workflows.values().find(|known| known.name == workflow).expect("the workflow");
    let heap = Heap::new(program.known, Limits { heap_words: 4 << 20, ..Limits::default() });
    let mut strand = Strand::new(heap, workflow.body, Vec::new());
    match strand.run(executor, &mut World::default(), Ok(0)) {
        Stop::Returned(word) => {
            value::to_json(program, strand.heap(), workflow.returns, word).map_err(|_| "too deep".into())
        }
        Stop::Raised(error) => {
            let parts = strand.heap().error_parts(error);
            Err(value::show(program, strand.heap(), parts.ty, parts.value))
        }
        Stop::Suspended(at) => Err(format!("waits for {:?}", at.op)),
    }
}

/// A program with a workflow for each example that is an expression.
fn program_of(module: &str, examples: &[(String, Example)]) -> String {
    let mut text = String::new();
    for name in ["bytes", "date", "duration", "hex", "list", "money", "random", "regex", "time"] {
        _ = writeln!(text, "use std.{name}");
    }
    if !text.contains(&format!("use std.{module}\n")) {
        _ = writeln!(text, "use std.{module}");
    }
    text.push_str("use std.date.{Date, Weekday}\nuse std.money.{Money, Currency}\n");
    for (index, (_, example)) in examples.iter().enumerate() {
        match example {
            Example::Is { given, expected } => {
                _ = writeln!(
                    text,
                    "workflow example_{index}() -> (Bool, String) fails MixedCurrencies {{\n  let given = {given}\n  (given == {expected}, \"{{given}}\")\n}}"
                )
            }
            Example::Fails { given, .. } => {
                _ = writeln!(
                    text,
                    "workflow example_{index}() -> String fails MixedCurrencies {{ show({given}) }}"
                );
            }
            Example::Program(_) => {}
        }
    }
    text.replace("use std.money.{Money, Currency}", "use std.money.{Money, Currency, MixedCurrencies}")
}

#[test]
fn every_example_of_the_standard_library_holds() {
    let mut wrong = String::new();
    let mut held = 0;
    for page in standard_library() {
        let all = page
            .entries
            .iter()
            .flat_map(|entry| examples(&entry.docs).into_iter().map(|example| (entry.name.clone(), example)));
        let all: Vec<(String, Example)> = all.collect();
        for entry in page.entries.iter().filter(|entry| entry.is_function) {
            if !all.iter().any(|(name, _)| *name == entry.name) {
                _ = writeln!(wrong, "{}.{} has no example", page.name, entry.name);
            }
        }
        let module = page.name.trim_start_matches("std.");
        let program = flow_tests::compile(&program_of(module, &all));
        for (kind, executor) in flow_tests::executors(&program) {
            for (number, (name, example)) in all.iter().enumerate() {
                let run = || run(&program, executor.as_ref(), &format!("example_{number}"));
                let what = match example {
                    Example::Is { given, .. } => match run() {
                        Ok(serde_json::Value::Array(pair)) if pair.first() == Some(&true.into()) => {
                            held += 1;
                            continue;
                        }
                        other => format!("`{given}` gives {other:?}"),
                    },
                    Example::Fails { given, with } => match run() {
                        Err(error) if error.contains(with) => continue,
                        other => format!("`{given}` gives {other:?}"),
                    },
                    Example::Program(_) => continue,
                };
                _ = writeln!(wrong, "{}.{name} on {kind}: {what}", page.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(held > 500, "{held} examples");
}

#[test]
fn every_program_in_the_standard_librarys_comments_runs() {
    for page in standard_library() {
        for entry in &page.entries {
            for example in examples(&entry.docs) {
                let Example::Program(text) = example else { continue };
                let program = flow_tests::compile(&text);
                let main =
                    program.workflows.values().any(|known| known.name == "main" && known.params.is_empty());
                for (kind, executor) in flow_tests::executors(&program) {
                    if main {
                        let given = run(&program, executor.as_ref(), "main");
                        let holds =
                            given.as_ref().is_ok_and(|given| *given != serde_json::Value::Bool(false));
                        assert!(holds, "{}.{} on {kind} gives {given:?}:\n{text}", page.name, entry.name);
                    }
                }
            }
        }
    }
}

/// Whoever changes a comment of the library runs `flow doc --std -o docs/std`, or this test with `UPDATE_DOCS=1`.
#[test]
fn the_pages_are_those_of_the_comments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/std");
    let pages = standard_library();
    let mut files = vec![("README.md".to_owned(), index(&pages))];
    files.extend(
        pages.iter().map(|page| (format!("{}.md", page.name.trim_start_matches("std.")), page.markdown())),
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(&folder).expect("docs/std");
        for (name, text) in &files {
            fs::write(folder.join(name), text).expect("a page");
        }
    }
    for (name, text) in &files {
        let kept = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "docs/std/{name} is stale: run `flow doc --std -o docs/std`");
    }
    let known = |name: &str| files.iter().any(|(file, _)| file == name);
    for entry in fs::read_dir(&folder).expect("docs/std").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(known(&name), "docs/std/{name} is the page of no module");
    }
}

/// A wrong declaration would read a number as a reference.
#[test]
fn built_in_operations_are_declared_as_they_are() {
    let uses: String = flow_analysis::stdlib::SOURCES
        .iter()
        .filter(|(name, _)| !flow_analysis::stdlib::PRELUDE.contains(name))
        .map(|(name, _)| format!("use std.{name}\n"))
        .collect();
    let world = flow_analysis::Memory::new().with("all.flow", uses);
    let mut sources = flow_syntax::SourceMap::new();
    let analysis = flow_analysis::analyze(&world, Path::new("all.flow"), &mut sources);
    let program = &analysis.program;
    let mut checked = 0;
    for function in program.functions.values() {
        let FunctionCode::Intrinsic(name) = &function.code else { continue };
        let Some(intrinsic) = Intrinsic::from_name(name) else {
            assert_eq!(name, "list.len", "`{name}` is declared, and no operation");
            continue;
        };
        let signature = &function.signature;
        let show = |ty| program.types.show(ty, &program.nominals, &signature.generics);
        let generics: Vec<&str> = signature.generics.iter().map(|name| name.as_str()).collect();
        let generics = if generics.is_empty() { String::new() } else { format!("<{}>", generics.join(", ")) };
        let params: Vec<String> = signature.params.iter().map(|param| show(param.ty)).collect();
        let declared = format!("{generics}({}) -> {}", params.join(", "), show(signature.result));
        assert_eq!(declared, intrinsic.signature(), "`{name}`: declared, and what it is");
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}

/// What was drawn is part of the instance: it is the same after a crash, and nothing is drawn twice.
#[test]
fn chance_outlives_a_crash() {
    let text = "use std.random
use std.uuid
workflow main() -> Bool {
  let first = uuid.v4()
  let numbers = list.generate(20, |_| random.int(0, 1_000_000))
  sleep 1h
  let second = uuid.v4()
  sleep 1h
  let more = list.generate(20, |_| random.int(0, 1_000_000))
  first != second and numbers != more and numbers.unique().len() > 15 and numbers.all(|n| n < 1_000_000)
}
";
    let program = flow_tests::compile(text);
    let none = serde_json::json!({});
    let answer = |_: &flow_tests::simulation::Attempt| flow_tests::simulation::Answer::Never;
    let ended = flow_tests::simulation::survives_every_crash(&program, "main", &none, &[], answer);
    assert_eq!(ended.output, Some(serde_json::json!(true)));
}
