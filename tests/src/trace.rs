//! What happened in a run, across its crashes: when each step began, and when its end was recorded.
//!
//! A step that is tried again after a crash is one step. It has begun with its first attempt, which is seen in the world, and
//! ended with the commit that records its outcome; so a step that goes on before what it waits for is recorded is caught.

use flow_machine::history::HistoryEvent;
use flow_machine::ids::CallKey;
use flow_machine::rows::Changes;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

/// A moment of a run: its attempts and commits, counted. What one commit records is at one moment.
pub type Moment = usize;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer: a result, or a declared error.
    Answered,
    /// It was given up without one: withdrawn on the way, or out of time.
    GivenUp,
}

/// A call of an activity, or an instance of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The activity's or workflow's name.
    pub name: String,
    /// Its arguments, in order.
    pub args: Vec<Value>,
    /// When it was first attempted, or the instance's start was recorded.
    pub began: Moment,
    /// When its end was recorded, and how it ended.
    pub end: Option<(Moment, End)>,
    /// It is an instance.
    pub is_instance: bool,
}

#[cfg(test)]
impl Step {
    /// A call.
    pub(crate) fn new(name: &str, args: Vec<Value>, began: Moment, end: Option<(Moment, End)>) -> Step {
        Step { name: name.into(), args, began, end, is_instance: false }
    }
}

/// The steps of a run, in the order in which they began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    steps: Vec<Step>,
    /// Where the step with a key stands.
    places: HashMap<String, usize>,
    /// Steps in the order in which their ends were recorded; one commit may record several.
    ends: Vec<usize>,
    now: Moment,
}

impl Trace {
    /// Those steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A trace of these.
    #[cfg(test)]
    pub(crate) fn of(steps: Vec<Step>) -> Trace {
        Trace { steps, ..Trace::default() }
    }

    /// The first arguments of the calls of an activity that were answered, in the order in which that was recorded.
    pub fn in_the_order_of_their_ends(&self, activity: &str) -> Vec<&str> {
        let ended = self.ends.iter().filter_map(|place| self.steps.get(*place));
        let of_it = ended.filter(|step| step.name == activity);
        of_it.filter_map(|step| step.args.first()?.as_str()).collect()
    }

    /// An attempt is made.
    pub(crate) fn attempt(&mut self, key: CallKey, name: &str, args: &[Value]) {
        self.now += 1;
        self.begin(&HistoryEvent::key(key), name, args.to_vec(), false);
    }

    /// A transition is committed.
    pub(crate) fn commit(&mut self, changes: &Changes) {
        self.now += 1;
        for row in &changes.history {
            let instance = row.instance.0.to_string();
            match serde_json::from_slice(&row.event).expect("history is JSON") {
                HistoryEvent::Started { workflow, input } => {
                    let args = input.as_object().map(|args| args.values().cloned().collect());
                    self.begin(&instance, &workflow, args.unwrap_or_default(), true);
                }
                HistoryEvent::Ended { .. } => self.end(&instance, End::Answered),
                HistoryEvent::CallCompleted { key, .. } => self.end(&key, End::Answered),
                HistoryEvent::CallFailed { key, unknown, .. } => {
                    self.end(&key, if unknown { End::GivenUp } else { End::Answered });
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, key: &str, name: &str, args: Vec<Value>, is_instance: bool) {
        if !self.places.contains_key(key) {
            self.places.insert(key.into(), self.steps.len());
            self.steps.push(Step { name: name.into(), args, began: self.now, end: None, is_instance });
        }
    }

    fn end(&mut self, key: &str, how: End) {
        let Some(place) = self.places.get(key).copied() else { return };
        if let Some(step) = self.steps.get_mut(place) {
            step.end = Some((self.now, how));
            self.ends.retain(|ended| *ended != place);
            self.ends.push(place);
        }
    }
}

/// On one line: each step with the moments of its beginning and its end.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Step { name, args, began, end, .. }) in self.steps.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            let steps = Steps { name: name.clone(), args: Some(args.clone()) };
            write!(f, "{comma}{steps} {began}-")?;
            match end {
                Some((moment, End::Answered)) => write!(f, "{moment}")?,
                Some((moment, End::GivenUp)) => write!(f, "{moment} given up")?,
                None => {}
            }
        }
        Ok(())
    }
}

/// Names steps: all of an activity or workflow, `vote`, or those with these arguments, `vote(3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// The activity or workflow.
    pub name: String,
    /// The arguments.
    pub args: Option<Vec<Value>>,
}

impl Steps {
    /// Reads `vote` or `vote(3)`; the arguments are JSON.
    pub fn parse(text: &str) -> Result<Steps, String> {
        let Some((name, args)) = text.split_once('(') else {
            return Ok(Steps { name: text.into(), args: None });
        };
        let args = args.strip_suffix(')').ok_or_else(|| format!("`{text}` lacks a `)`"))?;
        let args =
            serde_json::from_str(&format!("[{args}]")).map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Steps { name: name.into(), args: Some(args) })
    }

    /// Whether a call of that activity with those arguments is meant.
    pub fn are(&self, name: &str, args: &[Value]) -> bool {
        self.name == name && self.args.as_ref().is_none_or(|wanted| wanted == args)
    }

    /// Those of a run.
    pub fn of<'a>(&'a self, trace: &'a Trace) -> impl Iterator<Item = &'a Step> {
        trace.steps.iter().filter(|step| self.are(&step.name, &step.args))
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(args) = &self.args else { return write!(f, "{}", self.name) };
        let args: Vec<String> = args.iter().map(Value::to_string).collect();
        write!(f, "{}({})", self.name, args.join(", "))
    }
}

/// What must have happened before something is let through: so many of these steps have begun, or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Which steps.
    pub steps: Steps,
    /// How many of them.
    pub count: usize,
    /// They have ended, not only begun.
    pub ended: bool,
}

/// Holds something back until all of this has happened. What has happened stays so across crashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate(pub Vec<Happened>);

impl Gate {
    /// Whether all of it has happened.
    pub fn is_open(&self, trace: &Trace) -> bool {
        self.0.iter().all(|wanted| {
            let those = wanted.steps.of(trace).filter(|step| !wanted.ended || step.end.is_some());
            those.count() >= wanted.count
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow_machine::ids::{InstanceId, StrandPath, Timestamp};
    use flow_machine::rows::HistoryRow;
    use uuid::Uuid;

    #[test]
    fn a_step_tried_again_after_a_crash_is_one_step_until_its_end_is_recorded() {
        let instance = InstanceId(Uuid::from_u128(1));
        let strand = StrandPath("0".into());
        let key = CallKey::new(instance, &strand, 1);
        let mut trace = Trace::default();
        trace.attempt(key, "pay", &[Value::from(5)]);
        let pay =
            Gate(vec![Happened { steps: Steps::parse("pay(5)").expect("steps"), count: 1, ended: true }]);
        assert!(!pay.is_open(&trace), "it has only begun");
        // The process dies before it records the outcome.
        trace.attempt(key, "pay", &[Value::from(5)]);
        let completed = HistoryEvent::CallCompleted {
            strand,
            activity: "pay".into(),
            key: HistoryEvent::key(key),
            attempt: 2,
            output: Value::Null,
        };
        let event = serde_json::to_vec(&completed).expect("JSON");
        let row = HistoryRow { instance, sequence: 1, at: Timestamp(0), event };
        trace.commit(&Changes { history: vec![row], ..Changes::default() });
        assert_eq!(trace.to_string(), "pay(5) 1-3");
        assert!(pay.is_open(&trace));
    }
}
