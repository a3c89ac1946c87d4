//! Where text is: files side by side in one address space, and spans of 8 bytes into it.

use std::ops::Range;
use std::sync::Arc;

/// A range of source text, as global byte offsets into a [`SourceMap`].
///
/// The default span (`0..0`) lies in no file: it marks what no text stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset just after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that covers both. A span that is nowhere adds nothing.
    pub fn to(self, other: Span) -> Span {
        match (self.is_nowhere(), other.is_nowhere()) {
            (true, _) => other,
            (_, true) => self,
            _ => Span::new(self.start.min(other.start), self.end.max(other.end)),
        }
    }

    /// Whether `offset` lies in the span; its end counts, so that a cursor just after a name is on it.
    pub fn touches(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }

    /// Whether the span stands for no text at all, in no file.
    pub fn is_nowhere(self) -> bool {
        self == Span::default()
    }

    /// Length in bytes.
    pub fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers no byte.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    /// The file's position in the order of addition.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A place a person would name: both counts start at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One source file: its path, its text and where it lies in the address space.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: Arc<str>,
    base: u32,
    /// The length of the text, which a retired file has lost.
    length: u32,
    line_starts: Vec<u32>,
    /// How many characters begin before each block of the text, so that a column far into a line is counted fast; empty
    /// where every byte is a character.
    characters: Vec<u32>,
}

/// Bytes of a block of [`SourceFile::characters`].
const BLOCK: usize = 512;

/// Counting the bytes that begin a character needs no character boundary at the ends.
fn count_characters(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|&&byte| (byte & 0xC0) != 0x80).count() as u32
}

impl SourceFile {
    /// The path it was added under.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The global offset of its first byte.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// The span of the whole file.
    pub fn span(&self) -> Span {
        Span::new(self.base, self.end())
    }

    /// The number of lines; an empty file has one.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The text of a line, without its line break; `line` counts from 0.
    pub fn line(&self, line: usize) -> Option<&str> {
        let range = self.line_range(line)?;
        Some(self.text.get(range)?.trim_end_matches(['\n', '\r']))
    }

    /// The line break included, as offsets in the file; `line` counts from 0.
    pub(crate) fn line_range(&self, line: usize) -> Option<Range<usize>> {
        let start = *self.line_starts.get(line)? as usize;
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |&next| next as usize);
        Some(start..end)
    }

    /// The line, from 0, that holds an offset in the file.
    pub(crate) fn line_index(&self, local: usize) -> usize {
        self.line_starts.partition_point(|&start| start as usize <= local).saturating_sub(1)
    }

    /// How far the line that holds a place is indented, in bytes.
    pub(crate) fn indent(&self, span: Span) -> usize {
        let line =
            self.line(self.line_index(span.start.saturating_sub(self.base) as usize)).unwrap_or_default();
        line.bytes().take_while(u8::is_ascii_whitespace).count()
    }

    fn end(&self) -> u32 {
        self.base + self.length
    }

    fn position(&self, local: usize) -> Position {
        let line = self.line_index(local);
        let start = self.line_starts.get(line).map_or(0, |&start| start as usize);
        let column = self.characters_before(local).saturating_sub(self.characters_before(start));
        Position { line: line as u32 + 1, column: column + 1 }
    }

    fn characters_before(&self, local: usize) -> u32 {
        let Some(before) = self.characters.get(local / BLOCK) else { return local as u32 };
        let block = local - local % BLOCK;
        before + count_characters(self.text.as_bytes().get(block..local).unwrap_or_default())
    }
}

/// All files of a compilation, laid out one after the other in a space of 4 GiB.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// An empty map.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Adds a file. Text that does not fit in the 4 GiB any more is cut off at the limit.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        // Bases start at 1 and files lie one byte apart, so that an end of file belongs to one file only.
        let base = self.used().saturating_add(1);
        let mut text = text.into();
        let room = (u32::MAX - base).saturating_sub(1) as usize;
        if text.len() > room {
            let cut = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text = text.get(..cut).unwrap_or_default().into();
        }
        let mut line_starts = Vec::with_capacity(text.len() / 32 + 1);
        // A byte order mark is no part of the first line: nobody sees it, and no editor counts it.
        line_starts.push(if text.starts_with('\u{feff}') { 3 } else { 0 });
        line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1));
        let length = text.len() as u32;
        let mut characters = Vec::new();
        if !text.is_ascii() {
            characters.extend(text.as_bytes().chunks(BLOCK).scan(0, |before, block| {
                let counted = *before;
                *before += count_characters(block);
                Some(counted)
            }));
            // For the end of a text that fills its blocks.
            characters.push(count_characters(text.as_bytes()));
        }
        self.files.push(SourceFile { path: path.into(), text, base, length, line_starts, characters });
        FileId(self.files.len() as u32 - 1)
    }

    /// Drops the text of a file that was replaced by a newer one. Its offsets are never used again.
    pub fn retire(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(id.index()) {
            file.text = Arc::default();
            file.line_starts = vec![0];
            file.characters = Vec::new();
        }
    }

    /// How many of the 4 GiB of offsets are used, by retired files as well.
    pub fn used(&self) -> u32 {
        self.files.last().map_or(0, SourceFile::end)
    }

    /// The file of an id this map gave out.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.index())
    }

    /// All files, in the order of addition.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(index as u32), file))
    }

    /// The file a span begins in and the span's byte range in it.
    pub fn lookup(&self, span: Span) -> Option<(FileId, Range<usize>)> {
        let index = self.files.partition_point(|file| file.base <= span.start).checked_sub(1)?;
        let file = self.files.get(index)?;
        if span.start > file.end() {
            return None;
        }
        let start = span.start - file.base;
        let end = span.end.clamp(span.start, file.end()) - file.base;
        Some((FileId(index as u32), start as usize..end as usize))
    }

    /// The text a span covers; empty where it lies in no file.
    pub fn text(&self, span: Span) -> &str {
        self.lookup(span).and_then(|(file, range)| self.file(file)?.text().get(range)).unwrap_or_default()
    }

    /// Line and column of a span's first and last byte's end.
    pub fn positions(&self, span: Span) -> Option<(FileId, Position, Position)> {
        let (id, range) = self.lookup(span)?;
        let file = self.file(id)?;
        Some((id, file.position(range.start), file.position(range.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_find_their_file_line_and_column() {
        let mut map = SourceMap::new();
        let first = map.add("a.flow", "one\ntwo");
        let second = map.add("b.flow", "ä = 1\n");
        let base = map.file(second).unwrap().base();
        let (id, start, end) = map.positions(Span::new(base + 3, base + 4)).unwrap();
        assert_eq!(
            (id, start, end),
            (second, Position { line: 1, column: 3 }, Position { line: 1, column: 4 })
        );
        let end_of_first = map.file(first).unwrap().span().end;
        assert_eq!(map.lookup(Span::new(end_of_first, end_of_first)), Some((first, 7..7)));
        assert_eq!(map.lookup(Span::default()), None);
        assert_eq!(map.text(Span::new(base, base + 2)), "ä");
    }

    #[test]
    fn columns_far_into_a_line_count_characters() {
        let mut map = SourceMap::new();
        let (plain, wide) = ("x".repeat(BLOCK * 4), "xä".repeat(BLOCK));
        for (text, end) in [(plain, BLOCK * 4), (wide, BLOCK * 2)] {
            let file = map.add("long.flow", format!("{text}\n{text}"));
            let span = map.file(file).unwrap().span();
            let (_, _, last) = map.positions(span).unwrap();
            assert_eq!(last, Position { line: 2, column: end as u32 + 1 });
            let middle = Span::new(span.start, span.start + BLOCK as u32 * 3 / 2 * 2);
            let expected = if end == BLOCK * 4 { BLOCK * 3 } else { BLOCK * 2 };
            assert_eq!(map.positions(middle).unwrap().2.column, expected as u32 + 1);
        }
    }
}
