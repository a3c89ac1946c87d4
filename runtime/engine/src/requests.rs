//! What strands ask of other trees of instances: done after the commit that asked, once however often it is asked for.

use crate::core::Core;
use crate::error::EngineError;
use crate::lease::Pauses;
use crate::run::Ready;
use flow_machine::Tree;
use flow_machine::event::{Ask, Message, Wish};
use flow_machine::ids::InstanceId;
use flow_machine::rows::InstanceRow;
use flow_store::{Scope, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// Why a request is not done.
enum Failed {
    /// The store can't be reached: it is tried again.
    Unavailable,
    /// It can't be done.
    Refused(String),
}

impl From<EngineError> for Failed {
    fn from(error: EngineError) -> Failed {
        match error {
            EngineError::Store(StoreError::Unavailable { .. }) => Failed::Unavailable,
            EngineError::Store(StoreError::Refused { reason }) => Failed::Refused(reason),
            other => Failed::Refused(other.to_string()),
        }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::from(EngineError::Store(error))
    }
}

impl Core {
    /// Does what was asked for; why not, where it is refused. Goes on trying while the store can't be reached.
    pub(crate) async fn fulfil(self: &Arc<Self>, ask: &Ask) -> Result<(), String> {
        let mut pauses = Pauses::new(self.options.longest_pause);
        loop {
            let done = match &ask.request.wish {
                Wish::Start { id, input } => self.start_detached(ask, *id, input).await,
                Wish::Tell { message } => self.tell(ask, message).await,
                // Answered within the tree.
                Wish::Ask { .. } => Err(Failed::Refused("only a child can be asked".into())),
            };
            match done {
                Ok(()) => return Ok(()),
                Err(Failed::Refused(reason)) => return Err(reason),
                Err(Failed::Unavailable) => tokio::time::sleep(pauses.next()).await,
            }
        }
    }

    /// The other instance, which must run the workflow that the program takes it for.
    async fn other(&self, ask: &Ask) -> Result<Option<InstanceRow>, Failed> {
        let (to, workflow) = (&ask.request.to, &ask.request.workflow);
        match self.store.find(to).await? {
            Some(row) if row.workflow != *workflow => {
                Err(Failed::Refused(format!("`{to}` runs `{}`, not `{workflow}`", row.workflow)))
            }
            found => Ok(found),
        }
    }

    /// The request's key is the message's id, so a repeat is the same message even where the other has ended since.
    async fn tell(&self, ask: &Ask, message: &[u8]) -> Result<(), Failed> {
        let row = self.other(ask).await?;
        let row = row.ok_or_else(|| Failed::Refused(format!("there is no instance `{}`", ask.request.to)))?;
        if let Some(message) = ask.request.message()
            && !row.status.is_final()
        {
            self.check(&row, &message, "signal", &ask.request.workflow).await?;
        }
        Ok(self.store.send(Uuid::from_bytes(ask.request.key.0), row.id, message).await?)
    }

    /// Starts an instance under an identity derived from the request, unless one of its user id is there.
    async fn start_detached(self: &Arc<Self>, ask: &Ask, id: InstanceId, input: &[u8]) -> Result<(), Failed> {
        let name = ask.request.to.as_str();
        if let Some(row) = self.other(ask).await? {
            return self.adopt(id, &row).await;
        }
        let executor = self.programs.get(&ask.program, name).await?;
        let workflows = &executor.program().workflows;
        let found = workflows.iter().find(|(_, known)| known.name == ask.request.workflow).map(|(id, _)| id);
        let workflow = found.ok_or_else(|| Failed::Refused("its program has no such workflow".into()))?;
        let ready = Ready { hash: ask.program, executor, workflow };
        let started = match self.leases.covering(id) {
            Some(scope) => self.begin(scope, id, &ready, input.to_vec(), name).await,
            None => self.start_elsewhere(id, &ready, input, name).await,
        };
        match started {
            // Another request was faster: it is found now.
            Err(EngineError::Store(StoreError::NameTaken { .. })) => Err(Failed::Unavailable),
            other => Ok(other?),
        }
    }

    /// Its shard is not ours: the worker that has it runs it, else this process.
    async fn start_elsewhere(
        self: &Arc<Self>,
        id: InstanceId,
        ready: &Ready,
        input: &[u8],
        name: &str,
    ) -> Result<(), EngineError> {
        let has_worker = self.store.owner(id).await?.is_some();
        let scope = Scope::Tree(id);
        self.claim_new(scope).await?;
        if !has_worker {
            let begun = self.begin(scope, id, ready, input.to_vec(), name).await;
            if begun.is_err() {
                self.leases.release(&[scope]).await?;
            }
            return begun;
        }
        let created = self.record(scope, id, ready, input.to_vec(), name, Tree::create).await;
        self.leases.release(&[scope]).await?;
        created?;
        // Wakes the worker; to an instance that is not stuck it says nothing.
        match self.post(id, &Message::Resume).await {
            Err(StoreError::Refused { .. }) => Ok(()),
            posted => Ok(posted?),
        }
    }

    /// One that this request has started before, and that nobody has gone on with, goes on here.
    async fn adopt(self: &Arc<Self>, id: InstanceId, row: &InstanceRow) -> Result<(), Failed> {
        let orphaned = row.id == id
            && !row.status.is_final()
            && !self.registry.contains(id)
            && self.store.owner(id).await?.is_none();
        if orphaned {
            self.take_over(row).await?;
        }
        Ok(())
    }
}
