//! Calls and assignments.

use super::{declared, did_you_mean, error, foreign, list};
use crate::codes;
use crate::context::Context;
use crate::hir::{ModuleId, NominalKind, Type};
use flow_syntax::ast::{Ident, Name};
use flow_syntax::foreign::words::Place;
use flow_syntax::{Diagnostic, Span};

pub(crate) fn no_method(
    cx: &Context<'_>,
    module: ModuleId,
    shape: &Type,
    found: &str,
    name: &Ident,
) -> Diagnostic {
    let message = format!("`{found}` has no method `{}`", name.text);
    let diagnostic = error(codes::NO_METHOD, message, name.span, "no function of this name takes it first");
    let unused =
        crate::stdlib::with_method(&name.text, found).find(|known| cx.lookup(module, known).is_none());
    if let (Some(standard), Some(start)) = (unused, cx.file_start(module)) {
        let line = format!("use std.{standard}");
        return diagnostic
            .help(format!("`{}` is of `std.{standard}`: add `{line}` at the top of the file", name.text))
            .fix(Span::new(start, start), format!("{line}\n"), format!("add `{line}`"));
    }
    if let Some(meant) = foreign(&diagnostic, Place::Member, name) {
        return meant;
    }
    if let Type::Option(_) = shape {
        return diagnostic.help("it may be `none`: call it with `?.`");
    }
    let functions = cx.prelude.functions.keys().map(Name::as_str);
    let own = cx.scope(module).into_iter().flat_map(|scope| scope.names.keys()).map(Name::as_str);
    let fields: Vec<&str> = match shape {
        Type::Nominal(id, _) => match &cx.nominal(*id).kind {
            NominalKind::Record(fields) => fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let names = functions.chain(own).filter(|_| cx.suggests()).chain(fields);
    did_you_mean(diagnostic, &name.text, name.span, names)
}

pub(crate) fn not_callable(found: &str, span: Span) -> Diagnostic {
    error(codes::NOT_CALLABLE, format!("{found} can't be called"), span, "")
}

/// `f(b: 1, 2)`; `meant` is the parameter that the argument is probably for.
pub(crate) fn unnamed_behind_named(meant: &Name, span: Span) -> Diagnostic {
    let start = Span::new(span.start, span.start);
    error(codes::EXTRA_ARGUMENT, "behind named arguments, each has a name", span, "what is this for?")
        .help(format!("name it: `{meant}: …`, or let it stand before the named ones"))
        .suggest(start, format!("{meant}: "), format!("it is `{meant}`"))
}

pub(crate) fn default_beside(name: &Ident) -> Diagnostic {
    error(codes::UNKNOWN_NAME, "a default can't use what stands beside it", name.span, "not known here")
        .note("a default is understood where it is declared, before any argument is given")
        .help("let the default be `none`, of type `T?`, and work the value out with `??`")
}

pub(crate) fn outside_handler(name: &Ident) -> Diagnostic {
    let (name, span) = (&name.text, name.span);
    error(codes::UNKNOWN_NAME, format!("queries and updates don't see `{name}`"), span, "not known here")
        .note("they run while the workflow waits anywhere: only its `state` variables are there at any time")
        .help(format!("keep it in one at the start of the workflow: `state its_{name} = {name}`"))
}

pub(crate) fn missing_argument(
    callee: &Name,
    missing: &[Name],
    all: &[(Name, String)],
    at: Span,
    span: Span,
) -> Diagnostic {
    let message = format!("`{callee}` is missing {}", list(missing));
    let params: Vec<String> = all.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
    declared(error(codes::MISSING_ARGUMENT, message, span, ""), at)
        .note(format!("it takes ({})", params.join(", ")))
}

pub(crate) fn extra_argument(callee: &Name, wanted: usize, at: Span, span: Span) -> Diagnostic {
    let plural = if wanted == 1 { "" } else { "s" };
    let message = format!("`{callee}` takes {wanted} argument{plural}");
    declared(error(codes::EXTRA_ARGUMENT, message, span, "one too many"), at)
}

pub(crate) fn unknown_argument(callee: &Name, name: &Ident, names: &[&str]) -> Diagnostic {
    let message = format!("`{callee}` has no argument `{}`", name.text);
    let diagnostic = error(codes::UNKNOWN_ARGUMENT, message, name.span, "no such name");
    did_you_mean(diagnostic, &name.text, name.span, names.iter().copied())
}

pub(crate) fn argument_twice(callee: &Name, name: &Name, span: Span) -> Diagnostic {
    error(codes::EXTRA_ARGUMENT, format!("`{callee}` is given `{name}` twice"), span, "again here")
}

pub(crate) fn unnamed_change(span: Span) -> Diagnostic {
    error(codes::UNKNOWN_ARGUMENT, "what changes is named: `(field: value)`", span, "without a name")
}

pub(crate) fn some_takes_one(span: Span) -> Diagnostic {
    error(codes::MISSING_ARGUMENT, "`Some` takes one value", span, "")
}

pub(crate) fn using_target(name: &str, span: Span) -> Diagnostic {
    error(
        codes::USING_TARGET,
        format!("`using` changes how an activity is called, and `{name}` is none"),
        span,
        "",
    )
}

pub(crate) fn not_assignable(name: &Ident, declared_at: Option<Span>, is_param: bool) -> Diagnostic {
    let message = format!("`{}` can't be assigned", name.text);
    let diagnostic = error(codes::NOT_ASSIGNABLE, message, name.span, "");
    match declared_at {
        Some(span) if is_param => declared(diagnostic, span)
            .help(format!("a parameter keeps its value: `var rest = {}` makes a variable of it", name.text)),
        Some(span) => declared(diagnostic, span).help("declare it with `var`"),
        None => diagnostic.help("what changes is a `var` in a body, or a `state` of a workflow"),
    }
}

/// An assignment to what a file declares; `kind` as in "a constant".
pub(crate) fn assigned_declaration(name: &Ident, kind: &str) -> Diagnostic {
    let message = format!("`{}` can't be assigned", name.text);
    error(codes::NOT_ASSIGNABLE, message, name.span, format!("{kind} stays what it is"))
        .help("what changes is a `var` in a body, or a `state` of a workflow")
}

pub(crate) fn not_a_place(span: Span) -> Diagnostic {
    error(codes::NOT_ASSIGNABLE, "this can't be assigned", span, "only a variable, or a part of one, can")
}
