//! Signals, updates and queries from the command line, to the examples that live on them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use flow_test_support::PostgresServer;
use serde_json::{Value, json};
use shared::{Done, Place, Process, example};
use std::time::{Duration, Instant};

/// Asks again and again until the answer is as wanted.
fn until(place: &Place, args: &[&str], wanted: impl Fn(&Done) -> bool) -> Done {
    let begun = Instant::now();
    loop {
        let done = place.flow(args);
        if wanted(&done) {
            return done;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{args:?}: {done:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn status(place: &Place, id: &str) -> Value {
    place.flow(&["show", id, "--json"]).json()["status"].clone()
}

fn start(place: &Place, file: &str, input: &str, id: &str) {
    let (file, input) = (example(file), format!("@{}", example(input)));
    let done = place.flow(&["start", &file, "--id", id, "--input", &input]);
    assert_eq!(done.code, 0, "{done:#?}");
}

fn a_claim_waits_for_its_assessor(place: &Place) {
    start(place, "claims/allstate_claim.flow", "claims/claim.json", "c1");
    let worker = Process::start(place, &["worker"]);
    let waiting = |done: &Done| done.out.contains("waiting for an assessor");
    until(place, &["query", "c1", "status"], waiting);
    let found = place.flow(&["list", "--json", "--where", r#"customer = "Ann" and status = running"#]);
    assert_eq!(found.json_lines().len(), 1, "{found:#?}");
    let wrong = place.flow(&["signal", "c1", "verdict", "--input", r#"{"Approved": {"by": 7}}"#]);
    assert_eq!(wrong.code, 2, "{wrong:#?}");
    assert!(wrong.err.contains("`Approved.by`") && wrong.err.contains("String"), "{}", wrong.err);
    let near = place.flow(&["signal", "c1", "verdikt", "--input", r#""x""#]);
    assert!(near.code == 2 && near.err.contains("did you mean `verdict`"), "{near:#?}");
    // Nobody runs it, so the signal waits.
    drop(worker);
    let verdict = ["signal", "c1", "verdict", "--input", r#"{"Approved": {"by": "Eve"}}"#];
    let request = "00000000-0000-4000-8000-000000000001";
    for _ in 0..2 {
        let sent = place.flow(&[verdict.as_slice(), &["--json", "--request-id", request]].concat());
        assert_eq!(sent.code, 0, "{sent:#?}");
    }
    let done = place.flow(&["resume", "c1", "--json"]);
    assert_eq!((done.code, &done.json()["status"]), (0, &json!("completed")), "{done:#?}");
    assert_eq!(place.flow(&["query", "c1", "status"]).out.trim(), r#""paying""#);
    let history = place.flow(&["history", "c1", "--json"]).json_lines();
    let count = |kind: &str| history.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((count("signalled"), count("received"), count("undelivered")), (1, 1, 0));
    let late = place.flow(&verdict);
    assert!(late.code == 2 && late.err.contains("has ended"), "{late:#?}");
}

fn a_game_is_won_by_updates(place: &Place) {
    start(place, "game/riot_game.flow", "game/game.json", "g1");
    let waiting = place.flow(&[
        "update",
        "g1",
        "move",
        "--timeout",
        "0",
        "--input",
        r#"{"a": {"player": "Ann", "cell": 0}}"#,
    ]);
    assert_eq!(waiting.code, 6, "{waiting:#?}");
    assert!(
        waiting.err.contains("no process runs g1") && waiting.err.contains("--request-id"),
        "{waiting:#?}"
    );
    let _worker = Process::start(place, &["worker"]);
    until(place, &["query", "g1", "view", "--json"], |done| {
        done.code == 0 && done.json()["output"]["cells"] == json!([[0, "Cross"]])
    });
    let play = |cell: i64, request: &str| {
        let input = json!({"a": {"player": "x", "cell": cell}}).to_string();
        place.flow(&["update", "g1", "move", "--json", "--request-id", request, "--input", &input])
    };
    let id = |n: i64| format!("00000000-0000-4000-8000-00000000010{n}");
    let second = play(4, &id(1));
    assert_eq!((second.code, &second.json()["output"]["turn"]), (0, &json!("Cross")), "{second:#?}");
    // A repeat is answered, not played: the cell would be taken.
    assert_eq!(play(4, &id(1)).json()["output"], second.json()["output"]);
    let taken = play(4, &id(2));
    assert_eq!(
        (taken.code, &taken.json()["error"]["message"]),
        (1, &json!("IllegalMove(cell: 4)")),
        "{taken:#?}"
    );
    let wrong = place.flow(&["update", "g1", "move", "--input", r#"{"a": {"player": "x"}}"#]);
    assert!(wrong.code == 2 && wrong.err.contains("a.cell"), "{wrong:#?}");
    for (turn, cell) in [(3, 1), (4, 8), (5, 2)] {
        assert_eq!(play(cell, &id(turn)).code, 0);
    }
    until(place, &["show", "g1", "--json"], |done| done.json()["status"] == "completed");
    assert_eq!(
        play(2, &id(5)).json()["output"]["cells"].as_array().unwrap().len(),
        5,
        "answered after the end"
    );
    let late = play(7, &id(6));
    assert!(late.code == 2 && late.err.contains("has ended"), "{late:#?}");
}

fn a_device_is_sampled_until_it_is_retired(place: &Place) {
    start(place, "devices/iot_device.flow", "devices/device.json", "d1");
    let worker = Process::start(place, &["worker"]);
    let sampled = until(place, &["query", "d1", "latest", "--json"], |done| {
        done.code == 0 && !done.json()["output"].is_null()
    });
    let value = sampled.json()["output"]["value"].as_f64().unwrap();
    assert!((20.0..=25.0).contains(&value), "{value}");
    drop(worker);
    assert_eq!(status(place, "d1"), json!("running"));
    let orphaned = place.flow(&["query", "d1", "latest", "--json"]);
    assert_eq!(orphaned.code, 0, "it is answered though nobody runs it: {orphaned:#?}");
    assert_eq!(place.flow(&["signal", "d1", "retire", "--input", r#""old""#]).code, 0);
    let done = place.flow(&["resume", "d1", "--json"]);
    assert_eq!((done.code, &done.json()["status"]), (0, &json!("completed")), "{done:#?}");
    assert_eq!(place.flow(&["query", "d1", "latest", "--json"]).json(), sampled.json());
}

#[test]
fn a_signal_brings_its_instance_into_being_once() {
    let place = Place::new();
    let text = "workflow cart(owner: String) -> String {\n  signal add: String\n  signal pay\n  var items = owner\n  loop {\n    \
                race {\n      receive add as item => { items = \"{items}, {item}\" }\n      receive pay => break\n    }\n  }\n  items\n}\n";
    let file = place.write("cart.flow", text);
    let add = |item: &str, request: &str, name: &str| {
        let (item, owner) = (json!(item).to_string(), json!({"owner": "ann"}).to_string());
        let signal = ["signal", "c", name, "--input", &item, "--request-id", request, "--json"];
        place.flow(&[&signal[..], &["--start", &file, "--arguments", &owner]].concat())
    };
    let (first, second) = ("6f5902ac-2379-4aa5-8d5b-0c1d4b6a9e01", "6f5902ac-2379-4aa5-8d5b-0c1d4b6a9e02");
    let wrong = add("tea", first, "adt");
    assert!(wrong.code == 2 && wrong.err.contains("did you mean `add`"), "{wrong:#?}");
    assert_eq!(place.flow(&["show", "c"]).code, 2, "a wrong signal starts nothing");
    for (item, request, started) in [("tea", first, true), ("tea", first, false), ("milk", second, false)] {
        let done = add(item, request, "add");
        assert_eq!(done.json()["started"], started, "{done:#?}");
    }
    assert_eq!(place.flow(&["signal", "c", "pay"]).code, 0);
    let resumed = place.flow(&["resume", "c"]);
    assert_eq!(resumed.out.trim(), r#""ann, tea, milk""#, "{resumed:#?}");
    let again = add("tea", first, "add");
    assert!(again.code == 0 && again.json()["started"] == false, "a repeat is answered still: {again:#?}");
}

#[test]
fn what_has_a_default_may_be_left_out_from_outside() {
    let place = Place::new();
    let text = "use std.time\n\nactivity whoever() -> String {\n  run: \"me\"\n}\n\nworkflow linger(patience: Duration = 1h, at: Timestamp = time.now(), by: \
                String = whoever(), greetings: List<String> = \
                [\"a\", \"b\"].map(|name| \"hello {name}\")) -> List<String> {\n  state waited = patience\n  signal go\n  \
                query left(of: Duration = 2h) -> Duration { of - waited }\n  update wait_longer(by: Duration = 30m) -> \
                Duration {\n    waited += by\n    waited\n  }\n  receive go\n  greetings\n}\n";
    let file = place.write("linger.flow", text);
    let wrong = place.flow(&["start", &file, "--id", "w"]);
    assert!(wrong.code == 2 && wrong.err.contains("at `at`"), "a default that asks for the time: {wrong:#?}");
    assert!(wrong.err.contains(r#""patience": Duration = "1h", "at": Timestamp, "#), "{wrong:#?}");
    let started = place.flow(&[
        "start",
        &file,
        "--id",
        "w",
        "--input",
        r#"{"at": "2026-11-24T12:00:00Z", "by": "me"}"#,
    ]);
    assert_eq!(started.code, 0, "{started:#?}");
    let _worker = Process::start(&place, &["worker"]);
    let answered = until(&place, &["query", "w", "left"], |done| done.code == 0);
    assert_eq!(answered.out.trim(), r#""1h""#);
    assert_eq!(place.flow(&["query", "w", "left", "--input", r#"{"of": "90m"}"#]).out.trim(), r#""30m""#);
    assert_eq!(place.flow(&["update", "w", "wait_longer"]).out.trim(), r#""1h30m""#);
    assert_eq!(place.flow(&["signal", "w", "go"]).code, 0);
    let ended = place.flow(&["resume", "w"]);
    assert_eq!(ended.json(), json!(["hello a", "hello b"]), "{ended:#?}");
    assert_eq!(place.flow(&["show", "w", "--json"]).json()["result"], ended.json());
}

#[test]
fn progress_and_state_are_shown() {
    let place = Place::new();
    let file = place.write(
        "copies.flow",
        "workflow copies(n: Int) -> Int {\n  state done = 0\n  progress.total(n)\n  for i in 0..n {\n    sleep 1ms\n    done += 1\n    progress.step()\n  }\n  done\n}\n",
    );
    let done = place.flow(&["run", &file, "--id", "p1", "--json", "--input", r#"{"n": 3}"#]);
    assert_eq!(done.json()["output"], json!(3), "{done:#?}");
    let shown = place.flow(&["show", "p1", "--json"]).json();
    assert_eq!(shown["progress"], json!([3, 3]));
    assert_eq!(shown["states"], json!([{"name": "done", "type": "Int", "value": "3"}]));
    assert!(place.flow(&["show", "p1"]).out.contains("state done: Int = 3"));
}

fn all(place: &Place) {
    a_claim_waits_for_its_assessor(place);
    a_game_is_won_by_updates(place);
    a_device_is_sampled_until_it_is_retired(place);
}

#[test]
fn the_examples_run_on_sqlite() {
    all(&Place::new());
}

#[test]
fn the_examples_run_on_postgres() {
    let server = PostgresServer::start();
    let mut place = Place::new();
    place.store = Some(server.fresh_database());
    all(&place);
}

const SHOP: &str = r#"
error Empty
workflow stock(of: Int) -> Int {
  signal close
  state left = of
  state taken = 0
  query rest() -> Int { left }
  update take() -> Int fails Empty {
    if left == 0 { fail Empty }
    left -= 1
    taken += 1
    taken
  }
  receive close
  taken
}

workflow buyer(times: Int) -> List<Int> {
  var mine: List<Int> = []
  for i in 0..times {
    let number = stock.of("stock").take() catch { Empty => 0 }
    mine.push(number)
    if stock.of("stock").rest() < 0 { return [] }
  }
  mine
}
"#;

/// Buyers and the stock they buy from are shared out between two workers, which are killed again and again.
fn updates_of_other_instances_are_done_once(place: &Place) {
    const BUYERS: i64 = 8;
    const TIMES: i64 = 8;
    let seed = std::env::var("FLOW_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("FLOW_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let file = place.write("shop.flow", SHOP);
    let begin = |workflow: &str, id: &str, input: Value| {
        let input = input.to_string();
        let done = place.flow(&["start", &file, workflow, "--id", id, "--input", &input]);
        assert_eq!(done.code, 0, "{done:#?}");
    };
    // Two are one too many.
    begin("stock", "stock", json!({"of": BUYERS * TIMES - 2}));
    for buyer in 0..BUYERS {
        begin("buyer", &format!("buyer-{buyer}"), json!({"times": TIMES}));
    }
    let mut workers = [Process::start(place, &["worker"]), Process::start(place, &["worker"])];
    for kill in 0..8 {
        std::thread::sleep(Duration::from_millis(random.u64(100..300) + 40 * kill));
        // Dropped, it is killed with -9.
        workers[random.usize(..2)] = Process::start(place, &["worker"]);
    }
    let mut numbers: Vec<i64> = Vec::new();
    for buyer in 0..BUYERS {
        let id = format!("buyer-{buyer}");
        shared::wait_until(|| status(place, &id) == "completed");
        let output = place.flow(&["resume", &id, "--json"]).json()["output"].clone();
        numbers.extend(output.as_array().expect("numbers").iter().map(|number| number.as_i64().unwrap()));
    }
    numbers.sort_unstable();
    let wanted: Vec<i64> = [0, 0].into_iter().chain(1..=BUYERS * TIMES - 2).collect();
    assert_eq!(numbers, wanted, "each number was given once, and each buyer got its own");
    assert_eq!(place.flow(&["signal", "stock", "close"]).code, 0);
    shared::wait_until(|| status(place, "stock") == "completed");
    assert_eq!(place.flow(&["resume", "stock", "--json"]).json()["output"], json!(BUYERS * TIMES - 2));
}

#[test]
fn updates_of_other_instances_are_done_once_on_sqlite() {
    updates_of_other_instances_are_done_once(&Place::new());
}

#[test]
fn updates_of_other_instances_are_done_once_on_postgres() {
    let server = PostgresServer::start();
    let mut place = Place::new();
    place.store = Some(server.fresh_database());
    updates_of_other_instances_are_done_once(&place);
}
