//! One attempt of an activity's `run:`, in this process.

use crate::attempts::{Caller, decode_outcome};
use crate::lease::Pauses;
use flow_activity::{Attempt, Pulse};
use flow_machine::event::{CallOutcome, Dispatch};
use flow_store::{Begun, StepTransaction, StoreError};
use std::sync::Arc;

/// Makes the attempt; a transactional one in its own transaction, unless the call is settled already. It shows by `pulse` that
/// it gets on.
pub(crate) async fn run(caller: &Caller, dispatch: &Dispatch, pulse: Pulse) -> CallOutcome {
    let transaction = match dispatch.transactional {
        true => match begin(caller, dispatch).await {
            Ok(transaction) => Some(transaction),
            Err(outcome) => return outcome,
        },
        false => None,
    };
    let attempt = Attempt {
        executor: Arc::new(caller.core.limited(&caller.executor)),
        activity: dispatch.activity,
        key: dispatch.key,
        args: dispatch.args.clone(),
        transaction,
        pulse,
    };
    caller.core.runner.run_attempt(attempt).await
}

async fn begin(caller: &Caller, dispatch: &Dispatch) -> Result<Box<dyn StepTransaction>, CallOutcome> {
    let core = &caller.core;
    let not_sent = |reason: String| CallOutcome::NotSent { reason };
    let mut pauses = Pauses::new(core.options.longest_pause);
    loop {
        let lease = core.leases.get(caller.scope);
        let lease = lease.ok_or_else(|| not_sent("another process has taken over".into()))?;
        match core.store.begin_step(caller.step(lease, dispatch.instance, dispatch.key)).await {
            Ok(Begun::Open(transaction)) => return Ok(transaction),
            Ok(Begun::Taken(row)) => return Err(decode_outcome(&row.outcome)),
            // Nothing has begun, so this is no attempt yet: it waits for the store.
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(pauses.next()).await,
            // We have claimed it anew ourselves meanwhile.
            Err(StoreError::LeaseLost { .. }) if core.leases.get(caller.scope) != Some(lease) => {}
            Err(error) => return Err(not_sent(error.to_string())),
        }
    }
}
