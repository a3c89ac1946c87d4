//! Messages from other processes.

use super::{SqliteStore, clock, failed};
use crate::StoreError;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::Status;
use sqlx::{Executor, Row};
use uuid::Uuid;

/// Requests whose message still waits, in the inbox or for the end of a pause, are kept.
const FORGET_REQUESTS: &str = "DELETE FROM flow_request WHERE id IN (
    SELECT r.id FROM flow_request r
    WHERE r.at < ?1
        AND NOT EXISTS (SELECT 1 FROM flow_inbox m WHERE m.id = r.id)
        AND NOT EXISTS (SELECT 1 FROM flow_instance i WHERE i.id = r.instance AND i.status = 'paused')
    ORDER BY r.at LIMIT ?2)";
const FORGET_REPLIES: &str =
    "DELETE FROM flow_reply WHERE id IN (SELECT id FROM flow_reply WHERE at < ?1 ORDER BY at LIMIT ?2)";

impl SqliteStore {
    pub(super) async fn accept(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        let connection = transaction.connection()?;
        let fail = |error| failed(&self.place, error);
        let now = clock();
        // A repeat is answered like the first, even where the instance has ended since.
        let before = sqlx::query_scalar("SELECT instance FROM flow_request WHERE id = ?").bind(id);
        let before: Option<Uuid> = before.fetch_optional(&mut *connection).await.map_err(fail)?;
        if let Some(before) = before {
            return if before == instance.0 { Ok(()) } else { Err(StoreError::used_for_another(id)) };
        }
        if let Some(asked) = asked {
            let forgotten = sqlx::query_scalar("SELECT forgotten FROM flow_meta");
            let forgotten: i64 = forgotten.fetch_one(&mut *connection).await.map_err(fail)?;
            if asked.plus(-crate::CLOCKS_DIFFER).0 < forgotten {
                return Err(StoreError::Forgotten);
            }
        }
        let query = sqlx::query("SELECT root, status FROM flow_instance WHERE id = ?").bind(instance.0);
        let row = connection.fetch_optional(query).await.map_err(fail)?;
        let Some(row) = row else { return Err(unknown(instance)) };
        let root: Uuid = row.try_get(0).map_err(fail)?;
        let status: String = row.try_get(1).map_err(fail)?;
        refuse_final(&status)?;
        let request = sqlx::query("INSERT INTO flow_request (id, instance, at) VALUES (?, ?, ?)");
        let request = request.bind(id).bind(instance.0).bind(now.0);
        connection.execute(request).await.map_err(fail)?;
        let insert = sqlx::query(
            "INSERT INTO flow_inbox (id, shard, root, instance, at, message) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(i64::from(InstanceId(root).shard()))
        .bind(root)
        .bind(instance.0)
        .bind(now.0)
        .bind(message);
        connection.execute(insert).await.map_err(fail)?;
        transaction.commit().await
    }

    pub(super) async fn forget_requests(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let connection = transaction.connection()?;
        let fail = |error| failed(&self.place, error);
        let horizon = sqlx::query("UPDATE flow_meta SET forgotten = max(forgotten, ?)").bind(before.0);
        connection.execute(horizon).await.map_err(fail)?;
        let mut forgotten = 0;
        for statement in [FORGET_REQUESTS, FORGET_REPLIES] {
            let statement = sqlx::query(statement).bind(before.0).bind(at_most);
            forgotten += connection.execute(statement).await.map_err(fail)?.rows_affected();
        }
        transaction.commit().await?;
        Ok(forgotten)
    }
}

fn unknown(instance: InstanceId) -> StoreError {
    StoreError::Refused { reason: format!("there is no instance {instance}") }
}

fn refuse_final(status: &str) -> Result<(), StoreError> {
    match Status::parse(status) {
        Some(status) if status.is_final() => Err(StoreError::ended(status)),
        _ => Ok(()),
    }
}
