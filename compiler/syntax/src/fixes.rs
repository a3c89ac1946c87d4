//! Applying the changes that diagnostics offer.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Fix};
use crate::span::{FileId, SourceMap};

/// A file with changes applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Which.
    pub file: FileId,
    /// Its new text.
    pub text: String,
    /// How many changes are in it.
    pub count: usize,
}

/// Applies the first change of each diagnostic that is certain. Of changes that touch one another only the first is
/// made: what is left is found, and fixed, when the new text is checked.
///
/// ```
/// use flow_syntax::{SourceMap, apply_fixes, parse};
///
/// let mut sources = SourceMap::new();
/// let file = sources.add("wait.flow", "const PAUSE = 5min");
/// let fixed = apply_fixes(&sources, &parse(&sources, file).diagnostics);
/// assert_eq!(fixed[0].text, "const PAUSE = 5m");
/// ```
pub fn apply_fixes<'d>(
    sources: &SourceMap,
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
) -> Vec<Fixed> {
    let mut by_file: BTreeMap<FileId, Vec<(Range<usize>, &Fix)>> = BTreeMap::new();
    for diagnostic in diagnostics {
        let fix = diagnostic.fixes.iter().find(|fix| fix.certain);
        if let Some((fix, (file, range))) = fix.and_then(|fix| Some((fix, sources.lookup(fix.span)?))) {
            by_file.entry(file).or_default().push((range, fix));
        }
    }
    let apply = |(file, fixes)| apply(file, sources.file(file)?.text(), fixes);
    by_file.into_iter().filter_map(apply).collect()
}

fn apply(file: FileId, text: &str, mut fixes: Vec<(Range<usize>, &Fix)>) -> Option<Fixed> {
    fixes.sort_by_key(|(range, _)| (range.start, range.end));
    let mut fixed = Fixed { file, text: String::with_capacity(text.len()), count: 0 };
    let mut done = 0;
    for (range, fix) in fixes {
        if fixed.count > 0 && range.start <= done {
            continue;
        }
        fixed.text.push_str(text.get(done..range.start)?);
        fixed.text.push_str(&fix.replacement);
        fixed.count += 1;
        done = range.end;
    }
    fixed.text.push_str(text.get(done..)?);
    (fixed.count > 0).then_some(fixed)
}
