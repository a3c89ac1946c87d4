//! What an operator does: pause, skip, terminate, ask for instances, draw them, and run versions of a program side by side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use serde_json::json;
use shared::Place;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(place: &Place, args: &[&str]) -> Process {
    Process(place.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("flow"))
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "it takes too long");
        std::thread::sleep(Duration::from_millis(30));
    }
}

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
    let first = spawn(&place, &["worker"]);
    let _second = spawn(&place, &["worker"]);
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
    assert!(program("a1") == program("a3") && program("b1") == program("b3") && program("a1") != program("b1"));
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
    let running = spawn(&place, &args);
    wait_until(|| place.flow(&["history", "g"]).out.contains("sleeping"));
    drop(running);
    place.write("grow.flow", &old.replace("x + 1", "x + 100"));
    let done = place.flow(&args);
    assert!(done.out.trim() == "2" && done.err.contains("the file has changed"), "{done:#?}");
    let done = place.flow(&["run", &file, "--id", "h", "--input", r#"{"x": 0}"#]);
    assert_eq!(done.out.trim(), "200", "a new id takes the new file");
}
