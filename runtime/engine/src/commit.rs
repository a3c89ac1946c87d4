//! Commits: one batch of an instance in flight, and certainty about what became of it.

use crate::core::Core;
use flow_machine::ids::InstanceId;
use flow_machine::rows::{Changes, StoredInstance};
use flow_store::{Scope, StoreError, Write};

/// Why an instance's transition was not committed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lost {
    /// Another process owns it.
    Gone,
    /// The store holds something else than memory: it is to be loaded again.
    Stale(StoreError),
    /// The tree ends with it, and messages came before that: they are to be read first.
    Unread(StoreError),
    /// The store will never take it.
    Refused(StoreError),
    /// The engine is being closed.
    Closing,
}

impl Core {
    /// Commits one transition under the lease of `scope`. While the store can't be reached it tries again for ever; what
    /// became of a commit whose answer was lost is found out before anything else happens.
    pub(crate) async fn commit(&self, scope: Scope, root: InstanceId, changes: &Changes) -> Result<(), Lost> {
        let mut lease = self.leases.get(scope).ok_or(Lost::Gone)?;
        let mut uncertain = false;
        loop {
            let write = Write { lease, root, changes: changes.clone() };
            let Err(error) = self.committer.commit(write).await else { return Ok(()) };
            match error {
                StoreError::Unavailable { .. } => {
                    uncertain = true;
                    lease = self.lease_again(lease, &error).await?;
                }
                StoreError::LeaseLost { .. } => {
                    let renewed = self.leases.get(scope).ok_or(Lost::Gone)?;
                    if renewed.token == lease.token {
                        self.lease_again(lease, &error).await?;
                        return Err(Lost::Stale(error));
                    }
                    // We claimed it anew ourselves meanwhile.
                    lease = renewed;
                }
                StoreError::Conflict { .. } | StoreError::NameTaken { .. } if uncertain => {
                    return self.landed(scope, changes, error).await;
                }
                StoreError::Conflict { .. } => return Err(Lost::Stale(error)),
                StoreError::Unread { .. } => return Err(Lost::Unread(error)),
                other => return Err(Lost::Refused(other)),
            }
        }
    }

    async fn lease_again(
        &self,
        lease: flow_store::Lease,
        doubt: &StoreError,
    ) -> Result<flow_store::Lease, Lost> {
        tokio::select! {
            biased;
            lease = self.leases.again(lease.scope, lease.token, doubt) => lease.map_err(|_| Lost::Gone),
            () = self.closed() => Err(Lost::Closing),
        }
    }

    /// A commit was refused after an earlier try whose answer was lost. Whether that one is what the store holds now.
    async fn landed(&self, scope: Scope, changes: &Changes, error: StoreError) -> Result<(), Lost> {
        let changed: Vec<InstanceId> = changes.instances().into_iter().collect();
        loop {
            let doubt = match self.store.load(&changed).await {
                Ok(stored)
                    if stored.len() == changed.len()
                        && stored.iter().all(|stored| is_in(changes, stored)) =>
                {
                    return Ok(());
                }
                Ok(_) if matches!(error, StoreError::NameTaken { .. }) => return Err(Lost::Refused(error)),
                Ok(_) => return Err(Lost::Stale(error)),
                Err(doubt) => doubt,
            };
            let lease = self.leases.get(scope).ok_or(Lost::Gone)?;
            self.lease_again(lease, &doubt).await?;
        }
    }
}

/// Whether the store holds exactly what these changes wrote of an instance.
fn is_in(changes: &Changes, stored: &StoredInstance) -> bool {
    let id = stored.row.id;
    let row_is_in = changes
        .row_of(id)
        .is_none_or(|row| row.version == stored.row.version && row.status == stored.row.status);
    let mut strands = changes.strands.iter().filter(|row| row.instance == id);
    let strands_are_in = strands.all(|written| {
        stored.strands.iter().any(|found| found.path == written.path && found.version == written.version)
    });
    let mut deleted = changes.delete_strands.iter().filter(|(instance, _)| *instance == id);
    let deleted_are_out = deleted.all(|(_, path)| stored.strands.iter().all(|found| found.path != *path));
    let last = changes.history.iter().rfind(|row| row.instance == id);
    let history_is_in = last.is_none_or(|last| last.sequence == stored.last_sequence);
    row_is_in && strands_are_in && deleted_are_out && history_is_in
}
