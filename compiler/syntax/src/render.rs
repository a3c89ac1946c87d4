//! Diagnostics for people, as text with the source beside it, and for tools, as JSON.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Patch, Renderer, Snippet};
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
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.0);
    let snippets = snippets(sources, &diagnostic.labels).into_iter().map(Element::from);
    let notes = diagnostic.notes.iter().map(|note| Level::NOTE.message(note.as_str()).into());
    let mut first = Group::with_title(title).elements(snippets.chain(notes));
    let changes = changes(sources, diagnostic);
    if let (true, Some(help)) = (changes.is_empty(), help_text(diagnostic)) {
        first = first.element(Level::HELP.message(help));
    }
    let report: Vec<Group<'_>> = std::iter::once(first).chain(changes).collect();
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.decor_style(DecorStyle::Unicode).term_width(WIDTH).render(&report);
    // Lines that hold nothing but a label's margin end in spaces.
    let lines = text.lines().map(|line| line.trim_end().to_string() + "\n");
    lines.collect()
}

/// What to do, in words. A fix says more than nothing, and less than a help text of its own.
fn help_text(diagnostic: &Diagnostic) -> Option<&str> {
    let fix = diagnostic.fixes.first().map(|fix| fix.title.as_str());
    diagnostic.help.as_deref().or(fix)
}

/// The fixes, each as a change of the lines it is in; the help text is the title of the first.
fn changes<'d>(sources: &'d SourceMap, diagnostic: &'d Diagnostic) -> Vec<Group<'d>> {
    let mut groups = Vec::new();
    for fix in &diagnostic.fixes {
        let Some(snippet) = change(sources, fix) else { continue };
        let own = if groups.is_empty() { help_text(diagnostic) } else { None };
        let title = own.unwrap_or(fix.title.as_str());
        groups.push(Level::HELP.secondary_title(title).element(snippet));
    }
    groups
}

fn change<'d>(sources: &'d SourceMap, fix: &'d Fix) -> Option<Snippet<'d, Patch<'d>>> {
    let (id, range) = sources.lookup(fix.span)?;
    let file = sources.file(id)?;
    let window = Window::around(file, [&range])?;
    if window.text.lines().any(|line| line.len() > WIDTH) {
        return None;
    }
    let patch = Patch::new(window.local(&range), fix.replacement.as_str());
    Some(window.snippet(file).patch(patch))
}

/// The labelled lines, a snippet for each file, that of the problem first.
fn snippets<'d>(
    sources: &'d SourceMap,
    labels: &'d [Label],
) -> Vec<Snippet<'d, annotate_snippets::Annotation<'d>>> {
    let primaries = labels.iter().filter(|label| label.primary);
    let ordered = primaries.chain(labels.iter().filter(|label| !label.primary));
    let mut files: Vec<(FileId, Vec<(&Label, Range<usize>)>)> = Vec::new();
    for label in ordered {
        let Some((file, range)) = sources.lookup(label.span) else { continue };
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, places)) => places.push((label, range)),
            None => files.push((file, vec![(label, range)])),
        }
    }
    files.into_iter().filter_map(|(id, places)| labelled(sources.file(id)?, places)).collect()
}

fn labelled<'d>(
    file: &'d SourceFile,
    mut places: Vec<(&'d Label, Range<usize>)>,
) -> Option<Snippet<'d, annotate_snippets::Annotation<'d>>> {
    shorten(file, &mut places);
    let window = Window::around(file, places.iter().map(|(_, range)| range))?;
    let annotations = places.iter().map(|(label, range)| {
        let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
        kind.span(window.local(range)).label(text)
    });
    Some(window.snippet(file).annotations(annotations))
}

/// Keeps what is shown of endless lines short: labels of one line that lie too far from the first, and the ends of
/// labels that are too long, are left out.
fn shorten(file: &SourceFile, places: &mut Vec<(&Label, Range<usize>)>) {
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
            range.end =
                (range.start..=limit).rev().find(|at| file.text().is_char_boundary(*at)).unwrap_or(limit);
        }
    }
}

/// The lines of a file that a report shows.
struct Window<'s> {
    text: &'s str,
    /// Where it begins, as an offset in the file and as a line from 1.
    start: usize,
    line: usize,
}

impl<'s> Window<'s> {
    fn around<'r>(
        file: &'s SourceFile,
        ranges: impl IntoIterator<Item = &'r Range<usize>>,
    ) -> Option<Window<'s>> {
        let (mut first, mut last) = (usize::MAX, 0);
        for range in ranges {
            first = first.min(file.line_index(range.start));
            last = last.max(file.line_index(range.end));
        }
        let start = file.line_range(first)?.start;
        let end = file.line_range(last)?.end;
        Some(Window { text: file.text().get(start..end)?, start, line: first + 1 })
    }

    fn local(&self, range: &Range<usize>) -> Range<usize> {
        let at = |offset: usize| offset.saturating_sub(self.start).min(self.text.len());
        at(range.start)..at(range.end)
    }

    fn snippet<T: Clone>(&self, file: &'s SourceFile) -> Snippet<'s, T> {
        Snippet::source(self.text).path(file.path()).line_start(self.line)
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
