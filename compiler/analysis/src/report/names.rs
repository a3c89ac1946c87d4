//! Names and modules.

use super::{declared, did_you_mean, error, foreign, list};
use crate::codes;
use crate::context::{Context, Def, Entry};
use crate::declare::BUILTIN_TYPES;
use crate::hir::{ModuleId, NominalId};
use crate::names::distance;
use crate::stdlib;
use flow_syntax::ast::{Ident, Path};
use flow_syntax::foreign::words::Place;
use flow_syntax::{Diagnostic, Span};
use std::io;
use std::path::{Path as FilePath, PathBuf};

pub(crate) fn unreadable_root(path: &FilePath, cause: &io::Error) -> Diagnostic {
    Diagnostic::error(codes::UNKNOWN_MODULE, format!("`{}` can't be read: {cause}", path.display()))
}

pub(crate) fn unreadable_module(
    used: &Path,
    path: &FilePath,
    cause: &io::Error,
    beside: &[String],
) -> Diagnostic {
    let message = format!("the module `{}` can't be read", path.display());
    let cause = match cause.kind() {
        io::ErrorKind::NotFound => "no such file".to_string(),
        _ => cause.to_string(),
    };
    let diagnostic = error(codes::UNKNOWN_MODULE, message, used.span, cause);
    match used.name() {
        Some(last) => did_you_mean(diagnostic, &last.text, last.span, beside.iter().map(String::as_str)),
        None => diagnostic,
    }
}

pub(crate) fn unknown_package(path: &Path) -> Diagnostic {
    let name = path.name().map_or("", Ident::as_str);
    let diagnostic = error(codes::UNKNOWN_MODULE, "no such module", path.span, "not in the standard library");
    if path.segments.len() == 1 && stdlib::source(name).is_some() {
        let whole = format!("std.{name}");
        return diagnostic.help(format!("it is `{whole}`")).fix(
            path.span,
            whole.clone(),
            format!("write `{whole}`"),
        );
    }
    let diagnostic = match path.name() {
        Some(last) => {
            did_you_mean(diagnostic, name, last.span, stdlib::SOURCES.iter().map(|(name, _)| *name))
        }
        None => diagnostic,
    };
    diagnostic.note("a package is `std.NAME`; a file beside this one is `./NAME`")
}

/// `circle` has each file with its `use` of the next; the last one's leads back to the first.
pub(crate) fn import_cycle(circle: &[(PathBuf, Span)]) -> Diagnostic {
    let name = |path: &PathBuf| path.display().to_string();
    let steps = circle.iter().chain(circle.first()).map(|(path, _)| name(path)).collect::<Vec<_>>();
    let closing = circle.last().map(|(_, span)| *span).unwrap_or_default();
    let mut diagnostic =
        error(codes::IMPORT_CYCLE, "these files use each other", closing, "this closes the circle")
            .note(steps.join(" → "))
            .help("move what both need into a file of its own");
    let next = circle.iter().skip(1);
    for ((path, used), (target, _)) in circle.iter().zip(next) {
        diagnostic = diagnostic.also(*used, format!("{} uses {} here", name(path), name(target)));
    }
    diagnostic
}

pub(crate) fn duplicate(name: &Ident, first: Span) -> Diagnostic {
    let diagnostic =
        error(codes::DUPLICATE, format!("`{}` is declared twice", name.text), name.span, "again here");
    if first.is_nowhere() { diagnostic } else { diagnostic.also(first, "first here") }
}

pub(crate) fn not_in_module(
    cx: &Context<'_>,
    target: ModuleId,
    name: &Ident,
    private: Option<Span>,
) -> Diagnostic {
    let module = cx.module_name(target);
    if let Some(span) = private {
        let message = format!("`{}` of `{module}` is not public", name.text);
        let diagnostic = error(codes::NOT_IN_MODULE, message, name.span, "not visible here");
        return declared(diagnostic, span).help("write `pub` before its declaration");
    }
    let message = format!("the module `{module}` has no `{}`", name.text);
    let diagnostic = error(codes::NOT_IN_MODULE, message, name.span, "not found");
    if let Some(meant) = foreign(&diagnostic, Place::Member, name) {
        return meant;
    }
    let names = cx.scope(target).into_iter().flat_map(|scope| scope.names.iter());
    let public = names.filter(|(_, entry)| entry.public).map(|(name, _)| name.as_str());
    did_you_mean(diagnostic, &name.text, name.span, public)
}

fn visible<'c>(cx: &'c Context<'_>, module: ModuleId) -> impl Iterator<Item = (&'c str, Entry)> {
    let own = cx.scope(module).into_iter().flat_map(|scope| scope.names.iter());
    own.chain(&cx.prelude.names).filter(|_| cx.suggests()).map(|(name, entry)| (name.as_str(), *entry))
}

pub(crate) fn unknown_top(cx: &Context<'_>, module: ModuleId, name: &Ident, wants_type: bool) -> Diagnostic {
    let (code, what) = if wants_type {
        (codes::UNKNOWN_TYPE, "type")
    } else {
        (codes::UNKNOWN_NAME, "activity or workflow")
    };
    let diagnostic = error(code, format!("unknown {what} `{}`", name.text), name.span, "not found");
    let fits = |def: Def| !wants_type || matches!(def, Def::Nominal(_) | Def::Alias(_));
    if let Some(known) = foreign(&diagnostic, Place::Type, name).filter(|_| wants_type) {
        return known;
    }
    let names = visible(cx, module).filter(|(_, entry)| fits(entry.def)).map(|(name, _)| name);
    let builtin = BUILTIN_TYPES.iter().copied().filter(|_| wants_type);
    let diagnostic = did_you_mean(diagnostic, &name.text, name.span, names.chain(builtin));
    let listed = |def: Def| match def {
        Def::Nominal(_) | Def::Alias(_) => wants_type,
        Def::Activity(_) | Def::Workflow(_) => !wants_type,
        _ => false,
    };
    in_scope(diagnostic, &name.text, declared_names(cx, module, listed))
}

pub(crate) fn unknown_value(
    cx: &Context<'_>,
    module: ModuleId,
    name: &Ident,
    locals: &[String],
) -> Diagnostic {
    let diagnostic =
        error(codes::UNKNOWN_NAME, format!("unknown name `{}`", name.text), name.span, "not found");
    if let Some(known) = foreign(&diagnostic, Place::Value, name) {
        return known;
    }
    let functions = cx.prelude.functions.keys().filter(|_| cx.suggests()).map(|name| name.as_str());
    let names =
        locals.iter().map(String::as_str).chain(visible(cx, module).map(|(name, _)| name)).chain(functions);
    let diagnostic = did_you_mean(diagnostic, &name.text, name.span, names);
    let is_value = |def: Def| !matches!(def, Def::Nominal(_) | Def::Alias(_) | Def::Broken);
    in_scope(
        diagnostic,
        &name.text,
        locals.iter().map(String::as_str).chain(declared_names(cx, module, is_value)),
    )
}

/// The names that a file declares and uses, the standard library's left out.
fn declared_names<'c>(
    cx: &'c Context<'_>,
    module: ModuleId,
    fits: impl Fn(Def) -> bool,
) -> impl Iterator<Item = &'c str> {
    let own = cx.scope(module).into_iter().flat_map(|scope| scope.names.iter()).filter(|_| cx.suggests());
    own.filter(move |(_, entry)| fits(entry.def)).map(|(name, _)| name.as_str())
}

/// More names than this are no help: then only the nearest are listed.
const MOST_NAMES: usize = 8;

/// Lists what could have been meant: all there is, or the nearest of it.
fn in_scope<'n>(diagnostic: Diagnostic, wanted: &str, names: impl Iterator<Item = &'n str>) -> Diagnostic {
    let mut names: Vec<&str> = names.filter(|name| !name.is_empty() && *name != wanted).collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => diagnostic,
        count if count <= MOST_NAMES => diagnostic.note(format!("known here: {}", list(&names))),
        count => {
            names.sort_by_cached_key(|name| (distance(wanted, name), *name));
            names.truncate(MOST_NAMES / 2);
            diagnostic.note(format!("known here, of {count} names the nearest: {}", list(&names)))
        }
    }
}

pub(crate) fn unknown_constructor(cx: &Context<'_>, module: ModuleId, name: &Ident) -> Diagnostic {
    let message = format!("nothing is called `{}`", name.text);
    let diagnostic = error(codes::UNKNOWN_NAME, message, name.span, "no type, case or constant of this name");
    if let Some(known) = foreign(&diagnostic, Place::Value, name) {
        return known;
    }
    let cases = cx.scope(module).into_iter().flat_map(|scope| scope.cases.keys()).map(|name| name.as_str());
    let known = visible(cx, module).map(|(name, _)| name).filter(|name| name.starts_with(char::is_uppercase));
    did_you_mean(diagnostic, &name.text, name.span, cases.chain(known))
}

pub(crate) fn unknown_module_name(cx: &Context<'_>, module: ModuleId, name: &Ident) -> Diagnostic {
    if stdlib::source(&name.text).is_some() {
        return missing_use(cx, module, name);
    }
    error(codes::UNKNOWN_NAME, format!("unknown module `{}`", name.text), name.span, "not found")
}

pub(crate) fn missing_use(cx: &Context<'_>, module: ModuleId, name: &Ident) -> Diagnostic {
    let line = format!("use std.{}", name.text);
    let diagnostic =
        error(codes::MISSING_USE, format!("`{}` is not used in this file", name.text), name.span, "")
            .help(format!("add `{line}` at the top of the file"));
    match cx.file_start(module) {
        Some(start) => diagnostic.fix(Span::new(start, start), format!("{line}\n"), format!("add `{line}`")),
        None => diagnostic,
    }
}

/// `std.date.today()`: a path where a name belongs.
pub(crate) fn whole_path(
    cx: &Context<'_>,
    module: ModuleId,
    name: &Ident,
    used: bool,
    span: Span,
) -> Diagnostic {
    let line = format!("use std.{}", name.text);
    let message = format!("a module goes by its last name: `{}`", name.text);
    let diagnostic = error(codes::MISSING_USE, message, span, "");
    match cx.file_start(module) {
        Some(start) if !used => diagnostic
            .help(format!("add `{line}` at the top of the file, and write `{}`", name.text))
            .suggest(Span::new(start, start), format!("{line}\n"), format!("add `{line}`"))
            .suggest(span, name.as_str(), format!("write `{}`", name.text)),
        _ => diagnostic.fix(span, name.as_str(), format!("write `{}`", name.text)),
    }
}

pub(crate) fn ambiguous_case(name: &Ident, owners: &[String]) -> Diagnostic {
    let message = format!("`{}` may be of {}", name.text, list(owners));
    let help = owners.first().map_or(String::new(), |owner| format!("write `{owner}.{}`", name.text));
    error(codes::AMBIGUOUS_CASE, message, name.span, "which one?").help(help)
}

pub(crate) fn no_case(cx: &Context<'_>, owner: NominalId, name: &Ident) -> Diagnostic {
    let nominal = cx.nominal(owner);
    let message = format!("`{}` has no case `{}`", nominal.name, name.text);
    let diagnostic = declared(error(codes::UNKNOWN_NAME, message, name.span, "no such case"), nominal.span);
    let cases: Vec<&str> = cx.cases_of(owner).iter().map(|case| case.name.as_str()).collect();
    let diagnostic = if cases.is_empty() {
        diagnostic
    } else {
        diagnostic.note(format!("its cases are {}", list(&cases)))
    };
    did_you_mean(diagnostic, &name.text, name.span, cases)
}

pub(crate) fn wrong_kind(name: &Ident, found: &str, wanted: &str) -> Diagnostic {
    let message = format!("`{}` is {found}, not {wanted}", name.text);
    let diagnostic = error(codes::WRONG_KIND, message, name.span, format!("this is {found}"));
    match (found, wanted) {
        ("an activity" | "a workflow", "a value") => diagnostic
            .help(format!("call it: `{0}(…)`; as a function to pass on it is `|x| {0}(x)`", name.text)),
        _ => diagnostic,
    }
}

pub(crate) fn cyclic_default(default: Span) -> Diagnostic {
    error(codes::CYCLIC_CONST, "this default needs itself", default, "making this needs this default again")
        .help("give the argument here, or let the default be `none`, of type `T?`")
}

pub(crate) fn cyclic_const(name: &Ident, used_at: Span) -> Diagnostic {
    let message = format!("the value of `{}` needs itself", name.text);
    let diagnostic = error(codes::CYCLIC_CONST, message, used_at, "needed here");
    if used_at == name.span { diagnostic } else { declared(diagnostic, name.span) }
}
