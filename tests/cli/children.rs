//! Children and detached instances when their process is killed with `kill -9` at random moments, on both stores: each is
//! started once, each result comes once, no step is done under two keys.
//!
//! `FLOW_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use serde_json::{Value, json};
use shared::{Done, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

const PROGRAM: &str = r#"
use std.exec

activity note(what: String) {
  run: exec.run("sh", ["-c", "echo \"$FLOW_STEP_KEY {what}\" >> notes; echo null"])
}

workflow ship(what: String) -> String {
  note("pack {what}")
  sleep 20ms
  note("send {what}")
  what
}

workflow audit(what: String) {
  note("audit {what}")
  sleep 50ms
  note("audited {what}")
}

workflow main(n: Int) -> List<String> {
  scope {
    var parts: List<Child<ship>> = []
    for i in 0..n { parts.push(spawn ship("{i}")) }
    detach audit("twice") using (id: "audit-1")
    detach audit("twice") using (id: "audit-1")
    detach audit("once")
    var sent: List<String> = []
    for part in parts { sent.push(await part) }
    sent.push(ship("last"))
    sent
  }
}
"#;

/// How often the process is killed.
const KILLS: u64 = 12;
/// How many children run side by side.
const PARTS: usize = 8;

/// Runs the program, killing its process again and again, then to its end.
fn run_through_kills(place: &Place, random: &mut fastrand::Rng) -> Done {
    let program = place.write("ship.flow", PROGRAM);
    let input = json!({ "n": PARTS }).to_string();
    let args = ["run", &program, "main", "--id", "order-7", "--input", &input, "--json"];
    for killed in 0..KILLS {
        let mut process =
            place.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("flow run");
        // Later ones live longer: a slow machine gets anywhere too.
        std::thread::sleep(Duration::from_millis(random.u64(20..250) + 40 * killed));
        process.kill().expect("kill -9");
        process.wait().expect("dead");
    }
    place.flow(&args)
}

/// Goes on with what was detached and whose process is gone.
fn finish_the_detached(place: &Place) -> Vec<Value> {
    for _ in 0..10 {
        let rows = place.flow(&["list", "--json", "--limit", "0"]).json_lines();
        let left = rows.iter().find(|row| row["status"] == "running");
        let Some(left) = left else { return rows };
        place.flow(&["resume", left["id"].as_str().unwrap()]);
    }
    panic!("what was detached never ends: {}", place.flow(&["list"]).out);
}

fn survives_kills(name: &str, store: String) {
    let seed = std::env::var("FLOW_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("{name}: FLOW_SEED={seed}");
    let mut place = Place::new();
    place.store = Some(store);
    let done = run_through_kills(&place, &mut fastrand::Rng::with_seed(seed));
    assert_eq!(done.code, 0, "{done:#?}");
    let mut sent: Vec<String> = (0..PARTS).map(|i| i.to_string()).collect();
    sent.push("last".into());
    assert_eq!(done.json()["output"], json!(sent));

    let rows = finish_the_detached(&place);
    let of = |workflow: &str| rows.iter().filter(|row| row["workflow"] == workflow).collect::<Vec<_>>();
    assert_eq!((of("main").len(), of("ship").len(), of("audit").len()), (1, PARTS + 1, 2), "{rows:#?}");
    assert!(rows.iter().all(|row| row["status"] == "completed"), "{rows:#?}");
    for child in of("ship") {
        let id = child["id"].as_str().unwrap();
        assert!(id.starts_with("order-7/ship-"), "{id}");
        let history = place.flow(&["history", id, "--json"]).json_lines();
        assert_eq!(history.last().unwrap()["kind"], "ended", "{id} has a history of its own");
    }
    let history = place.flow(&["history", "order-7", "--json"]).json_lines();
    let ended = history.iter().filter(|event| event["kind"] == "child_ended");
    let ended: BTreeSet<&str> = ended.map(|event| event["child"].as_str().unwrap()).collect();
    assert_eq!(ended.len(), PARTS + 1);

    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(place.path().join("notes")).expect("notes").lines() {
        let (key, what) = line.split_once(' ').expect("a key");
        keys.entry(what.to_owned()).or_default().insert(key.to_owned());
    }
    assert_eq!(keys.len(), 2 * (PARTS + 1) + 4, "{keys:#?}");
    assert!(keys.values().all(|keys| keys.len() == 1), "a step was done under two keys: {keys:#?}");
}

#[test]
fn children_survive_kills_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    survives_kills("sqlite", format!("sqlite://{}", folder.path().join("flow.db").display()));
}

#[test]
fn children_survive_kills_on_postgres() {
    let server = flow_test_support::PostgresServer::start();
    survives_kills("postgres", server.fresh_database());
}

#[test]
fn cancelling_a_parent_cancels_its_children_and_a_child_can_be_cancelled_alone() {
    let place = Place::new();
    let program = place.write(
        "nap.flow",
        "workflow nap() -> String { sleep 1h; \"never\" }
workflow alone() -> String { nap() catch { Cancelled => \"cleaned up\" } }
workflow main() -> String { nap() }",
    );
    for (workflow, cancelled, status) in [("main", "a", "cancelled"), ("alone", "b/nap-1", "failed")] {
        let id = &cancelled[..1];
        let run = place
            .command(&["run", &program, workflow, "--id", id])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("flow run");
        let child = format!("{id}/nap-1");
        let began = Instant::now();
        while place.flow(&["show", &child]).code != 0 {
            assert!(began.elapsed() < Duration::from_secs(120), "the child never starts");
            std::thread::sleep(Duration::from_millis(20));
        }
        let shown = place.flow(&["show", id]);
        assert!(shown.out.contains(&format!("child {child}")), "{shown:#?}");
        assert_eq!(place.flow(&["cancel", cancelled]).code, 0);
        run.wait_with_output().expect("it ends");
        let rows = place.flow(&["list", "--json"]).json_lines();
        let status_of = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap()["status"].clone();
        assert_eq!((status_of(id), status_of(&child)), (json!(status), json!("cancelled")));
    }
}
