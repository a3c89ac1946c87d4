//! What a user's statement must not contain: anything that ends the step's transaction, or a second statement.

use crate::StoreError;

/// Whose SQL it is: comments and quotes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// Statements that end, split or leave the step's transaction, or change the connection it runs on.
const REFUSED: [&str; 22] = [
    "begin",
    "start",
    "commit",
    "end",
    "abort",
    "rollback",
    "savepoint",
    "release",
    "prepare",
    "deallocate",
    "discard",
    "set",
    "reset",
    "listen",
    "unlisten",
    "copy",
    "vacuum",
    "attach",
    "detach",
    "pragma",
    "load",
    "checkpoint",
];

/// Checks one statement and the number of its `$n` parameters before it is sent.
pub(crate) fn check(sql: &str, parameters: usize, dialect: Dialect) -> Result<(), StoreError> {
    let mut scanner = Scanner { rest: sql, dialect, previous: ' ' };
    let mut first = None;
    let mut highest = 0;
    let mut ended = false;
    while let Some(token) = scanner.next_token() {
        if token == Token::Semicolon {
            ended = first.is_some();
            continue;
        }
        if ended {
            return Err(refused("more than one statement in one `sql`: write one `sql` for each"));
        }
        if let Token::Parameter(number) = token {
            highest = highest.max(parameter_number(number)?);
        }
        if let (None, Token::Word(word)) = (first, token)
            && REFUSED.contains(&word.to_ascii_lowercase().as_str())
        {
            return Err(refused(&format!(
                "`{}` is not allowed in a step: the transaction is the step's own, and ends with it",
                word.to_ascii_uppercase()
            )));
        }
        first = first.or(Some(token));
    }
    match first {
        None => Err(refused("the statement is empty")),
        Some(_) if highest != parameters => Err(refused(&format!(
            "the statement has {highest} parameters ($1…), but {parameters} values were given"
        ))),
        Some(_) => Ok(()),
    }
}

fn parameter_number(digits: &str) -> Result<usize, StoreError> {
    match digits.parse() {
        Ok(0) | Err(_) => Err(refused(&format!("`${digits}` is no parameter: they are numbered from $1"))),
        Ok(number) => Ok(number),
    }
}

/// A statement that is not even tried.
pub(crate) fn refused(message: &str) -> StoreError {
    StoreError::Statement { message: message.into(), code: None, transient: false }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Parameter(&'a str),
    Semicolon,
    Other,
}

/// Splits SQL into words and the rest; comments and blanks vanish, quoted text is one token.
struct Scanner<'a> {
    rest: &'a str,
    dialect: Dialect,
    previous: char,
}

impl<'a> Scanner<'a> {
    fn next_token(&mut self) -> Option<Token<'a>> {
        self.skip_trivia();
        let first = self.rest.chars().next()?;
        let glued = is_word(self.previous);
        let token = match first {
            ';' => {
                self.advance(1);
                Token::Semicolon
            }
            '\'' => {
                let escapes = self.dialect == Dialect::Postgres && matches!(self.previous, 'e' | 'E');
                self.skip_quoted('\'', escapes)
            }
            '"' => self.skip_quoted('"', false),
            '`' if self.dialect == Dialect::Sqlite => self.skip_quoted('`', false),
            '[' if self.dialect == Dialect::Sqlite => self.skip_quoted(']', false),
            '$' if !glued => self.dollar(),
            _ if is_word(first) => Token::Word(self.take_while(is_word)),
            _ => {
                self.advance(first.len_utf8());
                Token::Other
            }
        };
        Some(token)
    }

    fn skip_trivia(&mut self) {
        loop {
            let trimmed =
                self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
            let length = if trimmed.starts_with("--") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                comment_length(trimmed, self.dialect == Dialect::Postgres)
            } else {
                if trimmed.len() < self.rest.len() {
                    self.previous = ' ';
                }
                self.rest = trimmed;
                return;
            };
            self.rest = trimmed.get(length..).unwrap_or("");
            self.previous = ' ';
        }
    }

    /// A parameter (`$1`) or, in PostgreSQL, a dollar-quoted string (`$tag$ … $tag$`).
    fn dollar(&mut self) -> Token<'a> {
        let after = self.rest.get(1..).unwrap_or("");
        let tag_length = after.find(|c| !is_word(c)).unwrap_or(after.len());
        let tag = after.get(..tag_length).unwrap_or("");
        let quotes = after.get(tag_length..).is_some_and(|rest| rest.starts_with('$'));
        if self.dialect == Dialect::Postgres && quotes && !tag.starts_with(|c: char| c.is_ascii_digit()) {
            let delimiter = self.rest.get(..tag_length + 2).unwrap_or("$$");
            let body = self.rest.get(delimiter.len()..).unwrap_or("");
            let length = body.find(delimiter).map_or(body.len(), |at| at + delimiter.len());
            self.advance(delimiter.len() + length);
            return Token::Other;
        }
        self.advance(1);
        Token::Parameter(self.take_while(is_word))
    }

    fn skip_quoted(&mut self, close: char, escapes: bool) -> Token<'a> {
        let mut characters = self.rest.char_indices().skip(1).peekable();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            if escapes && character == '\\' {
                characters.next();
            } else if character == close {
                if close != ']' && characters.next_if(|(_, next)| *next == close).is_some() {
                    continue;
                }
                end = at + close.len_utf8();
                break;
            }
        }
        self.advance(end);
        Token::Other
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let taken = self.rest.get(..length).unwrap_or("");
        self.advance(length);
        taken
    }

    fn advance(&mut self, bytes: usize) {
        self.previous = self.rest.get(..bytes).and_then(|text| text.chars().last()).unwrap_or(' ');
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the block comment `text` begins with. PostgreSQL's nest, SQLite's don't.
fn comment_length(text: &str, nests: bool) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") && (depth == 0 || nests) {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sql: &str, dialect: Dialect) -> Option<String> {
        check(sql, 0, dialect).err().map(|error| error.to_string())
    }

    #[test]
    fn transaction_control_is_refused_however_it_is_dressed() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            for sql in [
                "COMMIT",
                "  commit ;",
                "-- note\nROLLBACK",
                "/* a */ /* b */ BEGIN",
                ";; savepoint x",
                "PREPARE TRANSACTION 'x'",
                "select 1; commit",
                "select ';' ; commit",
                "/*c*/end",
                "",
                " -- only a comment",
            ] {
                assert!(refusal(sql, dialect).is_some(), "{sql} went through on {dialect:?}");
            }
        }
        assert!(refusal("/* /* */ COMMIT", Dialect::Sqlite).is_some());
        assert!(refusal("/* /* */ */ COMMIT", Dialect::Postgres).is_some());
        assert!(refusal("select E'\\'; '; commit", Dialect::Postgres).is_some());
        assert!(refusal("select $a$ ; $a$; commit", Dialect::Postgres).is_some());
        assert!(refusal("select [;]; commit", Dialect::Sqlite).is_some());
    }

    #[test]
    fn ordinary_statements_go_through() {
        for sql in [
            "select 'a; commit' as \"x;y\";",
            "insert into commit_log values ('begin')",
            "select 1 -- ; commit",
            "update t set a = 'it''s; fine';  ",
        ] {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                assert_eq!(refusal(sql, dialect), None, "{sql}");
            }
        }
        assert_eq!(refusal("select $tag$ ; commit $tag$", Dialect::Postgres), None);
        assert_eq!(refusal("select E'\\'; commit'", Dialect::Postgres), None);
    }

    #[test]
    fn parameters_are_counted() {
        assert!(check("select $1, $2, '$3'", 2, Dialect::Sqlite).is_ok());
        assert!(check("select $2", 1, Dialect::Postgres).is_err());
        assert!(check("select $0", 0, Dialect::Sqlite).is_err());
        assert!(check("select a$1 from t", 0, Dialect::Postgres).is_ok());
    }
}
