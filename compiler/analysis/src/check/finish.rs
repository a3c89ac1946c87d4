//! The end of a body: what inference found out is written into every node, and what it could not is reported.

use super::Checker;
use super::coerce::adapt_literal;
use crate::hir::{
    CoerceKind, Expr, ExprKind, FunctionId, Literal, Local, LocalId, Pattern, PatternKind, Policy, Stmt,
    StmtKind, Table, Ty, Type, Types, VisitorMut,
};
use crate::{keys, report};
use flow_syntax::Span;

impl Checker<'_, '_> {
    pub(super) fn finish_expr(&mut self, expr: &mut Expr) {
        Finisher { checker: self }.expr(expr);
    }

    pub fn finish_policy(&mut self, policy: &mut Policy) {
        policy.each_part_mut(&mut Finisher { checker: self });
    }

    pub fn finish_pattern(&mut self, pattern: &mut Pattern) {
        Finisher { checker: self }.pattern(pattern);
    }

    pub(super) fn finish_locals(&mut self) -> Table<LocalId, Local> {
        let mut locals = std::mem::take(&mut self.locals);
        for local in locals.values_mut() {
            local.ty = self.final_type(local.ty, local.span);
        }
        locals
    }

    /// The type with nothing unknown left in it.
    fn final_type(&mut self, ty: Ty, span: Span) -> Ty {
        let ty = self.resolve(ty);
        if !self.cx.work.types.is_open(ty) {
            return ty;
        }
        // One report for each unknown: from here on it is a mistake that was reported.
        if !self.muted && !self.unknowns.is_excused(&mut self.cx.work.types, ty) {
            self.report(report::cannot_infer(span));
        }
        self.close(ty)
    }

    /// Reports a type argument that should have an order and has none.
    fn check_order(&mut self, function: FunctionId, type_args: &[Ty], span: Span) {
        let signature = &self.cx.declared.program.functions[function].signature;
        for index in &signature.ordered {
            let Some(&ty) = type_args.get(*index as usize) else { continue };
            let Some(part) = keys::unordered_part(self.cx, ty, &self.ordered) else { continue };
            let generic = matches!(self.cx.ty(part), Type::Param(_));
            let (found, part) = (self.show(ty), self.show(part));
            self.report(report::no_order(&found, &part, generic, &signature.name, span));
        }
    }

    pub(super) fn close(&mut self, ty: Ty) -> Ty {
        let types = &mut self.cx.work.types;
        self.unknowns.give_up(types, ty);
        self.unknowns.resolve(types, ty)
    }
}

struct Finisher<'f, 'c, 'a> {
    checker: &'f mut Checker<'c, 'a>,
}

impl VisitorMut for Finisher<'_, '_, '_> {
    fn expr(&mut self, expr: &mut Expr) {
        expr.each_part_mut(self);
        expr.ty = self.checker.final_type(expr.ty, expr.span);
        match &mut expr.kind {
            ExprKind::Call { function, type_args, .. } | ExprKind::Function { function, type_args } => {
                for ty in &mut *type_args {
                    *ty = self.checker.final_type(*ty, expr.span);
                }
                self.checker.check_order(*function, type_args, expr.span);
            }
            ExprKind::Try { errors, .. } => {
                for ty in errors {
                    *ty = self.checker.final_type(*ty, expr.span);
                }
            }
            ExprKind::Literal(Literal::Int(_) | Literal::Decimal(_)) => self.adapt(expr),
            _ => {}
        }
        if let Type::Map(key, _) | Type::Set(key) = *self.checker.cx.ty(expr.ty)
            && key != Types::STRING
        {
            self.checker.cx.work.inferred_keys.entry(key).or_insert(expr.span);
        }
        self.keep_functions(expr);
    }

    fn pattern(&mut self, pattern: &mut Pattern) {
        pattern.ty = self.checker.final_type(pattern.ty, pattern.span);
        pattern.parts_mut().iter_mut().for_each(|part| self.pattern(part));
    }
}

impl Finisher<'_, '_, '_> {
    /// A number literal whose type was open, as one of the type it turned out to have.
    fn adapt(&self, expr: &mut Expr) {
        let ty = self.checker.cx.ty(expr.ty);
        let adapted = adapt_literal(std::mem::take(expr), ty);
        *expr = adapted.unwrap_or_else(|same| same);
    }

    /// Marks where a function value is put into a place whose functions are all of the suspending kind: anywhere but an
    /// argument, a callee, or a `let` of its own.
    fn keep_functions(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Tuple(items)
            | ExprKind::List(items)
            | ExprKind::Record(items)
            | ExprKind::Case { fields: items, .. } => items.iter_mut().for_each(|item| self.keep(item)),
            ExprKind::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.keep(value)),
            ExprKind::With { changes, .. } => changes.iter_mut().for_each(|(_, value)| self.keep(value)),
            ExprKind::Coerce { kind: CoerceKind::Some, value } | ExprKind::Return(value) => self.keep(value),
            ExprKind::If { then, otherwise, .. } => {
                self.keep(then);
                otherwise.iter_mut().for_each(|otherwise| self.keep(otherwise));
            }
            ExprKind::Match { arms, .. } => arms.iter_mut().for_each(|arm| self.keep(&mut arm.body)),
            ExprKind::Catch { value, arms } => {
                self.keep(value);
                arms.iter_mut().for_each(|arm| self.keep(&mut arm.body));
            }
            ExprKind::Lambda(lambda) => self.keep(&mut lambda.body),
            ExprKind::Block(block) => {
                block.stmts.iter_mut().for_each(|stmt| self.keep_stmt(stmt));
                block.value.iter_mut().for_each(|value| self.keep(value));
            }
            _ => {}
        }
    }

    fn keep_stmt(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Assign { value, .. }
            | StmtKind::AssignState { value, .. }
            | StmtKind::InitState { value, .. } => {
                self.keep(value);
            }
            StmtKind::Let { pattern, value } => {
                let mutable = match pattern.kind {
                    PatternKind::Bind(id) => self.checker.locals.get(id).is_some_and(|local| local.mutable),
                    _ => true,
                };
                if mutable {
                    self.keep(value);
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, expr: &mut Expr) {
        if !matches!(self.checker.cx.ty(expr.ty), Type::Function { .. }) {
            return;
        }
        // What is already such a value, or passes one on, stays as it is.
        if matches!(
            expr.kind,
            ExprKind::Coerce { kind: CoerceKind::Suspending, .. }
                | ExprKind::CallValue { .. }
                | ExprKind::Call { .. }
                | ExprKind::Field { .. }
                | ExprKind::Index { .. }
                | ExprKind::If { .. }
                | ExprKind::Match { .. }
                | ExprKind::Catch { .. }
                | ExprKind::Block(_)
        ) {
            return;
        }
        let (ty, span) = (expr.ty, expr.span);
        let value = Box::new(std::mem::take(expr));
        *expr = Expr { kind: ExprKind::Coerce { kind: CoerceKind::Suspending, value }, ty, span };
    }
}
