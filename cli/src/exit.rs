//! Exit codes, and errors on their way out.

use flow_engine::EngineError;
use flow_machine::rows::Status;
use flow_store::StoreError;
use std::process::ExitCode;

/// How a command ended, as its exit code tells scripts. Documented in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked; a workflow that it waited for completed.
    Success = 0,
    /// The workflow that it waited for failed; what was to be so is not.
    Failed = 1,
    /// The command line, the input or the program is wrong.
    Usage = 2,
    /// The store or the system did not do it.
    System = 3,
    /// The workflow was cancelled or terminated.
    Cancelled = 4,
    /// The workflow is stuck: an operator must decide.
    Stuck = 5,
    /// An update was not answered in time; it stands.
    NoAnswer = 6,
    /// Interrupted by Ctrl-C; what ran can be resumed.
    Interrupted = 130,
}

impl Exit {
    /// The exit code for an instance with this status.
    pub(crate) fn of(status: Status) -> Exit {
        match status {
            Status::Completed | Status::Running | Status::Paused => Exit::Success,
            Status::Failed => Exit::Failed,
            Status::Cancelled | Status::Terminated => Exit::Cancelled,
            Status::Stuck => Exit::Stuck,
        }
    }
}

/// Why a command did not do it: words for people, and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub message: String,
    pub exit: Exit,
}

impl Failure {
    /// The user's mistake.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), exit: Exit::Usage }
    }

    /// The system's.
    pub(crate) fn system(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), exit: Exit::System }
    }

    /// Said already, for instance as diagnostics.
    pub(crate) fn said(exit: Exit) -> Failure {
        Failure { message: String::new(), exit }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::BadUrl { .. } => Failure::usage(error.to_string()),
            other => Failure::system(other.to_string()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        match &error {
            EngineError::Store(store) => store.clone().into(),
            EngineError::System { .. }
            | EngineError::BadProgram { .. }
            | EngineError::Damaged { .. }
            | EngineError::ProgramMissing { .. } => Failure::system(error.to_string()),
            EngineError::NoSuchMessage { asked, known, .. } => {
                let near = crate::program::nearest(asked, known.iter().map(String::as_str));
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                Failure::usage(format!("{error}{near}"))
            }
            other => Failure::usage(other.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        // Whoever read our output has gone: that is no failure of ours.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::said(Exit::Success);
        }
        Failure::system(error.to_string())
    }
}

/// Says what failed and gives the exit code.
pub(crate) fn code(done: Result<Exit, Failure>) -> ExitCode {
    let exit = match done {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("error: {}", failure.message);
            }
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}
