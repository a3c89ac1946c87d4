//! Strands that are spawned and joined, and instances of their own: `scope`, `spawn`, `await`, `detach`.

use super::durable::unit_or;
use super::expr::unit;
use super::{Checker, FrameKind, Place, Raised, Want, Why};
use crate::context::Context;
use crate::hir::{Expr, ExprKind, NominalKind, Ty, Type, Types, WorkflowId};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;
use std::collections::HashSet;

impl Checker<'_, '_> {
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
        self.cx.program.spawns = true;
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

    /// Reports a type that goes in or out of an instance and holds a handle: that is of use only inside.
    pub fn check_border(&mut self, ty: Ty, what: &str, span: Span) {
        let ty = self.resolve(ty);
        if holds_handle(self.cx, ty) {
            let found = self.show(ty);
            self.report(report::handle_at_border(&found, what, span));
        }
    }
}

/// Whether a value of this type may hold a handle of a strand or child.
fn holds_strand(cx: &Context<'_>, ty: Ty) -> bool {
    let known = cx.known();
    holds(cx, ty, &|id| Some(id) == known.task || Some(id) == known.child, &mut HashSet::new())
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
