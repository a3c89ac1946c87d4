//! The command line as its users meet it: what it prints, what it refuses, and how it goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use serde_json::{Value, json};
use shared::{Place, Process, example, wait_until};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const SLOW: &str = r#"
activity add(x: Int) -> Int { run: x + 1 }

workflow slow(x: Int) -> Int {
  let a = add(x)
  sleep 1s
  add(a)
}
"#;

#[test]
fn hello_prints_its_result_and_tools_get_json() {
    let place = Place::new();
    let hello = example("hello/hello.flow");
    let done = place.flow(&["run", &hello, "--input", r#"{"name": "Ada"}"#]);
    assert_eq!((done.code, done.out.trim()), (0, r#""Hello, Ada!""#), "{done:#?}");
    let done = place.flow(&["run", &hello, "--json", "--id", "h2", "--input", r#"{"name": "Bob"}"#]);
    let expected = json!({"id": "h2", "status": "completed", "output": "Hello, Bob!", "error": null});
    assert_eq!((done.code, done.json()), (0, expected));
}

#[test]
fn an_id_that_is_used_in_another_store_gives_no_key_that_was_used() {
    let (one, other) = (Place::new(), Place::new());
    let text = r#"use std.exec

activity note() -> String { run: exec.run("sh", args: ["-c", "printf '\"%s\"' $FLOW_STEP_KEY"]) }

workflow main() -> String { note() }
"#;
    let key = |place: &Place| {
        let done = place.flow(&["run", &place.write("note.flow", text), "--id", "same", "--json"]);
        done.json()["output"].as_str().map(str::to_owned).unwrap_or_else(|| panic!("{done:#?}"))
    };
    assert_ne!(key(&one), key(&other), "keys belong to the instance, not to its id");
}

#[test]
fn the_main_example_moves_money_and_a_late_failure_gives_it_back() {
    let place = Place::new();
    let transfer = example("transfer/transfer.flow");
    let input = format!("@{}", example("transfer/transfer.json"));
    let done = place.flow(&["run", &transfer, "--id", "t1", "--json", "--input", &input]);
    assert_eq!((done.code, &done.json()["status"]), (0, &json!("completed")), "{done:#?}");
    let input = format!("@{}", example("transfer/fails_late.json"));
    let done = place.flow(&["run", &transfer, "--id", "t2", "--json", "--input", &input]);
    assert_eq!((done.code, &done.json()["status"]), (1, &json!("failed")), "{done:#?}");
    let history = place.flow(&["history", "t2", "--json"]).json_lines();
    let kinds: Vec<&str> = history.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.contains(&"compensated"), "{kinds:?}");
    let audit = place.flow(&["run", &example("transfer/audit.flow"), "--json"]);
    assert_eq!(audit.json()["output"], json!({"total": 3_000_000, "held": 0}), "{audit:#?}");
}

#[test]
fn all_mistakes_of_a_file_are_reported_with_place_and_help() {
    let place = Place::new();
    let file = place.write("wrong.flow", "fn f(x: Int) -> Int { x + \"a\" }\nfn g() -> Strng { \"a\" }\n");
    let done = place.flow(&["check", &file]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert!(done.err.contains("wrong.flow:1:") && done.err.contains("wrong.flow:2:"), "{}", done.err);
    assert!(done.err.contains("String"), "the near miss is named: {}", done.err);
    let done = place.flow(&["check", "--json", &file]);
    let lines = done.json_lines();
    assert!(lines.len() >= 2 && lines.iter().all(|line| line["code"].is_string()), "{done:#?}");
}

#[test]
fn what_is_certain_is_fixed_and_warnings_count_where_they_shall() {
    let place = Place::new();
    let text = "use std.http\nworkflow main(a: Bool) -> Bool {\n  var b = true\n  a && b\n}\n";
    let file = place.write("fixable.flow", text);
    let done = place.flow(&["check", &file]);
    assert_eq!(done.code, 2, "{done:#?}");
    assert!(done.err.contains("1 error; `flow check --fix` mends 1"), "{}", done.err);
    let done = place.flow(&["check", "--fix", &file]);
    assert_eq!(done.code, 0, "{done:#?}");
    let fixed = std::fs::read_to_string(&file).unwrap();
    assert_eq!(fixed, "workflow main(a: Bool) -> Bool {\n  let b = true\n  a and b\n}\n");
    let file = place.write("unused.flow", "fn f() {}\n");
    assert_eq!(place.flow(&["check", &file]).code, 0);
    let done = place.flow(&["check", "--deny-warnings", &file]);
    assert!(done.code == 2 && done.err.contains("1 warning"), "{done:#?}");
}

#[test]
fn codes_are_explained_and_near_misses_named() {
    let place = Place::new();
    let page = place.flow(&["explain", "e0300"]);
    assert!(page.code == 0 && page.out.contains("## Wrong"), "{page:#?}");
    assert_eq!(place.flow(&["explain", "--json", "W0100"]).json()["code"], json!("W0100"));
    assert!(place.flow(&["explain"]).out.lines().count() > 90);
    let missing = place.flow(&["explain", "E0330"]);
    assert!(missing.code == 2 && missing.err.contains("did you mean"), "{missing:#?}");
}

#[test]
fn a_wrong_input_is_answered_with_its_path_and_the_expected_type() {
    let place = Place::new();
    let transfer = example("transfer/transfer.flow");
    let input = r#"{"t": {"id": "t", "source": "Bitcoin", "target": "Ethereum", "amount": "much"}}"#;
    let done = place.flow(&["run", &transfer, "--input", input]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("t.amount") && done.err.contains("Int"), "{}", done.err);
    let done = place.flow(&["run", &transfer, "--input", "{"]);
    assert!(done.code == 2 && done.err.contains("no JSON"), "{done:#?}");
    let done = place.flow(&["run", &transfer, "--input", "@missing.json"]);
    assert!(done.code == 2 && done.err.contains("missing.json"), "{done:#?}");
}

#[test]
fn an_unknown_workflow_or_file_names_the_near_misses() {
    let place = Place::new();
    let file = place.write("slow.flow", SLOW);
    let done = place.flow(&["run", &file, "slwo", "--input", r#"{"x": 1}"#]);
    assert!(done.code == 2 && done.err.contains("did you mean `slow`"), "{done:#?}");
    let done = place.flow(&["run", "slwo.flow"]);
    assert!(done.code == 2 && done.err.contains("slow.flow"), "{done:#?}");
}

#[test]
fn an_artifact_runs_without_its_source_and_a_damaged_one_is_refused() {
    let place = Place::new();
    let file = place.write("slow.flow", SLOW);
    let artifact = place.path().join("slow.flowc").display().to_string();
    assert_eq!(place.flow(&["compile", &file, "-o", &artifact]).code, 0);
    std::fs::remove_file(&file).expect("the source goes");
    let done = place.flow(&["run", &artifact, "--json", "--input", r#"{"x": 1}"#]);
    assert_eq!(done.json()["output"], json!(3), "{done:#?}");
    let bytes = std::fs::read(&artifact).expect("the artifact");
    std::fs::write(&artifact, &bytes[..bytes.len() / 2]).expect("half an artifact");
    let done = place.flow(&["run", &artifact, "--input", r#"{"x": 1}"#]);
    assert!(done.code == 2 && done.err.contains("compile it again"), "{done:#?}");
}

#[test]
fn after_kill_9_show_says_where_it_stands_and_resume_goes_on() {
    let place = Place::new();
    let file = place.write("slow.flow", SLOW);
    let mut child = place
        .command(&["run", &file, "--id", "s1", "--input", r#"{"x": 5}"#])
        .stderr(Stdio::null())
        .spawn()
        .expect("flow");
    wait_until(|| place.flow(&["history", "s1"]).out.contains("sleeping"));
    child.kill().expect("kill -9");
    child.wait().expect("dead");
    let view: Value = place.flow(&["show", "s1", "--json"]).json();
    assert_eq!(view["status"], "running");
    let frame = &view["strands"][0]["frames"][0];
    assert!(frame["line"].as_str().is_some_and(|line| line.ends_with("slow.flow:6")), "{view:#}");
    let names: Vec<&str> =
        frame["variables"].as_array().into_iter().flatten().filter_map(|v| v["name"].as_str()).collect();
    assert!(names.contains(&"a"), "{view:#}");
    let done = place.flow(&["resume", "s1", "--json"]);
    assert_eq!(done.json()["output"], json!(7), "{done:#?}");
    let again = place.flow(&["run", &file, "--id", "s1", "--json", "--input", r#"{"x": 5}"#]);
    assert_eq!(again.json()["output"], json!(7), "the stored result");
    let other = place.flow(&["run", &file, "--id", "s1", "--input", r#"{"x": 6}"#]);
    assert!(other.code == 2 && other.err.contains("another input"), "{other:#?}");
}

/// Its second step ends when there is a file `go`.
const HELD: &str = r#"use std.exec

activity add(x: Int) -> Int { run: x + 1 }
activity held() -> Int { run: exec.run("sh", args: ["-c", "until [ -e go ]; do sleep 0.1; done; echo 5"]) }
workflow main(x: Int) -> Int { add(x) + held() }
"#;

#[test]
fn a_second_process_on_the_same_instance_watches_and_takes_over() {
    let place = Place::new();
    let file = place.write("held.flow", HELD);
    let args = ["run", file.as_str(), "--id", "w1", "--json", "--input", r#"{"x": 1}"#];
    let first = Process::start(&place, &args);
    wait_until(|| place.flow(&["history", "w1"]).out.contains("held"));
    let mut second = place.command(&args);
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flow");
    let mut said = BufReader::new(second.stderr.take().expect("its stderr")).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("watching it")), "it has ended, and has not watched");
    let rest = std::thread::spawn(move || said.for_each(drop));
    // Killed, as by `kill -9`.
    drop(first);
    place.write("go", "");
    let output = second.wait_with_output().expect("the second process ends");
    rest.join().expect("its stderr is read");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["output"], json!(7));
    let history = place.flow(&["history", "w1", "--json"]).json_lines();
    assert_eq!(history.iter().filter(|event| event["kind"] == "call_completed").count(), 2, "each step once");
}

#[test]
fn ctrl_c_leaves_it_resumable_and_says_how() {
    let place = Place::new();
    let file = place.write("slow.flow", SLOW);
    let child = place
        .command(&["run", &file, "--id", "c1", "--input", r#"{"x": 1}"#])
        .stderr(Stdio::piped())
        .spawn()
        .expect("flow");
    wait_until(|| place.flow(&["history", "c1"]).out.contains("sleeping"));
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill -INT");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("flow resume c1"), "{said}");
    assert_eq!(place.flow(&["resume", "c1", "--json"]).json()["output"], json!(3));
}

#[test]
fn cancelling_compensates_and_ends_cancelled() {
    let place = Place::new();
    let file = place.write(
        "hold.flow",
        "activity take() -> String { run: \"x\" }\nactivity give(x: String) { run: () }\n\
         workflow hold() {\n  saga {\n    let x = take() compensate give(x)\n    sleep 1h\n  }\n}\n",
    );
    let child = place.command(&["run", &file, "--id", "k1"]).stderr(Stdio::null()).spawn().expect("flow");
    wait_until(|| place.flow(&["history", "k1"]).out.contains("sleeping"));
    assert_eq!(place.flow(&["cancel", "k1"]).code, 0);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(4));
    let history = place.flow(&["history", "k1"]).out;
    assert!(history.contains("compensated"), "{history}");
    let listed = place.flow(&["list", "--json", "--status", "cancelled"]).json_lines();
    assert_eq!(listed.len(), 1);
}

#[test]
fn a_trap_fails_the_instance_with_its_source_lines() {
    let place = Place::new();
    let file = place.write(
        "trap.flow",
        "fn half(x: Int) -> Int {\n  100 / x\n}\nworkflow w(x: Int) -> Int {\n  half(x)\n}\n",
    );
    let done = place.flow(&["run", &file, "--json", "--input", r#"{"x": 0}"#]);
    let result = done.json();
    assert_eq!((done.code, &result["status"]), (1, &json!("failed")));
    let stack = result["error"]["stack"].to_string();
    assert!(stack.contains("trap.flow:2") && stack.contains("x = 0"), "{stack}");
}

#[test]
fn a_store_that_cannot_be_used_is_named_with_what_to_do() {
    let place = Place::new();
    let hello = example("hello/hello.flow");
    let input = ["--input", r#"{"name": "A"}"#];
    let run = |store: &str| place.flow(&["run", &hello, "--store", store, input[0], input[1]]);
    let done = run("postgres://nobody@127.0.0.1:1/none");
    assert!(done.code == 3 && done.err.contains("cannot be reached"), "{done:#?}");
    let done = run("mysql://x");
    assert!(done.code == 2 && done.err.contains("sqlite://"), "{done:#?}");
    let broken = place.write("broken.db", "this is no database, however long it is, and never was one\n");
    let done = run(&format!("sqlite://{broken}"));
    assert!(done.code == 3 && done.err.contains("damaged"), "{done:#?}");
}

/// What the library asks of an instance and of an attempt is answered by both, and what is logged is in the history.
#[test]
fn the_library_draws_numbers_reads_the_environment_and_logs_with_fields() {
    let mut place = Place::new();
    place.env.push(("RATE".into(), "1.25".into()));
    let text = r#"
use std.env
use std.random
use std.uuid

/// A rate, and what an attempt drew.
activity rate(name: String) -> (Decimal, Int) {
  run: (env.get(name).flat_map(|text| text.to_decimal()) ?? 1.0, random.int(0, 1_000_000_000_000))
}

workflow main() -> Bool {
  let (set, first) = rate("RATE")
  let (missing, second) = rate("NO_RATE")
  log.warn("rates differ", ["set": set, "missing": missing])
  uuid.v4() != uuid.v7() and first != second and set == 1.25 and missing == 1.0
}
"#;
    let file = place.write("rates.flow", text);
    let done = place.flow(&["run", &file, "--id", "r1", "--json"]);
    assert_eq!(done.json()["output"], json!(true), "{done:#?}");
    let history = place.flow(&["history", "r1", "--json"]).json_lines();
    let logged = history.iter().find(|event| event["kind"] == "logged").expect("the line");
    assert_eq!(
        (&logged["level"], &logged["fields"]),
        (&json!("warn"), &json!({"set": 1.25, "missing": 1.0}))
    );
    let page = place.flow(&["doc", &file]);
    assert!(page.code == 0 && page.out.starts_with("# rates\n"), "{page:#?}");
}
