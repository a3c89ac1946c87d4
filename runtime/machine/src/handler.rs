//! Queries and updates: code of a workflow that others call, over the instance's `state`.
//!
//! An update runs between two steps, whole: it never waits. What it fails with goes to its caller, and nothing of what
//! it did stays. A query is answered from a row alone, by whoever asks.

use crate::event::{Message, Reply};
use crate::history::{ErrorReport, HistoryEvent};
use crate::host::{StateReader, StrandHost};
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, State};
use crate::message::{ENDED, Queued};
use crate::meta::{Meta, Role};
use crate::rows::{InstanceRow, Status};
use crate::values;
use flow_mir::value::from_json_fields;
use flow_mir::{Entry, Executor, Exit, Handle, Heap, Limits, Program, Workflow};
use serde_json::Value;
use uuid::Uuid;

/// What is wrong with a message or question.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// The workflow has none of that name.
    Unknown {
        /// Those it has.
        known: Vec<String>,
    },
    /// Its value or arguments do not fit.
    Mismatch {
        /// Where in the JSON; empty for the whole.
        path: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Checks a message against the program of the instance it is for.
pub fn check(program: &Program, workflow: &str, message: &Message) -> Result<(), Wrong> {
    let Some(workflow) = program.workflows.values().find(|known| known.name == workflow) else {
        return Err(Wrong::Unknown { known: Vec::new() });
    };
    match message {
        Message::Signal { name, value } => {
            let Some(field) = workflow.signals.iter().find(|known| known.name == *name) else {
                let known = workflow.signals.iter().map(|known| known.name.clone()).collect();
                return Err(Wrong::Unknown { known });
            };
            if field.ty == program.known.unit && !value.is_null() {
                let expected = "nothing, since this signal carries nothing".into();
                return Err(Wrong::Mismatch { path: String::new(), expected, found: value.to_string() });
            }
            if field.ty == program.known.unit {
                return Ok(());
            }
            let mut heap = values::resting_heap(program);
            flow_mir::value::from_json(program, &mut heap, field.ty, value).map(drop).map_err(mismatch)
        }
        Message::Update { name, args } => {
            let handle = named(&workflow.updates, name)?;
            let mut heap = values::resting_heap(program);
            from_json_fields(program, &mut heap, &handle.params, args).map(drop).map_err(mismatch)
        }
        _ => Ok(()),
    }
}

fn mismatch(wrong: flow_mir::value::Mismatch) -> Wrong {
    Wrong::Mismatch { path: wrong.path, expected: wrong.expected, found: wrong.found }
}

fn named<'p>(handles: &'p [Handle], name: &str) -> Result<&'p Handle, Wrong> {
    let found = handles.iter().find(|known| known.name == name);
    found.ok_or_else(|| Wrong::Unknown { known: handles.iter().map(|known| known.name.clone()).collect() })
}

/// How a query was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// With a value.
    Returned(Value),
    /// With an error of its own.
    Failed(Box<ErrorReport>),
}

/// Why a query was not asked.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryError {
    /// It is wrong.
    Wrong(Wrong),
    /// The row can't be read.
    Damaged(String),
}

/// Answers a query from an instance's row, as it was committed last. The executor must run the pinned program.
pub fn query(
    executor: &dyn Executor,
    row: &InstanceRow,
    name: &str,
    args: &Value,
    limits: &Limits,
) -> Result<Answer, QueryError> {
    let program = executor.program();
    let found = program.workflows.iter().find(|(_, known)| known.name == row.workflow);
    let (id, workflow): (_, &Workflow) =
        found.ok_or_else(|| QueryError::Damaged(format!("its program has no `{}`", row.workflow)))?;
    let state: State = postcard::from_bytes(&row.state)
        .map_err(|error| QueryError::Damaged(format!("its state can't be read: {error}")))?;
    let handle = named(&workflow.queries, name).map_err(QueryError::Wrong)?;
    let mut heap = Heap::new(program.known, limits.clone());
    let words = from_json_fields(program, &mut heap, &handle.params, args)
        .map_err(|wrong| QueryError::Wrong(mismatch(wrong)))?;
    let mut host = StateReader { program, workflow: id, states: &state.states };
    let exit = executor.enter(handle.function, Entry::Start(&words), &mut [], &mut heap, &mut host);
    Ok(match outcome(program, handle, &mut heap, exit) {
        Ok(value) => Answer::Returned(value),
        Err(report) => Answer::Failed(report),
    })
}

/// What code that never waits has come to.
fn outcome(
    program: &Program,
    handle: &Handle,
    heap: &mut Heap,
    exit: Exit,
) -> Result<Value, Box<ErrorReport>> {
    let error = match exit {
        Exit::Return(word) => return Ok(values::json(program, heap, handle.returns, word)),
        Exit::Raise(error) => error,
        Exit::Suspend { .. } => heap.make_trap(flow_mir::TrapKind::Internal, "what never waits has waited"),
    };
    Err(Box::new(values::report(program, heap, error)))
}

impl Instance {
    /// An update has come: it runs now, between two steps. During a pause it waits.
    pub(crate) fn update(&mut self, context: Context<'_>, request: Option<Uuid>, name: String, args: &Value) {
        if self.row.status == Status::Paused || !self.has_begun {
            return self.keep(Queued::Update { request, name, args: args.to_string() });
        }
        // What has not begun yet runs up to its first waits: the update finds the states set.
        self.run(context);
        if self.row.status.is_final() {
            return self.refuse(request, &format!("update {name}"), ENDED, true);
        }
        let workflow = &context.program.workflows.at(self.workflow);
        let Ok(handle) = named(&workflow.updates, &name) else {
            return self.refuse(request, &format!("update {name}"), "the workflow has no such update", true);
        };
        let main = StrandPath::main();
        let Ok(mut heap) = self.new_heap(&main) else { return };
        let words = match from_json_fields(context.program, &mut heap, &handle.params, args) {
            Ok(words) => words,
            Err(wrong) => {
                return self.refuse(request, &format!("update {name}"), &wrong.to_string(), true);
            }
        };
        let answer = self.run_update(context, handle, &words, &mut heap);
        let args = args.clone();
        match answer {
            Ok(output) => {
                self.record(HistoryEvent::Updated { update: name, args, output: output.clone() });
                self.reply(request, Reply::Returned { value: output });
            }
            Err(error) => {
                self.record(HistoryEvent::UpdateFailed { update: name, args, error: error.message.clone() });
                self.reply(request, Reply::Failed { error: *error });
            }
        }
    }

    /// Runs an update's code. Where it fails, nothing that it did stays.
    fn run_update(
        &mut self,
        context: Context<'_>,
        handle: &Handle,
        words: &[u64],
        heap: &mut Heap,
    ) -> Result<Value, Box<ErrorReport>> {
        let before = (self.state.clone(), self.written.clone(), self.pending.row);
        let (recorded, sequence) = (self.pending.history.len(), self.counters.sequence);
        let path = StrandPath::main();
        let mut meta = Meta::new(Role::Main);
        let mut host = StrandHost { instance: self, context, path: &path, meta: &mut meta };
        let exit = context.executor.enter(handle.function, Entry::Start(words), &mut [], heap, &mut host);
        let outcome = outcome(context.program, handle, heap, exit);
        if outcome.is_err() {
            (self.state, self.written, self.pending.row) = before;
            self.pending.history.truncate(recorded);
            self.counters.sequence = sequence;
        }
        outcome
    }

    /// The updates that came during a pause, or before the first step, in their order.
    pub(crate) fn run_kept_updates(&mut self, context: Context<'_>) {
        let kept = self.messages.iter().filter(|(_, kept)| matches!(kept.message, Queued::Update { .. }));
        let kept: Vec<i64> = kept.map(|(number, _)| *number).collect();
        for number in kept {
            if let Some(Queued::Update { request, name, args }) = self.take_kept(number) {
                let args = serde_json::from_str(&args).unwrap_or_default();
                self.update(context, request, name, &args);
            }
        }
    }

    /// Answers a request: a row of this transition.
    pub(crate) fn reply(&mut self, request: Option<Uuid>, reply: Reply) {
        self.pending.replies.extend(request.map(|request| (request, self.clock, reply)));
    }
}
