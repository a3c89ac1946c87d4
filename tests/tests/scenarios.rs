//! Durable constructs under failure: each program runs once calmly, then again with a crash before and after the commit of
//! every transition and after every effect whose completion is not recorded; on both executors. The result, and the
//! calls that happened, are the same each time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{STEPS, bookings, run};
use flow_tests::simulation::{Answer, Attempt, Outside, SECOND};
use serde_json::json;

#[test]
fn steps_run_in_order_and_give_their_result() {
    let body = r#"workflow main(n: Int) -> List<String> fails Declined {
  var done = []
  for i in 0..n { done.push(book("{i}")) }
  done
}"#;
    let ended = run(body, json!({"n": 3}), &[], bookings);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!(["0", "1", "2"]))));
    assert_eq!(ended.effects.len(), 3);
}

#[test]
fn a_failed_saga_undoes_its_steps_in_reverse_order() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"book("b")"#, r#"cancel("b")"#, r#"cancel("a")"#]);
}

#[test]
fn a_saga_that_succeeded_inside_another_is_undone_with_it() {
    let body = r#"
fn trip() fails Declined {
  saga { let a = book("inner") compensate cancel(a) }
}
workflow main() fails Declined {
  saga {
    let a = book("outer") compensate cancel(a)
    trip()
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(
        ended.effects,
        [r#"book("outer")"#, r#"book("inner")"#, r#"cancel("inner")"#, r#"cancel("outer")"#]
    );
}

#[test]
fn what_was_committed_is_not_undone() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    commit
    let b = book("b") compensate cancel(b)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"book("b")"#, r#"cancel("b")"#]);
}

#[test]
fn a_step_whose_outcome_is_unknown_is_undone_by_its_key() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = bounded("b") compensate cancel(b) unknown |key| cancel_by_key("lost")
    book(b)
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "bounded" => Answer::Unknown,
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Failed);
    let undone: Vec<&str> =
        ended.effects.iter().map(String::as_str).filter(|effect| effect.starts_with("cancel")).collect();
    assert_eq!(undone, [r#"cancel_by_key("lost")"#, r#"cancel("a")"#]);
}

#[test]
fn the_first_failure_of_parallel_branches_cancels_the_others() {
    let body = r#"workflow main() -> (String, String) fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    parallel { book("bad"), slow("b") }
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "slow" => Answer::After(600 * SECOND, Box::new(Answer::Returns(json!("b")))),
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Failed);
    assert!(ended.took < 10 * SECOND, "a call with a heartbeat is interrupted, not awaited");
    assert!(ended.effects.contains(&r#"cancel("a")"#.to_owned()));
}

#[test]
fn parallel_for_keeps_the_order_of_its_items_and_a_bound() {
    let body = r#"workflow main(n: Int) -> List<String> fails Declined {
  parallel for i in 0..n max 3 { book("{i}") }
}"#;
    let ended = run(body, json!({"n": 7}), &[], |attempt| {
        let delay = attempt.args["what"].as_str().and_then(|what| what.parse::<i64>().ok()).unwrap_or(0);
        Answer::After((10 - delay) * SECOND, Box::new(bookings(attempt)))
    });
    assert_eq!(ended.output, Some(json!(["0", "1", "2", "3", "4", "5", "6"])));
}

#[test]
fn failures_of_branches_can_be_collected() {
    let body = r#"workflow main() -> Int {
  let results = parallel for what in ["a", "bad", "c"] { try book(what) }
  results.errors().len()
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!(1))));
}

#[test]
fn the_first_arm_of_a_race_wins_and_the_deadline_is_one_of_them() {
    let body = r#"workflow main() -> String {
  race {
    slow("x") as v => v
    after 1h       => "late"
  }
}"#;
    let late = run(body, json!({}), &[], |_| Answer::Never);
    assert_eq!((late.output, late.took), (Some(json!("late")), 3600 * SECOND));
    let soon = run(body, json!({}), &[], bookings);
    assert_eq!(soon.output, Some(json!("x")));
}

#[test]
fn a_race_against_what_never_ends_is_won_by_the_others() {
    let body = r#"workflow main() -> String {
  race {
    loop { sleep 2m } as never => "{never}"
    every 1m {} as _ => "beats"
    every 2m { slow("beat") } => "not reached"
    after 3m => "late"
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.output, ended.took), (Some(json!("late")), 180 * SECOND));
}

#[test]
fn a_timeout_unwinds_its_block_first() {
    let body = r#"workflow main() -> String {
  timeout 10s {
    saga {
      let a = slow("a") compensate cancel(a)
      sleep 1h
      a
    }
  } catch { Timeout => "too slow" }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("too slow")));
    assert_eq!(ended.effects, [r#"slow("a")"#, r#"cancel("a")"#]);
}

#[test]
fn cancelling_an_instance_undoes_its_sagas() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    sleep 1h
  }
}"#;
    let cancel = [Outside::Send(60 * SECOND, Message::Cancel)];
    let ended = run(body, json!({}), &cancel, bookings);
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#]);
}

#[test]
fn a_call_in_flight_that_cannot_be_interrupted_is_awaited_and_then_undone() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    sleep 1h
  }
}"#;
    let cancel = [Outside::Send(10 * SECOND, Message::Cancel)];
    let ended = run(body, json!({}), &cancel, |attempt| match attempt.activity.as_str() {
        "book" => Answer::After(60 * SECOND, Box::new(bookings(attempt))),
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#]);
}

#[test]
fn a_shield_keeps_cancellation_out_until_it_is_left() {
    let body = r#"workflow main() fails Declined {
  shield {
    sleep 1m
    book("inside")
  }
  sleep 1h
  book("never")
}"#;
    let cancel = [Outside::Send(10 * SECOND, Message::Cancel)];
    let ended = run(body, json!({}), &cancel, bookings);
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.effects, [r#"book("inside")"#]);
}

#[test]
fn a_compensation_is_retried_until_it_succeeds() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "cancel" if attempt.attempt < 4 => Answer::Refused,
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#]);
}

#[test]
fn a_trap_in_a_compensation_leaves_the_instance_stuck_until_it_is_skipped() {
    let body = r#"
fn undo(a: String, n: Int) { cancel("{10 / n}") }
workflow main(n: Int) fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate undo(b, n)
    book("bad")
  }
}"#;
    let stuck = run(body, json!({"n": 0}), &[], bookings);
    assert_eq!(stuck.status, Status::Stuck);
    let resumed = run(body, json!({"n": 0}), &[Outside::Send(60 * SECOND, Message::Resume)], bookings);
    assert_eq!(resumed.status, Status::Stuck, "it traps again");
    let skipped = run(
        body,
        json!({"n": 0}),
        &[Outside::Send(60 * SECOND, Message::Skip { compensation: None })],
        bookings,
    );
    assert_eq!(skipped.status, Status::Failed);
    assert_eq!(skipped.effects, [r#"book("a")"#, r#"book("b")"#, r#"cancel("a")"#]);
}

#[test]
fn terminating_ends_without_undoing() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    sleep 1h
  }
}"#;
    let terminate = [Outside::Send(60 * SECOND, Message::Terminate { reason: "enough".into() })];
    let ended = run(body, json!({}), &terminate, bookings);
    assert_eq!(ended.status, Status::Terminated);
    assert_eq!(ended.effects, [r#"book("a")"#]);
}

#[test]
fn retries_are_bounded_by_their_policy_and_exceptions_are_not_retried() {
    let body = r#"
error Bad { Once  Always }
activity flaky(which: String) -> Int fails Bad { retry: exponential(initial: 1s, factor: 2, attempts: 3) unless Always }
workflow main(which: String) -> Int fails Bad { flaky(which) }"#;
    let flaky = |attempt: &Attempt| match attempt.args["which"].as_str() {
        Some("once") if attempt.attempt == 1 => Answer::Fails(json!("Once")),
        Some("always") => Answer::Fails(json!("Always")),
        _ => Answer::Returns(json!(attempt.attempt)),
    };
    let program = flow_tests::compile(&format!("{STEPS}\n{body}"));
    for (kind, executor) in flow_tests::executors(&program) {
        let run = |which: &str| {
            flow_tests::simulation::Simulation::new(executor.clone(), flaky)
                .run("main", &json!({ "which": which }))
        };
        assert_eq!(run("once").output, Some(json!(2)), "{kind}");
        let always = run("always");
        assert_eq!((always.status, always.attempts), (Status::Failed, 1), "{kind}");
    }
}
