//! Signals: messages from outside, queued until a strand receives them.
//!
//! A message that nobody waits for is a row of its own until it is received, so that ten thousand of them cost each
//! receive nothing.

use crate::event::Reply;
use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, Resumption};
use crate::meta::{Awaited, Closing, ForkKind, StoredOutcome, Wait};
use crate::run::Suspended;
use crate::values;
use flow_mir::{Field, Program, SuspendOp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A message that has come and waits for its time. Stored in its row (postcard).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Queued {
    /// For whoever receives the signal next: an image of its value.
    Signal {
        /// Which.
        signal: u32,
        /// Its name.
        name: String,
        /// Its value.
        image: Vec<u8>,
    },
    /// An update that came during a pause.
    Update {
        /// The request it is answered under.
        request: Option<Uuid>,
        /// Which.
        name: String,
        /// Its arguments, JSON text.
        args: String,
    },
}

/// A kept message and whether its row is stored.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub message: Queued,
    pub stored: bool,
}

impl Instance {
    /// A signal has come: the strand that has waited longest for it goes on, or it is kept.
    pub(crate) fn signalled(
        &mut self,
        context: Context<'_>,
        request: Option<Uuid>,
        name: &str,
        value: &Value,
    ) {
        let program = context.program;
        let signals = &program.workflows.at(self.workflow).signals;
        let found = (0u32..).zip(signals).find(|(_, known)| known.name == name);
        let Some((signal, field)) = found else {
            return self.refuse(request, &format!("signal {name}"), "the workflow has no such signal", false);
        };
        match image_from_json(program, field, value) {
            Err(reason) => self.refuse(request, &format!("signal {name}"), &reason, false),
            Ok(image) => {
                self.record(HistoryEvent::Signalled { signal: name.to_owned(), value: value.clone() });
                match self.next_receiver(signal) {
                    Some((path, arm)) => self.deliver(context, &path, arm, name, image),
                    None => self.keep(Queued::Signal { signal, name: name.to_owned(), image }),
                }
            }
        }
    }

    /// Keeps a message until its time.
    pub(crate) fn keep(&mut self, message: Queued) {
        self.counters.message += 1;
        let number = self.counters.message;
        self.add_kept(number, Kept { message, stored: false });
        self.pending.messages.insert(number);
    }

    /// Adds a kept message, with what is derived from it.
    pub(crate) fn add_kept(&mut self, number: i64, kept: Kept) {
        if let Queued::Signal { signal, .. } = kept.message {
            self.queued.insert((signal, number));
        }
        self.messages.insert(number, kept);
    }

    /// Takes a kept message out.
    pub(crate) fn take_kept(&mut self, number: i64) -> Option<Queued> {
        let kept = self.messages.remove(&number)?;
        if let Queued::Signal { signal, .. } = kept.message {
            self.queued.remove(&(signal, number));
        }
        if kept.stored {
            self.pending.deleted_messages.insert(number);
        } else {
            self.pending.messages.remove(&number);
        }
        Some(kept.message)
    }

    /// The oldest kept message of a signal.
    fn take_signal(&mut self, signal: u32) -> Option<Vec<u8>> {
        let first = self.queued.range((signal, i64::MIN)..=(signal, i64::MAX)).next();
        let number = first.map(|(_, number)| *number)?;
        match self.take_kept(number)? {
            Queued::Signal { image, .. } => Some(image),
            Queued::Update { .. } => None,
        }
    }

    fn next_receiver(&self, signal: u32) -> Option<(StrandPath, u32)> {
        let mut waiting = self.receivers.range((signal, i64::MIN, 0)..=(signal, i64::MAX, u32::MAX));
        waiting.next().map(|((_, _, arm), path)| (path.clone(), *arm))
    }

    /// A strand that waits gets a message.
    fn deliver(&mut self, context: Context<'_>, path: &StrandPath, arm: u32, signal: &str, image: Vec<u8>) {
        self.record(HistoryEvent::Received { strand: path.clone(), signal: signal.to_owned() });
        match self.strands.get(path).map(|strand| &strand.meta.wait) {
            Some(Wait::Fork(_)) => self.close_fork(context, path, Closing::Won { arm, value: Some(image) }),
            _ => self.make_ready(path, Resumption::Stored(StoredOutcome::Value(image))),
        }
    }

    /// A strand suspends on `receive`.
    pub(crate) fn begin_receive(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let SuspendOp::Receive { signal } = *suspended.op else { return };
        let path = suspended.path;
        let name = signal_name(context.program, self, signal);
        if let Some(image) = self.take_signal(signal) {
            return self.deliver(context, path, 0, &name, image);
        }
        let ticket = self.next_ticket();
        self.receivers.insert((signal, ticket, 0), path.clone());
        let what = format!("receive {name}");
        self.record(HistoryEvent::Waiting { strand: path.clone(), what, line: suspended.line });
        self.wait(path, Wait::Receive { signal, ticket });
    }

    /// A race that begins takes a message that is there already.
    pub(crate) fn take_for_race(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        signal: u32,
    ) -> Option<Vec<u8>> {
        let image = self.take_signal(signal)?;
        let signal = signal_name(context.program, self, signal);
        self.record(HistoryEvent::Received { strand: path.clone(), signal });
        Some(image)
    }

    /// The next place in the order of those who wait.
    pub(crate) fn next_ticket(&mut self) -> i64 {
        self.counters.ticket += 1;
        self.counters.ticket
    }

    /// Notes what a strand waits for, for who brings it.
    pub(crate) fn note_wait(&mut self, path: &StrandPath) {
        let Some(strand) = self.strands.get(path) else { return };
        match &strand.meta.wait {
            Wait::Receive { signal, ticket } => {
                self.counters.ticket = self.counters.ticket.max(*ticket);
                self.receivers.insert((*signal, *ticket, 0), path.clone());
            }
            Wait::Until { ticket, .. } => {
                self.counters.ticket = self.counters.ticket.max(*ticket);
                self.conditions.insert((*ticket, 0), path.clone());
            }
            Wait::Fork(fork) if fork.closing.is_none() => {
                let ForkKind::Race { waits, ticket, .. } = &fork.kind else { return };
                self.counters.ticket = self.counters.ticket.max(*ticket);
                for (arm, awaited) in waits {
                    match awaited {
                        Awaited::Signal(signal) => {
                            self.receivers.insert((*signal, *ticket, *arm), path.clone());
                        }
                        Awaited::Condition(_) => {
                            self.conditions.insert((*ticket, *arm), path.clone());
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// A strand no longer waits for this.
    pub(crate) fn forget_wait(&mut self, wait: &Wait) {
        match wait {
            Wait::Receive { signal, ticket } => {
                self.receivers.remove(&(*signal, *ticket, 0));
            }
            Wait::Until { ticket, .. } => {
                self.conditions.remove(&(*ticket, 0));
            }
            Wait::Fork(fork) => {
                let ForkKind::Race { waits, ticket, .. } = &fork.kind else { return };
                for (arm, awaited) in waits {
                    match awaited {
                        Awaited::Signal(signal) => self.receivers.remove(&(*signal, *ticket, *arm)),
                        Awaited::Condition(_) => self.conditions.remove(&(*ticket, *arm)),
                    };
                }
            }
            _ => {}
        }
    }

    /// A message that nobody will get: the history says so, and who waits for an `answer` is told.
    pub(crate) fn refuse(&mut self, request: Option<Uuid>, message: &str, reason: &str, answer: bool) {
        self.record(HistoryEvent::Undelivered { message: message.to_owned(), reason: reason.to_owned() });
        if answer {
            self.reply(request, Reply::Refused { reason: reason.to_owned() });
        }
    }

    /// What is left at the end.
    pub(crate) fn refuse_kept(&mut self) {
        let numbers: Vec<i64> = self.messages.keys().copied().collect();
        for number in numbers {
            match self.take_kept(number) {
                Some(Queued::Signal { name, .. }) => {
                    self.refuse(None, &format!("signal {name}"), ENDED, false);
                }
                Some(Queued::Update { request, name, .. }) => {
                    self.refuse(request, &format!("update {name}"), ENDED, true);
                }
                None => {}
            }
        }
    }
}

/// Why what is left at the end is not delivered.
pub(crate) const ENDED: &str = "the instance has ended";

/// A signal's name.
pub(crate) fn signal_name(program: &Program, instance: &Instance, signal: u32) -> String {
    let signals = program.workflows.get(instance.workflow).map(|workflow| &workflow.signals);
    let field = signals.and_then(|signals| signals.get(signal as usize));
    field.map(|field| field.name.clone()).unwrap_or_default()
}

/// A signal's value as an image; where signals carry nothing, whatever is said.
pub(crate) fn image_from_json(program: &Program, field: &Field, value: &Value) -> Result<Vec<u8>, String> {
    let mut heap = values::resting_heap(program);
    let word = if field.ty == program.known.unit {
        0
    } else {
        flow_mir::value::from_json(program, &mut heap, field.ty, value).map_err(|wrong| wrong.to_string())?
    };
    values::image(program, &heap, &[(field.ty, word)])
}
