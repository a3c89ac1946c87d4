//! A batch of transitions in one statement, so in one round trip: the fence first, then one set-based function for each
//! kind of row that is there.

use super::{PostgresStore, failed};
use crate::{Scope, StoreError, Write};
use flow_machine::ids::InstanceId;
use flow_machine::rows::{InstanceRow, ProgramHash, StrandRow};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, AssertSqlSafe, Encode, Executor, Postgres, Type};
use uuid::Uuid;

/// `SELECT f(…), g(…) FROM flow.fence(…)`: the fence is the source of the row, so it has run before anything else.
struct Batch {
    calls: Vec<String>,
    arguments: PgArguments,
    count: usize,
}

impl Batch {
    /// Binds one array and gives its place.
    fn array<'q, T>(&mut self, values: T) -> Result<String, StoreError>
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.arguments.add(values).map_err(|error| StoreError::Statement {
            message: format!("a value cannot be encoded: {error}"),
            code: None,
            transient: false,
        })?;
        self.count += 1;
        Ok(format!("${}", self.count))
    }

    /// Binds one array of JSON texts and gives its place.
    fn json(&mut self, values: Vec<&str>) -> Result<String, StoreError> {
        Ok(format!("{}::text[]::jsonb[]", self.array(values)?))
    }

    fn call(&mut self, function: &str, arguments: &[String]) {
        self.calls.push(format!("flow.{function}({})", arguments.join(", ")));
    }
}

impl PostgresStore {
    pub(super) async fn commit_batch(&self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.iter().all(|write| write.changes.is_empty()) {
            return Ok(());
        }
        let mut batch = Batch { calls: Vec::new(), arguments: PgArguments::default(), count: 0 };
        let fence = fence(&mut batch, writes)?;
        deletions(&mut batch, writes)?;
        instances(&mut batch, writes)?;
        strands(&mut batch, writes)?;
        additions(&mut batch, writes)?;
        ends(&mut batch, writes)?;
        let sql = format!("SELECT {} FROM {fence}", batch.calls.join(", "));
        let mut session = self.writers.take().await?;
        let query = sqlx::query_with(AssertSqlSafe(sql), batch.arguments);
        match session.connection().execute(query).await {
            Ok(_) => {
                session.keep();
                Ok(())
            }
            Err(error) => {
                let reason = self.why_rejected(session.connection(), writes, error).await;
                if !matches!(reason, StoreError::Unavailable { .. }) {
                    session.keep();
                }
                Err(reason)
            }
        }
    }

    /// A row that exists already names its table; whose it is stands in the batch or in the detail.
    async fn why_rejected(
        &self,
        connection: &mut PgConnection,
        writes: &[Write],
        error: sqlx::Error,
    ) -> StoreError {
        let constraint = error.as_database_error().and_then(|error| error.constraint()).map(str::to_string);
        match constraint.as_deref() {
            Some("instance_name_key") => self.taken_name(connection, writes, error).await,
            Some(constraint) if constraint.ends_with("_pkey") => match instance_in_detail(&error) {
                Some(instance) => {
                    let what = format!("a new {} exists already", constraint.trim_end_matches("_pkey"));
                    StoreError::Conflict { instance, what }
                }
                None => failed(&self.place, error),
            },
            _ => failed(&self.place, error),
        }
    }

    async fn taken_name(
        &self,
        connection: &mut PgConnection,
        writes: &[Write],
        error: sqlx::Error,
    ) -> StoreError {
        let new = writes.iter().flat_map(|write| &write.changes.new_instances);
        let mut names: Vec<&str> = new.map(|row| row.name.as_str()).collect();
        let query =
            sqlx::query_scalar::<_, String>("SELECT name FROM flow.instance WHERE name = ANY($1) LIMIT 1");
        let taken = match query.bind(&names).fetch_optional(connection).await {
            Ok(Some(name)) => Some(name),
            // Twice in the batch itself.
            Ok(None) => {
                names.sort_unstable();
                names
                    .windows(2)
                    .find(|pair| pair.first() == pair.last())
                    .and_then(|pair| pair.first())
                    .map(|n| n.to_string())
            }
            Err(error) => return failed(&self.place, error),
        };
        taken.map_or_else(|| failed(&self.place, error), |name| StoreError::NameTaken { name })
    }

    pub(super) async fn write_program(&self, hash: &ProgramHash, artifact: &[u8]) -> Result<(), StoreError> {
        let mut session = self.writers.take().await?;
        let insert =
            sqlx::query("INSERT INTO flow.program (hash, artifact) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(hash.as_slice())
                .bind(artifact);
        session.connection().execute(insert).await.map_err(|error| failed(&self.place, error))?;
        session.keep();
        Ok(())
    }
}

/// The second column of `Key (shard, instance, …)=(…)`.
fn instance_in_detail(error: &sqlx::Error) -> Option<InstanceId> {
    let database = error.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    let (_, values) = database.detail()?.split_once(")=(")?;
    let second = values.split(',').nth(1)?.trim().trim_end_matches([')', '.']);
    let id = second.split(')').next()?;
    id.parse().ok().map(InstanceId)
}

fn shard(root: InstanceId) -> i16 {
    root.shard().cast_signed()
}

fn fence(batch: &mut Batch, writes: &[Write]) -> Result<String, StoreError> {
    let mut leases = Vec::new();
    let mut trees = Vec::new();
    for write in writes {
        if !write.lease.scope.covers(write.root) {
            return Err(StoreError::Refused {
                reason: format!("{} is not in {:?}", write.root, write.lease.scope),
            });
        }
        leases.push((write.lease.scope.shard(), write.lease.scope.root_key(), write.lease.token));
        if let Scope::Shard(_) = write.lease.scope {
            trees.push((shard(write.root), write.root.0));
        }
    }
    // In one order, so that two batches never wait for each other.
    leases.sort_unstable();
    leases.dedup();
    trees.sort_unstable();
    trees.dedup();
    let arguments = [
        batch.array(leases.iter().map(|lease| lease.0.cast_signed()).collect::<Vec<i16>>())?,
        batch.array(leases.iter().map(|lease| lease.1).collect::<Vec<Uuid>>())?,
        batch.array(leases.iter().map(|lease| lease.2).collect::<Vec<Uuid>>())?,
        batch.array(trees.iter().map(|tree| tree.0).collect::<Vec<i16>>())?,
        batch.array(trees.iter().map(|tree| tree.1).collect::<Vec<Uuid>>())?,
    ];
    Ok(format!("flow.fence({})", arguments.join(", ")))
}

/// One kind of row of all writes, each with its shard.
fn collect<'a, T: 'a>(writes: &'a [Write], of: impl Fn(&'a Write) -> &'a [T]) -> Vec<(i16, &'a T)> {
    writes.iter().flat_map(|write| of(write).iter().map(|row| (shard(write.root), row))).collect()
}

/// One column of rows.
fn column<'a, T, C>(rows: &[(i16, &'a T)], of: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(|(_, row)| of(row)).collect()
}

fn shards<T>(rows: &[(i16, &T)]) -> Vec<i16> {
    rows.iter().map(|(shard, _)| *shard).collect()
}

fn deletions(batch: &mut Batch, writes: &[Write]) -> Result<(), StoreError> {
    let strands = collect(writes, |write| &write.changes.delete_strands);
    let compensations = collect(writes, |write| &write.changes.delete_compensations);
    for (function, rows) in [("drop_strands", strands), ("drop_compensations", compensations)] {
        if !rows.is_empty() {
            let arguments = [
                batch.array(shards(&rows))?,
                batch.array(column(&rows, |row| row.0.0))?,
                batch.array(column(&rows, |row| row.1.0.as_str()))?,
            ];
            batch.call(function, &arguments);
        }
    }
    let timers = collect(writes, |write| &write.changes.delete_timers);
    if !timers.is_empty() {
        let arguments = [
            batch.array(shards(&timers))?,
            batch.array(column(&timers, |row| row.0.0))?,
            batch.array(column(&timers, |row| row.1.as_str()))?,
        ];
        batch.call("drop_timers", &arguments);
    }
    let messages = collect(writes, |write| &write.changes.delete_messages);
    if !messages.is_empty() {
        let arguments = [
            batch.array(shards(&messages))?,
            batch.array(column(&messages, |row| row.0.0))?,
            batch.array(column(&messages, |row| row.1))?,
        ];
        batch.call("drop_messages", &arguments);
    }
    let inbox = collect(writes, |write| &write.changes.delete_inbox);
    if !inbox.is_empty() {
        let arguments = [batch.array(shards(&inbox))?, batch.array(column(&inbox, |id| *id))?];
        batch.call("drop_inbox", &arguments);
    }
    let completions = collect(writes, |write| &write.changes.delete_completions);
    if !completions.is_empty() {
        let arguments =
            [batch.array(shards(&completions))?, batch.array(column(&completions, |key| key.0.as_slice()))?];
        batch.call("drop_completions", &arguments);
    }
    Ok(())
}

fn instances(batch: &mut Batch, writes: &[Write]) -> Result<(), StoreError> {
    let new = collect(writes, |write| &write.changes.new_instances);
    if !new.is_empty() {
        let arguments = new_instance_columns(batch, &new)?;
        batch.call("add_instances", &arguments);
    }
    let mut changed = collect(writes, |write| &write.changes.changed_instances);
    changed.sort_by_key(|(shard, row)| (*shard, row.id));
    if !changed.is_empty() {
        let arguments = [
            batch.array(shards(&changed))?,
            batch.array(column(&changed, |row| row.id.0))?,
            batch.array(column(&changed, |row| row.version))?,
            batch.array(column(&changed, |row| row.program.as_slice()))?,
            batch.array(column(&changed, |row| row.status.as_str()))?,
            batch.array(column(&changed, |row| row.updated_at.0))?,
            batch.array(column(&changed, |row| row.output.as_deref()))?,
            batch.array(column(&changed, |row| row.error.as_deref()))?,
            batch.array(column(&changed, |row| row.state.as_slice()))?,
            batch.json(column(&changed, |row| row.attributes.as_str()))?,
        ];
        batch.call("change_instances", &arguments);
    }
    Ok(())
}

fn new_instance_columns(batch: &mut Batch, new: &[(i16, &InstanceRow)]) -> Result<[String; 17], StoreError> {
    Ok([
        batch.array(shards(new))?,
        batch.array(column(new, |row| row.id.0))?,
        batch.array(column(new, |row| row.root.0))?,
        batch.array(column(new, |row| row.parent.as_ref().map(|parent| parent.0.0)))?,
        batch.array(column(new, |row| row.parent.as_ref().map(|parent| parent.1.0.as_str())))?,
        batch.array(column(new, |row| row.name.as_str()))?,
        batch.array(column(new, |row| row.workflow.as_str()))?,
        batch.array(column(new, |row| row.program.as_slice()))?,
        batch.array(column(new, |row| row.status.as_str()))?,
        batch.array(column(new, |row| row.version))?,
        batch.array(column(new, |row| row.created_at.0))?,
        batch.array(column(new, |row| row.updated_at.0))?,
        batch.array(column(new, |row| row.input.as_slice()))?,
        batch.array(column(new, |row| row.output.as_deref()))?,
        batch.array(column(new, |row| row.error.as_deref()))?,
        batch.array(column(new, |row| row.state.as_slice()))?,
        batch.json(column(new, |row| row.attributes.as_str()))?,
    ])
}

fn strands(batch: &mut Batch, writes: &[Write]) -> Result<(), StoreError> {
    type Rows<'a> = Vec<(i16, &'a StrandRow)>;
    let mut rows: Rows<'_> = collect(writes, |write| &write.changes.strands);
    rows.sort_by(|(_, a), (_, b)| (a.instance, &a.path).cmp(&(b.instance, &b.path)));
    let (new, changed): (Rows<'_>, Rows<'_>) = rows.into_iter().partition(|(_, row)| row.version == 1);
    for (function, rows) in [("add_strands", new), ("change_strands", changed)] {
        if !rows.is_empty() {
            let arguments = [
                batch.array(shards(&rows))?,
                batch.array(column(&rows, |row| row.instance.0))?,
                batch.array(column(&rows, |row| row.path.0.as_str()))?,
                batch.array(column(&rows, |row| row.version))?,
                batch.array(column(&rows, |row| row.open_call))?,
                batch.array(column(&rows, |row| row.meta.as_slice()))?,
                batch.array(column(&rows, |row| row.frame.as_slice()))?,
            ];
            batch.call(function, &arguments);
        }
    }
    Ok(())
}

fn additions(batch: &mut Batch, writes: &[Write]) -> Result<(), StoreError> {
    let compensations = collect(writes, |write| &write.changes.compensations);
    if !compensations.is_empty() {
        let arguments = [
            batch.array(shards(&compensations))?,
            batch.array(column(&compensations, |row| row.instance.0))?,
            batch.array(column(&compensations, |row| row.path.0.as_str()))?,
            batch.array(column(&compensations, |row| row.position))?,
            batch.array(column(&compensations, |row| row.saga))?,
            batch.array(column(&compensations, |row| row.image.as_slice()))?,
        ];
        batch.call("put_compensations", &arguments);
    }
    let timers = collect(writes, |write| &write.changes.timers);
    if !timers.is_empty() {
        let arguments = [
            batch.array(shards(&timers))?,
            batch.array(column(&timers, |row| row.instance.0))?,
            batch.array(column(&timers, |row| row.id.as_str()))?,
            batch.array(column(&timers, |row| row.due.0))?,
        ];
        batch.call("put_timers", &arguments);
    }
    let messages = collect(writes, |write| &write.changes.messages);
    if !messages.is_empty() {
        let arguments = [
            batch.array(shards(&messages))?,
            batch.array(column(&messages, |row| row.instance.0))?,
            batch.array(column(&messages, |row| row.number))?,
            batch.array(column(&messages, |row| row.message.as_slice()))?,
        ];
        batch.call("add_messages", &arguments);
    }
    let replies = collect(writes, |write| &write.changes.replies);
    if !replies.is_empty() {
        let arguments = [
            batch.array(shards(&replies))?,
            batch.array(column(&replies, |row| row.id))?,
            batch.array(column(&replies, |row| row.instance.0))?,
            batch.array(column(&replies, |row| row.at.0))?,
            batch.array(column(&replies, |row| row.reply.as_slice()))?,
        ];
        batch.call("add_replies", &arguments);
    }
    let history = collect(writes, |write| &write.changes.history);
    if !history.is_empty() {
        let arguments = [
            batch.array(shards(&history))?,
            batch.array(column(&history, |row| row.instance.0))?,
            batch.array(column(&history, |row| row.sequence))?,
            batch.array(column(&history, |row| row.at.0))?,
            batch.array(column(&history, |row| row.event.as_slice()))?,
        ];
        batch.call("add_history", &arguments);
    }
    Ok(())
}

/// The trees that end with it.
fn ends(batch: &mut Batch, writes: &[Write]) -> Result<(), StoreError> {
    let ended: Vec<InstanceId> =
        writes.iter().filter(|write| write.is_end()).map(|write| write.root).collect();
    if !ended.is_empty() {
        let shards: Vec<i16> = ended.iter().copied().map(shard).collect();
        let roots: Vec<Uuid> = ended.iter().map(|root| root.0).collect();
        let arguments = [batch.array(shards)?, batch.array(roots)?];
        batch.call("check_ends", &arguments);
    }
    Ok(())
}
