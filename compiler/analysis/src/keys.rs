//! What a type must be fit for: keys of maps and elements of sets are of every type but what holds a `Float` or a
//! function; an order has what holds no map, set, function or JSON.

use crate::context::{Context, Declaring};
use crate::hir::{NominalKind, Ty, Type};
use crate::{declare, report};
use std::collections::HashSet;

/// Reports keys that can't be any in the types of declarations.
pub(crate) fn check_declared(cx: &mut Declaring<'_>) {
    cx.declared.declared_keys = cx.work.written_keys.iter().map(|(ty, _)| *ty).collect();
    check(&mut cx.context());
}

/// Reports keys that can't be any: each that is written, and of those inferred in a module the first of each type.
pub(crate) fn check(cx: &mut Context<'_>) {
    let written = std::mem::take(&mut cx.work.written_keys);
    let mut inferred = std::mem::take(&mut cx.work.inferred_keys);
    for (ty, _) in &written {
        inferred.remove(ty);
    }
    inferred.retain(|ty, _| !cx.declared_keys.contains(ty));
    for (ty, span) in written.into_iter().chain(inferred) {
        if let Some(part) = unfit_part(cx, ty) {
            let (key, part) = (declare::show(cx, ty, &[]), declare::show(cx, part, &[]));
            cx.report(report::key_type(&key, &part, span));
        }
    }
}

/// The part of a type for which no value of it can be a key.
fn unfit_part(cx: &mut Context<'_>, ty: Ty) -> Option<Ty> {
    find_part(cx, ty, |part| matches!(part, Type::Float | Type::Function { .. }))
}

/// The part of a type for which its values have no order; of the type parameters around only those in `ordered` have one.
pub(crate) fn unordered_part(cx: &mut Context<'_>, ty: Ty, ordered: &[u32]) -> Option<Ty> {
    find_part(cx, ty, |part| match part {
        Type::Param(index) => !ordered.contains(index),
        Type::Map(..) | Type::Set(_) | Type::Function { .. } | Type::Json | Type::Union(_) => true,
        _ => false,
    })
}

/// The first part of a type, itself included, that is of some kind.
fn find_part(cx: &mut Context<'_>, ty: Ty, is_it: impl Fn(&Type) -> bool) -> Option<Ty> {
    let mut seen = HashSet::new();
    let mut pending = vec![ty];
    while let Some(ty) = pending.pop() {
        if !seen.insert(ty) {
            continue;
        }
        if is_it(cx.ty(ty)) {
            return Some(ty);
        }
        match cx.ty(ty).clone() {
            Type::List(item) | Type::Set(item) | Type::Option(item) => pending.push(item),
            Type::Map(key, value) => pending.extend([key, value]),
            Type::Tuple(items) => pending.extend(items),
            Type::Nominal(id, args) => {
                let parts: Vec<Ty> = match &cx.nominal(id).kind {
                    NominalKind::Record(fields) => fields.iter().map(|field| field.ty).collect(),
                    NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                        cases.iter().flat_map(|case| &case.fields).map(|field| field.ty).collect()
                    }
                    NominalKind::Distinct(inner) => vec![*inner],
                };
                // A type that nests itself in ever larger ones is told by lowering.
                if seen.len() < 1000 {
                    pending.extend(parts.into_iter().map(|part| cx.types().substitute(part, &args)));
                }
            }
            _ => {}
        }
    }
    None
}
