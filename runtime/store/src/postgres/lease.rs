//! Claiming: the lease row is locked, so the former owner's transactions have ended when the token changes.

use super::connections::InUse;
use super::{PostgresStore, application_name, failed};
use crate::{Claim, Lease, Owner, Scope, StoreError};
use flow_machine::ids::InstanceId;
use sqlx::postgres::PgConnection;
use sqlx::{Executor, Row};
use uuid::Uuid;

/// How often a claim terminates what blocks it before it gives up: about once a second.
const ATTEMPTS: usize = 10;

/// What the lease row of a scope says.
struct Holder {
    owner: Owner,
    alive: bool,
}

/// What came of one try.
enum Tried {
    Done(Claim),
    /// Somebody has held the row for a second: a process that is stopped or cut off.
    Blocked,
}

impl PostgresStore {
    pub(super) async fn claim_scope(&self, scope: Scope) -> Result<Claim, StoreError> {
        self.register().await?;
        for _ in 0..ATTEMPTS {
            let mut session = self.readers.take().await?;
            let begin = sqlx::raw_sql("BEGIN; SET LOCAL lock_timeout = '1s'");
            session.connection().execute(begin).await.map_err(|error| failed(&self.place, error))?;
            let tried = self.try_claim(session.connection(), scope).await;
            let end = if matches!(tried, Ok(Tried::Done(Claim::Granted(_)))) { "COMMIT" } else { "ROLLBACK" };
            session.connection().execute(end).await.map_err(|error| failed(&self.place, error))?;
            match tried? {
                Tried::Done(claim) => {
                    session.keep();
                    return Ok(claim);
                }
                Tried::Blocked => self.terminate_blockers(session, scope).await?,
            }
        }
        Err(self
            .place
            .unavailable("the former owner's transaction does not end, though its session was terminated"))
    }

    pub(super) async fn leases_in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        let mut session = self.readers.take().await?;
        let query = sqlx::query_scalar(
            "SELECT l.token FROM unnest($1::int2[], $2::uuid[]) AS d (shard, root) JOIN flow.lease l USING (shard, root)
             WHERE l.token IS NOT NULL",
        );
        let query = query
            .bind(leases.iter().map(|lease| small(lease.scope)).collect::<Vec<_>>())
            .bind(leases.iter().map(|lease| lease.scope.root_key()).collect::<Vec<_>>());
        let tokens: Vec<Uuid> =
            query.fetch_all(session.connection()).await.map_err(|error| failed(&self.place, error))?;
        session.keep();
        Ok(leases.iter().filter(|lease| tokens.contains(&lease.token)).copied().collect())
    }

    async fn try_claim(&self, connection: &mut PgConnection, scope: Scope) -> Result<Tried, StoreError> {
        let shard_row = Scope::Shard(scope.shard());
        if scope != shard_row {
            let holder = self.holder(connection, shard_row).await?;
            match holder.filter(|holder| holder.alive) {
                // A tree that exists and has no lease of its own belongs to its shard's owner.
                Some(holder) if self.in_shard_hands(connection, scope).await? => {
                    return Ok(Tried::Done(Claim::Held(holder.owner)));
                }
                Some(_) => {}
                // Nobody can claim the shard, and load the tree with it, until this transaction ends.
                None if !self.lock(connection, shard_row).await? => return Ok(Tried::Blocked),
                None => {}
            }
        }
        if let Some(holder) = self.living_other(connection, scope).await? {
            return Ok(Tried::Done(Claim::Held(holder)));
        }
        if !self.lock(connection, scope).await? {
            return Ok(Tried::Blocked);
        }
        // While we waited another claim may have been first.
        if let Some(holder) = self.living_other(connection, scope).await? {
            return Ok(Tried::Done(Claim::Held(holder)));
        }
        let lease = Lease { scope, token: Uuid::new_v4() };
        let sql = "UPDATE flow.lease SET token = $3, worker = $4 WHERE shard = $1 AND root = $2";
        let update = sqlx::query(sql)
            .bind(small(scope))
            .bind(scope.root_key())
            .bind(lease.token)
            .bind(self.identity.worker);
        connection.execute(update).await.map_err(|error| failed(&self.place, error))?;
        Ok(Tried::Done(Claim::Granted(lease)))
    }

    /// Makes the lease row where it is missing and locks it; false where that took too long.
    async fn lock(&self, connection: &mut PgConnection, scope: Scope) -> Result<bool, StoreError> {
        let insert = "INSERT INTO flow.lease (shard, root) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let select = "SELECT 1 FROM flow.lease WHERE shard = $1 AND root = $2 FOR UPDATE";
        loop {
            for sql in [insert, select] {
                let query = sqlx::query(sql).bind(small(scope)).bind(scope.root_key());
                match connection.fetch_optional(query).await {
                    // A tree's row vanishes when it is released: then it is made anew.
                    Ok(row) if sql == select && row.is_some() => return Ok(true),
                    Ok(_) => {}
                    Err(error) if code(&error).as_deref() == Some("55P03") => return Ok(false),
                    Err(error) => return Err(failed(&self.place, error)),
                }
            }
        }
    }

    async fn in_shard_hands(&self, connection: &mut PgConnection, scope: Scope) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM flow.instance WHERE shard = $1 AND id = $2)
                   AND NOT EXISTS (SELECT 1 FROM flow.lease WHERE shard = $1 AND root = $2)";
        let query = sqlx::query_scalar(sql).bind(small(scope)).bind(scope.root_key());
        query.fetch_one(connection).await.map_err(|error| failed(&self.place, error))
    }

    async fn living_other(
        &self,
        connection: &mut PgConnection,
        scope: Scope,
    ) -> Result<Option<Owner>, StoreError> {
        let holder = self.holder(connection, scope).await?;
        let other = holder.filter(|holder| holder.alive && holder.owner.worker != self.identity.worker);
        Ok(other.map(|holder| holder.owner))
    }

    async fn holder(
        &self,
        connection: &mut PgConnection,
        scope: Scope,
    ) -> Result<Option<Holder>, StoreError> {
        // Our own lock is no obstacle to ourselves, so we are not asked.
        let sql =
            "SELECT l.worker, coalesce(w.pid, 0), coalesce(w.host, ''), l.worker = $3 OR flow.alive(l.worker),
                       coalesce(w.formats, 0)
                   FROM flow.lease l LEFT JOIN flow.worker w ON w.id = l.worker
                   WHERE l.shard = $1 AND l.root = $2 AND l.worker IS NOT NULL";
        let query = sqlx::query(sql).bind(small(scope)).bind(scope.root_key()).bind(self.identity.worker);
        let row = connection.fetch_optional(query).await.map_err(|error| failed(&self.place, error))?;
        let Some(row) = row else { return Ok(None) };
        let read = || -> Result<Holder, sqlx::Error> {
            let (pid, formats): (i64, i64) = (row.try_get(1)?, row.try_get(4)?);
            let owner = Owner {
                worker: row.try_get(0)?,
                pid: u32::try_from(pid).unwrap_or_default(),
                host: row.try_get(2)?,
                formats: u32::try_from(formats).unwrap_or_default(),
            };
            Ok(Holder { owner, alive: row.try_get(3)? })
        };
        read().map(Some).map_err(|error| failed(&self.place, error))
    }

    /// Ends the sessions of a scope's former owner. They carry its worker id as their name, so that a process id used
    /// again by somebody else is never hit.
    async fn terminate_blockers(&self, mut session: InUse, scope: Scope) -> Result<(), StoreError> {
        let connection = session.connection();
        for scope in [scope, Scope::Shard(scope.shard())] {
            let Some(holder) = self.holder(connection, scope).await? else { continue };
            if holder.alive && holder.owner.worker != self.identity.worker {
                continue;
            }
            let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE application_name = $1 AND pid <> pg_backend_pid() AND state <> 'idle'";
            let query = sqlx::query(sql).bind(application_name(holder.owner.worker));
            connection.execute(query).await.map_err(|error| failed(&self.place, error))?;
        }
        session.keep();
        Ok(())
    }

    /// Trees of a shard whose own lease is a dead process's go back to the shard.
    pub(super) async fn adopt_orphans(&self, scope: Scope) -> Result<(), StoreError> {
        let Scope::Shard(_) = scope else { return Ok(()) };
        let mut session = self.readers.take().await?;
        let sql = "SELECT root FROM flow.lease WHERE shard = $1 AND root <> $2 AND worker <> $3
                   AND NOT flow.alive(worker)";
        let query = sqlx::query_scalar::<_, Uuid>(sql)
            .bind(small(scope))
            .bind(Uuid::nil())
            .bind(self.identity.worker);
        let orphans =
            query.fetch_all(session.connection()).await.map_err(|error| failed(&self.place, error))?;
        session.keep();
        for root in orphans {
            // Through a claim, so that the dead owner's transactions have ended.
            let root = InstanceId(root);
            if let Claim::Granted(lease) = self.claim_scope(Scope::Tree(root)).await? {
                self.release_leases(&[lease]).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn release_leases(&self, leases: &[Lease]) -> Result<(), StoreError> {
        let mut session = self.readers.take().await?;
        for lease in leases {
            let sql = match lease.scope {
                Scope::Tree(_) => "DELETE FROM flow.lease WHERE shard = $1 AND root = $2 AND token = $3",
                Scope::Shard(_) => {
                    "UPDATE flow.lease SET token = NULL, worker = NULL WHERE shard = $1 AND root = $2 AND token = $3"
                }
            };
            let query =
                sqlx::query(sql).bind(small(lease.scope)).bind(lease.scope.root_key()).bind(lease.token);
            session.connection().execute(query).await.map_err(|error| failed(&self.place, error))?;
        }
        session.keep();
        Ok(())
    }

    pub(super) async fn living_owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError> {
        let mut session = self.readers.take().await?;
        let mut found = None;
        for scope in [Scope::Tree(root), Scope::Shard(root.shard())] {
            let holder = self.holder(session.connection(), scope).await?;
            found = found.or(holder.filter(|holder| holder.alive).map(|holder| holder.owner));
        }
        session.keep();
        Ok(found)
    }
}

/// A scope's shard, as PostgreSQL's `int2`.
pub(super) fn small(scope: Scope) -> i16 {
    scope.shard().cast_signed()
}

/// The SQLSTATE of an error.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
