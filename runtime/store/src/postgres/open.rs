//! The format of the database: made at the first start, refused where it is newer.

use super::{PostgresStore, failed};
use crate::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

/// The statements that lead to each format from the one before it.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
/// The newest stored format this program knows.
const FORMAT: i64 = MIGRATIONS.len() as i64;
/// Held while the schema is made, so that concurrent first starts follow each other.
const LOCK: i64 = 0x666c_6f77_0000_0001;

impl PostgresStore {
    pub(super) async fn ensure_format(&self) -> Result<(), StoreError> {
        let mut session = self.readers.take().await?;
        let mut found = self.read_format(session.connection()).await?;
        if found < FORMAT {
            found = self.migrate(session.connection()).await?;
        }
        session.keep();
        if found > FORMAT {
            return Err(StoreError::NewerFormat { store: self.place.name.to_string(), found, known: FORMAT });
        }
        Ok(())
    }

    /// The format found, 0 where there is none.
    async fn read_format(&self, connection: &mut PgConnection) -> Result<i64, StoreError> {
        let exists = "SELECT to_regclass('flow.meta') IS NOT NULL";
        let row = connection.fetch_one(exists).await.map_err(|error| failed(&self.place, error))?;
        if !row.try_get::<bool, _>(0).map_err(|error| failed(&self.place, error))? {
            return Ok(0);
        }
        let row = connection.fetch_optional("SELECT format FROM flow.meta").await;
        match row.map_err(|error| failed(&self.place, error))? {
            Some(row) => row.try_get(0).map_err(|error| failed(&self.place, error)),
            None => Err(self.place.corrupt("the table flow.meta is empty; restore a backup")),
        }
    }

    async fn migrate(&self, connection: &mut PgConnection) -> Result<i64, StoreError> {
        let fail = |error| failed(&self.place, error);
        let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(begin))).await.map_err(fail)?;
        let found = self.read_format(connection).await?;
        let done = usize::try_from(found).unwrap_or_default();
        for migration in MIGRATIONS.iter().skip(done) {
            connection.execute(sqlx::raw_sql(*migration)).await.map_err(fail)?;
        }
        connection.execute("COMMIT").await.map_err(fail)?;
        Ok(found.max(FORMAT))
    }
}
