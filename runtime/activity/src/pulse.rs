//! Signs of life of an attempt: it computes, a connector brings something, or it sleeps as it was told to.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// While an attempt sleeps, this often.
const WHILE_ASLEEP: Duration = Duration::from_millis(100);

/// What an attempt shows by that it lives; whoever has a clone can see it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<watch::Sender<u64>>);

impl Pulse {
    /// A sign of life.
    pub fn beat(&self) {
        self.0.send_modify(|beats| *beats += 1);
    }

    /// How many there were.
    pub fn beats(&self) -> u64 {
        *self.0.borrow()
    }

    /// Returns when there was no sign of life for this long.
    pub async fn stops(&self, most: Duration) {
        let mut beats = self.0.subscribe();
        while tokio::time::timeout(most, beats.changed()).await.is_ok() {}
    }

    /// Sleeps, which is no silence.
    pub(crate) async fn sleep(&self, duration: Duration) {
        let sleep = tokio::time::sleep(duration);
        tokio::pin!(sleep);
        while tokio::time::timeout(WHILE_ASLEEP, &mut sleep).await.is_err() {
            self.beat();
        }
    }
}
