//! Whether patterns leave a value out, and which of them can never match: Maranget's usefulness, with witnesses.
//!
//! All patterns are looked at together. What is left of them is divided by the constructor at its head, column by column,
//! until nothing is left to look at: the first pattern that gets so far without a guard takes the values that are made
//! that way, and where none does they are missing. The groups are found by hashing, so that a match of many literals or
//! cases takes time in proportion to its arms.

use crate::check::Checker;
use crate::hir::{Literal, NominalKind, Pattern, PatternKind, Ty, Type};
use flow_syntax::Span;
use flow_syntax::ast::Name;
use foldhash::{HashMap, HashSet, HashSetExt};
use rust_decimal::Decimal;

/// What is wrong with a list of patterns.
#[derive(Default)]
pub(crate) struct Found {
    /// Values no pattern matches, as a person would write them: a few examples.
    pub missing: Vec<String>,
    /// Indices of the patterns that earlier ones leave nothing to.
    pub unreachable: Vec<usize>,
    /// The alternatives of other patterns to which nothing is left.
    pub useless: Vec<Span>,
}

/// How a value of a type may be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Constructor {
    /// A tuple, record, distinct value or `()`: the only way.
    Only,
    Bool(bool),
    None,
    Some,
    Case(u32),
    /// One of several error types.
    Error(Ty),
    // Endlessly many literals.
    /// An `Int` or `Duration`.
    Whole(i64),
    /// By its bits, of which equal numbers have the same.
    Float(u64),
    Decimal(Decimal),
    Text(Name),
}

/// What is left to look at of a pattern: the parts not yet compared, the next one last. `None` matches anything.
#[derive(Clone)]
struct Row<'p> {
    index: usize,
    guarded: bool,
    parts: Vec<Option<&'p Pattern>>,
    /// The alternatives that were chosen on the way here.
    chosen: Vec<Span>,
}

/// How many examples of what is missing are worth showing.
const MAX_EXAMPLES: usize = 4;
/// Patterns over many columns can have more combinations than anyone could wait for: after so many rows only `_` is known
/// to leave nothing out.
const MAX_ROWS: usize = 1_000_000;

/// Checks patterns, in order, against the values of a type; a guarded one may not match what it looks like.
pub(crate) fn check(checker: &mut Checker<'_, '_>, ty: Ty, patterns: Vec<(&Pattern, bool)>) -> Found {
    let mut found = Found::default();
    if patterns.iter().any(|(pattern, _)| is_broken(pattern)) {
        return found;
    }
    let rows = patterns.iter().enumerate().map(|(index, &(pattern, guarded))| {
        let parts = vec![Some(pattern)];
        Row { index, guarded, parts, chosen: Vec::new() }
    });
    let rows = rows.collect();
    let useful = vec![false; patterns.len()];
    let mut search = Search { checker, useful, alternatives: HashSet::new(), rows: 0 };
    let missing = search.missing(&[ty], rows, MAX_EXAMPLES);
    let Search { useful, alternatives, rows, .. } = search;
    if rows > MAX_ROWS {
        let takes_all = |(pattern, guarded): &(&Pattern, bool)| !guarded && matches_anything(pattern);
        found.missing.extend((!patterns.iter().any(takes_all)).then(|| "_".to_string()));
        return found;
    }
    found.missing = missing.into_iter().filter_map(|witness| witness.into_iter().next()).collect();
    for ((index, (pattern, _)), useful) in patterns.into_iter().enumerate().zip(useful) {
        if useful {
            useless_alternatives(pattern, &alternatives, &mut found.useless);
        } else {
            found.unreachable.push(index);
        }
    }
    found
}

fn is_broken(pattern: &Pattern) -> bool {
    matches!(pattern.kind, PatternKind::Invalid) || pattern.parts().iter().any(is_broken)
}

fn matches_anything(pattern: &Pattern) -> bool {
    let mut choices = Vec::new();
    alternatives(Some(pattern), &mut choices);
    choices.iter().any(|(pattern, _)| pattern.is_none())
}

fn useless_alternatives(pattern: &Pattern, useful: &HashSet<Span>, found: &mut Vec<Span>) {
    let is_alternative = matches!(pattern.kind, PatternKind::Or(_));
    for part in pattern.parts() {
        let is_choice = is_alternative && !matches!(part.kind, PatternKind::Or(_));
        if is_choice && !useful.contains(&part.span) {
            found.push(part.span);
        } else {
            useless_alternatives(part, useful, found);
        }
    }
}

/// What a pattern may be, alternatives apart, and which of them each is.
fn alternatives<'p>(pattern: Option<&'p Pattern>, out: &mut Vec<(Option<&'p Pattern>, Option<Span>)>) {
    match pattern.map(|pattern| &pattern.kind) {
        Some(PatternKind::Or(parts)) => {
            for part in parts {
                let from = out.len();
                alternatives(Some(part), out);
                if let Some([(_, chosen @ None)]) = out.get_mut(from..) {
                    *chosen = Some(part.span);
                }
            }
        }
        Some(PatternKind::Wildcard | PatternKind::Bind(_) | PatternKind::AnyError { .. }) => {
            out.push((None, None));
        }
        _ => out.push((pattern, None)),
    }
}

/// The rows of one column, by what they begin with.
#[derive(Default)]
struct Groups<'p> {
    order: Vec<(Constructor, Vec<Row<'p>>)>,
    by_constructor: HashMap<Constructor, usize>,
    /// Those that match anything; they are in every group as well.
    open: Vec<Row<'p>>,
}

struct Search<'s, 'c, 'a> {
    checker: &'s mut Checker<'c, 'a>,
    /// Which patterns match something that those before them don't.
    useful: Vec<bool>,
    /// Which alternatives do.
    alternatives: HashSet<Span>,
    /// How many rows were looked at.
    rows: usize,
}

impl Search<'_, '_, '_> {
    /// Values (one text per column, the next one last) that no row matches; at most `limit` of them.
    fn missing(&mut self, types: &[Ty], rows: Vec<Row<'_>>, limit: usize) -> Vec<Vec<String>> {
        self.rows += rows.len() + 1;
        if self.rows > MAX_ROWS {
            return Vec::new();
        }
        let Some((&ty, rest)) = types.split_last() else { return self.reached(&rows, limit) };
        let Groups { order, mut by_constructor, open } = self.divide(ty, rows);
        let mut groups: Vec<Option<Vec<Row<'_>>>> = Vec::with_capacity(order.len());
        let mut used = Vec::with_capacity(order.len());
        for (constructor, rows) in order {
            used.push(constructor);
            groups.push(Some(rows));
        }
        let all = if used.is_empty() { None } else { constructors(self.checker, ty) };
        let Some(all) = all else {
            // The values that no pattern names are endlessly many.
            for (constructor, rows) in used.iter().zip(groups.into_iter().flatten()) {
                self.made_by(constructor, ty, rest, rows, 0);
            }
            let mut witnesses = self.missing(rest, open, limit);
            witnesses.iter_mut().for_each(|witness| witness.push("_".to_string()));
            return witnesses;
        };
        let mut witnesses: Vec<Vec<String>> = Vec::new();
        let mut open = Some(open);
        // What is missing behind a constructor that no pattern names is the same for each of them.
        let mut behind = Vec::new();
        for constructor in all {
            let left = limit - witnesses.len();
            let group = by_constructor.remove(&constructor).and_then(|at| groups.get_mut(at)?.take());
            if let Some(rows) = group {
                witnesses.extend(self.made_by(&constructor, ty, rest, rows, left));
                continue;
            }
            if let Some(open) = open.take() {
                behind = self.missing(rest, open, left);
            }
            if left > 0 && !behind.is_empty() {
                let parts = vec!["_".to_string(); field_types(self.checker, ty, &constructor).len()];
                let whole = show(self.checker, ty, &constructor, &parts);
                let with_whole =
                    |witness: &Vec<String>| [witness.as_slice(), std::slice::from_ref(&whole)].concat();
                witnesses.extend(behind.iter().take(left).map(with_whole));
            }
        }
        witnesses
    }

    /// Rows of which nothing is left to look at: the first without a guard takes what comes here.
    fn reached(&mut self, rows: &[Row<'_>], limit: usize) -> Vec<Vec<String>> {
        for row in rows {
            if let Some(useful) = self.useful.get_mut(row.index) {
                *useful = true;
            }
            self.alternatives.extend(&row.chosen);
            if !row.guarded {
                return Vec::new();
            }
        }
        if limit > 0 { vec![Vec::new()] } else { Vec::new() }
    }

    fn divide<'p>(&mut self, ty: Ty, rows: Vec<Row<'p>>) -> Groups<'p> {
        let mut groups = Groups::default();
        let mut choices = Vec::new();
        for mut row in rows {
            choices.clear();
            alternatives(row.parts.pop().flatten(), &mut choices);
            for (pattern, chosen) in &choices {
                let mut row = row.clone();
                row.chosen.extend(chosen);
                match pattern.and_then(|pattern| Some((pattern, constructor_of(pattern)?))) {
                    Some((pattern, constructor)) => self.enter(&mut groups, row, pattern, constructor),
                    None => self.enter_open(&mut groups, ty, row),
                }
            }
        }
        groups
    }

    /// Puts a row that begins with a constructor where it belongs, its fields in place of the whole.
    fn enter<'p>(
        &mut self,
        groups: &mut Groups<'p>,
        mut row: Row<'p>,
        pattern: &'p Pattern,
        constructor: Constructor,
    ) {
        let fields = match &pattern.kind {
            PatternKind::Literal(_) | PatternKind::None => &[],
            _ => pattern.parts(),
        };
        row.parts.extend(fields.iter().rev().map(Some));
        let at = groups.by_constructor.get(&constructor).copied().unwrap_or_else(|| {
            let open = groups.open.iter().map(|row| with_fields(row, fields.len())).collect();
            groups.order.push((constructor.clone(), open));
            groups.by_constructor.insert(constructor, groups.order.len() - 1);
            groups.order.len() - 1
        });
        if let Some((_, rows)) = groups.order.get_mut(at) {
            rows.push(row);
        }
    }

    /// Puts a row that matches anything everywhere.
    fn enter_open<'p>(&mut self, groups: &mut Groups<'p>, ty: Ty, row: Row<'p>) {
        for (constructor, rows) in &mut groups.order {
            rows.push(with_fields(&row, field_types(self.checker, ty, constructor).len()));
        }
        groups.open.push(row);
    }

    /// The values made by one constructor, of whose fields the rows are.
    fn made_by(
        &mut self,
        constructor: &Constructor,
        ty: Ty,
        rest: &[Ty],
        rows: Vec<Row<'_>>,
        limit: usize,
    ) -> Vec<Vec<String>> {
        let fields = field_types(self.checker, ty, constructor);
        let count = fields.len();
        let types: Vec<Ty> = rest.iter().copied().chain(fields.into_iter().rev()).collect();
        let mut witnesses = self.missing(&types, rows, limit);
        for witness in &mut witnesses {
            let mut parts = witness.split_off(witness.len().saturating_sub(count));
            parts.reverse();
            witness.push(show(self.checker, ty, constructor, &parts));
        }
        witnesses
    }
}

/// A row that matches anything, as it looks to the fields of one constructor.
fn with_fields<'p>(row: &Row<'p>, count: usize) -> Row<'p> {
    let mut row = row.clone();
    row.parts.extend(std::iter::repeat_n(None, count));
    row
}

fn constructor_of(pattern: &Pattern) -> Option<Constructor> {
    Some(match &pattern.kind {
        PatternKind::Literal(literal) => match literal {
            Literal::Unit => Constructor::Only,
            Literal::Bool(value) => Constructor::Bool(*value),
            Literal::Int(value) | Literal::Duration(value) => Constructor::Whole(*value),
            // The two zeros are equal.
            Literal::Float(value) => Constructor::Float((value + 0.0).to_bits()),
            Literal::Decimal(value) => Constructor::Decimal(*value),
            Literal::String(text) => Constructor::Text(text.clone()),
        },
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
