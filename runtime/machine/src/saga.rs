//! Compensations: registered, promoted, dropped, run in reverse order of completion, stuck.

use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, Resumption, internal_report};
use crate::meta::{Call, Meta, Role, Scope, StoredOutcome, Wait};
use crate::rows::Status;
use crate::run::{Before, Suspended};
use crate::values;
use flow_mir::FunctionId;

/// How many compensations of a `saga unordered` run at a time.
const UNORDERED_AT_A_TIME: usize = 100;

impl Instance {
    /// A saga has failed: its compensations run, then the strand goes on to raise the error again.
    pub(crate) fn begin_unwind(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let path = suspended.path;
        let (saga, error) = match suspended.operands {
            [saga, error, ..] => (saga.cast_signed(), *error),
            _ => return,
        };
        let count = self.entries(saga).count();
        if count > 0 {
            let error = self
                .heap(path)
                .map(|heap| flow_mir::value::show(context.program, heap, context.program.known.error, error));
            let error = error.unwrap_or_default();
            self.record(HistoryEvent::Compensating { strand: path.clone(), count, error });
        }
        self.wait(path, Wait::Unwind { saga });
        self.continue_unwind(context, path);
    }

    /// Positions of a saga's entries, ascending.
    fn entries(&self, saga: i64) -> impl DoubleEndedIterator<Item = i64> + '_ {
        self.undo.range((saga, i64::MIN)..=(saga, i64::MAX)).map(|(_, position)| *position)
    }

    /// Starts the next compensations of the saga that `owner` unwinds; goes on with `owner` where none is left.
    fn continue_unwind(&mut self, context: Context<'_>, owner: &StrandPath) {
        let Some(strand) = self.strands.get(owner) else { return };
        let Wait::Unwind { saga } = strand.meta.wait else { return };
        let unordered =
            strand.meta.scopes.iter().any(
                |scope| matches!(scope, Scope::Saga { number, unordered } if *number == saga && *unordered),
            );
        let at_a_time = if unordered { UNORDERED_AT_A_TIME } else { 1 };
        let next: Vec<i64> = self.entries(saga).rev().take(at_a_time).collect();
        if next.is_empty() {
            if let Some(strand) = self.strands.get_mut(owner) {
                strand
                    .meta
                    .scopes
                    .retain(|scope| !matches!(scope, Scope::Saga { number, .. } if *number == saga));
            }
            return self.make_ready(owner, Resumption::Stored(StoredOutcome::Unit));
        }
        for position in next {
            self.start_compensation(context, owner, position);
        }
    }

    fn start_compensation(&mut self, context: Context<'_>, owner: &StrandPath, position: i64) {
        let Some(entry) = self.compensations.get(&position) else { return };
        let path = entry.path.clone();
        if self.strands.contains_key(&path) {
            return;
        }
        let code = postcard::from_bytes::<(FunctionId, Vec<u8>)>(&entry.image)
            .map_err(|error| error.to_string())
            .and_then(|(function, values)| self.code_from_image(context, owner, function, &values));
        match code {
            Ok(code) => {
                self.add_strand(path, code, Meta::new(Role::Compensation { owner: owner.clone(), position }))
            }
            Err(reason) => self.end_with_report(Status::Failed, internal_report(&reason)),
        }
    }

    /// A compensation has done its work.
    pub(crate) fn compensated(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        owner: &StrandPath,
        position: i64,
    ) {
        self.remove_strand(path);
        self.drop_compensation(position);
        self.record(HistoryEvent::Compensated { compensation: path.clone() });
        self.continue_unwind(context, owner);
    }

    /// A compensation gave up: it stands where it stood before, and the instance waits for an operator.
    pub(crate) fn gave_up(&mut self, context: Context<'_>, path: &StrandPath, error: u64, before: Before) {
        let Before { code, outcome, mut scopes } = before;
        // Its time-outs are over: an operator who asks to go on has time.
        scopes.retain(|scope| !matches!(scope, Scope::Timeout { .. }));
        let Some(heap) = self.heap(path) else { return };
        let report = values::report(context.program, heap, error);
        let message = report.message.clone();
        let failed: Option<Box<Call>> = match (&outcome, self.strands.get_mut(path)) {
            (StoredOutcome::Error(_), Some(strand)) => strand.failed_call.take(),
            _ => None,
        };
        if let Some(strand) = self.strands.get_mut(path) {
            strand.code = Some(code);
            strand.meta.scopes = scopes;
        }
        self.record(HistoryEvent::CompensationStuck { compensation: path.clone(), error: message.clone() });
        self.wait(path, Wait::Stuck { call: failed, outcome, error: message });
        self.row.error = Some(serde_json::to_vec(&report).unwrap_or_default());
        self.pending.row = true;
        self.set_status(Status::Stuck);
    }

    /// Strands that are stuck.
    pub(crate) fn stuck(&self) -> Vec<StrandPath> {
        let stuck = self.strands.iter().filter(|(_, strand)| matches!(strand.meta.wait, Wait::Stuck { .. }));
        stuck.map(|(path, _)| path.clone()).collect()
    }

    /// An operator asks to go on: stuck compensations are taken up where they stood, with the same keys.
    pub(crate) fn resume_stuck(&mut self, context: Context<'_>) {
        let stuck = self.stuck();
        if stuck.is_empty() {
            return;
        }
        self.record(HistoryEvent::Resumed);
        for path in stuck {
            let Some(strand) = self.strands.get_mut(&path) else { continue };
            let Wait::Stuck { call, outcome, .. } = std::mem::replace(&mut strand.meta.wait, Wait::Ready)
            else {
                continue;
            };
            match call {
                Some(call) => {
                    let call = Call {
                        attempt: call.attempt.saturating_add(1),
                        not_before: None,
                        deadline: None,
                        ..*call
                    };
                    self.open_call(context, &path, call);
                }
                None => self.make_ready(&path, Resumption::Stored(outcome)),
            }
        }
        self.unstick();
    }

    /// An operator gives up one compensation, or those that are stuck, or else those being retried.
    pub(crate) fn skip_compensations(&mut self, context: Context<'_>, wanted: Option<&StrandPath>) {
        let undoing =
            self.strands.iter().filter(|(_, strand)| matches!(strand.meta.role, Role::Compensation { .. }));
        let mut skipped: Vec<StrandPath> = undoing.map(|(path, _)| path.clone()).collect();
        match wanted {
            Some(wanted) => skipped.retain(|path| path == wanted),
            None if !self.stuck().is_empty() => skipped = self.stuck(),
            None => {}
        }
        for path in skipped {
            let Some(strand) = self.strands.get(&path) else { continue };
            let Role::Compensation { owner, position } = strand.meta.role.clone() else { continue };
            self.remove_tree(&path);
            self.drop_compensation(position);
            self.record(HistoryEvent::Skipped { compensation: path });
            self.continue_unwind(context, &owner);
        }
        self.unstick();
    }

    /// The instance goes on, where nothing of it is stuck any more.
    fn unstick(&mut self) {
        if !self.stuck().is_empty() {
            return;
        }
        if self.row.error.take().is_some() {
            self.pending.row = true;
        }
        if self.row.status == Status::Stuck {
            self.set_status(Status::Running);
        }
    }

    /// Removes a strand with all that it forked.
    fn remove_tree(&mut self, path: &StrandPath) {
        let prefixes = [format!("{path}."), format!("{path}~")];
        let inside =
            |other: &StrandPath| other == path || prefixes.iter().any(|prefix| other.0.starts_with(prefix));
        let paths: Vec<StrandPath> = self.strands.keys().filter(|other| inside(other)).cloned().collect();
        for path in paths {
            let key = match self.strands.get(&path).map(|strand| &strand.meta.wait) {
                Some(Wait::Call(call)) => Some(call.key),
                Some(Wait::Request(request)) => Some(request.key),
                _ => None,
            };
            if let Some(key) = key {
                self.act(crate::event::Action::Abort { key });
            }
            self.remove_strand(&path);
        }
    }

    /// Adds a compensation at the next position.
    pub(crate) fn register(&mut self, path: StrandPath, saga: i64, image: Vec<u8>) {
        self.counters.position += 1;
        let position = self.counters.position;
        self.undo.insert((saga, position));
        self.compensations
            .insert(position, crate::instance::Compensation { path, saga, image, stored: false });
        self.pending.compensations.insert(position);
    }

    /// Moves a saga's entries to the enclosing one.
    pub(crate) fn promote_saga(&mut self, saga: i64, outer: i64) {
        let positions: Vec<i64> = self.entries(saga).collect();
        for position in positions {
            self.undo.remove(&(saga, position));
            self.undo.insert((outer, position));
            if let Some(entry) = self.compensations.get_mut(&position) {
                entry.saga = outer;
            }
            self.pending.compensations.insert(position);
        }
    }

    /// Drops a saga's entries: it has succeeded with nothing around it, or has committed.
    pub(crate) fn drop_saga(&mut self, saga: i64) {
        let positions: Vec<i64> = self.entries(saga).collect();
        for position in positions {
            self.drop_compensation(position);
        }
    }

    pub(crate) fn drop_compensation(&mut self, position: i64) {
        self.pending.compensations.remove(&position);
        if let Some(entry) = self.compensations.remove(&position) {
            self.undo.remove(&(entry.saga, position));
            if entry.stored {
                self.pending.deleted_compensations.insert(entry.path);
            }
        }
    }
}
