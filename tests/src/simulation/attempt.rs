//! Attempts of activities: what they do in the world, and when their outcome is heard of.

use super::ended::call;
use super::faults::Crash;
use super::script::{Answer, Attempt, image_json, outcome};
use super::{SECOND, Simulation};
use crate::trace::Gate;
use flow_machine::event::{CallOutcome, Dispatch, Event, Message};
use flow_machine::ids::{CallKey, InstanceId};
use serde_json::Value;

/// An attempt whose outcome is on its way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// When it is heard of, unless the gate is still shut.
    pub at: i64,
    pub gate: Gate,
    pub instance: InstanceId,
    pub key: CallKey,
    pub attempt: u32,
    pub outcome: CallOutcome,
    /// Whether it is told through the inbox, since the process that asked for it is gone.
    pub elsewhere: bool,
}

impl Flight {
    /// As the owner hears of it.
    pub fn event(&self) -> Event {
        Event::CallEnded { key: self.key, attempt: self.attempt, outcome: self.outcome.clone() }
    }

    /// As it is told to whoever owns the instance by now.
    pub fn message(&self) -> Message {
        let key = self.key.to_string();
        Message::CallEnded { key, attempt: self.attempt, outcome: self.outcome.clone() }
    }
}

impl Simulation<'_> {
    /// Whether an outcome may be heard of.
    pub(super) fn arrives(&self, flight: &Flight) -> bool {
        flight.gate.is_open(&self.trace)
    }

    /// Makes an attempt; false where the process is lost after its effect.
    pub(super) fn attempt(&mut self, dispatch: &Dispatch) -> bool {
        let executor = self.executor.clone();
        let program = executor.program();
        let activity = program.activities.at(dispatch.activity);
        let types: Vec<_> = activity.params.iter().map(|param| param.ty).collect();
        let args = image_json(program, &types, &dispatch.args);
        let named = activity.params.iter().map(|param| param.name.clone()).zip(args.clone()).collect();
        let attempt = Attempt {
            activity: activity.name.clone(),
            args: Value::Object(named),
            attempt: dispatch.attempt,
            key: dispatch.key,
        };
        self.attempts += 1;
        self.trace.attempt(dispatch.key, &activity.name, &args);
        let mut answer = (self.script)(&attempt);
        let (mut delay, mut gate) = (SECOND / 1000, Gate::default());
        loop {
            answer = match answer {
                Answer::After(more, inner) => {
                    delay += more;
                    *inner
                }
                Answer::Once(held, inner) => {
                    gate.0.extend(held.0);
                    *inner
                }
                _ => break,
            };
        }
        if matches!(answer, Answer::Returns(_) | Answer::Unknown | Answer::Never) {
            self.happens(dispatch.key, call(&activity.name, &args));
        }
        let outcome = outcome(program, activity.returns, &activity.fails, &answer);
        self.take_off(dispatch, outcome, delay, &gate);
        !self.is_lost_at(Crash::AfterEffect(self.attempts))
    }

    /// An effect in the world, once for each key.
    fn happens(&mut self, key: CallKey, effect: String) {
        if self.effects.iter().all(|(known, _)| *known != key) {
            self.effects.push((key, effect));
        }
    }

    /// When and how the outcome is heard of.
    fn take_off(&mut self, dispatch: &Dispatch, outcome: Option<CallOutcome>, mut delay: i64, gate: &Gate) {
        delay += self.faults.lateness();
        let unknown = |reason: &str, timed_out| CallOutcome::Unknown { reason: reason.into(), timed_out };
        let outcome = outcome.map(|outcome| match self.faults.loses_answer() {
            true => unknown("the answer was lost", false),
            false => outcome,
        });
        let at = match self.faults.keeps_time() {
            // The work under this key is on its way already.
            true => (*self.under_way.entry((dispatch.key, dispatch.attempt)).or_insert(self.now + delay))
                .max(self.now + 1),
            false => self.now + delay,
        };
        let flight = |at, outcome| Flight {
            at,
            gate: gate.clone(),
            instance: dispatch.instance,
            key: dispatch.key,
            attempt: dispatch.attempt,
            outcome,
            elsewhere: false,
        };
        let limit = dispatch.timeout.map(|limit| self.now + limit);
        match (outcome, limit) {
            (Some(outcome), Some(limit)) if at > limit => {
                self.flights.push(flight(limit, unknown("timed out", true)));
                // The answer that comes too late for this attempt may come yet.
                if self.faults.reports_elsewhere() && !self.faults.keeps_time() {
                    self.flights.push(flight(at, outcome));
                }
            }
            (None, Some(limit)) => self.flights.push(flight(limit, unknown("timed out", true))),
            (Some(outcome), _) => self.flights.push(flight(at, outcome)),
            (None, None) => {}
        }
    }
}
