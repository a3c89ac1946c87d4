//! Types of declarations: fields, cases, signatures, aliases, and what a written type means.

use crate::context::{Context, Declared, Declaring, Def};
use crate::hir::{
    Case, ConstId, Field, FunctionId, Id, ModuleId, NominalId, NominalKind, Param, Ty, Type, Types,
};
use crate::{messages, names, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, ErrorBody, Ident, ItemKind, Name, Path, TypeExpr, TypeExprKind};
use foldhash::{HashSet, HashSetExt};
use std::sync::Arc;

/// Resolves the types of every declaration.
pub(crate) fn resolve<'a>(cx: &mut Declaring<'a>, trees: &'a [Arc<ast::Module>]) {
    for (index, tree) in trees.iter().enumerate() {
        let module = ModuleId::new(index);
        for item in &tree.items {
            resolve_type_item(cx, module, item);
        }
    }
    names::enter_cases(cx);
    find_known(cx);
    for index in 0..cx.aliases.len() {
        resolve_alias(&mut cx.context(), index, Span::default());
    }
    for index in 0..cx.constants.len() {
        let Some(constant) = cx.constants.get(index) else { continue };
        let (id, written) = (ConstId::new(index), constant.decl.ty.as_ref());
        let module = cx.program.constants[id].module;
        if let Some(written) = written {
            cx.program.constants[id].ty = resolve_type(&mut cx.context(), module, &[], written);
        }
    }
    for (index, decl) in cx.functions.clone().into_iter().enumerate() {
        let id = FunctionId::new(index);
        let module = cx.program.functions[id].signature.module;
        let parts = resolve_signature(&mut cx.context(), module, &decl.signature);
        let signature = &mut cx.program.functions[id].signature;
        (signature.params, signature.result, signature.fails) = parts;
    }
    for (id, decl) in cx.program.activities.ids().zip(cx.activities.clone()) {
        let module = cx.program.activities[id].signature.module;
        let parts = resolve_signature(&mut cx.context(), module, &decl.signature);
        let signature = &mut cx.program.activities[id].signature;
        (signature.params, signature.result, signature.fails) = parts;
    }
    for (id, decl) in cx.program.workflows.ids().zip(cx.workflows.clone()) {
        let module = cx.program.workflows[id].signature.module;
        let parts = resolve_signature(&mut cx.context(), module, &decl.signature);
        let signature = &mut cx.program.workflows[id].signature;
        (signature.params, signature.result, signature.fails) = parts;
        messages::resolve(cx, id);
    }
    find_infinite(&mut cx.context());
}

fn resolve_type_item<'a>(cx: &mut Declaring<'a>, module: ModuleId, item: &'a ast::Item) {
    let (name, generics): (&Ident, &[Ident]) = match &item.kind {
        ItemKind::Record(decl) => (&decl.name, &decl.generics),
        ItemKind::Enum(decl) => (&decl.name, &decl.generics),
        ItemKind::Error(decl) => (&decl.name, &[]),
        ItemKind::Type(decl) if decl.distinct => (&decl.name, &decl.generics),
        _ => return,
    };
    let entry = cx.scope(module).and_then(|scope| scope.names.get(&name.text)).copied();
    // A second declaration of the same name was reported; the first one has the name.
    let Some(Def::Nominal(id)) = entry.filter(|entry| entry.span == name.span).map(|entry| entry.def) else {
        return;
    };
    let generics: Vec<Name> = generics.iter().map(|name| name.text.clone()).collect();
    let kind = match &item.kind {
        ItemKind::Record(decl) => NominalKind::Record(fields(cx, module, &generics, id, 0, &decl.fields)),
        ItemKind::Enum(decl) => NominalKind::Enum(cases(cx, module, &generics, id, &decl.cases)),
        ItemKind::Error(decl) => NominalKind::Error(match &decl.body {
            ErrorBody::Cases(list) => cases(cx, module, &generics, id, list),
            ErrorBody::Single(list) => {
                let fields = fields(cx, module, &generics, id, 0, list);
                vec![Case { name: name.text.clone(), span: name.span, fields }]
            }
        }),
        ItemKind::Type(decl) => {
            NominalKind::Distinct(resolve_type(&mut cx.context(), module, &generics, &decl.ty))
        }
        _ => return,
    };
    cx.program.nominals[id].kind = kind;
}

fn fields<'a>(
    cx: &mut Declaring<'a>,
    module: ModuleId,
    generics: &[Name],
    owner: NominalId,
    case: u32,
    list: &'a [ast::Field],
) -> Vec<Field> {
    let mut seen: HashSet<Name> = HashSet::new();
    let mut fields: Vec<Field> = Vec::new();
    // What could not be read has no name.
    for field in list.iter().filter(|field| !field.name.text.is_empty()) {
        if !seen.insert(field.name.text.clone()) {
            let first = fields.iter().find(|known| known.name == field.name.text).map(|known| known.span);
            cx.report(report::duplicate(&field.name, first.unwrap_or_default()));
            continue;
        }
        if let Some(default) = &field.default {
            cx.field_defaults.insert((owner, case, fields.len() as u32), default);
        }
        let ty = resolve_type(&mut cx.context(), module, generics, &field.ty);
        fields.push(Field { name: field.name.text.clone(), span: field.name.span, ty, default: None });
    }
    fields
}

fn cases<'a>(
    cx: &mut Declaring<'a>,
    module: ModuleId,
    generics: &[Name],
    owner: NominalId,
    list: &'a [ast::Case],
) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut seen: HashSet<Name> = HashSet::new();
    for case in list.iter().filter(|case| !case.name.text.is_empty()) {
        if !seen.insert(case.name.text.clone()) {
            let first = cases.iter().find(|known| known.name == case.name.text).map(|known| known.span);
            cx.report(report::duplicate(&case.name, first.unwrap_or_default()));
            continue;
        }
        let fields = fields(cx, module, generics, owner, cases.len() as u32, &case.fields);
        cases.push(Case { name: case.name.text.clone(), span: case.name.span, fields });
    }
    cases
}

type Parts = (Vec<Param>, Ty, Vec<Ty>);

/// What may be asked of a type parameter.
pub(crate) const ORDERED: &str = "Ordered";

/// The parts of a signature that have types.
pub(crate) fn resolve_signature(cx: &mut Context<'_>, module: ModuleId, signature: &ast::Signature) -> Parts {
    let generics: Vec<Name> = signature.generics.iter().map(|param| param.name.text.clone()).collect();
    for bound in signature.generics.iter().filter_map(|param| param.bound.as_ref()) {
        if bound.as_str() != ORDERED {
            cx.report(report::unknown_bound(bound));
        }
    }
    let mut params: Vec<Param> = Vec::new();
    let mut seen: HashSet<&Name> = HashSet::new();
    for param in &signature.params {
        if !seen.insert(&param.name.text) {
            let first = signature.params.iter().find(|first| first.name.text == param.name.text);
            cx.report(report::duplicate(&param.name, first.map_or(Span::default(), |first| first.name.span)));
        }
        let ty = resolve_type(cx, module, &generics, &param.ty);
        params.push(Param { name: param.name.text.clone(), ty, default: None, span: param.span });
    }
    let result = signature.result.as_ref().map_or(Types::UNIT, |ty| resolve_type(cx, module, &generics, ty));
    let fails = resolve_fails(cx, module, &generics, &signature.fails);
    (params, result, fails)
}

fn resolve_fails(cx: &mut Context<'_>, module: ModuleId, generics: &[Name], list: &[TypeExpr]) -> Vec<Ty> {
    let mut fails = Vec::new();
    for written in list {
        let ty = resolve_type(cx, module, generics, written);
        if !cx.is_error_type(ty) {
            let diagnostic = report::not_an_error_type(&show(cx, ty, generics), written.span);
            cx.report(diagnostic);
        } else if ty != Types::INVALID {
            fails.push(ty);
        }
    }
    cx.work.types.flatten_errors(&mut fails);
    fails
}

/// The type a person would read.
pub(crate) fn show(cx: &Context<'_>, ty: Ty, generics: &[Name]) -> String {
    cx.work.types.show(ty, &cx.program.nominals, generics)
}

/// What a written type means in a module, with the type parameters in scope.
pub(crate) fn resolve_type(
    cx: &mut Context<'_>,
    module: ModuleId,
    generics: &[Name],
    written: &TypeExpr,
) -> Ty {
    match &written.kind {
        TypeExprKind::Named { path, args } => {
            let args: Vec<(Ty, Span)> =
                args.iter().map(|arg| (resolve_type(cx, module, generics, arg), arg.span)).collect();
            resolve_named(cx, module, generics, path, &args)
        }
        TypeExprKind::Optional(inner) => {
            let item = resolve_type(cx, module, generics, inner);
            if matches!(cx.ty(item), Type::Option(_)) {
                cx.report(report::nested_option(written.span));
                return item;
            }
            if item == Types::INVALID { item } else { cx.types().option(item) }
        }
        TypeExprKind::Tuple(items) => {
            let items: Vec<Ty> = items.iter().map(|item| resolve_type(cx, module, generics, item)).collect();
            match items.as_slice() {
                [] => Types::UNIT,
                [one] => *one,
                _ => cx.types().intern(Type::Tuple(items)),
            }
        }
        TypeExprKind::Function { params, result, fails } => {
            let params = params.iter().map(|param| resolve_type(cx, module, generics, param)).collect();
            let result = result.as_ref().map_or(Types::UNIT, |ty| resolve_type(cx, module, generics, ty));
            let fails = resolve_fails(cx, module, generics, fails);
            cx.types().intern(Type::Function { params, result, fails })
        }
        TypeExprKind::Error => Types::INVALID,
    }
}

fn resolve_named(
    cx: &mut Context<'_>,
    module: ModuleId,
    generics: &[Name],
    path: &Path,
    args: &[(Ty, Span)],
) -> Ty {
    let Some(name) = path.name() else { return Types::INVALID };
    if path.qualifier().is_empty() {
        if let Some(index) = generics.iter().position(|known| *known == name.text) {
            return cx.types().intern(Type::Param(index as u32));
        }
        let workflow = args.iter().find(|(ty, _)| matches!(cx.ty(*ty), Type::Workflow(..)));
        if let Some((_, span)) = workflow.filter(|_| !["Child", "Instance"].contains(&name.as_str())) {
            cx.report(report::workflow_argument(&name.text, true, *span));
            return Types::INVALID;
        }
        if let Some(ty) = builtin(cx, name, args) {
            return ty;
        }
    }
    let def = match resolve_path(cx, module, path, true) {
        Some(def) => def,
        None => return Types::INVALID,
    };
    let mut tys: Vec<Ty> = args.iter().map(|(ty, _)| *ty).collect();
    match def {
        Def::Workflow(id) if !name.is_capital() => cx.types().intern(Type::Workflow(id, name.text.clone())),
        Def::Nominal(id) => {
            let known = cx.program.known;
            // A strand that can't fail is a `Task<T>`.
            if Some(id) == known.task && tys.len() == 1 {
                tys.push(Types::NEVER);
                return cx.types().intern(Type::Nominal(id, tys));
            }
            let of_workflow = Some(id) == known.child || Some(id) == known.instance;
            let is_workflow = |ty: &Ty| matches!(cx.ty(*ty), Type::Workflow(..) | Type::Invalid);
            if let Some((_, span)) = args.iter().find(|(ty, _)| of_workflow && !is_workflow(ty)) {
                cx.report(report::workflow_argument(&name.text, false, *span));
                return Types::INVALID;
            }
            let wanted = cx.nominal(id).generics.len();
            if wanted != args.len() {
                cx.report(report::type_arguments(name, wanted, args.len()));
                return Types::INVALID;
            }
            cx.types().intern(Type::Nominal(id, tys))
        }
        Def::Alias(index) => {
            let wanted = cx.aliases.get(index).map_or(0, |alias| alias.decl.generics.len());
            if wanted != args.len() {
                cx.report(report::type_arguments(name, wanted, args.len()));
                return Types::INVALID;
            }
            let ty = resolve_alias(cx, index, name.span);
            cx.types().substitute(ty, &tys)
        }
        Def::Broken => Types::INVALID,
        other => {
            cx.report(report::wrong_kind(name, other.kind(), "a type"));
            Types::INVALID
        }
    }
}

fn resolve_alias(cx: &mut Context<'_>, index: usize, used_at: Span) -> Ty {
    let Some(alias) = cx.declared.aliases.get(index) else { return Types::INVALID };
    let (module, decl) = (alias.module, alias.decl);
    match alias.state.get() {
        Ok(ty) => ty,
        Err(true) => {
            alias.state.set(Types::INVALID);
            cx.report(report::cyclic_alias(&decl.name, used_at));
            Types::INVALID
        }
        Err(false) => {
            alias.state.open();
            let generics: Vec<Name> = decl.generics.iter().map(|name| name.text.clone()).collect();
            let ty = resolve_type(cx, module, &generics, &decl.ty);
            if alias.state.get().is_err() {
                alias.state.set(ty);
            }
            ty
        }
    }
}

/// The declaration a path names; reports it where there is none.
pub(crate) fn resolve_path(
    cx: &mut Context<'_>,
    module: ModuleId,
    path: &Path,
    wants_type: bool,
) -> Option<Def> {
    let (name, qualifier) = path.segments.split_last()?;
    let [first, ..] = qualifier else {
        let entry = cx.lookup(module, name.as_str());
        if entry.is_none() {
            let diagnostic = report::unknown_top(cx, module, name, wants_type);
            cx.report(diagnostic);
        }
        return entry.map(|entry| entry.def);
    };
    match cx.lookup(module, first.as_str()).map(|entry| entry.def) {
        Some(Def::Module(target)) => member(cx, target, name),
        Some(Def::Broken) => None,
        Some(other) => {
            cx.report(report::wrong_kind(first, other.kind(), "a module"));
            None
        }
        None => {
            let diagnostic = report::unknown_module_name(cx, module, first);
            cx.report(diagnostic);
            None
        }
    }
}

/// A public name of a module; reports it where there is none.
pub(crate) fn member(cx: &mut Context<'_>, target: ModuleId, name: &Ident) -> Option<Def> {
    let found = cx.scope(target).and_then(|scope| scope.names.get(&name.text)).copied();
    match found {
        Some(entry) if entry.public => Some(entry.def),
        _ => {
            let diagnostic = report::not_in_module(cx, target, name, found.map(|entry| entry.span));
            cx.report(diagnostic);
            None
        }
    }
}

/// The names of the types that are built in.
pub(crate) const BUILTIN_TYPES: [&str; 13] = [
    "Bool",
    "Int",
    "Float",
    "Decimal",
    "String",
    "Bytes",
    "Duration",
    "Timestamp",
    "Json",
    "Never",
    "List",
    "Set",
    "Map",
];

fn builtin(cx: &mut Context<'_>, name: &Ident, args: &[(Ty, Span)]) -> Option<Ty> {
    if !BUILTIN_TYPES.contains(&name.as_str()) {
        return None;
    }
    let simple = match name.as_str() {
        "Bool" => Types::BOOL,
        "Int" => Types::INT,
        "Float" => Types::FLOAT,
        "Decimal" => Types::DECIMAL,
        "String" => Types::STRING,
        "Bytes" => Types::BYTES,
        "Duration" => Types::DURATION,
        "Timestamp" => Types::TIMESTAMP,
        "Json" => Types::JSON,
        "Never" => Types::NEVER,
        _ => return Some(builtin_collection(cx, name, args)),
    };
    if !args.is_empty() {
        cx.report(report::type_arguments(name, 0, args.len()));
    }
    Some(simple)
}

fn builtin_collection(cx: &mut Context<'_>, name: &Ident, args: &[(Ty, Span)]) -> Ty {
    match (name.as_str(), args) {
        ("List", [(item, _)]) => cx.types().list(*item),
        ("Map", [(key, span), (value, _)]) => {
            cx.work.written_keys.push((*key, *span));
            cx.types().intern(Type::Map(*key, *value))
        }
        ("Set", [(item, span)]) => {
            cx.work.written_keys.push((*item, *span));
            cx.types().intern(Type::Set(*item))
        }
        (other, _) => {
            let wanted = if other == "Map" { 2 } else { 1 };
            cx.report(report::type_arguments(name, wanted, args.len()));
            Types::INVALID
        }
    }
}

/// Remembers the standard types the language refers to.
fn find_known(cx: &mut Declaring<'_>) {
    let find = |cx: &Declared<'_>, module: &str, name: &str| {
        let module = cx.standard.get(module).copied()?;
        match cx.scope(module)?.names.get(name)?.def {
            Def::Nominal(id) => Some(id),
            _ => None,
        }
    };
    cx.program.known = crate::hir::Known {
        result: find(cx, "result", "Result"),
        timeout: find(cx, "errors", "Timeout"),
        cancelled: find(cx, "errors", "Cancelled"),
        activity_failed: find(cx, "errors", "ActivityFailed"),
        trap: find(cx, "errors", "Trap"),
        policy: find(cx, "activity", "ActivityPolicy"),
        retry: find(cx, "activity", "Retry"),
        sql: find(cx, "sql", "Sql"),
        task: find(cx, "strands", "Task"),
        child: find(cx, "strands", "Child"),
        instance: find(cx, "strands", "Instance"),
    };
    let known = cx.program.known;
    for id in [known.timeout, known.cancelled, known.activity_failed, known.trap].into_iter().flatten() {
        let ty = cx.work.types.intern(Type::Nominal(id, Vec::new()));
        cx.system_errors.insert(ty);
    }
}

/// Reports records that contain themselves without a list, map, option or enum between: no value could exist.
fn find_infinite(cx: &mut Context<'_>) {
    fn reaches(cx: &Context<'_>, ty: Ty, goal: NominalId, seen: &mut HashSet<NominalId>) -> bool {
        match cx.ty(ty) {
            Type::Tuple(items) => items.clone().into_iter().any(|item| reaches(cx, item, goal, seen)),
            Type::Nominal(id, _) if *id == goal => true,
            Type::Nominal(id, _) if seen.insert(*id) => match &cx.nominal(*id).kind {
                NominalKind::Record(fields) => fields.iter().any(|field| reaches(cx, field.ty, goal, seen)),
                NominalKind::Distinct(inner) => reaches(cx, *inner, goal, seen),
                _ => false,
            },
            _ => false,
        }
    }
    let mut found = Vec::new();
    for (id, nominal) in cx.program.nominals.iter() {
        let parts: Vec<(Ty, Span)> = match &nominal.kind {
            NominalKind::Record(fields) => fields.iter().map(|field| (field.ty, field.span)).collect(),
            NominalKind::Distinct(inner) => vec![(*inner, nominal.span)],
            _ => Vec::new(),
        };
        let bad = parts.into_iter().find(|(ty, _)| reaches(cx, *ty, id, &mut HashSet::new()));
        found.extend(bad.map(|(_, span)| report::infinite_record(&nominal.name, span)));
    }
    cx.work.diagnostics.extend(found);
}
