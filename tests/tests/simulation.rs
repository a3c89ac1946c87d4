//! Programs that promise something, and a world that keeps the books: thousands of seeds, each with processes that die or are
//! cut off, answers that come late, twice or never, messages that nobody is woken for, and operators who cancel and pause at any
//! moment. Whatever happens, the promise holds.
//!
//! A seed that fails is printed with the command that repeats it. `FLOW_SEEDS=1000000` runs that many of each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::history::HistoryEvent;
use flow_machine::rows::Status;
use flow_tests::pattern::Pattern;
use flow_tests::promise::{
    BANK, BANK_TRANSFER, Bank, CHILDREN, NESTED_SAGA, NUMBERS, TAKE, assert_all_or_nothing, assert_counted,
    assert_ended, assert_recalled, calls, numbers, shop,
};
use flow_tests::simulation::{Answer, SECOND, Seeds, Simulation, Storm, any_weather};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Seeds for each program, unless `FLOW_SEEDS` says otherwise.
const SEEDS: u64 = 300;

// --- The patterns ---

#[test]
fn patterns_leave_their_traces_in_any_weather() {
    for pattern in Pattern::all() {
        let executors = flow_tests::executors(&pattern.program);
        for world in &pattern.runs {
            let calm = world.simulate(executors[0].1.clone(), None);
            let rough = any_weather(&executors, &world.outside, &calm, |executor, outside, faults| {
                let simulation = Simulation::new(executor.clone(), world.script());
                simulation.outside(outside).crashing(faults).watch("main", &world.input)
            });
            for ended in rough {
                let refuted = world.faults(&ended);
                assert!(refuted.is_empty(), "{}: {refuted:#?}", pattern.file);
            }
        }
    }
}

// --- Money ---

#[test]
fn money_is_neither_lost_nor_made() {
    money_is_conserved(BANK_TRANSFER);
}

fn money_is_conserved(program: &str) {
    let storm = Storm::over(&format!("{BANK}{program}"));
    storm.rage(SEEDS, 5 * SECOND, &[], |run| {
        let bank = Bank::with(&[("a0", 50), ("a1", 50), ("a2", 5), ("a3", 10), ("b", 0)]);
        let at_the_bank = bank.clone();
        let ended = run(&mut |attempt| at_the_bank.lock().unwrap().answer(attempt));
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
fn beyond_its_pivot_a_transfer_is_carried_out() {
    let storm = Storm::over(&format!(
        "{BANK}{}",
        r#"
workflow main() fails Refused {
  saga {
    let held = hold("a", 10) compensate give_back(held)
    sleep 1s
    let more = hold("a", 20) compensate give_back(more)
    commit
    shield {
      parallel { deliver(held, "b"), deliver(more, "c") }
    }
  }
}"#
    ));
    storm.rage(SEEDS, 3 * SECOND, &[], |run| {
        let bank = Bank::with(&[("a", 30), ("b", 0), ("c", 0)]);
        let at_the_bank = bank.clone();
        let ended = run(&mut |attempt| at_the_bank.lock().unwrap().answer(attempt));
        assert_ended(&ended);
        let accounts = &bank.lock().unwrap().accounts;
        let (nothing, everything) = ([30, 0, 0], [0, 10, 20]);
        let now = [accounts["a"], accounts["b"], accounts["c"]];
        assert!(now == nothing || now == everything, "{now:?} {:?}", ended.effects);
        assert!(ended.status != Status::Completed || now == everything);
    });
}

// --- All or nothing ---

#[test]
fn a_saga_over_branches_races_and_calls_is_all_or_nothing() {
    let storm = Storm::over(&format!("{TAKE}{NESTED_SAGA}"));
    for last in ["y", "bad"] {
        storm.rage_with(json!({ "last": last }), SEEDS / 4, 20 * SECOND, &[], |run| {
            let ended = run(&mut shop);
            assert_all_or_nothing(&ended);
        });
    }
}

#[test]
fn children_undo_themselves_and_what_they_did_is_recalled() {
    let storm = Storm::over(&format!("{TAKE}{CHILDREN}"));
    storm.rage(SEEDS, 8 * SECOND, &[], |run| {
        let ended = run(&mut shop);
        assert_recalled(&ended);
    });
}

// --- Once each ---

#[test]
fn a_cancellation_is_never_lost() {
    let storm = Storm::over(
        r#"
activity note(n: Int)
workflow main() {
  for i in 0..5 { note(i) }
  parallel for i in 5..10 max 2 { note(i); sleep 1s; note(i + 5) }
}"#,
    );
    storm.rage(SEEDS, 4 * SECOND, &[], |run| {
        let ended = run(&mut |_| Answer::Returns(Value::Null));
        assert_ended(&ended);
        let asked = ended.history.iter().position(|event| matches!(event, HistoryEvent::CancelRequested));
        let mut since = ended.history.iter().skip(asked.unwrap_or(usize::MAX));
        let goes_on = since.find(|event| matches!(event, HistoryEvent::CallRequested { .. }));
        assert!(goes_on.is_none(), "after it was cancelled it asks for {goes_on:?}");
    });
}

#[test]
fn each_update_counts_once_and_each_signal_is_received_once() {
    let storm = Storm::over(NUMBERS);
    let sent = numbers();
    storm.rage(SEEDS, 6 * SECOND, &sent, |run| {
        let ended = run(&mut |_| Answer::Returns(Value::Null));
        assert_counted(&ended);
    });
}

#[test]
fn what_dies_with_its_process_uses_up_its_attempts() {
    let storm = Storm::over(
        r#"
error Full
activity risky(what: String) -> String { run: what  retry: exponential(initial: 1s, factor: 2, attempts: 3) }
activity give(what: String) { run: {} }
activity give_by_key(key: String) { run: {} }
workflow main() {
  saga {
    for i in 0..4 { risky("{i}") compensate give("{i}") unknown |key| give_by_key(key) }
    sleep 1h
  }
}"#,
    );
    storm.rage(SEEDS, 60 * SECOND, &[], |run| {
        let (mut tries, mut keys) = (BTreeMap::<_, Vec<u32>>::new(), BTreeMap::new());
        let ended = run(&mut |attempt| {
            tries.entry(attempt.key.to_string()).or_default().push(attempt.attempt);
            if attempt.activity != "risky" {
                return Answer::Returns(Value::Null);
            }
            keys.insert(attempt.args["what"].to_string(), attempt.key.to_string());
            Answer::Returns(json!("done"))
        });
        assert_ended(&ended);
        let risky: Vec<String> =
            calls(&ended, "risky").into_iter().map(|what| format!("\"{what}\"")).collect();
        for what in &risky {
            let tried = &tries[&keys[what]];
            assert!(tried.len() <= 3 && tried.is_sorted_by(|one, next| one < next), "{what}: {tried:?}");
        }
        if ended.status != Status::Completed {
            let undone = calls(&ended, "give").len() + calls(&ended, "give_by_key").len();
            assert!(undone >= risky.len(), "each is undone, by its name or its key: {:?}", ended.effects);
        }
    });
}

// --- That it is looked for ---

#[test]
fn programs_that_break_their_promise_are_found() {
    if Seeds::are_chosen() {
        // One seed alone finds nothing for certain.
        return;
    }
    let forgets = BANK_TRANSFER.replace("compensate give_back(held)", "");
    let undoes_half = BANK_TRANSFER.replace("compensate take_back(held, to)", "\n    sleep 1s");
    for broken in [forgets, undoes_half] {
        let looked = std::panic::catch_unwind(|| money_is_conserved(&broken));
        assert!(looked.is_err(), "nothing was found wrong with {broken}");
    }
}
