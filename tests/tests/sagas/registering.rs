//! What a saga holds: which steps, with which values, and for how long.

use crate::undone;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use serde_json::json;

#[test]
fn a_compensation_has_the_values_of_the_moment_it_was_registered() {
    let body = r#"workflow main() fails Declined {
  var name = "first"
  saga {
    book("a") compensate cancel(name)
    name = "second"
    book("b") compensate cancel(name)
    name = "third"
    book("bad")
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["second", "first"]);
}

#[test]
fn a_loop_registers_one_compensation_each_time() {
    let body = r#"workflow main() fails Declined {
  saga {
    for i in 0..3 { let a = book("{i}") compensate cancel(a) }
    book("bad")
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["2", "1", "0"]);
}

#[test]
fn the_value_of_a_compensated_statement_is_the_statements() {
    let body = r#"workflow main() -> String fails Declined {
  saga { book("a") compensate cancel("a") }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.status, ended.output.clone()), (Status::Completed, Some(json!("a"))));
    assert!(undone(&ended).is_empty());
}

#[test]
fn a_step_that_failed_with_an_answer_is_not_undone() {
    let body = r#"workflow main() fails Declined {
  saga {
    book("a") compensate cancel("a")
    book("bad") compensate cancel("bad")
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["a"]);
}

#[test]
fn try_around_a_step_registers_on_success_and_not_on_failure() {
    let body = r#"workflow main() fails Declined {
  saga {
    let good = try { let a = book("a") compensate cancel(a)
      a }
    let bad = try { let b = book("bad") compensate cancel(b)
      b }
    if bad.is_err() and good.is_ok() { book("bad") }
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["a"]);
}

#[test]
fn leaving_a_saga_by_return_or_break_is_success() {
    let body = r#"
fn early() -> String fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    return a
  }
}
workflow main(fail_later: Bool) -> String fails Declined {
  loop {
    saga {
      let b = book("b") compensate cancel(b)
      break
    }
  }
  saga {
    let a = early()
    if fail_later { book("bad") }
    a
  }
}"#;
    let ended = run(body, json!({"fail_later": false}), &[], bookings);
    assert_eq!((ended.status, undone(&ended)), (Status::Completed, vec![]));
    let ended = run(body, json!({"fail_later": true}), &[], bookings);
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn commit_drops_what_the_innermost_saga_holds_and_nothing_else() {
    let body = r#"
fn inner() fails Declined {
  saga {
    let b = book("b") compensate cancel(b)
    commit
    let c = book("c") compensate cancel(c)
  }
}
workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    inner()
    book("bad")
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["c", "a"]);
}

#[test]
fn what_an_inner_saga_has_undone_itself_is_not_undone_again() {
    let body = r#"
fn inner() fails Declined {
  saga {
    let b = book("b") compensate cancel(b)
    book("bad")
  }
}
workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    inner() catch { Declined(_) => {} }
    let c = book("c") compensate cancel(c)
    book("bad")
  }
}"#;
    assert_eq!(undone(&run(body, json!({}), &[], bookings)), ["b", "c", "a"]);
}
