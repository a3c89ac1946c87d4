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
        let query = sqlx::query("SELECT its_root, its_status, used_for FROM flow.accept($1, $2, $3)");
        let query = query.bind(id).bind(instance.0).bind(message);
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
        if let Some(status) =
            status.and_then(|status| Status::parse(&status)).filter(|status| status.is_final())
        {
            session.keep();
            let reason = format!("{instance} has ended: it is {}", status.as_str());
            return Err(StoreError::Refused { reason });
        }
        // Apart from what accepts it: a commit that notifies takes a lock of the whole server.
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(root.to_string());
        session.connection().execute(notify).await.map_err(fail)?;
        session.keep();
        Ok(())
    }
}
