//! Steps that run too long: a watchdog interrupts them, so that the instance fails and nothing else suffers.

use flow_mir::{Entry, Executor, Exit, Frame, FunctionId, Heap, Host, Program};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Code that catches its interruption gets a new limit at most this often within one step.
const SECOND_CHANCES: u32 = 8;

struct Running {
    deadline: Instant,
    flag: Arc<AtomicBool>,
}

#[derive(Default)]
struct Steps {
    next: u64,
    running: HashMap<u64, Running>,
}

/// Knows what runs and since when.
pub(crate) struct Watchdog {
    limit: Duration,
    steps: Mutex<Steps>,
}

impl Watchdog {
    pub(crate) fn new(limit: Duration) -> Watchdog {
        Watchdog { limit, steps: Mutex::default() }
    }

    /// How often to look: a fraction of the limit.
    fn pause(&self) -> Duration {
        (self.limit / 20).clamp(Duration::from_millis(2), Duration::from_millis(500))
    }

    fn look(&self) {
        let now = Instant::now();
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        for running in steps.running.values().filter(|running| running.deadline <= now) {
            running.flag.store(true, Ordering::Relaxed);
        }
    }

    fn watch(&self, deadline: Instant, flag: &Arc<AtomicBool>) -> Watched<'_> {
        flag.store(deadline <= Instant::now(), Ordering::Relaxed);
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.next += 1;
        let number = steps.next;
        steps.running.insert(number, Running { deadline, flag: flag.clone() });
        Watched { watchdog: self, number }
    }
}

/// The thread that looks; it ends when this is dropped.
pub(crate) struct Thread {
    _alive: SyncSender<()>,
}

/// Looks at what runs. A thread of its own: steps run on the runtime's threads, and may hold all of them.
pub(crate) fn start(watchdog: Arc<Watchdog>) -> std::io::Result<Thread> {
    let (alive, ends) = sync_channel(0);
    let look = move || {
        while ends.recv_timeout(watchdog.pause()) == Err(RecvTimeoutError::Timeout) {
            watchdog.look();
        }
    };
    std::thread::Builder::new().name("flow-watchdog".into()).spawn(look)?;
    Ok(Thread { _alive: alive })
}

/// Watched until dropped.
struct Watched<'a> {
    watchdog: &'a Watchdog,
    number: u64,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let mut steps = self.watchdog.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = steps.running.remove(&self.number) {
            // Under the lock, so that the watchdog cannot set it again.
            running.flag.store(false, Ordering::Relaxed);
        }
    }
}

/// An executor under the watchdog, for one step of an instance or one attempt: all the code that is entered through it
/// shares one limit. A strand leaves and re-enters its code at safepoints and calls, so a limit for each entry would never
/// end a loop of calls. The time between an exit and the next entry doesn't count: an attempt waits for its connectors.
pub(crate) struct LimitedExecutor {
    inner: Arc<dyn Executor>,
    watchdog: Arc<Watchdog>,
    budget: Mutex<Budget>,
}

struct Budget {
    deadline: Instant,
    /// When code was left last.
    left_at: Instant,
    chances: u32,
}

impl LimitedExecutor {
    /// The limit runs from now on.
    pub(crate) fn new(inner: Arc<dyn Executor>, watchdog: Arc<Watchdog>) -> LimitedExecutor {
        let now = Instant::now();
        let budget = Budget { deadline: now + watchdog.limit, left_at: now, chances: SECOND_CHANCES };
        LimitedExecutor { inner, watchdog, budget: Mutex::new(budget) }
    }

    /// Code is entered: until when it may run.
    fn resume(&self) -> Instant {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let away = budget.left_at.elapsed();
        budget.deadline += away;
        budget.deadline
    }

    fn pause(&self) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).left_at = Instant::now();
    }

    /// After an interruption: what cleans up behind it (a `catch`, compensations) has a limit of its own.
    fn extend(&self) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = budget.chances.checked_sub(1) {
            let now = Instant::now();
            *budget = Budget { deadline: now + self.watchdog.limit, left_at: now, chances: left };
        }
    }
}

impl Executor for LimitedExecutor {
    fn program(&self) -> &Program {
        self.inner.program()
    }

    fn enter(
        &self,
        function: FunctionId,
        entry: Entry<'_>,
        callers: &mut [Frame],
        heap: &mut Heap,
        host: &mut dyn Host,
    ) -> Exit {
        let flag = heap.limits().interrupt.clone();
        let watched = self.watchdog.watch(self.resume(), &flag);
        let exit = self.inner.enter(function, entry, callers, heap, host);
        if flag.load(Ordering::Relaxed) {
            self.extend();
        }
        drop(watched);
        self.pause();
        exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_overdue_is_interrupted() {
        let watchdog = Watchdog::new(Duration::from_secs(10));
        let (early, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let now = Instant::now();
        let first = watchdog.watch(now, &early);
        let second = watchdog.watch(now + Duration::from_secs(60), &late);
        watchdog.look();
        assert!(early.load(Ordering::Relaxed));
        assert!(!late.load(Ordering::Relaxed));
        drop(first);
        assert!(!early.load(Ordering::Relaxed), "the flag is clean for the next step");
        drop(second);
        assert!(watchdog.steps.lock().unwrap().running.is_empty());
    }
}
