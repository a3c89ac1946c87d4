//! Running strands from suspension to suspension, and beginning what they suspend on.

use crate::history::HistoryEvent;
use crate::host::StrandHost;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, LiveStrand, Resumption, internal_report};
use crate::meta::{Role, Scope, StoredOutcome, Wait};
use crate::rows::Status;
use crate::values;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{FunctionId, Heap, SuspendOp, TypeId};

/// A strand that has just suspended on an operation.
pub(crate) struct Suspended<'a> {
    pub path: &'a StrandPath,
    pub op: &'a SuspendOp,
    pub operands: &'a [u64],
    /// `file:line`
    pub line: String,
}

/// Where a compensation stood before it ran on.
pub(crate) struct Before {
    pub code: Strand,
    /// What it was resumed with.
    pub outcome: StoredOutcome,
    pub scopes: Vec<Scope>,
}

impl Instance {
    /// Runs strands until each waits for something. What came before the instance has an owner makes it no first step.
    pub(crate) fn run(&mut self, context: Context<'_>) {
        if !self.has_begun {
            return;
        }
        loop {
            if !self.row.status.is_final() && self.row.status != Status::Paused {
                self.check_conditions(context);
            }
            let Some((path, resumption)) = self.ready.pop_front() else { break };
            match self.row.status {
                status if status.is_final() => break,
                Status::Paused => {
                    self.hold(context, &path, &resumption);
                    continue;
                }
                _ => {}
            }
            if let Some(strand) = self.strands.remove(&path) {
                self.run_strand(context, &path, strand, resumption);
            }
        }
    }

    fn run_strand(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        mut strand: LiveStrand,
        resumption: Resumption,
    ) {
        self.touch(path);
        let Some(code) = strand.code.as_mut() else {
            self.strands.insert(path.clone(), strand);
            return;
        };
        let resumption = match absorb(context, code, resumption) {
            Ok(resumption) => resumption,
            Err(reason) => {
                self.strands.insert(path.clone(), strand);
                return self.end_with_report(Status::Failed, internal_report(&reason));
            }
        };
        // A compensation that gives up is taken up again from where it stood.
        let before = matches!(strand.meta.role, Role::Compensation { .. }).then(|| Before {
            code: code.clone(),
            outcome: store(context, code, &resumption),
            scopes: strand.meta.scopes.clone(),
        });
        let mut lent = self.borrow(&strand);
        let LiveStrand { code: Some(code), meta, .. } = &mut strand else { return };
        let mut host = StrandHost { instance: self, context, path, meta };
        let outcome = resume(&resumption);
        let stop = match &mut lent {
            Some((_, operands)) => code.run_lent(&mut operands.lent, context.executor, &mut host, outcome),
            None => code.run(context.executor, &mut host, outcome),
        };
        if let Some(lent) = lent {
            self.give_back(lent);
        }
        self.strands.insert(path.clone(), strand);
        match stop {
            Stop::Returned(word) => self.returned(context, path, word),
            Stop::Raised(error) => self.raised(context, path, error, before),
            Stop::Suspended(at) => {
                let line = values::line(context.program, at.location);
                self.suspended(context, Suspended { path, op: at.op, operands: &at.operands, line });
            }
        }
    }

    /// Begins what a strand suspends on, unless an interruption comes first.
    fn suspended(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let path = suspended.path;
        let unwinds = matches!(suspended.op, SuspendOp::SagaUnwind { .. } | SuspendOp::ScopeEnd { .. });
        if !unwinds && self.strands.get_mut(path).is_some_and(|strand| strand.meta.take_interrupt()) {
            let error = self.cancelled_error(context, path, None);
            return self.make_ready(path, Resumption::Error(error));
        }
        match suspended.op {
            SuspendOp::Activity { .. } => self.begin_call(context, suspended),
            SuspendOp::Sleep { .. } | SuspendOp::SleepUntil { .. } => self.begin_sleep(suspended),
            SuspendOp::Parallel { .. } | SuspendOp::ParallelFor { .. } | SuspendOp::Race { .. } => {
                self.begin_fork(context, suspended);
            }
            SuspendOp::Receive { .. } => self.begin_receive(context, suspended),
            SuspendOp::WaitUntil { .. } => self.begin_wait_until(context, suspended),
            SuspendOp::SagaUnwind { .. } => self.begin_unwind(context, suspended),
            SuspendOp::Await { .. } => self.begin_await(&suspended),
            SuspendOp::ScopeEnd { .. } => self.begin_scope_end(context, &suspended),
            SuspendOp::Workflow { .. } => self.begin_child(context, &suspended),
            SuspendOp::Tell { .. } => self.begin_tell(context, &suspended),
            SuspendOp::Ask { .. } => self.begin_ask(context, &suspended),
            SuspendOp::Detach { .. } => self.begin_detach(context, &suspended),
            other => {
                let reason = format!("an instance can't do `{other:?}`");
                self.end_with_report(Status::Failed, internal_report(&reason));
            }
        }
    }

    fn begin_sleep(&mut self, suspended: Suspended<'_>) {
        let amount = suspended.operands.first().copied().unwrap_or(0).cast_signed();
        let until = match suspended.op {
            SuspendOp::SleepUntil { .. } => crate::ids::Timestamp(amount),
            _ => self.clock.plus(amount.max(0)),
        };
        let timer = self.open_timer(suspended.path, until);
        self.record(HistoryEvent::Sleeping { strand: suspended.path.clone(), until, line: suspended.line });
        self.wait(suspended.path, Wait::Sleep { timer });
    }

    fn returned(&mut self, context: Context<'_>, path: &StrandPath, word: u64) {
        let Some(strand) = self.strands.get(path) else { return };
        match strand.meta.role.clone() {
            Role::Main => {
                let ty = context.program.workflows.at(self.workflow).returns;
                match self.export(context, path, ty, word) {
                    Ok(output) => self.end(Status::Completed, Some(output), None),
                    Err(reason) => self.end_with_report(Status::Failed, internal_report(&reason)),
                }
            }
            Role::Branch { parent, index } => self.branch_returned(context, path, &parent, index, word),
            Role::Compensation { owner, position } => self.compensated(context, path, &owner, position),
            Role::Spawned { .. } => self.spawned_returned(context, path, word),
        }
    }

    fn raised(&mut self, context: Context<'_>, path: &StrandPath, error: u64, before: Option<Before>) {
        let Some(strand) = self.strands.get(path) else { return };
        match (strand.meta.role.clone(), before) {
            (Role::Main, _) => {
                let Some(heap) = self.heap(path) else { return };
                let cancelled =
                    heap.error_parts(error).ty == context.program.known.cancelled && self.state.cancelled;
                let report = values::report(context.program, heap, error);
                self.raised =
                    values::image(context.program, heap, &[(context.program.known.error, error)]).ok();
                let status = if cancelled { Status::Cancelled } else { Status::Failed };
                self.end_with_report(status, report);
            }
            (Role::Branch { parent, .. }, _) => self.branch_raised(context, path, &parent, error),
            (Role::Compensation { .. }, Some(before)) => self.gave_up(context, path, error, before),
            (Role::Compensation { .. }, None) => {}
            (Role::Spawned { .. }, _) => self.spawned_raised(context, path, error),
        }
    }

    pub(crate) fn heap(&self, path: &StrandPath) -> Option<&Heap> {
        self.strands.get(path).and_then(|strand| strand.code.as_ref()).map(Strand::heap)
    }

    pub(crate) fn heap_mut(&mut self, path: &StrandPath) -> Option<&mut Heap> {
        self.strands.get_mut(path).and_then(|strand| strand.code.as_mut()).map(Strand::heap_mut)
    }

    /// A value of a strand as image and JSON.
    pub(crate) fn export(
        &self,
        context: Context<'_>,
        path: &StrandPath,
        ty: TypeId,
        word: u64,
    ) -> Result<(Vec<u8>, serde_json::Value), String> {
        let heap = self.heap(path).ok_or("the strand has no heap")?;
        let image = values::image(context.program, heap, &[(ty, word)])?;
        Ok((image, values::json(context.program, heap, ty, word)))
    }

    /// An empty heap under the same limits as a strand's.
    pub(crate) fn new_heap(&self, like: &StrandPath) -> Result<Heap, String> {
        self.heap(like).map(Heap::successor).ok_or_else(|| "the strand has no heap".into())
    }

    /// A strand that begins `function` with arguments from an image.
    pub(crate) fn code_from_image(
        &self,
        context: Context<'_>,
        from: &StrandPath,
        function: FunctionId,
        image: &[u8],
    ) -> Result<Strand, String> {
        let mut heap = self.new_heap(from)?;
        let function_code =
            context.program.functions.get(function).ok_or("the function is not in the program")?;
        let types: Vec<TypeId> =
            function_code.params().map(|param| function_code.locals.at(param).ty).collect();
        let args = values::absorb(context.program, &types, image, &mut heap)?;
        Ok(Strand::new(heap, function, args))
    }
}

/// Brings a stored outcome into the strand's heap.
fn absorb(context: Context<'_>, code: &mut Strand, resumption: Resumption) -> Result<Resumption, String> {
    let Resumption::Stored(stored) = resumption else { return Ok(resumption) };
    let program = context.program;
    let mut one = |ty: TypeId, image: &[u8]| {
        let words = values::absorb(program, &[ty], image, code.heap_mut())?;
        words.first().copied().ok_or_else(|| "an empty image".to_owned())
    };
    Ok(match stored {
        StoredOutcome::Start => Resumption::Start,
        StoredOutcome::Unit => Resumption::Value(0),
        StoredOutcome::Error(image) => Resumption::Error(one(program.known.error, &image)?),
        StoredOutcome::Value(image) => {
            let ty = code_awaits(context, code).ok_or("the strand awaits nothing")?;
            let words = values::absorb(program, &[ty], &image, code.heap_mut())?;
            Resumption::Value(words.first().copied().unwrap_or(0))
        }
    })
}

/// The type of the value that the strand's suspension will be given.
pub(crate) fn code_awaits(context: Context<'_>, code: &Strand) -> Option<TypeId> {
    let frame = code.frames().last()?;
    let function = context.program.functions.get(frame.function)?;
    let (_, result) = function.suspend_op(frame.suspension)?;
    function.locals.get(result).map(|local| local.ty)
}

/// The operation that the strand is suspended on.
pub(crate) fn code_suspended_on<'p>(context: Context<'p>, code: &Strand) -> Option<&'p SuspendOp> {
    let frame = code.frames().last()?;
    context.program.functions.get(frame.function)?.suspend_op(frame.suspension).map(|(op, _)| op)
}

/// A resumption as it is kept while an operator decides.
pub(crate) fn store(context: Context<'_>, code: &Strand, resumption: &Resumption) -> StoredOutcome {
    let program = context.program;
    match resumption {
        Resumption::Start => StoredOutcome::Start,
        Resumption::Stored(stored) => stored.clone(),
        Resumption::Error(error) => values::image(program, code.heap(), &[(program.known.error, *error)])
            .map_or(StoredOutcome::Unit, StoredOutcome::Error),
        Resumption::Value(word) => code_awaits(context, code)
            .and_then(|ty| values::image(program, code.heap(), &[(ty, *word)]).ok())
            .map_or(StoredOutcome::Unit, StoredOutcome::Value),
    }
}

fn resume(resumption: &Resumption) -> Result<u64, u64> {
    match resumption {
        Resumption::Start | Resumption::Stored(_) => Ok(0),
        Resumption::Value(word) => Ok(*word),
        Resumption::Error(error) => Err(*error),
    }
}
