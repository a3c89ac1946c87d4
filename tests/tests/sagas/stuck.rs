//! Compensations that do not succeed at once: retried, bounded, stuck, resumed and skipped.

use crate::{OWN_POLICY, after, at, refuses_until, skip, undone};
use flow_machine::event::Message;
use flow_machine::ids::StrandPath;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, SECOND};
use serde_json::json;
use std::sync::{Arc, Mutex};

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
fn resuming_goes_on_where_a_stuck_compensation_stood_and_does_not_begin_it_anew() {
    let body = r#"
fn undo(b: String) {
  cancel("first of {b}")
  cancel(b) using (retry: exponential(initial: 1s, factor: 1, attempts: 2))
}
workflow main() fails Declined {
  saga {
    let b = book("b") compensate undo(b)
    book("bad")
  }
}"#;
    let ended = run(body, json!({}), &[at(60, Message::Resume)], refuses_until(3));
    assert_eq!(
        (ended.status, undone(&ended)),
        (Status::Failed, vec!["first of b".to_owned(), "b".to_owned()])
    );
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
    // It would succeed in the end, hours later.
    let ended = run(body, json!({}), &[at(600, skip())], refuses_until(200));
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
