//! Proof of life: a session lock on a connection of its own. The server drops it when the process dies; the heartbeat
//! in the worker's row only tells of machines that vanished without closing their connections.

use super::connections::connect;
use super::{POOLED, PostgresStore, failed};
use crate::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};

pub(super) struct Liveness {
    connection: PgConnection,
    backend: i32,
}

impl PostgresStore {
    /// Registers this process before its first claim.
    pub(super) async fn register(&self) -> Result<(), StoreError> {
        let mut liveness = self.liveness.lock().await;
        if liveness.is_none() {
            *liveness = Some(self.enter().await?);
        }
        Ok(())
    }

    /// The heartbeat; a broken connection is replaced.
    pub(super) async fn prove_alive(&self) -> Result<(), StoreError> {
        let mut liveness = self.liveness.lock().await;
        let Some(held) = liveness.as_mut() else { return Ok(()) };
        let beat = sqlx::query_scalar::<_, i32>(
            "UPDATE flow.worker SET heartbeat = clock_timestamp() WHERE id = $1 RETURNING pg_backend_pid()",
        )
        .bind(self.identity.worker)
        .fetch_optional(&mut held.connection)
        .await;
        match beat {
            Ok(Some(backend)) if backend == held.backend => Ok(()),
            Ok(Some(_)) => Err(self.place.unavailable(POOLED)),
            Ok(None) | Err(_) => {
                *liveness = None;
                *liveness = Some(self.enter().await?);
                Ok(())
            }
        }
    }

    async fn enter(&self) -> Result<Liveness, StoreError> {
        let mut connection = connect(&self.options, &self.place).await?;
        let fail = |error| failed(&self.place, error);
        let key = lock_key(self.identity.worker);
        let backend = "SELECT pg_backend_pid() FROM (SELECT pg_advisory_lock($1)) AS held";
        let backend: i32 =
            sqlx::query_scalar(backend).bind(key).fetch_one(&mut connection).await.map_err(fail)?;
        self.check_for_pooler(&mut connection, backend).await?;
        let insert = "INSERT INTO flow.worker (id, pid, host, lock_key, formats, heartbeat)
                      VALUES ($1, $2, $3, $4, $5, clock_timestamp())
                      ON CONFLICT (id) DO UPDATE SET heartbeat = clock_timestamp()";
        let insert = sqlx::query(insert)
            .bind(self.identity.worker)
            .bind(i64::from(self.identity.pid))
            .bind(&self.identity.host)
            .bind(key)
            .bind(i64::from(self.identity.formats));
        connection.execute(insert).await.map_err(fail)?;
        Ok(Liveness { connection, backend })
    }

    /// A pooler in transaction mode gives each statement another session, and so locks that nobody holds. Seen by keeping
    /// one session busy: ours must still answer, as the same backend.
    async fn check_for_pooler(&self, connection: &mut PgConnection, backend: i32) -> Result<(), StoreError> {
        let fail = |error| failed(&self.place, error);
        let mut other = self.readers.take().await?;
        let row = other
            .connection()
            .fetch_all(sqlx::raw_sql("BEGIN; SELECT pg_backend_pid()"))
            .await
            .map_err(fail)?;
        let theirs: i32 = match row.last() {
            Some(row) => row.try_get(0).map_err(fail)?,
            None => return Err(self.place.unavailable("the server did not name its backend")),
        };
        let ours: i32 = connection
            .fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()"))
            .await
            .and_then(|row| row.try_get(0))
            .map_err(fail)?;
        other.connection().execute("ROLLBACK").await.map_err(fail)?;
        other.keep();
        if ours == backend && theirs != backend { Ok(()) } else { Err(self.place.unavailable(POOLED)) }
    }

    /// Whether a worker holds its session lock, and was heard of lately.
    pub(super) async fn is_alive(&self, worker: uuid::Uuid) -> Result<bool, StoreError> {
        let mut session = self.readers.take().await?;
        let alive =
            sqlx::query_scalar("SELECT flow.alive($1)").bind(worker).fetch_one(session.connection()).await;
        let alive = alive.map_err(|error| failed(&self.place, error))?;
        session.keep();
        Ok(alive)
    }

    /// Gives up the session lock and everything leased.
    pub(super) async fn release_all(&self) -> Result<(), StoreError> {
        let Some(mut held) = self.liveness.lock().await.take() else { return Ok(()) };
        let sql = "WITH trees AS (
                DELETE FROM flow.lease WHERE worker = $1 AND root <> '00000000-0000-0000-0000-000000000000'),
            shards AS (
                UPDATE flow.lease SET worker = NULL, token = NULL
                WHERE worker = $1 AND root = '00000000-0000-0000-0000-000000000000')
            DELETE FROM flow.worker WHERE id = $1";
        let release = sqlx::query(sql).bind(self.identity.worker);
        held.connection.execute(release).await.map(|_| ()).map_err(|error| failed(&self.place, error))
    }
}

/// The advisory lock of a worker: 64 bits of its random id.
fn lock_key(worker: uuid::Uuid) -> i64 {
    let (high, low) = worker.as_u64_pair();
    (high ^ low.rotate_left(32)).cast_signed()
}
