//! What instances of a workflow can be told and asked: its signals, queries and updates, known before any body is
//! checked, so that whatever has an instance in hand can talk to it.

use crate::context::{Context, Declaring};
use crate::declare::{resolve_signature, resolve_type};
use crate::hir::{Body, Handler, Id, ModuleId, Signal, Signature, Types, WorkflowId};
use flow_syntax::ast::{self, StmtKind};

/// Declares a workflow's signals, and its queries and updates without their code.
pub(crate) fn resolve(cx: &mut Declaring<'_>, id: WorkflowId) {
    let Some(decl) = cx.workflows.get(id.index()).copied() else { return };
    let module = cx.program.workflows[id].signature.module;
    for stmt in &decl.body.stmts {
        match &stmt.kind {
            StmtKind::Signal { name, ty } => {
                let ty =
                    ty.as_ref().map_or(Types::UNIT, |ty| resolve_type(&mut cx.context(), module, &[], ty));
                let signal = Signal { name: name.text.clone(), ty, span: stmt.span };
                cx.program.workflows[id].signals.push(signal);
            }
            StmtKind::Query(handler) => {
                let handler = resolve_handler(&mut cx.context(), module, stmt, handler);
                cx.program.workflows[id].queries.push(handler);
            }
            StmtKind::Update(handler) => {
                let handler = resolve_handler(&mut cx.context(), module, stmt, handler);
                cx.program.workflows[id].updates.push(handler);
            }
            _ => {}
        }
    }
}

fn resolve_handler(
    cx: &mut Context<'_>,
    module: ModuleId,
    stmt: &ast::Stmt,
    handler: &ast::Handler,
) -> Handler {
    let (params, result, fails) = resolve_signature(cx, module, &handler.signature);
    let name = &handler.signature.name;
    let signature = Signature {
        name: name.text.clone(),
        span: name.span,
        module,
        generics: Vec::new(),
        ordered: Vec::new(),
        params,
        result,
        fails,
        docs: stmt.docs.as_ref().map(|docs| docs.text.clone()),
    };
    Handler { signature, body: Body::default() }
}
