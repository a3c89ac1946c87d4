//! Cancellation and time-outs in every phase.

use crate::{OWN_POLICY, after, at, refuses_until, skip, undone};
use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, Attempt, SECOND};
use serde_json::json;

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

#[test]
fn a_second_cancellation_changes_nothing() {
    let body = r#"workflow main() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    let b = book("b") compensate cancel(b)
    { sleep 1h } catch { Cancelled => {
      sleep 1m
      cancel("clean-up")
    } }
  }
}"#;
    let slow = |attempt: &Attempt| match attempt.activity.as_str() {
        "cancel" => after(60, bookings(attempt)),
        _ => bookings(attempt),
    };
    let once = run(body, json!({}), &[at(10, Message::Cancel)], slow);
    let twice = run(body, json!({}), &[at(10, Message::Cancel), at(30, Message::Cancel)], slow);
    assert_eq!(
        (twice.status, undone(&twice)),
        (Status::Cancelled, ["clean-up", "b", "a"].map(str::to_owned).to_vec())
    );
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

/// In rough weather a timer fires again while the block that it ended is still being left.
#[test]
fn a_deadline_counts_once_however_often_its_timer_fires() {
    let body = r#"workflow main() -> String fails Declined {
  timeout 10s {
    { sleep 1h } catch { Cancelled => {
      sleep 4m
      cancel("clean-up")
    } }
    "in time"
  } catch { Timeout => "too late" }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("too late")));
    assert_eq!(undone(&ended), ["clean-up"]);
    assert!(ended.took >= 250 * SECOND, "what the block cleans up with is not interrupted again");
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
