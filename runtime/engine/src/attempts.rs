//! Attempts of calls: made after the commit that asked for them, bounded in number and time, reported to the instance.

use crate::core::Core;
use crate::events::EngineEvent;
use crate::lease::Pauses;
use crate::registry::{Arrival, Mail};
use flow_machine::event::{CallOutcome, Dispatch, Message};
use flow_machine::ids::{CallKey, InstanceId};
use flow_mir::Executor;
use flow_store::{Lease, Scope, Step, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

/// Whose attempts they are, and what they need.
#[derive(Clone)]
pub(crate) struct Caller {
    pub core: Arc<Core>,
    pub root: InstanceId,
    pub scope: Scope,
    pub executor: Arc<dyn Executor>,
    pub mailbox: UnboundedSender<Mail>,
}

impl Caller {
    /// A call of an instance of this tree, under a lease.
    pub(crate) fn step(&self, lease: Lease, instance: InstanceId, key: CallKey) -> Step {
        Step { lease, root: self.root, instance, key }
    }
}

struct Running {
    instance: InstanceId,
    attempt: u32,
    transactional: bool,
    task: AbortHandle,
}

/// The attempts of one tree of instances that run or wait for their time. They end when this is dropped.
pub(crate) struct Attempts {
    caller: Caller,
    running: HashMap<CallKey, Running>,
}

impl Attempts {
    pub(crate) fn new(caller: Caller) -> Attempts {
        Attempts { caller, running: HashMap::new() }
    }

    /// Makes an attempt. An earlier one of the same call that hasn't answered yet is given up.
    pub(crate) fn start(&mut self, dispatch: Dispatch) {
        let Dispatch { instance, key, attempt, transactional, .. } = dispatch;
        let task = tokio::spawn(attempt_it(self.caller.clone(), dispatch)).abort_handle();
        if let Some(before) = self.running.insert(key, Running { instance, attempt, transactional, task }) {
            before.task.abort();
        }
    }

    /// An attempt has reported.
    pub(crate) fn ended(&mut self, key: CallKey, attempt: u32) {
        if self.running.get(&key).is_some_and(|running| running.attempt == attempt) {
            self.running.remove(&key);
        }
    }

    /// The call is settled otherwise. A transactional one gets a tombstone, so that nothing can commit under its key later.
    pub(crate) fn abort(&mut self, key: CallKey) {
        let Some(running) = self.running.remove(&key) else { return };
        running.task.abort();
        if running.transactional {
            let caller = self.caller.clone();
            tokio::spawn(async move {
                let reason = "given up before it was done".to_owned();
                settle(&caller, running.instance, key, &CallOutcome::NotSent { reason }).await
            });
        }
    }

    /// Forgets an attempt that has not begun.
    pub(crate) fn withdraw(&mut self, key: CallKey) {
        if let Some(running) = self.running.remove(&key) {
            running.task.abort();
        }
    }

    /// Lets the attempts that run end on their own and report through the inbox.
    pub(crate) fn hand_over(&mut self) {
        self.running.clear();
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

async fn attempt_it(caller: Caller, dispatch: Dispatch) {
    let core = caller.core.clone();
    if let Some(at) = dispatch.not_before {
        core.clock.sleep_until(at).await;
    }
    // Closed only with the engine.
    let Ok(_permit) = core.permits.clone().acquire_owned().await else { return };
    core.leases.fresh().await;
    if core.leases.get(caller.scope).is_none() {
        return;
    }
    core.speaker.say(EngineEvent::Attempt {
        instance: dispatch.instance,
        strand: dispatch.strand.clone(),
        key: dispatch.key,
        attempt: dispatch.attempt,
    });
    let mut report = Report { caller, dispatch, sent: false };
    if let Some(outcome) = timed(&report.caller, &report.dispatch).await {
        report.send(outcome).await;
    }
}

/// One attempt within its time. `None`: the instance is another process's now.
async fn timed(caller: &Caller, dispatch: &Dispatch) -> Option<CallOutcome> {
    let run = crate::activity::run(caller, dispatch);
    let Some(limit) = dispatch.timeout.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
    else {
        return Some(run.await);
    };
    match tokio::time::timeout(limit, run).await {
        Ok(outcome) => Some(outcome),
        Err(_) if dispatch.transactional => {
            let reason = format!("not done within {limit:?}; its transaction was rolled back");
            settle(caller, dispatch.instance, dispatch.key, &CallOutcome::NotSent { reason }).await
        }
        Err(_) => {
            let reason = format!("no answer within {limit:?}");
            Some(CallOutcome::Unknown { reason, timed_out: true })
        }
    }
}

/// Ends a transactional call from outside: whoever is first wins. What the call's outcome is then.
async fn settle(
    caller: &Caller,
    instance: InstanceId,
    key: CallKey,
    tombstone: &CallOutcome,
) -> Option<CallOutcome> {
    let bytes = postcard::to_stdvec(tombstone).ok()?;
    let core = &caller.core;
    let mut pauses = Pauses::new(core.options.longest_pause);
    loop {
        let lease = core.leases.get(caller.scope)?;
        match core.store.settle(caller.step(lease, instance, key), &bytes).await {
            Ok(None) => return Some(tombstone.clone()),
            Ok(Some(row)) => return Some(decode_outcome(&row.outcome)),
            Err(StoreError::LeaseLost { .. }) if core.leases.get(caller.scope) == Some(lease) => return None,
            Err(_) => tokio::time::sleep(pauses.next()).await,
        }
    }
}

/// The outcome of a completion row.
pub(crate) fn decode_outcome(bytes: &[u8]) -> CallOutcome {
    postcard::from_bytes(bytes).unwrap_or_else(|error| CallOutcome::Refused {
        reason: format!("its stored outcome can't be read: {error}"),
    })
}

/// Tells the instance how an attempt ended, even where a mistake in a connector ends the task.
struct Report {
    caller: Caller,
    dispatch: Dispatch,
    sent: bool,
}

impl Report {
    async fn send(&mut self, outcome: CallOutcome) {
        let Some(outcome) = self.deliver(outcome) else { return };
        // The instance was handed over to another process, which finds the outcome in the inbox.
        let key = self.dispatch.key.to_string();
        let message = Message::CallEnded { key, attempt: self.dispatch.attempt, outcome };
        // Refused where the instance has ended; then nobody wants to know.
        let _ = self.caller.core.post(self.dispatch.instance, &message).await;
    }

    /// Gives the outcome back where the instance is no longer here.
    fn deliver(&mut self, outcome: CallOutcome) -> Option<CallOutcome> {
        self.sent = true;
        let Dispatch { instance, key, attempt, transactional, .. } = self.dispatch;
        let at = self.caller.core.clock.now();
        let arrival = Arrival::call_ended(instance, at, key, attempt, outcome, transactional);
        match self.caller.mailbox.send(Mail::Arrival(arrival)) {
            Err(returned) => match returned.0 {
                Mail::Arrival(Arrival {
                    event: flow_machine::event::Event::CallEnded { outcome, .. },
                    ..
                }) => Some(outcome),
                _ => None,
            },
            Ok(()) => None,
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.sent && std::thread::panicking() {
            let reason = "a mistake in flow itself ended the attempt".to_owned();
            self.deliver(CallOutcome::Unknown { reason, timed_out: false });
        }
    }
}
