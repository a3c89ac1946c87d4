//! Processes that stop without dying: a worker that is suspended for longer than its lease lasts, one that is asked to
//! end, and activities of which nothing is heard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use serde_json::{Value, json};
use shared::{Place, Process, wait_until};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn signal(process: &Process, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.0.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

fn history(place: &Place, id: &str) -> Vec<Value> {
    place.flow(&["history", id, "--json"]).json_lines()
}

/// `note` leaves a line of its key in a file; the first attempt of `flaky` fails, the next one waits 3 s.
const STEPS: &str = r#"use std.exec

activity note(file: String) -> String {
  run: exec.run("sh", args: ["-c", "echo $FLOW_STEP_KEY >> {file}; echo '\"noted\"'"])
}

activity flaky(file: String) -> String {
  run:   exec.run("sh", args: ["-c", "echo $FLOW_STEP_KEY >> {file}; test $(wc -l < {file}) -gt 2 || exit 9; echo '\"done\"'"])
  retry: exponential(initial: 3s, factor: 1, attempts: 5)
}

workflow steps(file: String) -> String {
  note(file)
  flaky(file)
  note(file)
}
"#;

#[test]
fn a_worker_that_was_suspended_past_its_lease_does_nothing_any_more() {
    let server = flow_test_support::PostgresServer::start();
    let mut place = Place::new();
    place.store = Some(server.fresh_database());
    let program = place.write("steps.flow", STEPS);
    let file = place.path().join("noted").display().to_string();
    let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();

    let first = Process::start(&place, &["worker"]);
    let input = json!({ "file": file }).to_string();
    let started = place.flow(&["start", &program, "steps", "--id", "s", "--input", &input]);
    assert_eq!(started.code, 0, "{started:#?}");
    // It waits to try again: the next attempt is its to make, in 3 s.
    wait_until(|| history(&place, "s").iter().any(|event| event["kind"] == "call_retried"));
    signal(&first, "-STOP");
    let stopped = Instant::now();
    nothing_is_heard(place.store.as_deref().unwrap());
    let second = Process::start(&place, &["worker"]);
    wait_until(|| history(&place, "s").last().is_some_and(|event| event["kind"] == "ended"));
    let ended = history(&place, "s");
    assert!(ended.iter().any(|event| event["kind"] == "recovered"), "{ended:#?}");
    assert_eq!(lines(), 4, "one attempt failed, three steps were done");
    // Its lease is older now than it may be where it acts on it.
    wait_until(|| stopped.elapsed() > Duration::from_secs(6));
    signal(&first, "-CONT");
    drop(second);
    // What is started now is the first one's to do, so it has come to itself when this has ended.
    assert_eq!(place.flow(&["start", &program, "steps", "--id", "t", "--input", &input]).code, 0);
    wait_until(|| history(&place, "t").last().is_some_and(|event| event["kind"] == "ended"));
    assert_eq!(history(&place, "s"), ended, "nothing was added");
    assert_eq!(lines(), 4 + 3, "and nothing was done again");
}

/// As if nothing had been heard of anybody for 15 s, after which a process counts as gone.
fn nothing_is_heard(store: &str) {
    let silence = "UPDATE flow.worker SET heartbeat = clock_timestamp() - interval '1 minute'";
    assert!(Command::new("psql").args([store, "-qc", silence]).status().expect("psql").success());
}

#[test]
fn a_run_that_was_suspended_past_its_lease_goes_on_when_its_next_owner_dies() {
    let mut place = Place::new();
    place.store = Some(flow_test_support::PostgresServer::start().fresh_database());
    let text = r#"use std.exec

activity held(file: String) -> String {
  run: exec.run("sh", args: ["-c", "echo >> {file}; until [ -e {file}.go ]; do sleep 0.1; done; echo '\"held\"'"])
}

workflow main(file: String) -> String { held(file) }
"#;
    let program = place.write("held.flow", text);
    let file = place.path().join("begun").display().to_string();
    let begun = || std::fs::read_to_string(&file).map_or(0, |text| text.len());
    let input = json!({ "file": file }).to_string();
    let mut run = place.command(&["run", &program, "--id", "h", "--json", "--input", &input]);
    let mut run = Process(run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("flow"));
    wait_until(|| begun() == 1);
    signal(&run, "-STOP");
    let stopped = Instant::now();
    nothing_is_heard(place.store.as_deref().unwrap());
    let worker = Process::start(&place, &["worker"]);
    wait_until(|| history(&place, "h").iter().any(|event| event["kind"] == "recovered"));
    // Its lease is older now than it may be where it acts on it.
    wait_until(|| stopped.elapsed() > Duration::from_secs(6));
    signal(&run, "-CONT");
    // It says again that it lives, and then looks what is still its own.
    let alive = "SELECT bool_and(heartbeat > clock_timestamp() - interval '15 seconds') FROM flow.worker";
    let ask = [place.store.as_deref().unwrap(), "-Atqc", alive];
    wait_until(|| Command::new("psql").args(ask).output().expect("psql").stdout == b"t\n");
    drop(worker);
    std::fs::write(format!("{file}.go"), "").unwrap();
    wait_until(|| run.0.try_wait().expect("flow").is_some());
    let mut said = String::new();
    run.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["output"], "held");
}

/// Waits until nobody writes: who is suspended in the middle of a commit keeps all others out on SQLite.
fn nobody_writes(place: &Place) {
    let log = place.path().join(".flow/flow.db-wal");
    let written = || std::fs::metadata(&log).and_then(|log| log.modified()).expect("the store's log");
    wait_until(|| {
        let before = written();
        std::thread::sleep(Duration::from_millis(500));
        written() == before
    });
}

#[test]
fn a_worker_that_is_suspended_on_sqlite_keeps_what_it_has_and_goes_on_with_it() {
    let place = Place::new();
    let program = place.write("steps.flow", STEPS);
    let file = |name: &str| place.path().join(name).display().to_string();
    let input = |name: &str| json!({ "file": file(name) }).to_string();
    let first = Process::start(&place, &["worker"]);
    let started = place.flow(&["start", &program, "steps", "--id", "s", "--input", &input("s.keys")]);
    assert_eq!(started.code, 0, "{started:#?}");
    wait_until(|| history(&place, "s").iter().any(|event| event["kind"] == "call_retried"));
    nobody_writes(&place);
    signal(&first, "-STOP");
    // It holds its file lock, so it is not gone, whatever time passes; and others are not kept out by it.
    let _second = Process::start(&place, &["worker"]);
    let beside = place.flow(&["run", &program, "steps", "--id", "t", "--input", &input("t.keys")]);
    assert_eq!(beside.code, 0, "{beside:#?}");
    let left = history(&place, "s");
    assert!(left.iter().all(|event| event["kind"] != "recovered"), "{left:#?}");
    signal(&first, "-CONT");
    wait_until(|| history(&place, "s").last().is_some_and(|event| event["kind"] == "ended"));
    let ended = history(&place, "s");
    assert_eq!(ended.last().unwrap()["output"], "noted", "{ended:#?}");
    let lost = |event: &&Value| event["reason"].as_str().is_some_and(|reason| reason.contains("gone"));
    assert_eq!(ended.iter().find(lost), None, "no attempt was lost over it");
    let lines = std::fs::read_to_string(file("s.keys")).unwrap().lines().count();
    assert_eq!(lines, 4, "one attempt failed, three steps were done");
}

#[test]
fn a_deadline_that_passed_while_nobody_was_there_comes_before_the_next_attempt() {
    let place = Place::new();
    let text = r#"use std.errors.{Timeout}
use std.exec

activity slow(file: String) -> String {
  run:      exec.run("sh", args: ["-c", "echo $FLOW_STEP_KEY >> {file}; sleep 600"])
  deadline: 2s
}

workflow main(file: String) -> String {
  slow(file) catch { Timeout => "too late" }
}
"#;
    let program = place.write("slow.flow", text);
    let file = place.path().join("keys").display().to_string();
    let lines = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let input = json!({ "file": file }).to_string();
    let first = Process::start(&place, &["run", &program, "--id", "s", "--input", &input]);
    wait_until(|| lines() == 1);
    drop(first);
    let killed = Instant::now();
    wait_until(|| killed.elapsed() > Duration::from_secs(2));
    let done = place.flow(&["resume", "s", "--json"]);
    assert_eq!(done.json()["output"], "too late", "{done:#?}");
    assert_eq!(lines(), 1, "no other attempt was made");
}

#[test]
fn a_worker_that_is_asked_to_end_gives_back_what_it_has_at_once() {
    let place = Place::new();
    let text = r#"use std.exec

activity slow(file: String) -> String {
  run: exec.run("sh", args: ["-c", "echo $FLOW_STEP_KEY >> {file}; test $(wc -l < {file}) -gt 1 || sleep 600; echo '\"slow\"'"])
  retry: exponential(initial: 1h, factor: 1, attempts: 1)
}

workflow main(file: String) -> String { slow(file) }
"#;
    let program = place.write("slow.flow", text);
    let file = place.path().join("begun").display().to_string();
    let input = json!({ "file": file }).to_string();
    assert_eq!(place.flow(&["start", &program, "--id", "s", "--input", &input]).code, 0);
    let mut first = Process::start(&place, &["worker"]);
    wait_until(|| std::fs::read_to_string(&file).is_ok_and(|text| text.lines().count() == 1));
    signal(&first, "-TERM");
    let ended = first.0.wait().expect("it ends");
    assert!(ended.code().is_some(), "by itself: {ended}");
    // Its only attempt is not used up, so the next worker makes it.
    let _second = Process::start(&place, &["worker"]);
    wait_until(|| history(&place, "s").last().is_some_and(|event| event["kind"] == "ended"));
    let history = history(&place, "s");
    assert_eq!(history.last().unwrap()["output"], "slow", "{history:#?}");
    let completed = history.iter().find(|event| event["kind"] == "call_completed").unwrap();
    assert_eq!(completed["attempt"], 1);
    let keys = std::fs::read_to_string(&file).unwrap();
    let keys: BTreeSet<&str> = keys.lines().collect();
    assert_eq!(keys.len(), 1, "with the same key");
}

#[test]
fn an_attempt_that_was_handed_over_is_lost_when_its_worker_dies() {
    let place = Place::new();
    let text = r#"use std.exec

activity slow(file: String) -> String {
  run: exec.run("sh", args: ["-c", "echo >> {file}; test $(wc -l < {file}) -gt 1 || sleep 30; echo '\"slow\"'"])
}

workflow main(file: String) -> String { slow(file) }
"#;
    let program = place.write("slow.flow", text);
    let names: Vec<String> = (0..16).map(|number| format!("i{number}")).collect();
    let file = |name: &str| place.path().join(name).display().to_string();
    for name in &names {
        let input = json!({ "file": file(name) }).to_string();
        assert_eq!(place.flow(&["start", &program, "--id", name, "--input", &input]).code, 0);
    }
    let first = Process::start(&place, &["worker"]);
    let begun = |name: &String| std::fs::read_to_string(file(name)).map_or(0, |text| text.len());
    wait_until(|| names.iter().all(|name| begun(name) == 1));
    let _second = Process::start(&place, &["worker"]);
    let recovered = |name: &&String| history(&place, name).iter().any(|event| event["kind"] == "recovered");
    // By then those of both workers are where they belong.
    wait_until(|| names.iter().any(|name| recovered(&name)));
    let moved: Vec<&String> = names.iter().filter(recovered).collect();
    assert!(moved.iter().all(|name| begun(name) == 1), "none of them was made a second time");
    drop(first);
    wait_until(|| names.iter().all(|name| history(&place, name).last().unwrap()["kind"] == "ended"));
    for name in moved {
        let history = history(&place, name);
        let lost = history.iter().find(|event| event["kind"] == "call_retried").expect("it was lost");
        assert_eq!(lost["reason"], "the worker that made this attempt is gone", "{name}");
    }
}

#[test]
fn an_attempt_of_which_nothing_is_heard_is_given_up() {
    let place = Place::new();
    let text = r#"use std.errors.{Timeout}
use std.exec

activity silent() -> String {
  run:       exec.run("sh", args: ["-c", "sleep 20; echo '\"after all\"'"])
  heartbeat: 300ms
  retry:     exponential(initial: 10ms, factor: 1, attempts: 2)
}

activity chatty() -> String {
  run:       exec.run("sh", args: ["-c", "for i in 1 2 3 4 5; do sleep 1; echo $i >&2; done; echo '\"chatty\"'"])
  heartbeat: 4s
}

workflow main() -> String {
  let heard = silent() catch { Timeout => "nothing" }
  "{heard}, {chatty()}"
}
"#;
    let program = place.write("heard.flow", text);
    let done = place.flow(&["run", &program, "--id", "h", "--json"]);
    assert_eq!(done.json()["output"], "nothing, chatty", "{done:#?}");
    let history = history(&place, "h");
    let retried = history.iter().find(|event| event["kind"] == "call_retried").unwrap();
    assert_eq!(retried["reason"], "no sign of life within 300ms");
}

/// The database takes 9 s over its commit, which can't be called back by then: what the step is said to have come to is what it has.
#[test]
fn a_step_whose_time_ends_while_it_commits_has_happened() {
    let mut place = Place::new();
    let store = flow_test_support::PostgresServer::start().fresh_database();
    let slow_commit = "CREATE TABLE effect (what TEXT);
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(9); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON effect DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow()";
    assert!(Command::new("psql").args([&store, "-qc", slow_commit]).status().expect("psql").success());
    place.store = Some(store);
    let text = r#"use std.sql

activity put() -> Int {
  run:     sql.execute("INSERT INTO effect VALUES ('done')")
  timeout: 5s
  retry:   exponential(initial: 1s, factor: 1, attempts: 1)
}

workflow main() -> Int { put() }
"#;
    let program = place.write("put.flow", text);
    let done = place.flow(&["run", &program, "--id", "p", "--json"]);
    assert_eq!(done.json()["output"], 1, "{done:#?}");
}
