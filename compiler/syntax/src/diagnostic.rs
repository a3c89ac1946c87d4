//! What the compiler has to say, as data.

use crate::span::Span;

/// The stable code of a kind of diagnostic, such as `E0012`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Code(pub &'static str);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The program does not compile.
    Error,
    /// The program compiles, but probably does not mean this.
    Warning,
    /// Worth knowing.
    Info,
}

/// A place a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What about it; may be empty.
    pub text: String,
    /// Whether this is the place of the problem rather than a related one.
    pub primary: bool,
}

/// A change that would solve the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace; an empty span inserts.
    pub span: Span,
    /// With what.
    pub replacement: String,
    /// What the change does, for a menu.
    pub title: String,
    /// Whether it is what was meant beyond doubt, so that a tool may apply it unseen.
    pub certain: bool,
}

/// One thing the compiler has to say: what is wrong, where, why, and how to put it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The places.
    pub labels: Vec<Label>,
    /// More about the cause.
    pub notes: Vec<String>,
    /// How to put it right.
    pub help: Option<String>,
    /// Changes that would.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Error, message)
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Warning, message)
    }

    fn new(code: Code, severity: Severity, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
        }
    }

    /// Points at the problem.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into(), primary: true });
        self
    }

    /// Points at something related.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// Adds a line about the cause.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Says how to put it right.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// Offers a change that puts it right beyond doubt: a tool may apply it unseen.
    #[must_use]
    pub fn fix(self, span: Span, replacement: impl Into<String>, title: impl Into<String>) -> Diagnostic {
        self.change(span, replacement.into(), title.into(), true)
    }

    /// Offers a change that may be what is meant; a person decides.
    #[must_use]
    pub fn suggest(self, span: Span, replacement: impl Into<String>, title: impl Into<String>) -> Diagnostic {
        self.change(span, replacement.into(), title.into(), false)
    }

    fn change(mut self, span: Span, replacement: String, title: String, certain: bool) -> Diagnostic {
        self.fixes.push(Fix { span, replacement, title, certain });
        self
    }

    /// Whether it stops the program from compiling.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The place of the problem: its first primary label.
    pub fn span(&self) -> Span {
        self.labels.iter().find(|label| label.primary).map_or(Span::default(), |label| label.span)
    }
}
