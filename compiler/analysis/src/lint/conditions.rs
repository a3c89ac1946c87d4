//! Conditions that are the same whatever happens.

use super::Linter;
use crate::hir::{BinaryOp, Expr, ExprKind, Literal, VisitorMut};
use crate::report;

impl Linter<'_> {
    /// A condition: walked, and judged if it is a literal.
    pub(super) fn condition(&mut self, condition: &mut Expr) {
        self.judge(condition);
        self.expr(condition);
    }

    /// Warns of a literal as a condition.
    pub(super) fn judge(&mut self, condition: &Expr) {
        if let ExprKind::Literal(Literal::Bool(always)) = condition.kind {
            self.found.push(report::constant_condition(always, condition.span));
        }
    }
}

/// What a comparison always gives: of a variable with itself, of a length with less than nothing.
pub(super) fn comparison(linter: &Linter<'_>, op: BinaryOp, left: &Expr, right: &Expr) -> Option<bool> {
    if same_place(left, right) {
        return match op {
            BinaryOp::Eq | BinaryOp::Le | BinaryOp::Ge => Some(true),
            BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt => Some(false),
            _ => None,
        };
    }
    let zero = |expr: &Expr| matches!(expr.kind, ExprKind::Literal(Literal::Int(0)));
    match op {
        BinaryOp::Ge if is_length(linter, left) && zero(right) => Some(true),
        BinaryOp::Lt if is_length(linter, left) && zero(right) => Some(false),
        BinaryOp::Le if zero(left) && is_length(linter, right) => Some(true),
        BinaryOp::Gt if zero(left) && is_length(linter, right) => Some(false),
        _ => None,
    }
}

/// Whether two expressions are the same variable, or the same field of it.
fn same_place(left: &Expr, right: &Expr) -> bool {
    match (&left.kind, &right.kind) {
        (ExprKind::Local(a), ExprKind::Local(b)) => a == b,
        (ExprKind::State(a), ExprKind::State(b)) => a == b,
        (ExprKind::Field { base: a, index: i }, ExprKind::Field { base: b, index: j }) => {
            i == j && same_place(a, b)
        }
        _ => false,
    }
}

fn is_length(linter: &Linter<'_>, expr: &Expr) -> bool {
    let ExprKind::Call { function, .. } = &expr.kind else { return false };
    let signature = linter.function(*function).map(|function| &function.signature);
    signature.is_some_and(|signature| {
        signature.name == "len" && super::is_standard(linter.program, signature.module)
    })
}
