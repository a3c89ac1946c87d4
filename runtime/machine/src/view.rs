//! Where an instance stands, for people: by source line, with variables.

use crate::ids::Timestamp;
use crate::instance::Instance;
use crate::meta::{ForkKind, Interrupt, Role, Scope, Wait};
use crate::request::Wish;
use crate::rows::Status;
use crate::values;
use flow_mir::artifact::ProgramHash;
use flow_mir::{Location, Program};
use serde::Serialize;
use serde_json::Value;

/// An instance as `flow show` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceView {
    /// The user's id.
    pub id: String,
    /// The workflow.
    pub workflow: String,
    /// The status.
    pub status: Status,
    /// The hash of the program it is pinned to, in hexadecimal.
    pub program: String,
    /// When it was started, in nanoseconds since 1970.
    pub created_at: Timestamp,
    /// Its strands, by path.
    pub strands: Vec<StrandView>,
    /// How many compensations are registered.
    pub compensations: usize,
    /// Search attributes (`index`).
    pub attributes: Value,
    /// `progress`: done and total.
    pub progress: Option<(i64, Option<i64>)>,
    /// Its `state` variables, as far as they have values.
    pub states: Vec<Variable>,
    /// How many messages wait to be received.
    pub messages: usize,
    /// What it has ended with.
    pub result: Option<Value>,
    /// Why it failed or is stuck.
    pub error: Option<Value>,
}

/// One strand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrandView {
    /// Its path.
    pub path: String,
    /// `main`, `branch` or `compensation`.
    pub role: &'static str,
    /// What it waits for.
    pub waits_for: String,
    /// Until when at most, in nanoseconds since 1970.
    pub until: Option<Timestamp>,
    /// The constructs it is inside of, outermost first.
    pub inside: Vec<&'static str>,
    /// Whether a cancellation is on its way.
    pub cancelling: bool,
    /// Its functions, the innermost last.
    pub frames: Vec<FrameView>,
}

/// A function of a strand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrameView {
    /// Its name.
    pub function: String,
    /// `file:line`
    pub line: String,
    /// The same, in the sources of the program.
    #[serde(skip)]
    pub at: Location,
    /// Its live variables.
    pub variables: Vec<Variable>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its value, as the language shows it.
    pub value: String,
}

impl Instance {
    /// Where it stands.
    pub fn view(&self, program: &Program) -> InstanceView {
        let (done, total) = self.state.progress;
        InstanceView {
            id: self.row.name.clone(),
            workflow: self.row.workflow.clone(),
            status: self.row.status,
            program: ProgramHash(self.row.program).to_string(),
            created_at: self.row.created_at,
            strands: self.strands.keys().filter_map(|path| self.view_strand(program, path)).collect(),
            compensations: self.compensations.len(),
            attributes: serde_json::from_str(&self.row.attributes).unwrap_or_default(),
            progress: (done > 0 || total.is_some()).then_some((done, total)),
            states: self.view_states(program),
            messages: self.messages.len(),
            result: self.view_result(program),
            error: self.row.error.as_ref().and_then(|report| serde_json::from_slice(report).ok()),
        }
    }

    fn view_result(&self, program: &Program) -> Option<Value> {
        let workflow = program.workflows.get(self.workflow)?;
        Some(values::image_json(program, workflow.returns, self.row.output.as_ref()?))
    }

    fn view_states(&self, program: &Program) -> Vec<Variable> {
        let declared = program.workflows.get(self.workflow).map(|workflow| workflow.states.as_slice());
        let mut heap = values::resting_heap(program);
        let mut view = |(field, image): (&flow_mir::Field, &Option<Vec<u8>>)| {
            let words = values::absorb(program, &[field.ty], image.as_deref()?, &mut heap).ok()?;
            let value = flow_mir::value::show(program, &heap, field.ty, words.first().copied()?);
            Some(Variable { name: field.name.clone(), ty: program.types.show(field.ty), value })
        };
        declared.unwrap_or_default().iter().zip(&self.state.states).filter_map(&mut view).collect()
    }

    fn view_strand(&self, program: &Program, path: &crate::ids::StrandPath) -> Option<StrandView> {
        let strand = self.strands.get(path)?;
        let meta = &strand.meta;
        let (waits_for, timer) = self.describe_wait(program, path, &meta.wait);
        let frames =
            strand.code.as_ref().map(|code| code.view(program, self.lent(strand))).unwrap_or_default();
        Some(StrandView {
            path: path.to_string(),
            role: match meta.role {
                Role::Main => "main",
                Role::Branch { .. } => "branch",
                Role::Compensation { .. } => "compensation",
                Role::Spawned { .. } => "spawned",
            },
            waits_for,
            until: timer.and_then(|timer| self.timers.get(timer)).map(|deadline| deadline.due),
            inside: meta.scopes.iter().map(scope_name).collect(),
            cancelling: meta.interrupts.contains(&Interrupt::Cancel),
            frames: frames.into_iter().map(|frame| view_frame(program, frame)).collect(),
        })
    }

    fn describe_wait<'a>(
        &self,
        program: &Program,
        path: &crate::ids::StrandPath,
        wait: &'a Wait,
    ) -> (String, Option<&'a str>) {
        match wait {
            Wait::Ready => ("a process to run it".into(), None),
            Wait::Call(call) => {
                let name =
                    program.activities.get(call.activity).map_or("?", |activity| activity.name.as_str());
                (format!("{name}, attempt {}", call.attempt), call.deadline.as_deref())
            }
            Wait::Sleep { timer } => ("sleep".into(), Some(timer)),
            Wait::Fork(fork) => {
                let running = self.branches.get(path).map_or(0, |branches| branches.running.len());
                match &fork.kind {
                    ForkKind::All { count } => (format!("parallel, {running} of {count} running"), None),
                    ForkKind::Each { count, .. } => {
                        (format!("parallel for, {running} of {count} running"), None)
                    }
                    ForkKind::Race { timers, .. } => {
                        ("race".into(), timers.first().map(|(_, timer)| timer.as_str()))
                    }
                }
            }
            Wait::Unwind { .. } => ("compensations".into(), None),
            Wait::Stuck { error, .. } => (format!("an operator: {error}"), None),
            Wait::Receive { signal, .. } => {
                (format!("receive {}", crate::message::signal_name(program, self, *signal)), None)
            }
            Wait::Until { .. } => ("a condition over its state".into(), None),
            Wait::Held { .. } => ("the end of the pause".into(), None),
            Wait::Done { .. } | Wait::Failed { .. } => ("those it was started with".into(), None),
            Wait::Await { strand } => (format!("strand {strand}"), None),
            Wait::Scope { number, .. } => {
                let members = self.spawned.get(&(path.clone(), *number));
                let running = members.map_or(0, |members| members.running.len());
                (format!("the end of its scope, {running} running"), None)
            }
            Wait::Child { name, .. } => (format!("child {name}"), None),
            Wait::Request(request) => match &request.wish {
                Wish::Ask { name, .. } => (format!("{} to answer `{name}`", request.to), None),
                Wish::Start { .. } => (format!("{} to be started", request.to), None),
                Wish::Tell { .. } => (format!("{} to be told", request.to), None),
            },
        }
    }
}

fn scope_name(scope: &Scope) -> &'static str {
    match scope {
        Scope::Saga { .. } => "saga",
        Scope::Timeout { .. } => "timeout",
        Scope::Shield => "shield",
        Scope::Strands { .. } => "scope",
    }
}

fn view_frame(program: &Program, frame: flow_mir::strand::FrameView) -> FrameView {
    FrameView {
        function: frame.function,
        line: values::line(program, frame.location),
        at: frame.location,
        variables: frame
            .variables
            .into_iter()
            .map(|variable| Variable { name: variable.name, ty: variable.ty, value: variable.value })
            .collect(),
    }
}
