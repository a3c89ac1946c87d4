//! Programs over a few made-up activities, run with a crash everywhere.

use crate::simulation::{Answer, Attempt, Ended, Outside, survives_every_crash};
use serde_json::{Value, json};

/// Activities that scenarios are made of.
pub const STEPS: &str = r#"
error Declined(why: String)
activity book(what: String) -> String fails Declined
activity cancel(booking: String)
activity cancel_by_key(key: String)
activity slow(what: String) -> String { heartbeat: 1m }
activity bounded(what: String) -> String { timeout: 5s  retry: exponential(initial: 1s, factor: 2, attempts: 2) }
"#;

/// Runs a program made of `STEPS` and `body`, with this script.
pub fn run(
    body: &str,
    input: Value,
    outside: &[Outside],
    script: impl Fn(&Attempt) -> Answer + Clone + 'static,
) -> Ended {
    let program = crate::compile(&format!("{STEPS}\n{body}"));
    survives_every_crash(&program, "main", &input, outside, script)
}

/// Bookings succeed with their own name, but for "bad", which is declined.
pub fn bookings(attempt: &Attempt) -> Answer {
    let what = attempt.args.get("what").and_then(Value::as_str).unwrap_or_default();
    match attempt.activity.as_str() {
        "book" if what == "bad" => Answer::Fails(json!({"Declined": {"why": "full"}})),
        "book" | "slow" | "bounded" => Answer::Returns(json!(what)),
        _ => Answer::Returns(Value::Null),
    }
}
