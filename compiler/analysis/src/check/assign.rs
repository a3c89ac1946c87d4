//! Assignments: to a `var` or `state`, and to parts of one, which rebinds the whole.

use super::{Binding, Checker, Want, Why};
use crate::hir::{BinaryOp, Expr, ExprKind, Id, LocalId, StmtKind, Ty, Type};
use crate::{hir, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident};

/// What an assignment rebinds.
#[derive(Clone, Copy)]
enum Root {
    Local(LocalId),
    State(u32),
}

impl Root {
    fn local(self) -> Option<LocalId> {
        match self {
            Root::Local(id) => Some(id),
            Root::State(_) => None,
        }
    }
}

impl Checker<'_, '_> {
    /// `target op= value`
    pub fn assign(
        &mut self,
        target: &ast::Expr,
        op: Option<ast::BinaryOp>,
        value: &ast::Expr,
        span: Span,
    ) -> StmtKind {
        let Some((root, name)) = self.root(target) else {
            self.infer(value);
            return StmtKind::Expr(self.invalid(span));
        };
        let owner = root.local();
        let current = self.assigning(owner, |checker| checker.expr(target, &Want::Any));
        let ty = self.assigned_type(target, &current);
        let new = match op.and_then(compound) {
            None => self.check(value, ty, self.why_assigned(root, name)),
            Some(op) => {
                let right = self.expr(value, &Want::Hint(current.ty));
                let (left, right) = self.adapt_sides(current, right);
                let result = self.apply(op, target.span.to(value.span), left, right, span);
                let why = self.why_assigned(root, name);
                self.coerce(result, ty, &why)
            }
        };
        let whole = self.assigning(owner, |checker| checker.rebuild(target, new));
        self.store(root, whole)
    }

    /// `target.push(value)` and the like where no value is wanted: an assignment, as an expression.
    pub fn changing_call(&mut self, call: &ast::Expr) -> Option<Expr> {
        let ast::ExprKind::Call { callee, args } = &call.kind else { return None };
        let ast::ExprKind::Field { base, name, optional: false } = &callee.kind else { return None };
        let kind = self.change(base, name, args, call.span)?;
        let stmts = vec![hir::Stmt { kind, compensation: None, span: call.span }];
        Some(super::expr::unit(ExprKind::Block(hir::Block { stmts, value: None }), call.span))
    }

    /// `target.push(value)` and the like on a variable: sugar for rebinding it.
    fn change(
        &mut self,
        target: &ast::Expr,
        name: &Ident,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<StmtKind> {
        if !matches!(name.as_str(), "push" | "insert" | "remove") {
            return None;
        }
        let owner = self.variable(target)?.local();
        let whole = self.quietly(|checker| checker.assigning(owner, |checker| checker.infer(target)));
        let (module, type_args, params) = match (self.shape(whole.ty), name.as_str()) {
            (Type::List(item), "push") => ("list", vec![item], vec![item]),
            (Type::Set(item), "insert" | "remove") => ("set", vec![item], vec![item]),
            (Type::Map(key, value), "insert") => ("map", vec![key, value], vec![key, value]),
            (Type::Map(key, value), "remove") => ("map", vec![key, value], vec![key]),
            _ => return None,
        };
        if params.len() != args.len() || args.iter().any(|arg| arg.name.is_some()) {
            return None;
        }
        let (root, _) = self.root(target)?;
        let (current, ty) = (self.assigning(owner, |checker| checker.infer(target)), whole.ty);
        let mut operands = vec![current];
        for (index, (arg, ty)) in args.iter().zip(params).enumerate() {
            let why =
                Why::Argument { index: index + 1, callee: name.text.clone(), declared: Span::default() };
            operands.push(self.check(&arg.value, ty, why));
        }
        let changed = self.std_call(module, name.as_str(), type_args, operands, ty, span);
        let whole = self.assigning(owner, |checker| checker.rebuild(target, changed));
        Some(self.store(root, whole))
    }

    fn store(&mut self, root: Root, value: Expr) -> StmtKind {
        match root {
            Root::Local(local) => StmtKind::Assign { local, value },
            Root::State(state) => StmtKind::AssignState { state, value },
        }
    }

    /// The `var` or `state` a place belongs to, without a word where there is none.
    fn variable(&self, target: &ast::Expr) -> Option<Root> {
        match &target.kind {
            ast::ExprKind::Paren(inner) => self.variable(inner),
            ast::ExprKind::Field { base, .. } | ast::ExprKind::Index { base, .. } => self.variable(base),
            ast::ExprKind::Name(name) => match self.binding(name.as_str())? {
                Binding::Local(id) => self.locals[id].mutable.then_some(Root::Local(id)),
                Binding::State(index) => Some(Root::State(index)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The variable at the root of a place; reports what can't be assigned.
    fn root<'e>(&mut self, target: &'e ast::Expr) -> Option<(Root, &'e Ident)> {
        let name = match &target.kind {
            ast::ExprKind::Paren(base)
            | ast::ExprKind::Field { base, optional: false, .. }
            | ast::ExprKind::Index { base, .. } => return self.root(base),
            ast::ExprKind::Name(name) => name,
            _ => {
                self.report(report::not_a_place(target.span));
                return None;
            }
        };
        match self.binding(name.as_str()) {
            Some(Binding::Local(id)) => {
                if !self.locals[id].mutable {
                    let is_param = self.usages.get(id.index()).is_some_and(|usage| usage.is_parameter());
                    self.report(report::not_assignable(name, Some(self.locals[id].span), is_param));
                    return None;
                }
                if let Some(kind) = self.frame_between(id) {
                    self.report(report::assign_outer(name, kind.describe(), self.locals[id].span));
                    return None;
                }
                Some((Root::Local(id), name))
            }
            Some(Binding::State(index)) => {
                self.require_set(index, name);
                if let Some(place) = self.pure_place() {
                    self.report(report::impure(target.span, place, "this assigns a `state`"));
                    return None;
                }
                Some((Root::State(index), name))
            }
            Some(_) => {
                self.report(report::not_assignable(name, None, false));
                None
            }
            None => {
                match self.cx.lookup(self.module, name.as_str()).map(|entry| entry.def.kind()) {
                    Some(kind) => self.report(report::assigned_declaration(name, kind)),
                    None => _ = self.unknown_name(name),
                }
                None
            }
        }
    }

    fn why_assigned(&self, root: Root, name: &Ident) -> Why {
        let span = match root {
            Root::Local(id) => self.locals[id].span,
            Root::State(_) => name.span,
        };
        Why::Variable { name: name.text.clone(), span }
    }

    /// What may be assigned to a place: for an entry of a map a value, not an option.
    fn assigned_type(&mut self, target: &ast::Expr, current: &Expr) -> Ty {
        let is_map_entry = match &target.without_parens().kind {
            ast::ExprKind::Index { .. } => matches!(current.kind, ExprKind::Call { .. }),
            _ => false,
        };
        match (is_map_entry, self.shape(current.ty)) {
            (true, Type::Option(item)) => item,
            _ => current.ty,
        }
    }

    /// The new value of the whole variable when the place in it gets `new`.
    fn rebuild(&mut self, target: &ast::Expr, new: Expr) -> Expr {
        let span = target.span;
        match &target.kind {
            ast::ExprKind::Paren(inner) => self.rebuild(inner, new),
            ast::ExprKind::Field { base, name, .. } => {
                let owner = self.quietly(|checker| checker.infer(base));
                let ty = owner.ty;
                let changed = match self.shape(ty) {
                    Type::Nominal(id, args) => match self.record_field(id, &args, name) {
                        Some((index, _)) => {
                            ExprKind::With { base: Box::new(owner), changes: vec![(index, new)] }
                        }
                        None => ExprKind::Invalid,
                    },
                    _ => ExprKind::Invalid,
                };
                self.rebuild(base, Expr { kind: changed, ty, span })
            }
            ast::ExprKind::Index { base, index } => {
                let owner = self.quietly(|checker| checker.infer(base));
                let ty = owner.ty;
                let changed = match self.shape(ty) {
                    Type::List(item) => {
                        let index = self.quietly(|checker| checker.infer(index));
                        self.std_call("list", "set", vec![item], vec![owner, index, new], ty, span)
                    }
                    Type::Map(key, value) => {
                        let index = self.quietly(|checker| checker.check(index, key, Why::Context));
                        self.std_call("map", "insert", vec![key, value], vec![owner, index, new], ty, span)
                    }
                    _ => self.invalid(span),
                };
                self.rebuild(base, changed)
            }
            _ => new,
        }
    }

    /// Checks what has been checked, and reported on, before.
    pub fn quietly<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> T {
        let muted = std::mem::replace(&mut self.muted, true);
        let reported = self.cx.work.diagnostics.len();
        let result = check(self);
        self.cx.work.diagnostics.truncate(reported);
        self.muted = muted;
        result
    }
}

fn compound(op: ast::BinaryOp) -> Option<BinaryOp> {
    match op {
        ast::BinaryOp::Add => Some(BinaryOp::Add),
        ast::BinaryOp::Sub => Some(BinaryOp::Sub),
        ast::BinaryOp::Mul => Some(BinaryOp::Mul),
        ast::BinaryOp::Div => Some(BinaryOp::Div),
        ast::BinaryOp::Rem => Some(BinaryOp::Rem),
        _ => None,
    }
}
