//! What a strand asks of another instance: to start one of its own, to take a signal, to answer. Within the tree that is done
//! in the same transition; the rest the engine does after the commit, under a key that makes it happen once however often
//! it is asked for.

use crate::event::{Action, Ask, Event, Message, Reply};
use crate::handler::Answer;
use crate::history::{ErrorReport, HistoryEvent};
use crate::host::enclosing_saga;
use crate::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use crate::instance::{Context, Instance, Resumption};
use crate::message::ENDED;
use crate::meta::{StoredOutcome, Wait};
use crate::run::{Suspended, code_awaits};
use crate::values;
use flow_mir::value::from_json;
use flow_mir::{Executor, Limits, SuspendOp, WorkflowId};
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
    /// When it was asked for the first time.
    pub at: Timestamp,
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
    /// That it answer a query or update.
    Ask {
        /// Whether it is an update.
        update: bool,
        /// Which.
        name: String,
        /// The arguments by name, as JSON.
        args: Vec<u8>,
        /// Whether the step says what to do where nobody knows if the update was done: then cancellation may interrupt it.
        interruptible: bool,
    },
}

/// How a request ended that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// It was done.
    Done,
    /// A query or update has returned, or failed.
    Reply(Reply),
    /// It was asked for so long ago that nobody knows any more whether it was done.
    Forgotten {
        /// For people.
        reason: String,
    },
}

impl Request {
    /// The message to send, where it is one.
    pub fn message(&self) -> Option<Message> {
        match &self.wish {
            Wish::Tell { message } => serde_json::from_slice(message).ok(),
            Wish::Start { .. } | Wish::Ask { .. } => None,
        }
    }

    /// Why it is refused where the other instance runs another workflow.
    pub fn is_of_another(&self, workflow: &str) -> String {
        format!("`{}` runs `{workflow}`, not `{}`", self.to, self.workflow)
    }

    /// Whether it is an update.
    pub fn is_update(&self) -> bool {
        matches!(self.wish, Wish::Ask { update: true, .. })
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
            _ => format!("{name}-{}", new.0.simple().to_string().get(..16).unwrap_or_default()),
        };
        self.record(HistoryEvent::Detached {
            strand: suspended.path.clone(),
            workflow: name.clone(),
            instance: to.clone(),
            line: suspended.line.clone(),
        });
        let key = CallKey::new(self.id(), suspended.path, number);
        self.ask(
            suspended.path,
            Request { key, workflow: name, to, wish: Wish::Start { id: new, input }, at: self.clock },
        );
    }

    /// `c.verdict(x)`
    pub(crate) fn begin_tell(&mut self, context: Context<'_>, suspended: &Suspended<'_>) {
        let SuspendOp::Tell { workflow, signal, .. } = suspended.op else { return };
        let program = context.program;
        let Some(declared) = program.workflows.get(*workflow) else { return };
        let Some(name) = declared.signals.get(*signal as usize).map(|field| field.name.clone()) else {
            return;
        };
        let Some((to, values)) = self.message_parts(context, suspended) else { return };
        let value = values.into_iter().next().unwrap_or_default();
        self.record(HistoryEvent::Told {
            strand: suspended.path.clone(),
            instance: to.clone(),
            signal: name.clone(),
            line: suspended.line.clone(),
        });
        let message = serde_json::to_vec(&Message::Signal { name, value }).unwrap_or_default();
        let key = CallKey::new(self.id(), suspended.path, self.next_number(suspended.path));
        let (workflow, wish) = (declared.name.clone(), Wish::Tell { message });
        self.ask(suspended.path, Request { key, workflow, to, wish, at: self.clock });
    }

    /// `c.status()`
    pub(crate) fn begin_ask(&mut self, context: Context<'_>, suspended: &Suspended<'_>) {
        let SuspendOp::Ask { workflow, update, index, interruptible, .. } = suspended.op else { return };
        let program = context.program;
        let Some(declared) = program.workflows.get(*workflow) else { return };
        let handles = if *update { &declared.updates } else { &declared.queries };
        let Some(handle) = handles.get(*index as usize) else { return };
        let Some((to, values)) = self.message_parts(context, suspended) else { return };
        let names = handle.params.iter().map(|param| param.name.clone());
        let args = serde_json::Value::Object(names.zip(values).collect()).to_string().into_bytes();
        let kind = if *update { "update" } else { "query" };
        self.record(HistoryEvent::Asked {
            strand: suspended.path.clone(),
            instance: to.clone(),
            question: format!("{kind} {}", handle.name),
            line: suspended.line.clone(),
        });
        let key = CallKey::new(self.id(), suspended.path, self.next_number(suspended.path));
        let (name, interruptible) = (handle.name.clone(), *interruptible);
        let wish = Wish::Ask { update: *update, name, args, interruptible };
        let workflow = declared.name.clone();
        self.ask(suspended.path, Request { key, workflow, to, wish, at: self.clock });
    }

    /// To whom a strand's message goes, and the values it carries.
    fn message_parts(
        &self,
        context: Context<'_>,
        suspended: &Suspended<'_>,
    ) -> Option<(String, Vec<serde_json::Value>)> {
        let heap = self.heap(suspended.path)?;
        let (to, values) = suspended.operands.split_first()?;
        let json = |word: &u64| values::json(context.program, heap, context.program.known.json, *word);
        Some((heap.str_at(*to).to_owned(), values.iter().map(json).collect()))
    }

    /// Answers a query or update that a strand of the same tree asks.
    pub(crate) fn asked(
        &mut self,
        executor: &dyn Executor,
        now: Timestamp,
        request: &Request,
    ) -> Result<Answered, String> {
        let Wish::Ask { update, name, args, .. } = &request.wish else { return Ok(Answered::Done) };
        let args = serde_json::from_slice(args).unwrap_or_default();
        match update {
            true if self.status().is_final() => Err(ENDED.into()),
            true => Ok(Answered::Reply(self.asked_update(executor, now, request.key, name, args))),
            false => {
                let mut row = self.row().clone();
                row.state = postcard::to_stdvec(&self.state).unwrap_or_default();
                match crate::handler::query(executor, &row, name, &args, &Limits::default()) {
                    Ok(Answer::Returned(value)) => Ok(Answered::Reply(Reply::Returned { value })),
                    Ok(Answer::Failed(error)) => Ok(Answered::Reply(Reply::Failed { error: *error })),
                    Err(_) => Err("it can't be asked that".into()),
                }
            }
        }
    }

    /// Runs an update; the answer is for the strand that asked, so no row of it is left.
    fn asked_update(
        &mut self,
        executor: &dyn Executor,
        now: Timestamp,
        key: CallKey,
        name: &str,
        args: serde_json::Value,
    ) -> Reply {
        let id = uuid::Uuid::from_bytes(key.0);
        let message = Message::Update { name: name.to_owned(), args };
        self.apply(executor, now, Event::Message { inbox: Some(id), message });
        self.pending.inbox.retain(|known| *known != id);
        match self.pending.replies.iter().position(|(request, ..)| *request == id) {
            Some(index) => self.pending.replies.remove(index).2,
            None => Reply::Refused { reason: "it did not answer".into() },
        }
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

    /// An interruption reaches a strand that has asked something: whether it waits no longer. A query changes nothing, so it gives
    /// way; an update as a call does that may have happened; anything else takes no time.
    pub(crate) fn interrupt_request(&mut self, context: Context<'_>, path: &StrandPath) -> bool {
        let Some(strand) = self.strands.get(path) else { return false };
        let Wait::Request(request) = &strand.meta.wait else { return false };
        let Wish::Ask { update, interruptible, .. } = &request.wish else { return false };
        if *update && !interruptible && enclosing_saga(self, &strand.meta).is_some() {
            return false;
        }
        let (key, update, instance) = (request.key, *update, request.to.clone());
        let reason = if update { "interrupted: it may be done all the same" } else { "interrupted" };
        self.record(HistoryEvent::RequestRefused { strand: path.clone(), instance, reason: reason.into() });
        self.act(Action::Abort { key });
        if let Some(strand) = self.strands.get_mut(path) {
            strand.meta.take_interrupt();
        }
        let error = self.cancelled_error(context, path, update.then_some(key));
        self.make_ready(path, Resumption::Error(error));
        true
    }

    /// A request was done, answered or refused.
    pub(crate) fn answered(&mut self, context: Context<'_>, key: CallKey, answer: Result<Answered, String>) {
        let Some(path) = self.calls.get(&key).cloned() else { return };
        let Some(Wait::Request(request)) = self.strands.get(&path).map(|strand| strand.meta.wait.clone())
        else {
            return;
        };
        let resumption = match answer {
            Ok(Answered::Reply(Reply::Refused { reason })) | Err(reason) => {
                self.refused(context, &path, &request, &reason, None)
            }
            Ok(Answered::Forgotten { reason }) => {
                self.refused(context, &path, &request, &reason, Some(request.key))
            }
            Ok(Answered::Reply(Reply::Returned { value })) => {
                self.reply_value(context, &path, &request, &value)
            }
            Ok(Answered::Reply(Reply::Failed { error })) => {
                self.reply_error(context, &path, &request, &error)
            }
            Ok(Answered::Done) => match &request.wish {
                Wish::Start { .. } => self.text(&path, &request.to),
                _ => Resumption::Stored(StoredOutcome::Unit),
            },
        };
        self.make_ready(&path, resumption);
    }

    fn text(&mut self, path: &StrandPath, text: &str) -> Resumption {
        let Some(heap) = self.heap_mut(path) else { return Resumption::Value(0) };
        match heap.string(text) {
            Ok(word) => Resumption::Value(word),
            Err(memory) => Resumption::Error(memory.raise(heap)),
        }
    }

    fn refused(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        request: &Request,
        reason: &str,
        unknown: Option<CallKey>,
    ) -> Resumption {
        self.record(HistoryEvent::RequestRefused {
            strand: path.clone(),
            instance: request.to.clone(),
            reason: reason.to_owned(),
        });
        Resumption::Error(self.activity_failed_error(context, path, &request.workflow, reason, unknown))
    }

    /// What a query or update has returned, as the asking strand awaits it. An instance of another version of the program may
    /// answer with what does not fit: whoever asked knows nothing of it then, though an update was done.
    fn reply_value(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        request: &Request,
        value: &serde_json::Value,
    ) -> Resumption {
        let code = self.strands.get_mut(path).and_then(|strand| strand.code.as_mut());
        let Some(code) = code else { return Resumption::Value(0) };
        let ty = code_awaits(context, code).unwrap_or(context.program.known.unit);
        match from_json(context.program, code.heap_mut(), ty, value) {
            Ok(word) => {
                self.replied(path, request, Some(value.clone()), None);
                Resumption::Value(word)
            }
            Err(wrong) => {
                let reason = format!("its answer does not fit: {wrong}");
                self.replied(path, request, Some(value.clone()), Some(reason.clone()));
                let unknown = request.is_update().then_some(request.key);
                let workflow = &request.workflow;
                Resumption::Error(self.activity_failed_error(context, path, workflow, &reason, unknown))
            }
        }
    }

    /// The history says what was answered.
    fn replied(
        &mut self,
        path: &StrandPath,
        request: &Request,
        output: Option<serde_json::Value>,
        error: Option<String>,
    ) {
        let (strand, instance) = (path.clone(), request.to.clone());
        self.record(HistoryEvent::Replied { strand, instance, output, error });
    }

    /// The declared error that a query or update has failed with; any other is the system's.
    fn reply_error(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        request: &Request,
        error: &ErrorReport,
    ) -> Resumption {
        self.replied(path, request, None, Some(error.message.clone()));
        let program = context.program;
        let workflow = program.workflows.values().find(|known| known.name == request.workflow);
        let handles =
            workflow.into_iter().flat_map(|workflow| workflow.queries.iter().chain(&workflow.updates));
        let declared =
            handles.flat_map(|handle| &handle.fails).find(|ty| program.types.show(**ty) == error.ty);
        if let (Some(ty), Some(heap)) = (declared, self.heap_mut(path))
            && let Ok(word) = from_json(program, heap, *ty, &error.value)
        {
            return Resumption::Error(heap.make_error(*ty, word).unwrap_or_else(|memory| memory.raise(heap)));
        }
        let reason = error.message.clone();
        Resumption::Error(self.activity_failed_error(context, path, &request.workflow, &reason, None))
    }
}
