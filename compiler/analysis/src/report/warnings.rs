//! Warnings: what compiles, but probably is not what was meant.

use crate::codes;
use crate::context::Def;
use flow_syntax::ast::{Ident, Name};
use flow_syntax::{Code, Diagnostic, Span};

fn warning(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(code, message).at(span, label)
}

fn underscore(diagnostic: Diagnostic, name: &str, span: Span) -> Diagnostic {
    diagnostic.help("if that is on purpose, let its name begin with `_`").suggest(
        span,
        format!("_{name}"),
        format!("name it `_{name}`"),
    )
}

pub(crate) fn unused_variable(name: &Name, assigned: bool, span: Span) -> Diagnostic {
    if ["default", "otherwise"].contains(&name.as_str()) {
        // It takes whatever is left, and looks as if it were a word of the language.
        return warning(codes::UNUSED_VARIABLE, format!("`{name}` is just a name"), span, "never used")
            .help("the arm for all the rest is `_`")
            .suggest(span, "_", "write `_`");
    }
    let message = if assigned {
        format!("`{name}` is assigned, but never read")
    } else {
        format!("nothing reads `{name}`")
    };
    underscore(warning(codes::UNUSED_VARIABLE, message, span, "never used"), name, span)
}

pub(crate) fn unused_parameter(name: &Name, span: Span) -> Diagnostic {
    let diagnostic =
        warning(codes::UNUSED_PARAMETER, format!("nothing reads the parameter `{name}`"), span, "never used");
    underscore(diagnostic, name, span)
}

pub(crate) fn unused_declaration(name: &Name, def: Def, span: Span) -> Diagnostic {
    let kind = def.kind().trim_start_matches("an ").trim_start_matches("a ");
    warning(codes::UNUSED_DECLARATION, format!("nothing uses the {kind} `{name}`"), span, "never used")
        .help("remove it, or write `pub` before it if other files need it")
}

pub(crate) fn unused_use(name: &Name, span: Span, removal: Option<Span>) -> Diagnostic {
    let diagnostic = warning(codes::UNUSED_USE, format!("nothing needs `{name}` here"), span, "never used");
    match removal {
        Some(removal) => diagnostic.fix(removal, "", "remove it"),
        None => diagnostic.help("remove it"),
    }
}

pub(crate) fn unused_signal(name: &Name, span: Span) -> Diagnostic {
    let message = format!("nothing receives the signal `{name}`");
    warning(codes::UNUSED_SIGNAL, message, span, "what is sent stays in its queue for ever")
        .help(format!("wait for it with `receive {name}`, or remove it"))
}

pub(crate) fn unused_state(name: &Name, span: Span) -> Diagnostic {
    let message = format!("nothing reads the state `{name}`");
    warning(codes::UNUSED_STATE, message, span, "no query, update or condition looks at it")
        .help("show it with a `query`, or remove it")
}

pub(crate) fn unused_result(function: &str, span: Span) -> Diagnostic {
    let message = format!("nothing uses what `{function}` gives");
    warning(
        codes::UNUSED_RESULT,
        message,
        span,
        "values never change: this makes a new one, which is dropped",
    )
    .help("give the result a name; only on a `var` does `xs.push(x)` change the variable")
}

pub(crate) fn unused_try(span: Span) -> Diagnostic {
    warning(
        codes::UNUSED_RESULT,
        "nothing looks at the `Result` of this `try`",
        span,
        "a failure goes unnoticed",
    )
    .help("look at it with `match`; or name the failures that may be ignored: `… catch { E => {} }`")
}

pub(crate) fn unreachable_code(span: Span, after: Span) -> Diagnostic {
    warning(codes::UNREACHABLE_CODE, "this is never reached", span, "never reached")
        .also(after, "nothing goes on from here")
}

pub(crate) fn shadowed(name: &Ident, hidden: Span) -> Diagnostic {
    warning(
        codes::SHADOWED,
        format!("this `{}` hides another one", name.text),
        name.span,
        "from here on, this one is meant",
    )
    .also(hidden, "the other one")
    .help("give one of them another name")
}

pub(crate) fn needless_var(name: &Name, keyword: Span, span: Span) -> Diagnostic {
    warning(codes::NEEDLESS_VAR, format!("`{name}` is never assigned again"), span, "needs no `var`").fix(
        keyword,
        "let",
        "declare it with `let`",
    )
}

pub(crate) fn needless_catch(value: Span, arms: Span) -> Diagnostic {
    warning(codes::NEEDLESS_CATCH, "this `catch` has nothing to catch", arms, "never happens")
        .also(value, "this can't fail")
        .fix(Span::new(value.end, arms.end), "", "remove the `catch`")
}

pub(crate) fn constant_condition(always: bool, span: Span) -> Diagnostic {
    warning(codes::CONSTANT_CONDITION, format!("this is always {always}"), span, "the same, whatever happens")
}

pub(crate) fn while_true(head: Span) -> Diagnostic {
    warning(codes::CONSTANT_CONDITION, "this condition is always true", head, "an endless loop").fix(
        head,
        "loop ",
        "an endless loop is written `loop`",
    )
}

pub(crate) fn needless_construct(word: &str, span: Span) -> Diagnostic {
    let message = format!("this `{word}` has one part only");
    warning(codes::NEEDLESS_CONSTRUCT, message, span, "nothing runs beside it")
        .help(format!("leave out the `{word}`"))
}

pub(crate) fn growing(name: &str, span: Span, loop_head: Span) -> Diagnostic {
    warning(
        codes::GROWING_STATE,
        format!("`{name}` grows for as long as this instance lives"),
        span,
        "grows here",
    )
    .also(loop_head, "in an endless loop that waits: it is saved again at each wait")
    .help(
        "keep what is needed only (a total, the last few), remove what is done with, or end the loop and start anew from time to time",
    )
}

pub(crate) fn empty_saga(span: Span) -> Diagnostic {
    warning(codes::EMPTY_SAGA, "this saga has nothing to undo", span, "no step in it says `compensate`")
        .help("say how a step is undone: `charge(card) compensate refund(card)`; or leave out the `saga`")
}

pub(crate) fn zero_duration(construct: &str, span: Span) -> Diagnostic {
    let effect = match construct {
        "timeout" => "it fails at once",
        "after" => "it wins at once",
        _ => "it waits for nothing",
    };
    warning(codes::ZERO_DURATION, format!("`{construct}` with no time"), span, effect)
}
