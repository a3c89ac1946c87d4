//! Interruptions: cancellation and time-outs reach a strand at its suspension. Messages from outside; recovery.

use crate::event::Message;
use crate::history::{ErrorReport, HistoryEvent};
use crate::ids::{CallKey, StrandPath};
use crate::instance::{Context, Instance, Resumption};
use crate::message::ENDED;
use crate::meta::{Closing, ForkKind, Interrupt, Scope, StoredOutcome, Wait};
use crate::rows::Status;
use uuid::Uuid;

impl Instance {
    /// Interrupts a strand: at once where its wait gives way, else at its next suspension.
    pub(crate) fn interrupt(&mut self, context: Context<'_>, path: &StrandPath, interrupt: Interrupt) {
        let Some(strand) = self.strands.get_mut(path) else { return };
        if !strand.meta.interrupts.contains(&interrupt) {
            strand.meta.interrupts.push(interrupt);
        }
        let masked = strand.meta.masks(interrupt);
        let wait = match &strand.meta.wait {
            Wait::Sleep { timer } => Interruptible::Sleep(Some(timer.clone())),
            Wait::Await { .. } | Wait::Receive { .. } | Wait::Until { .. } => Interruptible::Sleep(None),
            Wait::Scope { .. } => Interruptible::Scope,
            Wait::Child { .. } => Interruptible::Child,
            Wait::Call(_) => Interruptible::Call,
            Wait::Request(_) => Interruptible::Request,
            Wait::Fork(_) => Interruptible::Fork,
            _ => Interruptible::Later,
        };
        self.touch(path);
        if masked {
            return;
        }
        match wait {
            Interruptible::Sleep(timer) => {
                if let Some(timer) = timer {
                    self.clear_timer(&timer);
                }
                if let Some(strand) = self.strands.get_mut(path) {
                    strand.meta.take_interrupt();
                }
                let error = self.cancelled_error(context, path, None);
                self.make_ready(path, Resumption::Error(error));
            }
            Interruptible::Call => {
                self.interrupt_call(context, path);
            }
            Interruptible::Request => {
                self.interrupt_request(context, path);
            }
            Interruptible::Fork => self.close_fork(context, path, Closing::Interrupted),
            Interruptible::Scope => self.interrupt_scope(context, path),
            Interruptible::Child => self.cancel_child(path),
            Interruptible::Later => {}
        }
    }

    /// A deadline has passed. One that nobody waits for any more is dropped.
    pub(crate) fn timer_fired(&mut self, context: Context<'_>, id: &str) {
        if !self.timers.contains_key(id) {
            return;
        }
        self.clear_timer(id);
        let Some((path, _)) = id.rsplit_once('#') else { return };
        let path = StrandPath(path.to_owned());
        let Some(strand) = self.strands.get_mut(&path) else { return };
        let expired = strand.meta.scopes.iter().find_map(|scope| match scope {
            Scope::Timeout { number, timer, .. } if timer == id => Some(*number),
            _ => None,
        });
        if let Some(number) = expired {
            self.record(HistoryEvent::TimedOut { strand: path.clone() });
            return self.interrupt(context, &path, Interrupt::Timeout(number));
        }
        match &strand.meta.wait {
            Wait::Sleep { timer } if timer == id => {
                self.record(HistoryEvent::Woke { strand: path.clone() });
                self.make_ready(&path, Resumption::Stored(StoredOutcome::Unit));
            }
            Wait::Call(call) if call.deadline.as_deref() == Some(id) => self.call_deadline(context, &path),
            Wait::Fork(fork) => {
                let ForkKind::Race { timers, .. } = &fork.kind else { return };
                if let Some(arm) = timers.iter().find(|(_, timer)| timer == id).map(|(arm, _)| *arm) {
                    self.close_fork(context, &path, Closing::Won { arm, value: None });
                }
            }
            _ => {}
        }
    }

    /// A message from outside. What comes too late changes nothing.
    pub(crate) fn message(&mut self, context: Context<'_>, inbox: Option<Uuid>, message: Message) {
        if self.row.status.is_final() {
            return self.too_late(inbox, &message);
        }
        match message {
            Message::Cancel if self.state.cancelled => {}
            Message::Cancel => {
                self.state.cancelled = true;
                self.pending.row = true;
                self.record(HistoryEvent::CancelRequested);
                self.interrupt(context, &StrandPath::main(), Interrupt::Cancel);
            }
            Message::Signal { name, value } => self.signalled(context, inbox, &name, &value),
            Message::Update { name, args } => self.update(context, inbox, name, &args),
            Message::Resume => self.resume_stuck(context),
            Message::Skip { compensation } => self.skip_compensations(context, compensation.as_ref()),
            Message::Pause => self.pause(),
            Message::Unpause => self.unpause(context),
            Message::Terminate { reason } => {
                let report =
                    ErrorReport { message: reason, ty: "Terminated".into(), ..ErrorReport::default() };
                self.end_with_report(Status::Terminated, report);
            }
            Message::CallEnded { key, attempt, outcome } => {
                if let Some(key) = CallKey::parse(&key) {
                    self.call_ended(context, key, attempt, outcome);
                }
            }
        }
    }

    /// A message for an instance that has ended.
    pub(crate) fn too_late(&mut self, inbox: Option<Uuid>, message: &Message) {
        match message {
            Message::Signal { name, .. } => self.refuse(inbox, &format!("signal {name}"), ENDED, false),
            Message::Update { name, .. } => self.refuse(inbox, &format!("update {name}"), ENDED, true),
            _ => {}
        }
    }

    /// A new owner goes on with the instance.
    pub(crate) fn recovered(&mut self, context: Context<'_>) {
        if std::mem::replace(&mut self.has_begun, true) {
            self.record(HistoryEvent::Recovered);
        } else if self.row.status == Status::Running {
            self.begin_with_updates(context);
        }
        self.recover_calls(context);
        self.recover_requests();
    }
}

enum Interruptible {
    /// It ends at once, a timer with it.
    Sleep(Option<String>),
    Scope,
    Child,
    Call,
    Request,
    Fork,
    Later,
}
