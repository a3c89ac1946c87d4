//! The transaction of a `sql` step, on a connection of its own.

use super::connections::InUse;
use super::decode::column_value;
use super::encode::parameters;
use super::lease::{code, small};
use super::read::completion_row;
use super::{PostgresStore, Where, failed};
use crate::statement::{Dialect, check, refused};
use crate::{Begun, Scope, SqlResult, Step, StepTransaction, StoreError};
use async_trait::async_trait;
use flow_machine::rows::CompletionRow;
use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Column, Either, Executor, Row, SqlSafeStr, Statement};

impl PostgresStore {
    pub(super) async fn open_step(&self, step: Step) -> Result<Begun, StoreError> {
        let mut session = self.steps.take().await?;
        let fail = |error| failed(&self.place, error);
        let connection = session.connection();
        connection.execute("BEGIN").await.map_err(fail)?;
        self.fence_step(connection, step).await?;
        if let Some(row) = completion(connection, step).await.map_err(fail)? {
            connection.execute("ROLLBACK").await.map_err(fail)?;
            session.keep();
            return Ok(Begun::Taken(row));
        }
        connection.execute("SAVEPOINT flow_step").await.map_err(fail)?;
        Ok(Begun::Open(Box::new(PostgresStep { session, step, place: self.place.clone(), failed: false })))
    }

    pub(super) async fn put_tombstone(
        &self,
        step: Step,
        tombstone: &[u8],
    ) -> Result<Option<CompletionRow>, StoreError> {
        let mut session = self.steps.take().await?;
        let fail = |error| failed(&self.place, error);
        let connection = session.connection();
        connection.execute("BEGIN").await.map_err(fail)?;
        self.fence_step(connection, step).await?;
        let first = insert_completion(connection, step, tombstone).await.map_err(fail)?;
        let there = if first { None } else { completion(connection, step).await.map_err(fail)? };
        connection.execute("COMMIT").await.map_err(fail)?;
        session.keep();
        Ok(there)
    }

    /// As the fence of a commit: the token must be the stored one, and under a shard's lease the tree must have none.
    async fn fence_step(&self, connection: &mut PgConnection, step: Step) -> Result<(), StoreError> {
        let scope = step.lease.scope;
        if !scope.covers(step.root) {
            return Err(StoreError::Refused { reason: format!("{} is not in {scope:?}", step.root) });
        }
        let trees = match scope {
            Scope::Shard(_) => vec![step.root.0],
            Scope::Tree(_) => Vec::new(),
        };
        let shards = vec![small(scope); trees.len()];
        let query =
            sqlx::query("SELECT flow.fence(ARRAY[$1::int2], ARRAY[$2::uuid], ARRAY[$3::uuid], $4, $5)")
                .bind(small(scope))
                .bind(scope.root_key())
                .bind(step.lease.token)
                .bind(shards)
                .bind(trees);
        connection.execute(query).await.map(|_| ()).map_err(|error| failed(&self.place, error))
    }
}

async fn completion(connection: &mut PgConnection, step: Step) -> Result<Option<CompletionRow>, sqlx::Error> {
    let query =
        sqlx::query("SELECT key, instance, at, outcome FROM flow.completion WHERE shard = $1 AND key = $2")
            .bind(step.root.shard().cast_signed())
            .bind(step.key.0.as_slice());
    connection.fetch_optional(query).await?.as_ref().map(completion_row).transpose()
}

/// False where the key has a completion; waits for one that is being committed.
async fn insert_completion(
    connection: &mut PgConnection,
    step: Step,
    outcome: &[u8],
) -> Result<bool, sqlx::Error> {
    let sql =
        "INSERT INTO flow.completion (shard, key, instance, at, outcome) VALUES ($1, $2, $3, flow.now(), $4)
               ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql)
        .bind(step.root.shard().cast_signed())
        .bind(step.key.0.as_slice())
        .bind(step.instance.0)
        .bind(outcome);
    Ok(connection.execute(query).await?.rows_affected() == 1)
}

struct PostgresStep {
    session: InUse,
    step: Step,
    place: Where,
    /// After a failed statement only `undo` goes on.
    failed: bool,
}

impl PostgresStep {
    async fn run(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        let connection = self.session.connection();
        let text = AssertSqlSafe(sql.to_string()).into_sql_str();
        let statement =
            connection.prepare(text).await.map_err(|error| statement_error(&self.place, error))?;
        let types = match statement.parameters() {
            Some(Either::Left(types)) => types,
            _ => &[],
        };
        let query = statement.query_with(parameters(types, params)?);
        let mut result = SqlResult::default();
        let mut answers = connection.fetch_many(query);
        while let Some(answer) =
            answers.try_next().await.map_err(|error| statement_error(&self.place, error))?
        {
            match answer {
                Either::Left(done) => result.affected += done.rows_affected(),
                Either::Right(row) => {
                    let mut object = Map::new();
                    for column in row.columns() {
                        object.insert(column.name().to_string(), column_value(&row, column)?);
                    }
                    result.rows.push(object);
                }
            }
        }
        Ok(result)
    }
}

#[async_trait]
impl StepTransaction for PostgresStep {
    async fn statement(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        if self.failed {
            return Err(refused(
                "an earlier statement of this step failed; nothing more runs until it is undone",
            ));
        }
        check(sql, params.len(), Dialect::Postgres)?;
        // Set first: where this future is dropped half-way, the statement counts as failed.
        self.failed = true;
        let result = self.run(sql, params).await;
        self.failed = result.is_err();
        result
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        let undone = self.session.connection().execute("ROLLBACK TO SAVEPOINT flow_step").await;
        undone.map_err(|error| failed(&self.place, error))?;
        self.failed = false;
        Ok(())
    }

    async fn complete(mut self: Box<Self>, outcome: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        if self.failed {
            return Err(refused(
                "a statement of this step failed; it must be undone before the step completes",
            ));
        }
        let fail = |error| failed(&self.place, error);
        let step = self.step;
        let connection = self.session.connection();
        if !insert_completion(connection, step, outcome).await.map_err(fail)? {
            connection.execute("ROLLBACK").await.map_err(fail)?;
            let there = completion(connection, step).await.map_err(fail)?;
            self.session.keep();
            return there
                .map(Some)
                .ok_or_else(|| self.place.unavailable("a completion vanished while it was read"));
        }
        // Deferred constraints of the user's tables speak here.
        connection.execute("COMMIT").await.map_err(|error| statement_error(&self.place, error))?;
        self.session.keep();
        Ok(None)
    }
}

fn statement_error(place: &Where, error: sqlx::Error) -> StoreError {
    let Some(code) = code(&error) else { return failed(place, error) };
    if code.starts_with("57P") || code.starts_with("08") {
        return failed(place, error);
    }
    let message =
        error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_string());
    let transient = code.starts_with("40") || code == "55P03";
    StoreError::Statement { message, code: Some(code), transient }
}
