//! Tokens of MIR text.

use std::fmt;

/// Where a text isn't MIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TextError {}

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        let mut cursor = Cursor { text, rest: text };
        cursor.skip_blank();
        cursor
    }

    pub(super) fn error(&self, what: &str) -> TextError {
        let before = self.text.len() - self.rest.len();
        let lines = self.text.bytes().take(before).filter(|byte| *byte == b'\n').count();
        TextError { line: lines + 1, what: what.to_owned() }
    }

    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix(';') {
                Some(comment) => {
                    self.rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or("")
                }
                None => return,
            }
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next token, which stays: a word, a string in quotes, `->`, or one other character.
    pub(super) fn peek(&self) -> &'a str {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let word = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
        let mut chars = self.rest.chars();
        let end = match (chars.next(), chars.next()) {
            (Some('"'), _) => string_end(self.rest),
            (Some('-'), Some('>')) => 2,
            (Some('-'), _) => 1 + self.rest.get(1..).map_or(0, word),
            (Some(first), _) if is_word(first) => word(self.rest),
            (Some(first), _) => first.len_utf8(),
            (None, _) => 0,
        };
        self.rest.get(..end).unwrap_or("")
    }

    pub(super) fn word(&mut self) -> Result<&'a str, TextError> {
        let token = self.peek();
        if token.is_empty() {
            return Err(self.error("it ends too early"));
        }
        self.rest = self.rest.get(token.len()..).unwrap_or("");
        self.skip_blank();
        Ok(token)
    }

    /// Whether the next token is this one, which is then passed.
    pub(super) fn skip(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        if found {
            self.rest = self.rest.get(token.len()..).unwrap_or("");
            self.skip_blank();
        }
        found
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), TextError> {
        let found = self.peek();
        if self.skip(token) {
            Ok(())
        } else {
            Err(self.error(&format!("expected `{token}`, found `{found}`")))
        }
    }

    /// What is left of the line.
    pub(super) fn line(&mut self) -> &'a str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.skip_blank();
        line
    }
}

/// Where a JSON string ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
