//! Waiting for messages: LISTEN on a connection of its own.

use super::{PostgresStore, failed};
use crate::StoreError;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The channel of all notifications.
pub(super) const CHANNEL: &str = "flow";

/// A task that listens, so that nothing is lost between two waits.
pub(super) struct Ears {
    heard: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Ears {
    pub(super) fn close(self) {
        self.task.abort();
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PostgresStore {
    pub(super) async fn listen(&self, timeout: Duration) -> Result<(), StoreError> {
        let heard = {
            let mut ears = self.ears.lock().await;
            match ears.as_ref().filter(|ears| !ears.task.is_finished()) {
                Some(ears) => ears.heard.clone(),
                None => ears.insert(self.open_ears().await?).heard.clone(),
            }
        };
        // A time-out is an answer like any other: the caller looks either way.
        let _ = tokio::time::timeout(timeout, heard.notified()).await;
        Ok(())
    }

    async fn open_ears(&self) -> Result<Ears, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(self.options.clone());
        let mut listener =
            PgListener::connect_with(&pool).await.map_err(|error| failed(&self.place, error))?;
        listener.listen(CHANNEL).await.map_err(|error| failed(&self.place, error))?;
        let heard = Arc::new(Notify::new());
        let told = heard.clone();
        let task = tokio::spawn(async move {
            // `None` tells of a broken connection: what was sent meanwhile is not known, so the owner looks.
            while listener.try_recv().await.is_ok() {
                told.notify_one();
            }
            told.notify_one();
        });
        Ok(Ears { heard, task })
    }
}
