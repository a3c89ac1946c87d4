//! A batch of transitions in one transaction: many rows per statement, each set checked as it is written.

use super::{SqliteStore, failed};
use crate::{StoreError, Write};
use flow_machine::ids::InstanceId;
use flow_machine::rows::{Changes, InstanceRow, ProgramHash, StrandRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Executor, Row, Sqlite};
use std::collections::HashSet;
use uuid::Uuid;

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Rows per statement. Two sizes only, so that the prepared statements are few and stay cached.
const CHUNK: usize = 32;

/// A statement that takes any number of rows: `head VALUES (row), (row) tail`.
struct Rows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
}

impl Rows {
    fn sql(&self, rows: usize) -> String {
        let one = format!("({})", vec!["?"; self.columns].join(","));
        format!("{} {} {}", self.head, vec![one.as_str(); rows].join(","), self.tail)
    }

    /// Runs it over all rows; the answer is what `RETURNING` gave.
    async fn run<'q, T>(
        &self,
        connection: &mut SqliteConnection,
        rows: &'q [T],
        bind: impl Fn(Statement<'q>, &'q T) -> Statement<'q>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut returned = Vec::new();
        let mut rest = rows;
        while !rest.is_empty() {
            let size = if rest.len() >= CHUNK { CHUNK } else { 1 };
            let (chunk, after) = rest.split_at(size);
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(self.sql(size))), &bind);
            returned.extend(connection.fetch_all(query).await?);
            rest = after;
        }
        Ok(returned)
    }
}

const INSERT_INSTANCE: Rows = Rows {
    head: "INSERT INTO flow_instance (id, shard, root, parent, parent_strand, name, workflow, program, status, version,
           created_at, updated_at, input, output, error, state, attributes) VALUES",
    columns: 17,
    tail: "ON CONFLICT DO NOTHING RETURNING id",
};
const UPDATE_INSTANCE: Rows = Rows {
    head: "UPDATE flow_instance SET version = d.column2, program = d.column3, status = d.column4,
           updated_at = d.column5, output = d.column6, error = d.column7, state = d.column8,
           attributes = d.column9 FROM (VALUES",
    columns: 9,
    tail: ") AS d WHERE flow_instance.id = d.column1 AND flow_instance.version = d.column2 - 1
           RETURNING flow_instance.id",
};
const INSERT_STRAND: Rows = Rows {
    head: "INSERT INTO flow_strand (instance, path, version, open_call, meta, frame) VALUES",
    columns: 6,
    tail: "ON CONFLICT DO NOTHING RETURNING instance, path",
};
const UPDATE_STRAND: Rows = Rows {
    head: "UPDATE flow_strand SET version = d.column3, open_call = d.column4, meta = d.column5, frame = d.column6
           FROM (VALUES",
    columns: 6,
    tail: ") AS d WHERE flow_strand.instance = d.column1 AND flow_strand.path = d.column2
           AND flow_strand.version = d.column3 - 1 RETURNING flow_strand.instance, flow_strand.path",
};
const DELETE_STRAND: Rows =
    Rows { head: "DELETE FROM flow_strand WHERE (instance, path) IN (VALUES", columns: 2, tail: ")" };
const DELETE_COMPENSATION: Rows =
    Rows { head: "DELETE FROM flow_compensation WHERE (instance, path) IN (VALUES", columns: 2, tail: ")" };
const PUT_COMPENSATION: Rows = Rows {
    head: "INSERT INTO flow_compensation (instance, path, position, saga, image) VALUES",
    columns: 5,
    tail: "ON CONFLICT DO UPDATE SET position = excluded.position, saga = excluded.saga, image = excluded.image",
};
const DELETE_TIMER: Rows =
    Rows { head: "DELETE FROM flow_timer WHERE (instance, id) IN (VALUES", columns: 2, tail: ")" };
const PUT_TIMER: Rows = Rows {
    head: "INSERT INTO flow_timer (instance, id, shard, due) VALUES",
    columns: 4,
    tail: "ON CONFLICT DO UPDATE SET due = excluded.due",
};
const DELETE_MESSAGE: Rows =
    Rows { head: "DELETE FROM flow_message WHERE (instance, number) IN (VALUES", columns: 2, tail: ")" };
/// A commit whose answer was lost may be there already.
const INSERT_MESSAGE: Rows = Rows {
    head: "INSERT INTO flow_message (instance, number, message) VALUES",
    columns: 3,
    tail: "ON CONFLICT DO NOTHING",
};
const INSERT_REPLY: Rows = Rows {
    head: "INSERT INTO flow_reply (id, instance, at, reply) VALUES",
    columns: 4,
    tail: "ON CONFLICT DO NOTHING",
};
const INSERT_HISTORY: Rows = Rows {
    head: "INSERT INTO flow_history (instance, sequence, at, event) VALUES",
    columns: 4,
    tail: "ON CONFLICT DO NOTHING RETURNING instance, sequence",
};
const DELETE_INBOX: Rows = Rows { head: "DELETE FROM flow_inbox WHERE id IN (VALUES", columns: 1, tail: ")" };
/// What waits for trees that end.
const FIND_UNREAD: Rows =
    Rows { head: "SELECT root FROM flow_inbox WHERE root IN (VALUES", columns: 1, tail: ") LIMIT 1" };
const DELETE_COMPLETION: Rows =
    Rows { head: "DELETE FROM flow_completion WHERE key IN (VALUES", columns: 1, tail: ")" };

impl SqliteStore {
    pub(super) async fn commit_batch(&self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.iter().all(|write| write.changes.is_empty()) {
            return Ok(());
        }
        let mut transaction = self.writer.begin().await?;
        self.fence(&mut transaction, writes.iter().map(|write| (write.lease, write.root))).await?;
        let mut batch = Batch { connection: transaction.connection()?, store: self };
        batch.deletions(writes).await?;
        batch.instances(writes).await?;
        batch.strands(writes).await?;
        batch.additions(writes).await?;
        batch.ends(writes).await?;
        transaction.commit().await
    }

    pub(super) async fn write_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        let insert = sqlx::query("INSERT OR IGNORE INTO flow_program (hash, artifact) VALUES (?, ?)")
            .bind(hash.as_slice())
            .bind(artifact);
        transaction.connection()?.execute(insert).await.map_err(|error| failed(&self.place, error))?;
        transaction.commit().await
    }
}

struct Batch<'a> {
    connection: &'a mut SqliteConnection,
    store: &'a SqliteStore,
}

/// One kind of row of all writes.
fn collect<'a, T>(writes: &'a [Write], of: impl Fn(&'a Changes) -> &'a [T]) -> Vec<&'a T> {
    writes.iter().flat_map(|write| of(&write.changes)).collect()
}

impl Batch<'_> {
    fn failed(&self, error: sqlx::Error) -> StoreError {
        failed(&self.store.place, error)
    }

    async fn deletions(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.delete_rows(writes).await.map_err(|error| self.failed(error))
    }

    async fn delete_rows(&mut self, writes: &[Write]) -> Result<(), sqlx::Error> {
        let strands = collect(writes, |changes| &changes.delete_strands);
        DELETE_STRAND.run(self.connection, &strands, |q, row| q.bind(row.0.0).bind(&row.1.0)).await?;
        let compensations = collect(writes, |changes| &changes.delete_compensations);
        DELETE_COMPENSATION
            .run(self.connection, &compensations, |q, row| q.bind(row.0.0).bind(&row.1.0))
            .await?;
        let timers = collect(writes, |changes| &changes.delete_timers);
        DELETE_TIMER.run(self.connection, &timers, |q, row| q.bind(row.0.0).bind(&row.1)).await?;
        let messages = collect(writes, |changes| &changes.delete_messages);
        DELETE_MESSAGE.run(self.connection, &messages, |q, row| q.bind(row.0.0).bind(row.1)).await?;
        let inbox = collect(writes, |changes| &changes.delete_inbox);
        DELETE_INBOX.run(self.connection, &inbox, |q, id| q.bind(**id)).await?;
        let completions = collect(writes, |changes| &changes.delete_completions);
        DELETE_COMPLETION.run(self.connection, &completions, |q, key| q.bind(key.0.as_slice())).await?;
        Ok(())
    }

    async fn instances(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let new = collect(writes, |changes| &changes.new_instances);
        let inserted = INSERT_INSTANCE.run(self.connection, &new, |q, row| bind_new_instance(q, row)).await;
        let inserted = ids(inserted.map_err(|error| self.failed(error))?, &self.store.place)?;
        if let Some(row) = missing(&new, &inserted, |row| row.id.0) {
            return Err(self.why_not_inserted(row).await?);
        }
        let changed = collect(writes, |changes| &changes.changed_instances);
        let updated = UPDATE_INSTANCE.run(self.connection, &changed, |q, row| bind_instance(q, row)).await;
        let updated = ids(updated.map_err(|error| self.failed(error))?, &self.store.place)?;
        match missing(&changed, &updated, |row| row.id.0) {
            Some(row) => Err(conflict(row.id, format!("the instance is not at version {}", row.version - 1))),
            None => Ok(()),
        }
    }

    /// A new instance that is not in: its name or its identity was there before.
    async fn why_not_inserted(&mut self, row: &InstanceRow) -> Result<StoreError, StoreError> {
        let same = sqlx::query("SELECT 1 FROM flow_instance WHERE id = ? AND name <> ?")
            .bind(row.id.0)
            .bind(&row.name);
        let found = self.connection.fetch_optional(same).await.map_err(|error| self.failed(error))?;
        Ok(match found {
            Some(_) => conflict(row.id, "the instance exists already".into()),
            None => StoreError::NameTaken { name: row.name.clone() },
        })
    }

    async fn strands(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let (new, changed): (Vec<&StrandRow>, Vec<&StrandRow>) =
            collect(writes, |changes| &changes.strands).into_iter().partition(|row| row.version == 1);
        for (rows, statement) in [(new, INSERT_STRAND), (changed, UPDATE_STRAND)] {
            let done = statement.run(self.connection, &rows, |q, row| bind_strand(q, row)).await;
            let done = done.and_then(|rows| keys::<String>(&rows)).map_err(|error| self.failed(error))?;
            if let Some(row) = missing(&rows, &done, |row| (row.instance.0, row.path.0.clone())) {
                let what = format!("strand {} is not at version {}", row.path, row.version - 1);
                return Err(conflict(row.instance, what));
            }
        }
        Ok(())
    }

    async fn add_messages(&mut self, writes: &[Write]) -> Result<(), sqlx::Error> {
        let messages = collect(writes, |changes| &changes.messages);
        INSERT_MESSAGE
            .run(self.connection, &messages, |q, row| {
                q.bind(row.instance.0).bind(row.number).bind(&row.message)
            })
            .await?;
        let replies = collect(writes, |changes| &changes.replies);
        INSERT_REPLY
            .run(self.connection, &replies, |q, row| {
                q.bind(row.id).bind(row.instance.0).bind(row.at.0).bind(&row.reply)
            })
            .await?;
        Ok(())
    }

    async fn additions(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let compensations = collect(writes, |changes| &changes.compensations);
        let put = PUT_COMPENSATION.run(self.connection, &compensations, |q, row| {
            q.bind(row.instance.0).bind(&row.path.0).bind(row.position).bind(row.saga).bind(&row.image)
        });
        put.await.map_err(|error| self.failed(error))?;
        let timers: Vec<_> = writes
            .iter()
            .flat_map(|write| write.changes.timers.iter().map(move |row| (write.root, row)))
            .collect();
        let put = PUT_TIMER.run(self.connection, &timers, |q, (root, row)| {
            q.bind(row.instance.0).bind(&row.id).bind(i64::from(root.shard())).bind(row.due.0)
        });
        put.await.map_err(|error| self.failed(error))?;
        self.add_messages(writes).await.map_err(|error| self.failed(error))?;
        let history = collect(writes, |changes| &changes.history);
        let inserted = INSERT_HISTORY.run(self.connection, &history, |q, row| {
            q.bind(row.instance.0).bind(row.sequence).bind(row.at.0).bind(&row.event)
        });
        let inserted =
            inserted.await.and_then(|rows| keys::<i64>(&rows)).map_err(|error| self.failed(error))?;
        match missing(&history, &inserted, |row| (row.instance.0, row.sequence)) {
            Some(row) => {
                Err(conflict(row.instance, format!("history event {} exists already", row.sequence)))
            }
            None => Ok(()),
        }
    }

    /// A tree ends with nothing unread, so that whoever sent it a message hears what became of it.
    async fn ends(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let ended: Vec<Uuid> =
            writes.iter().filter(|write| write.is_end()).map(|write| write.root.0).collect();
        let unread = FIND_UNREAD.run(self.connection, &ended, |q, root| q.bind(root)).await;
        let unread = ids(unread.map_err(|error| self.failed(error))?, &self.store.place)?;
        unread.first().map_or(Ok(()), |root| Err(StoreError::Unread { root: InstanceId(*root) }))
    }
}

fn conflict(instance: InstanceId, what: String) -> StoreError {
    StoreError::Conflict { instance, what }
}

/// The first row whose key was not returned, or stands twice in the batch.
fn missing<'a, T, K: std::hash::Hash + Eq>(
    rows: &[&'a T],
    done: &[K],
    key: impl Fn(&T) -> K,
) -> Option<&'a T> {
    if rows.len() == done.len() {
        return None;
    }
    let mut left: HashSet<&K> = done.iter().collect();
    rows.iter().copied().find(|row| !left.remove(&key(row)))
}

fn ids(rows: Vec<SqliteRow>, place: &super::Where) -> Result<Vec<Uuid>, StoreError> {
    rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(|error| failed(place, error))
}

fn keys<'r, T>(rows: &'r [SqliteRow]) -> Result<Vec<(Uuid, T)>, sqlx::Error>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn bind_new_instance<'q>(query: Statement<'q>, row: &'q InstanceRow) -> Statement<'q> {
    query
        .bind(row.id.0)
        .bind(i64::from(row.root.shard()))
        .bind(row.root.0)
        .bind(row.parent.as_ref().map(|(parent, _)| parent.0))
        .bind(row.parent.as_ref().map(|(_, strand)| strand.0.as_str()))
        .bind(&row.name)
        .bind(&row.workflow)
        .bind(row.program.as_slice())
        .bind(row.status.as_str())
        .bind(row.version)
        .bind(row.created_at.0)
        .bind(row.updated_at.0)
        .bind(&row.input)
        .bind(&row.output)
        .bind(&row.error)
        .bind(&row.state)
        .bind(&row.attributes)
}

fn bind_instance<'q>(query: Statement<'q>, row: &'q InstanceRow) -> Statement<'q> {
    query
        .bind(row.id.0)
        .bind(row.version)
        .bind(row.program.as_slice())
        .bind(row.status.as_str())
        .bind(row.updated_at.0)
        .bind(&row.output)
        .bind(&row.error)
        .bind(&row.state)
        .bind(&row.attributes)
}

fn bind_strand<'q>(query: Statement<'q>, row: &'q StrandRow) -> Statement<'q> {
    query
        .bind(row.instance.0)
        .bind(&row.path.0)
        .bind(row.version)
        .bind(row.open_call)
        .bind(&row.meta)
        .bind(&row.frame)
}
