//! The words of a condition.

use super::Mistake;
use flow_store::Comparison;

/// One word, with its place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a bare value.
    Word,
    /// Begins with a digit: a number, a date, a duration.
    Number,
    /// In quotes: what they hold.
    Text(String),
    /// And whether it is negated (`!=`).
    Comparison(Comparison, bool),
    Open,
    Close,
    End,
}

pub(crate) const NOTHING: Token<'static> = Token { kind: Kind::End, text: "", start: 0, end: 0 };

impl Token<'_> {
    /// The value it stands for.
    pub(crate) fn content(&self) -> &str {
        match &self.kind {
            Kind::Text(text) => text,
            _ => self.text,
        }
    }
}

/// All words, the end included.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = token(rest, first, at)?;
        let end = at + length;
        tokens.push(Token { kind, text: text.get(at..end).unwrap_or_default(), start: at, end });
        at = end;
    }
    tokens.push(Token { kind: Kind::End, text: "", start: at, end: at });
    Ok(tokens)
}

fn token(rest: &str, first: char, at: usize) -> Result<(Kind, usize), Mistake> {
    let signs = [
        ("==", Comparison::Equal, false),
        ("!=", Comparison::Equal, true),
        ("<=", Comparison::LessOrEqual, false),
        (">=", Comparison::GreaterOrEqual, false),
        ("=", Comparison::Equal, false),
        ("<", Comparison::Less, false),
        (">", Comparison::Greater, false),
    ];
    if let Some((sign, comparison, negated)) = signs.into_iter().find(|(sign, ..)| rest.starts_with(sign)) {
        return Ok((Kind::Comparison(comparison, negated), sign.len()));
    }
    match first {
        '(' => Ok((Kind::Open, 1)),
        ')' => Ok((Kind::Close, 1)),
        '"' | '\'' => quoted(rest, first, at),
        _ if first.is_alphanumeric() || first == '_' || first == '-' => {
            let inside = |letter: char| letter.is_alphanumeric() || "_-.:+".contains(letter);
            let length = rest.find(|letter| !inside(letter)).unwrap_or(rest.len());
            let is_number = first.is_ascii_digit() || first == '-';
            Ok((if is_number { Kind::Number } else { Kind::Word }, length))
        }
        _ => {
            let end = at + first.len_utf8();
            Err(Mistake { start: at, end, message: format!("`{first}` means nothing here") })
        }
    }
}

/// In double or single quotes; a backslash takes the next character as it is.
fn quoted(rest: &str, quote: char, at: usize) -> Result<(Kind, usize), Mistake> {
    let mut content = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\\' => content.extend(letters.next().map(|(_, escaped)| escaped)),
            _ if letter == quote => return Ok((Kind::Text(content), index + 1)),
            _ => content.push(letter),
        }
    }
    Err(Mistake { start: at, end: at + rest.len(), message: "this text has no end".into() })
}
