//! The transaction of a step: what its statements do happens with its completion, or not at all.

use super::client::Client;
use super::weather::Call;
use async_trait::async_trait;
use flow_machine::ids::Timestamp;
use flow_machine::rows::CompletionRow;
use flow_store::{SqlResult, Step, StepTransaction, StoreError};
use serde_json::Value;
use std::sync::Arc;

/// A statement: its first word is the activity that it stands for, its parameters are the arguments.
type Statement = (String, Vec<Value>);

pub(super) struct Transaction {
    client: Arc<Client>,
    step: Step,
    statements: Vec<Statement>,
}

impl Transaction {
    pub(super) fn new(client: Arc<Client>, step: Step) -> Transaction {
        Transaction { client, step, statements: Vec::new() }
    }
}

#[async_trait]
impl StepTransaction for Transaction {
    async fn statement(&mut self, sql: &str, params: &[Value]) -> Result<SqlResult, StoreError> {
        self.client.call(Call::Read, |_, _| Ok(())).await?;
        let activity = sql.split(' ').next().unwrap_or_default().to_owned();
        self.statements.push((activity, params.to_owned()));
        Ok(SqlResult { rows: Vec::new(), affected: 1 })
    }

    async fn undo(&mut self) -> Result<(), StoreError> {
        self.statements.clear();
        Ok(())
    }

    async fn complete(self: Box<Self>, outcome: &[u8]) -> Result<Option<CompletionRow>, StoreError> {
        let Transaction { client, step, statements } = *self;
        let (world, outcome) = (client.world.clone(), outcome.to_owned());
        let complete = client.call(Call::Write, move |database, now| {
            // Whoever claimed the scope meanwhile has ended this transaction.
            database.fence(&step.lease, step.root)?;
            let (at, key, instance) = (Timestamp(now), step.key, step.instance);
            let first = database.complete(CompletionRow { key, instance, at, outcome });
            if first.is_none() {
                for (activity, args) in &statements {
                    world.activities().happens(database, activity, args, key);
                }
            }
            Ok(first)
        });
        complete.await
    }
}
