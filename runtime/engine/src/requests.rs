//! What strands ask of other trees of instances: done after the commit that asked, once however often it is asked for.

use crate::core::Core;
use crate::error::EngineError;
use crate::lease::Pauses;
use crate::run::Ready;
use flow_machine::event::{Answered, Ask, Message, Reply, Wish};
use flow_machine::ids::InstanceId;
use flow_machine::rows::InstanceRow;
use flow_machine::{Answer, Tree};
use flow_store::{Scope, StoreError};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How seldom the answer to an update is looked for. Most come at once, and the pauses between two looks grow slowly to this.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Why a request is not done.
enum Failed {
    /// Not now, since the store can't be reached, somebody else is at it, or this process ends: it is tried again, here or by the
    /// next owner.
    NotNow,
    /// It can't be done.
    Refused(String),
    /// Nobody knows any more whether it was done.
    Forgotten(String),
}

impl From<EngineError> for Failed {
    fn from(error: EngineError) -> Failed {
        match error {
            EngineError::Store(StoreError::Refused { reason }) => Failed::Refused(reason),
            // The same request was made before, perhaps by a former owner, and is under way: it is found when it is looked at again.
            EngineError::Store(
                StoreError::Unavailable { .. }
                | StoreError::LeaseLost { .. }
                | StoreError::Conflict { .. }
                | StoreError::NameTaken { .. },
            )
            | EngineError::Owned { .. }
            | EngineError::Closing => Failed::NotNow,
            EngineError::Store(forgotten @ StoreError::Forgotten) => Failed::Forgotten(forgotten.to_string()),
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
    /// Does what was asked for; why not, where it is refused. Goes on trying while the store can't be reached, and waits for the
    /// answer to an update for as long as it takes.
    pub(crate) async fn fulfil(self: &Arc<Self>, ask: &Ask) -> Result<Answered, String> {
        let mut pauses = Pauses::new(self.options.longest_pause);
        loop {
            let done = match &ask.request.wish {
                Wish::Start { id, input } => {
                    self.start_detached(ask, *id, input).await.map(|()| Answered::Done)
                }
                Wish::Tell { message } => self.tell(ask, message).await.map(|()| Answered::Done),
                Wish::Ask { update: true, name, args, .. } => {
                    self.ask_update(ask, name, args).await.map(Answered::Reply)
                }
                Wish::Ask { update: false, name, args, .. } => {
                    self.ask_query(ask, name, args).await.map(Answered::Reply)
                }
            };
            match done {
                Ok(answered) => return Ok(answered),
                Err(Failed::Refused(reason)) => return Err(reason),
                Err(Failed::Forgotten(reason)) => return Ok(Answered::Forgotten { reason }),
                Err(Failed::NotNow) => tokio::time::sleep(pauses.next()).await,
            }
        }
    }

    /// The other instance, which must run the workflow that the program takes it for.
    async fn other(&self, ask: &Ask) -> Result<Option<InstanceRow>, Failed> {
        let workflow = &ask.request.workflow;
        match self.store.find(&ask.request.to).await? {
            Some(row) if row.workflow != *workflow => {
                Err(Failed::Refused(ask.request.is_of_another(&row.workflow)))
            }
            found => Ok(found),
        }
    }

    /// The same, which must be there.
    async fn existing(&self, ask: &Ask) -> Result<InstanceRow, Failed> {
        let row = self.other(ask).await?;
        row.ok_or_else(|| Failed::Refused(format!("there is no instance `{}`", ask.request.to)))
    }

    /// The request's key is the message's id, so a repeat is the same message even where the other has ended since.
    async fn tell(&self, ask: &Ask, message: &[u8]) -> Result<(), Failed> {
        let row = self.existing(ask).await?;
        if let Some(message) = ask.request.message()
            && !row.status.is_final()
        {
            self.check(&row, &message, "signal", &ask.request.workflow).await?;
        }
        let id = Uuid::from_bytes(ask.request.key.0);
        Ok(self.store.send_again(id, row.id, message, ask.request.at).await?)
    }

    /// The answer to a query is made here, of what was committed last.
    async fn ask_query(&self, ask: &Ask, name: &str, args: &[u8]) -> Result<Reply, Failed> {
        let row = self.existing(ask).await?;
        let args = serde_json::from_slice(args).unwrap_or_default();
        Ok(match self.query(&row, name, &args).await? {
            Answer::Returned(value) => Reply::Returned { value },
            Answer::Failed(error) => Reply::Failed { error: *error },
        })
    }

    /// An update goes through the inbox under the request's key, and its answer comes back as a row. Whoever asks again, after a
    /// crash, finds the one or the other.
    async fn ask_update(&self, ask: &Ask, name: &str, args: &[u8]) -> Result<Reply, Failed> {
        let row = self.existing(ask).await?;
        let request = Uuid::from_bytes(ask.request.key.0);
        if let Some(reply) = self.reply_of(&row, request).await? {
            return Ok(reply);
        }
        let args = serde_json::from_slice(args).unwrap_or_default();
        let message = Message::Update { name: name.to_owned(), args };
        if !row.status.is_final() {
            self.check(&row, &message, "update", name).await?;
        }
        let text = serde_json::to_vec(&message).unwrap_or_default();
        self.store.send_again(request, row.id, &text, ask.request.at).await?;
        Ok(self.await_reply(&row, request, LONGEST_LOOK).await?)
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
        match self.leases.covering(id) {
            Some(scope) => self.begin(scope, id, &ready, input.to_vec(), name).await?,
            None => self.start_elsewhere(id, &ready, input, name).await?,
        }
        Ok(())
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

    /// One that this request has started before, and that nobody has gone on with, goes on here: nobody owns it, or it is ours since
    /// it could not be given back.
    async fn adopt(self: &Arc<Self>, id: InstanceId, row: &InstanceRow) -> Result<(), Failed> {
        let orphaned = row.id == id
            && !row.status.is_final()
            && !self.registry.contains(id)
            && (self.leases.covering(id).is_some() || self.store.owner(id).await?.is_none());
        if orphaned {
            self.take_over(row).await?;
        }
        Ok(())
    }
}
