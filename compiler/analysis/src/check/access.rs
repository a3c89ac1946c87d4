//! Names, fields and indices: what a name stands for, and the parts of values.

use super::operator::unwrap_distinct;
use super::{Binding, Checker, Place, Want, Why};
use crate::context::Def;
use crate::hir::{Arm, Expr, ExprKind, NominalId, NominalKind, Pattern, PatternKind, Ty, Type, Types};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Arg, Ident};

impl Checker<'_, '_> {
    /// A name by itself.
    pub fn name(&mut self, name: &Ident, want: &Want) -> Expr {
        let span = name.span;
        match self.binding(name.as_str()) {
            Some(Binding::Local(id)) => return self.read(id, span),
            Some(Binding::State(index)) => {
                self.require_set(index, name);
                let ty = self.parts.state_type(index);
                return Expr { kind: ExprKind::State(index), ty, span };
            }
            Some(Binding::Signal) => {
                return self.wrong_kind(name, "a signal", "a value; `receive` waits for it");
            }
            Some(Binding::Handler) => return self.wrong_kind(name, "a query or update", "a value"),
            None => {}
        }
        let entry = self.cx.lookup(self.module, name.as_str());
        match entry.map(|entry| entry.def) {
            Some(Def::Const(id)) => {
                let ty = super::program::type_of_const(self.cx, id, span);
                return Expr { kind: ExprKind::Const(id), ty, span };
            }
            Some(Def::Function(id)) => return self.function_value(id, span),
            Some(Def::Broken) => return self.invalid(span),
            _ => {}
        }
        if name.is_capital() {
            return self.construct(name, None, span, want);
        }
        if self.beside_default.contains(&name.text) {
            self.report(report::default_beside(name));
            return self.invalid(name.span);
        }
        if matches!(self.place, Place::Query | Place::Update) && self.parts.variables.contains(&name.text) {
            self.report(report::outside_handler(name));
            return self.invalid(name.span);
        }
        if let Some([only]) = self.cx.prelude.functions.get(&name.text).map(Vec::as_slice)
            && !self.unread
        {
            let only = *only;
            return self.function_value(only, span);
        }
        match entry {
            Some(entry) => self.wrong_kind(name, entry.def.kind(), "a value"),
            None => self.unknown_name(name),
        }
    }

    fn wrong_kind(&mut self, name: &Ident, found: &str, wanted: &str) -> Expr {
        if !self.unread {
            self.report(report::wrong_kind(name, found, wanted));
        }
        self.invalid(name.span)
    }

    pub fn unknown_name(&mut self, name: &Ident) -> Expr {
        if self.unread {
            return self.invalid(name.span);
        }
        if let Some(Binding::Signal) = self.binding(name.as_str()) {
            return self.wrong_kind(name, "a signal", "a function; `receive` waits for it");
        }
        let near = self.cx.suggests();
        let locals: Vec<String> = self.visible_names().filter(|_| near).map(str::to_string).collect();
        let diagnostic = report::unknown_value(self.cx, self.module, name, &locals);
        self.report(diagnostic);
        self.invalid(name.span)
    }

    fn function_value(&mut self, id: crate::hir::FunctionId, span: Span) -> Expr {
        let signature = &self.cx.program.functions[id].signature;
        let (count, result, fails) = (signature.generics.len(), signature.result, signature.fails.clone());
        let params: Vec<Ty> = signature.params.iter().map(|param| param.ty).collect();
        let ty = self.types().intern(Type::Function { params, result, fails });
        let type_args = self.fresh_many(count);
        let ty = self.types().substitute(ty, &type_args);
        Expr { kind: ExprKind::Function { function: id, type_args }, ty, span }
    }

    /// The module a name stands for, unless something nearer has the name.
    pub fn module_named(&self, expr: &ast::Expr) -> Option<crate::hir::ModuleId> {
        let ast::ExprKind::Name(name) = &expr.kind else { return None };
        if self.binding(name.as_str()).is_some() {
            return None;
        }
        match self.cx.lookup(self.module, name.as_str())?.def {
            Def::Module(module) => Some(module),
            _ => None,
        }
    }

    /// Whether a name that nothing has is that of a standard module: its `use` is missing.
    pub fn missing_use(&mut self, expr: &ast::Expr) -> bool {
        if let ast::ExprKind::Field { base, name, optional: false } = &expr.kind
            && matches!(&base.kind, ast::ExprKind::Name(std) if std.as_str() == "std" && self.binding("std").is_none())
            && crate::stdlib::source(name.as_str()).is_some()
        {
            let used = self.cx.lookup(self.module, name.as_str()).is_some();
            let diagnostic = report::whole_path(self.cx, self.module, name, used, expr.span);
            self.report(diagnostic);
            return true;
        }
        let ast::ExprKind::Name(name) = &expr.kind else { return false };
        let known =
            self.binding(name.as_str()).is_some() || self.cx.lookup(self.module, name.as_str()).is_some();
        if known || crate::stdlib::source(name.as_str()).is_none() {
            return false;
        }
        // A `use` of nearly that name was reported.
        let scope = self.cx.scope(self.module);
        let broken =
            scope.into_iter().flat_map(|scope| &scope.names).filter(|(_, entry)| entry.def == Def::Broken);
        if crate::names::nearest(name.as_str(), broken.map(|(name, _)| name.as_str())).is_some() {
            return true;
        }
        let diagnostic = report::missing_use(self.cx, self.module, name);
        self.report(diagnostic);
        true
    }

    /// `base.name`, `base?.name`
    pub fn field(&mut self, base: &ast::Expr, name: &Ident, optional: bool, span: Span, want: &Want) -> Expr {
        if let Some(module) = self.module_named(base) {
            return self.module_member(module, name, span);
        }
        if let ast::ExprKind::Name(owner) = &base.kind
            && owner.is_capital()
            && name.is_capital()
            && self.binding(owner.as_str()).is_none()
        {
            return self.case_of_type(owner, name, None, span, want);
        }
        if self.missing_use(base) {
            return self.invalid(span);
        }
        let base = self.infer(base);
        if !optional {
            return self.field_of(base, name, span);
        }
        self.optional(base, span, |checker, value| checker.field_of(value, name, span))
    }

    /// `base?.…`: none where the base is; what follows, made an option, where it isn't.
    pub fn optional(&mut self, base: Expr, span: Span, then: impl FnOnce(&mut Self, Expr) -> Expr) -> Expr {
        let item = match self.shape(base.ty) {
            Type::Option(item) => item,
            Type::Invalid | Type::Never => return self.invalid(span),
            _ => {
                let found = self.show(base.ty);
                self.report(report::operator("?.", &found, None, base.span));
                return self.invalid(span);
            }
        };
        let mut result = Types::INVALID;
        let some = self.some_arm(item, span, |checker, value| {
            let value = then(checker, value);
            let value =
                if matches!(checker.shape(value.ty), Type::Option(_)) { value } else { checker.some(value) };
            result = value.ty;
            value
        });
        let none = Expr { kind: ExprKind::None, ty: result, span };
        let pattern = Pattern { kind: PatternKind::None, ty: base.ty, span };
        let arms = vec![some.with_type(base.ty), Arm { pattern, guard: None, body: none }];
        Expr { kind: ExprKind::Match { value: Box::new(base), arms }, ty: result, span }
    }

    fn module_member(&mut self, module: crate::hir::ModuleId, name: &Ident, span: Span) -> Expr {
        if self.cx.is_standard(module) {
            let special = match (self.cx.module_name(module), name.as_str()) {
                ("env", _) => Some(ExprKind::Env(name.text.clone())),
                ("step", "key") => Some(ExprKind::StepKey),
                _ => None,
            };
            if let Some(kind) = special {
                return Expr { kind, ty: Types::STRING, span };
            }
        }
        match declare::member(self.cx, module, name) {
            Some(Def::Const(id)) => {
                let ty = super::program::type_of_const(self.cx, id, span);
                Expr { kind: ExprKind::Const(id), ty, span }
            }
            Some(Def::Function(id)) => self.function_value(id, span),
            Some(Def::Nominal(id)) => self.construct_type(id, name, None, span, &Want::Any),
            Some(Def::Broken) | None => self.invalid(span),
            Some(other) => self.wrong_kind(name, other.kind(), "a value"),
        }
    }

    /// A field of a value.
    pub fn field_of(&mut self, base: Expr, name: &Ident, span: Span) -> Expr {
        match self.shape(base.ty) {
            Type::Nominal(id, args) => {
                if let NominalKind::Distinct(inner) = self.cx.nominal(id).kind
                    && name.as_str() == "value"
                {
                    let inner = self.types().substitute(inner, &args);
                    return unwrap_distinct(base, inner, span);
                }
                match self.record_field(id, &args, name) {
                    Some((index, ty)) => {
                        Expr { kind: ExprKind::Field { base: Box::new(base), index }, ty, span }
                    }
                    None => self.no_field(base, name, span),
                }
            }
            Type::Invalid | Type::Never => self.invalid(span),
            Type::Infer(_) => {
                if !self.unknowns.is_excused(&mut self.cx.work.types, base.ty) {
                    self.report(report::cannot_infer(base.span));
                }
                self.invalid(span)
            }
            _ => self.no_field(base, name, span),
        }
    }

    /// Index and type of a record's field.
    pub fn record_field(&mut self, id: NominalId, args: &[Ty], name: &Ident) -> Option<(u32, Ty)> {
        let NominalKind::Record(fields) = &self.cx.nominal(id).kind else { return None };
        let index = fields.iter().position(|field| field.name == name.text)?;
        let ty = fields.get(index)?.ty;
        Some((index as u32, self.types().substitute(ty, args)))
    }

    pub fn no_field(&mut self, base: Expr, name: &Ident, span: Span) -> Expr {
        let found = self.show(base.ty);
        let shape = self.shape(base.ty);
        let is_method =
            self.method_candidates(&shape, name).into_iter().any(|id| self.first_param_fits(id, base.ty));
        let diagnostic = report::no_field(self.cx, &shape, &found, name, is_method);
        self.report(diagnostic);
        self.invalid(span)
    }

    /// `base[index]`
    pub fn index(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> Expr {
        let base = self.infer(base);
        match self.shape(base.ty) {
            Type::List(item) => {
                let written = index.span;
                let index = self.check(index, Types::INT, Why::Operand("[]"));
                if matches!(&index.kind, ExprKind::Negate(number) if matches!(number.kind, ExprKind::Literal(_)))
                {
                    self.report(report::negative_index(written));
                }
                Expr {
                    kind: ExprKind::Index { list: Box::new(base), index: Box::new(index) },
                    ty: item,
                    span,
                }
            }
            Type::Map(key, value) => {
                let index = self.check(index, key, Why::Operand("[]"));
                let ty = self.types().option(value);
                self.std_call("map", "get", vec![key, value], vec![base, index], ty, span)
            }
            Type::Tuple(items) => self.tuple_index(base, items, index, span),
            Type::Invalid | Type::Never => {
                self.infer(index);
                self.invalid(span)
            }
            _ => {
                self.infer(index);
                let found = self.show(base.ty);
                self.report(report::not_indexable(&found, base.span));
                self.invalid(span)
            }
        }
    }

    fn tuple_index(&mut self, base: Expr, items: Vec<Ty>, index: &ast::Expr, span: Span) -> Expr {
        let number = match &index.without_parens().kind {
            ast::ExprKind::Int(text) => text.parse::<usize>().ok(),
            _ => None,
        };
        match number.and_then(|number| items.get(number).map(|ty| (number, *ty))) {
            Some((number, ty)) => {
                Expr { kind: ExprKind::Field { base: Box::new(base), index: number as u32 }, ty, span }
            }
            None => {
                self.report(report::tuple_index(items.len(), index.span));
                self.invalid(span)
            }
        }
    }

    /// A call of a function of the standard library that sugar stands for.
    pub fn std_call(
        &mut self,
        module: &str,
        name: &str,
        type_args: Vec<Ty>,
        args: Vec<Expr>,
        ty: Ty,
        span: Span,
    ) -> Expr {
        let scope = self.cx.standard.get(module).and_then(|module| self.cx.scope(*module));
        match scope.and_then(|scope| scope.names.get(name)).map(|entry| entry.def) {
            Some(Def::Function(function)) => {
                Expr { kind: ExprKind::Call { function, type_args, args }, ty, span }
            }
            _ => self.invalid(span),
        }
    }

    /// `base with (field: value)`
    pub fn with(&mut self, base: &ast::Expr, changes: &[Arg], span: Span) -> Expr {
        let base = self.infer(base);
        let (id, args) = match self.shape(base.ty) {
            Type::Nominal(id, args) if matches!(self.cx.nominal(id).kind, NominalKind::Record(_)) => {
                (id, args)
            }
            shape => {
                changes.iter().for_each(|change| {
                    self.infer(&change.value);
                });
                if !matches!(shape, Type::Invalid | Type::Never) {
                    let found = self.show(base.ty);
                    self.report(report::not_a_record(&found, base.span));
                }
                return self.invalid(span);
            }
        };
        let owner = self.cx.nominal(id).name.clone();
        let mut checked: Vec<(u32, Expr)> = Vec::new();
        for change in changes {
            let Some(name) = &change.name else {
                self.report(report::unnamed_change(change.span));
                self.infer(&change.value);
                continue;
            };
            let Some((index, ty)) = self.record_field(id, &args, name) else {
                let (found, shape) = (self.show(base.ty), self.shape(base.ty));
                let diagnostic = report::no_field(self.cx, &shape, &found, name, false);
                self.report(diagnostic);
                self.infer(&change.value);
                continue;
            };
            let field =
                self.cx.fields_of(id, 0).get(index as usize).map_or(Span::default(), |field| field.span);
            let declared = self.told_at(self.cx.nominal(id).module, field);
            let why = Why::Field { name: name.text.clone(), owner: owner.clone(), declared };
            let value = self.check(&change.value, ty, why);
            if checked.iter().any(|(known, _)| *known == index) {
                self.report(report::duplicate(name, span));
                continue;
            }
            checked.push((index, value));
        }
        let ty = base.ty;
        Expr { kind: ExprKind::With { base: Box::new(base), changes: checked }, ty, span }
    }

    /// Whether code here may use what belongs to a workflow's instance.
    pub fn in_workflow(&self) -> bool {
        matches!(self.place, Place::Workflow | Place::Update)
    }
}
