//! Messages from other processes.

use super::wake::CHANNEL;
use super::{PostgresStore, failed};
use crate::StoreError;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::Status;
use sqlx::{Executor, Row};
use uuid::Uuid;

impl PostgresStore {
    pub(super) async fn accept(
        &self,
        id: Uuid,
        instance: InstanceId,
        message: &[u8],
        asked: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let fail = |error| failed(&self.place, error);
        let mut session = self.readers.take().await?;
        let query = sqlx::query(
            "SELECT its_root, its_status, used_for, is_forgotten FROM flow.accept($1, $2, $3, $4)",
        );
        let asked = asked.map(|asked| asked.plus(-crate::CLOCKS_DIFFER).0);
        let query = query.bind(id).bind(instance.0).bind(message).bind(asked);
        let row = session.connection().fetch_one(query).await.map_err(fail)?;
        let root: Option<Uuid> = row.try_get(0).map_err(fail)?;
        let status: Option<String> = row.try_get(1).map_err(fail)?;
        let Some(root) = root else {
            session.keep();
            return Err(StoreError::Refused { reason: format!("there is no instance {instance}") });
        };
        // A repeat is answered like the first, even where the instance has ended since.
        if let Some(before) = row.try_get::<Option<Uuid>, _>(2).map_err(fail)? {
            session.keep();
            return if before == instance.0 { Ok(()) } else { Err(StoreError::used_for_another(id)) };
        }
        if row.try_get::<Option<bool>, _>(3).map_err(fail)? == Some(true) {
            session.keep();
            return Err(StoreError::Forgotten);
        }
        if let Some(status) =
            status.and_then(|status| Status::parse(&status)).filter(|status| status.is_final())
        {
            session.keep();
            return Err(StoreError::ended(status));
        }
        // Apart from what accepts it: a commit that notifies takes a lock of the whole server.
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(root.to_string());
        session.connection().execute(notify).await.map_err(fail)?;
        session.keep();
        Ok(())
    }

    pub(super) async fn forget_requests(&self, before: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let fail = |error| failed(&self.place, error);
        let mut session = self.readers.take().await?;
        let query = sqlx::query_scalar("SELECT flow.forget($1, $2)");
        let query = query.bind(before.0).bind(i32::try_from(at_most).unwrap_or(i32::MAX));
        let forgotten: i64 = query.fetch_one(session.connection()).await.map_err(fail)?;
        session.keep();
        Ok(forgotten.unsigned_abs())
    }
}
