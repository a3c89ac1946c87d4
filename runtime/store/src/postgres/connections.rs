//! Connections: a bounded number, each closed unless it is given back in order.

use super::{Where, failed};
use crate::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection idle for longer is tried before it is used: the server may have been restarted meanwhile.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

pub(super) struct Connections {
    options: PgConnectOptions,
    place: Where,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
}

/// A connection in use. Dropping it closes it, and so rolls back what is open; `keep` gives it back.
pub(super) struct InUse {
    connection: PgConnection,
    idle: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions, place: Where, most: usize) -> Connections {
        Connections { options, place, permits: Arc::new(Semaphore::new(most)), idle: Arc::default() }
    }

    pub(super) async fn take(&self) -> Result<InUse, StoreError> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| self.place.unavailable("the store is closed"))?;
        let connection = match self.idle_one().await {
            Some(connection) => connection,
            None => connect(&self.options, &self.place).await?,
        };
        Ok(InUse { connection, idle: self.idle.clone(), _permit: permit })
    }

    async fn idle_one(&self) -> Option<PgConnection> {
        loop {
            let (mut connection, since) = lock(&self.idle).pop()?;
            if since.elapsed() < TRUSTED_FOR
                || matches!(timeout(CONNECT_TIMEOUT, connection.ping()).await, Ok(Ok(())))
            {
                return Some(connection);
            }
        }
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        for (connection, _) in idle {
            // A connection that cannot say good-bye is gone all the same.
            let _ = connection.close().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InUse {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives it back. Only where no transaction is open on it.
    pub(super) fn keep(self) {
        lock(&self.idle).push((self.connection, Instant::now()));
    }
}

pub(super) async fn connect(options: &PgConnectOptions, place: &Where) -> Result<PgConnection, StoreError> {
    match timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) if error.to_string().contains("unsupported startup parameter") => Err(place.unavailable(
            "a PgBouncer that forwards no settings is in between: connect to PostgreSQL itself, or use a pool in session \
             mode with ignore_startup_parameters = extra_float_digits,options",
        )),
        Ok(Err(error)) => Err(failed(place, error)),
        Err(_) => Err(place.unavailable("no answer within 5 s; check the host, the port and the firewall")),
    }
}
