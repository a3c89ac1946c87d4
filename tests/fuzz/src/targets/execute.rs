//! Both executors: generated programs that are well typed give the same result, failure, effects and steps.

use crate::{Counters, Target, program};
use flow_mir::Executor;
use flow_project::Random;
use flow_tests::simulation::{Answer, Attempt, Ended, Simulation};
use serde_json::{Value, json};
use std::sync::Arc;

/// The target.
pub struct Execute;

impl Target for Execute {
    fn name(&self) -> &'static str {
        "execute"
    }

    fn input(&self, random: &mut Random) -> String {
        program::generate(random)
    }

    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String> {
        let program = Arc::new(
            flow_lower::testing::compile(input).map_err(|error| format!("is not compiled: {error}"))?,
        );
        let executors = flow_tests::executors(&program);
        for number in [0, 3, -1, i64::MAX] {
            let mut ends = executors.iter().map(|(name, executor)| (*name, run(executor.clone(), number)));
            let Some((first, expected)) = ends.next() else { continue };
            for (other, given) in ends {
                if given != expected {
                    return Err(format!(
                        "the executors differ:\nmain({number})\n{first}: {expected:#?}\n{other}: {given:#?}"
                    ));
                }
            }
            counters.count(if expected.output.is_some() { "completed" } else { "failed" });
            counters.add("effects", expected.effects.len());
            counters.add("transitions", expected.transitions);
            if let Some(kind) =
                expected.error.as_deref().and_then(|error| TRAPS.iter().find(|kind| error.contains(**kind)))
            {
                counters.count(kind);
            }
        }
        Ok(())
    }
}

const TRAPS: &[&str] = &["overflow", "division by zero", "out of range", "Small", "Large", "ActivityFailed"];

fn run(executor: Arc<dyn Executor>, number: i64) -> Ended {
    Simulation::new(executor, answer).run("main", &json!({ "n": number }))
}

/// What the activities of generated programs do. A failure passes after some attempts: a compensation is retried until it
/// succeeds, and would be for ever.
fn answer(attempt: &Attempt) -> Answer {
    let number = attempt.args.get("x").and_then(Value::as_i64).unwrap_or_default();
    match attempt.activity.as_str() {
        "step" if number % 7 == 3 && attempt.attempt < 4 => {
            Answer::Fails(json!({ "Small": { "n": number } }))
        }
        "step" => Answer::Returns(json!(number.wrapping_add(1))),
        "name" => Answer::Returns(json!(format!("s{}", number % 100))),
        "several" => Answer::Returns(json!([number % 10, 2, 3])),
        _ => Answer::Returns(Value::Null),
    }
}
