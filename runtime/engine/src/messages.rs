//! Talking to instances from outside: signals, updates with their answers, queries. All are checked against the program
//! that the instance is pinned to, before anything is sent.

use crate::core::Core;
use crate::engine::{Delivery, Engine};
use crate::error::EngineError;
use crate::lease::Pauses;
use crate::platform;
use flow_machine::event::{Message, Reply};
use flow_machine::rows::InstanceRow;
use flow_machine::{Answer, QueryError, Wrong};
use flow_mir::{Executor, Interpreter, Limits, Program};
use flow_store::StoreError;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How seldom whoever waits for an answer looks for it.
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// An instance to start where there is none of an id.
pub struct Start<'a> {
    /// The program to pin it to.
    pub program: &'a Arc<Program>,
    /// Its workflow.
    pub workflow: &'a str,
    /// The arguments, an image.
    pub input: Vec<u8>,
}

impl Engine {
    /// Sends a signal to an instance, which is started first where there is none of that id; also whether it was. Asking again
    /// with the same request id starts nothing and sends nothing a second time, wherever the first try ended.
    pub async fn start_and_signal(
        &self,
        start: Start<'_>,
        name: &str,
        signal: &str,
        value: Value,
        request: Uuid,
    ) -> Result<(bool, Delivery), EngineError> {
        let mut started = false;
        if self.core.store.find(name).await?.is_none() {
            let message = Message::Signal { name: signal.to_owned(), value: value.clone() };
            flow_machine::check(start.program, start.workflow, &message)
                .map_err(|wrong| refusal(wrong, start.workflow, "signal", signal))?;
            match self.start(start.program, start.workflow, start.input, name).await {
                Ok(_) => started = true,
                // Another process was faster: it is found now.
                Err(EngineError::Store(StoreError::NameTaken { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((started, self.signal(name, signal, value, request).await?))
    }

    /// Sends a signal. The same request id again is the same message. `value` is `null` where the signal carries nothing.
    pub async fn signal(
        &self,
        name: &str,
        signal: &str,
        value: Value,
        request: Uuid,
    ) -> Result<Delivery, EngineError> {
        let row = self.core.find(name).await?;
        let message = Message::Signal { name: signal.to_owned(), value };
        self.core.check(&row, &message, "signal", signal).await?;
        self.deliver(&row, &message, request).await
    }

    /// Sends an update; [`reply`](Engine::reply) waits for its answer. The same request id again is the same update.
    pub async fn update(
        &self,
        name: &str,
        update: &str,
        args: Value,
        request: Uuid,
    ) -> Result<Delivery, EngineError> {
        let row = self.core.find(name).await?;
        let message = Message::Update { name: update.to_owned(), args };
        self.core.check(&row, &message, "update", update).await?;
        self.deliver(&row, &message, request).await
    }

    async fn deliver(
        &self,
        row: &InstanceRow,
        message: &Message,
        request: Uuid,
    ) -> Result<Delivery, EngineError> {
        let text = serde_json::to_vec(message).unwrap_or_default();
        // A repeat is answered like the first, even where the instance has ended since: so the store decides.
        match self.core.store.send(request, row.id, &text).await {
            Ok(()) => {}
            Err(StoreError::Refused { reason }) => {
                let now = self.core.find(&row.name).await?;
                if now.status.is_final() {
                    return Err(EngineError::Ended { name: now.name, status: now.status });
                }
                return Err(StoreError::Refused { reason }.into());
            }
            Err(error) => return Err(error.into()),
        }
        let owner = self.core.store.owner(row.root).await?;
        Ok(owner.map_or(Delivery::Waiting, Delivery::Owned))
    }

    /// Waits for the answer to an update. Safe to drop, and to ask again.
    pub async fn reply(&self, name: &str, request: Uuid) -> Result<Reply, EngineError> {
        let row = self.core.find(name).await?;
        self.core.await_reply(&row, request, LONGEST_LOOK).await
    }

    /// Answers a query here, from what was committed last: the instance may run elsewhere, nowhere, or have ended.
    pub async fn query(&self, name: &str, query: &str, args: &Value) -> Result<Answer, EngineError> {
        let row = self.core.find(name).await?;
        self.core.query(&row, query, args).await
    }

    /// The program that an instance is pinned to.
    pub async fn program_of(&self, name: &str) -> Result<(Arc<Program>, String), EngineError> {
        let row = self.core.find(name).await?;
        Ok((self.core.programs.read(&row.program, name).await?, row.workflow))
    }
}

impl Core {
    /// Refuses what the instance's program could make nothing of.
    pub(crate) async fn check(
        &self,
        row: &InstanceRow,
        message: &Message,
        kind: &'static str,
        asked: &str,
    ) -> Result<(), EngineError> {
        let program = self.programs.read(&row.program, &row.name).await?;
        flow_machine::check(&program, &row.workflow, message)
            .map_err(|wrong| refusal(wrong, &row.workflow, kind, asked))
    }

    /// Answers a query from an instance's row.
    pub(crate) async fn query(
        &self,
        row: &InstanceRow,
        query: &str,
        args: &Value,
    ) -> Result<Answer, EngineError> {
        let executor = self.executor_for_a_look(row).await?;
        let limits = Limits { heap_words: self.options.heap_words, ..Limits::default() };
        let limited = self.limited(&executor);
        let answered = platform::compute(|| flow_machine::query(&limited, row, query, args, &limits));
        answered.map_err(|error| match error {
            QueryError::Wrong(wrong) => refusal(wrong, &row.workflow, "query", query),
            QueryError::Damaged(reason) => {
                EngineError::Damaged { name: row.name.clone(), id: row.id, reason }
            }
        })
    }

    /// The answer to an update, where it has been given.
    pub(crate) async fn reply_of(
        &self,
        row: &InstanceRow,
        request: Uuid,
    ) -> Result<Option<Reply>, EngineError> {
        let Some(found) = self.store.reply(request, row.id).await? else { return Ok(None) };
        let read = serde_json::from_slice(&found.reply).map(Some);
        read.map_err(|error| EngineError::Damaged {
            name: row.name.clone(),
            id: row.id,
            reason: format!("its answer can't be read ({error}): update flow"),
        })
    }

    /// Waits for the answer to an update that was sent. It is looked for at pauses that grow up to `longest`.
    pub(crate) async fn await_reply(
        &self,
        row: &InstanceRow,
        request: Uuid,
        longest: Duration,
    ) -> Result<Reply, EngineError> {
        let mut pauses = Pauses::new(longest);
        loop {
            // The status first: an instance that has ended by then has answered all it took.
            let now = self.find(&row.name).await?;
            if let Some(reply) = self.reply_of(row, request).await? {
                return Ok(reply);
            }
            if !self.has_message(&now, request).await? {
                return Err(EngineError::Ended { name: now.name, status: now.status });
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(pauses.next()) => {}
                () = self.closed() => return Err(EngineError::Closing),
            }
        }
    }

    /// Whether a message may still be taken by its instance: that one lives, or it waits in the inbox.
    async fn has_message(&self, row: &InstanceRow, request: Uuid) -> Result<bool, StoreError> {
        if !row.status.is_final() {
            return Ok(true);
        }
        let stored = self.store.load(&[row.id]).await?;
        Ok(stored.iter().flat_map(|stored| &stored.inbox).any(|message| message.id == request))
    }

    /// Code for a single question: compiled only where it is already.
    async fn executor_for_a_look(&self, row: &InstanceRow) -> Result<Arc<dyn Executor>, EngineError> {
        if let Some(ready) = self.programs.ready(&row.program) {
            return Ok(ready);
        }
        let program = self.programs.read(&row.program, &row.name).await?;
        Ok(Arc::new(Interpreter::new(program)))
    }
}

fn refusal(wrong: Wrong, workflow: &str, kind: &'static str, asked: &str) -> EngineError {
    let workflow = workflow.to_owned();
    match wrong {
        Wrong::Unknown { known } => {
            EngineError::NoSuchMessage { workflow, kind, asked: asked.to_owned(), known }
        }
        Wrong::Mismatch { path, expected, found } => {
            let place = if path.is_empty() { String::new() } else { format!(", at `{path}`") };
            EngineError::BadMessage {
                what: format!("{kind} `{asked}` of `{workflow}`"),
                reason: format!("{place}: expected {expected}, found {found}"),
            }
        }
    }
}
