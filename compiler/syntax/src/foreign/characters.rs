//! Characters that the language has no use for, and what is meant by them.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A character, what it is called, and what to write instead.
type Row = (char, &'static str, &'static str);

/// Characters that look like one of ours.
const LOOKALIKES: [Row; 32] = [
    ('\u{a0}', "a no-break space", " "),
    ('\u{202f}', "a narrow no-break space", " "),
    ('\u{2009}', "a thin space", " "),
    ('\u{3000}', "a wide space", " "),
    ('\u{200b}', "an invisible space", ""),
    ('\u{200d}', "an invisible joiner", ""),
    ('\u{200e}', "an invisible mark", ""),
    ('\u{2060}', "an invisible joiner", ""),
    ('，', "a wide comma", ","),
    ('；', "a wide semicolon", ";"),
    ('：', "a wide colon", ":"),
    ('（', "a wide bracket", "("),
    ('）', "a wide bracket", ")"),
    ('｛', "a wide brace", "{"),
    ('｝', "a wide brace", "}"),
    ('［', "a wide bracket", "["),
    ('］', "a wide bracket", "]"),
    ('＝', "a wide equals sign", "="),
    ('\u{2212}', "a minus sign of print", "-"),
    ('–', "a dash", "-"),
    ('—', "a dash", "-"),
    ('×', "a multiplication sign", "*"),
    ('·', "a dot of multiplication", "*"),
    ('÷', "a division sign", "/"),
    ('≤', "an operator of print", "<="),
    ('≥', "an operator of print", ">="),
    ('≠', "an operator of print", "!="),
    ('→', "an arrow of print", "->"),
    ('⇒', "an arrow of print", "=>"),
    ('∧', "an operator of logic", "and"),
    ('∨', "an operator of logic", "or"),
    ('¬', "an operator of logic", "not "),
];

/// Characters that have a meaning elsewhere.
const FOREIGN: [Row; 6] = [
    (
        '@',
        "there are no annotations",
        "what a thing is stands before its name: `activity charge(…)`, `workflow settle(…)`",
    ),
    (
        '&',
        "there is no `&`",
        "values never change, so there are no references; logic is `and`, numbers have `n.bit_and(m)`",
    ),
    ('^', "there is no `^`", "write `n.pow(2)`, or `n.bit_xor(m)`"),
    ('~', "there is no `~`", "logic is negated with `not`"),
    (
        '\\',
        "there is no `\\`",
        "a line goes on where it ends in an operator or an open bracket; a lambda is `|x| …`",
    ),
    ('$', "names stand alone, without `$`", "in a string, `{name}` interpolates"),
];

/// What to say of characters that mean nothing here, the first above all; `rest` is what follows them.
pub(crate) fn explain(text: &str, rest: &str, span: Span) -> Diagnostic {
    let first = text.chars().next().unwrap_or_default();
    let start = Span::new(span.start, span.start + first.len_utf8() as u32);
    if let Some((_, name, own)) = LOOKALIKES.iter().find(|(char, ..)| *char == first) {
        let message = match own.trim() {
            "" => format!("{name} stands here"),
            own => format!("{name} stands here, where `{own}` is meant"),
        };
        let title =
            if own.trim().is_empty() { "replace it".to_string() } else { format!("write `{}`", own.trim()) };
        return Diagnostic::error(codes::UNEXPECTED_CHARACTER, message).at(start, "").fix(start, *own, title);
    }
    if first == '$' && rest.starts_with(|char: char| char.is_ascii_digit()) {
        return Diagnostic::error(codes::UNEXPECTED_CHARACTER, "an amount is a number alone")
            .at(start, "")
            .help("with its currency it is a `Money` of `std.money`: `Money(12.50, USD)`");
    }
    if first == '$' && rest.starts_with('"') {
        return Diagnostic::error(
            codes::WRONG_QUOTES,
            "strings have no prefix: `{…}` interpolates in every one",
        )
        .at(start, "")
        .fix(start, "", "remove it");
    }
    if let Some((_, message, help)) = FOREIGN.iter().find(|(char, ..)| *char == first) {
        return Diagnostic::error(codes::UNEXPECTED_CHARACTER, *message).at(start, "").help(*help);
    }
    let shown = if text.starts_with('`') { text.to_string() } else { format!("`{}`", text.escape_debug()) };
    Diagnostic::error(codes::UNEXPECTED_CHARACTER, format!("{shown} means nothing here")).at(span, "")
}
