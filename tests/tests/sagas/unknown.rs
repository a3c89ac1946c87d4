//! Steps of which nobody knows whether they happened.

use crate::{after, at, undone};
use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{STEPS, bookings, run};
use flow_tests::simulation::{Answer, Attempt, SECOND, Simulation};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[test]
fn the_unknown_handler_gets_the_key_that_all_attempts_of_the_call_had() {
    let body = r#"workflow main() fails Declined {
  saga {
    bounded("x") compensate cancel("x") unknown |key| cancel_by_key(key)
  }
}"#;
    let keys = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = keys.clone();
    let ended = run(body, json!({}), &[], move |attempt| match attempt.activity.as_str() {
        "bounded" => {
            seen.lock().unwrap().insert(attempt.key.to_string());
            Answer::Unknown
        }
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(Vec::from_iter(keys.lock().unwrap().clone()), undone(&ended), "one key, in all runs");
}

/// The other branch has the time to book, whatever is told twice.
#[test]
fn a_failure_that_is_told_twice_ends_no_later_attempt() {
    let body = r#"workflow main() fails Declined {
  saga {
    parallel {
      { bounded("x") compensate cancel("x") unknown |key| cancel_by_key("the key of x") },
      { sleep 1s
        let b = book("b") compensate cancel(b) }
    }
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "bounded" => Answer::Unknown,
        _ => bookings(attempt),
    });
    // The second attempt is made after 1 s: given up a moment before `b` was answered, or after.
    let both = BTreeSet::from_iter(undone(&ended));
    assert_eq!(both, BTreeSet::from(["b".to_owned(), "the key of x".to_owned()]));
}

/// Without crashes, which use up attempts and so move the moment. It is given up after 1 s, at its second attempt.
#[test]
fn the_place_of_an_unknown_step_is_when_it_was_given_up() {
    let body = r#"
activity careful(what: String) -> String fails ActivityFailed {
  retry: exponential(initial: 1s, factor: 1, attempts: 2)
}
workflow main() fails Declined {
  saga {
    parallel {
      { try { careful("x") compensate cancel("x") unknown |key| cancel_by_key("the key of x") } },
      { sleep 500ms
        let b = book("before") compensate cancel(b) },
      { sleep 2s
        let b = book("after") compensate cancel(b) }
    }
    book("bad")
  }
}"#;
    let program = flow_tests::compile(&format!("{STEPS}\n{body}"));
    let script = |attempt: &Attempt| match attempt.activity.as_str() {
        "careful" => Answer::Unknown,
        _ => bookings(attempt),
    };
    for (_, executor) in flow_tests::executors(&program) {
        let ended = Simulation::new(executor, script).run("main", &json!({}));
        assert_eq!(ended.status, Status::Failed);
        assert_eq!(undone(&ended), ["after", "the key of x", "before"]);
    }
}

#[test]
fn a_step_that_says_unknown_is_interrupted_by_cancellation_and_undone_by_its_key() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    book("b") compensate cancel("b") unknown |key| cancel_by_key("the key of b")
  }
}"#;
    let ended =
        run(body, json!({}), &[at(60, Message::Cancel)], |attempt| match attempt.args["what"].as_str() {
            Some("b") => after(3600, bookings(attempt)),
            _ => bookings(attempt),
        });
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(undone(&ended), ["the key of b", "a"]);
    assert!(ended.took < 100 * SECOND, "it is not awaited");
}

#[test]
fn a_step_that_may_have_happened_is_tried_until_that_is_known_before_it_is_cancelled() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    book("b")
  }
}"#;
    // The first two attempts give no answer; the cancellation comes in the pause after the second.
    let ended = run(body, json!({}), &[at(2, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "book" if attempt.attempt < 4 => Answer::Unknown,
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#]);
}

#[test]
fn a_step_that_certainly_did_not_happen_gives_way_to_cancellation_between_its_attempts() {
    let body = r#"
activity fussy(what: String) -> String fails Declined { retry: exponential(initial: 1h, factor: 1, attempts: 9) }
workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = fussy("b") compensate cancel(b) unknown |key| cancel_by_key(key)
  }
}"#;
    let ended = run(body, json!({}), &[at(60, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "fussy" => Answer::Fails(json!({"Declined": {"why": "busy"}})),
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Cancelled, vec!["a".to_owned()]));
    assert!(ended.took < 100 * SECOND);
}

#[test]
fn a_later_answer_settles_what_an_earlier_attempt_left_open() {
    let body = r#"
activity careful(what: String) -> String fails Declined { retry: exponential(initial: 1s, factor: 1, attempts: 2) }
workflow main() fails Declined {
  saga {
    let a = careful("a") compensate cancel(a) unknown |key| cancel_by_key(key)
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.attempt {
        1 if attempt.activity == "careful" => Answer::Unknown,
        2 if attempt.activity == "careful" => Answer::Fails(json!({"Declined": {"why": "no"}})),
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec![]));
}

/// Without crashes, which would lose one of the attempts: that the second one answers is what counts.
#[test]
fn an_answer_that_is_tried_again_has_settled_what_came_before_it() {
    let program = flow_tests::compile(&format!(
        "{STEPS}\n{}",
        r#"
activity careful(what: String) -> String { retry: exponential(initial: 1s, factor: 1, attempts: 3) }
workflow main() {
  saga {
    let a = careful("a") compensate cancel(a) unknown |key| cancel_by_key(key)
  }
}"#
    ));
    let script = |attempt: &Attempt| match (attempt.activity.as_str(), attempt.attempt) {
        ("careful", 1) => Answer::Unknown,
        ("careful", 2) => Answer::Refused,
        ("careful", _) => Answer::NotSent,
        _ => bookings(attempt),
    };
    for (_, executor) in flow_tests::executors(&program) {
        let ended = Simulation::new(executor, script).run("main", &json!({}));
        assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec![]));
    }
}

#[test]
fn what_one_attempt_left_open_stays_so_though_the_next_ones_were_not_even_sent() {
    let body = r#"
activity careful(what: String) -> String { retry: exponential(initial: 1s, factor: 1, attempts: 3) }
workflow main() {
  saga {
    let a = careful("a") compensate cancel(a) unknown |key| cancel_by_key("the key of a")
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.attempt {
        1 if attempt.activity == "careful" => Answer::Unknown,
        _ if attempt.activity == "careful" => Answer::NotSent,
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["the key of a".to_owned()]));
}
