//! The grammar that `docs/language.md` shows is the one the parser is made from: it is derived from the grammar's source,
//! and this test fails where the two differ. `FLOW_UPDATE=1 cargo test -p flow-tests --test grammar` writes it anew.
#![allow(clippy::expect_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_documented_grammar_is_the_parsers() {
    let source = fs::read_to_string(root().join("compiler/syntax/src/grammar.lalrpop")).expect("the grammar");
    let grammar = ebnf(&source);
    let path = root().join("docs/language.md");
    let docs = fs::read_to_string(&path).expect("the reference");
    let (before, rest) = docs.split_once("```ebnf\n").expect("an ebnf block");
    let (shown, after) = rest.split_once("```").expect("its end");
    if std::env::var_os("FLOW_UPDATE").is_some() {
        fs::write(&path, format!("{before}```ebnf\n{grammar}```{after}")).expect("the reference is written");
    } else {
        assert!(shown == grammar, "docs/language.md shows another grammar; see the head of this test");
    }
    for terminal in terminals(&grammar) {
        assert!(before.contains(&format!("| `{terminal}` |")), "the reference explains no `{terminal}`");
    }
}

#[test]
fn actions_captures_and_recovery_are_left_out() {
    let source = r#"
// ---- Lists ----
Comma<T>: Vec<T> = <mut list:(<T> ",")*> <last:T?> => { list.extend(last); list };
// Why.
Case: Case = {
    <l:@L> <name:Upper> "=>" <fields:("(" <Comma<Field>> ")")?> <r:@R> => Case { name, fields },
    <l:@L> invalid <r:@R> => cx.invalid(l, r),
    => Case::default(),
};
"#;
    let expected = "/* Lists */\n\nComma<T> ::= (T \",\")* T?\nCase ::= Upper \"=>\" (\"(\" Comma<Field> \")\")? | /* nothing */\n";
    assert_eq!(rules(source), expected);
}

/// The grammar's rules, and the words that are reserved, as EBNF.
fn ebnf(source: &str) -> String {
    let (tokens, grammar) = source.split_once("// ---- ").expect("a heading");
    let grammar = rules(&format!("// ---- {grammar}"));
    let names = grammar.split("\n").find(|line| line.starts_with("LowerWord ::=")).map_or("", |line| line);
    let block = grammar.split_once("LowerWord ::=").map_or("", |(_, rest)| rest);
    let contextual = block.split("\n\n").next().unwrap_or(names);
    let words = tokens
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    let reserved: Vec<String> =
        words.map(|word| format!("\"{word}\"")).filter(|word| !contextual.contains(word.as_str())).collect();
    format!("{grammar}\n/* Words that name nothing. */\n\n{}", rule("Reserved", &reserved))
}

fn rules(source: &str) -> String {
    let mut out = String::new();
    let mut text = String::new();
    for line in source.lines() {
        if let Some(heading) = line.trim().strip_prefix("// ---- ") {
            all_rules(&mut out, &std::mem::take(&mut text));
            let heading = heading.trim_end_matches(['-', ' ']);
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}/* {heading} */\n\n"));
        } else if !line.trim().starts_with("//") && !line.trim().starts_with("#[") {
            text.push_str(line);
            text.push('\n');
        }
    }
    all_rules(&mut out, &text);
    out
}

fn all_rules(out: &mut String, text: &str) {
    for definition in split(text, ';') {
        let Some((head, body)) = definition.split_once('=') else { continue };
        let name =
            split(head, ':').first().map_or("", |name| name.trim()).trim_start_matches("pub ").to_owned();
        let body = body.trim();
        let alternatives = match body.strip_prefix('{').and_then(|body| body.strip_suffix('}')) {
            Some(inner) => split(inner, ','),
            None => vec![body.to_owned()],
        };
        let alternatives = alternatives
            .iter()
            .map(|alternative| alternative.trim())
            .filter(|alternative| !alternative.is_empty());
        let shown: Vec<String> = alternatives.filter_map(alternative).collect();
        out.push_str(&rule(&name, &shown));
    }
}

/// `Name ::= a | b`, over several lines where it is long.
fn rule(name: &str, alternatives: &[String]) -> String {
    let line = format!("{name} ::= {}\n", alternatives.join(" | "));
    if line.chars().count() <= 110 {
        return line;
    }
    let words = alternatives.iter().all(|alternative| !alternative.contains(' '));
    if !words {
        return format!("{name} ::=\n    {}\n", alternatives.join("\n  | "));
    }
    let mut out = format!("{name} ::=");
    for line in alternatives.chunks(9) {
        out.push_str(&format!("\n  | {}", line.join(" | ")));
    }
    out.replacen("\n  | ", "\n    ", 1) + "\n"
}

/// What an alternative matches; none for those that only recover from mistakes.
fn alternative(text: &str) -> Option<String> {
    let end = find(text, "=>").unwrap_or(text.len());
    let symbols = symbols(text.get(..end).unwrap_or_default());
    if symbols.iter().any(|symbol| symbol == "invalid") {
        return None;
    }
    Some(if symbols.is_empty() { "/* nothing */".into() } else { symbols.join(" ") })
}

fn symbols(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => 2 + rest.get(1..).and_then(|rest| rest.find('"')).unwrap_or(0),
            '<' | '(' => bracket(rest),
            '@' => rest
                .get(1..)
                .and_then(|tail| tail.find(|c: char| !c.is_alphanumeric()))
                .map_or(rest.len(), |at| at + 1),
            '*' | '+' | '?' => 1,
            _ => {
                let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let arguments = rest.get(name..).unwrap_or_default();
                name.max(1) + if arguments.starts_with('<') { bracket(arguments) } else { 0 }
            }
        };
        let (symbol, tail) = rest.split_at(length.min(rest.len()));
        let inner = symbol.get(1..symbol.len().saturating_sub(1)).unwrap_or_default();
        match first {
            '*' | '+' | '?' => {
                if let Some(last) = found.last_mut() {
                    last.push(first);
                }
            }
            '@' => {}
            '<' => found.extend(symbols(captured(inner))),
            '(' => found.push(format!("({})", symbols(inner).join(" "))),
            '"' => found.push(symbol.to_owned()),
            _ => found.push(macro_call(symbol)),
        }
        rest = tail.trim_start();
    }
    found
}

/// `Comma<Arg>`: a name and its arguments.
fn macro_call(symbol: &str) -> String {
    let Some((name, arguments)) = symbol.split_once('<') else { return symbol.to_owned() };
    let arguments = arguments.strip_suffix('>').unwrap_or(arguments);
    let arguments: Vec<String> =
        split(arguments, ',').iter().map(|argument| symbols(argument).join(" ")).collect();
    format!("{name}<{}>", arguments.join(", "))
}

/// What `<mut name:X>` captures.
fn captured(inner: &str) -> &str {
    let inner = inner.strip_prefix("mut ").unwrap_or(inner);
    match inner.split_once(':') {
        Some((name, symbol)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => symbol,
        _ => inner,
    }
}

/// The length of the bracket that a text begins with.
fn bracket(text: &str) -> usize {
    let mut depth = 0usize;
    let mut quoted = false;
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            '<' | '(' if !quoted => depth += 1,
            '>' | ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Where `what` stands outside of strings and braces.
fn find(text: &str, what: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, char)| {
        quoted ^= char == '"';
        (!quoted && text.get(at..).is_some_and(|rest| rest.starts_with(what))).then_some(at)
    })
}

/// Splits at a separator outside of strings and brackets.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut depth, mut quoted, mut from, mut before) = (Vec::new(), 0i32, false, 0, ' ');
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' | '<' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            '>' if before != '=' && before != '-' => depth -= 1,
            _ if char == separator && depth == 0 => {
                parts.push(text.get(from..at).unwrap_or_default().to_owned());
                from = at + 1;
            }
            _ => {}
        }
        before = char;
    }
    parts.push(text.get(from..).unwrap_or_default().to_owned());
    parts
}

/// The names of terminals: those that begin with a small letter, outside of strings and comments.
fn terminals(grammar: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in grammar.lines().filter(|line| !line.starts_with("/*")) {
        for (index, part) in line.split('"').enumerate() {
            let words = part.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|_| index % 2 == 0);
            let words =
                words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && *word != "nothing");
            names.extend(words.map(str::to_owned));
        }
    }
    names.sort();
    names.dedup();
    assert!(names.iter().any(|name| name == "newline"), "{names:?}");
    names
}
