//! "Saga, exactly": each sentence of the language's definition under a crash before and after every commit and after every
//! effect, on both executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod cancelling;
mod order;
mod pausing;
mod registering;
mod stuck;
mod unknown;

use flow_machine::event::Message;
use flow_tests::scenario::bookings;
use flow_tests::simulation::{Answer, Attempt, Ended, Outside, SECOND};
use serde_json::json;

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

/// What is undone first has a policy of its own: two attempts.
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
