//! Types and operators.

use super::{did_you_mean, error, foreign, ordinal};
use crate::check::Why;
use crate::codes;
use crate::context::Context;
use crate::declare::ORDERED;
use crate::hir::{NominalKind, Type};
use flow_syntax::ast::{self, ExprKind, Ident, Name};
use flow_syntax::foreign::words::Place;
use flow_syntax::{Diagnostic, Span};

pub(crate) fn mismatch(found: &str, wanted: &str, why: &Why, span: Span) -> Diagnostic {
    let diagnostic = error(
        codes::MISMATCH,
        format!("expected `{wanted}`, found `{found}`"),
        span,
        format!("this is of type `{found}`"),
    );
    hinted(reasoned(diagnostic, wanted, why), found, wanted, why)
}

/// Says why a type was expected.
fn reasoned(diagnostic: Diagnostic, wanted: &str, why: &Why) -> Diagnostic {
    match why {
        Why::Context => diagnostic,
        Why::Argument { index, callee, declared } => {
            let what = match index {
                0 => format!("what `{callee}` is called on"),
                index => format!("the {} argument of `{callee}`", ordinal(*index)),
            };
            because(diagnostic, *declared, what)
        }
        Why::Field { name, owner, declared } if name.is_empty() => {
            because(diagnostic, *declared, format!("the value of `{owner}`"))
        }
        Why::Field { name, owner, declared } => {
            because(diagnostic, *declared, format!("the field `{name}` of `{owner}`"))
        }
        Why::Declared(at) => diagnostic.also(*at, "the declared type"),
        Why::Returns { name, span } => diagnostic.also(*span, format!("what `{name}` is declared to return")),
        Why::Element(at) => diagnostic.also(*at, format!("the elements before are of type `{wanted}`")),
        Why::Arms(at) => diagnostic.also(*at, format!("the others are of type `{wanted}`")),
        Why::Variable { name, span } => diagnostic.also(*span, format!("`{name}` is of type `{wanted}`")),
        Why::Condition => diagnostic.note("a condition is a `Bool`"),
        Why::Operand(op) => diagnostic.note(format!("it is an operand of `{op}`")),
        Why::Setting(what) => diagnostic.note(format!("{what} takes a `{wanted}`")),
    }
}

/// Says how one type becomes the other, where that is known.
fn hinted(diagnostic: Diagnostic, found: &str, wanted: &str, why: &Why) -> Diagnostic {
    match (found.strip_suffix('?'), wanted) {
        (Some(item), _) if item == wanted => {
            diagnostic.help("it may be `none`: give a default with `??`, or test with `is Some(…)`")
        }
        _ if found.contains("fails …") => diagnostic
            .note("what a plain function parameter raises is for each caller to say: it may be called and passed on, not kept")
            .help("name it: `fn keep<E>(f: (fn() -> Int fails E)) -> (fn() -> Int fails E)`"),
        _ if matches!(why, Why::Condition) => diagnostic.help(condition(found)),
        (_, _) if found == "()" && matches!(why, Why::Returns { .. }) => {
            diagnostic.help("the last expression of a body is its value; `return` takes one, too")
        }
        _ if wanted == "()" || found == "()" => diagnostic,
        _ if found.starts_with("Result<") => {
            diagnostic.help("`try` makes a failure a value: look at it with `match`; without `try`, it goes on to the caller")
        }
        _ if wanted.starts_with("Result<") => {
            diagnostic.help("what may fail says so in its signature: `-> Int fails Declined`; a `Result` is `Ok(…)` or `Err(…)`")
        }
        (_, "Retry") => diagnostic.help("a policy is `exponential(attempts: 3)`, `linear(…)` or `never()`"),
        (_, "Duration") if found == "String" => diagnostic.help("a duration is written without quotes: `30s`"),
        (_, "String") => diagnostic.help("to show a value as text, write `\"{value}\"`"),
        (_, "Float") if matches!(found, "Int" | "Decimal") => diagnostic.help("convert with `.to_float()`"),
        (_, "Int") if found == "Decimal" => {
            diagnostic.help("round it first: `n.round().to_int()` is an `Int?`, for it may be too big")
        }
        (_, "Decimal") if found == "Int" => diagnostic.help("convert with `.to_decimal()`"),
        _ => diagnostic,
    }
}

/// How a condition asks what other languages take for one.
fn condition(found: &str) -> &'static str {
    let is_collection = ["List<", "Map<", "Set<"].iter().any(|head| found.starts_with(head));
    match found {
        "Int" | "Decimal" | "Float" => "compare it: `n != 0`",
        "String" => "compare it: `text != \"\"`",
        _ if found.ends_with('?') => "compare it, `maybe != none`, or look inside: `maybe is Some(x)`",
        _ if is_collection => "ask it: `not xs.is_empty()`",
        _ => "compare it with `==`",
    }
}

/// Says what a value is for: at its declaration, if that is in a file that can be shown.
fn because(diagnostic: Diagnostic, declared: Span, what: String) -> Diagnostic {
    if declared.is_nowhere() {
        diagnostic.note(format!("it is {what}"))
    } else {
        diagnostic.also(declared, what)
    }
}

/// A number where a duration is wanted.
pub(crate) fn without_unit(diagnostic: Diagnostic, number: Span) -> Diagnostic {
    let end = Span::new(number.end, number.end);
    diagnostic
        .help("a duration has a unit: `250ms`, `30s`, `5m`, `24h`, `7d`")
        .suggest(end, "ms", "these are milliseconds")
        .suggest(end, "s", "these are seconds")
}

/// Two arguments, each of the type of the other's place. For each place the parameter, its type, where that is declared,
/// and the argument; `adjacent` where none stands between them.
pub(crate) fn exchanged_arguments(
    callee: &str,
    places: [(Name, String, Span, Span); 2],
    adjacent: bool,
) -> Diagnostic {
    let [(first, first_ty, first_declared, one), (second, second_ty, second_declared, other)] = places;
    let message = format!("these two arguments of `{callee}` are exchanged");
    let label = |ty: &str, name: &str| match name {
        "" => format!("`{ty}` belongs here"),
        _ => format!("`{name}: {ty}` belongs here"),
    };
    let mut diagnostic = error(codes::MISMATCH, message, one, label(&first_ty, &first))
        .at(other, label(&second_ty, &second))
        .help("exchange them, or name them: `name: value`");
    // With nothing between them, the other then has its place by itself.
    if adjacent && !second.is_empty() {
        diagnostic = diagnostic.fix(Span::new(one.start, one.start), format!("{second}: "), "name it");
    }
    for declared in [first_declared, second_declared].into_iter().filter(|span| !span.is_nowhere()) {
        diagnostic = diagnostic.also(declared, "");
    }
    diagnostic
}

/// `Ok(value)` or `Err(error)` where another type is wanted: how other languages return.
pub(crate) fn result_by_hand(diagnostic: Diagnostic, is_ok: bool) -> Diagnostic {
    diagnostic.help(if is_ok {
        "a value is returned as it is, without `Ok(…)`; that something may fail says the signature: `fails …`"
    } else {
        "raise the error: `fail …` in place of `Err(…)`; the signature names its type: `fails …`"
    })
}

/// `Ok(())` where nothing is returned.
pub(crate) fn result_of_nothing(span: Span) -> Diagnostic {
    error(codes::MISMATCH, "nothing is returned here, and that needs no `Ok`", span, "")
        .help("leave it out: what returns nothing ends where its body ends")
}

/// `2024-01-01`
pub(crate) fn date_literal(parts: [&str; 3], span: Span) -> Diagnostic {
    let [year, month, day] = parts.map(|part| part.trim_start_matches('0'));
    error(codes::DATE_LITERAL, "this subtracts numbers: dates have no literal", span, "")
        .help(format!("write `Date({year}, {month}, {day})`, of `use std.date.{{Date}}`"))
        .suggest(
            span,
            format!("Date({year}, {month}, {day})"),
            format!("write `Date({year}, {month}, {day})`"),
        )
}

/// Why there is no value where one is expected.
#[derive(Clone, Copy)]
pub(crate) enum Nothing {
    IfWithoutElse,
    EmptyBlock,
    LastIsLet,
    LastIsAssignment,
    LastIsStatement,
}

impl Nothing {
    /// Says so of a mismatch.
    pub fn explain(self, diagnostic: &mut Diagnostic) {
        let label = match self {
            Nothing::IfWithoutElse => "this `if` has no `else`, so it gives nothing",
            Nothing::EmptyBlock => "this is empty, so it gives nothing",
            Nothing::LastIsLet => "the last thing before this is a `let`, which gives nothing",
            Nothing::LastIsAssignment => "the last thing before this is an assignment, which gives nothing",
            Nothing::LastIsStatement => "what stands before this gives nothing",
        };
        if let Some(first) = diagnostic.labels.first_mut() {
            first.text = label.into();
        }
        if matches!(self, Nothing::IfWithoutElse) {
            diagnostic.help = Some("add `else { … }`".into());
        }
    }
}

pub(crate) fn returns_nothing(found: &str, why: &Why, span: Span) -> Diagnostic {
    let message = format!("this function returns nothing, and this is a `{found}`");
    let diagnostic = error(codes::MISMATCH, message, span, format!("this is of type `{found}`"));
    match why {
        Why::Returns { name, span } => diagnostic
            .also(*span, format!("`{name}` declares no result"))
            .help(format!("declare it: `-> {found}`, or write `return` alone")),
        _ => diagnostic,
    }
}

pub(crate) fn unknown_bound(bound: &Ident) -> Diagnostic {
    let message = format!("`{}` is nothing that can be asked of a type", bound.text);
    let diagnostic = error(codes::UNKNOWN_TYPE, message, bound.span, "not known");
    match bound.as_str() {
        "Ord" | "PartialOrd" | "Comparable" => diagnostic.fix(bound.span, ORDERED, format!("write `{ORDERED}`")),
        _ => diagnostic
            .note("all values can be compared with `==` and shown; functions that need more take it as an argument")
            .help("an order is asked for with `T: Ordered`, and nothing else can be"),
    }
}

/// `part` is what of `found` has no order; `generic` whether that is a type parameter.
pub(crate) fn no_order(found: &str, part: &str, generic: bool, callee: &str, span: Span) -> Diagnostic {
    let message = format!("`{callee}` needs an order, and `{found}` has none");
    let label = if found == part { String::new() } else { format!("it holds a `{part}`") };
    let diagnostic = error(codes::NO_ORDER, message, span, label);
    if generic {
        return diagnostic.help(format!("ask for it in the signature: `{part}: Ordered`"));
    }
    diagnostic
        .note("maps, sets, functions and JSON have no order; what holds one has none either")
        .help("order by something that has one: `items.sort_by(|item| …)`")
}

pub(crate) fn cannot_infer(span: Span) -> Diagnostic {
    error(codes::CANNOT_INFER, "the type of this can't be known", span, "nothing says which type it has")
        .help("write the type: `let name: Type = …`, `|x: Type| …`")
}

pub(crate) fn operator(op: &str, left: &str, right: Option<&str>, span: Span) -> Diagnostic {
    let message = match right {
        Some(right) if right != left => format!("`{op}` does not take `{left}` and `{right}`"),
        _ => format!("`{op}` does not take `{left}`"),
    };
    let diagnostic = error(codes::OPERATOR, message, span, "");
    match (op, left, right) {
        ("%", "String", _) => diagnostic.help("a string interpolates: `\"hello {name}\"`"),
        ("+", "String", _) | ("+", _, Some("String")) => {
            diagnostic.help("join texts by interpolation: `\"{a}{b}\"`")
        }
        (_, "Int", Some("Decimal")) | (_, "Decimal", Some("Int")) => {
            diagnostic.help("variables never convert by themselves: write `.to_decimal()`")
        }
        (_, "Float", Some("Int" | "Decimal")) | (_, "Int" | "Decimal", Some("Float")) => {
            diagnostic.help("variables never convert by themselves: write `.to_float()`")
        }
        (_, "Money", _) | (_, _, Some("Money")) => diagnostic
            .help("amounts of money have methods, which see to their currencies: `price.add(fee)`, `price.times(3)`"),
        ("<" | "<=" | ">" | ">=", ..) if left.starts_with('(') && right == Some(left) => {
            diagnostic.help(format!("tuples are compared by a function: `compare(a, b) {op} 0`"))
        }
        ("??" | "?.", ..) => diagnostic.note("it takes an optional value, `T?`"),
        _ => diagnostic,
    }
}

pub(crate) fn function_equality(span: Span) -> Diagnostic {
    error(codes::FUNCTION_EQUALITY, "functions can't be compared", span, "")
}

pub(crate) fn literal_range(text: &str, ty: &str, span: Span) -> Diagnostic {
    error(codes::LITERAL_RANGE, format!("`{text}` does not fit into `{ty}`"), span, "out of range")
}

pub(crate) fn no_field(
    cx: &Context<'_>,
    shape: &Type,
    found: &str,
    name: &Ident,
    is_method: bool,
) -> Diagnostic {
    let message = format!("`{found}` has no field `{}`", name.text);
    let diagnostic = error(codes::NO_FIELD, message, name.span, "no such field");
    if is_method {
        let end = Span::new(name.span.end, name.span.end);
        return diagnostic.help("it is a function: call it").fix(end, "()", "call it");
    }
    if let Some(mut meant) = foreign(&diagnostic, Place::Member, name) {
        // What is a property elsewhere is a function here.
        meant.fixes.iter_mut().for_each(|fix| fix.replacement.push_str("()"));
        return meant;
    }
    match shape {
        Type::Option(_) => diagnostic.help("it may be `none`: reach inside with `?.`"),
        Type::Nominal(id, _) => match &cx.nominal(*id).kind {
            NominalKind::Record(fields) => did_you_mean(
                diagnostic,
                &name.text,
                name.span,
                fields.iter().map(|field| field.name.as_str()),
            ),
            NominalKind::Distinct(_) => diagnostic.help("`.value` gives what it wraps"),
            _ => diagnostic.help("use `match` or `is` to look into an enum"),
        },
        Type::Json => diagnostic.help(
            "reach inside with `data.get(\"name\")`, or convert it: `let order: Order = json.to(data)`",
        ),
        _ => diagnostic,
    }
}

pub(crate) fn not_a_record(found: &str, span: Span) -> Diagnostic {
    error(codes::NOT_A_RECORD, format!("`with` copies records, and this is `{found}`"), span, "no record")
}

pub(crate) fn not_indexable(found: &str, span: Span) -> Diagnostic {
    let message = format!("`{found}` has no index");
    let diagnostic = error(codes::NOT_INDEXABLE, message, span, "lists, maps and tuples have");
    match found {
        "String" => diagnostic.help("cut a part out, `text.slice(0, 1)`, or take it apart, `text.chars()`"),
        "Json" => diagnostic.help("reach inside with `data.get(\"name\")` or `data.path(\"items[0].name\")`, or convert it: `json.to(data)`"),
        _ if found.ends_with('?') => diagnostic.help("it may be none: say what then, `(found ?? other)[0]`, or ask `if found is Some(it) { it[0] }`"),
        _ => diagnostic,
    }
}

pub(crate) fn tuple_index(count: usize, span: Span) -> Diagnostic {
    error(
        codes::NOT_INDEXABLE,
        format!("this tuple is indexed by 0 to {}", count.saturating_sub(1)),
        span,
        "",
    )
}

pub(crate) fn negative_index(span: Span) -> Diagnostic {
    error(codes::LITERAL_RANGE, "an index counts from 0", span, "before the first item")
        .help("from the end: `xs.last()`, `xs[xs.len() - 2]`")
}

pub(crate) fn key_type(key: &str, part: &str, span: Span) -> Diagnostic {
    let message = format!("`{key}` can be no key of a map and no element of a set");
    let label = if key == part { String::new() } else { format!("it holds a `{part}`") };
    let diagnostic = error(codes::KEY_TYPE, message, span, label);
    match part {
        "Float" => diagnostic
            .note("a `Float` is only nearly exact, so equal results of a computation may differ as keys")
            .help("use `Decimal` or `Int`"),
        _ => diagnostic.note("functions can't be compared"),
    }
}

pub(crate) fn not_iterable(found: &str, span: Span) -> Diagnostic {
    error(
        codes::MISMATCH,
        format!("`for` goes over lists, maps, sets and bytes, and this is `{found}`"),
        span,
        "",
    )
    .help("a range is written `0..n`")
}

pub(crate) fn type_arguments(name: &Ident, wanted: usize, found: usize) -> Diagnostic {
    let plural = if wanted == 1 { "" } else { "s" };
    let message = format!("`{}` takes {wanted} type argument{plural}, not {found}", name.text);
    error(codes::TYPE_ARGUMENTS, message, name.span, "")
}

pub(crate) fn cyclic_alias(name: &Ident, used_at: Span) -> Diagnostic {
    let span = if used_at.is_nowhere() { name.span } else { used_at };
    error(codes::CYCLIC_ALIAS, format!("`{}` is another name for itself", name.text), span, "")
}

pub(crate) fn nested_option(span: Span) -> Diagnostic {
    error(codes::NESTED_OPTION, "an option of an option can't be written", span, "one `?` too many")
}

pub(crate) fn not_an_error_type(found: &str, span: Span) -> Diagnostic {
    error(codes::NOT_AN_ERROR_TYPE, format!("`{found}` is no error type"), span, "")
        .help("only what is declared with `error` can be raised")
}

pub(crate) fn infinite_record(name: &Name, span: Span) -> Diagnostic {
    let message = format!("no value of `{name}` could ever be complete: it contains itself");
    error(codes::INFINITE_RECORD, message, span, "through this").help("make it a list or an option: `T?`")
}

pub(crate) fn missing_body(name: &Name, span: Span) -> Diagnostic {
    error(codes::MISSING_BODY, format!("`{name}` has no body"), span, "").help("add `{ … }`")
}

pub(crate) fn unused_value(expr: &ast::Expr) -> Diagnostic {
    let diagnostic = error(codes::UNUSED_VALUE, "nothing uses this value", expr.span, "it does nothing else");
    match &expr.kind {
        ExprKind::Binary { op: ast::BinaryOp::Eq, op_span, .. } => {
            diagnostic.help("`==` compares; `=` assigns").suggest(*op_span, "=", "assign with `=`")
        }
        ExprKind::String(_) => {
            diagnostic.help("a comment begins with `//`; documentation, before a declaration, with `///`")
        }
        _ => diagnostic,
    }
}
