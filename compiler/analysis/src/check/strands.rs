//! Strands that are spawned and joined, and instances of their own: `scope`, `spawn`, `await`, `detach`.

use super::arguments::{Slot, Target};
use super::durable::unit_or;
use super::expr::unit;
use super::{Checker, FrameKind, Place, Raised, Want, Why};
use crate::context::Context;
use crate::hir::{CoerceKind, Expr, ExprKind, Id, NominalKind, Ty, Type, Types, WorkflowId};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;
use std::collections::HashSet;

impl<'a> Checker<'_, 'a> {
    /// `scope { … }`
    pub fn check_scope(&mut self, body: &ast::Block, span: Span, want: &Want) -> Expr {
        let handle = self.temporary(Types::INT, Span::new(span.start, body.span.start));
        // A `spawn` at the end is a statement like those before it: its handle is of no use outside.
        let ends_in_spawn = body.stmts.last().is_some_and(|stmt| match &stmt.kind {
            ast::StmtKind::Expr(expr) => matches!(expr.without_parens().kind, ast::ExprKind::Spawn(_)),
            _ => false,
        });
        let want = if ends_in_spawn { &Want::Drop } else { want };
        self.strand_scopes.push(Vec::new());
        let body = self.block_scoped(body, want);
        let failures = self.strand_scopes.pop().unwrap_or_default();
        self.raised.extend(failures);
        let ty = self.resolve(body.ty);
        if holds_strand(self.cx, ty) {
            let found = self.show(ty);
            self.report(report::handle_leaves_scope(&found, span));
        }
        Expr { ty, kind: ExprKind::Scope { handle, body: Box::new(body) }, span }
    }

    /// `spawn e`
    pub fn check_spawn(&mut self, inner: &ast::Expr, span: Span, want: &Want) -> Expr {
        self.cx.work.spawns = true;
        let kept = !matches!(want, Want::Drop);
        let inner_want = if kept { Want::Any } else { Want::Drop };
        let mark = self.raised.len();
        let branch = self.branch(FrameKind::Spawned, |checker| checker.expr(inner, &inner_want));
        let raised = self.take_raised(mark);
        if !kept {
            self.fails_scope(raised, span);
            return unit(ExprKind::Spawn { branch, kept }, span);
        }
        let known = *self.cx.known();
        let ty = match branch.body.kind {
            ExprKind::CallWorkflow { workflow, .. } => self.handle_of(known.child, workflow),
            _ => {
                let error = self.types().union(raised.into_iter().map(|raised| raised.ty).collect());
                let value = unit_or(branch.body.ty);
                known.task.map_or(Types::INVALID, |task| {
                    self.types().intern(Type::Nominal(task, vec![value, error]))
                })
            }
        };
        Expr { kind: ExprKind::Spawn { branch, kept }, ty, span }
    }

    /// `Child<order>` or `Instance<order>`.
    pub fn handle_of(&mut self, nominal: Option<crate::hir::NominalId>, workflow: WorkflowId) -> Ty {
        let name = self.cx.program.workflows[workflow].signature.name.clone();
        let workflow = self.types().intern(Type::Workflow(workflow, name));
        nominal.map_or(Types::INVALID, |nominal| self.types().intern(Type::Nominal(nominal, vec![workflow])))
    }

    /// What a strand without a handle fails with, its scope fails with.
    fn fails_scope(&mut self, raised: Vec<Raised>, span: Span) {
        if let Some(scope) = self.strand_scopes.last_mut() {
            scope.extend(raised);
        } else if let Some(first) = raised.first() {
            let error = self.show(first.ty);
            self.report(report::spawn_without_scope(&error, span));
        }
    }

    /// What a workflow's own strands fail with, it fails with.
    pub fn open_workflow_scope(&mut self) {
        if self.place == Place::Workflow {
            self.strand_scopes.push(Vec::new());
        }
    }

    /// The end of the body of a workflow.
    pub fn close_workflow_scope(&mut self) {
        let failures = self.strand_scopes.pop().unwrap_or_default();
        self.raised.extend(failures);
    }

    /// `await e`
    pub fn check_await(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let handle = self.infer(inner);
        let known = *self.cx.known();
        let ty = match self.shape(handle.ty) {
            Type::Nominal(id, args) if Some(id) == known.task => match args.as_slice() {
                [value, error] => {
                    self.raise(*error, span);
                    *value
                }
                _ => Types::INVALID,
            },
            Type::Nominal(id, args) if Some(id) == known.child => match self.workflow_named(&args) {
                Some(workflow) => {
                    let signature = &self.cx.program.workflows[workflow].signature;
                    let (result, fails) = (signature.result, signature.fails.clone());
                    fails.into_iter().for_each(|error| self.raise(error, span));
                    result
                }
                None => Types::INVALID,
            },
            Type::Invalid | Type::Never => return self.invalid(span),
            _ => {
                let found = self.show(handle.ty);
                self.report(report::not_a_handle(&found, handle.span));
                return self.invalid(span);
            }
        };
        Expr { kind: ExprKind::Await(Box::new(handle)), ty, span }
    }

    /// The workflow that a `Child` or `Instance` is of, by its type arguments.
    pub fn workflow_named(&self, args: &[Ty]) -> Option<WorkflowId> {
        match self.shape(*args.first()?) {
            Type::Workflow(workflow, _) => Some(workflow),
            _ => None,
        }
    }

    /// `detach f(x)`, `detach f(x) using (id: e)`
    pub fn check_detach(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let (call, settings) = match &inner.without_parens().kind {
            ast::ExprKind::Using { call, settings } => (&**call, settings.as_slice()),
            _ => (inner, &[][..]),
        };
        let mark = self.raised.len();
        let call = self.infer(call);
        let ExprKind::CallWorkflow { workflow, args } = call.kind else {
            if !matches!(self.shape(call.ty), Type::Invalid) {
                self.report(report::detach_target(call.span));
            }
            return self.invalid(span);
        };
        // What the workflow fails with stays with it; what its arguments raise is raised here.
        let raised = self.raised.split_off(mark.min(self.raised.len()));
        let mut own = self.cx.program.workflows[workflow].signature.fails.len();
        let arguments_raise = raised.into_iter().rev().skip_while(|raised| {
            let is_own = own > 0 && raised.span == call.span;
            own = own.saturating_sub(1);
            is_own
        });
        let arguments_raise: Vec<Raised> = arguments_raise.collect();
        self.raised.extend(arguments_raise);
        let mut id = None;
        for setting in settings {
            match &setting.name {
                Some(name) if name.as_str() == "id" => {
                    id = Some(Box::new(self.check(&setting.value, Types::STRING, Why::Setting("`id`"))));
                }
                Some(name) => self.report(report::detach_setting(name)),
                None => {}
            }
        }
        let known = *self.cx.known();
        let ty = self.handle_of(known.instance, workflow);
        Expr { kind: ExprKind::Detach { workflow, args, id }, ty, span }
    }

    /// `order.of("o-7")`: the instance of that id, whether or not there is one.
    pub fn instance_of(&mut self, workflow: WorkflowId, args: &[ast::Arg], span: Span) -> Expr {
        let [ast::Arg { name: None, value, .. }] = args else {
            self.infer_arguments(args);
            self.report(report::of_takes_an_id(span));
            return self.invalid(span);
        };
        let id = self.check(value, Types::STRING, Why::Setting("an instance's id"));
        let known = *self.cx.known();
        let ty = self.handle_of(known.instance, workflow);
        Expr { kind: ExprKind::Record(vec![id]), ty, span }
    }

    /// The workflow of a `Child` or `Instance`.
    pub fn workflow_of_handle(&self, shape: &Type) -> Option<WorkflowId> {
        let Type::Nominal(id, args) = shape else { return None };
        let known = self.cx.known();
        [known.child, known.instance].contains(&Some(*id)).then(|| self.workflow_named(args)).flatten()
    }

    /// `c.verdict(x)`, `c.status()`: a signal, query or update of another instance.
    pub fn call_instance(
        &mut self,
        handle: Expr,
        workflow: WorkflowId,
        name: &ast::Ident,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        let declared = &self.cx.program.workflows[workflow];
        if let Some((index, signal)) = (0u32..).zip(&declared.signals).find(|(_, one)| one.name == name.text)
        {
            let (ty, declared) = (signal.ty, signal.span);
            return self.tell(handle, workflow, (index, ty, declared), name, args, span);
        }
        let queries = (0u32..).zip(&declared.queries).map(|(index, one)| (false, index, &one.signature));
        let updates = (0u32..).zip(&declared.updates).map(|(index, one)| (true, index, &one.signature));
        let found = queries.chain(updates).find(|(.., signature)| signature.name == name.text);
        if let Some((update, index, signature)) = found {
            let signature = signature.clone();
            return self.ask(handle, workflow, (update, index), &signature, args, span);
        }
        let messages = declared.signals.iter().map(|signal| &signal.name);
        let handlers = declared.queries.iter().chain(&declared.updates);
        let known: Vec<String> =
            messages.chain(handlers.map(|one| &one.signature.name)).map(ToString::to_string).collect();
        let owner = declared.signature.name.clone();
        self.infer_arguments(args);
        self.report(report::no_message(&owner, name, &known));
        self.invalid(span)
    }

    fn tell(
        &mut self,
        handle: Expr,
        workflow: WorkflowId,
        (signal, ty, declared): (u32, Ty, Span),
        name: &ast::Ident,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        let slots = match ty {
            Types::UNIT => Vec::new(),
            _ => vec![Slot { name: "value".into(), ty, default: None, is_param: true, declared }],
        };
        let target = Target { name: name.text.clone(), module: self.module, declared };
        let value =
            self.arguments(&slots, &target, None, args, span).pop().map(|value| Box::new(as_json(value)));
        unit(ExprKind::Tell { handle: Box::new(handle), workflow, signal, value }, span)
    }

    fn ask(
        &mut self,
        handle: Expr,
        workflow: WorkflowId,
        (update, index): (bool, u32),
        signature: &crate::hir::Signature,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        let defaults = self.cx.handler_defaults(workflow, signature.span);
        let slots: Vec<Slot<'a>> = signature
            .params
            .iter()
            .zip(defaults)
            .map(|(param, default)| Slot {
                name: param.name.clone(),
                ty: param.ty,
                default,
                is_param: true,
                declared: param.span,
            })
            .collect();
        let (name, module) = (signature.name.clone(), signature.module);
        let target = Target { name, module, declared: signature.span };
        let args = self.arguments(&slots, &target, None, args, span).into_iter().map(as_json).collect();
        for error in &signature.fails {
            self.raise(*error, span);
        }
        let (handle, interruptible) = (Box::new(handle), self.has_unknown);
        let kind = ExprKind::Ask { handle, workflow, update, index, args, interruptible };
        Expr { kind, ty: signature.result, span }
    }

    /// Handles in signals, queries and updates.
    pub fn check_message_borders(&mut self, workflow: WorkflowId) {
        let declared = &self.cx.program.workflows[workflow];
        let signals = declared.signals.iter().map(|signal| (signal.ty, "sent to a workflow", signal.span));
        let handlers = declared.queries.iter().chain(&declared.updates);
        let handlers = handlers.flat_map(|handler| {
            let signature = &handler.signature;
            let params = signature.params.iter().map(|param| (param.ty, "sent to a workflow", param.span));
            params.chain([(signature.result, "what a workflow answers", signature.span)])
        });
        let all: Vec<(Ty, &str, Span)> = signals.chain(handlers).collect();
        for (ty, what, span) in all {
            self.check_border(ty, what, span);
        }
    }

    /// Reports a type that goes in or out of an instance and holds a handle: that is of use only inside.
    pub fn check_border(&mut self, ty: Ty, what: &str, span: Span) {
        let ty = self.resolve(ty);
        if holds_handle(self.cx, ty) {
            let found = self.show(ty);
            self.report(report::handle_at_border(&found, what, span));
        }
    }
}

/// A value as the `Json` that a message carries.
fn as_json(value: Expr) -> Expr {
    let span = value.span;
    let kind = ExprKind::Coerce { kind: CoerceKind::ToJson, value: Box::new(value) };
    Expr { kind, ty: Types::JSON, span }
}

/// Whether a value of this type may hold a handle of a strand or child.
fn holds_strand(cx: &Context<'_>, ty: Ty) -> bool {
    let known = cx.known();
    holds(cx, ty, &|id| Some(id) == known.task || Some(id) == known.child, &mut HashSet::new())
}

impl<'a> Context<'a> {
    /// The defaults of the parameters of a query or update, which is declared at `span`.
    fn handler_defaults(&self, workflow: WorkflowId, span: Span) -> Vec<Option<&'a ast::Expr>> {
        let Some(decl) = self.workflows.get(workflow.index()) else { return Vec::new() };
        let handlers = decl.body.stmts.iter().filter_map(|stmt| match &stmt.kind {
            ast::StmtKind::Query(handler) | ast::StmtKind::Update(handler) => Some(handler),
            _ => None,
        });
        let found = handlers.into_iter().find(|handler| handler.signature.name.span == span);
        let params = found.map(|handler| handler.signature.params.as_slice()).unwrap_or_default();
        params.iter().map(|param| param.default.as_ref()).collect()
    }
}

/// Whether a value of this type may hold any handle.
fn holds_handle(cx: &Context<'_>, ty: Ty) -> bool {
    let known = cx.known();
    let handles = [known.task, known.child, known.instance];
    holds(cx, ty, &|id| handles.contains(&Some(id)), &mut HashSet::new())
}

fn holds(
    cx: &Context<'_>,
    ty: Ty,
    wanted: &dyn Fn(crate::hir::NominalId) -> bool,
    seen: &mut HashSet<Ty>,
) -> bool {
    if !seen.insert(ty) {
        return false;
    }
    let mut any = |types: &[Ty]| types.iter().any(|ty| holds(cx, *ty, wanted, seen));
    match cx.ty(ty) {
        Type::List(item) | Type::Set(item) | Type::Option(item) => any(&[*item]),
        Type::Map(key, value) => any(&[*key, *value]),
        Type::Tuple(items) | Type::Union(items) => any(items),
        Type::Nominal(id, args) => {
            if wanted(*id) || any(args) {
                return true;
            }
            let fields: Vec<Ty> = match &cx.nominal(*id).kind {
                NominalKind::Record(fields) => fields.iter().map(|field| field.ty).collect(),
                NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                    cases.iter().flat_map(|case| &case.fields).map(|field| field.ty).collect()
                }
                NominalKind::Distinct(inner) => vec![*inner],
            };
            any(&fields)
        }
        _ => false,
    }
}
