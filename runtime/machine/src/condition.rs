//! `wait until`: conditions over the instance's `state`, looked at again after each step that wrote one they read.

use crate::history::HistoryEvent;
use crate::host::StateReader;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, Resumption};
use crate::meta::{Awaited, Closing, ForkKind, StoredOutcome, Wait};
use crate::run::{Suspended, code_suspended_on};
use crate::values;
use flow_mir::{Branch, Entry, Exit, FunctionId, RaceArm, SuspendOp};

/// A condition that a strand waits for.
struct Condition {
    function: FunctionId,
    states: Vec<u32>,
    captures: Vec<u8>,
}

impl Instance {
    /// A strand suspends on a condition that does not hold yet.
    pub(crate) fn begin_wait_until(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let SuspendOp::WaitUntil { condition, .. } = suspended.op else { return };
        let path = suspended.path;
        match self.condition_captures(context, path, condition, suspended.operands) {
            Ok(captures) => {
                let ticket = self.next_ticket();
                self.conditions.insert((ticket, 0), path.clone());
                let what = "wait until".to_owned();
                self.record(HistoryEvent::Waiting { strand: path.clone(), what, line: suspended.line });
                self.wait(path, Wait::Until { ticket, captures });
            }
            Err(reason) => {
                let error = self
                    .heap_mut(path)
                    .map_or(0, |heap| heap.make_trap(flow_mir::TrapKind::OutOfMemory, &reason));
                self.make_ready(path, Resumption::Error(error));
            }
        }
    }

    /// The values a condition captures, as an image.
    pub(crate) fn condition_captures(
        &self,
        context: Context<'_>,
        path: &StrandPath,
        condition: &Branch,
        operands: &[u64],
    ) -> Result<Vec<u8>, String> {
        let program = context.program;
        let heap = self.heap(path).ok_or("the strand has no heap")?;
        let code = &program.functions.at(condition.function);
        let types = code.params().map(|param| code.locals.at(param).ty);
        let roots: Vec<_> = types.zip(operands.iter().copied()).collect();
        values::image(program, heap, &roots)
    }

    /// Whether a condition holds: what it gives then, an image. `Err` is the image of the error it raised.
    pub(crate) fn holds(
        &self,
        context: Context<'_>,
        path: &StrandPath,
        function: FunctionId,
        captures: &[u8],
    ) -> Result<Option<Vec<u8>>, Vec<u8>> {
        let program = context.program;
        let Some(mut heap) = self.new_heap(path).ok() else { return Ok(None) };
        let code = &program.functions.at(function);
        let types: Vec<_> = code.params().map(|param| code.locals.at(param).ty).collect();
        let found = values::absorb(program, &types, captures, &mut heap).map_err(|reason| {
            let error = heap.make_trap(flow_mir::TrapKind::OutOfMemory, &reason);
            Exit::Raise(error)
        });
        let exit = match found {
            Ok(args) => {
                let mut host = StateReader { program, workflow: self.workflow, states: &self.state.states };
                context.executor.enter(function, Entry::Start(&args), &mut [], &mut heap, &mut host)
            }
            Err(raised) => raised,
        };
        let error = match exit {
            Exit::Return(0) => return Ok(None),
            Exit::Return(word) => match values::image(program, &heap, &[(code.returns, word)]) {
                Ok(image) => return Ok(Some(image)),
                Err(reason) => heap.make_trap(flow_mir::TrapKind::OutOfMemory, &reason),
            },
            Exit::Raise(error) => error,
            Exit::Suspend { .. } => heap.make_trap(flow_mir::TrapKind::Internal, "a condition that waits"),
        };
        Err(values::image(program, &heap, &[(program.known.error, error)]).unwrap_or_default())
    }

    /// Looks at the conditions over what has been written, in the order in which their waits began. The first that holds
    /// goes on next, so that it still does when its strand runs; the others are looked at after that.
    pub(crate) fn check_conditions(&mut self, context: Context<'_>) {
        if self.written.is_empty() {
            return;
        }
        let waiting: Vec<(u32, StrandPath)> =
            self.conditions.iter().map(|((_, arm), path)| (*arm, path.clone())).collect();
        for (arm, path) in waiting {
            let Some(condition) = self.condition_of(context, &path, arm) else { continue };
            if !condition.states.iter().any(|state| self.written.contains(state)) {
                continue;
            }
            match self.holds(context, &path, condition.function, &condition.captures) {
                Ok(None) => {}
                Ok(Some(value)) => return self.condition_met(context, &path, arm, value),
                Err(error) => return self.condition_failed(context, &path, error),
            }
        }
        self.written.clear();
    }

    fn condition_of(&self, context: Context<'_>, path: &StrandPath, arm: u32) -> Option<Condition> {
        let strand = self.strands.get(path)?;
        let op = code_suspended_on(context, strand.code.as_ref()?)?;
        let (condition, states, captures) = match (op, &strand.meta.wait) {
            (SuspendOp::WaitUntil { condition, states }, Wait::Until { captures, .. }) => {
                (condition, states, captures)
            }
            (SuspendOp::Race { arms }, Wait::Fork(fork)) => {
                let ForkKind::Race { waits, .. } = &fork.kind else { return None };
                let (_, awaited) = waits.iter().find(|(known, _)| *known == arm)?;
                match (arms.get(arm as usize)?, awaited) {
                    (RaceArm::WaitUntil { condition, states }, Awaited::Condition(captures)) => {
                        (condition, states, captures)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        let (states, captures) = (states.clone(), captures.clone());
        Some(Condition { function: condition.function, states, captures })
    }

    fn condition_met(&mut self, context: Context<'_>, path: &StrandPath, arm: u32, value: Vec<u8>) {
        self.record(HistoryEvent::ConditionMet { strand: path.clone() });
        match self.strands.get(path).map(|strand| &strand.meta.wait) {
            Some(Wait::Fork(_)) => self.close_fork(context, path, Closing::Won { arm, value: Some(value) }),
            _ => {
                self.make_ready(path, Resumption::Stored(StoredOutcome::Value(value)));
                self.ready.rotate_right(1);
            }
        }
    }

    fn condition_failed(&mut self, context: Context<'_>, path: &StrandPath, error: Vec<u8>) {
        match self.strands.get(path).map(|strand| &strand.meta.wait) {
            Some(Wait::Fork(_)) => self.close_fork(context, path, Closing::Failed(error)),
            _ => self.make_ready(path, Resumption::Stored(StoredOutcome::Error(error))),
        }
    }
}
