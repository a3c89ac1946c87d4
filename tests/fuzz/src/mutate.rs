//! Changes to texts: of tokens, so that most of a program still says something, and of bytes.

use flow_project::Random;

/// A text as words, marks and the space between them; joined again it is the text.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |char: char| char.is_alphanumeric() || char == '_';
        let space = |char: char| char == ' ' || char == '\t';
        let length = if word(first) {
            rest.find(|char| !word(char))
        } else if space(first) {
            rest.find(|char| !space(char))
        } else {
            let two = ["->", "=>", "==", "!=", "<=", ">=", "??", "?.", "..", "//", "+=", "-="];
            Some(two.iter().find(|mark| rest.starts_with(**mark)).map_or(first.len_utf8(), |mark| mark.len()))
        };
        let (token, tail) = rest.split_at(length.unwrap_or(rest.len()));
        tokens.push(token);
        rest = tail;
    }
    tokens
}

const WORDS: &[&str] = &[
    "let",
    "var",
    "fn",
    "if",
    "else",
    "match",
    "for",
    "in",
    "while",
    "loop",
    "return",
    "fail",
    "try",
    "catch",
    "saga",
    "parallel",
    "race",
    "scope",
    "timeout",
    "every",
    "shield",
    "sleep",
    "wait",
    "until",
    "receive",
    "await",
    "spawn",
    "detach",
    "compensate",
    "unknown",
    "commit",
    "after",
    "is",
    "as",
    "with",
    "using",
    "within",
    "and",
    "or",
    "not",
    "true",
    "none",
    "const",
    "pub",
    "state",
    "query",
    "signal",
    "Some",
    "Int",
    "String",
    "List",
    "Map",
    "Decimal",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "1.5",
    "5m",
    "\"a\"",
    "\"{x}\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ":",
    ".",
    "?",
    "=",
    "=>",
    "->",
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "??",
    "?.",
    "..",
    "\n",
    "_",
    "x",
    "\"",
    "\"\"\"",
    "'",
    "\\",
    "//",
    "///",
];

/// A few changes of tokens: taken out, doubled, swapped, replaced by another of the text or of the language, or a stretch
/// of another text put in.
pub fn change_tokens(text: &str, other: &str, random: &mut Random) -> String {
    let mut tokens = tokens(text);
    let others = self::tokens(other);
    for _ in 0..random.between(1, 6) {
        let at = random.below(tokens.len());
        let Some(token) = tokens.get(at).copied() else { break };
        match random.below(8) {
            0 => {
                tokens.remove(at);
            }
            1 => tokens.insert(at, token),
            2 => {
                let with = random.below(tokens.len());
                tokens.swap(at, with);
            }
            3 | 4 => {
                let same = |other: &&&str| kind(other) == kind(token);
                let like: Vec<&str> = tokens.iter().filter(same).copied().collect();
                set(&mut tokens, at, random.word(&like));
            }
            5 => set(&mut tokens, at, random.word(WORDS)),
            6 => tokens.insert(at, random.word(WORDS)),
            _ => {
                let start = random.below(others.len());
                let stretch = others.iter().skip(start).take(random.between(1, 30)).copied();
                let stretch: Vec<&str> = stretch.collect();
                let end = (at + random.below(10)).min(tokens.len());
                tokens.splice(at..end, stretch);
            }
        }
    }
    tokens.concat()
}

fn set<'t>(tokens: &mut [&'t str], at: usize, token: &'t str) {
    if let Some(slot) = tokens.get_mut(at) {
        *slot = token;
    }
}

/// Words that begin alike are of one kind; so are numbers, space, and each mark.
fn kind(token: &str) -> char {
    match token.chars().next().unwrap_or(' ') {
        char if char.is_uppercase() => 'A',
        char if char.is_alphabetic() || char == '_' => 'a',
        char if char.is_numeric() => '0',
        char => char,
    }
}

/// A few changes of bytes; what is no UTF-8 any more becomes replacement characters.
pub fn change_bytes(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.between(1, 8) {
        let at = random.below(bytes.len());
        let byte = match random.below(3) {
            0 => random.word(WORDS).bytes().next().unwrap_or(b' '),
            1 => random.below(256) as u8,
            _ => bytes.get(random.below(bytes.len())).copied().unwrap_or(b'\n'),
        };
        match random.below(3) {
            0 if at < bytes.len() => {
                bytes.remove(at);
            }
            1 => bytes.insert(at.min(bytes.len()), byte),
            _ => {
                if let Some(slot) = bytes.get_mut(at) {
                    *slot = byte;
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Words of the language in any order.
pub fn any_words(random: &mut Random) -> String {
    let words: Vec<&str> = (0..random.between(1, 200)).map(|_| random.word(WORDS)).collect();
    words.join(" ")
}
