//! What an engine can answer instead.

use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use flow_store::{Owner, StoreError};

/// Why an engine did not do it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system did not do it.
    #[error("{reason}")]
    System {
        /// What, and why.
        reason: String,
    },
    /// No such instance.
    #[error("there is no instance `{name}`; `flow list` shows all")]
    Unknown {
        /// The id asked for.
        name: String,
    },
    /// The id is in use with another workflow.
    #[error(
        "the instance `{name}` runs the workflow `{runs}`, not `{asked}`: use another --id, or name `{runs}`"
    )]
    OtherWorkflow {
        /// Its id.
        name: String,
        /// What it runs.
        runs: String,
        /// What was asked for.
        asked: String,
    },
    /// The id is in use with another input.
    #[error("the instance `{name}` was started with another input: use another --id, or the same input")]
    OtherInput {
        /// Its id.
        name: String,
    },
    /// The program has no such workflow.
    #[error("the program has no workflow `{workflow}`; it has {}", list(.known))]
    UnknownWorkflow {
        /// As asked for.
        workflow: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// The workflow has no such signal, update or query.
    #[error("the workflow `{workflow}` has no {kind} `{asked}`; it has {}", list(.known))]
    NoSuchMessage {
        /// The workflow.
        workflow: String,
        /// `signal`, `update` or `query`.
        kind: &'static str,
        /// As asked for.
        asked: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// The value of a signal, or the arguments of an update or query, do not fit.
    #[error("{what}{reason}")]
    BadMessage {
        /// Which: update `move` of `game`.
        what: String,
        /// Where in the JSON, what belongs there, what is there.
        reason: String,
    },
    /// A living process has it.
    #[error("the instance `{name}` is run by process {} on {}: stop that one, or watch it", owner.pid, owner.host)]
    Owned {
        /// Its id.
        name: String,
        /// Who has it.
        owner: Owner,
    },
    /// Nothing can happen to it any more.
    #[error("the instance `{name}` has ended ({})", status.as_str())]
    Ended {
        /// Its id.
        name: String,
        /// How.
        status: Status,
    },
    /// Its program is not in the store.
    #[error(
        "the program {hash} of the instance `{name}` is not in the store: restore it from a backup, \
         or end the instance with `flow terminate {name}`"
    )]
    ProgramMissing {
        /// The instance's id.
        name: String,
        /// The program's hash.
        hash: String,
    },
    /// Its program can't be read or compiled.
    #[error("the program {hash} can't be used: {reason}")]
    BadProgram {
        /// The program's hash.
        hash: String,
        /// Why.
        reason: String,
    },
    /// What is stored of it makes no sense.
    #[error("the instance `{name}` ({id}) can't be loaded: {reason}; it is left as it is, others go on")]
    Damaged {
        /// Its id.
        name: String,
        /// Its identity.
        id: InstanceId,
        /// What is wrong.
        reason: String,
    },
    /// The engine is being closed.
    #[error("the engine is being closed; what runs can be resumed with `flow resume`")]
    Closing,
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
