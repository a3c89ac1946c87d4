//! "Saga, exactly": each sentence of the language's definition under a crash before and after every commit and after every
//! effect, on both executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::event::Message;
use flow_machine::ids::StrandPath;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, Attempt, Ended, Outside, SECOND};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// What was undone, in order.
fn undone(ended: &Ended) -> Vec<String> {
    let undoing = ended.effects.iter().filter_map(|effect| effect.strip_prefix("cancel"));
    undoing.map(|rest| rest.trim_start_matches("_by_key").trim_matches(['(', ')', '"']).to_owned()).collect()
}

fn at(seconds: i64, message: Message) -> Outside {
    Outside::Send(seconds * SECOND, message)
}

fn skip() -> Message {
    Message::Skip { compensation: None }
}

fn after(seconds: i64, answer: Answer) -> Answer {
    Answer::After(seconds * SECOND, Box::new(answer))
}

// --- What is registered ---

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

// --- The order of undoing ---

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

// --- Steps whose outcome is unknown ---

#[test]
fn the_unknown_handler_gets_the_key_of_the_call_and_its_place_is_when_it_was_given_up() {
    let body = r#"workflow main() fails Declined {
  saga {
    parallel {
      bounded("x") compensate cancel("x") unknown |key| cancel_by_key(key),
      { sleep 1s
        let b = book("b") compensate cancel(b) }
    }
  }
}"#;
    let body = body.replace(
        "bounded(\"x\") compensate cancel(\"x\") unknown |key| cancel_by_key(key),",
        "{ bounded(\"x\") compensate cancel(\"x\") unknown |key| cancel_by_key(key) },",
    );
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = keys.clone();
    let ended = run(&body, json!({}), &[], move |attempt| match attempt.activity.as_str() {
        "bounded" => {
            seen.lock().unwrap().push(attempt.key.to_string());
            Answer::Unknown
        }
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Failed);
    let key = keys.lock().unwrap()[0].clone();
    assert!(keys.lock().unwrap().iter().all(|other| *other == key), "all attempts have one key");
    // Given up after the retry at 1 s, a moment after `b` was asked for and before it was answered, or after.
    let mut both = undone(&ended);
    both.sort();
    let mut expected = vec!["b".to_owned(), key];
    expected.sort();
    assert_eq!(both, expected);
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
        1 if attempt.activity == "careful" => Answer::Refused,
        2 if attempt.activity == "careful" => Answer::Fails(json!({"Declined": {"why": "no"}})),
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec![]));
}

// --- Compensations that do not succeed at once ---

const OWN_POLICY: &str = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b) using (retry: exponential(initial: 1s, factor: 1, attempts: 2))
    book("bad")
  }
}"#;

/// `cancel("b")` is refused until its `good`-th attempt.
fn refuses_until(good: u32) -> impl Fn(&Attempt) -> Answer + Clone + 'static {
    move |attempt| match attempt.activity.as_str() {
        "cancel" if attempt.args["booking"] == json!("b") && attempt.attempt < good => Answer::Refused,
        _ => bookings(attempt),
    }
}

#[test]
fn a_compensation_with_its_own_policy_gets_stuck_where_that_ends() {
    let stuck = run(OWN_POLICY, json!({}), &[], refuses_until(3));
    assert_eq!((stuck.status, undone(&stuck)), (Status::Stuck, vec![]), "the remaining entries are kept");
}

#[test]
fn resuming_tries_a_stuck_compensation_again_with_the_same_key() {
    let keys = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let seen = keys.clone();
    let script = refuses_until(3);
    let resume = [at(60, Message::Resume)];
    let ended = run(OWN_POLICY, json!({}), &resume, move |attempt| {
        if attempt.args["booking"] == json!("b") {
            seen.lock().unwrap().insert(attempt.key.to_string());
        }
        script(attempt)
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["b".to_owned(), "a".to_owned()]));
    assert_eq!(keys.lock().unwrap().len(), 1, "one key over all attempts, crashes and the resumption");
}

#[test]
fn skipping_a_stuck_compensation_goes_on_with_the_others() {
    let ended = run(OWN_POLICY, json!({}), &[at(60, skip())], refuses_until(99));
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn a_compensation_can_be_skipped_while_it_is_still_retried() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[at(600, skip())], refuses_until(u32::MAX));
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn one_of_several_compensations_can_be_skipped_by_its_path() {
    let body = r#"workflow main() fails Declined {
  saga unordered {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b)
    book("bad")
  }
}"#;
    let only = Message::Skip { compensation: Some(StrandPath("0~2".into())) };
    let ended = run(body, json!({}), &[at(600, only)], |attempt| match attempt.activity.as_str() {
        "cancel" if attempt.args["booking"] == json!("a") => after(3000, bookings(attempt)),
        "cancel" => Answer::Refused,
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn in_a_compensation_the_activitys_own_bounds_are_lifted() {
    let body = r#"
error Gone { Gone  Busy }
activity release(what: String) fails Gone {
  deadline: 10s
  retry: exponential(initial: 1s, factor: 1, attempts: 2) unless Gone
}
workflow main() fails Declined {
  saga {
    let a = book("a") compensate release(a)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "release" if attempt.attempt % 2 == 1 && attempt.attempt < 30 => Answer::Fails(json!("Gone")),
        "release" if attempt.attempt < 30 => Answer::Unknown,
        _ => bookings(attempt),
    });
    assert_eq!(
        (ended.status, ended.effects),
        (Status::Failed, vec![r#"book("a")"#.to_owned(), r#"release("a")"#.to_owned(),])
    );
    assert!(ended.took > 25 * SECOND);
}

#[test]
fn a_deadline_given_at_the_call_bounds_a_compensation() {
    let body = r#"workflow main() fails Declined {
  saga {
    let b = book("b") compensate cancel(b) using (deadline: 1m)
    book("bad")
  }
}"#;
    let stuck = run(body, json!({}), &[], refuses_until(u32::MAX));
    assert_eq!(stuck.status, Status::Stuck);
    assert!(stuck.took >= 60 * SECOND && stuck.took < 120 * SECOND);
    let resumed = run(body, json!({}), &[at(600, Message::Resume)], refuses_until(7));
    assert_eq!((resumed.status, undone(&resumed)), (Status::Failed, vec!["b".to_owned()]));
}

#[test]
fn a_time_out_inside_a_compensation_ends_its_own_block_and_may_be_handled() {
    let body = r#"
fn undo(b: String) {
  timeout 1m { cancel(b) } catch { Timeout => cancel("instead") }
}
workflow main() fails Declined {
  saga {
    let b = book("b") compensate undo(b)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], refuses_until(u32::MAX));
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["instead".to_owned()]));
}

// --- Ties ---

#[test]
fn an_answer_at_the_deadline_beats_it_and_a_later_one_does_not() {
    let body = r#"workflow main() -> String {
  race {
    after 1m       => "late"
    slow("x") as v => v
  }
}"#;
    // An attempt takes a thousandth of a second more than it says.
    let answers_after = |nanos: i64| {
        let program = flow_tests::compile(&format!("{}\n{body}", flow_tests::scenario::STEPS));
        let (_, executor) = flow_tests::executors(&program).remove(0);
        let script =
            move |attempt: &Attempt| Answer::After(nanos - SECOND / 1000, Box::new(bookings(attempt)));
        flow_tests::simulation::Simulation::new(executor, script).run("main", &json!({})).output
    };
    assert_eq!(answers_after(60 * SECOND), Some(json!("x")));
    assert_eq!(answers_after(60 * SECOND + 1), Some(json!("late")));
}

// --- Cancellation in every phase ---

#[test]
fn a_second_cancellation_changes_nothing() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b)
    sleep 1h
  }
}"#;
    let slow = |attempt: &Attempt| match attempt.activity.as_str() {
        "cancel" => after(60, bookings(attempt)),
        _ => bookings(attempt),
    };
    let once = run(body, json!({}), &[at(10, Message::Cancel)], slow);
    let twice = run(body, json!({}), &[at(10, Message::Cancel), at(30, Message::Cancel)], slow);
    assert_eq!((twice.status, undone(&twice)), (Status::Cancelled, vec!["b".to_owned(), "a".to_owned()]));
    assert_eq!(twice.took, once.took);
}

#[test]
fn cancellation_while_a_saga_undoes_is_delivered_after_it() {
    let body = r#"workflow main() -> String {
  let first = {
    saga {
      let a = book("a") compensate cancel(a)
      book("bad")
    }
  } catch { Declined(_) => "declined" }
  slow("after")
  first
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "cancel" => after(60, bookings(attempt)),
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(
        ended.effects,
        [r#"book("a")"#, r#"cancel("a")"#],
        "it undoes to the end, then nothing new begins"
    );
}

#[test]
fn an_error_that_a_saga_raises_again_is_not_replaced_by_a_late_cancellation() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "cancel" => after(60, bookings(attempt)),
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn cancelling_what_is_stuck_leaves_it_stuck() {
    let cancel = at(30, Message::Cancel);
    let stuck = run(OWN_POLICY, json!({}), std::slice::from_ref(&cancel), refuses_until(99));
    assert_eq!(stuck.status, Status::Stuck);
    let ended = run(OWN_POLICY, json!({}), &[cancel, at(60, skip())], refuses_until(99));
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}

#[test]
fn a_cancellation_is_not_lost_where_a_time_out_ends_while_it_is_under_way() {
    // The block's time is over while its saga undoes on account of the cancellation.
    let body = r#"workflow main() -> String {
  timeout 1m {
    saga {
      let a = slow("a") compensate cancel(a)
      sleep 1h
      a
    }
  } catch { Timeout => "too late" }
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "cancel" => after(600, bookings(attempt)),
        _ => bookings(attempt),
    });
    assert_eq!((ended.status, undone(&ended)), (Status::Cancelled, vec!["a".to_owned()]));
}

#[test]
fn a_cancellation_and_a_time_out_during_one_call_are_both_raised() {
    let body = r#"workflow main() -> String fails Declined {
  let first = timeout 1m { book("a") } catch { Timeout => "too late" }
  sleep 1h
  first
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], |attempt| match attempt.activity.as_str() {
        "book" => after(120, Answer::Refused),
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Cancelled);
    assert!(ended.took < 200 * SECOND);
}

#[test]
fn of_two_time_outs_that_end_during_one_call_both_are_raised_the_inner_one_first() {
    let body = r#"workflow main() -> String fails Declined {
  timeout 2m {
    let inner = timeout 1m { book("a") } catch { Timeout => "inner" }
    sleep 1h
    inner
  } catch { Timeout => "outer" }
}"#;
    let ended = run(body, json!({}), &[], |attempt| match attempt.activity.as_str() {
        "book" => after(180, Answer::Refused),
        _ => bookings(attempt),
    });
    assert_eq!(ended.output, Some(json!("outer")));
    assert!(ended.took < 200 * SECOND);
}

#[test]
fn a_named_cancelled_arm_cleans_up_and_the_cancellation_goes_on() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    { sleep 1h } catch { Cancelled => cancel("clean-up") }
    book("never")
  }
}"#;
    let ended = run(body, json!({}), &[at(30, Message::Cancel)], bookings);
    assert_eq!(
        (ended.status, undone(&ended)),
        (Status::Cancelled, vec!["clean-up".to_owned(), "a".to_owned()])
    );
}

#[test]
fn cancelling_before_the_first_step_runs_no_step() {
    let body = r#"workflow main() fails Declined {
  sleep 1m
  saga { let a = book("a") compensate cancel(a) }
}"#;
    let ended = run(body, json!({}), &[at(1, Message::Cancel)], bookings);
    assert_eq!((ended.status, ended.effects.len()), (Status::Cancelled, 0));
}

// --- Pause ---

const TWO_BRANCHES: &str = r#"workflow main() -> (String, String) fails Declined {
  saga {
    let both = parallel {
      { let a = book("a") compensate cancel(a)
        book("a2") },
      { let b = book("b") compensate cancel(b)
        book("b2") }
    }
    both
  }
}"#;

/// `b` is answered after 20 s, `a` after 40 s; what follows at once.
fn in_turn(attempt: &Attempt) -> Answer {
    match attempt.args["what"].as_str() {
        Some("a") => after(40, bookings(attempt)),
        Some("b") => after(20, bookings(attempt)),
        _ => bookings(attempt),
    }
}

#[test]
fn while_it_is_paused_nothing_new_begins_and_what_arrives_is_kept() {
    let pause = at(10, Message::Pause);
    let paused = run(TWO_BRANCHES, json!({}), std::slice::from_ref(&pause), in_turn);
    assert_eq!(paused.status, Status::Paused);
    assert_eq!(paused.effects, [r#"book("a")"#, r#"book("b")"#], "their answers wait");
    let ended = run(TWO_BRANCHES, json!({}), &[pause, at(600, Message::Unpause)], in_turn);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!(["a2", "b2"]))));
    assert!(
        ended.took >= 600 * SECOND && ended.took < 610 * SECOND,
        "answers that were kept are used at once"
    );
}

#[test]
fn steps_that_complete_in_a_pause_are_undone_in_the_reverse_of_that_order() {
    let body = TWO_BRANCHES.replace("    both\n", "    book(\"bad\")\n    both\n");
    let pause = [at(10, Message::Pause), at(600, Message::Unpause)];
    let program = flow_tests::compile(&format!("{}\n{body}", flow_tests::scenario::STEPS));
    // Without crashes: a crash in the pause loses an answer, and the second one comes when it comes.
    for (kind, executor) in flow_tests::executors(&program) {
        let simulation =
            flow_tests::simulation::Simulation::new(executor, in_turn).outside(pause.iter().cloned());
        let ended = simulation.run("main", &json!({}));
        assert_eq!(undone(&ended), ["a", "b"], "{kind}");
    }
}

#[test]
fn a_pause_holds_back_retries_and_its_end_makes_them_at_once() {
    let body = r#"workflow main() -> String fails Declined { book("a") }"#;
    let pause = [at(70, Message::Pause), at(6000, Message::Unpause)];
    // Without an answer the fourth attempt comes after 15 s, the seventh after two minutes.
    let ended = run(body, json!({}), &pause, |attempt| match attempt.attempt {
        1..9 => Answer::Unknown,
        _ => bookings(attempt),
    });
    assert_eq!(ended.status, Status::Completed);
    assert!(ended.took >= 6000 * SECOND);
}

#[test]
fn deadlines_that_pass_in_a_pause_are_decided_in_their_time() {
    let body = r#"workflow main() -> String {
  race {
    slow("x") as v => v
    after 1m       => "late"
  }
}"#;
    let pause = [at(10, Message::Pause), at(600, Message::Unpause)];
    let late = run(body, json!({}), &pause, |attempt| after(120, bookings(attempt)));
    assert_eq!(late.output, Some(json!("late")), "the deadline came before the answer");
    let soon = run(body, json!({}), &pause, |attempt| after(30, bookings(attempt)));
    assert_eq!(soon.status, Status::Completed);
}

#[test]
fn a_paused_instance_can_be_cancelled_and_terminated() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    sleep 1h
  }
}"#;
    let pause = at(10, Message::Pause);
    let cancelled =
        run(body, json!({}), &[pause.clone(), at(20, Message::Cancel), at(99, Message::Unpause)], bookings);
    assert_eq!((cancelled.status, undone(&cancelled)), (Status::Cancelled, vec!["a".to_owned()]));
    let terminate = Message::Terminate { reason: "enough".into() };
    let terminated = run(body, json!({}), &[pause, at(20, terminate)], bookings);
    assert_eq!((terminated.status, undone(&terminated)), (Status::Terminated, vec![]));
}

#[test]
fn what_is_stuck_is_stuck_again_after_a_pause() {
    let messages = [at(30, Message::Pause), at(40, Message::Unpause)];
    assert_eq!(run(OWN_POLICY, json!({}), &messages, refuses_until(99)).status, Status::Stuck);
    let messages = [at(30, Message::Pause), at(35, skip()), at(40, Message::Unpause)];
    let ended = run(OWN_POLICY, json!({}), &messages, refuses_until(99));
    assert_eq!((ended.status, undone(&ended)), (Status::Failed, vec!["a".to_owned()]));
}
