//! The transaction of a `sql` step. It holds the only writer, so its statements run under a time limit.

use super::read::completion_row;
use super::values::{column_value, parameter};
use super::writer::Transaction;
use super::{SqliteStore, Where, clock, failed, primary_code};
use crate::statement::{Dialect, check, refused};
use crate::{Begun, SqlResult, Step, StepTransaction, StoreError};
use async_trait::async_trait;
use flow_machine::ids::{CallKey, InstanceId};
use flow_machine::rows::CompletionRow;
use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Column, Either, Executor, Row};
use std::time::{Duration, Instant};

/// Virtual-machine instructions between two looks at the clock: about 0.1 ms.
const LOOK_EVERY: i32 = 10_000;

impl SqliteStore {
    pub(super) async fn open_step(&self, step: Step) -> Result<Begun, StoreError> {
        let mut transaction = self.writer.begin().await?;
        self.fence(&mut transaction, std::iter::once((step.lease, step.root))).await?;
        let connection = transaction.connection()?;
        if let Some(row) =
            completion(connection, step.key).await.map_err(|error| failed(&self.place, error))?
        {
            return Ok(Begun::Taken(row));
        }
        connection.execute("SAVEPOINT flow_step").await.map_err(|error| failed(&self.place, error))?;
        Ok(Begun::Open(Box::new(SqliteStep {
            transaction,
            step,
            place: self.place.clone(),
            limit: self.statement_limit,
            failed: false,
        })))
    }

    pub(super) async fn put_tombstone(
        &self,
        step: Step,
        tombstone: &[u8],
    ) -> Result<Option<CompletionRow>, StoreError> {
        let mut transaction = self.writer.begin().await?;
        self.fence(&mut transaction, std::iter::once((step.lease, step.root))).await?;
        let connection = transaction.connection()?;
        let fail = |error| failed(&self.place, error);
        if let Some(row) = completion(connection, step.key).await.map_err(fail)? {
            return Ok(Some(row));
        }
        insert_completion(connection, step.key, step.instance, tombstone).await.map_err(fail)?;
        transaction.commit().await?;
        Ok(None)
    }
}

async fn completion(
    connection: &mut SqliteConnection,
    key: CallKey,
) -> Result<Option<CompletionRow>, sqlx::Error> {
    let query = sqlx::query("SELECT key, instance, at, outcome FROM flow_completion WHERE key = ?");
    let row = connection.fetch_optional(query.bind(key.0.as_slice())).await?;
    row.as_ref().map(completion_row).transpose()
}

async fn insert_completion(
    connection: &mut SqliteConnection,
    key: CallKey,
    instance: InstanceId,
    outcome: &[u8],
) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT INTO flow_completion (key, instance, at, outcome) VALUES (?, ?, ?, ?)")
        .bind(key.0.as_slice())
        .bind(instance.0)
        .bind(clock().0)
        .bind(outcome);
    connection.execute(insert).await.map(|_| ())
}

struct SqliteStep {
    transaction: Transaction,
    step: Step,
    place: Where,
    limit: Duration,
    /// After a failed statement only `undo` goes on, as in PostgreSQL.
    failed: bool,
}

impl SqliteStep {
    async fn run(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_string())).persistent(false);
        for (index, value) in params.iter().enumerate() {
            query = parameter(query, index, value)?;
        }
        let connection = self.transaction.connection()?;
        let mut result = SqlResult::default();
        let mut answers = connection.fetch_many(query);
        while let Some(answer) =
            answers.try_next().await.map_err(|error| statement_error(&error, self.limit))?
        {
            match answer {
                Either::Left(done) => result.affected += done.rows_affected(),
                Either::Right(row) => {
                    let mut object = Map::new();
                    for column in row.columns() {
                        object.insert(column.name().to_string(), column_value(&row, column.ordinal())?);
                    }
                    result.rows.push(object);
                }
            }
        }
        Ok(result)
    }

    /// Interrupts whatever runs on the connection after the limit.
    async fn limit_time(&mut self, limit: Option<Duration>) -> Result<(), StoreError> {
        let place = self.place.clone();
        let mut handle =
            self.transaction.connection()?.lock_handle().await.map_err(|error| failed(&place, error))?;
        match limit {
            Some(limit) => {
                let started = Instant::now();
                handle.set_progress_handler(LOOK_EVERY, move || started.elapsed() < limit);
            }
            None => handle.remove_progress_handler(),
        }
        Ok(())
    }
}

#[async_trait]
impl StepTransaction for SqliteStep {
    async fn statement(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        if self.failed {
            return Err(refused(
                "an earlier statement of this step failed; nothing more runs until it is undone",
            ));
        }
        check(sql, params.len(), Dialect::Sqlite)?;
        self.limit_time(Some(self.limit)).await?;
        // Set first: where this future is dropped half-way, the statement counts as failed.
        self.failed = true;
        let result = self.run(sql, params).await;
        self.limit_time(None).await?;
        self.failed = result.is_err();
        result
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        let undone = self.transaction.connection()?.execute("ROLLBACK TO flow_step").await;
        // `OR ROLLBACK` and `RAISE(ROLLBACK)` end the whole transaction, and the savepoint with it.
        undone.map_err(|_| {
            refused("the statement rolled the step's transaction back (OR ROLLBACK); the step starts anew")
        })?;
        self.failed = false;
        Ok(())
    }

    async fn complete(mut self: Box<Self>, outcome: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        if self.failed {
            return Err(refused(
                "a statement of this step failed; it must be undone before the step completes",
            ));
        }
        let Step { key, instance, .. } = self.step;
        let connection = self.transaction.connection()?;
        connection.execute("RELEASE flow_step").await.map_err(|error| failed(&self.place, error))?;
        insert_completion(connection, key, instance, outcome)
            .await
            .map_err(|error| failed(&self.place, error))?;
        let SqliteStep { transaction, .. } = *self;
        transaction.commit().await?;
        Ok(None)
    }
}

fn statement_error(error: &sqlx::Error, limit: Duration) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    let message = match primary_code(error) {
        Some(9) => format!(
            "it ran for more than {} s, the limit of a statement in SQLite, which has only one writer",
            limit.as_secs_f32()
        ),
        _ => match error.as_database_error() {
            Some(error) => error.message().to_string(),
            None => error.to_string(),
        },
    };
    StoreError::Statement { message, code, transient: matches!(primary_code(error), Some(5 | 6)) }
}
