//! The order in which steps are undone.

use crate::{after, undone};
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Attempt, SECOND};
use serde_json::json;

#[test]
fn undoing_goes_back_in_the_order_of_completion_across_branches() {
    let body = r#"workflow main() fails Declined {
  saga {
    parallel {
      { let a = book("a") compensate cancel(a) },
      { let b = book("b") compensate cancel(b) },
      { let c = book("c") compensate cancel(c) }
    }
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.args["what"].as_str() {
        Some("a") => after(3, bookings(attempt)),
        Some("c") => after(2, bookings(attempt)),
        _ => bookings(attempt),
    });
    assert_eq!(undone(&ended), ["a", "c", "b"]);
}

#[test]
fn what_branches_promoted_keeps_its_place_in_the_order() {
    let body = r#"
fn two(first: String, second: String) fails Declined {
  saga {
    let a = book(first) compensate cancel(a)
    let b = book(second) compensate cancel(b)
  }
}
workflow main() fails Declined {
  saga {
    let z = book("z") compensate cancel(z)
    parallel { two("1", "4"), two("2", "3") }
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| {
        let delay = match attempt.args["what"].as_str() {
            Some("1") => 1,
            Some("2") => 2,
            Some("4") => 9,
            Some("3") => 4,
            _ => 0,
        };
        after(delay, bookings(attempt))
    });
    assert_eq!(undone(&ended), ["4", "3", "2", "1", "z"]);
}

#[test]
fn branches_are_unwound_before_the_saga_around_them_undoes() {
    let body = r#"
fn held(what: String) fails Declined {
  saga {
    let a = book(what) compensate cancel(a)
    sleep 1h
  }
}
workflow main() fails Declined {
  saga {
    let a = book("outer") compensate cancel(a)
    parallel {
      held("inner"),
      { sleep 1m
        book("bad") }
    }
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "cancel" if attempt.args["booking"] == json!("inner") => after(30, bookings(attempt)),
        _ => bookings(attempt),
    });
    assert_eq!(undone(&ended), ["inner", "outer"]);
}

#[test]
fn saga_unordered_undoes_a_hundred_at_a_time() {
    let body = r#"workflow main(n: Int) fails Declined {
  saga unordered {
    for i in 0..n { book("{i}") compensate cancel("{i}") }
    book("bad")
  }
}"#;
    let program = flow_tests::compile(&format!("{}\n{body}", flow_tests::scenario::STEPS));
    for (kind, executor) in flow_tests::executors(&program) {
        let slow = |attempt: &Attempt| match attempt.activity.as_str() {
            "cancel" => after(10, bookings(attempt)),
            _ => bookings(attempt),
        };
        let took = |n: u32| {
            let simulation = flow_tests::simulation::Simulation::new(executor.clone(), slow);
            let ended = simulation.run("main", &json!({ "n": n }));
            assert_eq!(undone(&ended).len(), n as usize, "{kind}");
            ended.took / (10 * SECOND)
        };
        assert_eq!((took(100), took(101), took(250)), (1, 2, 3), "{kind}");
    }
}

#[test]
fn a_losing_race_arm_leaves_its_compensations_to_the_saga_around_the_race() {
    let body = r#"
fn arm() fails Declined {
  saga { let a = book("arm") compensate cancel(a) }
  sleep 1h
}
workflow main(fail_later: Bool) fails Declined {
  saga {
    race {
      arm()    => {}
      after 1m => {}
    }
    if fail_later { book("bad") }
  }
}"#;
    assert_eq!(undone(&run(body, json!({"fail_later": true}), &[], bookings)), ["arm"]);
    let ended = run(body, json!({"fail_later": false}), &[], bookings);
    assert_eq!((ended.status, undone(&ended)), (Status::Completed, vec![]));
}
