//! From the type an expression has to the type its place expects: the few implicit conversions, else a mismatch.

use super::{Checker, Want, Why};
use crate::hir::{CoerceKind, Expr, ExprKind, Literal, Ty, Type, Types};
use crate::report;

impl Checker<'_, '_> {
    /// `expr` as what is wanted.
    pub fn want(&mut self, expr: Expr, want: &Want) -> Expr {
        match want {
            Want::Any | Want::Open | Want::Hint(_) => expr,
            Want::Drop => self.discard(expr),
            Want::Type(ty, why) => self.coerce(expr, *ty, why),
        }
    }

    /// An expression whose value is dropped.
    pub fn discard(&mut self, expr: Expr) -> Expr {
        let ty = self.head(expr.ty);
        if matches!(self.cx.ty(ty), Type::Infer(_)) {
            // Nothing asks for a value (a decoded answer, say): there is none.
            self.unify(ty, Types::UNIT);
            return expr;
        }
        match ty {
            Types::UNIT | Types::NEVER | Types::INVALID => expr,
            _ if self.result_by_hand(&expr) == Some(true) => {
                self.report(report::result_of_nothing(expr.span));
                self.invalid(expr.span)
            }
            _ => wrap(CoerceKind::Discard, expr, Types::UNIT),
        }
    }

    /// `expr` as a value of type `expected`.
    pub fn coerce(&mut self, expr: Expr, expected: Ty, why: &Why) -> Expr {
        let expected = self.head(expected);
        if self.is_open_number(expr.ty) && !self.may_be_number(expected) {
            self.settle(expr.ty);
        }
        let actual = self.head(expr.ty);
        if actual == Types::NEVER || actual == expected {
            return expr;
        }
        match self.try_coerce(expr, actual, expected, why) {
            Ok(expr) => expr,
            Err(expr) => {
                let (found, wanted) = (self.show(actual), self.show(expected));
                let diagnostic = report::mismatch(&found, &wanted, why, expr.span);
                let is_literal = matches!(expr.kind, ExprKind::Literal(Literal::Int(_)));
                self.report(match self.result_by_hand(&expr) {
                    Some(is_ok) => report::result_by_hand(diagnostic, is_ok),
                    None if expected == Types::DURATION && is_literal => {
                        report::without_unit(diagnostic, expr.span)
                    }
                    None => diagnostic,
                });
                Expr { ty: expected, kind: ExprKind::Invalid, span: expr.span }
            }
        }
    }

    /// Whether an expression is `Ok(…)` or `Err(…)`, and which.
    fn result_by_hand(&self, expr: &Expr) -> Option<bool> {
        match (&expr.kind, self.cx.ty(self.head(expr.ty))) {
            (ExprKind::Case { case, .. }, Type::Nominal(id, _)) if self.cx.known().result == Some(*id) => {
                Some(*case == 0)
            }
            _ => None,
        }
    }

    /// Whether a number literal could be of this type, or of that of its item.
    fn may_be_number(&self, ty: Ty) -> bool {
        match self.cx.ty(self.head(ty)) {
            Type::Option(item) => self.may_be_number(*item),
            ty => matches!(ty, Type::Infer(_) | Type::Int | Type::Decimal | Type::Float),
        }
    }

    fn try_coerce(&mut self, expr: Expr, actual: Ty, expected: Ty, why: &Why) -> Result<Expr, Expr> {
        let expr = match adapt_literal(expr, self.cx.ty(expected)) {
            Ok(adapted) => return Ok(adapted),
            Err(expr) => expr,
        };
        let open_number = self.is_open_number(actual);
        match (self.cx.ty(actual).clone(), self.cx.ty(expected).clone()) {
            (Type::Infer(_), Type::Option(_)) if !open_number => {}
            (Type::Invalid | Type::Option(_), Type::Option(_)) => {}
            (_, Type::Option(item)) => {
                let item = self.head(item);
                // Only what is passed for a function parameter itself is accounted for by the call.
                let why = if matches!(why, Why::Argument { .. }) { &Why::Context } else { why };
                let inner = if actual == item { Ok(expr) } else { self.try_coerce(expr, actual, item, why) };
                return inner.map(|inner| wrap(CoerceKind::Some, inner, expected));
            }
            (Type::Infer(_) | Type::Invalid, Type::Json) => {}
            (Type::Option(item), Type::Json) => {
                // `none` by itself is `null`, whatever is missing.
                if matches!(self.shape(item), Type::Infer(_)) {
                    self.unify(item, Types::JSON);
                }
                return Ok(wrap(CoerceKind::ToJson, expr, expected));
            }
            (Type::Function { .. }, Type::Json) => return Err(expr),
            (_, Type::Json) => return Ok(wrap(CoerceKind::ToJson, expr, expected)),
            (Type::Union(parts), Type::Union(wanted)) if parts.iter().all(|part| wanted.contains(part)) => {
                return Ok(wrap(CoerceKind::ToUnion, expr, expected));
            }
            (Type::Nominal(..), Type::Union(wanted)) if wanted.contains(&actual) => {
                return Ok(wrap(CoerceKind::ToUnion, expr, expected));
            }
            // As an argument, a function type that names no failures takes any function: the call then raises what the
            // function does.
            (Type::Function { fails, .. }, Type::Function { params, result, fails: wanted })
                if wanted.is_empty() && matches!(why, Why::Argument { .. }) =>
            {
                let expected = self.types().intern(Type::Function { params, result, fails });
                return if self.unify(actual, expected) { Ok(expr) } else { Err(expr) };
            }
            _ => {}
        }
        if self.unify(actual, expected) { Ok(expr) } else { Err(expr) }
    }

    /// Makes a literal of one side fit the other side of an operator.
    pub fn adapt_sides(&mut self, left: Expr, right: Expr) -> (Expr, Expr) {
        let (lt, rt) = (self.head(left.ty), self.head(right.ty));
        if lt == rt {
            return (left, right);
        }
        let right = adapt_literal(right, self.cx.ty(lt)).unwrap_or_else(|right| right);
        let left = adapt_literal(left, self.cx.ty(rt)).unwrap_or_else(|left| left);
        (left, right)
    }
}

/// A conversion.
pub(super) fn wrap(kind: CoerceKind, value: Expr, ty: Ty) -> Expr {
    let span = value.span;
    Expr { kind: ExprKind::Coerce { kind, value: Box::new(value) }, ty, span }
}

/// A number literal as a literal of the expected type, where it may be one.
pub(super) fn adapt_literal(mut expr: Expr, expected: &Type) -> Result<Expr, Expr> {
    let ty = match expected {
        Type::Decimal => Types::DECIMAL,
        Type::Float => Types::FLOAT,
        _ => return Err(expr),
    };
    let adapted = match &mut expr.kind {
        ExprKind::Literal(Literal::Int(int)) if ty == Types::DECIMAL => Literal::Decimal((*int).into()),
        ExprKind::Literal(Literal::Int(int)) => Literal::Float(*int as f64),
        ExprKind::Literal(Literal::Decimal(decimal)) if ty == Types::FLOAT => {
            Literal::Float(decimal.to_string().parse().unwrap_or_default())
        }
        ExprKind::Negate(operand) => {
            let inner = std::mem::take(&mut **operand);
            return match adapt_literal(inner, expected) {
                Ok(inner) => {
                    **operand = inner;
                    Ok(Expr { ty, ..expr })
                }
                Err(inner) => {
                    **operand = inner;
                    Err(expr)
                }
            };
        }
        _ => return Err(expr),
    };
    Ok(Expr { kind: ExprKind::Literal(adapted), ty, span: expr.span })
}
