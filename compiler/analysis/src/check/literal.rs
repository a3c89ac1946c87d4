//! Literals: numbers, strings, lists, maps, tuples, lambdas; and what they become where `Json` or `Sql` is expected.

use super::coerce::wrap;
use super::expr::literal;
use super::usage::Role;
use super::{Checker, FrameKind, Want, Why};
use crate::hir::{
    CoerceKind, Expr, ExprKind, Lambda, Literal, LocalId, PatternKind, Stmt, StmtKind, StringPart, Suspends,
    Ty, Type, Types,
};
use crate::{declare, hir, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Name};
use rust_decimal::Decimal;

impl Checker<'_, '_> {
    pub fn int_literal(&mut self, text: &Name, span: Span) -> Expr {
        let value = text.replace('_', "").parse::<i64>().unwrap_or_else(|_| {
            self.report(report::literal_range(text, "Int", span));
            0
        });
        literal(Literal::Int(value), Types::INT, span)
    }

    pub fn decimal_literal(&mut self, text: &Name, span: Span) -> Expr {
        let plain = text.replace('_', "");
        let value =
            plain.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&plain)).unwrap_or_else(|_| {
                self.report(report::literal_range(text, "Decimal", span));
                Decimal::ZERO
            });
        literal(Literal::Decimal(value), Types::DECIMAL, span)
    }

    /// Whether a number literal is a `Float` where it stands.
    pub fn wants_float(&self, want: &Want) -> bool {
        want.ty().is_some_and(|ty| matches!(self.shape(self.inner_of_option(ty)), Type::Float))
    }

    /// Whether the type of a number literal is left open where it stands: nothing says it yet.
    pub fn wants_open(&self, want: &Want) -> bool {
        match want {
            Want::Open => true,
            _ => want.ty().is_some_and(|ty| matches!(self.cx.ty(self.head(ty)), Type::Infer(_))),
        }
    }

    /// A number whose type is said by what is done with it, or by the other numbers it stands with.
    pub fn open_literal(&mut self, number: &ast::ExprKind, span: Span, want: &Want) -> Expr {
        let value = match number {
            ast::ExprKind::Int(text) => self.int_literal(text, span),
            ast::ExprKind::Decimal(text) => self.decimal_literal(text, span),
            _ => return self.invalid(span),
        };
        let types = &mut self.cx.work.types;
        let ty = match want.ty() {
            Some(ty) => {
                self.unknowns.open_number(types, ty, value.ty);
                ty
            }
            None => self.unknowns.fresh_number(types, value.ty),
        };
        Expr { ty, ..value }
    }

    /// A number where a `Float` is expected: the nearest there is.
    pub fn float_literal(&mut self, text: &Name, span: Span) -> Expr {
        let nearest = text.replace('_', "").parse::<f64>().ok().filter(|value| value.is_finite());
        let value = nearest.unwrap_or_else(|| {
            self.report(report::literal_range(text, "Float", span));
            0.0
        });
        literal(Literal::Float(value), Types::FLOAT, span)
    }

    pub fn duration_literal(&mut self, millis: i64, span: Span) -> Expr {
        let nanos = millis.checked_mul(1_000_000).unwrap_or_else(|| {
            self.report(report::literal_range("this", "Duration", span));
            0
        });
        literal(Literal::Duration(nanos), Types::DURATION, span)
    }

    /// A string; where `Sql` is expected, a statement whose interpolations are bound as parameters, never pasted in.
    pub fn string_literal(&mut self, string: &ast::StringLiteral, span: Span, want: &Want) -> Expr {
        let wanted = want.ty().map(|ty| self.shape(ty));
        if let (Some(Type::Nominal(id, _)), Some(sql)) = (wanted, self.cx.known().sql)
            && id == sql
        {
            return self.sql_literal(string, span);
        }
        if let Some(text) = string.as_plain() {
            return literal(Literal::String(Name::new(text)), Types::STRING, span);
        }
        let parts = string.parts.iter().map(|part| match part {
            ast::StringPart::Text { text, .. } => StringPart::Text(text.clone()),
            ast::StringPart::Expr(expr) => StringPart::Expr(self.shown(expr)),
        });
        let parts: Vec<StringPart> = parts.collect();
        if string.parts.iter().any(
            |part| matches!(part, ast::StringPart::Expr(expr) if matches!(expr.kind, ast::ExprKind::Error)),
        ) {
            return self.invalid(span);
        }
        Expr { kind: ExprKind::Interpolate(parts), ty: Types::STRING, span }
    }

    fn shown(&mut self, expr: &ast::Expr) -> Expr {
        // A number is shown whatever its type will be.
        let value = self.expr(expr, &Want::Any);
        if matches!(self.shape(value.ty), Type::Function { .. }) {
            let found = self.show(value.ty);
            self.report(report::operator("interpolation", &found, None, value.span));
        }
        value
    }

    fn sql_literal(&mut self, string: &ast::StringLiteral, span: Span) -> Expr {
        let mut text = String::new();
        let mut params = Vec::new();
        for part in &string.parts {
            match part {
                ast::StringPart::Text { text: plain, .. } => text.push_str(plain),
                ast::StringPart::Expr(expr) => {
                    params.push(self.check(expr, Types::JSON, Why::Context));
                    text.push_str(&format!("${}", params.len()));
                }
            }
        }
        let list = self.types().list(Types::JSON);
        let text = literal(Literal::String(Name::new(text)), Types::STRING, span);
        let params = Expr { kind: ExprKind::List(params), ty: list, span };
        let ty = match self.cx.known().sql {
            Some(id) => self.types().intern(Type::Nominal(id, Vec::new())),
            None => Types::INVALID,
        };
        Expr { kind: ExprKind::Record(vec![text, params]), ty, span }
    }

    pub fn tuple_literal(&mut self, items: &[ast::Expr], span: Span, want: &Want) -> Expr {
        if items.is_empty() {
            return literal(Literal::Unit, Types::UNIT, span);
        }
        let wanted = match want.ty().map(|ty| self.shape(ty)) {
            Some(Type::Tuple(wanted)) if wanted.len() == items.len() => Some(wanted),
            _ => None,
        };
        let items: Vec<Expr> = match wanted {
            Some(wanted) => {
                items.iter().zip(wanted).map(|(item, ty)| self.check(item, ty, Why::Context)).collect()
            }
            None if matches!(want, Want::Open) => items.iter().map(|item| self.expr(item, want)).collect(),
            None => items.iter().map(|item| self.infer(item)).collect(),
        };
        let tys = items.iter().map(|item| item.ty).collect();
        let ty = self.types().intern(Type::Tuple(tys));
        Expr { kind: ExprKind::Tuple(items), ty, span }
    }

    pub fn list_literal(&mut self, items: &[ast::Expr], span: Span, want: &Want) -> Expr {
        let wanted = want.ty().map(|ty| self.shape(self.inner_of_option(ty)));
        let set = matches!(wanted, Some(Type::Set(_)));
        let item_want = match wanted {
            Some(Type::List(item) | Type::Set(item)) => Some((item, Why::Context)),
            Some(Type::Json) => Some((Types::JSON, Why::Context)),
            _ => None,
        };
        let (items, item) = self.elements(items.iter(), item_want);
        if !matches!(want, Want::Open) && want.ty().is_none() {
            self.settle(item);
        }
        let ty = self.types().list(item);
        let list = Expr { kind: ExprKind::List(items), ty, span };
        if !set {
            return list;
        }
        let ty = self.types().intern(Type::Set(item));
        self.std_call("set", "to_set", vec![item], vec![list], ty, span)
    }

    pub fn map_literal(&mut self, entries: &[ast::MapEntry], span: Span, want: &Want) -> Expr {
        let wanted = want.ty().map(|ty| self.shape(self.inner_of_option(ty)));
        let (key_want, value_want) = match wanted {
            Some(Type::Map(key, value)) => (Some((key, Why::Context)), Some((value, Why::Context))),
            Some(Type::Json) => (Some((Types::STRING, Why::Context)), Some((Types::JSON, Why::Context))),
            _ => (None, None),
        };
        let (keys, key) = self.elements(entries.iter().map(|entry| &entry.key), key_want);
        let (values, value) = self.elements(entries.iter().map(|entry| &entry.value), value_want);
        self.settle(key);
        if !matches!(want, Want::Open) && want.ty().is_none() {
            self.settle(value);
        }
        let ty = self.types().intern(Type::Map(key, value));
        Expr { kind: ExprKind::Map(keys.into_iter().zip(values).collect()), ty, span }
    }

    /// Elements of one type: the wanted one, else the first element's. Number literals leave it open between them.
    fn elements<'e>(
        &mut self,
        items: impl Iterator<Item = &'e ast::Expr>,
        mut want: Option<(Ty, Why)>,
    ) -> (Vec<Expr>, Ty) {
        let mut checked: Vec<Expr> = Vec::new();
        for item in items {
            let value = match &want {
                Some((ty, why)) => self.check(item, *ty, why.clone()),
                None => self.expr(item, &Want::Open),
            };
            let ty = self.head(value.ty);
            if want.is_none() && ty != Types::NEVER && ty != Types::INVALID {
                want = Some((ty, Why::Element(value.span)));
            }
            checked.push(value);
        }
        let item = want.map_or_else(|| self.fresh(), |(ty, _)| ty);
        (checked, item)
    }

    /// `T` for `T?`, any other type as it is.
    fn inner_of_option(&self, ty: Ty) -> Ty {
        match self.shape(ty) {
            Type::Option(item) => item,
            _ => ty,
        }
    }

    /// `|x, (a, b)| body`
    pub fn lambda(&mut self, params: &[ast::LambdaParam], body: &ast::Expr, span: Span, want: &Want) -> Expr {
        let wanted = match want.ty().map(|ty| self.shape(ty)) {
            Some(Type::Function { params: wanted, result, .. }) if wanted.len() == params.len() => {
                Some((wanted, result))
            }
            _ => None,
        };
        let tys: Vec<Ty> = params
            .iter()
            .enumerate()
            .map(|(index, param)| {
                let expected = wanted.as_ref().and_then(|(wanted, _)| wanted.get(index)).copied();
                self.lambda_param(param, expected)
            })
            .collect();
        let result_want = match wanted.map(|(_, result)| result) {
            Some(result) if matches!(self.shape(result), Type::Infer(_)) => Want::Any,
            Some(result) => Want::of(self.resolve(result), Why::Context),
            None => Want::Any,
        };
        let mark = self.raised.len();
        let scope = self.open_block();
        let ((ids, body), captures) = self.in_frame(FrameKind::Lambda, |checker| {
            let (ids, lets) = checker.bind_params(params, &tys);
            let body = checker.expr(body, &result_want);
            (ids, checker.after_lets(lets, body))
        });
        self.close_block(scope);
        let mut fails: Vec<Ty> = self.take_raised(mark).into_iter().map(|raised| raised.ty).collect();
        // A failure that nothing here says anything of is none: said later, it would be in no signature.
        for open in self.raised.split_off(mark.min(self.raised.len())) {
            self.unify(open.ty, Types::NEVER);
        }
        fails.retain(|ty| !self.cx.is_system_error(*ty));
        self.types().flatten_errors(&mut fails);
        let result = match (self.head(body.ty), want.ty().map(|ty| self.shape(ty))) {
            // A lambda that only fails or loops fits any result.
            (Types::NEVER, Some(Type::Function { result, .. })) => result,
            (ty, _) => ty,
        };
        let ty = self.types().intern(Type::Function { params: tys, result, fails });
        let lambda = Lambda { params: ids, captures, body, suspends: Suspends::NO };
        Expr { kind: ExprKind::Lambda(Box::new(lambda)), ty, span }
    }

    fn lambda_param(&mut self, param: &ast::LambdaParam, expected: Option<Ty>) -> Ty {
        let written = param.ty.as_ref().map(|written| {
            let generics = self.generics.clone();
            (declare::resolve_type(self.cx, self.module, &generics, written), written.span)
        });
        match (written, expected) {
            (Some((ty, span)), Some(expected)) => {
                if !self.unify(expected, ty) {
                    let (found, wanted) = (self.show(ty), self.show(expected));
                    self.report(report::mismatch(&found, &wanted, &Why::Context, span));
                }
                ty
            }
            (Some((ty, _)), None) | (None, Some(ty)) => ty,
            (None, None) => self.fresh(),
        }
    }

    /// Locals for parameters; those that are patterns are taken apart by a `let` at the start of the body.
    fn bind_params(&mut self, params: &[ast::LambdaParam], tys: &[Ty]) -> (Vec<LocalId>, Vec<Stmt>) {
        let mut lets = Vec::new();
        let mut ids = Vec::new();
        for (param, &ty) in params.iter().zip(tys) {
            if let ast::PatternKind::Bind(name) = &param.pattern.kind {
                let id = self.local(name, ty, false);
                if !self.muted {
                    self.set_role(id, Role::Parameter);
                }
                ids.push(id);
                continue;
            }
            let id = self.temporary(ty, param.span);
            let pattern = self.irrefutable(&param.pattern, ty, "a parameter");
            if !matches!(pattern.kind, PatternKind::Wildcard) {
                let value = Expr { kind: ExprKind::Local(id), ty, span: param.span };
                lets.push(Stmt {
                    kind: StmtKind::Let { pattern, value },
                    compensation: None,
                    span: param.span,
                });
            }
            ids.push(id);
        }
        (ids, lets)
    }

    /// `value` after some statements.
    pub fn after_lets(&mut self, stmts: Vec<Stmt>, value: Expr) -> Expr {
        if stmts.is_empty() {
            return value;
        }
        let (ty, span) = (value.ty, value.span);
        Expr { kind: ExprKind::Block(hir::Block { stmts, value: Some(Box::new(value)) }), ty, span }
    }

    /// `Some(x)`, written.
    pub fn some(&mut self, value: Expr) -> Expr {
        let ty = self.types().option(value.ty);
        wrap(CoerceKind::Some, value, ty)
    }
}
