//! Patterns: what they match in a value of a known type, and the names they bind.

use super::usage::Role;
use super::{Binding, Checker};
use crate::context::Def;
use crate::exhaustive;
use crate::hir::{ExprKind, Literal, LocalId, NominalId, NominalKind, Pattern, PatternKind, Ty, Type, Types};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Ident, Name, PatternArg};

impl Checker<'_, '_> {
    /// A pattern over a value of type `ty`; what it binds is in scope from here on.
    pub fn pattern(&mut self, pattern: &ast::Pattern, ty: Ty) -> Pattern {
        let checked = self.sub_pattern(pattern, ty);
        let mut bound = Vec::new();
        checked.bindings(&mut bound);
        let mut names: Vec<(&Name, Span)> = Vec::new();
        let mut twice = None;
        bound.sort_unstable();
        bound.dedup();
        for id in bound {
            let local = &self.locals[id];
            let Some(name) = &local.name else { continue };
            if names.iter().any(|(known, _)| *known == name) {
                twice = Some(report::pattern_twice(name, local.span));
            }
            names.push((name, local.span));
        }
        twice.into_iter().for_each(|diagnostic| self.report(diagnostic));
        checked
    }

    /// A pattern that must match always.
    pub fn irrefutable(&mut self, pattern: &ast::Pattern, ty: Ty, place: &str) -> Pattern {
        let checked = self.pattern(pattern, ty);
        let found = exhaustive::check(self, ty, vec![(&checked, false)]);
        if let Some(missing) = found.missing.first() {
            self.report(report::refutable(missing, place, pattern.span));
        }
        checked
    }

    fn sub_pattern(&mut self, pattern: &ast::Pattern, ty: Ty) -> Pattern {
        use ast::PatternKind as P;
        let span = pattern.span;
        let kind = match &pattern.kind {
            P::Wildcard => PatternKind::Wildcard,
            P::Bind(name) => PatternKind::Bind(self.local(name, ty, false)),
            P::Literal(literal) => self.literal_pattern(literal, ty, span),
            P::None => match self.shape(ty) {
                Type::Option(_) => PatternKind::None,
                _ => self.wrong_pattern(pattern, ty),
            },
            P::Constructor { path, args, rest } => {
                self.constructor(pattern, path, args.as_deref(), *rest, ty)
            }
            P::Tuple(items) => match self.shape(ty) {
                Type::Tuple(tys) if tys.len() == items.len() => PatternKind::Fields(
                    items.iter().zip(tys).map(|(item, ty)| self.sub_pattern(item, ty)).collect(),
                ),
                Type::Unit if items.is_empty() => PatternKind::Wildcard,
                Type::Infer(_) if items.len() > 1 => {
                    let tys = self.fresh_many(items.len());
                    let tuple = self.types().intern(Type::Tuple(tys.clone()));
                    self.unify(ty, tuple);
                    PatternKind::Fields(
                        items.iter().zip(tys).map(|(item, ty)| self.sub_pattern(item, ty)).collect(),
                    )
                }
                _ => self.wrong_pattern(pattern, ty),
            },
            P::Or(parts) => self.or_pattern(parts, ty, span),
            P::Error => PatternKind::Invalid,
        };
        Pattern { kind, ty, span }
    }

    /// Reports a pattern of another type; its names are bound all the same. A value that never comes fits any pattern.
    fn wrong_pattern(&mut self, pattern: &ast::Pattern, ty: Ty) -> PatternKind {
        self.bind_all(pattern);
        if !matches!(self.shape(ty), Type::Invalid | Type::Never) {
            let found = self.show(ty);
            self.report(report::pattern_type(&format!("a value of type `{found}`"), pattern.span));
        }
        PatternKind::Invalid
    }

    /// Binds every name of a pattern that makes no sense, so that its uses are no mistakes of their own.
    pub fn bind_all(&mut self, pattern: &ast::Pattern) {
        match &pattern.kind {
            ast::PatternKind::Bind(name) => {
                self.local(name, Types::INVALID, false);
            }
            ast::PatternKind::Constructor { args, .. } => {
                args.iter().flatten().for_each(|arg| self.bind_all(&arg.pattern));
            }
            ast::PatternKind::Tuple(parts) => parts.iter().for_each(|part| self.bind_all(part)),
            ast::PatternKind::Or(parts) => parts.iter().take(1).for_each(|part| self.bind_all(part)),
            _ => {}
        }
    }

    fn literal_pattern(&mut self, literal: &ast::Expr, ty: Ty, span: Span) -> PatternKind {
        let shape = self.shape(ty);
        let value = self.expr(literal, &super::Want::Hint(ty));
        if matches!(shape, Type::Invalid) {
            return PatternKind::Invalid;
        }
        let fits = self.quietly(|checker| checker.coerce(value, ty, &super::Why::Context));
        match negated(fits.kind) {
            Some(literal) => PatternKind::Literal(literal),
            None => {
                let found = self.show(ty);
                self.report(report::pattern_type(&format!("a value of type `{found}`"), span));
                PatternKind::Invalid
            }
        }
    }

    fn constructor(
        &mut self,
        pattern: &ast::Pattern,
        path: &ast::Path,
        args: Option<&[PatternArg]>,
        rest: bool,
        ty: Ty,
    ) -> PatternKind {
        let Some(name) = path.name() else { return PatternKind::Invalid };
        match self.shape(ty) {
            Type::Invalid => return self.wrong_pattern(pattern, ty),
            Type::Option(item) if name.as_str() == "Some" && path.qualifier().is_empty() => {
                return match args {
                    Some([arg]) if arg.name.is_none() => {
                        PatternKind::Some(Box::new(self.sub_pattern(&arg.pattern, item)))
                    }
                    _ => {
                        self.bind_all(pattern);
                        self.report(report::some_takes_one(pattern.span));
                        PatternKind::Invalid
                    }
                };
            }
            Type::Union(parts) => return self.union_pattern(pattern, path, &parts, ty),
            _ => {}
        }
        let Some((id, case)) = self.resolve_constructor(path, ty) else {
            self.bind_all(pattern);
            return PatternKind::Invalid;
        };
        self.cx.use_type(self.module, id);
        match self.shape(ty) {
            Type::Nominal(actual, type_args) if actual == id => {
                let fields = self.field_patterns(id, case, &type_args, args, rest, pattern.span);
                match &self.cx.nominal(id).kind {
                    NominalKind::Record(_) => PatternKind::Fields(fields),
                    NominalKind::Distinct(_) => match fields.into_iter().next() {
                        Some(inner) => PatternKind::Distinct(Box::new(inner)),
                        None => PatternKind::Invalid,
                    },
                    _ => PatternKind::Case { case, fields },
                }
            }
            Type::Infer(_) => {
                let count = self.cx.nominal(id).generics.len();
                let type_args = self.fresh_many(count);
                let nominal = self.types().intern(Type::Nominal(id, type_args));
                self.unify(ty, nominal);
                self.constructor(pattern, path, args, rest, ty)
            }
            _ => self.wrong_pattern(pattern, ty),
        }
    }

    /// A constructor over one of several error types.
    fn union_pattern(
        &mut self,
        pattern: &ast::Pattern,
        path: &ast::Path,
        parts: &[Ty],
        ty: Ty,
    ) -> PatternKind {
        let Some((id, _)) = self.resolve_constructor(path, ty) else {
            self.bind_all(pattern);
            return PatternKind::Invalid;
        };
        let error = self.types().intern(Type::Nominal(id, Vec::new()));
        if !parts.contains(&error) {
            return self.wrong_pattern(pattern, ty);
        }
        PatternKind::Error(Box::new(self.sub_pattern(pattern, error)))
    }

    /// The type and case a path in a pattern names; `ty` is the type of the value.
    pub fn resolve_constructor(&mut self, path: &ast::Path, ty: Ty) -> Option<(NominalId, u32)> {
        let (name, qualifier) = path.segments.split_last()?;
        if qualifier.is_empty() {
            if let Some(found) = self.case_of_wanted(ty, name) {
                return Some(found);
            }
        } else if let Some(Def::Nominal(id)) = self.type_of_qualifier(qualifier) {
            let case = self.cx.cases_of(id).iter().position(|case| case.name == name.text);
            if case.is_none() {
                let diagnostic = report::no_case(self.cx, id, name);
                self.report(diagnostic);
            }
            return case.map(|case| (id, case as u32));
        }
        let visible = if qualifier.is_empty() {
            self.cx.lookup(self.module, name.as_str()).map(|entry| entry.def)
        } else {
            declare::resolve_path(self.cx, self.module, path, true)
        };
        if let Some(Def::Nominal(id)) = visible {
            let index = self.cx.cases_of(id).iter().position(|case| case.name == name.text);
            return Some((id, index.unwrap_or(0) as u32));
        }
        match self.cx.cases(self.module, name.as_str()) {
            [first, ..] => Some(*first),
            [] => {
                let owner = match self.shape(ty) {
                    Type::Nominal(id, _) if !self.cx.cases_of(id).is_empty() => Some(id),
                    _ => None,
                };
                let diagnostic = match owner {
                    Some(id) => report::no_case(self.cx, id, name),
                    None => report::unknown_constructor(self.cx, self.module, name),
                };
                if qualifier.is_empty() {
                    self.report(diagnostic);
                }
                None
            }
        }
    }

    fn type_of_qualifier(&mut self, qualifier: &[Ident]) -> Option<Def> {
        let [only] = qualifier else { return None };
        if !only.is_capital() {
            return None;
        }
        let entry = self.cx.lookup(self.module, only.as_str());
        entry.map(|entry| entry.def)
    }

    /// Patterns of all fields, in order; what is left out by `..` or by naming no arguments matches anything.
    fn field_patterns(
        &mut self,
        id: NominalId,
        case: u32,
        type_args: &[Ty],
        args: Option<&[PatternArg]>,
        rest: bool,
        span: Span,
    ) -> Vec<Pattern> {
        let fields: Vec<(Name, Ty)> = match self.cx.nominal(id).kind {
            NominalKind::Distinct(inner) => vec![("value".into(), inner)],
            _ => self.cx.fields_of(id, case).iter().map(|field| (field.name.clone(), field.ty)).collect(),
        };
        let fields: Vec<(Name, Ty)> =
            fields.into_iter().map(|(name, ty)| (name, self.types().substitute(ty, type_args))).collect();
        let mut patterns: Vec<Option<Pattern>> = fields.iter().map(|_| None).collect();
        let mut next = 0;
        for arg in args.unwrap_or_default() {
            let index = match &arg.name {
                Some(name) => fields.iter().position(|(field, _)| *field == name.text),
                None => {
                    next += 1;
                    Some(next - 1)
                }
            };
            let place = index.and_then(|index| Some((fields.get(index)?.1, patterns.get_mut(index)?)));
            match place {
                Some((ty, place @ None)) => {
                    let pattern = self.sub_pattern(&arg.pattern, ty);
                    *place = Some(pattern);
                }
                _ => {
                    let names: Vec<&Name> = fields.iter().map(|(name, _)| name).collect();
                    self.report(report::pattern_fields(&names, arg.span));
                    self.bind_all(&arg.pattern);
                }
            }
        }
        let missing = patterns.iter().filter(|pattern| pattern.is_none()).count();
        let by_name = args.is_some_and(|args| args.iter().any(|arg| arg.name.is_some()));
        if missing > 0 && args.is_some() && !rest && !by_name {
            let names: Vec<&Name> = fields.iter().map(|(name, _)| name).collect();
            self.report(report::pattern_fields(&names, span));
        }
        let wildcard = |ty| Pattern { kind: PatternKind::Wildcard, ty, span };
        patterns
            .into_iter()
            .zip(fields)
            .map(|(pattern, (_, ty))| pattern.unwrap_or_else(|| wildcard(ty)))
            .collect()
    }

    /// `A(x) | B(x)`: every alternative binds the same names; they share one local.
    fn or_pattern(&mut self, parts: &[ast::Pattern], ty: Ty, span: Span) -> PatternKind {
        let mut checked: Vec<Pattern> = Vec::new();
        let mut first: Vec<LocalId> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let mut pattern = self.sub_pattern(part, ty);
            let mut bound = Vec::new();
            pattern.bindings(&mut bound);
            if index == 0 {
                first = bound;
            } else {
                let same = self.share(&first, &bound, &mut pattern);
                if !same {
                    self.report(report::or_bindings(part.span, span));
                }
            }
            checked.push(pattern);
        }
        PatternKind::Or(checked)
    }

    /// Renames the locals of an alternative to those of the first one; false where they are not the same names.
    fn share(&mut self, first: &[LocalId], bound: &[LocalId], pattern: &mut Pattern) -> bool {
        let mut pairs = Vec::new();
        for id in bound {
            let name = self.locals[*id].name.clone();
            let Some(twin) = first.iter().copied().find(|twin| self.locals[*twin].name == name) else {
                return false;
            };
            if !self.unify(self.locals[*id].ty, self.locals[twin].ty) {
                return false;
            }
            if let Some(name) = name {
                self.names.insert(name, Binding::Local(twin));
            }
            self.set_role(*id, Role::Silent);
            pairs.push((*id, twin));
        }
        pattern.rename(&pairs);
        pairs.len() == first.len()
    }
}

/// A literal, or a negated one.
fn negated(kind: ExprKind) -> Option<Literal> {
    match kind {
        ExprKind::Literal(literal) => Some(literal),
        ExprKind::Negate(inner) => match inner.kind {
            ExprKind::Literal(Literal::Int(value)) => value.checked_neg().map(Literal::Int),
            ExprKind::Literal(Literal::Decimal(value)) => Some(Literal::Decimal(-value)),
            ExprKind::Literal(Literal::Float(value)) => Some(Literal::Float(-value)),
            ExprKind::Literal(Literal::Duration(value)) => value.checked_neg().map(Literal::Duration),
            _ => None,
        },
        _ => None,
    }
}

impl Pattern {
    /// The patterns directly inside.
    pub(crate) fn parts(&self) -> &[Pattern] {
        match &self.kind {
            PatternKind::Fields(parts) | PatternKind::Or(parts) | PatternKind::Case { fields: parts, .. } => {
                parts
            }
            PatternKind::Some(inner) | PatternKind::Distinct(inner) | PatternKind::Error(inner) => {
                std::slice::from_ref(inner)
            }
            _ => &[],
        }
    }

    pub(crate) fn parts_mut(&mut self) -> &mut [Pattern] {
        match &mut self.kind {
            PatternKind::Fields(parts) | PatternKind::Or(parts) | PatternKind::Case { fields: parts, .. } => {
                parts
            }
            PatternKind::Some(inner) | PatternKind::Distinct(inner) | PatternKind::Error(inner) => {
                std::slice::from_mut(inner)
            }
            _ => &mut [],
        }
    }

    /// The locals it binds, each once where alternatives share them.
    pub fn bindings(&self, out: &mut Vec<LocalId>) {
        match &self.kind {
            PatternKind::Bind(id) | PatternKind::AnyError { bind: Some(id) } => out.push(*id),
            PatternKind::Or(parts) => parts.iter().take(1).for_each(|part| part.bindings(out)),
            _ => self.parts().iter().for_each(|part| part.bindings(out)),
        }
    }

    fn rename(&mut self, pairs: &[(LocalId, LocalId)]) {
        if let PatternKind::Bind(id) = &mut self.kind
            && let Some((_, twin)) = pairs.iter().find(|(from, _)| from == id)
        {
            *id = *twin;
        }
        self.parts_mut().iter_mut().for_each(|part| part.rename(pairs));
    }
}
