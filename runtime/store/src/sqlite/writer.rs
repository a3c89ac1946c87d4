//! The one writing connection. Every transaction is `BEGIN IMMEDIATE`, and ends even where its future is dropped.

use super::owners::Owners;
use super::{Where, failed};
use crate::StoreError;
use sqlx::Executor;
use sqlx::sqlite::SqliteConnection;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// How long another process may hold the write lock before we give up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an owner stays away from the lock when somebody waits for it.
const GAP: Duration = Duration::from_millis(1);
/// How often a waiter tries: often enough to hit the gap.
const TRY_EVERY: Duration = Duration::from_micros(250);

pub(super) struct Writer {
    slot: Arc<Mutex<Slot>>,
    waiting_room: File,
    place: Where,
}

struct Slot {
    connection: SqliteConnection,
    /// Whether a transaction may be open: a dropped future can leave one behind.
    open: bool,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        owners: &Owners,
        place: &Where,
    ) -> Result<Writer, StoreError> {
        let waiting_room = owners.waiting_room().map_err(|error| failed(place, error.into()))?;
        let slot = Arc::new(Mutex::new(Slot { connection, open: false }));
        Ok(Writer { slot, waiting_room, place: place.clone() })
    }

    /// The connection without a transaction.
    pub(super) async fn outside_transaction(&self) -> Idle {
        let mut slot = self.slot.clone().lock_owned().await;
        if slot.open {
            roll_back(&mut slot).await;
        }
        Idle { slot }
    }

    /// Begins a transaction that holds the write lock.
    pub(super) async fn begin(&self) -> Result<Transaction, StoreError> {
        let Idle { slot } = self.outside_transaction().await;
        self.leave_a_gap().await;
        let mut transaction = Transaction { slot: Some(slot), place: self.place.clone() };
        let mut queued = None;
        let started = Instant::now();
        while let Err(error) = transaction.try_begin().await {
            if !is_busy(&error) || started.elapsed() > PATIENCE {
                return Err(failed(&self.place, error));
            }
            if queued.is_none() {
                queued = Queued::enter(&self.waiting_room);
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
        Ok(transaction)
    }

    /// SQLite's write lock is not fair: an owner that commits without a pause would starve other processes.
    async fn leave_a_gap(&self) {
        match self.waiting_room.try_lock() {
            Ok(()) => {
                let _ = self.waiting_room.unlock();
            }
            Err(_) => tokio::time::sleep(GAP).await,
        }
    }
}

/// The writing connection between two transactions.
pub(super) struct Idle {
    slot: OwnedMutexGuard<Slot>,
}

impl Idle {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.slot.connection
    }
}

/// A place in the waiting room: a shared lock on a handle of its own.
struct Queued {
    file: File,
}

impl Queued {
    fn enter(room: &File) -> Option<Queued> {
        // Without the lock we wait all the same; we are only not seen waiting.
        room.try_lock_shared().ok()?;
        let file = room.try_clone().ok()?;
        Some(Queued { file })
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// An open write transaction; dropping it rolls back.
pub(super) struct Transaction {
    slot: Option<OwnedMutexGuard<Slot>>,
    place: Where,
}

impl Transaction {
    /// The connection, inside the transaction.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match &mut self.slot {
            Some(slot) => Ok(&mut slot.connection),
            None => Err(self.place.unavailable("the transaction has ended")),
        }
    }

    async fn try_begin(&mut self) -> Result<(), sqlx::Error> {
        let Some(slot) = &mut self.slot else { return Err(sqlx::Error::WorkerCrashed) };
        slot.open = true;
        slot.connection.execute("BEGIN IMMEDIATE").await.map(|_| ())
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let committed = self.connection()?.execute("COMMIT").await;
        committed.map_err(|error| failed(&self.place, error))?;
        if let Some(slot) = &mut self.slot {
            slot.open = false;
        }
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else { return };
        if !slot.open {
            return;
        }
        // At once, so that other processes are not kept out; without a runtime the next `begin` does it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { roll_back(&mut slot).await });
        }
    }
}

async fn roll_back(slot: &mut Slot) {
    // Fails only where no transaction is open, which is what is wanted.
    let _ = slot.connection.execute("ROLLBACK").await;
    slot.open = false;
}

/// Whether another connection holds the lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    super::primary_code(error) == Some(5)
}
