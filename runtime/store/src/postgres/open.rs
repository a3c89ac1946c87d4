//! The format of the database: made at the first start, refused where it is another.

use super::{PostgresStore, failed};
use crate::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

const SCHEMA: &str = include_str!("schema.sql");
/// The stored format this program knows; counts up with every change of the schema, and where what rows held before can't be read any
/// more. What only older programs can't read counts in `flow_machine::FORMATS`.
const FORMAT: i64 = 5;
/// Held while the schema is made, so that concurrent first starts follow each other.
const LOCK: i64 = 0x666c_6f77_0000_0001;

impl PostgresStore {
    pub(super) async fn ensure_format(&self) -> Result<(), StoreError> {
        let mut session = self.readers.take().await?;
        let found = match self.read_format(session.connection()).await? {
            Some(found) => found,
            None => self.make(session.connection()).await?,
        };
        session.keep();
        StoreError::check_format(&self.place.name, found, FORMAT)
    }

    /// The format found; `None` where there are no tables yet.
    async fn read_format(&self, connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
        // From the catalogue itself: `to_regclass` may answer from before the lock that another process made it under.
        let exists = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'flow' AND tablename = 'meta')";
        let row = connection.fetch_one(exists).await.map_err(|error| failed(&self.place, error))?;
        if !row.try_get::<bool, _>(0).map_err(|error| failed(&self.place, error))? {
            return Ok(None);
        }
        let row = connection.fetch_optional("SELECT format FROM flow.meta").await;
        match row.map_err(|error| failed(&self.place, error))? {
            Some(row) => row.try_get(0).map(Some).map_err(|error| failed(&self.place, error)),
            None => Err(self.place.corrupt("the table flow.meta is empty; restore a backup")),
        }
    }

    /// Makes the tables, unless another process was faster; the format there is then.
    async fn make(&self, connection: &mut PgConnection) -> Result<i64, StoreError> {
        let fail = |error| failed(&self.place, error);
        let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(begin))).await.map_err(fail)?;
        let found = self.read_format(connection).await?;
        if found.is_none() {
            connection.execute(sqlx::raw_sql(SCHEMA)).await.map_err(fail)?;
        }
        connection.execute("COMMIT").await.map_err(fail)?;
        Ok(found.unwrap_or(FORMAT))
    }
}
