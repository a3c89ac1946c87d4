//! Whether patterns leave a value out, and which of them can never match: Maranget's usefulness, with witnesses.

use crate::check::Checker;
use crate::hir::{Literal, NominalKind, Pattern, PatternKind, Ty, Type};

/// What is wrong with a list of patterns.
#[derive(Default)]
pub(crate) struct Found {
    /// Values no pattern matches, as a person would write them: a few examples.
    pub missing: Vec<String>,
    /// Indices of the patterns that earlier ones leave nothing to.
    pub unreachable: Vec<usize>,
}

/// How a value of a type may be made.
#[derive(Clone, Debug, PartialEq)]
enum Constructor {
    /// A tuple, record or distinct value: the only way.
    Only,
    Bool(bool),
    None,
    Some,
    Case(u32),
    /// One of several error types.
    Error(Ty),
    /// One of endlessly many literals.
    Literal(Literal),
}

type Row<'p> = Vec<Option<&'p Pattern>>;

/// How many examples of what is missing are worth showing.
const MAX_EXAMPLES: usize = 4;

/// Checks patterns, in order, against the values of a type; a guarded one may not match what it looks like.
pub(crate) fn check(checker: &mut Checker<'_, '_>, ty: Ty, rows: Vec<(&Pattern, bool)>) -> Found {
    let mut found = Found::default();
    let mut matrix: Vec<Row<'_>> = Vec::new();
    if rows.iter().any(|(pattern, _)| is_broken(pattern)) {
        return found;
    }
    for (index, (pattern, guarded)) in rows.into_iter().enumerate() {
        let alternatives = alternatives(Some(pattern));
        let useful =
            alternatives.iter().any(|one| !missing(checker, &[ty], &matrix, Some(&[*one]), 1).is_empty());
        if !useful {
            found.unreachable.push(index);
        }
        if !guarded {
            matrix.extend(alternatives.into_iter().map(|one| vec![one]));
        }
    }
    found.missing = missing(checker, &[ty], &matrix, None, MAX_EXAMPLES)
        .into_iter()
        .filter_map(|witness| witness.into_iter().next())
        .collect();
    found
}

fn is_broken(pattern: &Pattern) -> bool {
    matches!(pattern.kind, PatternKind::Invalid) || pattern.parts().iter().any(is_broken)
}

fn alternatives(pattern: Option<&Pattern>) -> Vec<Option<&Pattern>> {
    match pattern.map(|pattern| &pattern.kind) {
        Some(PatternKind::Or(parts)) => parts.iter().flat_map(|part| alternatives(Some(part))).collect(),
        Some(PatternKind::Wildcard | PatternKind::Bind(_) | PatternKind::AnyError { .. }) => vec![None],
        _ => vec![pattern],
    }
}

/// Values (one text per column) that no row matches, and that `only` does where it is given; at most `limit` of them.
fn missing(
    checker: &mut Checker<'_, '_>,
    types: &[Ty],
    rows: &[Row<'_>],
    only: Option<&[Option<&Pattern>]>,
    limit: usize,
) -> Vec<Vec<String>> {
    let Some((&ty, rest)) = types.split_first() else {
        return if rows.is_empty() { vec![Vec::new()] } else { Vec::new() };
    };
    let head = only.and_then(|only| only.first().copied()).flatten();
    if let Some(pattern) = head
        && let Some(constructor) = constructor_of(pattern)
    {
        return specialized(checker, ty, rest, rows, only, &constructor, limit);
    }
    let used: Vec<Constructor> =
        rows.iter().filter_map(|row| row.first().copied().flatten()).filter_map(constructor_of).collect();
    let Some(all) = constructors(checker, ty).filter(|_| !used.is_empty()) else {
        let unnamed = default_rows(rows);
        let only_rest = only.map(|only| only.get(1..).unwrap_or_default());
        let mut witnesses = missing(checker, rest, &unnamed, only_rest, limit);
        witnesses.iter_mut().for_each(|witness| witness.insert(0, "_".to_string()));
        return witnesses;
    };
    let mut witnesses = Vec::new();
    for constructor in all {
        if witnesses.len() >= limit {
            break;
        }
        witnesses.extend(specialized(checker, ty, rest, rows, only, &constructor, limit - witnesses.len()));
    }
    witnesses
}

fn default_rows<'p>(rows: &[Row<'p>]) -> Vec<Row<'p>> {
    let open = rows.iter().filter(|row| matches!(row.first(), Some(None)));
    open.map(|row| row.get(1..).unwrap_or_default().to_vec()).collect()
}

/// The values made by one constructor.
fn specialized(
    checker: &mut Checker<'_, '_>,
    ty: Ty,
    rest: &[Ty],
    rows: &[Row<'_>],
    only: Option<&[Option<&Pattern>]>,
    constructor: &Constructor,
    limit: usize,
) -> Vec<Vec<String>> {
    let fields = field_types(checker, ty, constructor);
    let count = fields.len();
    let inner: Vec<Row<'_>> = rows.iter().flat_map(|row| specialize(row, constructor, count)).collect();
    let types: Vec<Ty> = fields.into_iter().chain(rest.iter().copied()).collect();
    let onlys: Vec<Option<Row<'_>>> = match only {
        None => vec![None],
        Some(only) => specialize(only, constructor, count).into_iter().map(Some).collect(),
    };
    let mut witnesses = Vec::new();
    for only in onlys {
        for witness in missing(checker, &types, &inner, only.as_deref(), limit) {
            let (parts, others) = witness.split_at(count.min(witness.len()));
            let mut whole = vec![show(checker, ty, constructor, parts)];
            whole.extend(others.iter().cloned());
            witnesses.push(whole);
        }
    }
    witnesses.truncate(limit);
    witnesses
}

/// A row as it looks to the fields of values made by one constructor; several where alternatives are inside, none where
/// it does not match.
fn specialize<'p>(row: &[Option<&'p Pattern>], constructor: &Constructor, count: usize) -> Vec<Row<'p>> {
    let Some((head, tail)) = row.split_first() else { return Vec::new() };
    let fields: Vec<Option<&Pattern>> = match head {
        None => vec![None; count],
        Some(pattern) => {
            if constructor_of(pattern).as_ref() != Some(constructor) {
                return Vec::new();
            }
            match &pattern.kind {
                PatternKind::Literal(_) | PatternKind::None => Vec::new(),
                _ => pattern.parts().iter().map(Some).collect(),
            }
        }
    };
    let mut expanded: Vec<Row<'p>> = vec![Vec::new()];
    for field in fields {
        let choices = alternatives(field);
        expanded = expanded
            .into_iter()
            .flat_map(|row| {
                choices.iter().map(move |choice| {
                    let mut row = row.clone();
                    row.push(*choice);
                    row
                })
            })
            .collect();
    }
    expanded.iter_mut().for_each(|row| row.extend(tail));
    expanded
}

fn constructor_of(pattern: &Pattern) -> Option<Constructor> {
    Some(match &pattern.kind {
        PatternKind::Literal(Literal::Bool(value)) => Constructor::Bool(*value),
        PatternKind::Literal(literal) => Constructor::Literal(literal.clone()),
        PatternKind::None => Constructor::None,
        PatternKind::Some(_) => Constructor::Some,
        PatternKind::Fields(_) | PatternKind::Distinct(_) => Constructor::Only,
        PatternKind::Case { case, .. } => Constructor::Case(*case),
        PatternKind::Error(inner) => Constructor::Error(inner.ty),
        _ => return None,
    })
}

/// Every way to make a value of a type, where they can be listed.
fn constructors(checker: &mut Checker<'_, '_>, ty: Ty) -> Option<Vec<Constructor>> {
    match checker.shape(ty) {
        Type::Bool => Some(vec![Constructor::Bool(true), Constructor::Bool(false)]),
        Type::Option(_) => Some(vec![Constructor::None, Constructor::Some]),
        Type::Tuple(_) => Some(vec![Constructor::Only]),
        Type::Union(parts) => Some(parts.into_iter().map(Constructor::Error).collect()),
        Type::Nominal(id, _) => match &checker.cx.nominal(id).kind {
            NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                Some((0..cases.len() as u32).map(Constructor::Case).collect())
            }
            NominalKind::Record(_) | NominalKind::Distinct(_) => Some(vec![Constructor::Only]),
        },
        _ => None,
    }
}

fn field_types(checker: &mut Checker<'_, '_>, ty: Ty, constructor: &Constructor) -> Vec<Ty> {
    match (checker.shape(ty), constructor) {
        (Type::Option(item), Constructor::Some) => vec![item],
        (Type::Tuple(items), _) => items,
        (_, Constructor::Error(error)) => vec![*error],
        (Type::Nominal(id, args), constructor) => {
            let case = match constructor {
                Constructor::Case(case) => *case,
                _ => 0,
            };
            let fields = match &checker.cx.nominal(id).kind {
                NominalKind::Distinct(inner) => vec![*inner],
                _ => checker.cx.fields_of(id, case).iter().map(|field| field.ty).collect(),
            };
            fields.into_iter().map(|ty| checker.types().substitute(ty, &args)).collect()
        }
        _ => Vec::new(),
    }
}

fn show(checker: &mut Checker<'_, '_>, ty: Ty, constructor: &Constructor, parts: &[String]) -> String {
    let list = parts.join(", ");
    match (checker.shape(ty), constructor) {
        (_, Constructor::Bool(value)) => value.to_string(),
        (_, Constructor::None) => "none".into(),
        (_, Constructor::Some) => format!("Some({list})"),
        (_, Constructor::Error(_)) => list,
        (Type::Nominal(id, _), Constructor::Case(case)) => {
            let name = checker.cx.cases_of(id).get(*case as usize).map_or("_", |case| case.name.as_str());
            if parts.is_empty() { name.to_string() } else { format!("{name}({list})") }
        }
        (Type::Nominal(id, _), _) => format!("{}({list})", checker.cx.nominal(id).name),
        (Type::Tuple(_), _) => format!("({list})"),
        _ => "_".into(),
    }
}
