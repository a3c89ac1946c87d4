//! Diagnostics for people, as text with the source beside it, and for tools, as JSON.

use std::borrow::Cow;
use std::ops::Range;

use codespan_reporting::diagnostic as report;
use codespan_reporting::files::{Error as FilesError, Files};
use codespan_reporting::term::{self, Config, termcolor};
use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic, Fix, Label, Severity};
use crate::span::{FileId, Position, SourceFile, SourceMap, Span};

/// Columns of a line of source that are worth showing; what is longer is cut around the labels.
const WIDTH: usize = 140;

/// A diagnostic as text with the source lines it is about and the changes it offers, in colour (ANSI) if `colour`.
/// It ends with a newline.
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
    let (excerpts, labels) = excerpts(sources, &diagnostic.labels);
    let severity = match diagnostic.severity {
        Severity::Error => report::Severity::Error,
        Severity::Warning => report::Severity::Warning,
        Severity::Info => report::Severity::Note,
    };
    let notes = diagnostic.notes.iter().map(|note| format!("note: {note}"));
    let report = report::Diagnostic::new(severity)
        .with_code(diagnostic.code.0)
        .with_message(&diagnostic.message)
        .with_labels(labels)
        .with_notes(notes.chain(helps(sources, diagnostic)).collect());
    let text = match term::emit_to_write_style(&mut buffer, &Config::default(), &Excerpts(excerpts), &report)
    {
        Ok(()) => String::from_utf8_lossy(buffer.as_slice()).into_owned(),
        // Only a label outside of its file could fail, and looking a span up clamps it.
        Err(_) => format!("error[{}]: {}\n", diagnostic.code.0, diagnostic.message),
    };
    // Lines that hold nothing but a label's margin end in spaces, and the last is empty.
    text.trim_end().lines().map(|line| line.trim_end().to_string() + "\n").collect()
}

/// What to do: the help text with the changes below it, the first of which needs no title beside that text.
fn helps(sources: &SourceMap, diagnostic: &Diagnostic) -> Vec<String> {
    let mut helps = Vec::new();
    let mut text = diagnostic.help.as_deref();
    for fix in &diagnostic.fixes {
        let title = text.take().unwrap_or(fix.title.as_str());
        let change = change(sources, fix).unwrap_or_default();
        helps.push(format!("help: {title}{change}"));
    }
    helps.extend(text.map(|text| format!("help: {text}")));
    helps
}

/// The lines that a fix changes, before and after. `None` where they are too long to be read.
fn change(sources: &SourceMap, fix: &Fix) -> Option<String> {
    let (id, range) = sources.lookup(fix.span)?;
    let file = sources.file(id)?;
    let (first, last) = (file.line_index(range.start), file.line_index(range.end));
    let (start, end) = (file.line_range(first)?.start, file.line_range(last)?.end);
    let (before, after) = (file.text().get(start..range.start)?, file.text().get(range.end..end)?);
    let old = file.text().get(start..end)?.trim_end();
    let new = format!("{before}{}{after}", fix.replacement);
    let mut shown = String::new();
    for (sign, lines) in [('-', old), ('+', new.trim_end())] {
        for (index, line) in lines.lines().enumerate() {
            if line.len() > WIDTH {
                return None;
            }
            shown.push_str(&format!("\n{:>4} {sign} {line}", first + index + 1));
        }
    }
    Some(shown)
}

/// Labels of one file, with their places in it.
type Places<'d> = Vec<(&'d Label, Range<usize>)>;

/// The lines that the labels are about, file by file, that of the problem first, and the labels in them.
fn excerpts<'s>(sources: &'s SourceMap, labels: &[Label]) -> (Vec<Excerpt<'s>>, Vec<report::Label<usize>>) {
    let primaries = labels.iter().filter(|label| label.primary);
    let ordered = primaries.chain(labels.iter().filter(|label| !label.primary));
    let mut files: Vec<(FileId, Places<'_>)> = Vec::new();
    for label in ordered {
        let Some((file, range)) = sources.lookup(label.span) else { continue };
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, places)) => places.push((label, range)),
            None => files.push((file, vec![(label, range)])),
        }
    }
    let (mut excerpts, mut shown) = (Vec::new(), Vec::new());
    for (id, mut places) in files {
        let Some(file) = sources.file(id) else { continue };
        shorten(file, &mut places);
        let Some(excerpt) = Excerpt::around(file, &places) else { continue };
        for (label, range) in places {
            let style =
                if label.primary { report::LabelStyle::Primary } else { report::LabelStyle::Secondary };
            let range = excerpt.local(&range);
            shown.push(report::Label::new(style, excerpts.len(), range).with_message(&label.text));
        }
        excerpts.push(excerpt);
    }
    (excerpts, shown)
}

/// Keeps what is shown of endless lines short: labels of one line that lie too far from the first, and the ends of
/// labels that are too long, are left out.
fn shorten(file: &SourceFile, places: &mut Places<'_>) {
    let Some(first) = places.first().map(|(_, range)| range.start) else { return };
    let line = file.line_index(first);
    let is_endless = file.line_range(line).is_some_and(|line| line.len() > 4 * WIDTH);
    // An endless line is cut only where it is shown alone.
    places.retain(|(_, range)| match file.line_index(range.start) == line {
        true => range.start.abs_diff(first) <= WIDTH && (!is_endless || file.line_index(range.end) == line),
        false => !is_endless,
    });
    for (_, range) in places {
        let line_end = file.line_range(file.line_index(range.start)).map_or(range.end, |line| line.end);
        let limit = range.start + WIDTH;
        if range.end <= line_end && range.end > limit {
            range.end = boundary(file.text(), limit);
        }
    }
}

/// The last place up to `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The lines of a file that a report shows.
struct Excerpt<'s> {
    file: &'s SourceFile,
    text: Cow<'s, str>,
    /// Where it begins, as an offset in the file and as a line from 0.
    start: usize,
    line: usize,
    /// Of a piece of an endless line: how many bytes of the text, and how many characters, stand for what was cut off
    /// in front.
    cut: Option<(usize, usize)>,
}

/// Stands for what was cut off.
const ELLIPSIS: &str = "… ";

impl<'s> Excerpt<'s> {
    fn around(file: &'s SourceFile, places: &[(&Label, Range<usize>)]) -> Option<Excerpt<'s>> {
        let first = places.iter().map(|(_, range)| file.line_index(range.start)).min()?;
        let last = places.iter().map(|(_, range)| file.line_index(range.end)).max()?;
        let (start, end) = (file.line_range(first)?.start, file.line_range(last)?.end);
        let whole = file.text().get(start..end)?;
        if first < last || whole.len() <= 4 * WIDTH {
            return Some(Excerpt { file, text: Cow::Borrowed(whole), start, line: first, cut: None });
        }
        let nearest = places.iter().map(|(_, range)| range.start).min()? - start;
        let furthest = places.iter().map(|(_, range)| range.end).max()? - start;
        let from = boundary(whole, nearest.saturating_sub(WIDTH / 2));
        let to = boundary(whole, furthest + WIDTH / 2);
        let lead = if from == 0 { "" } else { ELLIPSIS };
        let tail = if to == whole.len() { "" } else { " …" };
        let text = Cow::Owned(format!("{lead}{}{tail}", whole.get(from..to)?));
        let columns = whole.get(..from)?.chars().count();
        let columns = columns.saturating_sub(lead.chars().count());
        Some(Excerpt { file, text, start: start + from, line: first, cut: Some((lead.len(), columns)) })
    }

    fn local(&self, range: &Range<usize>) -> Range<usize> {
        let lead = self.cut.map_or(0, |(lead, _)| lead);
        let at = |offset: usize| (offset.saturating_sub(self.start) + lead).min(self.text.len());
        at(range.start)..at(range.end)
    }
}

/// What is shown, as files of their own that know their places in the whole.
struct Excerpts<'s>(Vec<Excerpt<'s>>);

impl<'s> Excerpts<'s> {
    fn get(&self, id: usize) -> Result<&Excerpt<'s>, FilesError> {
        self.0.get(id).ok_or(FilesError::FileMissing)
    }
}

impl<'a> Files<'a> for Excerpts<'_> {
    type FileId = usize;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: usize) -> Result<&'a str, FilesError> {
        Ok(self.get(id)?.file.path())
    }

    fn source(&'a self, id: usize) -> Result<&'a str, FilesError> {
        Ok(&self.get(id)?.text)
    }

    fn line_index(&'a self, id: usize, byte_index: usize) -> Result<usize, FilesError> {
        let excerpt = self.get(id)?;
        match excerpt.cut {
            Some(_) => Ok(0),
            None => Ok(excerpt.file.line_index(excerpt.start + byte_index).saturating_sub(excerpt.line)),
        }
    }

    fn line_number(&'a self, id: usize, line_index: usize) -> Result<usize, FilesError> {
        Ok(self.get(id)?.line + line_index + 1)
    }

    fn column_number(&'a self, id: usize, line_index: usize, byte_index: usize) -> Result<usize, FilesError> {
        let cut = self.get(id)?.cut.map_or(0, |(_, columns)| columns);
        let line = self.line_range(id, line_index)?;
        let column = codespan_reporting::files::column_index(self.source(id)?, line, byte_index);
        Ok(cut + column + 1)
    }

    fn line_range(&'a self, id: usize, line_index: usize) -> Result<Range<usize>, FilesError> {
        let excerpt = self.get(id)?;
        if excerpt.cut.is_some() {
            return Ok(0..excerpt.text.len());
        }
        let missing = FilesError::LineTooLarge { given: line_index, max: excerpt.file.line_count() };
        let line = excerpt.file.line_range(excerpt.line + line_index).ok_or(missing)?;
        Ok(line.start.saturating_sub(excerpt.start)..line.end.saturating_sub(excerpt.start))
    }
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
    /// Whether it may be applied unseen, as `flow check --fix` does.
    pub certain: bool,
}

/// A diagnostic as tools read it; serialize it with `serde_json`.
pub fn to_json<'d>(sources: &'d SourceMap, diagnostic: &'d Diagnostic) -> JsonDiagnostic<'d> {
    let label = |label: &'d Label| {
        Some(JsonLabel { place: place(sources, label.span)?, text: &label.text, primary: label.primary })
    };
    let fixes = diagnostic.fixes.iter().filter_map(|fix| {
        let place = place(sources, fix.span)?;
        Some(JsonFix { place, replacement: &fix.replacement, title: &fix.title, certain: fix.certain })
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
