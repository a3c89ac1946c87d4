//! Patterns.

use super::{error, list};
use crate::codes;
use flow_syntax::ast::Name;
use flow_syntax::{Diagnostic, Span};

pub(crate) fn not_exhaustive(missing: &[String], head: Span, whole: Span, last: Option<Span>) -> Diagnostic {
    let message = format!("this `match` misses {}", list(missing));
    let diagnostic = error(codes::NOT_EXHAUSTIVE, message, head, "not every value has an arm");
    let arms: Vec<String> = missing.iter().map(|case| format!("\n  {case} => {{}}")).collect();
    let at = last.map_or(whole.end.saturating_sub(1), |last| last.end);
    diagnostic.help("add an arm for each, or `_ => …`").suggest(
        Span::new(at, at),
        arms.concat(),
        "add the missing arms",
    )
}

pub(crate) fn unreachable_arm(span: Span) -> Diagnostic {
    Diagnostic::warning(codes::UNREACHABLE_ARM, "this arm never matches")
        .at(span, "the arms before it leave it nothing")
}

pub(crate) fn useless_alternative(span: Span) -> Diagnostic {
    Diagnostic::warning(codes::UNREACHABLE_ARM, "this alternative never matches")
        .at(span, "what stands before it leaves it nothing")
        .help("remove it and its `|`")
}

pub(crate) fn pattern_type(found: &str, span: Span) -> Diagnostic {
    error(codes::PATTERN_TYPE, format!("this pattern can't match {found}"), span, "")
}

pub(crate) fn pattern_fields(names: &[&Name], span: Span) -> Diagnostic {
    let message = match names {
        [] => "this has no fields".to_string(),
        _ => format!("these are not the fields of the case, which are {}", list(names)),
    };
    error(codes::PATTERN_FIELDS, message, span, "").help("leave fields out with `..`")
}

pub(crate) fn refutable(missing: &str, place: &str, span: Span) -> Diagnostic {
    let message = format!("{place} must match always, and this misses `{missing}`");
    error(codes::REFUTABLE, message, span, "")
        .help("use `match`, or `if value is PATTERN { … }`; an option has `??`: `let n = maybe ?? 0`")
}

pub(crate) fn or_bindings(part: Span, whole: Span) -> Diagnostic {
    error(codes::OR_BINDINGS, "the alternatives bind different names", part, "not as the first one")
        .also(whole, "each must bind the same names, of the same types")
}

pub(crate) fn pattern_twice(name: &Name, span: Span) -> Diagnostic {
    error(codes::PATTERN_TWICE, format!("this pattern binds `{name}` twice"), span, "")
}

pub(crate) fn nothing_to_bind(head: &str, span: Span) -> Diagnostic {
    error(codes::PATTERN_TYPE, format!("`{head}` has no value to bind"), span, "")
}
