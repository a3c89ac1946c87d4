//! The store's clock, estimated between two readings of it by a clock of this machine that also counts while it sleeps.

use flow_machine::ids::Timestamp;
use flow_store::{Store, StoreError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A waiter looks at the clock again after this long, since the estimate may have been corrected meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Time since the machine was started, sleep included: a stopped machine's lease ages too.
#[cfg(target_os = "linux")]
pub(crate) fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the process first asked; this platform's monotonic clock counts sleep itself.
#[cfg(not(target_os = "linux"))]
pub(crate) fn since_boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// One reading: at `boot` the store's clock stood at `store`, give or take `uncertainty`.
#[derive(Clone, Copy, Debug)]
struct Reading {
    store: Timestamp,
    boot: Duration,
    uncertainty: Duration,
}

/// The estimate.
pub(crate) struct Clock {
    reading: Mutex<Reading>,
}

impl Clock {
    /// Reads the store's clock.
    pub(crate) async fn open(store: &dyn Store) -> Result<Clock, StoreError> {
        Ok(Clock { reading: Mutex::new(read(store).await?) })
    }

    /// Reads it again.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let reading = read(store).await?;
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        Ok(())
    }

    fn reading(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store's clock shows now.
    pub(crate) fn now(&self) -> Timestamp {
        let reading = self.reading();
        reading.store.plus(nanos(since_boot().saturating_sub(reading.boot)))
    }

    /// What the store's clock shows at the least.
    pub(crate) fn certainly(&self) -> Timestamp {
        let uncertainty = nanos(self.reading().uncertainty);
        self.now().plus(uncertainty.saturating_neg())
    }

    /// Returns when the store's clock has certainly passed `at`.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.0.saturating_sub(self.certainly().0);
            match u64::try_from(left) {
                Ok(left) if left > 0 => tokio::time::sleep(Duration::from_nanos(left).min(LOOK_AGAIN)).await,
                _ => return,
            }
        }
    }
}

async fn read(store: &dyn Store) -> Result<Reading, StoreError> {
    let before = since_boot();
    let shown = store.now().await?;
    let uncertainty = since_boot().saturating_sub(before) / 2;
    Ok(Reading { store: shown, boot: before + uncertainty, uncertainty })
}

/// A duration as the machine counts it.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_boot_goes_forward() {
        let first = since_boot();
        assert!(since_boot() >= first);
    }

    /// The kernel's uptime counts sleep, as its monotonic clock does not.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_since_boot_is_the_machines_uptime() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let shown = since_boot().as_secs_f64();
        assert!((shown - uptime).abs() < 60.0, "{shown} s, uptime {uptime} s");
    }

    #[test]
    fn time_passes_between_two_readings() {
        let reading = Reading {
            store: Timestamp(5_000),
            boot: since_boot().saturating_sub(Duration::from_secs(2)),
            uncertainty: Duration::ZERO,
        };
        let clock = Clock { reading: Mutex::new(reading) };
        assert!(clock.now() >= Timestamp(5_000).plus(2_000_000_000));
    }
}
