//! The connectors as a whole: what an attempt's calls by name reach.

use super::{Answer, Failure, exec, http::Http};
use crate::pulse::Pulse;
use async_trait::async_trait;
use flow_machine::ids::CallKey;
use serde_json::Value;

/// Where the connector calls of attempts go, but for `sql`, which belongs to the transaction of its step.
#[async_trait]
pub trait Connectors: Send + Sync {
    /// Performs `name` (`http.post`) for a call. Dropping the future breaks it off. What arrives is shown by `pulse`.
    async fn perform(
        &self,
        name: &str,
        args: &[Value],
        key: CallKey,
        pulse: &Pulse,
    ) -> Result<Answer, Failure>;
}

/// The network and the commands of this machine.
#[derive(Debug, Default)]
pub struct Local {
    http: Http,
}

#[async_trait]
impl Connectors for Local {
    async fn perform(
        &self,
        name: &str,
        args: &[Value],
        key: CallKey,
        pulse: &Pulse,
    ) -> Result<Answer, Failure> {
        match name.split_once('.') {
            Some(("http", verb)) => self.http.perform(verb, args, key, pulse).await,
            Some(("exec", "run")) => exec::run(args, key, pulse).await,
            _ => Err(Failure::refused(format!("this flow has no connector `{name}`"))),
        }
    }
}
