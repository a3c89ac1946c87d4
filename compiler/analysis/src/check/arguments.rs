//! Arguments: which goes to which parameter, and the defaults of those left out.

use super::operator::number_literal;
use super::{Checker, Want, Why};
use crate::context::Def;
use crate::hir::{Expr, ModuleId, Ty, Type, Types};
use crate::{codes, report};
use flow_syntax::ast::{self, Arg, Name};
use flow_syntax::{Diagnostic, Span};

/// A parameter or field that an argument may be given for.
#[derive(Clone)]
pub(crate) struct Slot<'a> {
    pub name: Name,
    pub ty: Ty,
    pub default: Option<&'a ast::Expr>,
    /// Whether it belongs to a function: only there may a plain function type take one that fails.
    pub is_param: bool,
    /// Where it is declared, if that can be shown.
    pub declared: Span,
}

/// What is called, for messages and defaults.
pub(crate) struct Target {
    pub name: Name,
    /// Where its defaults are to be understood.
    pub module: ModuleId,
    pub declared: Span,
}

impl<'a> Checker<'_, 'a> {
    /// The parameters of a declaration, its type parameters replaced.
    pub fn slots(&mut self, def: Def, type_args: &[Ty]) -> (Vec<Slot<'a>>, Target) {
        let Some(signature) = self.cx.signature(def) else {
            return (
                Vec::new(),
                Target { name: Name::default(), module: self.module, declared: Span::default() },
            );
        };
        let target =
            Target { name: signature.name.clone(), module: signature.module, declared: signature.span };
        let params = signature.params.iter();
        let params: Vec<(Name, Ty, Span)> = params
            .map(|param| (param.name.clone(), param.ty, self.told_at(signature.module, param.span)))
            .collect();
        let slots = params.into_iter().enumerate().map(|(index, (name, ty, declared))| {
            let ty = self.cx.work.types.substitute(ty, type_args);
            Slot { name, ty, default: self.cx.param_default(def, index), is_param: true, declared }
        });
        (slots.collect(), target)
    }

    /// A place in a module, where a reader may look it up; nowhere in the standard library, whose sources nobody has open.
    pub fn told_at(&self, module: ModuleId, span: Span) -> Span {
        if self.cx.is_standard(module) { Span::default() } else { span }
    }

    /// Checks the arguments of a call; one expression for each slot. `receiver` is the first argument of a method.
    /// Lambdas are checked last: what they are given is known then from the other arguments.
    pub fn arguments(
        &mut self,
        slots: &[Slot<'a>],
        target: &Target,
        receiver: Option<Expr>,
        args: &[Arg],
        span: Span,
    ) -> Vec<Expr> {
        let offset = usize::from(receiver.is_some());
        let assigned = self.assign_arguments(slots, target, offset, args);
        let mut values: Vec<Option<Expr>> = slots.iter().map(|_| None).collect();
        if let (Some(receiver), Some(slot), Some(place)) = (receiver, slots.first(), values.first_mut()) {
            *place = Some(self.coerce(receiver, slot.ty, &why(slot, target, 0)));
        }
        let given = || {
            assigned
                .iter()
                .zip(slots)
                .enumerate()
                .filter_map(|(index, (arg, slot))| arg.map(|arg| (index, arg, slot)))
        };
        let mut mistaken: Vec<(usize, &Arg)> = Vec::new();
        let reported = self.cx.work.diagnostics.len();
        let mut later: Vec<usize> = Vec::new();
        for (index, arg, slot) in given() {
            if self.leave_open(&arg.value, slot.ty) {
                later.push(index);
            }
        }
        // Lambdas after what says what they are given, number literals last: what they are the others may say.
        let turn = |index: usize, arg: &Arg| (later.contains(&index), is_lambda(&arg.value));
        for now in [(false, false), (false, true), (true, false)] {
            for (index, arg, slot) in given().filter(|(index, arg, _)| turn(*index, arg) == now) {
                if now.0 {
                    self.settle(slot.ty);
                }
                let before = self.cx.work.diagnostics.len();
                let value = self.check(&arg.value, slot.ty, why(slot, target, index + 1 - offset));
                if self.cx.work.diagnostics.get(before..).is_some_and(is_one_mismatch) {
                    mistaken.push((index, arg));
                }
                values.get_mut(index).into_iter().for_each(|place| *place = Some(value.clone()));
            }
        }
        if let [one, other] = mistaken.as_slice() {
            self.check_exchanged(slots, target, (*one, *other), reported);
        }
        let mut missing = Vec::new();
        let values = values.into_iter().zip(slots).map(|(value, slot)| match (value, slot.default) {
            (Some(value), _) => value,
            (None, Some(default)) => self.default_value(default, slot.ty, target.module, span),
            (None, None) => {
                missing.push(slot.name.clone());
                self.invalid(span)
            }
        });
        let values = values.collect();
        if !missing.is_empty() {
            let tys: Vec<String> = slots.iter().map(|slot| slot.ty).map(|ty| self.show(ty)).collect();
            let all: Vec<(Name, String)> = slots.iter().map(|slot| slot.name.clone()).zip(tys).collect();
            self.report(report::missing_argument(&target.name, &missing, &all, target.declared, span));
        }
        values
    }

    /// Tells of two arguments that each fit the other's place as one mistake.
    fn check_exchanged(
        &mut self,
        slots: &[Slot<'a>],
        target: &Target,
        ((first, one), (second, other)): ((usize, &Arg), (usize, &Arg)),
        reported: usize,
    ) {
        let adjacent = first + 1 == second;
        let (Some(first), Some(second)) = (slots.get(first), slots.get(second)) else { return };
        let is_all = self.cx.work.diagnostics.len() == reported + 2;
        if !is_all || one.name.is_some() || other.name.is_some() {
            return;
        }
        if self.would_fit(&one.value, second.ty) && self.would_fit(&other.value, first.ty) {
            self.cx.work.diagnostics.truncate(reported);
            let places = [(first, one.value.span), (second, other.value.span)]
                .map(|(slot, span)| (slot.name.clone(), self.show(slot.ty), slot.declared, span));
            self.report(report::exchanged_arguments(&target.name, places, adjacent));
        }
    }

    /// Whether an expression that is checked and told of elsewhere could be given where a type is expected.
    fn would_fit(&mut self, value: &ast::Expr, ty: Ty) -> bool {
        let muted = std::mem::replace(&mut self.muted, false);
        let before = self.cx.work.diagnostics.len();
        self.check(value, ty, Why::Context);
        let fits = self.cx.work.diagnostics.len() == before;
        self.cx.work.diagnostics.truncate(before);
        self.muted = muted;
        fits
    }

    /// Whether an argument is a number literal for a type that is not known yet; that then becomes the literal's.
    fn leave_open(&mut self, arg: &ast::Expr, ty: Ty) -> bool {
        let default = match number_literal(arg) {
            Some(ast::ExprKind::Int(_)) => Types::INT,
            Some(_) => Types::DECIMAL,
            None => return false,
        };
        let is_open = matches!(self.shape(ty), Type::Infer(_));
        if is_open {
            self.unknowns.open_number(&self.cx.work.types, ty, default);
        }
        is_open
    }

    /// The argument given for each slot.
    fn assign_arguments<'e>(
        &mut self,
        slots: &[Slot<'a>],
        target: &Target,
        offset: usize,
        args: &'e [Arg],
    ) -> Vec<Option<&'e Arg>> {
        let mut assigned: Vec<Option<&Arg>> = slots.iter().map(|_| None).collect();
        let mut next = offset;
        for arg in args {
            let index = match &arg.name {
                None => {
                    next += 1;
                    self.behind_named(slots, &assigned, offset, next - 1, arg).unwrap_or(next - 1)
                }
                Some(name) => match slots.iter().position(|slot| slot.name == name.text) {
                    Some(index) => index,
                    None => {
                        let names: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
                        self.report(report::unknown_argument(&target.name, name, &names));
                        self.infer(&arg.value);
                        continue;
                    }
                },
            };
            match assigned.get_mut(index) {
                Some(place @ None) if index >= offset => *place = Some(arg),
                Some(_) => {
                    let name = slots.get(index).map(|slot| slot.name.clone()).unwrap_or_default();
                    self.report(report::argument_twice(&target.name, &name, arg.span));
                    self.infer(&arg.value);
                }
                None => {
                    self.report(report::extra_argument(
                        &target.name,
                        slots.len() - offset,
                        target.declared,
                        arg.span,
                    ));
                    self.infer(&arg.value);
                }
            }
        }
        assigned
    }

    /// The slot that an argument without a name is probably for, where the one it would have is given by name before.
    /// Told as one mistake.
    fn behind_named(
        &mut self,
        slots: &[Slot<'a>],
        assigned: &[Option<&Arg>],
        offset: usize,
        index: usize,
        arg: &Arg,
    ) -> Option<usize> {
        if !matches!(assigned.get(index), Some(Some(_))) {
            return None;
        }
        let free = |at: &usize| matches!(assigned.get(*at), Some(None));
        let of_its_name = |at: &usize| match (&arg.value.kind, slots.get(*at)) {
            (ast::ExprKind::Name(name), Some(slot)) => slot.name == name.text,
            _ => false,
        };
        let mut places = (offset..slots.len()).filter(free);
        let place = places.clone().find(of_its_name).or_else(|| places.next())?;
        let meant = slots.get(place).map(|slot| slot.name.clone()).unwrap_or_default();
        self.report(report::unnamed_behind_named(&meant, arg.span));
        Some(place)
    }

    /// A default where it is declared.
    pub fn declared_default(&mut self, default: &ast::Expr, ty: Ty, why: Why) -> Expr {
        self.open_defaults.push(default.span);
        let value = self.check(default, ty, why);
        self.open_defaults.pop();
        if self.cyclic_defaults.contains(&default.span) {
            self.report(report::cyclic_default(default.span));
        }
        value
    }

    /// A default, understood where it is declared. Mistakes in it are reported there, not at each call.
    pub fn default_value(&mut self, default: &ast::Expr, ty: Ty, module: ModuleId, span: Span) -> Expr {
        if self.open_defaults.contains(&default.span) {
            self.cyclic_defaults.push(default.span);
            return self.invalid(span);
        }
        self.open_defaults.push(default.span);
        let names = std::mem::take(&mut self.names);
        let module = std::mem::replace(&mut self.module, module);
        let muted = std::mem::replace(&mut self.muted, true);
        let reported = self.cx.work.diagnostics.len();
        let mut value = self.expr(default, &Want::Type(ty, Why::Context));
        self.cx.work.diagnostics.truncate(reported);
        self.muted = muted;
        self.module = module;
        self.names = names;
        self.open_defaults.pop();
        value.span = span;
        value
    }

    /// Arguments of a call that makes no sense, checked for mistakes of their own.
    pub fn infer_arguments(&mut self, args: &[Arg]) {
        for arg in args {
            let value = self.infer(&arg.value);
            if is_lambda(&arg.value) {
                // What it would be given is not known, and need not be.
                self.close(value.ty);
            }
        }
    }

    /// Raises what the functions passed for plain function parameters raise.
    pub fn raise_passed(&mut self, slots: &[Slot<'a>], values: &[Expr], span: Span) {
        for (slot, value) in slots.iter().zip(values) {
            let plain = matches!(self.shape(slot.ty), Type::Function { fails, .. } if fails.is_empty());
            if let (true, Type::Function { fails, .. }) = (plain && slot.is_param, self.shape(value.ty)) {
                fails.into_iter().for_each(|ty| self.raise(ty, span));
            }
        }
    }
}

fn why(slot: &Slot<'_>, target: &Target, index: usize) -> Why {
    if slot.is_param {
        Why::Argument { index, callee: target.name.clone(), declared: slot.declared }
    } else {
        Why::Field { name: slot.name.clone(), owner: target.name.clone(), declared: slot.declared }
    }
}

/// Whether all that was told is that one value is of another type.
fn is_one_mismatch(told: &[Diagnostic]) -> bool {
    matches!(told, [only] if only.code == codes::MISMATCH)
}

fn is_lambda(expr: &ast::Expr) -> bool {
    matches!(expr.without_parens().kind, ast::ExprKind::Lambda { .. })
}

impl Checker<'_, '_> {
    /// Lets the wanted type settle type arguments before the arguments are checked, where both have the same shape.
    pub fn hint_result(&mut self, result: Ty, want: &Want) {
        let Some(wanted) = want.ty() else { return };
        let wanted = match (self.shape(result), self.shape(wanted)) {
            (Type::Option(_), _) => wanted,
            (_, Type::Option(item)) => item,
            _ => wanted,
        };
        let same = match (self.shape(result), self.shape(wanted)) {
            (Type::Nominal(a, _), Type::Nominal(b, _)) => a == b,
            (Type::List(_), Type::List(_))
            | (Type::Map(..), Type::Map(..))
            | (Type::Option(_), Type::Option(_)) => true,
            _ => false,
        };
        let wanted = self.resolve(wanted);
        if same && wanted != Types::INVALID {
            self.unify(result, wanted);
        }
    }
}
