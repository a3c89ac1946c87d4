//! Attempts of calls: made after the commit that asked for them, bounded in number and time, reported to the instance.

use crate::core::Core;
use crate::events::EngineEvent;
use crate::lease::Pauses;
use crate::registry::{Arrival, Mail};
use flow_activity::Pulse;
use flow_machine::event::{CallOutcome, Dispatch, Message};
use flow_machine::ids::{CallKey, InstanceId};
use flow_mir::Executor;
use flow_store::{Lease, Scope, Step, StoreError};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use uuid::Uuid;

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
    /// Another worker makes it: the task only sees to it that that one lives.
    elsewhere: bool,
    stage: Arc<Stage>,
    task: AbortHandle,
}

/// How far an attempt is: whether it has begun is decided once, between it and whoever takes it back.
#[derive(Default)]
struct Stage(AtomicU8);

impl Stage {
    const WAITS: u8 = 0;
    const BEGUN: u8 = 1;
    const TAKEN_BACK: u8 = 2;

    fn advance(&self, to: u8) -> bool {
        self.0.compare_exchange(Stage::WAITS, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Begins it, unless it was taken back.
    fn begin(&self) -> bool {
        self.advance(Stage::BEGUN)
    }

    /// Takes it back, unless it has begun.
    fn take_back(&self) -> bool {
        self.advance(Stage::TAKEN_BACK)
    }
}

/// The attempts of one tree of instances that run or wait for their time. They end when this is dropped.
pub(crate) struct Attempts {
    caller: Caller,
    running: BTreeMap<CallKey, Running>,
}

impl Attempts {
    pub(crate) fn new(caller: Caller) -> Attempts {
        Attempts { caller, running: BTreeMap::new() }
    }

    /// Makes an attempt. An earlier one of the same call that hasn't answered yet is given up.
    pub(crate) fn start(&mut self, dispatch: Dispatch) {
        let Dispatch { instance, key, attempt, transactional, with, .. } = dispatch;
        let (caller, stage) = (self.caller.clone(), Arc::new(Stage::default()));
        let task = match with {
            Some(worker) => tokio::spawn(see_to_it(caller, dispatch, worker)),
            None => tokio::spawn(attempt_it(caller, dispatch, stage.clone())),
        };
        let (task, elsewhere) = (task.abort_handle(), with.is_some());
        let running = Running { instance, attempt, transactional, elsewhere, stage, task };
        if let Some(before) = self.running.insert(key, running) {
            before.task.abort();
        }
    }

    /// An attempt has reported.
    pub(crate) fn ended(&mut self, key: CallKey, attempt: u32) {
        if self.running.get(&key).is_none_or(|running| running.attempt != attempt) {
            return;
        }
        if let Some(watched) = self.running.remove(&key).filter(|running| running.elsewhere) {
            watched.task.abort();
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

    /// Ends what is done here for calls, and says which attempts had begun. Where this process lives on these end on their own
    /// and report through the inbox; transactional ones can't, since the next owner ends their transactions.
    pub(crate) fn hand_over(&mut self, lives_on: bool) -> HashSet<(CallKey, u32)> {
        let mut begun = HashSet::new();
        for (key, running) in std::mem::take(&mut self.running) {
            let goes_on = !running.elsewhere && !running.stage.take_back() && !running.transactional;
            if goes_on {
                begun.insert((key, running.attempt));
            }
            if !goes_on || !lives_on {
                running.task.abort();
            }
        }
        begun
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.task.abort();
        }
    }
}

/// How often a worker that makes an attempt elsewhere is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Waits for an attempt that another worker makes. Its report comes through the inbox and ends this; where the worker dies
/// without one, the attempt is lost.
async fn see_to_it(caller: Caller, dispatch: Dispatch, worker: Uuid) {
    // While the store can't be reached nothing is known of anybody.
    while caller.core.store.lives(worker).await.unwrap_or(true) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What it reported last is in the inbox by now.
    caller.core.inbox.fresh().await;
    let reason = "the worker that made this attempt is gone".to_owned();
    let mut report = Report { caller, dispatch, sent: false };
    report.deliver(CallOutcome::Unknown { reason, timed_out: false });
}

async fn attempt_it(caller: Caller, dispatch: Dispatch, stage: Arc<Stage>) {
    let core = caller.core.clone();
    if let Some(at) = dispatch.not_before {
        core.clock.sleep_until(at).await;
    }
    // Closed only with the engine.
    let Ok(_permit) = core.permits.clone().acquire_owned().await else { return };
    core.leases.fresh().await;
    if core.leases.get(caller.scope).is_none() || !stage.begin() {
        return;
    }
    core.speaker.say(EngineEvent::Attempt {
        instance: dispatch.instance,
        strand: dispatch.strand.clone(),
        key: dispatch.key,
        attempt: dispatch.attempt,
    });
    let mut report = Report { caller, dispatch, sent: false };
    if let Some(outcome) = bounded(&report.caller, &report.dispatch).await {
        report.send(outcome).await;
    }
}

/// One attempt within its time, and for as long as it shows signs of life. `None`: the instance is another process's now.
async fn bounded(caller: &Caller, dispatch: &Dispatch) -> Option<CallOutcome> {
    let pulse = Pulse::default();
    let run = crate::activity::run(caller, dispatch, pulse.clone());
    let reason = tokio::select! {
        biased;
        outcome = run => return Some(outcome),
        reason = too_late(dispatch, &pulse) => reason,
    };
    if dispatch.transactional {
        let reason = format!("{reason}; its transaction was rolled back");
        return settle(caller, dispatch.instance, dispatch.key, &CallOutcome::NotSent { reason }).await;
    }
    Some(CallOutcome::Unknown { reason, timed_out: true })
}

/// Returns when an attempt's time is over, or when nothing was seen of it for longer than its `heartbeat:`.
async fn too_late(dispatch: &Dispatch, pulse: &Pulse) -> String {
    let limit =
        |nanos: Option<i64>| nanos.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
    let (timeout, heartbeat) = (limit(dispatch.timeout), limit(dispatch.heartbeat));
    let over = async {
        match timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let silent = async {
        match heartbeat {
            Some(most) => pulse.stops(most).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = over => format!("no answer within {:?}", timeout.unwrap_or_default()),
        () = silent => format!("no sign of life within {:?}", heartbeat.unwrap_or_default()),
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
        let core = &self.caller.core;
        let (request, text) =
            (core.options.platform.new_id(), serde_json::to_vec(&message).unwrap_or_default());
        let mut pauses = Pauses::new(core.options.longest_pause);
        // While this process lives nobody else makes the attempt, so the report must arrive. Refused where the instance has ended;
        // then nobody wants to know.
        while let Err(StoreError::Unavailable { .. }) =
            core.store.send(request, self.dispatch.instance, &text).await
        {
            tokio::time::sleep(pauses.next()).await;
        }
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
