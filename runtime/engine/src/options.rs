//! How an engine is set up.

use crate::platform::{Platform, ThisMachine};
use flow_activity::connector::{Connectors, Local};
use flow_activity::{Process, Surroundings};
use std::sync::Arc;
use std::time::Duration;

/// Which executor runs programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExecutorKind {
    /// Native code.
    #[default]
    Native,
    /// The reference interpreter.
    Interpreter,
}

/// How an engine is set up.
#[derive(Clone)]
pub struct Options {
    /// Which executor runs programs.
    pub executor: ExecutorKind,
    /// How long one step (from suspension to suspension) may run before its instance fails.
    pub step_limit: Duration,
    /// How many 64-bit words of memory one strand may use.
    pub heap_words: usize,
    /// How many attempts of activities run at a time.
    pub max_attempts: usize,
    /// How far ahead sleeping instances are loaded. Those that sleep longer need no memory in a worker.
    pub horizon: Duration,
    /// How often a process tells the store that it lives.
    pub renew_every: Duration,
    /// How old the last renewal may be for an attempt to be dispatched. Must stay below the store's expiry.
    pub lease_age: Duration,
    /// How long the ids of requests and the answers to them are kept: a repeat within that time is known as one. The same for
    /// all processes of a store.
    pub keep_requests: Duration,
    /// The longest pause between two tries to reach a store that is gone; the first is 50 ms.
    pub longest_pause: Duration,
    /// What activities see of the process: its clock, its environment, where their logs go.
    pub surroundings: Arc<dyn Surroundings>,
    /// Where their connector calls go.
    pub connectors: Arc<dyn Connectors>,
    /// The machine it runs on: its clock and new identities.
    pub platform: Arc<dyn Platform>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            executor: ExecutorKind::Native,
            step_limit: Duration::from_secs(10),
            heap_words: 32 << 20,
            max_attempts: 1024,
            horizon: Duration::from_secs(60),
            renew_every: Duration::from_secs(1),
            lease_age: Duration::from_secs(5),
            keep_requests: Duration::from_secs(7 * 24 * 60 * 60),
            longest_pause: Duration::from_secs(5),
            surroundings: Arc::new(Process),
            connectors: Arc::new(Local::default()),
            platform: Arc::new(ThisMachine),
        }
    }
}

/// Threads of the runtime get this much stack: virtual memory, touched only by deep recursion.
const STACK_BYTES: usize = 64 << 20;

/// The tokio runtime an engine needs: many threads, each with a big stack, since compiled code runs on them.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    // More threads than processors, so that a step that computes for long holds up nobody else.
    let threads = std::thread::available_parallelism().map_or(8, |count| (2 * count.get()).max(8));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("flow")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
}
