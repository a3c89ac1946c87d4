//! Programs that promise something, the books that are kept of them, and what must be in the books at the end.

use crate::simulation::{Answer, Attempt, Ended, Outside, SECOND};
use flow_machine::event::Message;
use flow_machine::rows::Status;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// It has ended by itself.
pub fn assert_ended(ended: &Ended) {
    let by_itself = matches!(ended.status, Status::Completed | Status::Failed | Status::Cancelled);
    assert!(by_itself, "it ends by itself, not {:?}", ended.status);
}

/// The argument of each call of an activity that happened, in the order of their first effects.
pub fn calls<'a>(ended: &'a Ended, activity: &str) -> Vec<&'a str> {
    let of_it = ended.effects.iter().filter_map(|effect| effect.strip_prefix(activity)?.strip_prefix("(\""));
    of_it.filter_map(|rest| rest.strip_suffix("\")")).collect()
}

// --- Money ---

/// Accounts, and what is neither here nor there.
#[derive(Debug, Default)]
pub struct Bank {
    /// What is in each account.
    pub accounts: BTreeMap<String, i64>,
    /// Money on its way, by the key of the call that took it: from where, and how much.
    pub held: BTreeMap<String, (String, i64)>,
    /// Where money has been delivered that may yet be taken back.
    delivered: BTreeMap<String, (String, i64)>,
    /// The calls that have had their effect.
    done: BTreeSet<[u8; 16]>,
}

impl Bank {
    /// With these accounts.
    pub fn with(accounts: &[(&str, i64)]) -> Arc<Mutex<Bank>> {
        let accounts = accounts.iter().map(|(name, cents)| ((*name).to_owned(), *cents)).collect();
        Arc::new(Mutex::new(Bank { accounts, ..Bank::default() }))
    }

    /// All money.
    pub fn total(&self) -> i64 {
        self.accounts.values().sum::<i64>() + self.held.values().map(|(_, cents)| cents).sum::<i64>()
    }

    /// What the bank answers; each call has its effect once.
    pub fn answer(&mut self, attempt: &Attempt) -> Answer {
        let text = |name: &str| attempt.args[name].as_str().unwrap_or_default().to_owned();
        let key = attempt.key.to_string();
        let again = self.done.contains(&attempt.key.0);
        match attempt.activity.as_str() {
            "hold" if !again => {
                let (from, cents) = (text("account"), attempt.args["cents"].as_i64().expect("cents"));
                let balance = self.accounts.get_mut(&from).expect("an account");
                if *balance < cents {
                    return Answer::Fails(json!({"Refused": {"why": "no money"}}));
                }
                *balance -= cents;
                self.held.insert(key.clone(), (from, cents));
            }
            "give_back" if !again => {
                let (from, cents) = self.held.remove(&text("hold")).expect("what is given back is held");
                *self.accounts.get_mut(&from).expect("an account") += cents;
            }
            "deliver" if !again => {
                let held = self.held.remove(&text("hold")).expect("what is delivered is held");
                *self.accounts.get_mut(&text("to")).expect("an account") += held.1;
                self.delivered.insert(text("hold"), held);
            }
            "take_back" if !again => {
                let taken = self.delivered.remove(&text("hold")).expect("what is taken back was delivered");
                *self.accounts.get_mut(&text("from")).expect("an account") -= taken.1;
                self.held.insert(text("hold"), taken);
            }
            _ => {}
        }
        self.done.insert(attempt.key.0);
        if attempt.activity == "hold" { Answer::Returns(json!(key)) } else { Answer::Returns(Value::Null) }
    }
}

/// Activities of a bank.
pub const BANK: &str = r#"
use std.http
error Refused(why: String)
activity hold(account: String, cents: Int) -> String fails Refused {
  run: http.post("hold", json: ["account": account, "cents": cents])
}
activity give_back(hold: String) { run: http.post("give_back", json: ["hold": hold]) }
activity deliver(hold: String, to: String) { run: http.post("deliver", json: ["hold": hold, "to": to]) }
activity take_back(hold: String, from: String) {
  run: http.post("take_back", json: ["hold": hold, "from": from])
}
"#;

/// Transfers that are carried out or given back, after `BANK`; it returns how many succeeded.
pub const BANK_TRANSFER: &str = r#"
pub fn transfer(from: String, to: String, cents: Int) fails Refused {
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

// --- All or nothing ---

/// Activities that take something, and give it back.
pub const TAKE: &str = r#"
use std.http
error Full
activity take(what: String) -> String fails Full { run: http.post("take", json: ["what": what]) }
activity give(what: String) { run: http.post("give", json: ["what": what]) }
"#;

/// Everything taken stands where it completed; else it was given back, from the last to the first. A losing arm of a race
/// ("h…") may have undone its own at any time; inner sagas (`two`) that fail undo theirs first.
pub fn assert_all_or_nothing(ended: &Ended) {
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
pub fn shop(attempt: &Attempt) -> Answer {
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

/// A saga over branches, races, spawned strands and loops, after `TAKE`; `main(last)`, where "bad" makes it fail.
pub const NESTED_SAGA: &str = r#"
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
}"#;

/// Children that undo themselves, in a saga that recalls what they did; after `TAKE`. It fails at the end.
pub const CHILDREN: &str = r#"
workflow ship(what: String) -> String fails Full {
  saga {
    let a = take("{what}1") compensate give(a)
    sleep 1s
    let b = take("{what}2") compensate give(b)
    what
  }
}
activity recall(what: String) { run: http.post("recall", json: ["what": what]) }
workflow main() fails Full {
  saga {
    let x = ship("x") compensate recall(x)
    parallel {
      { let y = ship("y") compensate recall(y) },
      { let z = ship("z") compensate recall(z) },
    }
    take("bad")
  }
}"#;

/// Counts updates, and notes the signals it receives, until five of the one and four of the other have come, or `done`.
pub const NUMBERS: &str = r#"
use std.http
activity note(n: Int) { run: http.post("note", json: ["n": n]) }
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
}"#;

/// What a child did is recalled where it completed, and undone by itself where it did not.
pub fn assert_recalled(ended: &Ended) {
    assert_ended(ended);
    assert_ne!(ended.status, Status::Completed);
    let (given, recalled) = (calls(ended, "give"), calls(ended, "recall"));
    for (name, status) in &ended.instances {
        let what = ended.outputs.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_recalled = recalled.contains(&what);
        assert_eq!(is_recalled, *status == Status::Completed, "{name}: {:?}", ended.effects);
    }
    let done: Vec<&str> = ended.outputs.values().filter_map(Value::as_str).collect();
    for taken in calls(ended, "take") {
        let child_is_done = done.iter().any(|what| taken.starts_with(what));
        assert_ne!(given.contains(&taken), child_is_done, "{taken}: {:?}", ended.effects);
    }
}

/// Each update has added once, and each signal was received once.
pub fn assert_counted(ended: &Ended) {
    assert_ended(ended);
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
}

/// Five signals and five updates, one of each a second.
pub fn numbers() -> Vec<Outside> {
    let number =
        |n: i64| Outside::Send(n * SECOND, Message::Signal { name: "number".into(), value: json!(n) });
    let add = |n: i64| {
        let args = json!({ "by": n });
        Outside::Send(n * SECOND, Message::Update { name: "add".into(), args })
    };
    (1..=5).flat_map(|n| [number(n), add(n)]).collect()
}

// --- In time ---

/// Six rounds: in each it gets a signal within 2 s, or none (0). Tells when each round began, in nanoseconds, and what it got.
pub const ROUNDS: &str = r#"
use std.time
workflow main() -> List<(Int, Int)> {
  signal go: Int
  let epoch = time.from_unix(0)
  var rounds: List<(Int, Int)> = []
  for _ in 0..6 {
    let began = (time.now() - epoch).nanoseconds()
    let got = race {
      receive go as n => n
      after 2s        => 0
    }
    rounds.push((began, got))
  }
  rounds
}"#;

/// Signals for `ROUNDS`, many of them shortly before the end of a round.
pub fn ten_signals() -> Vec<Outside> {
    let go = |n: i64| Message::Signal { name: "go".into(), value: json!(n) };
    (1..=10).map(|n| Outside::Send(n * 17 * SECOND / 10, go(n))).collect()
}

/// Each round got the oldest signal that was accepted before it ended, or at its end; none only where there was none.
pub fn assert_in_time(ended: &Ended) {
    assert_ended(ended);
    if ended.status != Status::Completed {
        return;
    }
    let mut waiting: Vec<(i64, i64)> = Vec::new();
    for (at, message) in &ended.accepted {
        if let Message::Signal { value, .. } = message {
            waiting.push((*at, value.as_i64().expect("a number")));
        }
    }
    let rounds: Vec<(i64, i64)> =
        serde_json::from_value(ended.output.clone().expect("its rounds")).expect("pairs of numbers");
    for (began, got) in rounds {
        let in_time = waiting.iter().position(|(at, _)| *at <= began + 2 * SECOND);
        let expected = in_time.map_or(0, |place| waiting.remove(place).1);
        assert_eq!(got, expected, "in the round from {began}: {:?}", ended.accepted);
    }
}

// --- Instances that know each other ---

/// `main` and two visitors, each an instance of its own, tell a keeper what to keep: all six things reach it, and the visitors tell
/// `main` that they have been there.
pub const VISITS: &str = r#"
use std.http
activity note(what: String) { run: http.post("note", json: ["what": what]) }
workflow keeper(most: Int) -> List<String> {
  signal keep: String
  var kept: List<String> = []
  loop {
    let next = receive keep within 10m
    kept.push(next)
    if kept.len() == most { break }
  } catch { Timeout => {} }
  kept
}
workflow visit(who: String) {
  let k = detach keeper(6) using (id: "keeper")
  k.keep("{who}1")
  note(who)
  k.keep("{who}2")
  { main.of("test").visited(who) } catch { ActivityFailed(_, _) => {} }
}
workflow main() -> List<String> {
  signal visited: String
  detach visit("a")
  let k = detach keeper(6) using (id: "keeper")
  parallel {
    { detach visit("b") using (id: "visit-b") },
    { k.keep("m1"); sleep 1s; k.keep("m2") },
    { detach visit("b") using (id: "visit-b") },
  }
  var who: List<String> = []
  for _ in 0..2 { who.push(receive visited) }
  who
}"#;

/// No visitor and no keeper is there twice, and nothing is kept twice; where `main` was left alone, nothing is missing either.
pub fn assert_kept(ended: &Ended) {
    assert_ended(ended);
    let sorted = |value: &Value| {
        let mut all: Vec<String> = serde_json::from_value(value.clone()).expect("a list of texts");
        all.sort_unstable();
        all
    };
    let names: BTreeSet<&str> = ended.instances.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), ended.instances.len(), "ids are used once: {:?}", ended.instances);
    assert!(names.len() <= 3, "two visitors and a keeper: {names:?}");
    assert!(ended.instances.iter().all(|(_, status)| *status == Status::Completed), "{:?}", ended.instances);
    let kept = ended.outputs.get("keeper").map(sorted).unwrap_or_default();
    let mut once = kept.clone();
    once.dedup();
    assert_eq!(kept, once, "nothing is kept twice");
    for who in ["a", "b"] {
        let notes = calls(ended, "note").into_iter().filter(|what| *what == who).count();
        let of_them = kept.iter().filter(|what| what.starts_with(who)).count();
        assert_eq!(of_them, 2 * notes, "a visitor leaves both of its things: {kept:?}");
    }
    if ended.status == Status::Completed {
        assert_eq!(kept, ["a1", "a2", "b1", "b2", "m1", "m2"]);
        assert_eq!(ended.output.as_ref().map(sorted), Some(vec!["a".to_owned(), "b".to_owned()]));
    }
}
