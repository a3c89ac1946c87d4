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

use flow_machine::event::Message;
use flow_machine::history::HistoryEvent;
use flow_machine::rows::Status;
use flow_tests::pattern::Pattern;
use flow_tests::simulation::{
    Answer, Attempt, Ended, Outside, SECOND, Seeds, Simulation, Storm, any_weather,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Seeds for each program, unless `FLOW_SEEDS` says otherwise.
const SEEDS: u64 = 300;

/// It has ended by itself.
fn assert_ended(ended: &Ended) {
    let by_itself = matches!(ended.status, Status::Completed | Status::Failed | Status::Cancelled);
    assert!(by_itself, "it ends by itself, not {:?}", ended.status);
}

/// The argument of each call of an activity that happened, in the order of their first effects.
fn calls<'a>(ended: &'a Ended, activity: &str) -> Vec<&'a str> {
    let of_it = ended.effects.iter().filter_map(|effect| effect.strip_prefix(activity)?.strip_prefix("(\""));
    of_it.filter_map(|rest| rest.strip_suffix("\")")).collect()
}

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

/// Accounts, and what is neither here nor there.
#[derive(Debug, Default)]
struct Bank {
    accounts: BTreeMap<String, i64>,
    /// Money on its way, by the key of the call that took it: from where, and how much.
    held: BTreeMap<String, (String, i64)>,
    /// Where money has been delivered that may yet be taken back.
    delivered: BTreeMap<String, (String, i64)>,
    /// The calls that have had their effect.
    done: BTreeSet<[u8; 16]>,
}

impl Bank {
    fn with(accounts: &[(&str, i64)]) -> Arc<Mutex<Bank>> {
        let accounts = accounts.iter().map(|(name, cents)| ((*name).to_owned(), *cents)).collect();
        Arc::new(Mutex::new(Bank { accounts, ..Bank::default() }))
    }

    fn total(&self) -> i64 {
        self.accounts.values().sum::<i64>() + self.held.values().map(|(_, cents)| cents).sum::<i64>()
    }

    /// What the bank answers; each call has its effect once.
    fn answer(&mut self, attempt: &Attempt) -> Answer {
        let text = |name: &str| attempt.args[name].as_str().unwrap_or_default().to_owned();
        let key = attempt.key.to_string();
        let again = self.done.contains(&attempt.key.0);
        match attempt.activity.as_str() {
            "hold" if !again => {
                let (from, cents) = (text("account"), attempt.args["cents"].as_i64().unwrap());
                let balance = self.accounts.get_mut(&from).expect("an account");
                if *balance < cents {
                    return Answer::Fails(json!({"Refused": {"why": "no money"}}));
                }
                *balance -= cents;
                self.held.insert(key.clone(), (from, cents));
            }
            "give_back" if !again => {
                let (from, cents) = self.held.remove(&text("hold")).expect("what is given back is held");
                *self.accounts.get_mut(&from).unwrap() += cents;
            }
            "deliver" if !again => {
                let held = self.held.remove(&text("hold")).expect("what is delivered is held");
                *self.accounts.get_mut(&text("to")).unwrap() += held.1;
                self.delivered.insert(text("hold"), held);
            }
            "take_back" if !again => {
                let taken = self.delivered.remove(&text("hold")).expect("what is taken back was delivered");
                *self.accounts.get_mut(&text("from")).unwrap() -= taken.1;
                self.held.insert(text("hold"), taken);
            }
            _ => {}
        }
        self.done.insert(attempt.key.0);
        if attempt.activity == "hold" { Answer::Returns(json!(key)) } else { Answer::Returns(Value::Null) }
    }
}

const BANK: &str = r#"
error Refused(why: String)
activity hold(account: String, cents: Int) -> String fails Refused
activity give_back(hold: String)
activity deliver(hold: String, to: String)
activity take_back(hold: String, from: String)
"#;

const BANK_TRANSFER: &str = r#"
fn transfer(from: String, to: String, cents: Int) fails Refused {
  saga {
    let held = hold(from, cents) compensate give_back(held)
    sleep 1s
    deliver(held, to) compensate take_back(held, to)
  }
}
workflow main() -> Int {
  let all = parallel for i in 0..4 max 3 { try transfer("a{i}", "b", 10) }
  all.len() - all.errors().len()
}"#;

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

const TAKE: &str = r#"
error Full
activity take(what: String) -> String fails Full
activity give(what: String)
"#;

/// Everything taken stands where it completed; else it was given back, from the last to the first. A losing arm of a race
/// ("h…") may have undone its own at any time; inner sagas (`two`) that fail undo theirs first.
fn assert_all_or_nothing(ended: &Ended) {
    assert_ended(ended);
    let (taken, mut given) = (calls(ended, "take"), calls(ended, "give"));
    // A cancellation may come when the saga has succeeded.
    let stands = taken.contains(&"y") && !given.contains(&"y");
    assert!(stands || ended.status != Status::Completed);
    if stands {
        given.retain(|what| !what.starts_with('h'));
        assert!(given.is_empty(), "nothing is undone: {:?}", ended.effects);
        return;
    }
    let (all, undone): (BTreeSet<_>, BTreeSet<_>) = (taken.iter().collect(), given.iter().collect());
    assert_eq!(all, undone, "all of it is undone: {:?}", ended.effects);
    assert_eq!(taken.len(), given.len(), "once each");
    given.retain(|what| what.starts_with(['z', 'c', 'l', 'y']));
    let completed = ended.trace.in_the_order_of_their_ends("take");
    let backwards: Vec<_> = completed.into_iter().rev().filter(|what| given.contains(what)).collect();
    assert_eq!(given, backwards, "from the last to the first: {:?}", ended.effects);
}

/// Whoever takes gets it, but for "bad"; some have to ask for some time, and giving needs several attempts.
fn shop(attempt: &Attempt) -> Answer {
    let (what, mix) = (attempt.args["what"].as_str().unwrap_or_default(), attempt.key.0[0]);
    match attempt.activity.as_str() {
        "take" if what == "bad" => Answer::Fails(json!("Full")),
        "take" if mix % 3 == 0 => {
            Answer::After(i64::from(mix) * SECOND / 50, Box::new(Answer::Returns(json!(what))))
        }
        "take" => Answer::Returns(json!(what)),
        "give" if attempt.attempt < u32::from(mix % 4) => Answer::Refused,
        _ => Answer::Returns(Value::Null),
    }
}

#[test]
fn a_saga_over_branches_races_and_calls_is_all_or_nothing() {
    let storm = Storm::over(&format!(
        "{TAKE}{}",
        r#"
fn two(first: String, second: String) fails Full {
  saga {
    let a = take(first) compensate give(a)
    let b = take(second) compensate give(b)
  }
}
fn hasty() fails Full {
  two("h1", "h2")
  sleep 1h
}
workflow main(last: String) fails Full {
  saga {
    let z = take("z") compensate give(z)
    parallel {
      two("a1", "a2"),
      { sleep 1s; two("b1", "b2") },
      { parallel for i in 0..4 max 2 { let c = take("c{i}") compensate give(c) } },
    }
    race {
      hasty()  => {}
      after 2s => {}
    }
    scope {
      spawn two("s1", "s2")
      timeout 1h { two("t1", "t2") }
    }
    for i in 0..3 { let l = take("l{i}") compensate give(l) }
    let y = take(last) compensate give(y)
  } catch { Timeout => {} }
}"#
    ));
    for last in ["y", "bad"] {
        storm.rage_with(json!({ "last": last }), SEEDS / 4, 20 * SECOND, &[], |run| {
            let ended = run(&mut shop);
            assert_all_or_nothing(&ended);
        });
    }
}

#[test]
fn children_undo_themselves_and_what_they_did_is_recalled() {
    let storm = Storm::over(&format!(
        "{TAKE}{}",
        r#"
workflow ship(what: String) -> String fails Full {
  saga {
    let a = take("{what}1") compensate give(a)
    sleep 1s
    let b = take("{what}2") compensate give(b)
    what
  }
}
activity recall(what: String)
workflow main() fails Full {
  saga {
    let x = ship("x") compensate recall(x)
    parallel {
      { let y = ship("y") compensate recall(y) },
      { let z = ship("z") compensate recall(z) },
    }
    take("bad")
  }
}"#
    ));
    storm.rage(SEEDS, 8 * SECOND, &[], |run| {
        let ended = run(&mut shop);
        assert_ended(&ended);
        assert_ne!(ended.status, Status::Completed);
        let (given, recalled) = (calls(&ended, "give"), calls(&ended, "recall"));
        for (name, status) in &ended.instances {
            let what = ended.outputs.get(name).and_then(Value::as_str).unwrap_or_default();
            let is_recalled = recalled.contains(&what);
            assert_eq!(is_recalled, *status == Status::Completed, "{name}: {:?}", ended.effects);
        }
        let done: Vec<&str> = ended.outputs.values().filter_map(Value::as_str).collect();
        for taken in calls(&ended, "take") {
            let child_is_done = done.iter().any(|what| taken.starts_with(what));
            assert_ne!(given.contains(&taken), child_is_done, "{taken}: {:?}", ended.effects);
        }
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
    let storm = Storm::over(
        r#"
activity note(n: Int)
workflow main() -> (Int, List<Int>) {
  signal number: Int
  signal done
  state total = 0
  update add(by: Int) -> Int { total += by; total }
  state got: List<Int> = []
  race {
    receive done => {}
    loop {
      let n = receive number
      note(n)
      got.push(n)
      if got.len() == 4 { break }
    } => {}
  }
  wait until total >= 15
  (total, got)
}"#,
    );
    let number =
        |n: i64| Outside::Send(n * SECOND, Message::Signal { name: "number".into(), value: json!(n) });
    let add = |n: i64| {
        let args = json!({ "by": n });
        Outside::Send(n * SECOND, Message::Update { name: "add".into(), args })
    };
    let sent: Vec<Outside> = (1..=5).flat_map(|n| [number(n), add(n)]).collect();
    storm.rage(SEEDS, 6 * SECOND, &sent, |run| {
        let ended = run(&mut |_| Answer::Returns(Value::Null));
        assert_ended(&ended);
        let mut sums: Vec<i64> = ended.replies.iter().filter_map(|reply| reply["value"].as_i64()).collect();
        sums.sort_unstable();
        sums.dedup();
        let returned = ended.replies.iter().filter(|reply| reply["kind"] == "returned").count();
        assert_eq!(sums.len(), returned, "each adds once: {:?}", ended.replies);
        let mut noted = ended.effects.clone();
        noted.dedup();
        assert_eq!(noted.len(), ended.effects.len(), "each is received once: {:?}", ended.effects);
        if ended.status == Status::Completed {
            assert_eq!(sums.last(), Some(&15));
        }
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
