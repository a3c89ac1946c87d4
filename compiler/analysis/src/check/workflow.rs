//! Workflows: their body, and the states, signals, queries and updates declared in it.

use super::{Binding, Checker, Place, Want, Why};
use crate::context::Context;
use crate::hir::{Handler, Id, Signal, Signature, State, StmtKind, Ty, Types, WorkflowId};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident};

/// What a workflow declares in its body.
#[derive(Default)]
pub(crate) struct Parts {
    pub states: Vec<State>,
    pub signals: Vec<Signal>,
}

impl Parts {
    pub fn state_type(&self, index: u32) -> Ty {
        self.states.get(index as usize).map_or(Types::INVALID, |state| state.ty)
    }

    pub fn signal_type(&self, index: u32) -> Ty {
        self.signals.get(index as usize).map_or(Types::INVALID, |signal| signal.ty)
    }
}

impl Checker<'_, '_> {
    /// Enters a workflow's signals, states and handlers: they are known in all of its body.
    fn declare_parts(&mut self, block: &ast::Block) {
        let module = self.module;
        for stmt in &block.stmts {
            match &stmt.kind {
                ast::StmtKind::Signal { name, ty } => {
                    self.report(report::not_yet("signal", name.span));
                    let ty =
                        ty.as_ref().map_or(Types::UNIT, |ty| declare::resolve_type(self.cx, module, &[], ty));
                    let index = self.parts.signals.len() as u32;
                    self.parts.signals.push(Signal { name: name.text.clone(), ty, span: stmt.span });
                    self.declare_part(name, Binding::Signal(index));
                }
                ast::StmtKind::State { name, ty, value } => {
                    self.report(report::not_yet("state", name.span));
                    let ty = match ty {
                        Some(ty) => declare::resolve_type(self.cx, module, &[], ty),
                        // The first value's type, as far as it does not depend on what comes before it.
                        None => self.quietly(|checker| checker.infer(value).ty),
                    };
                    let index = self.parts.states.len() as u32;
                    self.parts.states.push(State { name: name.text.clone(), ty, span: stmt.span });
                    self.declare_part(name, Binding::State(index));
                }
                ast::StmtKind::Query(handler) => {
                    self.report(report::not_yet("query", handler.signature.name.span));
                    self.declare_part(&handler.signature.name, Binding::Handler);
                }
                ast::StmtKind::Update(handler) => {
                    self.report(report::not_yet("update", handler.signature.name.span));
                    self.declare_part(&handler.signature.name, Binding::Handler);
                }
                _ => {}
            }
        }
    }

    fn declare_part(&mut self, name: &Ident, binding: Binding) {
        if matches!(
            self.binding(name.as_str()),
            Some(Binding::State(_) | Binding::Signal(_) | Binding::Handler)
        ) {
            self.report(report::duplicate(name, Span::default()));
        }
        self.bind(name.text.clone(), binding);
    }

    /// `signal …` where it stands: declared already, unless this is no workflow.
    pub fn signal_stmt(&mut self, name: &Ident, span: Span) -> Option<StmtKind> {
        if !matches!(self.binding(name.as_str()), Some(Binding::Signal(_))) {
            self.report(report::outside_workflow("signal", span));
        }
        None
    }

    /// `query …`, `update …` where they stand.
    pub fn handler_stmt(&mut self, word: &str, name: &Ident) -> Option<StmtKind> {
        if !matches!(self.binding(name.as_str()), Some(Binding::Handler)) {
            self.report(report::outside_workflow(word, name.span));
        }
        None
    }

    /// `state x = e` where it stands.
    pub fn state_stmt(&mut self, name: &Ident, value: &ast::Expr, span: Span) -> Option<StmtKind> {
        let Some(Binding::State(state)) = self.binding(name.as_str()) else {
            self.report(report::outside_workflow("state", span));
            self.infer(value);
            return None;
        };
        let ty = self.parts.state_type(state);
        let value = self.check(value, ty, Why::Variable { name: name.text.clone(), span: name.span });
        Some(StmtKind::InitState { state, value })
    }
}

/// Checks a workflow.
pub(crate) fn check_workflow(cx: &mut Context<'_>, id: WorkflowId) {
    let Some(decl) = cx.workflows.get(id.index()).copied() else { return };
    let signature = cx.program.workflows[id].signature.clone();
    let mut checker = Checker::new(cx, signature.module, Vec::new(), Place::Workflow);
    checker.check_defaults(&signature.params, &decl.signature.params);
    checker.take_raised(0);
    let params = checker.bind_signature(&signature.params, &decl.signature.params);
    checker.declare_parts(&decl.body);
    let value = checker.function_body(&signature, &decl.signature, &decl.body);
    checker.check_unhandled(&signature.name, Some(&decl.signature));
    let tys: Vec<Ty> = checker.parts.states.iter().map(|state| state.ty).collect();
    let tys: Vec<Ty> = tys.into_iter().map(|ty| checker.resolve(ty)).collect();
    checker.parts.states.iter_mut().zip(tys).for_each(|(state, ty)| state.ty = ty);
    let parts = std::mem::take(&mut checker.parts);
    let body = checker.finish(params, value);
    let (mut queries, mut updates) = (Vec::new(), Vec::new());
    let mut parts = parts;
    for stmt in &decl.body.stmts {
        match &stmt.kind {
            ast::StmtKind::Query(handler) => queries.push(check_handler(cx, &signature, handler, &mut parts)),
            ast::StmtKind::Update(handler) => {
                updates.push(check_handler(cx, &signature, handler, &mut parts))
            }
            _ => {}
        }
    }
    let workflow = &mut cx.program.workflows[id];
    workflow.body = body;
    workflow.states = parts.states;
    workflow.signals = parts.signals;
    workflow.queries = queries;
    workflow.updates = updates;
}

/// Checks a query or update: it sees the workflow's states, and nothing else of its body.
fn check_handler(
    cx: &mut Context<'_>,
    owner: &Signature,
    handler: &ast::Handler,
    parts: &mut Parts,
) -> Handler {
    let (params, result, fails) = declare::resolve_signature(cx, owner.module, &handler.signature);
    let name = &handler.signature.name;
    let signature = Signature {
        name: name.text.clone(),
        span: name.span,
        module: owner.module,
        generics: Vec::new(),
        params,
        result,
        fails,
        docs: None,
    };
    let mut checker = Checker::new(cx, owner.module, Vec::new(), Place::Handler);
    checker.parts = std::mem::take(parts);
    for index in 0..checker.parts.states.len() {
        if let Some(name) = checker.parts.states.get(index).map(|state| state.name.clone()) {
            checker.bind(name, Binding::State(index as u32));
        }
    }
    let locals = checker.bind_signature(&signature.params, &handler.signature.params);
    let value = checker.function_body(&signature, &handler.signature, &handler.body);
    checker.check_unhandled(&signature.name, Some(&handler.signature));
    *parts = std::mem::take(&mut checker.parts);
    let body = checker.finish(locals, value);
    Handler { signature, body }
}

impl Checker<'_, '_> {
    /// The body of a function, its value of the declared result.
    pub fn function_body(
        &mut self,
        signature: &Signature,
        written: &ast::Signature,
        body: &ast::Block,
    ) -> crate::hir::Expr {
        self.fails = signature.fails.clone();
        let span = written.result.as_ref().map_or(written.name.span, |ty| ty.span);
        let why = Why::Returns { name: signature.name.clone(), span };
        self.returns = Some((signature.result, why.clone()));
        self.block_scoped(body, &Want::of(signature.result, why))
    }
}
