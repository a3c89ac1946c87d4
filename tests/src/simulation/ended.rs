//! How a run ended, and what is compared of it.

use super::stored::Rows;
use super::{Crash, SECOND, Seeds, Simulation};
use crate::trace::{End, Trace};
use flow_machine::event::Message;
use flow_machine::history::{ErrorReport, HistoryEvent};
use flow_machine::ids::{CallKey, InstanceId};
use flow_machine::rows::{InstanceRow, ReplyRow, Status};
use flow_mir::{Executor, Limits};
use serde_json::Value;
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The instance's status.
    pub status: Status,
    /// Its result as JSON.
    pub output: Option<Value>,
    /// Its error's message.
    pub error: Option<String>,
    /// Calls of activities that happened, `name(args)`, one for each key, in the order of their first effect.
    pub effects: Vec<String>,
    /// The other instances, children and detached ones, by id.
    pub instances: Vec<(String, Status)>,
    /// Answers to updates, in the order in which they were given.
    pub replies: Vec<Value>,
    /// Messages that nobody got, with the reason.
    pub undelivered: Vec<String>,
    /// Messages for it that were accepted from outside, and when, in that order.
    pub accepted: Vec<(i64, Message)>,
    /// What its queries without parameters answer at the end, by name.
    pub answers: BTreeMap<String, Value>,
    /// What they gave, by id.
    pub outputs: BTreeMap<String, Value>,
    /// How many transitions were committed.
    pub transitions: usize,
    /// How many attempts were made.
    pub attempts: usize,
    /// The virtual time it took.
    pub took: i64,
    /// When its steps began and ended.
    pub trace: Trace,
    /// Its history.
    pub history: Vec<HistoryEvent>,
    /// It did not end: where it stood when nothing more could happen.
    pub stalled: Option<String>,
}

/// What a run has left behind, to be judged.
pub(crate) struct Left<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) instances: &'a BTreeMap<InstanceId, Rows>,
    /// The instance that the run is about.
    pub(crate) main: InstanceId,
    /// Calls that happened, in the order of their first effect.
    pub(crate) effects: &'a [(CallKey, String)],
    /// Answers to requests, in the order in which they were given.
    pub(crate) replies: &'a [ReplyRow],
}

impl Left<'_> {
    /// How it ended, but for what is counted on the way.
    pub(crate) fn ended(&self) -> Ended {
        let row = self.row(self.main).expect("the instance is stored");
        let error = row.error.as_ref().and_then(|error| serde_json::from_slice::<ErrorReport>(error).ok());
        let undelivered = self.history(self.main).into_iter().filter_map(|event| match event {
            HistoryEvent::Undelivered { message, reason } => Some(format!("{message}: {reason}")),
            _ => None,
        });
        let rows = || self.instances.values().filter_map(|rows| rows.instance.as_ref());
        let others = rows().filter(|row| row.id != self.main).map(|row| (row.name.clone(), row.status));
        let mut instances: Vec<(String, Status)> = others.collect();
        instances.sort_by(|one, other| one.0.cmp(&other.0));
        let outputs = rows().filter_map(|row| Some((row.name.clone(), self.output(row.id)?)));
        let replies = self.replies.iter();
        Ended {
            outputs: outputs.collect(),
            status: row.status,
            output: self.output(self.main),
            error: error.map(|report| report.message),
            effects: self.effects.iter().map(|(_, effect)| effect.clone()).collect(),
            instances,
            replies: replies
                .map(|row| serde_json::from_slice(&row.reply).expect("a reply is JSON"))
                .collect(),
            undelivered: undelivered.collect(),
            accepted: Vec::new(),
            answers: answers(self.executor, row),
            transitions: 0,
            attempts: 0,
            took: 0,
            history: self.history(self.main),
            trace: Trace::default(),
            stalled: None,
        }
    }

    /// Prints the histories, for whoever repeats a seed.
    pub(crate) fn tell(&self) {
        for rows in self.instances.values() {
            eprintln!("\n{:?}", rows.instance.as_ref().map(|row| (&row.name, row.status)));
            for row in &rows.history {
                let seconds = row.at.0 as f64 / SECOND as f64;
                eprintln!("{:4} {seconds:10.3} {}", row.sequence, String::from_utf8_lossy(&row.event));
            }
        }
        eprintln!("effects: {:#?}", self.effects.iter().map(|(_, effect)| effect).collect::<Vec<_>>());
    }

    /// The row of an instance.
    pub(super) fn row(&self, instance: InstanceId) -> Option<&InstanceRow> {
        self.instances.get(&instance)?.instance.as_ref()
    }

    /// The history of an instance.
    fn history(&self, instance: InstanceId) -> Vec<HistoryEvent> {
        self.instances.get(&instance).map(Rows::events).unwrap_or_default()
    }

    /// What an instance gave.
    fn output(&self, instance: InstanceId) -> Option<Value> {
        self.history(instance).into_iter().rev().find_map(|event| match event {
            HistoryEvent::Ended { output, .. } => output,
            _ => None,
        })
    }
}

impl Simulation<'_> {
    pub(super) fn ended(mut self, stalled: Option<String>) -> Ended {
        let executor = self.executor.clone();
        let left = Left {
            executor: executor.as_ref(),
            instances: &self.store.instances,
            main: self.main,
            effects: &self.effects,
            replies: &self.store.replies,
        };
        if Seeds::is_one() {
            left.tell();
        }
        left.assert_laws();
        let ended = left.ended();
        if let Some(mirror) = &mut self.mirror {
            mirror.holds_all_of(&self.store);
        }
        let (transitions, attempts, took) = (self.transitions, self.attempts, self.now);
        let accepted = self.store.accepted_by(self.main);
        Ended { transitions, attempts, took, trace: self.trace, stalled, accepted, ..ended }
    }
}

/// What the queries without parameters answer, from the row alone.
fn answers(executor: &dyn Executor, row: &InstanceRow) -> BTreeMap<String, Value> {
    let workflow = executor.program().workflows.values().find(|known| known.name == row.workflow);
    let queries = workflow.map(|workflow| workflow.queries.as_slice()).unwrap_or_default();
    let nothing = Value::Object(serde_json::Map::new());
    let ask = |name: &str| match flow_machine::query(executor, row, name, &nothing, &Limits::default()) {
        Ok(flow_machine::Answer::Returned(value)) => value,
        other => Value::String(format!("{other:?}")),
    };
    let plain = queries.iter().filter(|query| query.params.is_empty());
    plain.map(|query| (query.name.clone(), ask(&query.name))).collect()
}

impl Ended {
    /// Before and after each commit, and after each effect.
    pub fn places_to_crash(&self) -> Vec<Crash> {
        let commits = (1..=self.transitions).flat_map(|n| [Crash::BeforeCommit(n), Crash::AfterCommit(n)]);
        commits.chain((1..=self.attempts).map(Crash::AfterEffect)).collect()
    }
}

/// A run with faults ends as the calm one, and with the same calls.
pub fn assert_same(faulty: &Ended, calm: &Ended, place: &str) {
    assert_ends_alike(faulty, calm, place);
    assert_same_calls(faulty, calm, &[], place);
}

/// The same, but a call that the calm run gives up need not have been made: what was to be given up may be so before its
/// attempt, where the process was lost between.
pub(super) fn assert_alike(faulty: &Ended, calm: &Ended, place: &str) {
    assert_ends_alike(faulty, calm, place);
    let given_up = calm.trace.steps().iter().filter(|step| !matches!(step.end, Some((_, End::Answered))));
    let given_up: Vec<String> = given_up.map(|step| call(&step.name, &step.args)).collect();
    assert_same_calls(faulty, calm, &given_up, place);
}

fn assert_ends_alike(faulty: &Ended, calm: &Ended, place: &str) {
    let told = |ended: &Ended| {
        let Ended { status, output, error, instances, replies, undelivered, answers, .. } = ended.clone();
        (status, output, error, instances, replies, undelivered, answers)
    };
    assert!(told(faulty) == told(calm), "{place}: ended {faulty:#?}, when all is well {calm:#?}");
}

fn assert_same_calls(faulty: &Ended, calm: &Ended, but: &[String], place: &str) {
    let made = |ended: &Ended| {
        let mut calls: Vec<String> =
            ended.effects.iter().filter(|call| !but.contains(call)).cloned().collect();
        calls.sort();
        calls
    };
    assert_eq!(made(faulty), made(calm), "{place}: other calls than when all is well");
}

/// A call as it is told.
pub(crate) fn call(activity: &str, args: &[Value]) -> String {
    let args: Vec<String> = args.iter().map(Value::to_string).collect();
    format!("{activity}({})", args.join(", "))
}
