//! Child workflows: started, cancelled and joined by the strand that calls them. Parent and child are one tree, so each of
//! these is part of one commit.

use crate::event::Message;
use crate::history::HistoryEvent;
use crate::ids::{InstanceId, StrandPath};
use crate::instance::{Context, Instance, NewInstance, Resumption};
use crate::meta::{StoredOutcome, Wait};
use crate::rows::Status;
use crate::run::Suspended;
use crate::tree::{ChildEnd, Outgoing};
use crate::values;
use flow_mir::SuspendOp;

/// Keeps the numbers that children's identities are derived from apart from those of calls.
const CHILDREN: u32 = 1 << 31;

impl Instance {
    /// A strand calls a workflow.
    pub(crate) fn begin_child(&mut self, context: Context<'_>, suspended: &Suspended<'_>) {
        let SuspendOp::Workflow { workflow, args } = suspended.op else { return };
        let Some((called, input)) = self.workflow_input(context, suspended, *workflow, args.len()) else {
            return;
        };
        let Some(strand) = self.strands.get_mut(suspended.path) else { return };
        strand.meta.children += 1;
        let number = strand.meta.children;
        let id = InstanceId::derived(self.id(), suspended.path, CHILDREN + number);
        let name = suspended.path.child_name(self.name(), &called, number);
        self.record(HistoryEvent::ChildStarted {
            strand: suspended.path.clone(),
            workflow: called,
            child: name.clone(),
            line: suspended.line.clone(),
        });
        self.outbox.push(Outgoing::Start(Box::new(NewInstance {
            id,
            root: self.root(),
            parent: Some((self.id(), suspended.path.clone())),
            name: name.clone(),
            workflow: *workflow,
            program: self.row().program,
            input,
        })));
        self.wait(suspended.path, Wait::Child { instance: id, name, cancelled: false });
    }

    /// An interruption reaches a strand that waits for a child: the child is cancelled, and awaited all the same.
    pub(crate) fn cancel_child(&mut self, path: &StrandPath) {
        let Some(strand) = self.strands.get_mut(path) else { return };
        let Wait::Child { instance, cancelled, .. } = &mut strand.meta.wait else { return };
        if std::mem::replace(cancelled, true) {
            return;
        }
        let to = *instance;
        self.outbox.push(Outgoing::Send { to, message: Message::Cancel });
        self.touch(path);
    }

    /// A child of a strand has ended.
    pub(crate) fn child_ended(&mut self, context: Context<'_>, path: &StrandPath, ended: ChildEnd) {
        let wait = self.strands.get(path).map(|strand| &strand.meta.wait);
        if !matches!(wait, Some(Wait::Child { instance, .. }) if *instance == ended.id) {
            return;
        }
        let error = match &ended.result {
            Ok(_) => None,
            Err(error) => Some(
                error
                    .as_ref()
                    .map_or(ended.reason.clone(), |error| values::error_text(context.program, error)),
            ),
        };
        self.record(HistoryEvent::ChildEnded { strand: path.clone(), child: ended.name.clone(), error });
        let interrupted = ended.status == Status::Cancelled
            && self.strands.get_mut(path).is_some_and(|strand| strand.meta.take_interrupt());
        let resumption = match ended.result {
            _ if interrupted => Resumption::Error(self.cancelled_error(context, path, None)),
            Ok(value) => Resumption::Stored(StoredOutcome::Value(value)),
            Err(Some(error)) => Resumption::Stored(StoredOutcome::Error(error)),
            Err(None) => Resumption::Error(self.activity_failed_error(
                context,
                path,
                &ended.workflow,
                &ended.reason,
                None,
            )),
        };
        self.make_ready(path, resumption);
    }
}
