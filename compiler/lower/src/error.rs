//! Why a program could not be lowered.

use crate::codes;
use flow_syntax::{Code, Diagnostic, Span};
use std::fmt;

/// A limit the program exceeds, or a contradiction in the typed tree, which is a mistake of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerError {
    /// Its kind.
    pub code: Code,
    /// What is wrong, for people.
    pub message: String,
    /// The part of the program it is about; the default span where no text stands for it.
    pub span: Span,
}

impl LowerError {
    /// A contradiction in the typed tree.
    pub(crate) fn internal(what: impl fmt::Display, span: Span) -> LowerError {
        let message = format!("internal error of the compiler: {what}");
        LowerError { code: codes::INTERNAL, message, span }
    }

    /// A limit.
    pub(crate) fn limit(code: Code, message: String, span: Span) -> LowerError {
        LowerError { code, message, span }
    }

    /// The same as the checker would say it.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.code, self.message.as_str()).at(self.span, "")
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
