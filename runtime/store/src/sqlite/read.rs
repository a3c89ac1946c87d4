//! Reading: whole instances, listings, history. On the reader connections, so it never waits for a commit.

use super::{SqliteStore, Where, failed};
use crate::condition::{Clause, Dialect, Value};
use crate::{Filter, Scope, StoreError};
use flow_machine::ids::{CallKey, InstanceId, StrandPath, Timestamp};
use flow_machine::rows::{
    CompensationRow, CompletionRow, HistoryRow, InboxRow, InstanceRow, MessageRow, ProgramHash, ReplyRow,
    Status, StoredInstance, StrandRow, TimerRow,
};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use uuid::Uuid;

const INSTANCE: &str =
    "SELECT id, root, parent, parent_strand, name, workflow, program, status, version, created_at,
    updated_at, input, output, error, state, attributes FROM flow_instance";

/// How SQLite says a condition.
const DIALECT: Dialect = Dialect {
    place: |number| format!("?{number}"),
    program: "lower(hex(program))",
    collation: "",
    text: |name| attribute(name, "= 'text'"),
    number: |name| attribute(name, "IN ('integer', 'real')"),
    truth: |name| attribute(name, "IN ('true', 'false')"),
    to_number: |place| format!("CAST({place} AS NUMERIC)"),
};

fn attribute(name: &str, types: &str) -> String {
    let path = format!("'$.\"' || {name} || '\"'");
    format!("CASE WHEN json_type(attributes, {path}) {types} THEN json_extract(attributes, {path}) END")
}

/// The condition that an instance or message (`t`) belongs to a scope: `?1` is the shard, `?2` the root or nil.
pub(super) const IN_SCOPE: &str = "t.shard = ?1 AND CASE WHEN ?2 = zeroblob(16)
    THEN NOT EXISTS (SELECT 1 FROM flow_lease l WHERE l.shard = ?1 AND l.root = t.root) ELSE t.root = ?2 END";

impl SqliteStore {
    pub(super) async fn read_program(&self, hash: &ProgramHash) -> Result<Option<Vec<u8>>, StoreError> {
        let query =
            sqlx::query_scalar("SELECT artifact FROM flow_program WHERE hash = ?").bind(hash.as_slice());
        query.fetch_optional(&self.readers).await.map_err(|error| failed(&self.place, error))
    }

    /// All in one read transaction, so that the parts belong together.
    pub(super) async fn load_instances(
        &self,
        instances: &[InstanceId],
    ) -> Result<Vec<StoredInstance>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(|error| failed(&self.place, error))?;
        let mut snapshot = connection.begin().await.map_err(|error| failed(&self.place, error))?;
        let mut loaded = Vec::new();
        for id in instances {
            let row = self.instance_where(&mut snapshot, "id = ?", id.0).await?;
            if let Some(row) = row {
                loaded
                    .push(load_parts(&mut snapshot, row).await.map_err(|error| failed(&self.place, error))?);
            }
        }
        Ok(loaded)
    }

    async fn instance_where<'q, T>(
        &self,
        connection: &mut SqliteConnection,
        condition: &str,
        value: T,
    ) -> Result<Option<InstanceRow>, StoreError>
    where
        T: 'q + sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let query = sqlx::query(AssertSqlSafe(format!("{INSTANCE} WHERE {condition}"))).bind(value);
        let row = connection.fetch_optional(query).await.map_err(|error| failed(&self.place, error))?;
        row.map(|row| instance_row(&row, &self.place)).transpose()
    }

    pub(super) async fn find_by_name(&self, name: &str) -> Result<Option<InstanceRow>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(|error| failed(&self.place, error))?;
        self.instance_where(&mut connection, "name = ?", name.to_string()).await
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
        let rows = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        rows.iter().map(|row| instance_row(row, &self.place)).collect()
    }

    pub(super) async fn read_history(
        &self,
        instance: InstanceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let sql = "SELECT sequence, at, event FROM flow_history WHERE instance = ? AND sequence > ?
                   ORDER BY sequence LIMIT ?";
        let query = sqlx::query(sql).bind(instance.0).bind(after).bind(i64::from(limit));
        let rows = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        let row = |row: &SqliteRow| {
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
        let sql = "SELECT id FROM flow_instance WHERE shard = ? AND root = ? AND parent IS NOT NULL
                   AND status IN ('running', 'paused', 'stuck')";
        let mut children = Vec::new();
        for root in roots {
            let query = sqlx::query_scalar::<_, Uuid>(sql).bind(i64::from(root.shard())).bind(root.0);
            let rows = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
            children.extend(rows.into_iter().map(InstanceId));
        }
        Ok(children)
    }

    pub(super) async fn runnable_instances(
        &self,
        scope: Scope,
        horizon: Timestamp,
    ) -> Result<Vec<InstanceId>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT t.root FROM flow_instance t WHERE {IN_SCOPE}
             AND t.status IN ('running', 'paused', 'stuck') AND (
               EXISTS (SELECT 1 FROM flow_strand s WHERE s.instance = t.id AND s.open_call)
               OR EXISTS (SELECT 1 FROM flow_timer d WHERE d.instance = t.id AND d.due <= ?3)
               OR EXISTS (SELECT 1 FROM flow_inbox m WHERE m.shard = ?1 AND m.instance = t.id)
               OR EXISTS (SELECT 1 FROM flow_completion c WHERE c.instance = t.id))
             ORDER BY t.root"
        );
        let query = sqlx::query_scalar::<_, Uuid>(AssertSqlSafe(sql))
            .bind(i64::from(scope.shard()))
            .bind(scope.root_key())
            .bind(horizon.0);
        let rows = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        Ok(rows.into_iter().map(InstanceId).collect())
    }

    pub(super) async fn read_reply(
        &self,
        id: Uuid,
        instance: InstanceId,
    ) -> Result<Option<ReplyRow>, StoreError> {
        let query = sqlx::query("SELECT at, reply FROM flow_reply WHERE id = ? AND instance = ?")
            .bind(id)
            .bind(instance.0);
        let found = query.fetch_optional(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        let row = |row: SqliteRow| {
            Ok(ReplyRow { id, instance, at: Timestamp(row.try_get(0)?), reply: row.try_get(1)? })
        };
        found.map(row).transpose().map_err(|error| failed(&self.place, error))
    }

    pub(super) async fn read_inbox(&self, scopes: &[Scope]) -> Result<Vec<InboxRow>, StoreError> {
        let sql = format!("SELECT id, instance, root, at, message FROM flow_inbox t WHERE {IN_SCOPE}");
        let mut messages = Vec::new();
        for scope in scopes {
            let query =
                sqlx::query(AssertSqlSafe(sql.clone())).bind(i64::from(scope.shard())).bind(scope.root_key());
            let rows = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
            for row in &rows {
                messages.push(inbox_row(row).map_err(|error| failed(&self.place, error))?);
            }
        }
        messages.sort_by_key(|message| (message.at, message.id));
        messages.dedup_by_key(|message| message.id);
        Ok(messages)
    }
}

async fn load_parts(
    connection: &mut SqliteConnection,
    row: InstanceRow,
) -> Result<StoredInstance, sqlx::Error> {
    let id = row.id;
    let strands = rows_of(
        connection,
        "SELECT path, version, open_call, meta, frame FROM flow_strand WHERE instance = ? ORDER BY path",
        id,
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
        "SELECT path, position, saga, image FROM flow_compensation WHERE instance = ? ORDER BY position, path",
        id,
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
        "SELECT id, due FROM flow_timer WHERE instance = ? ORDER BY due, id",
        id,
        |row| Ok(TimerRow { instance: id, id: row.try_get(0)?, due: Timestamp(row.try_get(1)?) }),
    )
    .await?;
    let messages = rows_of(
        connection,
        "SELECT number, message FROM flow_message WHERE instance = ? ORDER BY number",
        id,
        |row| Ok(MessageRow { instance: id, number: row.try_get(0)?, message: row.try_get(1)? }),
    )
    .await?;
    let inbox = rows_of(
        connection,
        "SELECT id, instance, root, at, message FROM flow_inbox WHERE instance = ? ORDER BY at, id",
        id,
        inbox_row,
    )
    .await?;
    let completions = rows_of(
        connection,
        "SELECT key, instance, at, outcome FROM flow_completion WHERE instance = ? ORDER BY at, key",
        id,
        completion_row,
    )
    .await?;
    let last = sqlx::query_as(
        "SELECT sequence, at FROM flow_history WHERE instance = ? ORDER BY sequence DESC LIMIT 1",
    )
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
    connection: &mut SqliteConnection,
    sql: &'static str,
    instance: InstanceId,
    decode: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let rows = connection.fetch_all(sqlx::query(sql).bind(instance.0)).await?;
    rows.iter().map(decode).collect()
}

fn inbox_row(row: &SqliteRow) -> Result<InboxRow, sqlx::Error> {
    Ok(InboxRow {
        id: row.try_get(0)?,
        instance: InstanceId(row.try_get(1)?),
        root: InstanceId(row.try_get(2)?),
        at: Timestamp(row.try_get(3)?),
        message: row.try_get(4)?,
    })
}

/// A row `key, instance, at, outcome`.
pub(super) fn completion_row(row: &SqliteRow) -> Result<CompletionRow, sqlx::Error> {
    Ok(CompletionRow {
        key: CallKey(fixed(row, 0)?),
        instance: InstanceId(row.try_get(1)?),
        at: Timestamp(row.try_get(2)?),
        outcome: row.try_get(3)?,
    })
}

/// A blob of a known length.
fn fixed<const N: usize>(row: &SqliteRow, column: usize) -> Result<[u8; N], sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| sqlx::Error::Decode(format!("{length} bytes where {N} belong").into()))
}

fn instance_row(row: &SqliteRow, place: &Where) -> Result<InstanceRow, StoreError> {
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
