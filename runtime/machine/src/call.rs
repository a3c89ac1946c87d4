//! Calls of activities: requested, retried, settled.
//!
//! A call ends *succeeded*, *failed* with a declared error or a refusal, or *unknown*. The first answer from any attempt
//! settles it; what comes later finds no open call and is dropped.

use crate::event::{Action, CallOutcome, Dispatch};
use crate::history::HistoryEvent;
use crate::host::enclosing_saga;
use crate::ids::{CallKey, StrandPath, Timestamp};
use crate::instance::{Context, Instance, Resumption};
use crate::meta::{Call, Handed, Role, StoredOutcome, Wait};
use crate::policy::CallPolicy;
use crate::rows::Status;
use crate::run::Suspended;
use crate::values;
use flow_mir::{ActivityId, FunctionId, SuspendOp};
use std::collections::HashSet;
use uuid::Uuid;

/// The start of an attempt that a pause holds back.
pub(crate) const AFTER_THE_PAUSE: Timestamp = Timestamp(i64::MAX);

/// An attempt that did not succeed.
struct Failure {
    reason: String,
    /// It ended with an answer: a declared error (its image) or a refusal.
    answer: Option<Answer>,
    /// It may have happened.
    unknown: bool,
    timed_out: bool,
}

enum Answer {
    Declared(Vec<u8>),
    Refused,
}

impl Instance {
    /// A strand suspends on a call: it is requested in this transition and dispatched after its commit.
    pub(crate) fn begin_call(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let SuspendOp::Activity { activity, args, policy, interruptible, own_retry, own_deadline } =
            suspended.op
        else {
            return;
        };
        let program = context.program;
        let Some(heap) = self.heap(suspended.path) else { return };
        let declared = &program.activities.at(*activity);
        let words = suspended.operands.get(..args.len()).unwrap_or_default();
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words.iter().copied()).collect();
        let image = values::image(program, heap, &roots).unwrap_or_default();
        let args_json = values::fields_json(program, heap, &declared.params, words);
        let record = policy.and(suspended.operands.get(args.len()).copied());
        let policy =
            record.map_or_else(CallPolicy::default, |record| CallPolicy::read(program, heap, record));
        let call = Call {
            key: self.next_key(suspended.path),
            activity: *activity,
            args: image,
            interruptible: *interruptible || policy.heartbeat.is_some(),
            policy: CallPolicy { own_retry: *own_retry, own_deadline: *own_deadline, ..policy },
            attempt: 1,
            not_before: None,
            maybe_happened: false,
            answered: 0,
            deadline: None,
            handed: None,
        };
        self.record(HistoryEvent::CallRequested {
            strand: suspended.path.clone(),
            activity: declared.name.clone(),
            key: call.key.to_string(),
            args: args_json,
            line: suspended.line,
        });
        self.open_call(context, suspended.path, call);
    }

    fn next_key(&mut self, path: &StrandPath) -> CallKey {
        let number = self.next_number(path);
        CallKey::new(self.row.id, path, number)
    }

    /// Makes a strand wait for a call, with its deadline, and asks for its next attempt.
    pub(crate) fn open_call(&mut self, context: Context<'_>, path: &StrandPath, mut call: Call) {
        // In a compensation the activity's own bounds are lifted.
        let is_bounded = call.policy.own_deadline || !self.undoing(path);
        if let Some(nanos) = call.policy.deadline.filter(|_| call.deadline.is_none() && is_bounded) {
            call.deadline = Some(self.open_timer(path, self.clock.plus(nanos.max(0))));
        }
        self.calls.insert(call.key, path.clone());
        self.request(context, path, call);
    }

    /// Waits for a call and asks for its next attempt; in a pause its end does that.
    fn request(&mut self, context: Context<'_>, path: &StrandPath, mut call: Call) {
        call.handed = call.handed.filter(|handed| *handed != Handed::Again);
        if self.row.status == Status::Paused {
            call.not_before = Some(AFTER_THE_PAUSE);
        } else {
            self.dispatch(context, path, &call);
        }
        self.wait(path, Wait::Call(Box::new(call)));
    }

    /// Asks for the attempt that a strand's call waits for.
    pub(crate) fn request_again(&mut self, context: Context<'_>, path: &StrandPath) {
        let Some(call) = self.open_call_of(path).cloned() else { return };
        self.request(context, path, Call { not_before: None, ..call });
    }

    fn dispatch(&mut self, context: Context<'_>, path: &StrandPath, call: &Call) {
        let activity = &context.program.activities.at(call.activity);
        self.act(Action::Dispatch(Dispatch {
            instance: self.row.id,
            strand: path.clone(),
            key: call.key,
            attempt: call.attempt,
            not_before: call.not_before,
            activity: call.activity,
            run: activity.run,
            args: call.args.clone(),
            timeout: call.policy.timeout,
            heartbeat: call.policy.heartbeat,
            queue: call.policy.queue.clone(),
            transactional: activity.transactional,
            with: match call.handed {
                Some(Handed::With(worker)) => Some(worker),
                _ => None,
            },
        }));
    }

    /// Whether a strand undoes something: it, or one it is a branch of, is a compensation.
    pub(crate) fn undoing(&self, path: &StrandPath) -> bool {
        let mut path = path;
        loop {
            match self.strands.get(path).map(|strand| &strand.meta.role) {
                Some(Role::Branch { parent, .. }) => path = parent,
                Some(Role::Spawned { owner, .. }) => path = owner,
                Some(Role::Compensation { .. }) => return true,
                Some(Role::Main) | None => return false,
            }
        }
    }

    fn open_call_of(&self, path: &StrandPath) -> Option<&Call> {
        match &self.strands.get(path)?.meta.wait {
            Wait::Call(call) => Some(call),
            _ => None,
        }
    }

    /// An attempt ended.
    pub(crate) fn call_ended(
        &mut self,
        context: Context<'_>,
        key: CallKey,
        attempt: u32,
        outcome: CallOutcome,
    ) {
        let Some(path) = self.calls.get(&key).cloned() else { return };
        let Some(call) = self.open_call_of(&path) else { return };
        let (current, answered) = (call.attempt, call.answered);
        let failure = match outcome {
            CallOutcome::Returned(image) => return self.call_returned(context, &path, attempt, image),
            // An answer from any attempt counts, once; a failure without one concerns only the attempt that is running.
            CallOutcome::Failed(_) | CallOutcome::Refused { .. } if attempt <= answered => return,
            CallOutcome::Failed(image) => {
                let reason = values::error_text(context.program, &image);
                Failure { reason, answer: Some(Answer::Declared(image)), unknown: false, timed_out: false }
            }
            CallOutcome::Refused { reason } => {
                Failure { reason, answer: Some(Answer::Refused), unknown: false, timed_out: false }
            }
            CallOutcome::Unknown { .. } | CallOutcome::NotSent { .. } if attempt != current => return,
            CallOutcome::Unknown { reason, timed_out } => {
                Failure { reason, answer: None, unknown: true, timed_out }
            }
            CallOutcome::NotSent { reason } => {
                Failure { reason, answer: None, unknown: false, timed_out: false }
            }
        };
        if failure.answer.is_some() {
            self.note_answer(&path, attempt);
        }
        self.attempt_failed(context, &path, failure, |pause| pause);
    }

    /// Remembers that an attempt has answered: it may be told twice.
    fn note_answer(&mut self, path: &StrandPath, attempt: u32) {
        if let Some(Wait::Call(call)) = self.strands.get_mut(path).map(|strand| &mut strand.meta.wait) {
            call.answered = call.answered.max(attempt);
        }
    }

    fn call_returned(&mut self, context: Context<'_>, path: &StrandPath, attempt: u32, image: Vec<u8>) {
        let Some(call) = self.close_call(path) else { return };
        let activity = &context.program.activities.at(call.activity);
        let output = values::image_json(context.program, activity.returns, &image);
        self.record(HistoryEvent::CallCompleted {
            strand: path.clone(),
            activity: activity.name.clone(),
            key: call.key.to_string(),
            attempt,
            output,
        });
        self.make_ready(path, Resumption::Stored(StoredOutcome::Value(image)));
    }

    /// Takes the open call off a strand; the strand is about to go on.
    fn close_call(&mut self, path: &StrandPath) -> Option<Call> {
        let strand = self.strands.get_mut(path)?;
        if !matches!(strand.meta.wait, Wait::Call(_)) {
            return None;
        }
        let Wait::Call(call) = std::mem::replace(&mut strand.meta.wait, Wait::Ready) else { return None };
        self.calls.remove(&call.key);
        if let Some(timer) = &call.deadline {
            self.clear_timer(timer);
        }
        Some(*call)
    }

    /// `pause`: how long to wait where the policy says so long.
    fn attempt_failed(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        failure: Failure,
        pause: impl FnOnce(i64) -> i64,
    ) {
        let undoing = self.undoing(path);
        let Some(call) = self.open_call_of(path) else { return };
        let mut call = call.clone();
        // An answer settles what earlier attempts left open.
        call.maybe_happened = failure.answer.is_none() && (call.maybe_happened || failure.unknown);
        let interrupted = self.strands.get(path).is_some_and(|strand| strand.meta.is_interrupted());
        let gives_way = interrupted && (failure.answer.is_some() || self.may_give_way(path, &call));
        // The exceptions bound the activity's own retries, which are lifted where it undoes something.
        let excepted = (!undoing || call.policy.own_retry)
            && matches!(&failure.answer, Some(Answer::Declared(image)) if self.is_excepted(context, call.activity, image));
        let policy = call.policy.pause_after(call.key, call.attempt, failure.answer.is_some(), undoing);
        match policy.filter(|_| !gives_way && !excepted) {
            Some(policy) => self.retry(context, path, call, failure, pause(policy)),
            None => self.end_call(context, path, call, failure),
        }
    }

    /// Whether `retry: … unless PATTERN` names this error.
    fn is_excepted(&self, context: Context<'_>, activity: ActivityId, image: &[u8]) -> bool {
        let unless: Option<FunctionId> = context.program.activities.at(activity).unless;
        unless.is_some_and(|function| values::test_error(context.executor, function, image))
    }

    fn retry(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        mut call: Call,
        failure: Failure,
        pause: i64,
    ) {
        let next = self.clock.plus(pause);
        self.record(HistoryEvent::CallRetried {
            strand: path.clone(),
            activity: context.program.activities.at(call.activity).name.clone(),
            key: call.key.to_string(),
            attempt: call.attempt,
            reason: failure.reason,
            next,
        });
        call.attempt = call.attempt.saturating_add(1);
        call.handed = None;
        call.not_before = (pause > 0).then_some(next);
        self.request(context, path, call);
    }

    /// The call ends without success: its error is raised in the strand.
    fn end_call(&mut self, context: Context<'_>, path: &StrandPath, call: Call, failure: Failure) {
        let activity = context.program.activities.at(call.activity).name.clone();
        let unknown = call.maybe_happened && failure.answer.is_none();
        self.close_call(path);
        self.record(HistoryEvent::CallFailed {
            strand: path.clone(),
            activity: activity.clone(),
            key: call.key.to_string(),
            attempt: call.attempt,
            error: failure.reason.clone(),
            unknown,
        });
        let interrupted = self.strands.get_mut(path).is_some_and(|strand| strand.meta.take_interrupt());
        let key = unknown.then_some(call.key);
        let resumption = match failure.answer {
            _ if interrupted => Resumption::Error(self.cancelled_error(context, path, key)),
            Some(Answer::Declared(image)) => Resumption::Stored(StoredOutcome::Error(image)),
            _ if failure.timed_out => Resumption::Error(self.timeout_error(context, path, key)),
            _ => {
                Resumption::Error(self.activity_failed_error(context, path, &activity, &failure.reason, key))
            }
        };
        self.make_ready(path, resumption);
        if let Some(strand) = self.strands.get_mut(path) {
            strand.failed_call = Some(Box::new(call));
        }
    }

    /// Whether an interrupted call may end without an answer while no attempt runs. In a saga, one that may have happened
    /// is tried until that is known: else a step that happened would be left out when the saga is undone.
    fn may_give_way(&self, path: &StrandPath, call: &Call) -> bool {
        let in_saga = self.strands.get(path).and_then(|strand| enclosing_saga(self, &strand.meta)).is_some();
        call.interruptible || !call.maybe_happened || !in_saga
    }

    /// The deadline over all attempts has passed.
    pub(crate) fn call_deadline(&mut self, context: Context<'_>, path: &StrandPath) {
        let Some(call) = self.open_call_of(path).cloned() else { return };
        self.act(Action::Abort { key: call.key });
        let in_flight = call.in_flight(self.clock);
        let call = Call { maybe_happened: call.maybe_happened || in_flight, ..call };
        let reason = "the deadline over all attempts has passed".to_owned();
        self.end_call(
            context,
            path,
            call,
            Failure { reason, answer: None, unknown: in_flight, timed_out: true },
        );
    }

    /// An interruption reaches a strand that waits for a call: whether the call gives way.
    pub(crate) fn interrupt_call(&mut self, context: Context<'_>, path: &StrandPath) -> bool {
        let Some(call) = self.open_call_of(path).cloned() else { return false };
        let in_flight = call.in_flight(self.clock);
        if (in_flight && !call.interruptible) || !self.may_give_way(path, &call) {
            return false;
        }
        self.act(Action::Abort { key: call.key });
        let call = Call { maybe_happened: call.maybe_happened || in_flight, ..call };
        let reason = "cancelled".to_owned();
        self.end_call(
            context,
            path,
            call,
            Failure { reason, answer: None, unknown: in_flight, timed_out: false },
        );
        true
    }

    /// A new owner: attempts that were in flight are used up, the others are asked for again. What this transition asks for
    /// itself, on account of what came in the meantime, nobody has tried yet.
    pub(crate) fn recover_calls(&mut self, context: Context<'_>) {
        let mut open: Vec<StrandPath> = self.calls.values().cloned().collect();
        open.sort();
        let asked_for: HashSet<(CallKey, u32)> = self.pending.actions.iter().filter_map(asked_for).collect();
        for path in open {
            let Some(call) = self.open_call_of(&path).cloned() else { continue };
            let activity = &context.program.activities.at(call.activity);
            if asked_for.contains(&(call.key, call.attempt)) {
                continue;
            }
            let in_flight = call.in_flight(self.clock);
            if !in_flight || activity.run.is_none() || call.handed.is_some() {
                // A worker elsewhere may have done it by now, even where a pause holds the next request back. What was handed
                // over says itself whether it may have happened.
                let maybe_happened = call.maybe_happened || (in_flight && call.handed != Some(Handed::Again));
                self.request(context, &path, Call { maybe_happened, ..call });
                continue;
            }
            // The old owner's transaction has ended without a completion, so a `sql` call did not happen.
            let unknown = !activity.transactional;
            let reason = "the process that made this attempt is gone".to_owned();
            let failure = Failure { reason, answer: None, unknown, timed_out: false };
            // The next attempt follows at once: the restart was pause enough.
            self.attempt_failed(context, &path, failure, |_| 0);
        }
    }

    /// The owner leaves as planned. Of the attempts in flight it is making `running`; where it is to live on, as `worker`, it
    /// goes on with those. None of them is used up.
    pub(crate) fn hand_over(
        &mut self,
        context: Context<'_>,
        running: &HashSet<(CallKey, u32)>,
        worker: Option<Uuid>,
    ) {
        let open: Vec<StrandPath> = self.calls.values().cloned().collect();
        for path in open {
            let Some(Wait::Call(call)) = self.strands.get_mut(&path).map(|strand| &mut strand.meta.wait)
            else {
                continue;
            };
            let activity = &context.program.activities.at(call.activity);
            let elsewhere = matches!(call.handed, Some(Handed::With(_)));
            if !call.in_flight(self.clock) || activity.run.is_none() || elsewhere {
                continue;
            }
            let runs = running.contains(&(call.key, call.attempt));
            call.maybe_happened |= runs && !activity.transactional && worker.is_none();
            call.handed = Some(worker.filter(|_| runs).map_or(Handed::Again, Handed::With));
            self.touch(&path);
        }
    }

    pub(crate) fn cancelled_error(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        unknown: Option<CallKey>,
    ) -> u64 {
        let ty = context.program.known.cancelled;
        self.heap_mut(path).map_or(0, |heap| values::simple_error(heap, ty, unknown))
    }

    fn timeout_error(&mut self, context: Context<'_>, path: &StrandPath, unknown: Option<CallKey>) -> u64 {
        let ty = context.program.known.timeout;
        self.heap_mut(path).map_or(0, |heap| values::simple_error(heap, ty, unknown))
    }

    pub(crate) fn activity_failed_error(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        activity: &str,
        reason: &str,
        unknown: Option<CallKey>,
    ) -> u64 {
        let program = context.program;
        self.heap_mut(path)
            .map_or(0, |heap| values::activity_failed(program, heap, activity, reason, unknown))
    }
}

/// The attempt that an action asks for.
fn asked_for(action: &Action) -> Option<(CallKey, u32)> {
    match action {
        Action::Dispatch(dispatch) => Some((dispatch.key, dispatch.attempt)),
        _ => None,
    }
}
