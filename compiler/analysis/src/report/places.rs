//! Things in places where they do not belong, and constructs not built yet.

use super::{did_you_mean, error, foreign};
use crate::codes;
use flow_syntax::ast::Ident;
use flow_syntax::foreign::words::Place;
use flow_syntax::{Diagnostic, Span};

pub(crate) fn not_yet(construct: &str, span: Span) -> Diagnostic {
    error(
        codes::NOT_YET,
        format!("`{}` is not built yet", construct.replace('`', "")),
        span,
        "accepted, but it can't run yet",
    )
}

pub(crate) fn unknown_setting(key: &Ident, known: &[&str]) -> Diagnostic {
    let message = format!("an activity has no setting `{}`", key.text);
    let diagnostic =
        error(codes::UNKNOWN_SETTING, message, key.span, "").note(format!("it has {}", super::list(known)));
    match foreign(&diagnostic, Place::Setting, key) {
        Some(meant) => meant,
        None => did_you_mean(diagnostic, &key.text, key.span, known.iter().copied()),
    }
}

/// `retry: …` or `x: …` among statements.
pub(crate) fn misplaced_setting(key: &Ident, of_activity: bool) -> Diagnostic {
    let name = &key.text;
    match of_activity {
        true => error(
            codes::UNKNOWN_SETTING,
            format!("`{name}` is a setting of activities"),
            key.span,
            "statements stand here",
        )
        .help(format!("give it in the activity's braces, or for one call: `charge(card) using ({name}: …)`")),
        false => error(codes::UNKNOWN_SETTING, format!("`{name}: …` is no statement"), key.span, "statements stand here")
            .help("a variable is declared by `let x = 1`; a record is made by call, `Point(x: 1)`, a map is `[\"x\": 1]`"),
    }
}

pub(crate) fn duplicate_setting(key: &Ident) -> Diagnostic {
    error(codes::DUPLICATE_SETTING, format!("`{}` is given twice", key.text), key.span, "again here")
}

pub(crate) fn bad_limit(span: Span) -> Diagnostic {
    error(codes::MISMATCH, "a limit is a number per duration", span, "").help("write it as `100 per 1s`")
}

pub(crate) fn misplaced_operator(operator: &str, place: &str, span: Span) -> Diagnostic {
    let diagnostic = error(codes::MISPLACED_OPERATOR, format!("`{operator}` belongs into {place}"), span, "");
    match operator {
        "until" => {
            diagnostic.help("a range is written `0..n`; to wait for something, `wait until condition`")
        }
        _ => diagnostic,
    }
}

pub(crate) fn outside_run(span: Span) -> Diagnostic {
    error(codes::OUTSIDE_RUN, "only an activity touches the world", span, "this reaches out of the instance")
        .help("put it into the `run:` of an activity, and call that")
}

pub(crate) fn waits_in(span: Span, place: &str) -> Diagnostic {
    error(codes::SUSPENDS_IN_PURE, format!("{place} can't wait"), span, "this waits in an instance")
}

pub(crate) fn impure(span: Span, place: &str, found: &str) -> Diagnostic {
    error(codes::IMPURE, format!("{place} only computes"), span, found)
        .help("it may read `state`s and its own parameters, and call functions that do no more")
}

pub(crate) fn no_state(span: Span) -> Diagnostic {
    error(
        codes::NO_STATE,
        "`wait until` needs a `state` to watch",
        span,
        "this reads none, so it would never change",
    )
    .help("it is looked at when the wait begins, and after each step that writes a `state` it reads")
}

pub(crate) fn unset_state(name: &Ident, declared: Span) -> Diagnostic {
    error(codes::UNSET_STATE, format!("`{}` is not set yet", name.text), name.span, "used here")
        .also(declared, "it gets its first value here")
        .help("move its declaration up")
}

pub(crate) fn stale_state(name: &str, read: Span, assigned: Span) -> Diagnostic {
    let message = format!("`{name}` is assigned from what it was before a wait");
    Diagnostic::warning(codes::STALE_STATE, message)
        .at(assigned, "what was written meanwhile is lost here")
        .also(read, "read here")
        .help("read it after the wait, in the expression that assigns it")
}

pub(crate) fn bad_index(found: &str, span: Span) -> Diagnostic {
    error(codes::BAD_INDEX, format!("an index can't be of type {found}"), span, "")
        .help("a `Bool`, a number, a `String`, a `Timestamp`, a `Duration`, or an option of one")
}

pub(crate) fn bad_interval(span: Span) -> Diagnostic {
    error(codes::BAD_INTERVAL, "`every` needs time between its beats", span, "no time at all")
}

pub(crate) fn outside_saga(word: &str, span: Span) -> Diagnostic {
    error(codes::OUTSIDE_SAGA, format!("`{word}` needs a saga around it in the same function"), span, "")
        .help("wrap the steps in `saga { … }`")
}

pub(crate) fn assign_outer(name: &Ident, place: &str, declared: Span) -> Diagnostic {
    let message = format!("{place} can't assign the outer `{}`", name.text);
    error(codes::ASSIGN_OUTER, message, name.span, "it has the value of the moment it began")
        .also(declared, "declared outside")
        .help("give the new value as the result instead")
}

pub(crate) fn leaves_strand(word: &str, place: &str, span: Span) -> Diagnostic {
    error(codes::LEAVES_STRAND, format!("`{word}` can't leave {place}"), span, "")
        .help("its last expression is its value; look at that outside, or `fail`")
}

pub(crate) fn outside_loop(word: &str, span: Span) -> Diagnostic {
    error(codes::OUTSIDE_LOOP, format!("`{word}` outside a loop"), span, "")
        .help("a function is left by `return`")
}

pub(crate) fn outside_workflow(word: &str, span: Span) -> Diagnostic {
    error(codes::OUTSIDE_WORKFLOW, format!("`{word}` belongs into the body of a workflow"), span, "")
}

pub(crate) fn outside_test(word: &str, span: Span) -> Diagnostic {
    let diagnostic = error(codes::OUTSIDE_TEST, format!("`{word}` belongs into a test"), span, "");
    match word {
        "assert" => diagnostic.help("elsewhere, raise an error: `if n <= 0 { fail Invalid(\"…\") }`"),
        _ => diagnostic,
    }
}

pub(crate) fn bad_unknown(span: Span) -> Diagnostic {
    error(codes::BAD_UNKNOWN, "`unknown` takes the key of the step", span, "").help("write `unknown |key| …`")
}

pub(crate) fn not_a_step(place: &str, found: &str, wanted: &str, span: Span) -> Diagnostic {
    error(codes::NOT_A_STEP, format!("{place} takes {wanted}, and this is {found}"), span, "")
}
