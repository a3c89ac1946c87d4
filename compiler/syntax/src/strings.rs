//! What the text of a string means: escapes and the margin of blocks.

use crate::ast::Name;

/// The length of the escape that `rest` begins with (at its backslash), or of what was written for one.
pub(crate) fn escape_length(rest: &str) -> Result<usize, usize> {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, 'n' | 't' | 'r' | '0' | '\\' | '"' | '{' | '}' | '$')) => Ok(2),
        Some((_, 'u')) => {
            let hex =
                rest.get(2..).and_then(|tail| tail.strip_prefix('{')).and_then(|tail| tail.split_once('}'));
            match hex {
                Some((digits, _)) if code_point(digits).is_some() => Ok(digits.len() + 4),
                _ => Err(2),
            }
        }
        Some((at, other)) => Err(at + other.len_utf8()),
        None => Err(1),
    }
}

fn code_point(digits: &str) -> Option<char> {
    let short = !digits.is_empty() && digits.len() <= 6;
    char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| short)?)
}

/// The text with its escapes resolved. Escapes that don't exist stand for themselves: they were reported.
pub(crate) fn unescape(raw: &str) -> Name {
    if !raw.contains('\\') {
        return Name::new(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        text.push_str(plain);
        let length = escape_length(escape).unwrap_or_else(|length| length);
        let (escape, tail) = escape.split_at(length.min(escape.len()));
        match escape.as_bytes().get(1) {
            Some(b'n') => text.push('\n'),
            Some(b't') => text.push('\t'),
            Some(b'r') => text.push('\r'),
            Some(b'0') => text.push('\0'),
            Some(b'u') => match code_point(escape.trim_start_matches("\\u{").trim_end_matches('}')) {
                Some(char) => text.push(char),
                None => text.push_str(escape),
            },
            Some(b'\\' | b'"' | b'{' | b'}' | b'$') => text.push_str(escape.get(1..).unwrap_or_default()),
            _ => text.push_str(escape),
        }
        rest = tail;
    }
    text.push_str(rest);
    Name::new(text)
}

/// The margin of a block string, which is the least indentation of its lines, the closing one included; blank
/// lines don't count. `texts` are its plain parts; the first begins just after the opening quotes.
pub(crate) fn margin<'s>(texts: impl Iterator<Item = (&'s str, bool)>) -> usize {
    let lines = texts.flat_map(|(text, last)| {
        let count = text.matches('\n').count();
        text.split('\n').enumerate().skip(1).filter_map(move |(index, line)| {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            // A line that ends where its part ends goes on with an interpolation or the closing quotes.
            let blank = line.trim().is_empty() && index < count;
            (!blank || (last && index == count)).then_some(indent)
        })
    });
    lines.min().unwrap_or(0)
}

/// The raw text of a part of a block string without the margin, and without the line breaks beside the quotes.
pub(crate) fn without_margin(raw: &str, margin: usize, first: bool, last: bool) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for (index, line) in raw.split('\n').enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let line = if index == 0 { line } else { line.get(indent.min(margin)..).unwrap_or_default() };
        lines.push(line.strip_suffix('\r').unwrap_or(line));
    }
    let blank = |line: Option<&&str>| line.is_some_and(|line| line.trim().is_empty());
    let mut lines = lines.as_slice();
    if first && lines.len() > 1 && blank(lines.first()) {
        lines = lines.get(1..).unwrap_or_default();
    }
    if last && lines.len() > 1 && blank(lines.last()) {
        lines = lines.get(..lines.len() - 1).unwrap_or_default();
    } else if last && first && raw.contains('\n') && lines.len() == 1 && blank(lines.first()) {
        lines = &[];
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let cases = [
            ("plain", "plain"),
            (r"a\nb\t\\\0", "a\nb\t\\\0"),
            (r#"\"\{x\}"#, "\"{x}"),
            (r"\u{e4}\u{1F600}", "ä😀"),
            (r"\q", r"\q"),
            (r"\u{}", r"\u{}"),
        ];
        for (raw, text) in cases {
            assert_eq!(unescape(raw), text, "{raw}");
        }
    }

    #[test]
    fn blocks_lose_their_margin() {
        let block = |raw: &str| without_margin(raw, margin([(raw, true)].into_iter()), true, true);
        assert_eq!(block("\n    a\n      b\n\n    c\n    "), "a\n  b\n\nc");
        assert_eq!(block("\n    a\n  "), "  a");
        assert_eq!(block("one line"), "one line");
        assert_eq!(block("\n  "), "");
    }
}
