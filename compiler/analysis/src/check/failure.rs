//! Failures: `fail`, `try`, `catch`, and what nobody handles.

use super::{Checker, Join, Raised, Want, Why};
use crate::exhaustive;
use crate::hir::{CatchArm, Expr, ExprKind, Pattern, PatternKind, Ty, Type, Types};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;
use std::collections::BTreeMap;

impl Checker<'_, '_> {
    /// `fail e`; its case is resolved by what the function declares.
    pub fn check_fail(&mut self, value: &ast::Expr, span: Span) -> Expr {
        let declared = self.declared_failures();
        let hint = self.types().union(declared);
        let want = if hint == Types::NEVER { Want::Any } else { Want::Hint(hint) };
        let value = self.expr(value, &want);
        let ty = self.resolve(value.ty);
        if !self.cx.is_error_type(ty) {
            let found = self.show(ty);
            self.report(report::fail_type(&found, value.span));
        } else {
            self.raise(ty, span);
        }
        Expr { kind: ExprKind::Fail(Box::new(value)), ty: Types::NEVER, span }
    }

    /// `try e`
    pub fn check_try(&mut self, value: &ast::Expr, span: Span) -> Expr {
        let mark = self.raised.len();
        let value = self.handling(|checker| checker.infer(value));
        // What only the caller can name goes through.
        let (passed, raised): (Vec<Raised>, Vec<Raised>) =
            self.take_raised(mark).into_iter().partition(|raised| raised.ty == Types::PASSED);
        self.raised.extend(passed);
        let errors = self.error_types(&raised);
        let broken = matches!(self.shape(value.ty), Type::Invalid);
        if errors.is_empty() && !broken {
            self.report(report::nothing_to_try(span));
        }
        let error = if errors.is_empty() { Types::INVALID } else { self.types().union(errors.clone()) };
        let ok = if value.ty == Types::NEVER { Types::UNIT } else { value.ty };
        let ty = match self.cx.known().result {
            Some(result) => self.types().intern(Type::Nominal(result, vec![ok, error])),
            None => Types::INVALID,
        };
        Expr { kind: ExprKind::Try { value: Box::new(value), errors }, ty, span }
    }

    /// `e catch { … }`
    pub fn check_catch(&mut self, value: &ast::Expr, arms: &[ast::Arm], span: Span, want: &Want) -> Expr {
        let mark = self.raised.len();
        let mut join = Join::new(want);
        let value = self.handling(|checker| checker.arm(value, &mut join));
        let raised = self.take_raised(mark);
        let declared = self.error_types(&raised);
        let union = self.types().union(declared.clone());
        let mut checked: Vec<CatchArm> = Vec::new();
        for arm in arms {
            let scope = self.open_block();
            let pattern = self.catch_pattern(&arm.pattern, &declared, union);
            let guard = arm.guard.as_ref().map(|guard| self.check(guard, Types::BOOL, Why::Condition));
            let body = self.arm(&arm.body, &mut join);
            self.close_block(scope);
            let reraises_cancelled = self.names_cancelled(&pattern);
            checked.push(CatchArm { pattern, guard, body, reraises_cancelled });
        }
        self.check_reachable(&checked);
        for one in raised {
            if let Some(left) = self.left_of(one.ty, &checked) {
                if !left.is_empty() {
                    self.partly_handled.push((one.ty, one.span, left));
                }
                self.raised.push(one);
            }
        }
        let ty = self.join_type(&join);
        Expr { kind: ExprKind::Catch { value: Box::new(value), arms: checked }, ty, span }
    }

    fn error_types(&mut self, raised: &[Raised]) -> Vec<Ty> {
        let mut types: Vec<Ty> = raised.iter().map(|raised| raised.ty).collect();
        types.retain(|ty| *ty != Types::PASSED);
        types.sort_unstable();
        types.dedup();
        types
    }

    /// The system failures `_` and a name match in a `catch`.
    fn ordinary_system_errors(&mut self) -> Vec<Ty> {
        let known = *self.cx.known();
        let ids = [known.timeout, known.activity_failed];
        ids.into_iter().flatten().map(|id| self.types().intern(Type::Nominal(id, Vec::new()))).collect()
    }

    /// The pattern of a `catch` arm: over a raised error.
    pub fn catch_pattern(&mut self, pattern: &ast::Pattern, declared: &[Ty], union: Ty) -> Pattern {
        let span = pattern.span;
        match &pattern.kind {
            ast::PatternKind::Wildcard => {
                Pattern { kind: PatternKind::AnyError { bind: None }, ty: union, span }
            }
            ast::PatternKind::Bind(name) => {
                let mut possible = declared.to_vec();
                // Declared failures are told apart by type; where there are none, a system failure is all it can be.
                if possible.len() != 1 {
                    possible.extend(self.ordinary_system_errors());
                }
                let ty = self.types().union(possible);
                let bind = Some(self.local(name, ty, false));
                Pattern { kind: PatternKind::AnyError { bind }, ty, span }
            }
            ast::PatternKind::Or(parts) => {
                let parts = parts.iter().map(|part| self.catch_pattern(part, declared, union)).collect();
                Pattern { kind: PatternKind::Or(parts), ty: union, span }
            }
            ast::PatternKind::Constructor { path, .. } => {
                let Some(error) = self.caught_type(path, declared) else {
                    self.bind_all(pattern);
                    return Pattern { kind: PatternKind::Invalid, ty: Types::INVALID, span };
                };
                let inner = self.pattern_of_error(pattern, path, error);
                Pattern { kind: PatternKind::Error(Box::new(inner)), ty: union, span }
            }
            _ => {
                self.bind_all(pattern);
                if !matches!(pattern.kind, ast::PatternKind::Error) {
                    self.report(report::pattern_type("an error", span));
                }
                Pattern { kind: PatternKind::Invalid, ty: Types::INVALID, span }
            }
        }
    }

    /// The error type a pattern of `catch` is about: one that may be raised, or one of the system's.
    fn caught_type(&mut self, path: &ast::Path, declared: &[Ty]) -> Option<Ty> {
        let name = path.name()?;
        let union = self.types().union(declared.to_vec());
        if path.qualifier().is_empty() {
            let by_case = declared.iter().find(|ty| self.case_of_error(**ty, name.as_str()));
            if let Some(ty) = by_case {
                return Some(*ty);
            }
        }
        let (id, _) = self.resolve_constructor(path, union)?;
        let ty = self.types().intern(Type::Nominal(id, Vec::new()));
        if !declared.contains(&ty) && !self.cx.is_system_error(ty) {
            let possible: Vec<String> = declared.iter().map(|ty| self.show(*ty)).collect();
            let found = self.show(ty);
            let diagnostic = if self.cx.is_error_type(ty) {
                report::impossible_catch(&found, &possible, path.span)
            } else {
                report::pattern_type("an error", path.span)
            };
            self.report(diagnostic);
            return None;
        }
        Some(ty)
    }

    fn case_of_error(&self, ty: Ty, name: &str) -> bool {
        match self.cx.ty(ty) {
            Type::Nominal(id, _) => self.cx.cases_of(*id).iter().any(|case| case.name == name),
            _ => false,
        }
    }

    /// A constructor pattern within one error type; the type's own name matches every case.
    fn pattern_of_error(&mut self, pattern: &ast::Pattern, path: &ast::Path, error: Ty) -> Pattern {
        let Type::Nominal(id, _) = self.shape(error) else { return self.pattern(pattern, error) };
        let names_type = path.name().is_some_and(|name| name.text == self.cx.nominal(id).name);
        let has_case = path.name().is_some_and(|name| self.case_of_error(error, name.as_str()));
        if names_type && !has_case {
            return Pattern { kind: PatternKind::Wildcard, ty: error, span: pattern.span };
        }
        self.pattern(pattern, error)
    }

    fn names_cancelled(&mut self, pattern: &Pattern) -> bool {
        match &pattern.kind {
            PatternKind::Or(parts) => parts.iter().any(|part| self.names_cancelled(part)),
            PatternKind::Error(inner) => match self.shape(inner.ty) {
                Type::Nominal(id, _) => Some(id) == self.cx.known().cancelled,
                _ => false,
            },
            _ => false,
        }
    }

    /// What the arms leave of the errors of a type: `None` where they match each of them; no examples where none of
    /// them is about that type.
    fn left_of(&mut self, ty: Ty, arms: &[CatchArm]) -> Option<Vec<String>> {
        let known = *self.cx.known();
        let never_by_any = match self.shape(ty) {
            Type::Nominal(id, _) => Some(id) == known.cancelled || Some(id) == known.trap,
            _ => false,
        };
        let mut rows: Vec<&Pattern> = Vec::new();
        for arm in arms.iter().filter(|arm| arm.guard.is_none()) {
            let mut parts = Vec::new();
            flatten(&arm.pattern, &mut parts);
            for part in parts {
                match &part.kind {
                    PatternKind::AnyError { bind: Some(_) } if ty == Types::PASSED => {}
                    PatternKind::AnyError { .. } if !never_by_any => return None,
                    PatternKind::Error(inner) if inner.ty == ty => rows.push(inner),
                    _ => {}
                }
            }
        }
        if rows.is_empty() {
            return Some(Vec::new());
        }
        let left = exhaustive::check(self, ty, rows.into_iter().map(|row| (row, false)).collect()).missing;
        (!left.is_empty()).then_some(left)
    }

    /// Reports arms, and alternatives of arms, that those before them leave nothing to.
    fn check_reachable(&mut self, arms: &[CatchArm]) {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for arm in arms {
            let mut flat = Vec::new();
            flatten(&arm.pattern, &mut flat);
            let guarded = arm.guard.is_some();
            parts.extend(flat.into_iter().map(|pattern| Part { arm, pattern, guarded, useless: false }));
        }
        let useless = self.find_useless(&mut parts);
        let mut told = Vec::new();
        for own in parts.chunk_by(|one, next| std::ptr::eq(one.arm, next.arm)) {
            if let [first, ..] = own
                && own.iter().all(|part| part.useless)
            {
                told.push(report::unreachable_arm(first.arm.pattern.span));
            } else {
                let spans = own.iter().filter(|part| part.useless).map(|part| part.pattern.span);
                told.extend(spans.map(report::useless_alternative));
            }
        }
        told.extend(useless.into_iter().map(report::useless_alternative));
        told.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// Marks the parts that those before them leave nothing to; gives the alternatives within others of which that is
    /// true.
    fn find_useless<'p>(&mut self, parts: &mut [Part<'p>]) -> Vec<Span> {
        let known = *self.cx.known();
        let (mut any, mut all) = (false, false);
        let mut by_type: BTreeMap<Ty, Vec<usize>> = BTreeMap::new();
        for (index, part) in parts.iter_mut().enumerate() {
            match &part.pattern.kind {
                PatternKind::Error(inner) => {
                    let ordinary = match self.shape(inner.ty) {
                        Type::Nominal(id, _) => Some(id) != known.cancelled && Some(id) != known.trap,
                        _ => true,
                    };
                    part.useless = any && ordinary;
                    if !part.useless {
                        by_type.entry(inner.ty).or_default().push(index);
                    }
                }
                kind => {
                    part.useless = all;
                    any |= !part.guarded && matches!(kind, PatternKind::AnyError { .. });
                    all |= !part.guarded && matches!(kind, PatternKind::AnyError { bind: None });
                }
            }
        }
        let mut useless = Vec::new();
        for (ty, indices) in by_type {
            let inner = |part: &Part<'p>| match &part.pattern.kind {
                PatternKind::Error(inner) => Some((&**inner, part.guarded)),
                _ => None,
            };
            let rows = indices.iter().filter_map(|index| parts.get(*index)).filter_map(inner).collect();
            let found = exhaustive::check(self, ty, rows);
            useless.extend(found.useless);
            for index in found.unreachable.into_iter().filter_map(|at| indices.get(at)) {
                if let Some(part) = parts.get_mut(*index) {
                    part.useless = true;
                }
            }
        }
        useless
    }

    /// What the function being checked declares.
    fn declared_failures(&self) -> Vec<Ty> {
        self.fails.clone()
    }

    /// Reports what a body raises and its signature does not declare.
    pub fn check_unhandled(&mut self, name: &str, signature: Option<&ast::Signature>) {
        let mut reported: Vec<Ty> = Vec::new();
        for raised in self.take_raised(0) {
            if self.cx.is_system_error(raised.ty)
                || raised.ty == Types::PASSED
                || self.fails.contains(&raised.ty)
                || reported.contains(&raised.ty)
            {
                continue;
            }
            reported.push(raised.ty);
            let error = self.show(raised.ty);
            let partly =
                self.partly_handled.iter().find(|(ty, span, _)| (*ty, *span) == (raised.ty, raised.span));
            let left = partly.map(|(.., left)| left.clone()).unwrap_or_default();
            self.report(report::unhandled(&error, &left, raised.span, name, signature));
        }
    }
}

fn flatten<'p>(pattern: &'p Pattern, out: &mut Vec<&'p Pattern>) {
    match &pattern.kind {
        PatternKind::Or(parts) => parts.iter().for_each(|part| flatten(part, out)),
        _ => out.push(pattern),
    }
}

/// One of the alternatives at the top of an arm of `catch`.
struct Part<'p> {
    arm: &'p CatchArm,
    pattern: &'p Pattern,
    guarded: bool,
    useless: bool,
}
