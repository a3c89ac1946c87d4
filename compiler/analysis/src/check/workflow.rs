//! Workflows: their body, and the states, signals, queries and updates declared in it.

use super::bodies::{CalledBody, WorkflowBody};
use super::{Binding, Checker, Place, Want, Why};
use crate::context::Context;
use crate::hir::{Body, Expr, Handler, Id, Param, Signal, Signature, State, StmtKind, Ty, Types, WorkflowId};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident, Name};

/// What a workflow declares in its body.
#[derive(Default)]
pub(crate) struct Parts {
    pub states: Vec<State>,
    pub signals: Vec<Signal>,
    /// Parameters and variables of the body, which queries and updates don't see.
    pub variables: Vec<Name>,
    /// How many states have their first value where the body stands.
    pub standing: u32,
}

impl Parts {
    pub fn state_type(&self, index: u32) -> Ty {
        self.states.get(index as usize).map_or(Types::INVALID, |state| state.ty)
    }
}

impl Checker<'_, '_> {
    /// Enters a workflow's signals, states and handlers: they are known in all of its body.
    fn declare_parts(&mut self, block: &ast::Block) {
        let mut declared: Vec<&Ident> = Vec::new();
        for stmt in &block.stmts {
            let (name, binding) = match &stmt.kind {
                ast::StmtKind::Let { pattern, .. } => {
                    if let ast::PatternKind::Bind(name) = &pattern.kind {
                        self.parts.variables.push(name.text.clone());
                    }
                    continue;
                }
                ast::StmtKind::Signal { name, .. } => (name, Binding::Signal),
                ast::StmtKind::State { name, .. } => {
                    let index = self.parts.states.len() as u32;
                    // Its type is known where its first value stands; nothing may use it before.
                    let state = State { name: name.text.clone(), ty: Types::INVALID, span: stmt.span };
                    self.parts.states.push(state);
                    (name, Binding::State(index))
                }
                ast::StmtKind::Query(handler) | ast::StmtKind::Update(handler) => {
                    (&handler.signature.name, Binding::Handler)
                }
                _ => continue,
            };
            if let Some(first) = declared.iter().find(|known| known.text == name.text) {
                self.report(report::duplicate(name, first.span));
                continue;
            }
            declared.push(name);
            self.bind(name.text.clone(), binding);
        }
    }

    /// `signal …` where it stands: declared already, unless this is no workflow.
    pub fn signal_stmt(&mut self, name: &Ident, span: Span) -> Option<StmtKind> {
        if !matches!(self.binding(name.as_str()), Some(Binding::Signal)) {
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

    /// `state x: T = e` where it stands.
    pub fn state_stmt(
        &mut self,
        name: &Ident,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StmtKind> {
        let known = match self.binding(name.as_str()) {
            Some(Binding::State(state)) => self.parts.states.get(state as usize).map(|known| (state, known)),
            _ => None,
        };
        let Some((state, _)) = known.filter(|(_, known)| known.span == span) else {
            // A second declaration of a workflow's name was reported; anything else is no declaration of a workflow.
            if known.is_none() || self.place != Place::Workflow {
                self.report(report::outside_workflow("state", span));
            }
            self.infer(value);
            return None;
        };
        let value = match ty {
            Some(written) => {
                let ty = declare::resolve_type(self.cx, self.module, &[], written);
                let value = self.check(value, ty, Why::Declared(written.span));
                Expr { ty, ..value }
            }
            None => self.expr(value, &Want::Open),
        };
        if let Some(declared) = self.parts.states.get_mut(state as usize) {
            declared.ty = value.ty;
        }
        self.parts.standing = state + 1;
        Some(StmtKind::InitState { state, value })
    }
}

/// Checks a workflow.
pub(super) fn check_workflow(cx: &mut Context<'_>, id: WorkflowId) -> Option<WorkflowBody> {
    let decl = cx.declared.workflows.get(id.index()).copied()?;
    let workflow = &cx.declared.program.workflows[id];
    let signature = &workflow.signature;
    let defaults = declared_defaults(cx, signature, &decl.signature.params);
    let mut checker = Checker::new(cx, signature.module, Vec::new(), Place::Workflow);
    checker.parts.signals = workflow.signals.clone();
    checker.parts.variables = signature.params.iter().map(|param| param.name.clone()).collect();
    let params = checker.bind_signature(&signature.params, &decl.signature.params);
    checker.declare_parts(&decl.body);
    checker.open_workflow_scope();
    let value = checker.function_body(signature, &decl.signature, &decl.body);
    checker.close_workflow_scope();
    checker.check_unhandled(&signature.name, Some(&decl.signature));
    for (param, written) in signature.params.iter().zip(&decl.signature.params) {
        checker.check_border(param.ty, "given to a workflow", written.ty.span);
    }
    checker.check_message_borders(id);
    if let Some(written) = &decl.signature.result {
        checker.check_border(signature.result, "the result of a workflow", written.span);
    }
    // Handlers see what the body made of them.
    checker.unknowns.settle_all();
    let tys: Vec<Ty> = checker.parts.states.iter().map(|state| state.ty).collect();
    let tys: Vec<Ty> = tys.into_iter().map(|ty| checker.resolve(ty)).collect();
    checker.parts.states.iter_mut().zip(tys).for_each(|(state, ty)| state.ty = ty);
    let mut parts = std::mem::take(&mut checker.parts);
    let body = CalledBody { code: checker.finish(params, value), defaults };
    let mut found = WorkflowBody { body, ..WorkflowBody::default() };
    let (mut queries, mut updates) = (workflow.queries.iter(), workflow.updates.iter());
    for stmt in &decl.body.stmts {
        match &stmt.kind {
            ast::StmtKind::Query(handler) => {
                let check =
                    |known: &Handler| check_handler(cx, Place::Query, &known.signature, handler, &mut parts);
                found.queries.extend(queries.next().map(check));
            }
            ast::StmtKind::Update(handler) => {
                let check =
                    |known: &Handler| check_handler(cx, Place::Update, &known.signature, handler, &mut parts);
                found.updates.extend(updates.next().map(check));
            }
            _ => {}
        }
    }
    found.states = parts.states;
    Some(found)
}

/// Checks a query or update: it sees the workflow's states, and nothing else of its body.
fn check_handler(
    cx: &mut Context<'_>,
    place: Place,
    signature: &Signature,
    handler: &ast::Handler,
    parts: &mut Parts,
) -> CalledBody {
    let defaults = declared_defaults(cx, signature, &handler.signature.params);
    let mut checker = Checker::new(cx, signature.module, Vec::new(), place);
    checker.parts = std::mem::take(parts);
    for index in 0..checker.parts.states.len() {
        if let Some(name) = checker.parts.states.get(index).map(|state| state.name.clone()) {
            checker.bind(name, Binding::State(index as u32));
        }
    }
    let locals = checker.bind_signature(&signature.params, &handler.signature.params);
    let value = checker.function_body(signature, &handler.signature, &handler.body);
    checker.check_unhandled(&signature.name, Some(&handler.signature));
    *parts = std::mem::take(&mut checker.parts);
    CalledBody { code: checker.finish(locals, value), defaults }
}

/// The defaults of what may be called from outside, checked where they are declared and kept. They see neither parameters
/// nor states; what they raise is raised by the calls that need them.
fn declared_defaults(
    cx: &mut Context<'_>,
    signature: &Signature,
    written: &[ast::Param],
) -> Vec<Option<Box<Body>>> {
    let default = |(param, written): (&Param, &ast::Param)| {
        let default = written.default.as_ref()?;
        let mut checker = Checker::new(cx, signature.module, Vec::new(), Place::Workflow);
        checker.beside_default = signature.params.iter().map(|param| param.name.clone()).collect();
        let value = checker.declared_default(default, param.ty, Why::Declared(written.ty.span));
        checker.take_raised(0);
        Some(Box::new(checker.finish(Vec::new(), value)))
    };
    signature.params.iter().zip(written).map(default).collect()
}

impl Checker<'_, '_> {
    /// The body of a function, its value of the declared result.
    pub fn function_body(
        &mut self,
        signature: &Signature,
        written: &ast::Signature,
        body: &ast::Block,
    ) -> Expr {
        self.fails = signature.fails.clone();
        let span = written.result.as_ref().map_or(written.name.span, |ty| ty.span);
        let why = Why::Returns { name: signature.name.clone(), span };
        self.returns = Some((signature.result, why.clone()));
        self.block_scoped(body, &Want::of(signature.result, why))
    }
}
