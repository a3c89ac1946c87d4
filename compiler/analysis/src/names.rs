//! Names at the top of modules: what each declares, what `use` brings in, and what is meant by a name nobody knows.

use crate::context::{Alias, AliasState, Declared, DeclaredConst, Declaring, Def, Entry, Members, Scope};
use crate::hir::{
    Activity, Body, Const, Function, FunctionCode, Id, ModuleId, Nominal, NominalId, NominalKind, Policy,
    Program, Signature, Suspends, Types, Workflow,
};
use crate::{report, stdlib};
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident, ItemKind, Name, UseDecl};
use foldhash::{HashMap, HashMapExt};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Enters every declaration of every module, then what `use` brings in. Types and signatures come later.
pub(crate) fn declare<'a>(cx: &mut Declaring<'a>, trees: &'a [Arc<ast::Module>]) {
    for (index, tree) in trees.iter().enumerate() {
        let module = ModuleId::new(index);
        cx.scopes.push(Scope::default());
        let before = counts(cx);
        for item in &tree.items {
            let Some(name) = item.name() else { continue };
            let Some(def) = declare_item(cx, module, item) else { continue };
            enter(
                cx,
                module,
                name,
                Entry { def, span: name.span, public: item.public, imported: false, slot: 0 },
            );
        }
        enter_unread(cx, module, tree);
        let [nominals, constants, functions, activities, workflows] = between(before, counts(cx));
        cx.members.push(Members { nominals, constants, functions, activities, workflows });
    }
    for module in cx.program.modules.ids() {
        if cx.is_standard(module) {
            enter_methods(cx, module);
            if stdlib::PRELUDE.contains(&cx.module_name(module)) {
                enter_prelude(cx, module);
            }
        }
    }
    order_methods(cx);
    for (index, tree) in trees.iter().enumerate() {
        for item in &tree.items {
            if let ItemKind::Use(decl) = &item.kind {
                import(cx, ModuleId::new(index), decl);
            }
        }
    }
}

/// How many nominal types, constants, functions, activities and workflows there are.
fn counts(cx: &Declared<'_>) -> [usize; 5] {
    let Program { nominals, constants, functions, activities, workflows, .. } = &cx.program;
    [nominals.len(), constants.len(), functions.len(), activities.len(), workflows.len()]
}

fn between<const N: usize>(start: [usize; N], end: [usize; N]) -> [Range<usize>; N] {
    let mut ends = end.into_iter();
    start.map(|start| start..ends.next().unwrap_or(start))
}

fn docs(item: &ast::Item) -> Option<String> {
    item.docs.as_ref().map(|docs| docs.text.clone())
}

fn empty_signature(
    name: &Ident,
    module: ModuleId,
    generics: &[ast::TypeParam],
    docs: Option<String>,
) -> Signature {
    let ordered = (0..).zip(generics).filter(|(_, param)| param.bound.is_some()).map(|(index, _)| index);
    let ordered = ordered.collect();
    let generics = generics.iter().map(|param| param.name.text.clone()).collect();
    Signature {
        name: name.text.clone(),
        span: name.span,
        module,
        generics,
        ordered,
        params: Vec::new(),
        result: Types::UNIT,
        fails: Vec::new(),
        docs,
    }
}

/// Gives a declaration its id; its parts are filled in by `declare::resolve`.
fn declare_item<'a>(cx: &mut Declaring<'a>, module: ModuleId, item: &'a ast::Item) -> Option<Def> {
    let docs = docs(item);
    let nominal = |cx: &mut Declaring<'a>, name: &Ident, generics: &[Ident], kind: NominalKind| {
        let generics = generics.iter().map(|name| name.text.clone()).collect();
        let nominal =
            Nominal { name: name.text.clone(), span: name.span, module, generics, kind, docs: docs.clone() };
        Some(Def::Nominal(cx.program.nominals.push(nominal)))
    };
    match &item.kind {
        ItemKind::Record(decl) => nominal(cx, &decl.name, &decl.generics, NominalKind::Record(Vec::new())),
        ItemKind::Enum(decl) => nominal(cx, &decl.name, &decl.generics, NominalKind::Enum(Vec::new())),
        ItemKind::Error(decl) => nominal(cx, &decl.name, &[], NominalKind::Error(Vec::new())),
        ItemKind::Type(decl) if decl.distinct => {
            nominal(cx, &decl.name, &decl.generics, NominalKind::Distinct(Types::INVALID))
        }
        ItemKind::Type(decl) => {
            cx.aliases.push(Alias { module, decl, state: AliasState::pending() });
            Some(Def::Alias(cx.aliases.len() - 1))
        }
        ItemKind::Const(decl) => {
            cx.constants.push(DeclaredConst { decl, checked: OnceLock::new() });
            let (name, span) = (decl.name.text.clone(), decl.name.span);
            let constant = Const { name, span, module, ty: Types::INVALID, body: Body::default(), docs };
            Some(Def::Const(cx.program.constants.push(constant)))
        }
        ItemKind::Fn(decl) => {
            cx.functions.push(decl);
            let signature = empty_signature(&decl.signature.name, module, &decl.signature.generics, docs);
            let code = FunctionCode::Flow(Body::default());
            let function = Function { signature, code, suspends: Suspends::NO, touches_world: false };
            Some(Def::Function(cx.program.functions.push(function)))
        }
        ItemKind::Activity(decl) => {
            cx.activities.push(decl);
            let signature = empty_signature(&decl.signature.name, module, &[], docs);
            let (body, policy) = (Body::default(), Policy::default());
            let activity =
                Activity { signature, body, has_run: false, policy, unless: None, transactional: false };
            Some(Def::Activity(cx.program.activities.push(activity)))
        }
        ItemKind::Workflow(decl) => {
            cx.workflows.push(decl);
            let signature = empty_signature(&decl.signature.name, module, &[], docs);
            let workflow = Workflow {
                signature,
                body: Body::default(),
                states: Vec::new(),
                signals: Vec::new(),
                queries: Vec::new(),
                updates: Vec::new(),
            };
            Some(Def::Workflow(cx.program.workflows.push(workflow)))
        }
        ItemKind::Schedule(decl) => {
            cx.report(report::not_yet("schedule", decl.name.span));
            Some(Def::Schedule)
        }
        ItemKind::Use(_) | ItemKind::Spec(_) | ItemKind::Test(_) | ItemKind::Invalid(_) => None,
    }
}

fn enter(cx: &mut Declaring<'_>, module: ModuleId, name: &Ident, entry: Entry) {
    let Some(scope) = cx.declared.scopes.get_mut(module.index()) else { return };
    // What could not be read may only seem to declare a name.
    if let Some(first) = scope.names.get(&name.text).filter(|first| first.def != Def::Broken) {
        let diagnostic = report::duplicate(name, first.span);
        cx.report(diagnostic);
        return;
    }
    scope.enter(name.text.clone(), entry);
}

/// Makes the names known that declarations may have which could not be read, so that nobody hears they are unknown.
fn enter_unread(cx: &mut Declaring<'_>, module: ModuleId, tree: &ast::Module) {
    let Some(scope) = cx.declared.scopes.get_mut(module.index()) else { return };
    let unread = tree.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Invalid(names) => Some(names),
        _ => None,
    });
    for name in unread.flatten() {
        if !scope.names.contains_key(&name.text) {
            scope.enter(name.text.clone(), Entry { public: true, ..imported(Def::Broken, name.span) });
        }
    }
}

/// Makes the public names of a standard module known everywhere, and the module itself by its name.
fn enter_prelude(cx: &mut Declared<'_>, module: ModuleId) {
    let Some(scope) = cx.scopes.get(module.index()) else { return };
    for (name, entry) in scope.names.iter().filter(|(_, entry)| entry.public) {
        match entry.def {
            Def::Function(id) => cx.prelude.functions.entry(name.clone()).or_default().push(id),
            _ => {
                cx.prelude.names.insert(name.clone(), *entry);
            }
        }
    }
    // The order in a hash map must not decide which of two functions is tried first.
    for functions in cx.prelude.functions.values_mut() {
        functions.sort_unstable();
    }
    let name = Name::new(cx.module_name(module));
    cx.prelude.names.entry(name).or_insert(Entry {
        def: Def::Module(module),
        span: Span::default(),
        public: false,
        imported: false,
        slot: u32::MAX,
    });
}

/// Makes the public functions of a standard module known as methods.
fn enter_methods(cx: &mut Declared<'_>, module: ModuleId) {
    let Some(scope) = cx.scopes.get(module.index()) else { return };
    for (name, entry) in scope.names.iter().filter(|(_, entry)| entry.public) {
        if let Def::Function(id) = entry.def {
            cx.prelude.methods.entry(name.clone()).or_default().push(id);
        }
    }
}

/// Which of several methods is tried first is decided by the names of their modules, not by what was loaded first.
fn order_methods(cx: &mut Declared<'_>) {
    let mut methods = std::mem::take(&mut cx.prelude.methods);
    for functions in methods.values_mut() {
        functions.sort_by_key(|id| {
            let signature = &cx.program.functions[*id].signature;
            (cx.module_name(signature.module).to_string(), *id)
        });
    }
    cx.prelude.methods = methods;
}

fn import(cx: &mut Declaring<'_>, module: ModuleId, decl: &UseDecl) {
    let target = cx.uses.get(&decl.path.span).copied();
    let Some(names) = &decl.names else {
        let Some(local) = decl.alias.as_ref().or(decl.path.name()) else { return };
        let def = target.map_or(Def::Broken, Def::Module);
        // `use` of a module the prelude has anyway is harmless.
        enter(cx, module, local, imported(def, local.span));
        return;
    };
    for used in names {
        let local = used.alias.as_ref().unwrap_or(&used.name);
        let found =
            target.and_then(|target| cx.scope(target)).and_then(|scope| scope.names.get(&used.name.text));
        let def = match (target, found) {
            (None, _) => Def::Broken,
            (Some(_), Some(entry)) if entry.public => entry.def,
            (Some(target), found) => {
                let declared = found.map(|entry| entry.span);
                let diagnostic = report::not_in_module(&cx.context(), target, &used.name, declared);
                cx.report(diagnostic);
                Def::Broken
            }
        };
        enter(cx, module, local, imported(def, local.span));
    }
}

fn imported(def: Def, span: Span) -> Entry {
    Entry { def, span, public: false, imported: true, slot: 0 }
}

/// Lists the cases of the enums and errors a module sees, by name.
pub(crate) fn enter_cases(cx: &mut Declared<'_>) {
    for module in cx.program.modules.ids() {
        let Some(scope) = cx.scope(module) else { continue };
        let visible = scope.names.values().filter_map(|entry| nominal_of(entry.def));
        let cases = cases_by_name(cx, visible);
        if let Some(scope) = cx.scopes.get_mut(module.index()) {
            scope.cases = cases;
        }
    }
    let visible = cx.prelude.names.values().filter_map(|entry| nominal_of(entry.def));
    cx.prelude.cases = cases_by_name(cx, visible);
}

fn nominal_of(def: Def) -> Option<NominalId> {
    match def {
        Def::Nominal(id) => Some(id),
        _ => None,
    }
}

fn cases_by_name(
    cx: &Declared<'_>,
    nominals: impl Iterator<Item = NominalId>,
) -> HashMap<Name, Vec<(NominalId, u32)>> {
    let mut nominals: Vec<NominalId> = nominals.collect();
    // The order in a hash map must not decide what an ambiguity names first.
    nominals.sort_unstable();
    let mut cases: HashMap<Name, Vec<(NominalId, u32)>> = HashMap::new();
    for id in nominals {
        for (case, index) in cx.cases_of(id).iter().zip(0..) {
            cases.entry(case.name.clone()).or_default().push((id, index));
        }
    }
    cases
}

/// The name nearest to `wanted`, if it is near enough to be meant.
pub(crate) fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = match wanted.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    // Every letter more is an edit: most names need no closer look.
    let near =
        names.into_iter().filter(|name| *name != wanted && name.len().abs_diff(wanted.len()) <= 4 * limit);
    let scored = near.map(|name| (distance(wanted, name), name)).filter(|(score, _)| *score <= limit);
    scored.min().map(|(_, name)| name)
}

/// Edit distance with neighbouring letters swapped as one edit.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = at(&last, column) + usize::from(l != r);
            best = best.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let swapped =
                row > 0 && column > 0 && left.get(row - 1) == Some(r) && right.get(column - 1) == Some(l);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("chrage", ["charge", "change", "refund"]), Some("charge"));
        assert_eq!(nearest("Denyed", ["Denied", "Approved"]), Some("Denied"));
        assert_eq!(nearest("x", ["charge"]), None);
    }
}
