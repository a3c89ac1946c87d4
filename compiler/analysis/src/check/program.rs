//! All bodies of a program, in order.

use super::{Checker, Place, Want, Why, activity, proof, workflow};
use crate::context::{ConstState, Context};
use crate::hir::{
    ActivityId, ConstId, FunctionCode, FunctionId, Id, ModuleId, NominalId, NominalKind, WorkflowId,
};
use crate::{declare, report, stdlib};
use flow_syntax::Span;
use flow_syntax::ast::{self, ItemKind};

/// Checks everything in a module that has code.
pub(crate) fn check<'a>(cx: &mut Context<'a>, module: ModuleId, tree: &'a ast::Module) {
    let Some(members) = cx.members.get(module.index()).cloned() else { return };
    for index in members.nominals {
        check_field_defaults(cx, NominalId::new(index));
    }
    for index in members.constants {
        check_const(cx, ConstId::new(index), None);
    }
    for index in members.functions {
        check_function(cx, FunctionId::new(index));
    }
    for index in members.activities {
        activity::check_activity(cx, ActivityId::new(index));
    }
    for index in members.workflows {
        workflow::check_workflow(cx, WorkflowId::new(index));
    }
    for item in &tree.items {
        match &item.kind {
            ItemKind::Spec(spec) => proof::check_spec(cx, module, spec),
            ItemKind::Test(test) => proof::check_test(cx, module, test),
            _ => {}
        }
    }
}

fn check_function(cx: &mut Context<'_>, id: FunctionId) {
    let Some(decl) = cx.functions.get(id.index()).copied() else { return };
    let signature = cx.program.functions[id].signature.clone();
    let Some(body) = &decl.body else {
        let code = bodyless(cx, id);
        cx.program.functions[id].code = code;
        return;
    };
    let mut checker = Checker::new(cx, signature.module, signature.generics.clone(), Place::Function);
    checker.check_defaults(&signature.params, &decl.signature.params);
    let params = checker.bind_signature(&signature.params, &decl.signature.params);
    let value = checker.function_body(&signature, &decl.signature, body);
    checker.check_unhandled(&signature.name, Some(&decl.signature));
    let body = checker.finish(params, value);
    cx.program.functions[id].code = FunctionCode::Flow(body);
}

/// What a function without a body stands for; only the standard library has such.
fn bodyless(cx: &mut Context<'_>, id: FunctionId) -> FunctionCode {
    let signature = &cx.program.functions[id].signature;
    let (module, span, plain) = (signature.module, signature.span, signature.name.clone());
    let owner = cx.module_name(module).to_string();
    let name = format!("{owner}.{plain}");
    if !cx.is_standard(module) {
        cx.report(report::missing_body(&plain, span));
        return FunctionCode::Flow(crate::hir::Body::default());
    }
    if stdlib::CONNECTORS.contains(&owner.as_str()) {
        FunctionCode::Connector(name)
    } else if stdlib::HOST.contains(&name.as_str()) {
        FunctionCode::Host(name)
    } else {
        FunctionCode::Intrinsic(name)
    }
}

/// Checks a constant, wherever it is first needed. `used_at` is where another constant's value needs it.
pub(crate) fn check_const(cx: &mut Context<'_>, id: ConstId, used_at: Option<Span>) {
    let Some((decl, state)) = cx.constants.get_mut(id.index()) else { return };
    let decl = *decl;
    match state {
        ConstState::Done => return,
        ConstState::InProgress => {
            *state = ConstState::Done;
            cx.report(report::cyclic_const(&decl.name, used_at.unwrap_or(decl.name.span)));
            return;
        }
        ConstState::Pending => *state = ConstState::InProgress,
    }
    let module = cx.program.constants[id].module;
    let mut checker = Checker::new(cx, module, Vec::new(), Place::Const);
    let want = match &decl.ty {
        Some(written) => {
            Want::Type(declare::resolve_type(checker.cx, module, &[], written), Why::Declared(written.span))
        }
        None => Want::Any,
    };
    let value = checker.expr(&decl.value, &want);
    let ty = checker.resolve(want.ty().unwrap_or(value.ty));
    checker.check_unhandled(&decl.name.text, None);
    let body = checker.finish(Vec::new(), value);
    let constant = &mut cx.program.constants[id];
    constant.ty = ty;
    constant.body = body;
    if let Some((_, state)) = cx.constants.get_mut(id.index()) {
        *state = ConstState::Done;
    }
}

/// Checks the defaults of fields where they are declared, and keeps them for decoding JSON.
fn check_field_defaults(cx: &mut Context<'_>, id: NominalId) {
    let module = cx.nominal(id).module;
    let generics = cx.nominal(id).generics.clone();
    let count = cx.cases_of(id).len().max(1) as u32;
    for case in 0..count {
        for index in 0..cx.fields_of(id, case).len() {
            let Some(default) = cx.field_defaults.get(&(id, case, index as u32)).copied() else { continue };
            let Some(ty) = cx.fields_of(id, case).get(index).map(|field| field.ty) else { continue };
            let mut checker = Checker::new(cx, module, generics.clone(), Place::Const);
            let value = checker.check(default, ty, Why::Context);
            checker.check_unhandled("", None);
            let body = checker.finish(Vec::new(), value);
            let fields = match &mut cx.program.nominals[id].kind {
                NominalKind::Record(fields) => Some(fields),
                NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                    cases.get_mut(case as usize).map(|case| &mut case.fields)
                }
                NominalKind::Distinct(_) => None,
            };
            if let Some(field) = fields.and_then(|fields| fields.get_mut(index)) {
                field.default = Some(body.value);
            }
        }
    }
}
