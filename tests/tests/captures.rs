//! What a `parallel for` captures: stored once and lent to its branches, which must not be able to tell. With a crash at
//! every transition and after every effect, on both executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::rows::Status;
use flow_mir::{Id, Instruction, LocalId, Op, SuspendOp, Terminator};
use flow_tests::scenario::{bookings, run};
use serde_json::json;

#[test]
fn branches_read_what_they_capture_before_between_and_after_their_steps() {
    let body = r#"
record Price { name: String  cents: Int }
workflow main(n: Int) -> List<String> fails Declined {
  let names = (0..n).map(|i| "item {i}")
  let prices = ["item 0": Price("a", 1), "item 1": Price("b", 2), "item 2": Price("c", 3)]
  let none_yet: Int? = none
  let shown = |p: Price| "{p.name}:{p.cents} of {names.len()}"
  parallel for i in 0..n max 2 {
    let first = book(names[i])
    let price = prices[first] ?? Price("?", none_yet ?? -1)
    sleep 1s
    let second = book(shown(price))
    "{second}, {prices[names[(i + 1) % n]]?.cents ?? 0}"
  }
}"#;
    let ended = run(body, json!({"n": 3}), &[], bookings);
    assert_eq!(ended.output, Some(json!(["a:1 of 3, 2", "b:2 of 3, 3", "c:3 of 3, 1"])));
    assert_eq!(ended.effects.len(), 6);
}

#[test]
fn what_a_branch_makes_of_what_it_captures_is_its_own() {
    let body = r#"workflow main(n: Int) -> List<List<String>> fails Declined {
  let base = ["base"]
  let lists = parallel for i in 0..n {
    var mine = base
    mine.push(book("{i}"))
    sleep 1s
    mine.push(book("again {i}"))
    mine[0] = "{mine[0]} {base.len()}"
    mine
  }
  lists.push(base)
}"#;
    let ended = run(body, json!({"n": 2}), &[], bookings);
    assert_eq!(ended.output, Some(json!([["base 1", "0", "again 0"], ["base 1", "1", "again 1"], ["base"]])));
}

#[test]
fn a_fork_inside_a_branch_lends_on_what_the_branch_was_lent() {
    let body = r#"
fn total(rows: List<List<Int>>, at: Int) -> Int fails Declined {
  let sums = parallel for x in rows[at] max 1 {
    book("{at} {x}")
    x + rows.len()
  }
  sums.sum()
}
workflow main() -> List<Int> fails Declined {
  let rows = [[1, 2], [3], []]
  parallel for at in 0..rows.len() {
    let (sum, count) = parallel {
      total(rows, at)
      { sleep 1s; rows[at].len() }
    }
    sum * 10 + count
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!([92, 61, 0])));
}

#[test]
fn a_quorum_and_a_failure_take_along_what_they_need_of_it() {
    let body = r#"
error Short(missing: List<String>)
workflow main(n: Int) -> String fails Declined {
  let all = ["a", "b", "bad", "late"]
  let two = parallel first 2 for i in 0..n {
    let got = book(all[i])
    if i == 3 { sleep 1h }
    [got].concat(all)
  }
  let missing = parallel for i in 0..n {
    saga {
      let held = book("hold {all[i % 2]}") compensate cancel("{held} of {all.len()}")
      sleep 1s
      if i == 1 { fail Short(all) }
      sleep 1h
    }
    ""
  } catch { Short(missing) => missing }
  "{two.map(|x| x.len())} {missing}"
}"#;
    let ended = run(body, json!({"n": 4}), &[], bookings);
    assert_eq!(ended.status, Status::Completed);
    assert_eq!(ended.output, Some(json!(r#"[5, 5] ["a", "b", "bad", "late"]"#)));
    let undone = ended.effects.iter().filter(|effect| effect.starts_with("cancel"));
    assert!(undone.clone().all(|effect| effect.ends_with("of 4\")")) && undone.count() == 4);
}

#[test]
fn a_program_whose_branches_assign_to_what_they_capture_is_refused() {
    let text = "workflow main(n: Int) -> List<Int> { parallel for i in 0..n { sleep 1s; i + n } }";
    let mut program = (*flow_tests::compile(text)).clone();
    assert_eq!(program.validate(), Ok(()));
    let blocks = program.functions.values().flat_map(|function| function.blocks.values());
    let branch = blocks.filter_map(|block| match &block.terminator {
        Terminator::Suspend { op: SuspendOp::ParallelFor { branch, .. }, .. } => Some(branch.function),
        _ => None,
    });
    let branch = branch.collect::<Vec<_>>()[0];
    let function = program.functions.get_mut(branch).unwrap();
    let op = Op::Word { dst: LocalId::new(0), word: 7 };
    let entry = function.blocks.iter().next().unwrap().0;
    let instructions = &mut function.blocks.get_mut(entry).unwrap().instructions;
    instructions.push(Instruction { op, location: Default::default() });
    let refused = program.validate().unwrap_err().to_string();
    assert!(refused.contains("assigns to _0, which it captures"), "{refused}");
}
