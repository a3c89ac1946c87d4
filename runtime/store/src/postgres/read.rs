//! Reading: whole instances, listings, history. On connections of their own, so that they never wait for a commit.

use super::lease::small;
use super::{PostgresStore, Where, failed};
use crate::condition::{Clause, Dialect, Value};
use crate::{Filter, Scope, StoreError};
use flow_machine::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use flow_machine::rows::{
    CompensationRow, CompletionRow, HistoryRow, InboxRow, InstanceRow, MessageRow, ProgramHash, ReplyRow,
    Status, StoredInstance, StrandRow, TimerRow,
};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Executor, Row};
use uuid::Uuid;

const INSTANCE: &str =
    "SELECT id, root, parent, parent_strand, name, workflow, program, status, version, created_at,
    updated_at, input, output, error, state, attributes::text FROM flow.instance";

/// How PostgreSQL says a condition.
const DIALECT: Dialect = Dialect {
    place: |number| format!("${number}"),
    program: "encode(program, 'hex')",
    collation: " COLLATE \"C\"",
    text: |name| attribute(name, "string", "text"),
    number: |name| attribute(name, "number", "numeric"),
    truth: |name| attribute(name, "boolean", "boolean"),
    to_number: |place| format!("{place}::numeric"),
};

fn attribute(name: &str, json: &str, sql: &str) -> String {
    format!("CASE WHEN jsonb_typeof(attributes -> {name}) = '{json}' THEN (attributes ->> {name})::{sql} END")
}

/// The condition that an instance or message (`t`) belongs to a scope: `$1` is the shard, `$2` the root or nil.
pub(super) const IN_SCOPE: &str = "t.shard = $1 AND CASE WHEN $2 = '00000000-0000-0000-0000-000000000000'
    THEN NOT EXISTS (SELECT 1 FROM flow.lease l WHERE l.shard = $1 AND l.root = t.root) ELSE t.root = $2 END";

type Statement<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl PostgresStore {
    async fn all(&self, query: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let mut session = self.readers.take().await?;
        let rows = query.fetch_all(session.connection()).await.map_err(|error| failed(&self.place, error))?;
        session.keep();
        Ok(rows)
    }

    pub(super) async fn read_clock(&self) -> Result<Timestamp, StoreError> {
        let rows = self.all(sqlx::query("SELECT flow.now()")).await?;
        let now = rows.first().ok_or(sqlx::Error::RowNotFound).and_then(|row| row.try_get(0));
        now.map(Timestamp).map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn read_program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT artifact FROM flow.program WHERE hash = $1").bind(hash.as_slice());
        {
            let mut session = self.readers.take().await?;
            let found = query
                .fetch_optional(session.connection())
                .await
                .map_err(|error| failed(&self.place, error))?;
            session.keep();
            Ok(found)
        }
    }

    /// All in one read transaction, so that the parts belong together.
    pub(super) async fn load_instances(
        &self,
        instances: &[InstanceId],
    ) -> Result<Vec<StoredInstance>, StoreError> {
        let fail = |error| failed(&self.place, error);
        let mut session = self.readers.take().await?;
        let begin = sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        session.connection().execute(begin).await.map_err(fail)?;
        let mut loaded = Vec::new();
        for id in instances {
            let row = self.instance_where(session.connection(), "id = $1", id.0).await?;
            if let Some(row) = row {
                loaded.push(
                    load_parts(session.connection(), row)
                        .await
                        .map_err(|error| failed(&self.place, error))?,
                );
            }
        }
        session.connection().execute("COMMIT").await.map_err(fail)?;
        session.keep();
        Ok(loaded)
    }

    async fn instance_where<'q, T>(
        &self,
        connection: &mut PgConnection,
        condition: &str,
        value: T,
    ) -> Result<Option<InstanceRow>, StoreError>
    where
        T: 'q + sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let query = sqlx::query(AssertSqlSafe(format!("{INSTANCE} WHERE {condition}"))).bind(value);
        let row = connection.fetch_optional(query).await.map_err(|error| failed(&self.place, error))?;
        row.map(|row| instance_row(&row, &self.place)).transpose()
    }

    pub(super) async fn find_by_name(&self, name: &str) -> Result<Option<InstanceRow>, StoreError> {
        let mut session = self.readers.take().await?;
        let found = self.instance_where(session.connection(), "name = $1", name.to_string()).await?;
        session.keep();
        Ok(found)
    }

    pub(super) async fn list_instances(&self, filter: &Filter) -> Result<Vec<InstanceRow>, StoreError> {
        let condition = filter.whole();
        let Clause { sql, values, .. } = Clause::new(&DIALECT, &condition);
        let limit = filter.sql_limit();
        let sql = format!("{INSTANCE} WHERE {sql} ORDER BY created_at DESC, id LIMIT {limit}");
        let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(number) => query.bind(number),
        });
        let rows = self.all(query).await?;
        rows.iter().map(|row| instance_row(row, &self.place)).collect()
    }

    pub(super) async fn read_history(
        &self,
        instance: InstanceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let sql = "SELECT sequence, at, event FROM flow.history WHERE shard = (SELECT shard FROM flow.instance WHERE id = $1)
                   AND instance = $1 AND sequence > $2
                   ORDER BY sequence LIMIT $3";
        let query = sqlx::query(sql).bind(instance.0).bind(after).bind(i64::from(limit));
        let rows = self.all(query).await?;
        let row = |row: &PgRow| {
            Ok(HistoryRow {
                instance,
                sequence: row.try_get(0)?,
                at: Timestamp(row.try_get(1)?),
                event: row.try_get(2)?,
            })
        };
        rows.iter().map(row).collect::<Result<_, _>>().map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn live_children(&self, roots: &[InstanceId]) -> Result<Vec<InstanceId>, StoreError> {
        let sql = "SELECT t.id FROM unnest($1::int2[], $2::uuid[]) AS r (shard, root)
                   JOIN flow.instance t ON t.shard = r.shard AND t.root = r.root
                   WHERE t.parent IS NOT NULL AND t.status IN ('running', 'paused', 'stuck')";
        let shards: Vec<i16> = roots.iter().map(|root| root.shard().cast_signed()).collect();
        let ids: Vec<Uuid> = roots.iter().map(|root| root.0).collect();
        let rows = self.all(sqlx::query(sql).bind(shards).bind(ids)).await?;
        let id = |row: &PgRow| row.try_get(0).map(InstanceId);
        rows.iter().map(id).collect::<Result<_, _>>().map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn runnable_instances(
        &self,
        scope: Scope,
        horizon: Timestamp,
    ) -> Result<Vec<InstanceId>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT t.root FROM flow.instance t WHERE {IN_SCOPE}
             AND t.status IN ('running', 'paused', 'stuck') AND (
               EXISTS (SELECT 1 FROM flow.strand s WHERE s.shard = t.shard AND s.instance = t.id AND s.open_call)
               OR EXISTS (SELECT 1 FROM flow.timer d WHERE d.shard = t.shard AND d.instance = t.id AND d.due <= $3)
               OR EXISTS (SELECT 1 FROM flow.inbox m WHERE m.shard = $1 AND m.instance = t.id)
               OR EXISTS (SELECT 1 FROM flow.completion c WHERE c.shard = t.shard AND c.instance = t.id))
             ORDER BY t.root"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(small(scope)).bind(scope.root_key()).bind(horizon.0);
        let rows = self.all(query).await?;
        let id = |row: &PgRow| row.try_get(0).map(InstanceId);
        rows.iter().map(id).collect::<Result<_, _>>().map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn read_reply(
        &self,
        id: Uuid,
        instance: InstanceId,
    ) -> Result<Option<ReplyRow>, StoreError> {
        let sql = "SELECT at, reply FROM flow.reply
                   WHERE shard = (SELECT shard FROM flow.instance WHERE id = $2) AND id = $1 AND instance = $2";
        let rows = self.all(sqlx::query(sql).bind(id).bind(instance.0)).await?;
        let row = |row: &PgRow| {
            Ok(ReplyRow { id, instance, at: Timestamp(row.try_get(0)?), reply: row.try_get(1)? })
        };
        rows.first().map(row).transpose().map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn read_inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError> {
        let sql = format!("SELECT id, instance, root, at, message FROM flow.inbox t WHERE {IN_SCOPE}");
        let mut messages = Vec::new();
        for scope in scopes {
            let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(small(*scope)).bind(scope.root_key());
            let rows = self.all(query).await?;
            for row in &rows {
                messages.push(inbox_row(row).map_err(|error| failed(&self.place, error))?);
            }
        }
        messages.sort_by_key(|message| (message.at, message.id));
        messages.dedup_by_key(|message| message.id);
        Ok(messages)
    }
}

async fn load_parts(connection: &mut PgConnection, row: InstanceRow) -> Result<StoredInstance, sqlx::Error> {
    let (root, id) = (row.root, row.id);
    let strands = rows_of(
        connection,
        "SELECT path, version, open_call, meta, frame FROM flow.strand WHERE shard = $1 AND instance = $2 ORDER BY path",
        (root, id),
        |row| {
            Ok(StrandRow {
                instance: id,
                path: StrandPath(row.try_get(0)?),
                version: row.try_get(1)?,
                open_call: row.try_get(2)?,
                meta: row.try_get(3)?,
                frame: row.try_get(4)?,
            })
        },
    )
    .await?;
    let compensations = rows_of(
        connection,
        "SELECT path, position, saga, image FROM flow.compensation WHERE shard = $1 AND instance = $2 ORDER BY position, path",
        (root, id),
        |row| {
            Ok(CompensationRow {
                instance: id,
                path: StrandPath(row.try_get(0)?),
                position: row.try_get(1)?,
                saga: row.try_get(2)?,
                image: row.try_get(3)?,
            })
        },
    )
    .await?;
    let timers = rows_of(
        connection,
        "SELECT id, due FROM flow.timer WHERE shard = $1 AND instance = $2 ORDER BY due, id",
        (root, id),
        |row| Ok(TimerRow { instance: id, id: row.try_get(0)?, due: Timestamp(row.try_get(1)?) }),
    )
    .await?;
    let messages = rows_of(
        connection,
        "SELECT number, message FROM flow.message WHERE shard = $1 AND instance = $2 ORDER BY number",
        (root, id),
        |row| Ok(MessageRow { instance: id, number: row.try_get(0)?, message: row.try_get(1)? }),
    )
    .await?;
    let inbox = rows_of(
        connection,
        "SELECT id, instance, root, at, message FROM flow.inbox WHERE shard = $1 AND instance = $2 ORDER BY at, id",
        (root, id),
        inbox_row,
    )
    .await?;
    let completions = rows_of(
        connection,
        "SELECT key, instance, at, outcome FROM flow.completion WHERE shard = $1 AND instance = $2 ORDER BY at, key",
        (root, id),
        completion_row,
    )
    .await?;
    let last = sqlx::query_as(
        "SELECT sequence, at FROM flow.history WHERE shard = $1 AND instance = $2 ORDER BY sequence DESC LIMIT 1",
    )
    .bind(root.shard().cast_signed())
    .bind(id.0);
    let (last_sequence, last_at) = last.fetch_optional(connection).await?.unwrap_or_default();
    let last_at = Timestamp(last_at);
    Ok(StoredInstance {
        row,
        strands,
        compensations,
        timers,
        messages,
        last_sequence,
        last_at,
        inbox,
        completions,
    })
}

async fn rows_of<T>(
    connection: &mut PgConnection,
    sql: &'static str,
    (root, instance): (InstanceId, InstanceId),
    decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let rows =
        connection.fetch_all(sqlx::query(sql).bind(root.shard().cast_signed()).bind(instance.0)).await?;
    rows.iter().map(decode).collect()
}

fn inbox_row(row: &PgRow) -> Result<InboxRow, sqlx::Error> {
    Ok(InboxRow {
        id: row.try_get(0)?,
        instance: InstanceId(row.try_get(1)?),
        root: InstanceId(row.try_get(2)?),
        at: Timestamp(row.try_get(3)?),
        message: row.try_get(4)?,
    })
}

/// A row `key, instance, at, outcome`.
pub(super) fn completion_row(row: &PgRow) -> Result<CompletionRow, sqlx::Error> {
    Ok(CompletionRow {
        key: CallKey(fixed(row, 0)?),
        instance: InstanceId(row.try_get(1)?),
        at: Timestamp(row.try_get(2)?),
        outcome: row.try_get(3)?,
    })
}

/// A blob of a known length.
fn fixed<const N: usize>(row: &PgRow, column: usize) -> Result<[u8; N], sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| sqlx::Error::Decode(format!("{length} bytes where {N} belong").into()))
}

fn instance_row(row: &PgRow, place: &Where) -> Result<InstanceRow, StoreError> {
    let read = || -> Result<InstanceRow, sqlx::Error> {
        let status: String = row.try_get(7)?;
        let parent: Option<Uuid> = row.try_get(2)?;
        let strand: Option<String> = row.try_get(3)?;
        Ok(InstanceRow {
            id: InstanceId(row.try_get(0)?),
            root: InstanceId(row.try_get(1)?),
            parent: parent.zip(strand).map(|(parent, strand)| (InstanceId(parent), StrandPath(strand))),
            name: row.try_get(4)?,
            workflow: row.try_get(5)?,
            program: fixed(row, 6)?,
            status: Status::parse(&status)
                .ok_or_else(|| sqlx::Error::Decode(format!("`{status}` is no status").into()))?,
            version: row.try_get(8)?,
            created_at: Timestamp(row.try_get(9)?),
            updated_at: Timestamp(row.try_get(10)?),
            input: row.try_get(11)?,
            output: row.try_get(12)?,
            error: row.try_get(13)?,
            state: row.try_get(14)?,
            attributes: row.try_get(15)?,
        })
    };
    read().map_err(|error| failed(place, error))
}
