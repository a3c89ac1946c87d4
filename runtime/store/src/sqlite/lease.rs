//! Leases: one row per scope, its token new at each claim, its owner alive while its lock file is locked.

use super::writer::Transaction;
use super::{SqliteStore, failed};
use crate::{Claim, Lease, Owner, Scope, StoreError};
use flow_machine::ids::InstanceId;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a claim finds.
enum Found {
    Free,
    Dead(Uuid),
    Living(Owner),
}

impl SqliteStore {
    /// The write lock is held throughout, so nobody else claims or commits meanwhile.
    pub(super) async fn claim_scope(&self, scope: Scope) -> Result<Claim, StoreError> {
        self.register().await?;
        let mut transaction = self.writer.begin().await?;
        let connection = transaction.connection()?;
        let found = self.holder(connection, scope).await?;
        match &found {
            Found::Living(owner) if owner.worker != self.identity.worker => {
                return Ok(Claim::Held(owner.clone()));
            }
            Found::Free if self.shard_owner_has_it(connection, scope).await? => {
                if let Found::Living(owner) = self.holder(connection, Scope::Shard(scope.shard())).await? {
                    return Ok(Claim::Held(owner));
                }
            }
            _ => {}
        }
        let lease = Lease { scope, token: Uuid::new_v4() };
        let sql = "INSERT INTO flow_lease (shard, root, token, worker) VALUES (?, ?, ?, ?)
                   ON CONFLICT DO UPDATE SET token = excluded.token, worker = excluded.worker";
        let insert = sqlx::query(sql)
            .bind(i64::from(scope.shard()))
            .bind(scope.root_key())
            .bind(lease.token)
            .bind(self.identity.worker);
        connection.execute(insert).await.map_err(|error| failed(&self.place, error))?;
        transaction.commit().await?;
        if let Found::Dead(worker) = found {
            self.bury_if_unused(worker).await?;
        }
        Ok(Claim::Granted(lease))
    }

    pub(super) async fn leases_in_force(&self, leases: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        let query = sqlx::query_scalar("SELECT token FROM flow_lease");
        let tokens: Vec<Uuid> =
            query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        Ok(leases.iter().filter(|lease| tokens.contains(&lease.token)).copied().collect())
    }

    /// A tree that exists and has no lease of its own belongs to its shard's owner.
    async fn shard_owner_has_it(
        &self,
        connection: &mut SqliteConnection,
        scope: Scope,
    ) -> Result<bool, StoreError> {
        let Scope::Tree(root) = scope else { return Ok(false) };
        let query = sqlx::query("SELECT 1 FROM flow_instance WHERE id = ?").bind(root.0);
        let row = connection.fetch_optional(query).await.map_err(|error| failed(&self.place, error))?;
        Ok(row.is_some())
    }

    /// Who has the lease of exactly this scope.
    async fn holder(&self, connection: &mut SqliteConnection, scope: Scope) -> Result<Found, StoreError> {
        let sql =
            "SELECT l.worker, w.pid, w.host, w.formats FROM flow_lease l LEFT JOIN flow_worker w ON w.id = l.worker
                   WHERE l.shard = ? AND l.root = ?";
        let query = sqlx::query(sql).bind(i64::from(scope.shard())).bind(scope.root_key());
        let row = connection.fetch_optional(query).await.map_err(|error| failed(&self.place, error))?;
        let Some(row) = row else { return Ok(Found::Free) };
        let fail = |error| failed(&self.place, error);
        let number = |column: usize| -> Result<u32, StoreError> {
            let found: Option<i64> = row.try_get(column).map_err(fail)?;
            Ok(found.and_then(|number| u32::try_from(number).ok()).unwrap_or_default())
        };
        let worker: Uuid = row.try_get(0).map_err(fail)?;
        if !self.lives(worker)? {
            return Ok(Found::Dead(worker));
        }
        let (pid, formats) = (number(1)?, number(3)?);
        let host: Option<String> = row.try_get(2).map_err(fail)?;
        let host = host.unwrap_or_default();
        Ok(Found::Living(Owner { worker, pid, host, formats }))
    }

    fn lives(&self, worker: Uuid) -> Result<bool, StoreError> {
        self.owners.lives(worker).map_err(|error| failed(&self.place, error.into()))
    }

    /// Before the first claim: the lock file, then the row that names us to others.
    async fn register(&self) -> Result<(), StoreError> {
        if self.alive.get().is_some() {
            return Ok(());
        }
        let mut transaction = self.writer.begin().await?;
        if self.alive.get().is_some() {
            return Ok(());
        }
        let sql = "INSERT OR REPLACE INTO flow_worker (id, pid, host, formats) VALUES (?, ?, ?, ?)";
        let insert = sqlx::query(sql)
            .bind(self.identity.worker)
            .bind(i64::from(self.identity.pid))
            .bind(&self.identity.host)
            .bind(i64::from(self.identity.formats));
        transaction.connection()?.execute(insert).await.map_err(|error| failed(&self.place, error))?;
        let alive = self
            .owners
            .enter(self.identity.worker)
            .map_err(|error| self.place.unavailable(&format!("its lock file cannot be made: {error}")))?;
        transaction.commit().await?;
        // A second caller cannot be here: it would have found `alive` set after it got the write lock.
        let _ = self.alive.set(alive);
        Ok(())
    }

    async fn bury_if_unused(&self, worker: Uuid) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        let delete = sqlx::query(
            "DELETE FROM flow_worker WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM flow_lease WHERE worker = ?1)",
        )
        .bind(worker);
        let done =
            transaction.connection()?.execute(delete).await.map_err(|error| failed(&self.place, error))?;
        transaction.commit().await?;
        if done.rows_affected() > 0 {
            self.owners.bury(worker);
        }
        Ok(())
    }

    /// Trees of a shard whose own lease is a dead process's go back to the shard.
    pub(super) async fn adopt_orphans(&self, scope: Scope) -> Result<(), StoreError> {
        let Scope::Shard(shard) = scope else { return Ok(()) };
        let sql = "SELECT DISTINCT worker FROM flow_lease WHERE shard = ? AND root <> ?";
        let query = sqlx::query_scalar::<_, Uuid>(sql).bind(i64::from(shard)).bind(Uuid::nil());
        let workers = query.fetch_all(&self.readers).await.map_err(|error| failed(&self.place, error))?;
        for worker in workers {
            if self.lives(worker)? {
                continue;
            }
            let mut transaction = self.writer.begin().await?;
            let delete = sqlx::query("DELETE FROM flow_lease WHERE shard = ? AND root <> ? AND worker = ?")
                .bind(i64::from(shard))
                .bind(Uuid::nil())
                .bind(worker);
            transaction.connection()?.execute(delete).await.map_err(|error| failed(&self.place, error))?;
            transaction.commit().await?;
            self.bury_if_unused(worker).await?;
        }
        Ok(())
    }

    pub(super) async fn release_leases(&self, leases: &[Lease]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        for lease in leases {
            let delete = sqlx::query("DELETE FROM flow_lease WHERE shard = ? AND root = ? AND token = ?")
                .bind(i64::from(lease.scope.shard()))
                .bind(lease.scope.root_key())
                .bind(lease.token);
            transaction.connection()?.execute(delete).await.map_err(|error| failed(&self.place, error))?;
        }
        transaction.commit().await
    }

    pub(super) async fn release_all(&self) -> Result<(), StoreError> {
        if self.alive.get().is_none() {
            return Ok(());
        }
        let mut transaction = self.writer.begin().await?;
        for sql in ["DELETE FROM flow_lease WHERE worker = ?", "DELETE FROM flow_worker WHERE id = ?"] {
            let delete = sqlx::query(sql).bind(self.identity.worker);
            transaction.connection()?.execute(delete).await.map_err(|error| failed(&self.place, error))?;
        }
        transaction.commit().await
    }

    pub(super) async fn living_owner(&self, root: InstanceId) -> Result<Option<Owner>, StoreError> {
        let mut connection = self.readers.acquire().await.map_err(|error| failed(&self.place, error))?;
        for scope in [Scope::Tree(root), Scope::Shard(root.shard())] {
            if let Found::Living(owner) = self.holder(&mut connection, scope).await? {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    /// The fence: under the write lock, each write's token must be the stored one, and a write under a shard's lease must
    /// not touch a tree that is leased on its own.
    pub(super) async fn fence(
        &self,
        transaction: &mut Transaction,
        writes: impl Iterator<Item = (Lease, InstanceId)>,
    ) -> Result<(), StoreError> {
        let connection = transaction.connection()?;
        let mut tokens: BTreeMap<(u16, Uuid), Option<Uuid>> = BTreeMap::new();
        let mut lost = Vec::new();
        for (lease, root) in writes {
            if !lease.scope.covers(root) {
                return Err(StoreError::Refused { reason: format!("{root} is not in {:?}", lease.scope) });
            }
            let stored = self.stored_token(connection, &mut tokens, lease.scope).await?;
            let carved = match lease.scope {
                Scope::Shard(_) => {
                    self.stored_token(connection, &mut tokens, Scope::Tree(root)).await?.is_some()
                }
                Scope::Tree(_) => false,
            };
            if (stored != Some(lease.token) || carved) && !lost.contains(&lease.scope) {
                lost.push(lease.scope);
            }
        }
        if lost.is_empty() { Ok(()) } else { Err(StoreError::LeaseLost { scopes: lost }) }
    }

    async fn stored_token(
        &self,
        connection: &mut SqliteConnection,
        known: &mut BTreeMap<(u16, Uuid), Option<Uuid>>,
        scope: Scope,
    ) -> Result<Option<Uuid>, StoreError> {
        let key = (scope.shard(), scope.root_key());
        if let Some(token) = known.get(&key) {
            return Ok(*token);
        }
        let query =
            sqlx::query_scalar::<_, Uuid>("SELECT token FROM flow_lease WHERE shard = ? AND root = ?")
                .bind(i64::from(key.0))
                .bind(key.1);
        let token = query.fetch_optional(connection).await.map_err(|error| failed(&self.place, error))?;
        known.insert(key, token);
        Ok(token)
    }
}
