//! Pauses: what waits, and what is decided meanwhile.

use crate::{OWN_POLICY, after, at, refuses_until, skip, undone};
use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, Attempt, SECOND};
use serde_json::json;

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
