//! One attempt from its start to its outcome: computing and waiting in turn.

use crate::connector::{Answer, Connectors, Failure, sql};
use crate::course::{Course, Input, Next};
use crate::pulse::Pulse;
use crate::surroundings::Surroundings;
use flow_machine::event::CallOutcome;
use flow_machine::ids::CallKey;
use flow_mir::{ActivityId, Executor, Limits, TypeId};
use flow_store::{StepTransaction, StoreError};
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// An attempt to make.
pub struct Attempt {
    /// Runs the program. It computes on the task's own thread, so it should bound for how long.
    pub executor: Arc<dyn Executor>,
    /// What to do; it has a `run:`.
    pub activity: ActivityId,
    /// The call, the same on every attempt.
    pub key: CallKey,
    /// The arguments: an image, as `Dispatch::args`.
    pub args: Vec<u8>,
    /// For a transactional activity, the open transaction of its step. It is committed with the outcome where that is
    /// `Returned` or `Failed`, and rolled back in all other cases, also when the attempt is dropped.
    pub transaction: Option<Box<dyn StepTransaction>>,
    /// Beats with each sign of life.
    pub pulse: Pulse,
}

/// What one attempt may use.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Words of memory.
    pub heap_words: usize,
    /// Bytes of call stack.
    pub stack_bytes: usize,
}

impl Default for Bounds {
    /// As a strand of an instance.
    fn default() -> Self {
        let Limits { heap_words, stack_bytes, .. } = Limits::default();
        Bounds { heap_words, stack_bytes }
    }
}

/// Makes attempts; cheap to clone, shared by all of a process, so that they share connections.
#[derive(Clone)]
pub struct Runner {
    connectors: Arc<dyn Connectors>,
    surroundings: Arc<dyn Surroundings>,
    bounds: Bounds,
}

impl Runner {
    /// A runner for attempts in these surroundings, whose calls go through these connectors.
    pub fn new(
        surroundings: Arc<dyn Surroundings>,
        connectors: Arc<dyn Connectors>,
        bounds: Bounds,
    ) -> Runner {
        Runner { connectors, surroundings, bounds }
    }

    /// Makes an attempt. Dropping the future stops it: requests are broken off, commands killed, statements rolled back.
    pub async fn run_attempt(&self, attempt: Attempt) -> CallOutcome {
        let Attempt { executor, activity, key, args, mut transaction, pulse } = attempt;
        let Bounds { heap_words, stack_bytes } = self.bounds;
        let limits = Limits { heap_words, stack_bytes, ..Limits::default() };
        let surroundings = Arc::clone(&self.surroundings);
        let course = Course::new(Arc::clone(&executor), activity, key, &args, surroundings, limits);
        let course = match course {
            Ok(course) => course,
            Err(reason) => return CallOutcome::Refused { reason },
        };
        let mut run = Run { runner: self, executor, key, pulse, happened: None };
        let outcome = run.finish(course, &mut transaction).await;
        let outcome = run.in_doubt(outcome);
        match transaction {
            Some(transaction) => run.in_doubt(record(transaction, outcome).await),
            None => outcome,
        }
    }
}

/// An attempt under way.
struct Run<'a> {
    runner: &'a Runner,
    executor: Arc<dyn Executor>,
    key: CallKey,
    pulse: Pulse,
    /// The connector call that has changed something out there.
    happened: Option<String>,
}

impl Run<'_> {
    async fn finish(
        &mut self,
        mut course: Course,
        transaction: &mut Option<Box<dyn StepTransaction>>,
    ) -> CallOutcome {
        let mut input = Input::Go;
        loop {
            let (back, next) = match Self::compute(course, input) {
                Ok(advanced) => advanced,
                Err(reason) => return CallOutcome::Refused { reason },
            };
            course = back;
            self.pulse.beat();
            input = match next {
                Next::Over(outcome) => return outcome,
                Next::Sleep(duration) => {
                    self.pulse.sleep(duration).await;
                    Input::Go
                }
                Next::Connector { name, args, expected } => {
                    match self.perform(&name, &args, expected, transaction).await {
                        Ok(answer) => {
                            if name != "http.get" && !name.starts_with("sql.") {
                                self.happened.get_or_insert(name);
                            }
                            Input::Answer(answer)
                        }
                        Err(Failure::Answered { reason, error }) => Input::Refusal { reason, error },
                        Err(Failure::Over(outcome)) => return outcome,
                    }
                }
            };
        }
    }

    /// Lets the strand compute, here and now: handing it to another thread would cost more than most `run`s. The
    /// executor bounds how long.
    fn compute(mut course: Course, input: Input) -> Result<(Course, Next), String> {
        let computed = std::panic::catch_unwind(AssertUnwindSafe(move || {
            let next = course.advance(input);
            (course, next)
        }));
        computed.map_err(|_| "the activity's code failed inside flow, which is a bug in flow".to_owned())
    }

    async fn perform(
        &self,
        name: &str,
        args: &[Value],
        expected: TypeId,
        transaction: &mut Option<Box<dyn StepTransaction>>,
    ) -> Result<Answer, Failure> {
        match (name.split_once('.'), transaction) {
            (Some(("sql", verb)), Some(transaction)) => {
                let types = &self.executor.program().types;
                sql::perform(transaction.as_mut(), verb, args, types, expected).await
            }
            (Some(("sql", _)), None) => Err(Failure::refused(format!(
                "`{name}` works only in the transaction of its step, and there is none"
            ))),
            _ => self.runner.connectors.perform(name, args, self.key, &self.pulse).await,
        }
    }

    /// "It didn't happen" is no longer true once a part of it has.
    fn in_doubt(&self, outcome: CallOutcome) -> CallOutcome {
        match (&self.happened, outcome) {
            (Some(done), CallOutcome::Refused { reason } | CallOutcome::NotSent { reason }) => {
                CallOutcome::Unknown {
                    reason: format!("{reason} (after `{done}` had succeeded)"),
                    timed_out: false,
                }
            }
            (_, outcome) => outcome,
        }
    }
}

/// Ends the transaction as the outcome demands.
async fn record(mut transaction: Box<dyn StepTransaction>, outcome: CallOutcome) -> CallOutcome {
    let failed = match &outcome {
        CallOutcome::Returned(_) => false,
        CallOutcome::Failed(_) => true,
        // Dropping rolls back.
        _ => return outcome,
    };
    let bytes = match postcard::to_stdvec(&outcome) {
        Ok(bytes) => bytes,
        Err(error) => return CallOutcome::Refused { reason: format!("the outcome can't be kept: {error}") },
    };
    if failed && let Err(error) = transaction.undo().await {
        return rolled_back(&error);
    }
    match transaction.complete(&bytes).await {
        Ok(None) => outcome,
        Ok(Some(first)) => postcard::from_bytes(&first.outcome).unwrap_or_else(|_| CallOutcome::Unknown {
            reason: "the call was settled otherwise before this attempt was done".into(),
            timed_out: false,
        }),
        Err(error @ StoreError::Unavailable { .. }) => CallOutcome::Unknown {
            reason: format!("whether it was committed is unknown: {error}"),
            timed_out: false,
        },
        Err(error) => rolled_back(&error),
    }
}

fn rolled_back(error: &StoreError) -> CallOutcome {
    match sql::failure(error) {
        Failure::Over(outcome) => outcome,
        Failure::Answered { reason, .. } => CallOutcome::Refused { reason },
    }
}
