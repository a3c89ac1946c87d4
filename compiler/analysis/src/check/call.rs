//! Calls: functions, methods, activities, workflows, constructors and function values.

use super::arguments::Slot;
use super::coerce::wrap;
use super::{Binding, Checker, Want, Why, arguments::Target};
use crate::context::{Def, Entry};
use crate::hir::{
    CoerceKind, Expr, ExprKind, FunctionId, NominalId, NominalKind, Policy, Ty, Type, WorkflowId,
};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, Arg, Ident};

impl<'a> Checker<'_, 'a> {
    /// A call. `settings` are those of `using`.
    pub fn call(
        &mut self,
        callee: &ast::Expr,
        args: &[Arg],
        settings: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        match &callee.kind {
            ast::ExprKind::Name(name) => self.call_name(name, args, settings, span, want),
            ast::ExprKind::Field { base, name, optional } => {
                self.call_member(base, name, *optional, args, settings, span, want)
            }
            _ => {
                let callee = self.infer(callee);
                self.call_value(callee, args, span)
            }
        }
    }

    fn call_name(
        &mut self,
        name: &Ident,
        args: &[Arg],
        settings: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        match self.binding(name.as_str()) {
            Some(Binding::Handler | Binding::Signal) | None => {}
            Some(_) => {
                let callee = self.name(name, &Want::Any);
                return self.call_value(callee, args, span);
            }
        }
        let entry = self.cx.lookup(self.module, name.as_str());
        match entry.map(|entry| entry.def) {
            Some(def @ (Def::Function(_) | Def::Activity(_) | Def::Workflow(_))) => {
                return self.call_def(def, None, args, settings, span, want);
            }
            Some(Def::Const(_)) => {
                let callee = self.name(name, &Want::Any);
                return self.call_value(callee, args, span);
            }
            Some(Def::Broken) => {
                self.infer_arguments(args);
                return self.invalid(span);
            }
            _ => {}
        }
        if name.is_capital() {
            return self.construct(name, Some(args), span, want);
        }
        if let Some(ty) = self.calls_of_step(name, args) {
            return Expr { kind: ExprKind::Invalid, ty, span };
        }
        let candidates = self.cx.prelude.functions.get(&name.text).cloned().unwrap_or_default();
        match (candidates.as_slice(), args) {
            ([only], _) => self.call_def(Def::Function(*only), None, args, settings, span, want),
            ([_, ..], [first, rest @ ..]) if first.name.is_none() => {
                let receiver = self.expr(&first.value, &Want::Open);
                self.method(receiver, name, rest, settings, span, want)
            }
            _ => {
                self.infer_arguments(args);
                match entry {
                    Some(entry) => {
                        self.report(report::not_callable(entry.def.kind(), name.span));
                        self.invalid(span)
                    }
                    None => self.unknown_name(name),
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    fn call_member(
        &mut self,
        base: &ast::Expr,
        name: &Ident,
        optional: bool,
        args: &[Arg],
        settings: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        if let Some(module) = self.module_named(base) {
            return match declare::member(self.cx, module, name) {
                Some(def @ (Def::Function(_) | Def::Activity(_) | Def::Workflow(_))) => {
                    self.call_def(def, None, args, settings, span, want)
                }
                Some(Def::Nominal(id)) => self.construct_type(id, name, Some(args), span, want),
                Some(Def::Broken) | None => {
                    self.infer_arguments(args);
                    self.invalid(span)
                }
                Some(other) => {
                    self.infer_arguments(args);
                    self.report(report::not_callable(other.kind(), name.span));
                    self.invalid(span)
                }
            };
        }
        if let ast::ExprKind::Name(owner) = &base.kind
            && owner.is_capital()
            && name.is_capital()
            && self.binding(owner.as_str()).is_none()
        {
            return self.case_of_type(owner, name, Some(args), span, want);
        }
        if self.missing_use(base) {
            self.infer_arguments(args);
            return self.invalid(span);
        }
        if let Some(workflow) = self.workflow_of_name(base)
            && name.as_str() == "of"
        {
            return self.instance_of(workflow, args, span);
        }
        let receiver = self.infer(base);
        if optional {
            return self.optional(receiver, span, |checker, value| {
                checker.method(value, name, args, settings, span, &Want::Any)
            });
        }
        self.method(receiver, name, args, settings, span, want)
    }

    /// The workflow that an expression names.
    fn workflow_of_name(&self, base: &ast::Expr) -> Option<WorkflowId> {
        let ast::ExprKind::Name(name) = &base.kind else { return None };
        match self.cx.lookup(self.module, name.as_str()).map(|entry| entry.def) {
            Some(Def::Workflow(id)) if self.binding(name.as_str()).is_none() => Some(id),
            _ => None,
        }
    }

    /// `receiver.name(args)`: a field that is a function; a function seen here whose first parameter fits; else one of
    /// the receiver's own module or of the standard library.
    fn method(
        &mut self,
        receiver: Expr,
        name: &Ident,
        args: &[Arg],
        settings: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        let shape = self.shape(receiver.ty);
        if matches!(shape, Type::Invalid | Type::Never) {
            self.infer_arguments(args);
            return self.invalid(span);
        }
        if let Some(workflow) = self.workflow_of_handle(&shape) {
            return self.call_instance(receiver, workflow, name, args, span);
        }
        if let Type::Nominal(id, type_args) = &shape
            && self.record_field(*id, type_args, name).is_some()
        {
            let field = self.field_of(receiver, name, span);
            return self.call_value(field, args, span);
        }
        if let Some(Def::Activity(_) | Def::Workflow(_)) =
            self.cx.lookup(self.module, name.as_str()).map(|e| e.def)
        {
            let def = self.cx.lookup(self.module, name.as_str()).map_or(Def::Broken, |entry| entry.def);
            return self.call_def(def, Some(receiver), args, settings, span, want);
        }
        let mut candidates = self.method_candidates(&shape, name);
        candidates.retain(|id| self.first_param_fits(*id, receiver.ty));
        if candidates.iter().any(|id| candidates.first() != Some(id)) {
            // Which of them is meant says the type: what a number literal is must be known now.
            self.number_beside(receiver.ty, args);
            self.settle(receiver.ty);
        }
        match candidates.into_iter().find(|id| self.first_param_fits(*id, receiver.ty)) {
            Some(id) => self.call_def(Def::Function(id), Some(receiver), args, settings, span, want),
            None => {
                self.infer_arguments(args);
                let found = self.show(receiver.ty);
                let diagnostic = report::no_method(self.cx, self.module, &shape, &found, name);
                self.report(diagnostic);
                self.invalid(span)
            }
        }
    }

    /// Makes a number literal what the number beside it is: `max(0, price)`.
    fn number_beside(&mut self, ty: Ty, args: &[Arg]) {
        if !self.is_open_number(ty) {
            return;
        }
        for arg in args {
            if let ast::ExprKind::Name(_) | ast::ExprKind::Field { .. } | ast::ExprKind::Decimal(_) =
                &arg.value.without_parens().kind
            {
                let beside = self.quietly(|checker| checker.expr(&arg.value, &Want::Any)).ty;
                self.unify(ty, beside);
            }
        }
    }

    /// The functions a method of this name may be for a receiver of this type, nearest first.
    pub fn method_candidates(&self, receiver: &Type, name: &Ident) -> Vec<FunctionId> {
        let mut candidates = Vec::new();
        if let Some(Def::Function(id)) = self.cx.lookup(self.module, name.as_str()).map(|entry| entry.def) {
            candidates.push(id);
        }
        candidates.extend(self.cx.prelude.functions.get(&name.text).into_iter().flatten());
        // A type's own module need not be used by name for its methods to be known.
        if let Type::Nominal(id, _) = receiver
            && let Some(scope) = self.cx.scope(self.cx.nominal(*id).module)
            && let Some(Entry { def: Def::Function(id), public: true, .. }) = scope.names.get(&name.text)
        {
            candidates.push(*id);
        }
        candidates.extend(self.cx.prelude.methods.get(&name.text).into_iter().flatten());
        candidates
    }

    pub fn first_param_fits(&self, id: FunctionId, receiver: Ty) -> bool {
        let first = self.cx.program.functions[id].signature.params.first();
        first.is_some_and(|param| self.fits(receiver, param.ty))
    }

    /// A call of a declaration.
    pub fn call_def(
        &mut self,
        def: Def,
        receiver: Option<Expr>,
        args: &[Arg],
        settings: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        let Some(signature) = self.cx.signature(def) else { return self.invalid(span) };
        let (generics, result, fails) = (signature.generics.len(), signature.result, signature.fails.clone());
        let type_args = self.fresh_many(generics);
        let ty = self.types().substitute(result, &type_args);
        self.hint_result(ty, want);
        let (slots, target) = self.slots(def, &type_args);
        let args = self.arguments(&slots, &target, receiver, args, span);
        for fail in fails {
            let fail = self.types().substitute(fail, &type_args);
            self.raise(fail, span);
        }
        self.raise_passed(&slots, &args, span);
        let kind = match def {
            Def::Activity(activity) => {
                let using = Box::new(self.using_settings(settings.unwrap_or_default()));
                self.note_step(activity, settings.unwrap_or_default(), span);
                ExprKind::CallActivity { activity, args, using, interruptible: self.has_unknown }
            }
            Def::Workflow(workflow) => ExprKind::CallWorkflow { workflow, args },
            Def::Function(function) => ExprKind::Call { function, type_args, args },
            _ => ExprKind::Invalid,
        };
        if settings.is_some() && !matches!(def, Def::Activity(_)) {
            self.report(report::using_target(&target.name, span));
        }
        Expr { kind, ty, span }
    }

    /// A call of a function value.
    fn call_value(&mut self, callee: Expr, args: &[Arg], span: Span) -> Expr {
        let (params, result, fails) = match self.shape(callee.ty) {
            Type::Function { params, result, fails } => (params, result, fails),
            Type::Invalid | Type::Never => {
                self.infer_arguments(args);
                return self.invalid(span);
            }
            _ => {
                self.infer_arguments(args);
                let found = self.show(callee.ty);
                self.report(report::not_callable(&format!("a value of type `{found}`"), callee.span));
                return self.invalid(span);
            }
        };
        let slots: Vec<Slot<'a>> = params
            .iter()
            .map(|ty| Slot {
                name: ast::Name::default(),
                ty: *ty,
                default: None,
                is_param: false,
                declared: Span::default(),
            })
            .collect();
        let name = match &callee.kind {
            ExprKind::Local(id) => self.locals.get(*id).and_then(|local| local.name.clone()),
            _ => None,
        };
        let name = name.unwrap_or_else(|| "this function".into());
        let target = Target { name, module: self.module, declared: Span::default() };
        let args = self.arguments(&slots, &target, None, args, span);
        fails.into_iter().for_each(|fail| self.raise(fail, span));
        Expr { kind: ExprKind::CallValue { callee: Box::new(callee), args }, ty: result, span }
    }

    /// `call using (settings)`
    pub fn using(&mut self, call: &ast::Expr, settings: &[Arg], span: Span, want: &Want) -> Expr {
        if let ast::ExprKind::Call { callee, args } = &call.without_parens().kind {
            return self.call(callee, args, Some(settings), span, want);
        }
        self.infer(call);
        self.report(report::using_target("this", span));
        self.invalid(span)
    }

    fn using_settings(&mut self, settings: &[Arg]) -> Policy {
        let mut policy = Policy::default();
        let mut seen = Vec::new();
        for setting in settings {
            let Some(name) = &setting.name else {
                self.report(report::unnamed_change(setting.span));
                continue;
            };
            self.policy_setting(&mut policy, name, &setting.value, &mut seen);
        }
        policy
    }

    // ---- constructors

    /// A capital name: a constructor. It is resolved by the wanted type, else by the only visible type that has it.
    pub fn construct(&mut self, name: &Ident, args: Option<&[Arg]>, span: Span, want: &Want) -> Expr {
        if name.as_str() == "Some" {
            return self.construct_some(args, span, want);
        }
        let wanted = want.ty().and_then(|ty| self.case_of_wanted(ty, name));
        if let Some((id, case)) = wanted {
            return self.construct_case(id, case, args, span, want);
        }
        if let Some(Def::Nominal(id)) = self.cx.lookup(self.module, name.as_str()).map(|entry| entry.def) {
            return self.construct_type(id, name, args, span, want);
        }
        match self.cx.cases(self.module, name.as_str()) {
            &[(id, case)] => self.construct_case(id, case, args, span, want),
            [] => {
                self.infer_arguments(args.unwrap_or_default());
                let diagnostic = report::unknown_constructor(self.cx, self.module, name);
                self.report(diagnostic);
                self.invalid(span)
            }
            several => {
                let owners: Vec<String> =
                    several.iter().map(|(id, _)| self.cx.nominal(*id).name.to_string()).collect();
                self.infer_arguments(args.unwrap_or_default());
                self.report(report::ambiguous_case(name, &owners));
                self.invalid(span)
            }
        }
    }

    fn construct_some(&mut self, args: Option<&[Arg]>, span: Span, want: &Want) -> Expr {
        let Some([arg]) = args else {
            self.infer_arguments(args.unwrap_or_default());
            self.report(report::some_takes_one(span));
            return self.invalid(span);
        };
        let item = want.ty().and_then(|ty| match self.shape(ty) {
            Type::Option(item) => Some(item),
            _ => None,
        });
        let value = match item {
            Some(item) => self.check(
                &arg.value,
                item,
                Why::Argument { index: 1, callee: "Some".into(), declared: Span::default() },
            ),
            None => self.infer(&arg.value),
        };
        let item = item.unwrap_or(value.ty);
        let ty = self.types().option(item);
        Expr { span, ..wrap(CoerceKind::Some, value, ty) }
    }

    /// The case of this name of the wanted type, an option's item or one error of a union included.
    pub fn case_of_wanted(&mut self, ty: Ty, name: &Ident) -> Option<(NominalId, u32)> {
        match self.shape(ty) {
            Type::Option(item) => self.case_of_wanted(item, name),
            Type::Union(parts) => parts.into_iter().find_map(|part| self.case_of_wanted(part, name)),
            Type::Nominal(id, _) => {
                let index = self.cx.case_named(self.module, id, &name.text)?;
                Some((id, index))
            }
            _ => None,
        }
    }

    /// `Type.Case`
    pub fn case_of_type(
        &mut self,
        owner: &Ident,
        name: &Ident,
        args: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        let path = ast::Path { segments: vec![owner.clone()], span: owner.span };
        let Some(Def::Nominal(id)) = declare::resolve_path(self.cx, self.module, &path, true) else {
            self.infer_arguments(args.unwrap_or_default());
            return self.invalid(span);
        };
        match self.cx.cases_of(id).iter().position(|case| case.name == name.text) {
            Some(index) => self.construct_case(id, index as u32, args, span, want),
            None => {
                self.infer_arguments(args.unwrap_or_default());
                let diagnostic = report::no_case(self.cx, id, name);
                self.report(diagnostic);
                self.invalid(span)
            }
        }
    }

    /// A record, a distinct type, or an error of one case, by the type's name.
    pub fn construct_type(
        &mut self,
        id: NominalId,
        name: &Ident,
        args: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        match &self.cx.nominal(id).kind {
            NominalKind::Record(_) => self.construct_case(id, 0, args, span, want),
            NominalKind::Distinct(inner) => {
                let inner = *inner;
                self.construct_distinct(id, inner, args, span)
            }
            NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                match cases.iter().position(|case| case.name == name.text) {
                    Some(index) => self.construct_case(id, index as u32, args, span, want),
                    None => {
                        self.infer_arguments(args.unwrap_or_default());
                        self.report(report::wrong_kind(name, "a type", "a value; name one of its cases"));
                        self.invalid(span)
                    }
                }
            }
        }
    }

    fn construct_distinct(&mut self, id: NominalId, inner: Ty, args: Option<&[Arg]>, span: Span) -> Expr {
        let name = self.cx.nominal(id).name.clone();
        let count = self.cx.nominal(id).generics.len();
        let type_args = self.fresh_many(count);
        let inner = self.types().substitute(inner, &type_args);
        let ty = self.types().intern(Type::Nominal(id, type_args));
        let declared = self.told_at(self.cx.nominal(id).module, self.cx.nominal(id).span);
        let slots = [Slot { name: "value".into(), ty: inner, default: None, is_param: true, declared }];
        let target = Target { name, module: self.module, declared };
        let value = self.arguments(&slots, &target, None, args.unwrap_or_default(), span).pop();
        let value = value.unwrap_or_else(|| self.invalid(span));
        Expr { span, ..wrap(CoerceKind::Wrap, value, ty) }
    }

    /// A record (case 0) or a case of an enum or error, from its fields.
    fn construct_case(
        &mut self,
        id: NominalId,
        case: u32,
        args: Option<&[Arg]>,
        span: Span,
        want: &Want,
    ) -> Expr {
        let known = self.cx.known();
        if [known.task, known.child, known.instance].contains(&Some(id)) {
            let name = self.cx.nominal(id).name.clone();
            self.infer_arguments(args.unwrap_or_default());
            self.report(report::handle_by_hand(&name, span));
            return self.invalid(span);
        }
        self.cx.use_type(self.module, id);
        let count = self.cx.nominal(id).generics.len();
        let type_args = self.fresh_many(count);
        let ty = self.types().intern(Type::Nominal(id, type_args.clone()));
        self.hint_result(ty, want);
        let nominal = self.cx.nominal(id);
        let is_record = matches!(nominal.kind, NominalKind::Record(_));
        let (name, module, declared) = match self.cx.cases_of(id).get(case as usize) {
            Some(case) => (case.name.clone(), nominal.module, case.span),
            None => (nominal.name.clone(), nominal.module, nominal.span),
        };
        let fields: Vec<(ast::Name, Ty, Span)> = self
            .cx
            .fields_of(id, case)
            .iter()
            .map(|field| (field.name.clone(), field.ty, self.told_at(module, field.span)))
            .collect();
        let slots = fields.into_iter().enumerate().map(|(index, (name, ty, declared))| {
            let default = self.cx.field_defaults.get(&(id, case, index as u32)).copied();
            Slot {
                name,
                ty: self.cx.work.types.substitute(ty, &type_args),
                default,
                is_param: false,
                declared,
            }
        });
        let slots: Vec<Slot<'a>> = slots.collect();
        let target = Target { name, module, declared };
        let fields = self.arguments(&slots, &target, None, args.unwrap_or_default(), span);
        let kind = if is_record { ExprKind::Record(fields) } else { ExprKind::Case { case, fields } };
        Expr { kind, ty, span }
    }
}
