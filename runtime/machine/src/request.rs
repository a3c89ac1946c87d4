//! What a strand asks of another tree of instances: to start one of its own, to send it a signal. The engine does it after
//! the commit, under a key that makes it happen once however often it is asked for.

use crate::event::{Action, Ask, Message};
use crate::history::HistoryEvent;
use crate::ids::{CallKey, InstanceId, StrandPath};
use crate::instance::{Context, Instance, Resumption};
use crate::meta::{StoredOutcome, Wait};
use crate::run::Suspended;
use crate::values;
use flow_mir::{SuspendOp, WorkflowId};
use serde::{Deserialize, Serialize};

/// Something asked of another tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Identifies it: what is asked for again under the same key is done once.
    pub key: CallKey,
    /// The workflow of the other instance.
    pub workflow: String,
    /// The other instance's user id.
    pub to: String,
    /// What.
    pub wish: Wish,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wish {
    /// That it be started with these arguments (an image), unless an instance of that id exists already.
    Start {
        /// Its identity, if it is new.
        id: InstanceId,
        /// The arguments.
        input: Vec<u8>,
    },
    /// That it receive a message.
    Tell {
        /// The message, as JSON of [`Message`].
        message: Vec<u8>,
    },
}

impl Request {
    /// The message to send, where it is one.
    pub fn message(&self) -> Option<Message> {
        match &self.wish {
            Wish::Tell { message } => serde_json::from_slice(message).ok(),
            Wish::Start { .. } => None,
        }
    }
}

impl Instance {
    /// `detach f(x)`: its value is the new instance's id.
    pub(crate) fn begin_detach(&mut self, context: Context<'_>, suspended: &Suspended<'_>) {
        let SuspendOp::Detach { workflow, args, id } = suspended.op else { return };
        let Some((name, input)) = self.workflow_input(context, suspended, *workflow, args.len()) else {
            return;
        };
        let number = self.next_number(suspended.path);
        let new = InstanceId::derived(self.id(), suspended.path, number);
        let given = id.and(suspended.operands.get(args.len()).copied());
        let to = match (given, self.heap(suspended.path)) {
            (Some(word), Some(heap)) => heap.str_at(word).to_owned(),
            _ => format!("{name}-{}", new.0.simple()),
        };
        self.record(HistoryEvent::Detached {
            strand: suspended.path.clone(),
            workflow: name.clone(),
            instance: to.clone(),
            line: suspended.line.clone(),
        });
        let key = CallKey::new(self.id(), suspended.path, number);
        self.ask(suspended.path, Request { key, workflow: name, to, wish: Wish::Start { id: new, input } });
    }

    /// The name of a workflow, and its arguments on the strand's suspension as an image.
    pub(crate) fn workflow_input(
        &self,
        context: Context<'_>,
        suspended: &Suspended<'_>,
        workflow: WorkflowId,
        count: usize,
    ) -> Option<(String, Vec<u8>)> {
        let program = context.program;
        let declared = program.workflows.get(workflow)?;
        let words = suspended.operands.get(..count)?;
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words.iter().copied()).collect();
        // What fits into the strand fits into an image.
        let input = values::image(program, self.heap(suspended.path)?, &roots).unwrap_or_default();
        Some((declared.name.clone(), input))
    }

    /// The number of the next call of a strand.
    pub(crate) fn next_number(&mut self, path: &StrandPath) -> u32 {
        match self.strands.get_mut(path) {
            Some(strand) => {
                strand.meta.calls += 1;
                strand.meta.calls
            }
            None => 0,
        }
    }

    fn ask(&mut self, path: &StrandPath, request: Request) {
        self.calls.insert(request.key, path.clone());
        self.outbox.push(crate::tree::Outgoing::Request(request.clone()));
        self.wait(path, Wait::Request(Box::new(request)));
    }

    /// A request that is not for this tree: the engine is asked to do it.
    pub(crate) fn ask_engine(&mut self, request: Request) {
        let ask = Ask { instance: self.id(), request, program: self.row().program };
        self.act(Action::Request(Box::new(ask)));
    }

    /// A new owner asks again for what may not have been done.
    pub(crate) fn recover_requests(&mut self) {
        let open: Vec<Request> = self
            .strands
            .values()
            .filter_map(|strand| match &strand.meta.wait {
                Wait::Request(request) => Some((**request).clone()),
                _ => None,
            })
            .collect();
        for request in open {
            self.ask_engine(request);
        }
    }

    /// A request was done or refused.
    pub(crate) fn answered(&mut self, context: Context<'_>, key: CallKey, answer: Result<(), String>) {
        let Some(path) = self.calls.get(&key).cloned() else { return };
        let Some(Wait::Request(request)) = self.strands.get(&path).map(|strand| strand.meta.wait.clone())
        else {
            return;
        };
        let error = match answer {
            Ok(()) => {
                let value = match (&request.wish, self.heap_mut(&path)) {
                    (Wish::Start { .. }, Some(heap)) => {
                        heap.string(&request.to).map_err(|memory| memory.raise(heap))
                    }
                    _ => return self.make_ready(&path, Resumption::Stored(StoredOutcome::Unit)),
                };
                match value {
                    Ok(word) => return self.make_ready(&path, Resumption::Value(word)),
                    Err(error) => error,
                }
            }
            Err(reason) => {
                self.record(HistoryEvent::RequestRefused {
                    strand: path.clone(),
                    instance: request.to.clone(),
                    reason: reason.clone(),
                });
                self.activity_failed_error(context, &path, &request.workflow, &reason, None)
            }
        };
        self.make_ready(&path, Resumption::Error(error));
    }
}
