//! Messages from other processes.

use super::wake::CHANNEL;
use super::{PostgresStore, failed};
use crate::StoreError;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use sqlx::{Executor, Row};
use uuid::Uuid;

impl PostgresStore {
    pub(super) async fn accept(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
    ) -> Result<(), StoreError> {
        let fail = |error| failed(&self.place, error);
        let mut session = self.readers.take().await?;
        let query = sqlx::query(
            "SELECT i.root, i.status, (SELECT r.instance FROM flow.request r WHERE r.shard = i.shard AND r.id = $2)
             FROM flow.instance i WHERE i.id = $1",
        );
        let row = session.connection().fetch_optional(query.bind(instance.0).bind(id)).await.map_err(fail)?;
        let Some(row) = row else {
            return Err(StoreError::Refused { reason: format!("there is no instance {instance}") });
        };
        let (root, status): (Uuid, String) = (row.try_get(0).map_err(fail)?, row.try_get(1).map_err(fail)?);
        // A repeat is answered like the first, even where the instance has ended since.
        if let Some(before) = row.try_get::<Option<Uuid>, _>(2).map_err(fail)? {
            return if before == instance.0 { Ok(()) } else { Err(StoreError::used_for_another(id)) };
        }
        if let Some(status) = Status::parse(&status).filter(|status| status.is_final()) {
            let reason = format!("{instance} has ended: it is {}", status.as_str());
            return Err(StoreError::Refused { reason });
        }
        let sql = "WITH request AS (
                INSERT INTO flow.request (shard, id, instance) VALUES ($1, $2, $4) ON CONFLICT DO NOTHING RETURNING id)
            INSERT INTO flow.inbox (shard, id, root, instance, at, message)
            SELECT $1, id, $3, $4, flow.now(), $5 FROM request";
        let insert = sqlx::query(sql)
            .bind(InstanceId(root).shard().cast_signed())
            .bind(id)
            .bind(root)
            .bind(instance.0)
            .bind(message);
        let inserted = session.connection().execute(insert).await.map_err(fail)?;
        if inserted.rows_affected() == 0 {
            // Somebody else used the id between the two statements: it is looked at again.
            session.keep();
            return Box::pin(self.accept(id, instance, message)).await;
        }
        // Apart from the insert: a commit that notifies takes a lock of the whole server.
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(root.to_string());
        session.connection().execute(notify).await.map_err(fail)?;
        session.keep();
        Ok(())
    }
}
