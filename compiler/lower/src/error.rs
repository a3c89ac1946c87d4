//! Why a program could not be lowered.

use flow_syntax::Span;
use std::fmt;

/// A limit the program exceeds, or a contradiction in the typed tree, which is a mistake of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerError {
    /// What is wrong, for people.
    pub message: String,
    /// The part of the program it is about; the default span where no text stands for it.
    pub span: Span,
}

impl LowerError {
    /// A contradiction in the typed tree.
    pub(crate) fn internal(what: impl fmt::Display, span: Span) -> LowerError {
        LowerError { message: format!("internal error of the compiler: {what}"), span }
    }

    /// A limit.
    pub(crate) fn limit(message: String, span: Span) -> LowerError {
        LowerError { message, span }
    }
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LowerError {}

/// Why the code of an expression doesn't reach its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It left another way: the current block is ended. Where paths join again this is no failure.
    Diverged,
    /// Lowering failed.
    Failed(LowerError),
}

impl From<LowerError> for Stop {
    fn from(error: LowerError) -> Stop {
        Stop::Failed(error)
    }
}

/// The outcome of lowering code that may not reach its end.
pub(crate) type Flow<T> = Result<T, Stop>;

/// Whether the code reached its end.
pub(crate) fn reaches_end(outcome: Flow<()>) -> Result<bool, LowerError> {
    match outcome {
        Ok(()) => Ok(true),
        Err(Stop::Diverged) => Ok(false),
        Err(Stop::Failed(error)) => Err(error),
    }
}
