//! What is done with each local, for the warnings: whether it is read, whether it is assigned, what it hides.

use super::{Binding, Checker};
use crate::hir::{Id, LocalId};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast::Ident;

/// What is known of the use of a local.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub read: bool,
    pub assigned: bool,
    /// Where it was read last, as a global offset.
    pub last_read: u32,
    /// The `var` that declares it.
    pub keyword: Option<Span>,
    pub role: Role,
}

impl Usage {
    pub(super) fn is_parameter(&self) -> bool {
        self.role == Role::Parameter
    }
}

/// What kind of local it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// One nobody is told about: the compiler's own, or one whose name is part of an interface.
    #[default]
    Silent,
    /// A parameter.
    Parameter,
    /// Anything else a name is given to.
    Variable,
}

impl Checker<'_, '_> {
    pub(super) fn usage(&mut self, id: LocalId) -> Option<&mut Usage> {
        self.usages.get_mut(id.index())
    }

    pub(super) fn set_role(&mut self, id: LocalId, role: Role) {
        if let Some(usage) = self.usage(id) {
            usage.role = role;
        }
    }

    /// Notes that the value of a local is used.
    pub(super) fn note_read(&mut self, id: LocalId, span: Span) {
        if let Some(usage) = self.usage(id) {
            usage.read = true;
            usage.last_read = span.start;
        }
    }

    /// Checks code that goes through a local only to assign it: that alone is no use of its value.
    pub(super) fn assigning<T>(&mut self, id: Option<LocalId>, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = id.and_then(|id| self.usage(id).copied());
        let result = check(self);
        if let (Some(before), Some(usage)) = (before, id.and_then(|id| self.usage(id))) {
            *usage = Usage { assigned: true, ..before };
        }
        result
    }

    /// Warns where a name is about to hide a local or a state. What is made of the old value in one statement
    /// (`let order = priced(order)`) hides it on purpose.
    pub(super) fn check_shadowing(&mut self, name: &Ident) {
        let hidden = match self.binding(name.as_str()) {
            Some(Binding::Local(id)) => {
                let last_read = self.usages.get(id.index()).map_or(0, |usage| usage.last_read);
                (last_read < self.statement).then(|| self.locals[id].span)
            }
            Some(Binding::State(index)) => self.parts.states.get(index as usize).map(|state| state.span),
            _ => None,
        };
        // Of two equal names in one pattern the pattern itself is reported.
        let older = |hidden: &Span| hidden.start < self.statement && !name.as_str().starts_with('_');
        if let Some(hidden) = hidden.filter(older) {
            self.report(report::shadowed(name, hidden));
        }
    }

    /// Warns of the locals of a finished body that nothing reads, and of each `var` that nothing assigns.
    pub(super) fn report_usage(&mut self) {
        let mut found = Vec::new();
        for (local, usage) in self.locals.values().zip(&self.usages) {
            let Some(name) = local.name.as_ref().filter(|name| !name.starts_with('_')) else { continue };
            match (usage.role, usage.read) {
                (Role::Silent, _) => {}
                (Role::Parameter, false) => found.push(report::unused_parameter(name, local.span)),
                (Role::Variable, false) => {
                    found.push(report::unused_variable(name, usage.assigned, local.span));
                }
                (_, true) => {
                    let needless = usage.keyword.filter(|_| !usage.assigned);
                    found.extend(needless.map(|keyword| report::needless_var(name, keyword, local.span)));
                }
            }
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }
}
