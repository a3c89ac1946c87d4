//! Failures.

use super::{error, list};
use crate::codes;
use flow_syntax::ast::{Ident, Name, Signature};
use flow_syntax::{Diagnostic, Span};

/// `left` are the cases that a `catch` around it leaves, where it is about others of them.
pub(crate) fn unhandled(
    failure: &str,
    left: &[String],
    span: Span,
    name: &str,
    signature: Option<&Signature>,
) -> Diagnostic {
    let message = match left {
        [] => format!("`{failure}` is not handled"),
        _ => format!(
            "`{failure}` is handled in part: {} {} left",
            list(left),
            if left.len() == 1 { "is" } else { "are" }
        ),
    };
    let diagnostic = error(codes::UNHANDLED, message, span, format!("can fail with `{failure}`"));
    let Some(signature) = signature else {
        return diagnostic.help("handle it: `… catch { … }`");
    };
    let (at, text) = match signature.fails.last() {
        Some(last) => (last.span.end, format!(" | {failure}")),
        None => (signature.span.end, format!(" fails {failure}")),
    };
    diagnostic
        .also(signature.name.span, format!("`{name}` does not declare it"))
        .help(format!("add it to the signature (`fails {failure}`), or handle it: `… catch {{ … }}`"))
        .suggest(Span::new(at, at), text.clone(), format!("add `{}` to the signature", text.trim()))
}

pub(crate) fn impossible_catch(found: &str, possible: &[String], span: Span) -> Diagnostic {
    let note = match possible {
        [] => "it declares no failures".to_string(),
        _ => format!("it can fail with {}", list(possible)),
    };
    error(codes::IMPOSSIBLE_CATCH, format!("`{found}` can't happen here"), span, "nothing raises it")
        .note(note)
}

pub(crate) fn fail_type(found: &str, span: Span) -> Diagnostic {
    let diagnostic =
        error(codes::FAIL_TYPE, format!("`fail` raises errors, and this is `{found}`"), span, "");
    match found {
        "String" => diagnostic.help(
            "declare an error for it, `error Invalid(reason: String)`, and raise that: `fail Invalid(\"…\")`",
        ),
        _ => diagnostic.help(format!("declare `{found}` with `error` in place of `enum` or `record`")),
    }
}

pub(crate) fn nothing_to_try(span: Span) -> Diagnostic {
    error(codes::NOTHING_TO_TRY, "nothing here declares a failure for `try` to catch", span, "")
        .note("failures of the system, such as `Timeout`, pass through `try` unless a signature names them")
        .help("remove `try`")
}

pub(crate) fn fails_after_commit(activity: &Name, commit: Span, span: Span) -> Diagnostic {
    Diagnostic::warning(codes::FAILS_AFTER_COMMIT, format!("`{activity}` may fail where nothing is undone any more"))
        .at(span, "it can fail for good")
        .also(commit, "after this, what came before is not undone")
        .help("let it be tried until it succeeds: `… using (retry: exponential(initial: 1s, factor: 2))`, or handle its failure")
}

pub(crate) fn missing_unknown(activity: &Name, cause: &Ident, span: Span) -> Diagnostic {
    let message = format!("nobody may ever know whether `{activity}` happened");
    Diagnostic::warning(codes::MISSING_UNKNOWN, message)
        .at(span, "its outcome can stay unknown, and the saga holds compensations")
        .also(cause.span, format!("with `{}`, a call can end unknown", cause.text))
        .help("say what undoes it then: `… compensate UNDO unknown |key| RELEASE`")
}
