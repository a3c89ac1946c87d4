//! The store's clock, estimated between two readings of it by a clock of this machine that also counts while it sleeps.

use crate::platform::Platform;
use flow_machine::ids::Timestamp;
use flow_store::{Store, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A waiter looks at the clock again after this long, since the estimate may have been corrected meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// One reading: at `boot` the store's clock stood at `store`, give or take `uncertainty`.
#[derive(Clone, Copy, Debug)]
struct Reading {
    store: Timestamp,
    boot: Duration,
    uncertainty: Duration,
}

/// The estimate.
pub(crate) struct Clock {
    platform: Arc<dyn Platform>,
    reading: Mutex<Reading>,
}

impl Clock {
    /// Reads the store's clock.
    pub(crate) async fn open(store: &dyn Store, platform: Arc<dyn Platform>) -> Result<Clock, StoreError> {
        let reading = Mutex::new(read(store, platform.as_ref()).await?);
        Ok(Clock { platform, reading })
    }

    /// Reads it again.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let reading = read(store, self.platform.as_ref()).await?;
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        Ok(())
    }

    fn reading(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store's clock shows now.
    pub(crate) fn now(&self) -> Timestamp {
        let reading = self.reading();
        reading.store.plus(nanos(self.platform.since_boot().saturating_sub(reading.boot)))
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

async fn read(store: &dyn Store, platform: &dyn Platform) -> Result<Reading, StoreError> {
    let before = platform.since_boot();
    let shown = store.now().await?;
    let uncertainty = platform.since_boot().saturating_sub(before) / 2;
    Ok(Reading { store: shown, boot: before + uncertainty, uncertainty })
}

/// A duration as the machine counts it.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ThisMachine;

    #[test]
    fn time_passes_between_two_readings() {
        let reading = Reading {
            store: Timestamp(5_000),
            boot: ThisMachine.since_boot().saturating_sub(Duration::from_secs(2)),
            uncertainty: Duration::ZERO,
        };
        let clock = Clock { platform: Arc::new(ThisMachine), reading: Mutex::new(reading) };
        assert!(clock.now() >= Timestamp(5_000).plus(2_000_000_000));
    }
}
