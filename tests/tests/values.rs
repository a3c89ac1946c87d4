//! Values of every kind live across suspensions, with a crash at every transition and after every effect, on both executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use serde_json::json;

#[test]
fn closures_keep_what_they_captured_while_they_wait() {
    let body = r#"
record Step { name: String  change: fn(Int) -> Int }
fn adder(offset: Int) -> fn(Int) -> Int { |x| x + offset }
workflow main(n: Int) -> List<String> fails Declined {
  var offset = n
  let add = adder(offset)
  offset = 100
  let names = ["a", "b"]
  let prefix = |text: String| "{names[1]}{offset}:{text}"
  var steps = [Step("add", add), Step("twice", |x| add(add(x))), Step("none", |x| x)]
  let booked = book("one")
  sleep 1h
  steps.push(Step(booked, |x| x * offset))
  var got: List<String> = []
  for step in steps {
    let before = step.change(1)
    book(step.name)
    got.push(prefix("{step.name} {before} {step.change(before)}"))
  }
  got
}"#;
    let ended = run(body, json!({"n": 3}), &[], bookings);
    let expected = ["b100:add 4 7", "b100:twice 7 13", "b100:none 1 1", "b100:one 100 10000"];
    assert_eq!(ended.output, Some(json!(expected)));
}

#[test]
fn a_closure_that_waits_may_wait_in_a_branch() {
    let body = r#"
workflow main() -> List<String> fails Declined {
  let day = "today"
  let order = |what: String| book("{what} {day}")
  let both = parallel { order("a"), { sleep 1m; order("b") } }
  let all = parallel for what in ["c", "d"] { order(what) }
  [both[0], both[1]].concat(all)
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!(["a today", "b today", "c today", "d today"])));
}

#[test]
fn floats_sets_bytes_and_what_holds_them_live_across_waits() {
    let body = r#"
type Tag = distinct String
enum Mark { Open  Named(tag: Tag, weight: Float)  Raw(bytes: Bytes) }
record Kept {
  rate: Float
  seen: Set<(Int, Tag)>
  raw: Bytes
  marks: List<Mark?>
  counts: Map<(Int, Bool), List<Int?>>
  by_set: Map<Set<Int>, Timestamp?>
  any: Json
}
workflow main(kept: Kept) -> (Kept, Float, Bool) fails Declined {
  let before = kept
  var now = kept
  var total: Float = 0
  for mark in kept.marks {
    if mark is Some(Named(tag, weight)) {
      now.seen = now.seen.insert((now.seen.len(), tag))
      total = total + weight / now.rate
    }
    if mark is Some(Raw(bytes)) { now.raw = now.raw.concat(bytes) }
    book("{now.raw.len()}")
  }
  now.counts[(9, true)] = [none, Some(now.seen.len())]
  sleep 1h
  (now, total, before == kept and before != now)
}"#;
    let kept = json!({
        "rate": 0.1,
        "seen": [[1, "a"], [2, "b"]],
        "raw": "AAEC/w==",
        "marks": [null, "Open", {"Named": {"tag": "c", "weight": 1e300}}, {"Raw": {"bytes": "gIA="}}],
        "counts": [[[1, false], [1, null]]],
        "by_set": [[[1, 2], null], [[], "2030-01-31T12:00:00Z"]],
        "any": {"deep": [1.50, null, {"x": "y"}]},
    });
    let ended = run(body, json!({"kept": kept}), &[], bookings);
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.output);
    let mut expected = kept.clone();
    expected["seen"] = json!([[1, "a"], [2, "b"], [2, "c"]]);
    expected["raw"] = json!("AAEC/4CA");
    expected["counts"] = json!([[[1, false], [1, null]], [[9, true], [null, 3]]]);
    assert_eq!(ended.output, Some(json!([expected, 1e300 / 0.1, true])));
    assert_eq!(ended.effects, [r#"book("4")"#, r#"book("4")"#, r#"book("4")"#, r#"book("6")"#]);
}
