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

use flow_engine::ExecutorKind;
use flow_machine::rows::Status;
use flow_tests::promise::{
    BANK, BANK_TRANSFER, Bank, CHILDREN, NESTED_SAGA, NUMBERS, ROUNDS, TAKE, VISITS, assert_all_or_nothing,
    assert_counted, assert_ended, assert_in_time, assert_kept, assert_recalled, calls, numbers, shop,
    ten_signals,
};
use flow_tests::simulation::{Answer, Attempt, Ended, Outside, Repeat, SECOND, Seeds};
use flow_tests::world::{Climate, Scene};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Seeds for each program, unless `FLOW_SEEDS` says otherwise.
const SEEDS: u64 = 250;
/// Of so many seeds one runs natively as well.
const NATIVE: u64 = 25;

/// A program with these arguments.
fn scene(program: &str, input: Value, seconds: i64, outside: Vec<Outside>) -> Scene {
    let (program, climate) = (flow_tests::compile(program), Climate::Wild);
    Scene { program, input, outside, span: seconds * SECOND, climate }
}

/// Hands each seed to `judge`, which runs it.
fn rage(scene: &Scene, judge: impl Fn(&dyn Fn(Script) -> Ended)) {
    rage_with(scene, &[], judge);
}

/// The same, after seeds that once failed.
fn rage_with(scene: &Scene, once_failed: &[u64], judge: impl Fn(&dyn Fn(Script) -> Ended)) {
    let known = once_failed.iter().copied().filter(|_| !Seeds::are_chosen());
    for seed in known.chain(Seeds::up_to(SEEDS)) {
        let _repeat = Repeat("FLOW_SEED", seed);
        let on = |executor| {
            let ended = RefCell::new(None);
            judge(&|script| {
                let run = run(scene, seed, executor, script);
                ended.replace(Some(run.clone()));
                run
            });
            ended.into_inner()
        };
        let interpreted = on(ExecutorKind::Interpreter);
        if seed % NATIVE == 0 {
            assert_eq!(on(ExecutorKind::Native), interpreted, "the executors differ");
        }
    }
}

type Script = Box<dyn FnMut(&Attempt) -> Answer + Send>;

fn run(scene: &Scene, seed: u64, executor: ExecutorKind, script: Script) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(scene.run(seed, executor, script))
}

fn nothing(_: &Attempt) -> Answer {
    Answer::Returns(Value::Null)
}

#[test]
fn money_is_neither_lost_nor_made() {
    let scene = scene(&format!("{BANK}{BANK_TRANSFER}"), json!({}), 5, Vec::new());
    rage(&scene, |run| {
        let bank = Bank::with(&[("a0", 50), ("a1", 50), ("a2", 5), ("a3", 10), ("b", 0)]);
        let at_the_bank = bank.clone();
        let ended = run(Box::new(move |attempt| at_the_bank.lock().unwrap().answer(attempt)));
        assert_ended(&ended);
        let bank = bank.lock().unwrap();
        assert_eq!(bank.total(), 115, "{bank:#?}");
        assert!(bank.held.is_empty(), "all of it has arrived or gone back: {bank:#?}");
        if ended.status == Status::Completed {
            assert_eq!(ended.output, Some(json!(bank.accounts["b"] / 10)), "what it says is so: {bank:#?}");
        }
    });
}

#[test]
fn a_saga_over_branches_races_and_spawned_strands_is_all_or_nothing() {
    for last in ["y", "bad"] {
        let scene = scene(&format!("{TAKE}{NESTED_SAGA}"), json!({ "last": last }), 20, Vec::new());
        rage(&scene, |run| assert_all_or_nothing(&run(Box::new(shop))));
    }
}

#[test]
fn children_undo_themselves_and_what_they_did_is_recalled() {
    let scene = scene(&format!("{TAKE}{CHILDREN}"), json!({}), 8, Vec::new());
    // A report to a child that had ended with its root stayed in the inbox; one to a root that had.
    rage_with(&scene, &[1_263, 1_355], |run| assert_recalled(&run(Box::new(shop))));
}

#[test]
fn each_update_counts_once_and_each_signal_is_received_once() {
    let scene = scene(NUMBERS, json!({}), 6, numbers());
    rage(&scene, |run| assert_counted(&run(Box::new(nothing))));
}

#[test]
fn a_message_that_came_before_a_deadline_beats_it_and_a_later_one_does_not() {
    let scene = scene(ROUNDS, json!({}), 12, ten_signals());
    rage(&scene, |run| assert_in_time(&run(Box::new(nothing))));
}

#[test]
fn instances_start_and_tell_each_other_once() {
    let scene = scene(VISITS, json!({}), 6, Vec::new());
    rage(&scene, |run| assert_kept(&run(Box::new(nothing))));
}

#[test]
fn what_is_handed_over_in_order_uses_up_no_attempt() {
    let program = r#"
use std.http
activity work(what: String) {
  run: http.post("work", json: ["what": what])
  retry: exponential(initial: 1s, factor: 2, attempts: 1)
}
workflow main() { parallel for i in 0..9 max 3 { work("{i}") } }"#;
    let scene = Scene { climate: Climate::Orderly, ..scene(program, json!({}), 20, Vec::new()) };
    rage(&scene, |run| {
        let ended = run(Box::new(|attempt| {
            let seconds = 1 + i64::from(attempt.key.0[0] % 8);
            Answer::After(seconds * SECOND, Box::new(Answer::Returns(Value::Null)))
        }));
        assert_eq!(ended.status, Status::Completed, "{:?}", ended.error);
        assert_eq!(calls(&ended, "work").len(), 9);
    });
}

#[test]
fn what_is_done_in_the_transaction_of_its_step_is_done_once_or_not_at_all() {
    let scene = scene(
        r#"
use std.sql
activity put(what: String) { run: sql.execute("put {what}")  timeout: 1s }
activity remove(what: String) { run: sql.execute("remove {what}") }
workflow main() {
  saga {
    parallel for i in 0..4 max 2 { put("{i}") compensate remove("{i}") }
    timeout 3s { loop { sleep 1s; put("again") compensate remove("again") } }
  } catch { Timeout => {} }
}"#,
        json!({}),
        6,
        Vec::new(),
    );
    rage(&scene, |run| {
        let ended = run(Box::new(nothing));
        assert_ended(&ended);
        let (put, removed) = (calls(&ended, "put"), calls(&ended, "remove"));
        let (mut put, mut removed): (Vec<_>, Vec<_>) = (put.to_vec(), removed.to_vec());
        put.sort_unstable();
        removed.sort_unstable();
        assert_eq!(put, removed, "the saga fails, and undoes all it did: {:?}", ended.effects);
    });
}

#[test]
fn attempts_are_used_up_and_what_is_unknown_is_undone_by_its_key() {
    let scene = scene(
        r#"
use std.http
activity risky(what: String) -> String {
  run: http.post("risky", json: ["what": what])
  timeout: 5s
  retry: exponential(initial: 1s, factor: 2, attempts: 3)
}
activity give(what: String) { run: http.post("give", json: ["what": what]) }
activity give_by_key(key: String) { run: http.post("give_by_key", json: ["key": key]) }
workflow main() {
  saga {
    for i in 0..4 { risky("{i}") compensate give("{i}") unknown |key| give_by_key(key) }
    sleep 1m
  }
}"#,
        json!({}),
        30,
        Vec::new(),
    );
    rage(&scene, |run| {
        let tries = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
        let counted = tries.clone();
        let ended = run(Box::new(move |attempt| {
            *counted.lock().unwrap().entry(attempt.key.to_string()).or_default() += 1;
            match (attempt.activity.as_str(), attempt.key.0[0] % 4) {
                ("risky", 0) => Answer::After(4 * SECOND, Box::new(Answer::Returns(json!("done")))),
                ("risky", 1) => Answer::Never,
                ("risky", _) => Answer::Returns(json!("done")),
                _ => Answer::Returns(Value::Null),
            }
        }));
        assert_ended(&ended);
        let risky = calls(&ended, "risky");
        if ended.status != Status::Completed {
            let undone = calls(&ended, "give").len() + calls(&ended, "give_by_key").len();
            assert!(undone >= risky.len(), "each is undone, by its name or its key: {:?}", ended.effects);
        }
        for step in ended.trace.steps().iter().filter(|step| step.name == "risky") {
            assert!(step.end.is_some() || ended.status == Status::Terminated, "{step:?}");
        }
        assert!(tries.lock().unwrap().values().all(|tries| *tries <= 8), "{tries:?}");
    });
}
