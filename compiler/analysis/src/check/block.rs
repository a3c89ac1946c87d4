//! Blocks and statements.

use super::{Checker, FrameKind, Want, Why};
use crate::hir::{
    Block, Branch, Compensation, Expr, ExprKind, Pattern, PatternKind, Stmt, StmtKind, Types, Unknown,
};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast;

impl Checker<'_, '_> {
    /// A block with names of its own.
    pub fn block_scoped(&mut self, block: &ast::Block, want: &Want) -> Expr {
        let mark = self.open_block();
        let value = self.block(block, want);
        self.close_block(mark);
        value
    }

    /// Statements and the value, without closing the names.
    pub fn block(&mut self, block: &ast::Block, want: &Want) -> Expr {
        let span = block.span;
        let mut stmts = Vec::new();
        let mut diverges = false;
        // What could not be read may have been the value, or have declared what the rest uses.
        let unread = block.stmts.iter().any(|stmt| matches!(stmt.kind, ast::StmtKind::Error));
        self.unread |= unread;
        let count = block.stmts.len();
        let outer = self.statement;
        for (index, stmt) in block.stmts.iter().enumerate() {
            self.statement = stmt.span.start;
            let is_last = index + 1 == count;
            if is_last && !matches!(want, Want::Drop) && matches!(stmt.kind, ast::StmtKind::Expr(_)) {
                let value = self.block_value(stmt, want, &mut stmts);
                self.statement = outer;
                let ty = if diverges { Types::NEVER } else { value.ty };
                let value = Some(Box::new(value));
                return Expr { kind: ExprKind::Block(Block { stmts, value }), ty, span };
            }
            if let Some(checked) = self.stmt(stmt, is_last) {
                if !diverges && stmt_diverges(&checked) {
                    diverges = true;
                    self.check_unreachable(block.stmts.get(index + 1..).unwrap_or_default(), stmt.span);
                }
                stmts.push(checked);
            }
        }
        self.statement = outer;
        let ty = match (diverges, unread) {
            (true, _) => Types::NEVER,
            (false, true) => Types::INVALID,
            (false, false) => Types::UNIT,
        };
        let empty = Expr { kind: ExprKind::Block(Block { stmts, value: None }), ty, span };
        match want {
            Want::Type(..) if !diverges && !unread => {
                let end = Span::new(span.end.saturating_sub(1).max(span.start), span.end);
                let want_span = if count == 0 { span } else { end };
                let cause = match block.stmts.last().map(|stmt| &stmt.kind) {
                    None => report::Nothing::EmptyBlock,
                    Some(ast::StmtKind::Let { .. }) => report::Nothing::LastIsLet,
                    Some(ast::StmtKind::Assign { .. }) => report::Nothing::LastIsAssignment,
                    Some(_) => report::Nothing::LastIsStatement,
                };
                let no_value = Expr { kind: ExprKind::Invalid, ty: Types::UNIT, span: want_span };
                let checked = self.nothing(no_value, want, cause);
                Expr { ty: checked.ty, ..empty }
            }
            _ => empty,
        }
    }

    /// What gives no value, as what is wanted.
    pub(super) fn nothing(&mut self, expr: Expr, want: &Want, cause: report::Nothing) -> Expr {
        let Want::Type(ty, why) = want else { return self.want(expr, want) };
        let before = self.cx.work.diagnostics.len();
        let value = self.coerce(expr, *ty, why);
        self.cx.work.diagnostics.get_mut(before..).into_iter().flatten().for_each(|told| cause.explain(told));
        value
    }

    /// Warns of what stands behind a statement that never goes on. Declarations hold wherever they stand.
    fn check_unreachable(&mut self, rest: &[ast::Stmt], after: Span) {
        use ast::StmtKind::{Query, Signal, State, Update};
        let runs =
            |stmt: &&ast::Stmt| !matches!(stmt.kind, Query(_) | Update(_) | Signal { .. } | State { .. });
        if let Some(next) = rest.iter().find(runs) {
            self.report(report::unreachable_code(next.span, after));
        }
    }

    /// The last statement of a block whose value is wanted.
    fn block_value(&mut self, stmt: &ast::Stmt, want: &Want, stmts: &mut Vec<Stmt>) -> Expr {
        let ast::StmtKind::Expr(expr) = &stmt.kind else { return self.invalid(stmt.span) };
        if stmt.compensation.is_none() {
            return self.expr(expr, want);
        }
        // The compensation is registered after the value is there, so the value waits in a local.
        let value = self.with_unknown(stmt, |checker| checker.expr(expr, want));
        let ty = value.ty;
        let local = self.temporary(ty, expr.span);
        let pattern = Pattern { kind: PatternKind::Bind(local), ty, span: expr.span };
        let compensation =
            self.compensation(stmt, &Pattern { kind: PatternKind::Wildcard, ty, span: expr.span });
        stmts.push(Stmt { kind: StmtKind::Let { pattern, value }, compensation, span: stmt.span });
        self.read(local, expr.span)
    }

    fn with_unknown<T>(&mut self, stmt: &ast::Stmt, check: impl FnOnce(&mut Self) -> T) -> T {
        let compensation = stmt.compensation.as_deref();
        let says = compensation.is_some_and(|compensation| compensation.unknown.is_some());
        let before = self.has_unknown;
        self.has_unknown |= says;
        if let (Some(saga), Some(_)) = (self.sagas.last_mut(), compensation) {
            // The step's own compensation is what an unknown outcome would leave out.
            saga.holds = true;
        }
        let result = check(self);
        self.has_unknown = before;
        result
    }

    /// A statement whose value nobody takes.
    fn stmt(&mut self, stmt: &ast::Stmt, is_last: bool) -> Option<Stmt> {
        let kind = self.with_unknown(stmt, |checker| checker.stmt_kind(stmt, is_last))?;
        let bound = match &kind {
            StmtKind::Let { pattern, .. } => pattern.clone(),
            _ => Pattern { kind: PatternKind::Wildcard, ty: Types::UNIT, span: stmt.span },
        };
        let compensation = self.compensation(stmt, &bound);
        Some(Stmt { kind, compensation, span: stmt.span })
    }

    fn stmt_kind(&mut self, stmt: &ast::Stmt, is_last: bool) -> Option<StmtKind> {
        let span = stmt.span;
        Some(match &stmt.kind {
            ast::StmtKind::Let { mutable, pattern, ty, value } => {
                self.let_stmt(*mutable, pattern, ty.as_ref(), value, span)
            }
            ast::StmtKind::Assign { target, op, value } => self.assign(target, *op, value, span),
            ast::StmtKind::Expr(expr) => self.expr_stmt(expr, is_last),
            ast::StmtKind::Index { name, value } => {
                if !self.in_workflow() {
                    self.report(report::outside_workflow("index", span));
                }
                self.index_stmt(name, value)
            }
            ast::StmtKind::Signal { name, .. } => return self.signal_stmt(name, span),
            ast::StmtKind::State { name, ty, value } => {
                return self.state_stmt(name, ty.as_ref(), value, span);
            }
            ast::StmtKind::Query(handler) => return self.handler_stmt("query", &handler.signature.name),
            ast::StmtKind::Update(handler) => return self.handler_stmt("update", &handler.signature.name),
            ast::StmtKind::Setting(setting) => {
                self.report(match setting.key.as_str() {
                    "limit" if self.place == super::Place::Workflow => {
                        report::not_yet("a setting of a workflow", setting.key.span)
                    }
                    key => report::misplaced_setting(&setting.key, super::activity::SETTINGS.contains(&key)),
                });
                return None;
            }
            ast::StmtKind::Given(given) => {
                self.given(given);
                return None;
            }
            ast::StmtKind::Assert { condition, message } => {
                self.assert(condition, message.as_ref(), span);
                return None;
            }
            ast::StmtKind::Error => return None,
        })
    }

    fn expr_stmt(&mut self, expr: &ast::Expr, is_last: bool) -> StmtKind {
        let value = self.expr(expr, &Want::Drop);
        if !is_last && !self.unread && is_pure(&value) {
            self.report(report::unused_value(expr));
        }
        StmtKind::Expr(value)
    }

    fn let_stmt(
        &mut self,
        mutable: bool,
        pattern: &ast::Pattern,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        span: Span,
    ) -> StmtKind {
        let value = match ty {
            Some(written) => {
                let generics = self.generics.clone();
                let ty = declare::resolve_type(self.cx, self.module, &generics, written);
                let value = self.check(value, ty, Why::Declared(written.span));
                // What never yields a value still declares a variable of the written type.
                if value.ty == Types::NEVER { value } else { Expr { ty, ..value } }
            }
            None => self.expr(value, &Want::Open),
        };
        if let ast::PatternKind::Bind(name) = &pattern.kind {
            let ty = if value.ty == Types::NEVER { Types::INVALID } else { value.ty };
            let local = self.local(name, ty, mutable);
            if let Some(usage) = self.usage(local).filter(|_| mutable) {
                usage.keyword = Some(Span::new(span.start, span.start + "var".len() as u32));
            }
            let pattern = Pattern { kind: PatternKind::Bind(local), ty: value.ty, span: pattern.span };
            return StmtKind::Let { pattern, value };
        }
        let first = self.locals.len();
        let ty = if value.ty == Types::NEVER { Types::INVALID } else { value.ty };
        let pattern = self.irrefutable(pattern, ty, if mutable { "`var`" } else { "`let`" });
        if mutable {
            self.locals.values_mut().skip(first).for_each(|local| local.mutable = true);
        }
        StmtKind::Let { pattern, value }
    }

    /// `compensate UNDO unknown |key| RELEASE` of a statement that binds `bound`.
    fn compensation(&mut self, stmt: &ast::Stmt, bound: &Pattern) -> Option<Box<Compensation>> {
        let compensation = stmt.compensation.as_deref()?;
        let Some(saga) = self.sagas.last_mut() else {
            self.report(report::outside_saga("compensate", compensation.span));
            self.in_frame(FrameKind::Compensation, |checker| checker.expr(&compensation.undo, &Want::Drop));
            return None;
        };
        saga.holds = true;
        let saga = saga.handle;
        self.read(saga, stmt.span);
        let undo = self.compensating(|checker| checker.expr(&compensation.undo, &Want::Drop));
        let unknown = compensation.unknown.as_ref().and_then(|unknown| self.unknown(unknown, bound));
        Some(Box::new(Compensation { saga, undo, unknown }))
    }

    /// Code that undoes: its failures are retried, not raised.
    fn compensating(&mut self, check: impl FnOnce(&mut Self) -> Expr) -> Branch {
        let mark = self.raised.len();
        let (body, captures) = self.in_frame(FrameKind::Compensation, check);
        self.take_raised(mark);
        Branch { captures, body: Box::new(body) }
    }

    fn unknown(&mut self, unknown: &ast::Expr, bound: &Pattern) -> Option<Unknown> {
        let ast::ExprKind::Lambda { params, body } = &unknown.without_parens().kind else {
            self.report(report::bad_unknown(unknown.span));
            self.infer(unknown);
            return None;
        };
        let [param] = params.as_slice() else {
            self.report(report::bad_unknown(unknown.span));
            return None;
        };
        let scope = self.open_block();
        // Where nobody knows whether the step happened, what it would have given is not there.
        let mut hidden = Vec::new();
        bound.bindings(&mut hidden);
        let names: Vec<_> = hidden.iter().filter_map(|id| self.locals[*id].name.clone()).collect();
        let before: Vec<_> = names.iter().map(|name| (name.clone(), self.names.remove(name))).collect();
        let mut key = None;
        let branch = self.compensating(|checker| {
            let id = match &param.pattern.kind {
                ast::PatternKind::Bind(name) => checker.local(name, Types::STRING, false),
                _ => checker.temporary(Types::STRING, param.span),
            };
            key = Some(id);
            checker.expr(body, &Want::Drop)
        });
        self.close_block(scope);
        self.names.extend(before.into_iter().filter_map(|(name, binding)| Some((name, binding?))));
        key.map(|key| Unknown { key, branch })
    }
}

fn stmt_diverges(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Let { value, .. }
        | StmtKind::Assign { value, .. }
        | StmtKind::AssignState { value, .. }
        | StmtKind::InitState { value, .. }
        | StmtKind::Index { value, .. }
        | StmtKind::Expr(value) => value.ty == Types::NEVER,
    }
}

/// Whether an expression does nothing but give a value.
fn is_pure(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Coerce { value, .. } => is_pure(value),
        ExprKind::Literal(literal) => *literal != crate::hir::Literal::Unit,
        ExprKind::Local(_)
        | ExprKind::Const(_)
        | ExprKind::State(_)
        | ExprKind::None
        | ExprKind::Lambda(_) => true,
        ExprKind::Function { .. } | ExprKind::Env(_) | ExprKind::StepKey => true,
        ExprKind::Interpolate(parts) => parts.iter().all(|part| match part {
            crate::hir::StringPart::Text(_) => true,
            crate::hir::StringPart::Expr(expr) => is_pure(expr),
        }),
        ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Record(items) => items.iter().all(is_pure),
        ExprKind::Case { fields, .. } => fields.iter().all(is_pure),
        ExprKind::Map(entries) => entries.iter().all(|(key, value)| is_pure(key) && is_pure(value)),
        ExprKind::Field { base, .. } => is_pure(base),
        ExprKind::Negate(operand) | ExprKind::Not(operand) => is_pure(operand),
        ExprKind::And(left, right) | ExprKind::Or(left, right) | ExprKind::Binary { left, right, .. } => {
            is_pure(left) && is_pure(right)
        }
        ExprKind::With { base, changes } => is_pure(base) && changes.iter().all(|(_, value)| is_pure(value)),
        _ => false,
    }
}
