//! Messages and state under failure: signals, updates, queries, conditions and schedules, with a crash before and after
//! the commit of every transition and after every effect, on both executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, Crash, Ended, Outside, SECOND, Simulation};
use serde_json::{Value, json};

fn signal(at: i64, name: &str, value: Value) -> Outside {
    Outside::Send(at * SECOND, Message::Signal { name: name.into(), value })
}

fn update(at: i64, name: &str, args: Value) -> Outside {
    Outside::Send(at * SECOND, Message::Update { name: name.into(), args })
}

fn returned(value: Value) -> Value {
    json!({"kind": "returned", "value": value})
}

#[test]
fn signals_are_received_in_the_order_in_which_they_came() {
    let body = r#"workflow main() -> List<Int> {
  signal n: Int
  var got = []
  sleep 10s
  for i in 0..4 { got.push(receive n) }
  got
}"#;
    // Two are kept while it sleeps, two come while it waits.
    let sent = [1, 2, 20, 30].map(|at| signal(at, "n", json!(at)));
    let ended = run(body, json!({}), &sent, bookings);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!([1, 2, 20, 30]))));
    assert_eq!(ended.took, 30 * SECOND);
}

#[test]
fn each_signal_has_a_queue_of_its_own_and_may_carry_nothing() {
    let body = r#"workflow main() -> String {
  signal go
  signal word: String
  receive go
  let first = receive word
  receive go
  first
}"#;
    let sent = [signal(1, "word", json!("w")), signal(2, "go", Value::Null), signal(3, "go", Value::Null)];
    assert_eq!(run(body, json!({}), &sent, bookings).output, Some(json!("w")));
}

#[test]
fn strands_that_wait_for_the_same_signal_get_it_in_the_order_in_which_they_began_to() {
    let body = r#"workflow main() -> (String, String, String) {
  signal word: String
  parallel {
    { sleep 3s; receive word },
    receive word,
    { sleep 1s; receive word },
  }
}"#;
    let sent =
        [signal(10, "word", json!("a")), signal(11, "word", json!("b")), signal(12, "word", json!("c"))];
    assert_eq!(run(body, json!({}), &sent, bookings).output, Some(json!(["c", "a", "b"])));
}

#[test]
fn a_receive_with_a_limit_times_out_and_a_message_at_that_moment_wins() {
    let body = r#"workflow main() -> Int {
  signal n: Int
  receive n within 10s catch { Timeout => 0 }
}"#;
    let at = |seconds: i64| run(body, json!({}), &[signal(seconds, "n", json!(7))], bookings);
    assert_eq!((at(9).output, at(10).output), (Some(json!(7)), Some(json!(7))));
    let late = at(11);
    assert_eq!((late.output, late.took), (Some(json!(0)), 10 * SECOND));
}

#[test]
fn a_race_takes_what_is_there_and_the_arm_that_loses_consumes_nothing() {
    let body = r#"workflow main() -> List<String> {
  signal yes: String
  signal no: String
  var got = []
  sleep 5s
  for i in 0..2 {
    got.push(race {
      receive yes as y => y
      receive no as n  => n
      slow("never") as s => s
      after 1h => "late"
    })
  }
  got
}"#;
    let sent = [signal(1, "no", json!("no")), signal(2, "yes", json!("yes"))];
    let ended = run(body, json!({}), &sent, |_| Answer::Never);
    // Both are there: the arm written first takes its own, the other stays for the next race.
    assert_eq!(ended.output, Some(json!(["yes", "no"])));
    assert!(ended.effects.is_empty(), "nothing is begun that has lost already");
    let waiting = run(body, json!({}), &[signal(50, "no", json!("a")), signal(60, "no", json!("b"))], |_| {
        Answer::After(7200 * SECOND, Box::new(Answer::Returns(json!("slow"))))
    });
    assert_eq!(waiting.output, Some(json!(["a", "b"])));
}

#[test]
fn a_signal_at_the_deadline_of_a_race_beats_it() {
    let body = r#"workflow main() -> String {
  signal word: String
  race {
    after 10s => "late"
    receive word as w => w
  }
}"#;
    let at = |seconds: i64| run(body, json!({}), &[signal(seconds, "word", json!("in time"))], bookings);
    assert_eq!(at(10).output, Some(json!("in time")));
    let late = at(11);
    assert_eq!(late.output, Some(json!("late")));
}

#[test]
fn what_nobody_received_is_recorded_at_the_end() {
    let body = r#"workflow main() {
  signal word: String
  sleep 10s
}"#;
    let sent = [signal(1, "word", json!("a")), signal(2, "word", json!("b")), signal(3, "wrong", json!(1))];
    let ended = run(body, json!({}), &sent, bookings);
    let ended_reason = "signal word: the instance has ended";
    assert_eq!(
        ended.undelivered,
        ["signal wrong: the workflow has no such signal", ended_reason, ended_reason]
    );
}

#[test]
fn an_update_answers_its_caller_and_what_fails_changes_nothing() {
    let body = r#"
error TooMuch(by: Int)
workflow main() -> Int {
  signal done
  state total = 0
  state log: List<String> = []
  query total() -> Int { 0 }
  query seen() -> (Int, List<String>) { (total, log) }
  update add(by: Int) -> Int fails TooMuch {
    total += by
    log.push("add {by}")
    if total > 10 { fail TooMuch(total) }
    total
  }
  receive done
  total
}"#
    .replace("  query total() -> Int { 0 }\n", "");
    let sent = [
        update(1, "add", json!({"by": 4})),
        update(2, "add", json!({"by": 40})),
        update(3, "add", json!({"by": 5})),
        update(4, "add", json!({"by": "x"})),
        update(5, "sub", json!({})),
        signal(6, "done", Value::Null),
    ];
    let ended = run(&body, json!({}), &sent, bookings);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!(9))));
    assert_eq!(ended.replies[0], returned(json!(4)));
    assert_eq!(ended.replies[1]["kind"], "failed");
    assert_eq!(ended.replies[1]["error"]["message"], "TooMuch(by: 44)");
    assert_eq!(ended.replies[2], returned(json!(9)));
    assert_eq!(ended.replies[3]["kind"], "refused");
    assert_eq!(ended.replies[4]["kind"], "refused");
    // Answered from the row, after the end as well.
    assert_eq!(ended.answers["seen"], json!([9, ["add 4", "add 5"]]));
}

#[test]
fn an_update_that_traps_harms_nobody_but_its_caller() {
    let body = r#"workflow main() -> Int {
  signal done
  state total = 1
  update share(among: Int) -> Int { total = 100; total / among }
  receive done
  total
}"#;
    let sent = [update(1, "share", json!({"among": 0})), signal(2, "done", Value::Null)];
    let ended = run(body, json!({}), &sent, bookings);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!(1))));
    assert_eq!(ended.replies[0]["kind"], "failed");
}

#[test]
fn an_update_to_an_instance_that_is_paused_waits_and_one_to_an_ended_one_is_refused() {
    let body = r#"workflow main() -> Int {
  signal done
  state total = 0
  update add(by: Int) -> Int { total += by; total }
  receive done
  total
}"#;
    let sent = [
        Outside::Send(SECOND, Message::Pause),
        update(2, "add", json!({"by": 1})),
        signal(3, "done", Value::Null),
        update(4, "add", json!({"by": 2})),
        Outside::Send(5 * SECOND, Message::Unpause),
    ];
    let ended = run(body, json!({}), &sent, bookings);
    assert_eq!(ended.output, Some(json!(3)));
    assert_eq!(ended.replies, [returned(json!(1)), returned(json!(3))]);
    let paused = [
        Outside::Send(SECOND, Message::Pause),
        update(2, "add", json!({"by": 1})),
        Outside::Send(3 * SECOND, Message::Terminate { reason: "enough".into() }),
    ];
    let ended = run(body, json!({}), &paused, bookings);
    assert_eq!(ended.status, Status::Terminated);
    assert_eq!(ended.replies, [json!({"kind": "refused", "reason": "the instance has ended"})]);
}

#[test]
fn a_condition_is_looked_at_when_the_wait_begins_and_when_its_state_changes() {
    let body = r#"
fn half(n: Int) -> Int? { if n >= 4 { n / 2 } else { none } }
workflow main(limit: Int) -> Int {
  state n = 0
  state other = 0
  update set(to: Int) { n = to }
  update touch() { other += 1 }
  wait until n == 0
  wait until n > limit
  wait until half(n) is Some(h) and h > 2
  h
}"#;
    let sent = [
        update(1, "touch", json!({})),
        update(2, "set", json!({"to": 3})),
        update(3, "set", json!({"to": 5})),
        update(4, "set", json!({"to": 8})),
    ];
    let ended = run(body, json!({"limit": 2}), &sent, bookings);
    assert_eq!((ended.output, ended.took), (Some(json!(4)), 4 * SECOND));
}

#[test]
fn a_condition_still_holds_when_its_strand_goes_on() {
    // Two workers want what one update offers: the second sees that it is gone.
    let body = r#"workflow main() -> List<Int> {
  state offered = 0
  state taken: List<Int> = []
  update offer(n: Int) { offered = n }
  parallel for worker in [1, 2] {
    wait until offered > 0
    taken.push(worker * 100 + offered)
    offered = 0
  }
  taken
}"#;
    let sent = [update(1, "offer", json!({"n": 7})), update(2, "offer", json!({"n": 8}))];
    assert_eq!(run(body, json!({}), &sent, bookings).output, Some(json!([107, 208])));
}

#[test]
fn a_condition_can_be_an_arm_of_a_race_and_binds_what_it_finds() {
    let body = r#"workflow main() -> String {
  state winner: String? = none
  update win(name: String) { winner = name }
  race {
    wait until winner is Some(w) => w
    after 1h                     => "nobody"
  }
}"#;
    let won = run(body, json!({}), &[update(3600, "win", json!({"name": "ann"}))], bookings);
    assert_eq!(won.output, Some(json!("ann")), "an update at the deadline beats it");
    let lost = run(body, json!({}), &[], bookings);
    assert_eq!((lost.output, lost.took), (Some(json!("nobody")), 3600 * SECOND));
}

#[test]
fn a_condition_that_fails_fails_where_it_is_waited_for() {
    let body = r#"workflow main() -> String {
  state n = 1
  update set(to: Int) { n = to }
  { wait until 10 / n > 10; "held" } catch { Trap(_, message) => message }
}"#;
    let ended = run(body, json!({}), &[update(1, "set", json!({"to": 0}))], bookings);
    assert!(ended.output.as_ref().unwrap().as_str().unwrap().contains("10 / 0"), "{:?}", ended.output);
}

const BEATS: &str = r#"
use std.time.{now}
activity work(turn: Int)
workflow main() -> List<Duration> {
  let start = now()
  state beats: List<Duration> = []
  every 10s {
    beats.push(now() - start)
    if beats.len() == 2 { continue }
    if beats.len() == 5 { break }
    work(beats.len())
  }
  beats
}"#;

fn beats(output: Option<Value>) -> Vec<String> {
    let beats = output.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    beats.iter().map(|beat| beat.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_schedule_keeps_its_beats_through_every_crash() {
    let ended = run(BEATS, json!({}), &[], |_| Answer::Returns(Value::Null));
    assert_eq!(beats(ended.output), ["0s", "10s", "20s", "30s", "40s"]);
}

#[test]
fn a_schedule_skips_the_beats_it_missed() {
    let program = flow_tests::compile(BEATS);
    for (kind, executor) in flow_tests::executors(&program) {
        let simulation = Simulation::new(executor, |attempt| match attempt.args["turn"].as_i64() {
            Some(3) => Answer::After(25 * SECOND, Box::new(Answer::Returns(Value::Null))),
            _ => Answer::Returns(Value::Null),
        });
        let ended = simulation.run("main", &json!({}));
        assert_eq!(beats(ended.output), ["0s", "10s", "20s", "50s", "1m"], "{kind}");
    }
}

#[test]
fn a_device_is_sampled_until_it_is_retired() {
    let body = r#"workflow main() -> Int {
  signal retire: String
  state samples = 0
  query samples_so_far() -> Int { samples }
  race {
    receive retire => {}
    every 1m {
      book("sample") catch { _ => "" }
      samples += 1
    } => {}
  }
  samples
}"#;
    let ended = run(body, json!({}), &[signal(150, "retire", json!("old"))], bookings);
    assert_eq!((ended.output, ended.answers["samples_so_far"].clone()), (Some(json!(3)), json!(3)));
}

#[test]
fn cancellation_ends_every_kind_of_wait() {
    let waits = ["receive word", "wait until n > 5", "every 1h { n += 1 }", "receive word within 1d"];
    for wait in waits {
        let body = format!(
            r#"workflow main() fails Declined {{
  signal word: String
  state n = 0
  update set(to: Int) {{ n = to }}
  saga {{
    let a = book("a") compensate cancel(a)
    {wait}
  }}
}}"#
        )
        .replace("1d", "24h");
        let ended = run(&body, json!({}), &[Outside::Send(60 * SECOND, Message::Cancel)], bookings);
        assert_eq!(ended.status, Status::Cancelled, "{wait}");
        assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#], "{wait}");
    }
}

const CART: &str = r#"
error Full(left: Int)
workflow cart(room: Int) -> Int {
  signal checkout
  state held = 0
  state most = room
  query count() -> Int { held }
  query free(of: Int = 10) -> Int { of / (held - 4) }
  update reserve(n: Int) -> Int fails Full {
    if held + n > most { fail Full(most - held) }
    held += n
    held
  }
  receive checkout
  held
}
"#;

#[test]
fn an_instance_is_asked_by_its_id_wherever_it_runs_and_when_it_has_ended() {
    let body = format!(
        "{CART}{}",
        r#"
workflow idle() { sleep 1s }
workflow main() -> List<String> fails Full {
  detach idle() using (id: "idle")
  let c = detach cart(5) using (id: "cart-7")
  var told = ["{c.reserve(3)}"]
  told.push({ "{cart.of("cart-7").reserve(3)}" } catch { Full(left) => "{left} left" })
  told.push("{c.count()} {c.reserve(n: 2)} {c.free()}")
  c.checkout()
  sleep 1s
  told.push("{c.count()} {c.free(of: 3)}")
  told.push({ "{c.reserve(0)}" } catch { ActivityFailed(_, _) => "ended" })
  told.push({ "{cart.of("cart-8").count()}" } catch { ActivityFailed(_, _) => "nobody" })
  told.push({ "{cart.of("cart-8").reserve(1)}" } catch { ActivityFailed(_, _) => "nobody" })
  told.push({ "{cart.of("idle").count()}" } catch { ActivityFailed(what, why) => "{what}: {why}" })
  told
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    let other = "cart: `idle` runs `idle`, not `cart`";
    let told = json!(["3", "2 left", "3 5 10", "5 3", "ended", "nobody", "nobody", other]);
    assert_eq!(ended.output, Some(told), "{ended:#?}");
    assert_eq!(ended.outputs["cart-7"], json!(5));
}

#[test]
fn what_a_query_of_an_instance_fails_with_goes_to_whoever_asks() {
    let body = format!(
        "{CART}{}",
        r#"
workflow main() -> String fails Full {
  let c = detach cart(5)
  c.reserve(4)
  let told = { "{c.free()}" } catch { ActivityFailed(what, why) => "{what}: {why}" }
  c.checkout()
  told
}"#
    );
    let output = run(&body, json!({}), &[], bookings).output;
    let told = output.as_ref().unwrap().as_str().unwrap();
    assert!(told.starts_with("cart: ") && told.contains("10 / 0"), "{told}");
}

#[test]
fn updates_of_many_askers_are_done_once_each() {
    let body = format!(
        "{CART}{}",
        r#"
workflow buyer(n: Int) -> Int fails Full { cart.of("cart").reserve(n) }
workflow main() -> Int fails Full {
  let c = detach cart(1000) using (id: "cart")
  parallel for n in [1, 10, 100] { if n == 10 { buyer(n) } else { c.reserve(n) } }
  let held = c.count()
  c.checkout()
  held
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!(111)), "{ended:#?}");
    assert_eq!(ended.replies.len(), 3);
}

#[test]
fn two_that_update_each_other_do_not_wait_for_each_other() {
    let body = r#"
workflow player(other: String, n: Int) -> Int {
  state got = 0
  update hit(by: Int) -> Int { got += by; got }
  sleep 1s
  player.of(other).hit(n)
  wait until got > 0
  got
}
workflow main() {
  detach player("b", 1) using (id: "a")
  detach player("a", 2) using (id: "b")
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.outputs["a"].clone(), ended.outputs["b"].clone()), (json!(2), json!(1)), "{ended:#?}");
}

/// `main` is paused from 1 s to 60 s; what asks it in between does so at 2 s.
fn asked_while_paused(asks: &str, start: &str) -> Ended {
    let body = format!(
        r#"
workflow asker() -> String {{
  sleep 2s
  {asks}
}}
workflow main() -> Int {{
  signal done
  state total = 0
  update add(by: Int) -> Int {{ total += by; total }}
  {start}
  receive done
  total
}}"#
    );
    let sent = [
        Outside::Send(SECOND, Message::Pause),
        Outside::Send(60 * SECOND, Message::Unpause),
        signal(90, "done", Value::Null),
    ];
    run(&body, json!({}), &sent, bookings)
}

#[test]
fn whoever_asks_waits_as_long_as_the_other_needs_unless_a_timeout_ends_it() {
    let detached = r#"detach asker() using (id: "asker")"#;
    let patient = asked_while_paused(r#""{main.of("test").add(1)}""#, detached);
    assert_eq!((patient.output, &patient.outputs["asker"]), (Some(json!(1)), &json!("1")));
    // It was on its way, so it is done all the same.
    let timed_out = r#"timeout 10s { "{main.of("test").add(1)}" } catch { Timeout => "late" }"#;
    let ended = asked_while_paused(timed_out, detached);
    assert_eq!((ended.output, &ended.outputs["asker"]), (Some(json!(1)), &json!("late")));
    let race = r#"race { main.of("test").add(1) as n => "{n}", after 10s => "late" }"#;
    let ended = asked_while_paused(race, detached);
    assert_eq!((ended.output, &ended.outputs["asker"]), (Some(json!(1)), &json!("late")));
    // A child asks the same way, though it is in the tree of the one it asks.
    let child = asked_while_paused(r#""{main.of("test").add(1)}""#, "spawn asker()");
    assert_eq!(child.output, Some(json!(1)), "{child:#?}");
}

#[test]
fn a_saga_knows_whether_an_update_was_done_or_says_what_to_do_where_nobody_does() {
    let detached = r#"detach asker() using (id: "asker")"#;
    let step = |unknown: &str| {
        format!(
            r#"saga {{
    timeout 10s {{
      let n = main.of("test").add(5)
        compensate main.of("test").add(-5){unknown}
      sleep 1h
      "{{n}}"
    }}
  }} catch {{ Timeout => "undone" }}"#
        )
    };
    // Without a word it is awaited, and undone as what it is: a step that has happened.
    let awaited = asked_while_paused(&step(""), detached);
    assert_eq!((awaited.output, &awaited.outputs["asker"]), (Some(json!(0)), &json!("undone")));
    let said = asked_while_paused(&step("\n        unknown |_key| main.of(\"test\").add(-5)"), detached);
    assert_eq!((said.output.clone(), &said.outputs["asker"]), (Some(json!(0)), &json!("undone")));
    assert_eq!(said.replies, [returned(json!(5)), returned(json!(0))]);
}

#[test]
fn what_nobody_knows_any_more_is_a_step_that_may_have_happened() {
    let body = r#"
workflow account() -> Int {
  signal close
  state sum = 0
  update add(by: Int) -> Int { sum += by; sum }
  update undo() -> Int { sum = 0; sum }
  receive close
  sum
}
workflow main() -> String {
  let a = detach account() using (id: "account")
  let told = {
    saga {
      let sum = a.add(5)
        compensate a.add(-5)
        unknown |_key| a.undo()
      "{sum}"
    }
  } catch { ActivityFailed(_, why) => why }
  account.of("account").close() catch { ActivityFailed(_, _) => {} }
  told
}"#;
    let program = flow_tests::compile(body);
    let (mut known, mut forgotten) = (0, 0);
    for (_, executor) in flow_tests::executors(&program) {
        let run = |crash: Option<Crash>| {
            let simulation = Simulation::new(executor.clone(), |_| Answer::Returns(Value::Null)).forgetting();
            let simulation = match crash {
                Some(crash) => simulation.crashing(crash),
                None => simulation,
            };
            simulation.run("main", &json!({}))
        };
        let calm = run(None);
        assert_eq!((&calm.output, &calm.outputs["account"]), (&Some(json!("5")), &json!(5)));
        for crash in calm.places_to_crash() {
            let ended = run(Some(crash));
            let sum = &ended.outputs["account"];
            match ended.output.as_ref().and_then(Value::as_str) {
                Some("5") => {
                    known += 1;
                    assert_eq!(*sum, json!(5), "{crash:?}");
                }
                Some("it is long ago") => {
                    forgotten += 1;
                    assert_eq!(*sum, json!(0), "{crash:?}");
                }
                _ => panic!("{crash:?}: {ended:#?}"),
            }
        }
    }
    assert!(known > 0 && forgotten > 0, "{known} {forgotten}");
}
