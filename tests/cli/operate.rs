//! What an operator does: pause, skip, terminate, ask for instances, draw them, and run versions of a program side by side.
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

fn status(place: &Place, id: &str) -> String {
    let listed = place.flow(&["list", "--json", "--where", &format!("id = {id}")]).json_lines();
    listed[0]["status"].as_str().unwrap_or_default().to_owned()
}

fn version(add: i32) -> String {
    format!(
        "activity add(x: Int) -> Int {{ run: x + {add} }}\n\
         workflow grow(x: Int) -> Int {{\n  let a = add(x)\n  sleep 300ms\n  add(a)\n}}\n"
    )
}

#[test]
fn two_workers_run_two_versions_of_a_program_side_by_side() {
    let place = Place::new();
    let ids = ["a1", "a2", "a3", "b1", "b2", "b3"];
    for id in ids {
        let file = place.write("grow.flow", &version(if id.starts_with('a') { 1 } else { 100 }));
        assert_eq!(place.flow(&["start", &file, "--id", id, "--input", r#"{"x": 0}"#]).code, 0);
    }
    // No worker has the file: the programs are in the store.
    std::fs::remove_file(place.path().join("grow.flow")).expect("the file goes");
    let first = Process::start(&place, &["worker"]);
    let _second = Process::start(&place, &["worker"]);
    wait_until(|| place.flow(&["list", "--where", "status = running"]).out.lines().count() < ids.len());
    // One of them dies, whatever it has.
    drop(first);
    wait_until(|| ids.iter().all(|id| status(&place, id) == "completed"));
    for id in ids {
        let output = place.flow(&["resume", id, "--json"]).json()["output"].clone();
        assert_eq!(output, json!(if id.starts_with('a') { 2 } else { 200 }), "{id}");
    }
    let listed = place.flow(&["list", "--json"]).json_lines();
    let program = |id: &str| listed.iter().find(|row| row["id"] == id).unwrap()["program"].clone();
    assert!(
        program("a1") == program("a3") && program("b1") == program("b3") && program("a1") != program("b1")
    );
    let hash = program("b1").as_str().unwrap()[..12].to_owned();
    let pinned = place.flow(&["list", "--json", "--where", &format!("program = {hash}")]).json_lines();
    assert_eq!(pinned.len(), 3);
    assert!(place.flow(&["show", "b2"]).out.contains(&hash));
}

#[test]
fn going_on_with_an_id_runs_its_own_program_and_says_that_the_file_has_changed() {
    let place = Place::new();
    let old = version(1).replace("300ms", "2s");
    let file = place.write("grow.flow", &old);
    let args = ["run", file.as_str(), "--id", "g", "--input", r#"{"x": 0}"#];
    let running = Process::start(&place, &args);
    wait_until(|| place.flow(&["history", "g"]).out.contains("sleeping"));
    drop(running);
    place.write("grow.flow", &old.replace("x + 1", "x + 100"));
    let done = place.flow(&args);
    assert!(done.out.trim() == "2" && done.err.contains("the file has changed"), "{done:#?}");
    let done = place.flow(&["run", &file, "--id", "h", "--input", r#"{"x": 0}"#]);
    assert_eq!(done.out.trim(), "200", "a new id takes the new file");
}

const HOLD: &str = r#"use std.http

activity take(what: String) -> String { run: what }
activity give(what: String) { run: give_back(what) }
fn give_back(what: String) { http.post("http://127.0.0.1:1/{what}", json: what) }

workflow hold(customer: String, total: Decimal, broken: Bool) -> Int {
  index customer = customer
  index total = total
  index broken = broken
  saga {
    let a = take("a") compensate give(a)
    if broken { 1 / 0 } else { 0 }
    sleep 1h
    1
  }
}
"#;

fn start(place: &Place, id: &str, customer: &str, total: &str, broken: bool) {
    let file = place.write("hold.flow", HOLD);
    let input = format!(r#"{{"customer": "{customer}", "total": {total}, "broken": {broken}}}"#);
    let started = place.flow(&["start", &file, "--id", id, "--input", &input]);
    assert_eq!(started.code, 0, "{started:#?}");
}

#[test]
fn instances_are_found_by_what_they_say_of_themselves() {
    let place = Place::new();
    start(&place, "x", "acme", "12.50", false);
    start(&place, "y", "acme", "99", false);
    start(&place, "z", "other", "7", false);
    let worker = Process::start(&place, &["worker"]);
    wait_until(|| place.flow(&["list", "--where", "total > 0"]).out.lines().count() == 3);
    drop(worker);
    let find = |condition: &str| {
        let rows = place.flow(&["list", "--json", "--where", condition]).json_lines();
        let mut ids: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids.concat()
    };
    assert_eq!(find(r#"customer = "acme" and status = running and created > 2h ago"#), "xy");
    assert_eq!(find("total >= 12.5 and not broken"), "xy");
    assert_eq!(find("total < 12.5 or id = y"), "yz");
    assert_eq!(find("created < 2h ago"), "");
    let wrong = place.flow(&["list", "--where", "status = runing"]);
    assert!(
        wrong.code == 2 && wrong.err.contains("did you mean `running`") && wrong.err.contains("^^^^^^"),
        "{wrong:#?}"
    );
    let shown = place.flow(&["show", "x", "--json"]).json();
    assert_eq!(shown["attributes"]["customer"], "acme");
}

#[test]
fn a_paused_instance_stays_so_over_restarts_until_it_is_unpaused() {
    let place = Place::new();
    let file = place.write("grow.flow", &version(1));
    assert_eq!(place.flow(&["start", &file, "--id", "p", "--input", r#"{"x": 0}"#]).code, 0);
    let paused = place.flow(&["pause", "p", "--json"]);
    assert_eq!(paused.json(), json!({"id": "p", "done": true, "delivered_to": null}), "{paused:#?}");
    assert_eq!(status(&place, "p"), "paused");
    let worker = Process::start(&place, &["worker"]);
    assert_eq!(place.flow(&["run", &file, "--id", "q", "--input", r#"{"x": 0}"#]).out.trim(), "2");
    assert_eq!(status(&place, "p"), "paused", "a worker leaves it alone");
    assert!(!place.flow(&["history", "p"]).out.contains("sleeping"), "no code of it runs");
    drop(worker);
    let _worker = Process::start(&place, &["worker"]);
    assert_eq!(place.flow(&["unpause", "p"]).code, 0);
    wait_until(|| status(&place, "p") == "completed");
}

#[test]
fn a_compensation_that_never_succeeds_can_be_skipped() {
    let place = Place::new();
    start(&place, "s", "acme", "1", true);
    let _worker = Process::start(&place, &["worker"]);
    let retried = |line: &Value| line["kind"] == "call_retried" && line["activity"] == "give";
    wait_until(|| place.flow(&["history", "s", "--json"]).json_lines().iter().any(retried));
    assert_eq!(status(&place, "s"), "running");
    let skipped = place.flow(&["skip", "s"]);
    assert_eq!(skipped.code, 0, "{skipped:#?}");
    wait_until(|| status(&place, "s") == "failed");
    assert!(place.flow(&["history", "s"]).out.contains("skipped"));
    let late = place.flow(&["skip", "s"]);
    assert!(late.code == 2 && late.err.contains("failed"), "{late:#?}");
}

#[test]
fn terminating_ends_what_no_process_runs_at_once() {
    let place = Place::new();
    start(&place, "t", "acme", "1", false);
    let done = place.flow(&["terminate", "t", "--reason", "by hand", "--json"]).json();
    assert_eq!(done["done"], true);
    assert_eq!(status(&place, "t"), "terminated");
    assert!(place.flow(&["history", "t"]).out.contains("by hand"));
}

#[test]
fn a_picture_shows_where_an_instance_stands() {
    let place = Place::new();
    let file = place.write("hold.flow", HOLD);
    let drawn = place.flow(&["graph", &file, "--format", "mermaid"]);
    assert!(drawn.out.starts_with("flowchart TD") && drawn.out.contains("compensate"), "{drawn:#?}");
    start(&place, "d", "acme", "1", false);
    let worker = Process::start(&place, &["worker"]);
    wait_until(|| place.flow(&["history", "d"]).out.contains("sleeping"));
    drop(worker);
    std::fs::remove_file(&file).expect("the picture is made of what the store has");
    let graph = place.flow(&["graph", "d", "--json"]).json();
    let saga = &graph["items"][0];
    let stands: Vec<&Value> =
        saga["items"].as_array().unwrap().iter().filter(|item| item["here"].is_array()).collect();
    assert_eq!(stands.len(), 1, "{graph:#}");
    assert_eq!((&stands[0]["text"], &stands[0]["here"][0]["strand"]), (&json!("sleep 1h"), &json!("0")));
    let picture = place.path().join("d.svg").display().to_string();
    assert_eq!(place.flow(&["graph", "d", "-o", &picture]).code, 0);
    let text = std::fs::read_to_string(&picture).expect("the picture");
    assert!(text.contains("▶ 0: sleep"), "{text}");
}
