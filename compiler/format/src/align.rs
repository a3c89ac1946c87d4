//! Columns: keys, arms and comments of neighbouring lines stand under one another.

use crate::WIDTH;
use crate::render::{COMMENTS, Stop};

/// Lines that differ by more than this are left as they are.
const MOST_PADDING: usize = 40;

/// The text with its columns padded.
pub(crate) fn align(text: &str, stops: &[Stop]) -> String {
    let lines: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect();
    let extra = vec![0; lines.len()];
    let mut columns = Columns { text, lines, extra, padding: Vec::new() };
    let (comments, lists): (Vec<Stop>, Vec<Stop>) = stops.iter().partition(|stop| stop.list == COMMENTS);
    for stops in [lists, comments] {
        let together = |a: &Stop, b: &Stop| {
            a.list == b.list && a.line + 1 == b.line && columns.indent(a.line) == columns.indent(b.line)
        };
        let runs: Vec<&[Stop]> = stops.chunk_by(together).collect();
        runs.into_iter().for_each(|run| columns.run(run));
    }
    columns.padding.sort_unstable();
    let mut out = String::with_capacity(text.len() + columns.padding.len() * 4);
    let mut from = 0;
    for (offset, count) in columns.padding {
        out.push_str(text.get(from..offset).unwrap_or_default());
        out.extend(std::iter::repeat_n(' ', count));
        from = offset;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

struct Columns<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// What was added to each line so far.
    extra: Vec<usize>,
    /// Where how many spaces go.
    padding: Vec<(usize, usize)>,
}

impl Columns<'_> {
    /// Pads the stops of neighbouring lines to the column of the furthest.
    fn run(&mut self, run: &[Stop]) {
        let columns: Vec<usize> = run.iter().map(|stop| self.column(*stop)).collect();
        let (Some(&least), Some(&most)) = (columns.iter().min(), columns.iter().max()) else { return };
        let aligns = run.len() > 1 && most - least <= MOST_PADDING && {
            let mut lines = run.iter().zip(&columns);
            lines.all(|(stop, column)| self.may_grow(*stop, most - column))
        };
        if !aligns {
            return;
        }
        for (stop, column) in run.iter().zip(columns) {
            self.padding.push((stop.offset, most - column));
            if let Some(extra) = self.extra.get_mut(stop.line) {
                *extra += most - column;
            }
        }
    }

    fn line(&self, line: usize) -> &str {
        let start = self.lines.get(line).copied().unwrap_or_default();
        self.text.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or_default()
    }

    fn indent(&self, line: usize) -> usize {
        let line = self.line(line);
        line.len() - line.trim_start_matches(' ').len()
    }

    fn column(&self, stop: Stop) -> usize {
        let start = self.lines.get(stop.line).copied().unwrap_or_default();
        let before = self.text.get(start..stop.offset).unwrap_or_default();
        before.chars().count() + self.extra.get(stop.line).copied().unwrap_or_default()
    }

    /// Whether a line stays within the width, and isn't the end of an element that began on another line.
    fn may_grow(&self, stop: Stop, by: usize) -> bool {
        let line = self.line(stop.line);
        if stop.list == COMMENTS {
            return true;
        }
        let width = line.chars().count();
        let ends = line.trim_start().starts_with(['}', ')', ']']);
        !ends && (by == 0 || width > WIDTH || width + by <= WIDTH)
    }
}
