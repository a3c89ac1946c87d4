//! What an engine takes from the machine it runs on.

use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use uuid::Uuid;

/// The machine under an engine: its clock, and identities that nobody else has. A test gives it another.
pub trait Platform: Send + Sync {
    /// Time since the machine was started, sleep included: a stopped machine's lease ages too.
    fn since_boot(&self) -> Duration;

    /// An identity that nobody else has or will have.
    fn new_id(&self) -> Uuid;
}

/// This machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Platform for ThisMachine {
    fn since_boot(&self) -> Duration {
        since_boot()
    }

    /// Sorted by time, so that what is made together lies together in a store.
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the process first asked; this platform's monotonic clock counts sleep itself.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Computes here for long, while other tasks of this thread go on elsewhere, where the runtime has another thread.
pub(crate) fn compute<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => work(),
        _ => tokio::task::block_in_place(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_boot_goes_forward() {
        let first = ThisMachine.since_boot();
        assert!(ThisMachine.since_boot() >= first);
    }

    /// The kernel's uptime counts sleep, as its monotonic clock does not.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_since_boot_is_the_machines_uptime() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let shown = ThisMachine.since_boot().as_secs_f64();
        assert!((shown - uptime).abs() < 60.0, "{shown} s, uptime {uptime} s");
    }
}
