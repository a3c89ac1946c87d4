//! Messages from other processes.

use super::{SqliteStore, clock, failed};
use crate::StoreError;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use sqlx::{Executor, Row};
use uuid::Uuid;

impl SqliteStore {
    pub(super) async fn accept(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        let connection = transaction.connection()?;
        let fail = |error| failed(&self.place, error);
        // A repeat is answered like the first, even where the instance has ended since.
        let request =
            sqlx::query("INSERT INTO flow_request (id, instance) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(id)
                .bind(instance.0);
        if connection.execute(request).await.map_err(fail)?.rows_affected() == 0 {
            let before = sqlx::query_scalar("SELECT instance FROM flow_request WHERE id = ?").bind(id);
            let before: Uuid = before.fetch_one(&mut *connection).await.map_err(fail)?;
            return if before == instance.0 { Ok(()) } else { Err(StoreError::used_for_another(id)) };
        }
        let query = sqlx::query("SELECT root, status FROM flow_instance WHERE id = ?").bind(instance.0);
        let row = connection.fetch_optional(query).await.map_err(fail)?;
        let Some(row) = row else { return Err(unknown(instance)) };
        let root: Uuid = row.try_get(0).map_err(fail)?;
        let status: String = row.try_get(1).map_err(fail)?;
        refuse_final(instance, &status)?;
        let insert = sqlx::query(
            "INSERT INTO flow_inbox (id, shard, root, instance, at, message) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(i64::from(InstanceId(root).shard()))
        .bind(root)
        .bind(instance.0)
        .bind(clock().0)
        .bind(message);
        connection.execute(insert).await.map_err(fail)?;
        transaction.commit().await
    }
}

fn unknown(instance: InstanceId) -> StoreError {
    StoreError::Refused { reason: format!("there is no instance {instance}") }
}

fn refuse_final(instance: InstanceId, status: &str) -> Result<(), StoreError> {
    match Status::parse(status) {
        Some(status) if status.is_final() => {
            Err(StoreError::Refused { reason: format!("{instance} has ended: it is {}", status.as_str()) })
        }
        _ => Ok(()),
    }
}
