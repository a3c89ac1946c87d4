//! What the checker says: one function for each kind of mistake, from its facts to a diagnostic. Nothing else words one.

mod calls;
mod failures;
mod names;
mod patterns;
mod places;
mod strands;
mod types;
mod warnings;

pub(crate) use calls::*;
pub(crate) use failures::*;
pub(crate) use names::*;
pub(crate) use patterns::*;
pub(crate) use places::*;
pub(crate) use strands::*;
pub(crate) use types::*;
pub(crate) use warnings::*;

use flow_syntax::ast::Ident;
use flow_syntax::foreign::words::{self, Place};
use flow_syntax::{Code, Diagnostic, Span};

/// An error with its one place.
fn error(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message).at(span, label)
}

/// Points at a declaration, if it lies in a file.
fn declared(diagnostic: Diagnostic, span: Span) -> Diagnostic {
    if span.is_nowhere() { diagnostic } else { diagnostic.also(span, "declared here") }
}

/// `a`, `a and b`, `a, b and c`, each in backquotes.
fn list(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1st`, `2nd`, `3rd`, `4th`
fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (1, n) if n != 11 => "st",
        (2, n) if n != 12 => "nd",
        (3, n) if n != 13 => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// Says what is meant by a name that another language has, if it is one.
fn foreign(diagnostic: &Diagnostic, place: Place, name: &Ident) -> Option<Diagnostic> {
    let word = words::of(place, name.as_str())?;
    let diagnostic = diagnostic.clone();
    if word.own.is_empty() {
        return Some(diagnostic.help(word.help));
    }
    let (own, title) = (word.own, format!("write `{}`", word.own));
    let diagnostic = diagnostic.help(format!("here it is `{own}`"));
    // A method may do something else than its namesake elsewhere.
    let certain = matches!(place, Place::Type | Place::Value);
    Some(if certain {
        diagnostic.fix(name.span, own, title)
    } else {
        diagnostic.suggest(name.span, own, title)
    })
}

/// Offers the nearest name, if one is near.
fn did_you_mean<'n>(
    diagnostic: Diagnostic,
    wanted: &str,
    span: Span,
    names: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    match crate::names::nearest(wanted, names) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).suggest(
            span,
            near,
            format!("replace with `{near}`"),
        ),
        None => diagnostic,
    }
}
