//! Operators: which types each takes, and what it gives.

use super::coerce::wrap;
use super::{Checker, Want, Why};
use crate::hir::{Arm, BinaryOp, CoerceKind, Expr, ExprKind, Pattern, PatternKind, Ty, Type, Types};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast::{self, UnaryOp};

impl Checker<'_, '_> {
    pub fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span, want: &Want) -> Expr {
        match op {
            UnaryOp::Not => {
                let operand = self.check(operand, Types::BOOL, Why::Operand("not"));
                Expr { kind: ExprKind::Not(Box::new(operand)), ty: Types::BOOL, span }
            }
            UnaryOp::Neg => {
                if let ast::ExprKind::Int(text) = &operand.kind {
                    // The smallest Int has no positive counterpart.
                    if text.replace('_', "") == "9223372036854775808" {
                        return super::expr::literal(crate::hir::Literal::Int(i64::MIN), Types::INT, span);
                    }
                }
                let operand = self.operand(operand, want);
                let ty = self.head(operand.ty);
                let fits = matches!(
                    self.cx.ty(ty),
                    Type::Int | Type::Decimal | Type::Float | Type::Duration | Type::Invalid | Type::Never
                );
                if !fits && !self.is_open_number(ty) {
                    let found = self.show(ty);
                    self.report(report::operator("-", &found, None, span));
                    return self.invalid(span);
                }
                Expr { kind: ExprKind::Negate(Box::new(operand)), ty, span }
            }
        }
    }

    /// An operand of arithmetic: a number literal takes the type wanted of the result.
    fn operand(&mut self, operand: &ast::Expr, want: &Want) -> Expr {
        match want.ty().map(|ty| self.head(ty)) {
            Some(ty) if matches!(ty, Types::DECIMAL | Types::FLOAT) && is_number(operand) => {
                self.check(operand, ty, Why::Context)
            }
            _ if is_number(operand) && self.wants_open(want) => self.expr(operand, want),
            // What the other operand is may say what a number is.
            _ => self.expr(operand, &Want::Any),
        }
    }

    /// Both sides of an operator: a number literal takes the type of the other side, if that is none, the type wanted
    /// of the result.
    fn sides(&mut self, left: &ast::Expr, right: &ast::Expr, want: &Want) -> (Expr, Expr) {
        let (left, right) = match (is_number(left), is_number(right)) {
            (true, false) => {
                let right = self.operand(right, want);
                (self.operand(left, &Want::Hint(right.ty)), right)
            }
            (false, true) => {
                let left = self.operand(left, want);
                let hint = Want::Hint(left.ty);
                (left, self.operand(right, &hint))
            }
            _ => (self.operand(left, want), self.operand(right, want)),
        };
        self.adapt_sides(left, right)
    }

    pub fn binary(
        &mut self,
        op: ast::BinaryOp,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        want: &Want,
    ) -> Expr {
        use ast::BinaryOp as B;
        if let Some(parts) = date_literal(op, left, right, span) {
            self.report(report::date_literal(parts, span));
            return self.invalid(span);
        }
        let op = match op {
            B::And | B::Or => return self.logic(op, left, right, span),
            B::Range => return self.range(left, right, span),
            B::Implies | B::Until => return self.temporal(op, left, right, span),
            B::Per => return self.misplaced("per", "a `limit`", op_span),
            B::Coalesce => return self.check_coalesce(left, right, span, want),
            B::Add => BinaryOp::Add,
            B::Sub => BinaryOp::Sub,
            B::Mul => BinaryOp::Mul,
            B::Div => BinaryOp::Div,
            B::Rem => BinaryOp::Rem,
            B::Eq => BinaryOp::Eq,
            B::Ne => BinaryOp::Ne,
            B::Lt => BinaryOp::Lt,
            B::Le => BinaryOp::Le,
            B::Gt => BinaryOp::Gt,
            B::Ge => BinaryOp::Ge,
        };
        match op {
            BinaryOp::Eq | BinaryOp::Ne => self.equality(op, op_span, left, right, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let (left, right) = self.sides(left, right, &Want::Any);
                self.apply(op, op_span, left, right, span)
            }
            _ => {
                let (left, right) = self.sides(left, right, want);
                self.apply(op, op_span, left, right, span)
            }
        }
    }

    /// What `is` binds on the left of `and` is known on its right.
    fn logic(&mut self, op: ast::BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.check(left, Types::BOOL, Why::Operand(op.as_str()));
        let mark = self.open_block();
        let right = self.check(right, Types::BOOL, Why::Operand(op.as_str()));
        let kind = if op == ast::BinaryOp::And {
            ExprKind::And(Box::new(left), Box::new(right))
        } else {
            // Either side may be the one that holds, so neither binds anything for what follows.
            self.close_block(mark);
            ExprKind::Or(Box::new(left), Box::new(right))
        };
        Expr { kind, ty: Types::BOOL, span }
    }

    fn range(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.check(left, Types::INT, Why::Operand(".."));
        let right = self.check(right, Types::INT, Why::Operand(".."));
        let ty = self.types().list(Types::INT);
        Expr { kind: ExprKind::Range(Box::new(left), Box::new(right)), ty, span }
    }

    fn temporal(&mut self, op: ast::BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        if self.place != super::Place::Proof {
            return self.misplaced(op.as_str(), "a `spec`", span);
        }
        self.check(left, Types::BOOL, Why::Operand(op.as_str()));
        self.check(right, Types::BOOL, Why::Operand(op.as_str()));
        Expr { kind: ExprKind::Invalid, ty: Types::BOOL, span }
    }

    /// `==`: both sides of one type, literals and `none` taking the other side's.
    fn equality(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        let (left, right) = if is_number(left) {
            self.sides(left, right, &Want::Any)
        } else {
            let left = self.expr(left, &Want::Any);
            let wanted = self.head(left.ty);
            let right = self.expr(right, &Want::Hint(wanted));
            self.adapt_sides(left, right)
        };
        let (lt, rt) = (self.head(left.ty), self.head(right.ty));
        // `marks[0] == mark`: the side that is no option becomes one.
        let (left, right) = match (self.shape(lt), self.shape(rt)) {
            (Type::Option(_), Type::Option(_)) => (left, right),
            (Type::Option(_), _) => (left, self.coerce(right, lt, &Why::Operand(symbol(op)))),
            (_, Type::Option(_)) => (self.coerce(left, rt, &Why::Operand(symbol(op))), right),
            _ => (left, right),
        };
        if self.holds_function(left.ty) {
            self.report(report::function_equality(op_span));
            return self.invalid(span);
        }
        if !self.unify(right.ty, left.ty) && right.ty != Types::NEVER && left.ty != Types::NEVER {
            let (found, other) = (self.show(left.ty), self.show(right.ty));
            self.report(report::operator(symbol(op), &found, Some(&other), op_span));
            return Expr { kind: ExprKind::Invalid, ty: Types::BOOL, span };
        }
        let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
        Expr { kind, ty: Types::BOOL, span }
    }

    fn holds_function(&mut self, ty: Ty) -> bool {
        match self.shape(ty) {
            Type::Function { .. } => true,
            Type::List(item) | Type::Option(item) => self.holds_function(item),
            Type::Tuple(items) => items.into_iter().any(|item| self.holds_function(item)),
            _ => false,
        }
    }

    /// An operator on two checked operands.
    pub fn apply(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        let (lt, rt) = (self.head(left.ty), self.head(right.ty));
        // What the other operand would have said of a number is not known.
        if lt == Types::INVALID || rt == Types::INVALID {
            for side in [lt, rt] {
                if self.is_open_number(side) {
                    self.close(side);
                }
            }
        }
        let (lt, rt) = (self.head(lt), self.head(rt));
        let unknown = |ty: Ty| matches!(self.cx.ty(ty), Type::Infer(_));
        // An operand not known yet (a lambda's parameter) is taken to be as the other one.
        if unknown(lt) != unknown(rt) || self.is_open_number(lt) && self.is_open_number(rt) {
            self.unify(lt, rt);
        }
        let (lt, rt) = (self.head(lt), self.head(rt));
        // Two numbers of one type not known yet: whichever it is, it has the operator.
        let open = lt == rt && self.is_open_number(lt);
        if !open {
            self.settle(lt);
            self.settle(rt);
        }
        let (lt, rt) = (self.head(lt), self.head(rt));
        let ty = match (lt, rt) {
            _ if open => Some(if compares(op) { Types::BOOL } else { lt }),
            (Types::INVALID, _) | (_, Types::INVALID) => Some(Types::INVALID),
            (Types::NEVER, _) | (_, Types::NEVER) => Some(Types::NEVER),
            _ => self.operator_type(op, lt, rt),
        };
        let Some(ty) = ty else {
            let (found, other) = (self.show(lt), self.show(rt));
            self.report(report::operator(symbol(op), &found, Some(&other), op_span));
            return self.invalid(span);
        };
        Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, span }
    }

    fn operator_type(&self, op: BinaryOp, left: Ty, right: Ty) -> Option<Ty> {
        use BinaryOp as B;
        let number = matches!(left, Types::INT | Types::DECIMAL | Types::FLOAT) && left == right;
        let compares =
            number || left == right && matches!(left, Types::DURATION | Types::TIMESTAMP | Types::STRING);
        match (op, left, right) {
            (B::Lt | B::Le | B::Gt | B::Ge, ..) => compares.then_some(Types::BOOL),
            (B::Eq | B::Ne, ..) => Some(Types::BOOL),
            (B::Add | B::Sub | B::Mul | B::Div | B::Rem, ..) if number => Some(left),
            (B::Add | B::Sub, Types::DURATION, Types::DURATION) => Some(Types::DURATION),
            (B::Add | B::Sub, Types::TIMESTAMP, Types::DURATION) => Some(Types::TIMESTAMP),
            (B::Sub, Types::TIMESTAMP, Types::TIMESTAMP) => Some(Types::DURATION),
            (B::Mul | B::Div, Types::DURATION, Types::INT) => Some(Types::DURATION),
            (B::Mul, Types::INT, Types::DURATION) => Some(Types::DURATION),
            (B::Div, Types::DURATION, Types::DURATION) => Some(Types::INT),
            _ => None,
        }
    }

    /// `a ?? b`: a match on the option.
    pub fn check_coalesce(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span, want: &Want) -> Expr {
        let left = self.infer(left);
        let shape = self.shape(left.ty);
        let item = match shape {
            Type::Option(item) => item,
            Type::Infer(_) => {
                let item = self.fresh();
                let option = self.types().option(item);
                self.unify(left.ty, option);
                item
            }
            Type::Invalid | Type::Never => Types::INVALID,
            _ => {
                let found = self.show(left.ty);
                self.report(report::operator("??", &found, None, left.span));
                Types::INVALID
            }
        };
        // `a ?? b` where `b` is an option itself stays one.
        let wants_option = want.ty().is_some_and(|ty| matches!(self.shape(ty), Type::Option(_)));
        let right = if wants_option || matches!(self.cx.ty(self.head(item)), Type::Invalid) {
            self.expr(right, if wants_option { want } else { &Want::Any })
        } else {
            self.coalesce_right(right, item, left.span)
        };
        let result = if right.ty == Types::NEVER { item } else { self.head(right.ty) };
        let some = self.some_arm(item, span, |checker, value| checker.coerce(value, result, &Why::Context));
        let none_pattern = Pattern { kind: PatternKind::None, ty: left.ty, span };
        let arms = vec![some.with_type(left.ty), Arm { pattern: none_pattern, guard: None, body: right }];
        let value = Expr { kind: ExprKind::Match { value: Box::new(left), arms }, ty: result, span };
        self.want(value, want)
    }

    fn coalesce_right(&mut self, right: &ast::Expr, item: Ty, left: Span) -> Expr {
        if matches!(
            right.without_parens().kind,
            ast::ExprKind::None
                | ast::ExprKind::Name(_)
                | ast::ExprKind::Field { .. }
                | ast::ExprKind::Index { .. }
                | ast::ExprKind::Call { .. }
        ) {
            let value = self.expr(right, &Want::Hint(item));
            if matches!(self.shape(value.ty), Type::Option(_)) {
                return value;
            }
            return self.coerce(value, item, &Why::Arms(left));
        }
        self.check(right, item, Why::Arms(left))
    }

    /// `Some(x) => body(x)`
    pub fn some_arm(&mut self, item: Ty, span: Span, body: impl FnOnce(&mut Self, Expr) -> Expr) -> Arm {
        let local = self.temporary(item, span);
        let bind = Pattern { kind: PatternKind::Bind(local), ty: item, span };
        let pattern = Pattern { kind: PatternKind::Some(Box::new(bind)), ty: item, span };
        let value = self.read(local, span);
        let body = body(self, value);
        Arm { pattern, guard: None, body }
    }
}

impl Arm {
    /// The arm, its pattern over a value of this type.
    pub(super) fn with_type(mut self, ty: Ty) -> Arm {
        self.pattern.ty = ty;
        self
    }
}

/// Year, month and day of `2024-01-31`, with no space between them and all their zeros.
fn date_literal<'e>(
    op: ast::BinaryOp,
    left: &'e ast::Expr,
    right: &'e ast::Expr,
    span: Span,
) -> Option<[&'e str; 3]> {
    let ast::ExprKind::Int(day) = &right.kind else { return None };
    let ast::ExprKind::Binary { op: ast::BinaryOp::Sub, left: year, right: month, .. } = &left.kind else {
        return None;
    };
    let (ast::ExprKind::Int(year), ast::ExprKind::Int(month)) = (&year.kind, &month.kind) else {
        return None;
    };
    let is_date = op == ast::BinaryOp::Sub
        && (year.len(), month.len(), day.len()) == (4, 2, 2)
        && span.end - span.start == "2024-01-31".len() as u32;
    is_date.then_some([year.as_str(), month.as_str(), day.as_str()])
}

fn is_number(expr: &ast::Expr) -> bool {
    number_literal(expr).is_some()
}

/// The number literal that an expression is, perhaps negated.
pub(super) fn number_literal(expr: &ast::Expr) -> Option<&ast::ExprKind> {
    match &expr.without_parens().kind {
        literal @ (ast::ExprKind::Int(_) | ast::ExprKind::Decimal(_)) => Some(literal),
        ast::ExprKind::Unary { op: UnaryOp::Neg, operand } => number_literal(operand),
        _ => None,
    }
}

fn compares(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
    }
}

/// The value inside a `distinct` value.
pub(super) fn unwrap_distinct(value: Expr, inner: Ty, span: Span) -> Expr {
    Expr { span, ..wrap(CoerceKind::Unwrap, value, inner) }
}
