//! Strands, their scopes, and handles.

use super::{did_you_mean, error};
use crate::codes;
use flow_syntax::ast::Ident;
use flow_syntax::{Diagnostic, Span};

pub(crate) fn handle_leaves_scope(found: &str, span: Span) -> Diagnostic {
    error(
        codes::HANDLE_LEAVES,
        format!("a `{found}` can't leave the scope that joins it"),
        span,
        "when this ends, its strands have ended",
    )
    .help("`await` it inside, and give its value")
}

pub(crate) fn handle_at_border(found: &str, what: &str, span: Span) -> Diagnostic {
    error(
        codes::HANDLE_AT_BORDER,
        format!("a `{found}` can't be {what}"),
        span,
        "a handle is of use only inside its instance",
    )
    .help("pass the other instance's id, a `String`, and find it again with `WORKFLOW.of(id)`")
}

pub(crate) fn spawn_without_scope(error_type: &str, span: Span) -> Diagnostic {
    error(
        codes::SPAWN_WITHOUT_SCOPE,
        format!("this strand can fail with `{error_type}`, and no scope here would"),
        span,
        "the scope that joins it is the caller's",
    )
    .help("put `scope { … }` around it, handle the failure in the strand, or keep the handle and `await` it")
}

pub(crate) fn not_a_handle(found: &str, span: Span) -> Diagnostic {
    error(codes::NOT_A_HANDLE, format!("`await` takes what `spawn` gives, and this is a `{found}`"), span, "")
        .help("a call waits by itself, without `await`; calls at once are `parallel { a(), b() }`")
}

pub(crate) fn handle_by_hand(name: &str, span: Span) -> Diagnostic {
    error(codes::NOT_A_HANDLE, format!("a `{name}` can't be made by hand"), span, "")
        .help("`spawn` and `detach` give one; `WORKFLOW.of(id)` finds an instance by its id")
}

pub(crate) fn detach_target(span: Span) -> Diagnostic {
    error(codes::DETACH_TARGET, "`detach` takes the call of a workflow", span, "")
        .help("to run this beside the code here, `spawn` it")
}

pub(crate) fn detach_setting(name: &Ident) -> Diagnostic {
    let message = format!("`detach` has no setting `{}`", name.text);
    error(codes::UNKNOWN_SETTING, message, name.span, "").note("it has `id`")
}

pub(crate) fn of_takes_an_id(span: Span) -> Diagnostic {
    error(codes::DETACH_TARGET, "`of` takes the id of an instance", span, "")
        .help("write `order.of(\"o-7\")`")
}

pub(crate) fn workflow_argument(head: &str, is_workflow: bool, span: Span) -> Diagnostic {
    let message = match is_workflow {
        true => format!("`{head}` takes a type, and this is a workflow"),
        false => format!("`{head}` takes a workflow, and this is a type"),
    };
    error(codes::WRONG_KIND, message, span, "")
}

pub(crate) fn unknown_signal(name: &Ident, known: &[&str]) -> Diagnostic {
    let message = format!("this workflow has no signal `{}`", name.text);
    let diagnostic = error(codes::UNKNOWN_NAME, message, name.span, "not declared");
    if known.is_empty() {
        return diagnostic
            .help(format!("declare it at the start of the workflow: `signal {}: String`", name.text));
    }
    did_you_mean(
        diagnostic.note(format!("it has {}", super::list(known))),
        &name.text,
        name.span,
        known.iter().copied(),
    )
}

pub(crate) fn no_message(workflow: &str, name: &Ident, known: &[String]) -> Diagnostic {
    let message = format!("`{workflow}` has no signal, query or update `{}`", name.text);
    let diagnostic = error(codes::NO_METHOD, message, name.span, "");
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let diagnostic = if known.is_empty() {
        diagnostic
    } else {
        diagnostic.note(format!("it has {}", super::list(&known)))
    };
    did_you_mean(diagnostic, &name.text, name.span, known)
}
