//! All bodies of a module, in order.

use super::bodies::{ActivityBody, Bodies, WorkflowBody};
use super::{Checker, Place, Want, Why, activity, proof, workflow};
use crate::context::{CheckedConst, Context, DeclaredConst};
use crate::hir::{
    ActivityId, Body, ConstId, FunctionCode, FunctionId, Id, ModuleId, NominalId, Types, WorkflowId,
};
use crate::{keys, report, stdlib};
use flow_syntax::Span;
use flow_syntax::ast::{self, ItemKind};

/// Checks everything in a module that has code, but for its constants, which are known before.
pub(crate) fn check(cx: &mut Context<'_>, module: ModuleId, tree: &ast::Module) -> Bodies {
    let mut bodies = Bodies::default();
    let Some(members) = cx.declared.members.get(module.index()) else { return bodies };
    for index in members.nominals.clone() {
        check_field_defaults(cx, NominalId::new(index), &mut bodies);
    }
    for id in members.functions.clone().map(FunctionId::new) {
        let code = check_function(cx, id).unwrap_or_else(|| FunctionCode::Flow(Body::default()));
        bodies.functions.push((id, code));
    }
    for id in members.activities.clone().map(ActivityId::new) {
        let body: Option<ActivityBody> = activity::check_activity(cx, id);
        bodies.activities.extend(body.map(|body| (id, body)));
    }
    for id in members.workflows.clone().map(WorkflowId::new) {
        let body: Option<WorkflowBody> = workflow::check_workflow(cx, id);
        bodies.workflows.extend(body.map(|body| (id, body)));
    }
    for item in &tree.items {
        match &item.kind {
            ItemKind::Spec(spec) => proof::check_spec(cx, module, spec),
            ItemKind::Test(test) => proof::check_test(cx, module, test),
            _ => {}
        }
    }
    keys::check(cx);
    bodies
}

fn check_function(cx: &mut Context<'_>, id: FunctionId) -> Option<FunctionCode> {
    let decl = cx.declared.functions.get(id.index()).copied()?;
    let Some(body) = &decl.body else { return Some(bodyless(cx, id)) };
    let signature = &cx.declared.program.functions[id].signature;
    let mut checker = Checker::new(cx, signature.module, signature.generics.clone(), Place::Function);
    checker.ordered.clone_from(&signature.ordered);
    checker.check_defaults(&signature.params, &decl.signature.params);
    let params = checker.bind_signature(&signature.params, &decl.signature.params);
    let value = checker.function_body(signature, &decl.signature, body);
    checker.check_unhandled(&signature.name, Some(&decl.signature));
    Some(FunctionCode::Flow(checker.finish(params, value)))
}

/// What a function without a body stands for; only the standard library has such.
fn bodyless(cx: &mut Context<'_>, id: FunctionId) -> FunctionCode {
    let signature = &cx.declared.program.functions[id].signature;
    let owner = cx.module_name(signature.module);
    if !cx.is_standard(signature.module) {
        cx.report(report::missing_body(&signature.name, signature.span));
        return FunctionCode::Flow(Body::default());
    }
    let name = format!("{owner}.{}", signature.name);
    if stdlib::CONNECTORS.contains(&owner) {
        FunctionCode::Connector(name)
    } else if stdlib::HOST.contains(&name.as_str()) {
        FunctionCode::Host(name)
    } else {
        FunctionCode::Intrinsic(name)
    }
}

/// Checks the constants of a module; of one whose code is not checked those suffice of whose type nothing is written.
pub(crate) fn check_constants(cx: &mut Context<'_>, module: ModuleId, all: bool) {
    let Some(members) = cx.declared.members.get(module.index()) else { return };
    cx.work.open_constants = Some(Vec::new());
    for index in members.constants.clone() {
        if all || cx.declared.constants.get(index).is_some_and(|constant| constant.decl.ty.is_none()) {
            check_const(cx, ConstId::new(index), None);
        }
    }
    cx.work.open_constants = None;
}

/// The type of a constant. `used_at` is where it is needed: another constant's value waits for its.
pub(super) fn type_of_const(cx: &mut Context<'_>, id: ConstId, used_at: Span) -> crate::hir::Ty {
    if cx.work.open_constants.is_some() {
        check_const(cx, id, Some(used_at));
    }
    let checked = cx.declared.constants.get(id.index()).and_then(|constant| constant.checked.get());
    checked.map_or(cx.program.constants[id].ty, |checked| checked.ty)
}

fn check_const(cx: &mut Context<'_>, id: ConstId, used_at: Option<Span>) {
    let declared = cx.declared;
    let Some(DeclaredConst { decl, checked }) = declared.constants.get(id.index()) else { return };
    if checked.get().is_some() {
        return;
    }
    let open = cx.work.open_constants.get_or_insert_default();
    if let Some((_, told)) = open.iter_mut().find(|(open, _)| *open == id) {
        if !std::mem::replace(told, true) {
            cx.report(report::cyclic_const(&decl.name, used_at.unwrap_or(decl.name.span)));
        }
        return;
    }
    open.push((id, false));
    let outer = std::mem::take(&mut cx.work.diagnostics);
    let constant = &declared.program.constants[id];
    let mut checker = Checker::new(cx, constant.module, Vec::new(), Place::Const);
    let want = match &decl.ty {
        Some(written) => Want::Type(constant.ty, Why::Declared(written.span)),
        None => Want::Any,
    };
    let value = checker.expr(&decl.value, &want);
    checker.settle(value.ty);
    let ty = checker.resolve(want.ty().unwrap_or(value.ty));
    checker.check_unhandled(&decl.name.text, None);
    let body = checker.finish(Vec::new(), value);
    let ty = if cx.work.types.is_open(ty) { Types::INVALID } else { ty };
    keys::check(cx);
    let diagnostics = std::mem::replace(&mut cx.work.diagnostics, outer);
    cx.work.open_constants.get_or_insert_default().pop();
    // Nobody else checks it: constants are checked before anything is checked at once.
    let _ = checked.set(CheckedConst { ty, body, diagnostics });
}

/// Checks the defaults of fields where they are declared, and keeps them for decoding JSON.
fn check_field_defaults(cx: &mut Context<'_>, id: NominalId, bodies: &mut Bodies) {
    let nominal = cx.declared.nominal(id);
    let count = cx.declared.cases_of(id).len().max(1) as u32;
    for case in 0..count {
        for (field, index) in cx.declared.fields_of(id, case).iter().zip(0..) {
            let Some(default) = cx.declared.field_defaults.get(&(id, case, index)).copied() else { continue };
            let mut checker = Checker::new(cx, nominal.module, nominal.generics.clone(), Place::Const);
            let fields = checker.cx.declared.fields_of(id, case);
            checker.beside_default = fields.iter().map(|field| field.name.clone()).collect();
            let value = checker.declared_default(default, field.ty, Why::Context);
            checker.check_unhandled("", None);
            let default = Box::new(checker.finish(Vec::new(), value));
            bodies.field_defaults.push(((id, case, index), default));
        }
    }
}
