//! Diagnostics for people, as text with the source beside it, and for tools, as JSON.

use std::ops::Range;

use codespan_reporting::diagnostic as report;
use codespan_reporting::files::{Error as FilesError, Files};
use codespan_reporting::term::{self, Config, termcolor};
use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::span::{FileId, Position, SourceFile, SourceMap, Span};

/// A diagnostic as text with the source lines it is about, in colour (ANSI) if `colour`.
///
/// ```
/// use flow_syntax::{SourceMap, parse, render};
///
/// let mut sources = SourceMap::new();
/// let file = sources.add("wait.flow", "const PAUSE = 5min");
/// let text = render(&sources, &parse(&sources, file).diagnostics[0], false);
/// assert!(text.contains("did you mean `5m`?"));
/// ```
pub fn render(sources: &SourceMap, diagnostic: &Diagnostic, colour: bool) -> String {
    let mut buffer = if colour { termcolor::Buffer::ansi() } else { termcolor::Buffer::no_color() };
    let report = to_report(sources, diagnostic);
    match term::emit_to_write_style(&mut buffer, &Config::default(), sources, &report) {
        Ok(()) => String::from_utf8_lossy(buffer.as_slice()).into_owned(),
        // Only a label outside of its file could fail, and looking a span up clamps it.
        Err(_) => format!("error[{}]: {}\n", diagnostic.code.0, diagnostic.message),
    }
}

fn to_report(sources: &SourceMap, diagnostic: &Diagnostic) -> report::Diagnostic<FileId> {
    let severity = match diagnostic.severity {
        Severity::Error => report::Severity::Error,
        Severity::Warning => report::Severity::Warning,
        Severity::Info => report::Severity::Note,
    };
    let label = |label: &Label| {
        let (file, range) = sources.lookup(label.span)?;
        let made = if label.primary {
            report::Label::primary(file, range)
        } else {
            report::Label::secondary(file, range)
        };
        Some(made.with_message(&label.text))
    };
    let notes = diagnostic.notes.iter().map(|note| format!("note: {note}"));
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    // A fix says more than nothing, and less than a help text of its own.
    let fixes = diagnostic.fixes.iter().filter(|_| diagnostic.help.is_none());
    let fixes = fixes.map(|fix| format!("help: {}", fix.title));
    report::Diagnostic::new(severity)
        .with_code(diagnostic.code.0)
        .with_message(&diagnostic.message)
        .with_labels(diagnostic.labels.iter().filter_map(label).collect())
        .with_notes(notes.chain(help).chain(fixes).collect())
}

impl<'a> Files<'a> for SourceMap {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, FilesError> {
        Ok(file_of(self, id)?.path())
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, FilesError> {
        Ok(file_of(self, id)?.text())
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, FilesError> {
        Ok(file_of(self, id)?.line_index(byte_index))
    }

    fn line_range(&'a self, id: FileId, line_index: usize) -> Result<Range<usize>, FilesError> {
        let file = file_of(self, id)?;
        let missing =
            FilesError::LineTooLarge { given: line_index, max: file.line_count().saturating_sub(1) };
        file.line_range(line_index).ok_or(missing)
    }
}

fn file_of(sources: &SourceMap, id: FileId) -> Result<&SourceFile, FilesError> {
    sources.file(id).ok_or(FilesError::FileMissing)
}

/// A diagnostic with files, lines and columns in place of spans: what tools read.
#[derive(Clone, Debug, Serialize)]
pub struct JsonDiagnostic<'d> {
    /// Its code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: &'d str,
    /// Where, by its first primary label; none if it is about no place.
    #[serde(flatten)]
    pub place: Option<JsonPlace<'d>>,
    /// All places.
    pub labels: Vec<JsonLabel<'d>>,
    /// More about the cause.
    pub notes: &'d [String],
    /// How to put it right.
    pub help: Option<&'d str>,
    /// Changes that would.
    pub fixes: Vec<JsonFix<'d>>,
}

/// A range of a file; lines and columns count from 1, the end is just behind the last character.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JsonPlace<'d> {
    /// The file's path.
    pub file: &'d str,
    /// Its beginning.
    pub start: Position,
    /// Its end.
    pub end: Position,
}

/// A label.
#[derive(Clone, Debug, Serialize)]
pub struct JsonLabel<'d> {
    /// Where.
    #[serde(flatten)]
    pub place: JsonPlace<'d>,
    /// What about it.
    pub text: &'d str,
    /// Whether it is the place of the problem.
    pub primary: bool,
}

/// A fix.
#[derive(Clone, Debug, Serialize)]
pub struct JsonFix<'d> {
    /// What to replace.
    #[serde(flatten)]
    pub place: JsonPlace<'d>,
    /// With what.
    pub replacement: &'d str,
    /// What the change does.
    pub title: &'d str,
}

/// A diagnostic as tools read it; serialize it with `serde_json`.
pub fn to_json<'d>(sources: &'d SourceMap, diagnostic: &'d Diagnostic) -> JsonDiagnostic<'d> {
    let label = |label: &'d Label| {
        Some(JsonLabel { place: place(sources, label.span)?, text: &label.text, primary: label.primary })
    };
    let fixes = diagnostic.fixes.iter().filter_map(|fix| {
        let place = place(sources, fix.span)?;
        Some(JsonFix { place, replacement: &fix.replacement, title: &fix.title })
    });
    JsonDiagnostic {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: &diagnostic.message,
        place: place(sources, diagnostic.span()),
        labels: diagnostic.labels.iter().filter_map(label).collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        fixes: fixes.collect(),
    }
}

/// A diagnostic as one line of JSON.
pub fn render_json(sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    // Strings and numbers only: there is nothing in it that JSON can't say.
    serde_json::to_string(&to_json(sources, diagnostic)).unwrap_or_default()
}

fn place(sources: &SourceMap, span: Span) -> Option<JsonPlace<'_>> {
    let (file, start, end) = sources.positions(span)?;
    Some(JsonPlace { file: sources.file(file)?.path(), start, end })
}
