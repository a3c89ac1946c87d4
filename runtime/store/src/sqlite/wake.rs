//! Waiting for messages. Those of this process are signalled; those of others are seen by polling
//! `PRAGMA data_version`, which reads no table.

use super::{SqliteStore, failed};
use crate::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool};
use std::time::Duration;
use tokio::time::Instant;

/// Polls are close together when something just came, and grow apart.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(20);

pub(super) struct Watcher {
    readers: SqlitePool,
    /// `data_version` only means something on one and the same connection.
    connection: Option<PoolConnection<Sqlite>>,
    version: i64,
    newest: i64,
    interval: Duration,
}

impl Watcher {
    pub(super) fn new(readers: SqlitePool) -> Watcher {
        Watcher { readers, connection: None, version: -1, newest: 0, interval: SHORTEST }
    }

    /// Whether a message came since the last time. SQLite commits in order, so the number of the newest one tells.
    async fn something_came(&mut self) -> Result<bool, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(self.readers.acquire().await?),
        };
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut **connection).await?;
        if version == self.version {
            return Ok(false);
        }
        self.version = version;
        let newest = sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM flow_inbox");
        let newest: i64 = newest.fetch_one(&mut **connection).await?;
        let came = newest > self.newest;
        self.newest = self.newest.max(newest);
        Ok(came)
    }
}

impl SqliteStore {
    pub(super) async fn wait_for_messages(&self, timeout: Duration) -> Result<(), StoreError> {
        let mut watcher = self.watcher.lock().await;
        let until = Instant::now() + timeout;
        loop {
            if watcher.something_came().await.map_err(|error| failed(&self.place, error))? {
                watcher.interval = SHORTEST;
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let signalled = tokio::time::timeout(left.min(watcher.interval), self.notify.notified()).await;
            if signalled.is_ok() {
                watcher.interval = SHORTEST;
                return Ok(());
            }
            watcher.interval = (watcher.interval * 2).min(LONGEST);
        }
    }
}
