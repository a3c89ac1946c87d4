//! The checked bodies of a module on their way into the program. They are made apart from those of other modules, with
//! types of their own, which get their final ids when all are known.

use crate::hir::{
    ActivityId, Adopted, Body, Expr, ExprKind, FunctionCode, FunctionId, NominalId, NominalKind, Pattern,
    Policy, Program, Signature, State, VisitorMut, WorkflowId,
};

/// All that is found out of a module's code.
#[derive(Default)]
pub(crate) struct Bodies {
    /// All of the module's, in order of declaration.
    pub functions: Vec<(FunctionId, FunctionCode)>,
    pub activities: Vec<(ActivityId, ActivityBody)>,
    pub workflows: Vec<(WorkflowId, WorkflowBody)>,
    /// The defaults of fields, by type, case (0 for a record) and field.
    pub field_defaults: Vec<((NominalId, u32, u32), Box<Body>)>,
}

/// The code of an activity.
pub(crate) struct ActivityBody {
    pub body: Body,
    pub has_run: bool,
    /// Whether it uses the `sql` connector; inferred later.
    pub transactional: bool,
    pub policy: Policy,
    pub unless: Option<Pattern>,
}

/// The code of a workflow, its queries and its updates, each in order of declaration.
#[derive(Default)]
pub(crate) struct WorkflowBody {
    pub body: CalledBody,
    pub states: Vec<State>,
    pub queries: Vec<CalledBody>,
    pub updates: Vec<CalledBody>,
}

/// The code of what may be called from outside, and the defaults of its parameters.
#[derive(Default)]
pub(crate) struct CalledBody {
    pub code: Body,
    pub defaults: Vec<Option<Box<Body>>>,
}

impl CalledBody {
    fn install(self, signature: &mut Signature, body: &mut Body) {
        *body = self.code;
        signature.params.iter_mut().zip(self.defaults).for_each(|(param, default)| param.default = default);
    }

    fn bodies(&mut self) -> impl Iterator<Item = &mut Body> {
        let defaults = self.defaults.iter_mut().flatten().map(|default| &mut **default);
        std::iter::once(&mut self.code).chain(defaults)
    }
}

impl Bodies {
    /// Puts the code where it belongs.
    pub fn install(self, program: &mut Program) {
        for (id, code) in self.functions {
            program.functions[id].code = code;
        }
        for (id, found) in self.activities {
            let activity = &mut program.activities[id];
            (activity.body, activity.has_run, activity.transactional) =
                (found.body, found.has_run, found.transactional);
            (activity.policy, activity.unless) = (found.policy, found.unless);
        }
        for (id, found) in self.workflows {
            let workflow = &mut program.workflows[id];
            workflow.states = found.states;
            found.body.install(&mut workflow.signature, &mut workflow.body);
            let handlers = [(&mut workflow.queries, found.queries), (&mut workflow.updates, found.updates)];
            for (handler, found) in
                handlers.into_iter().flat_map(|(known, found)| known.iter_mut().zip(found))
            {
                found.install(&mut handler.signature, &mut handler.body);
            }
        }
        for ((id, case, index), default) in self.field_defaults {
            let fields = match &mut program.nominals[id].kind {
                NominalKind::Record(fields) => Some(fields),
                NominalKind::Enum(cases) | NominalKind::Error(cases) => {
                    cases.get_mut(case as usize).map(|case| &mut case.fields)
                }
                NominalKind::Distinct(_) => None,
            };
            if let Some(field) = fields.and_then(|fields| fields.get_mut(index as usize)) {
                field.default = Some(default);
            }
        }
    }

    /// Gives every type its final id.
    pub fn adopt(&mut self, adopted: &Adopted) {
        if adopted.is_empty() {
            return;
        }
        let mut adopter = Adopter { adopted };
        for (_, code) in &mut self.functions {
            if let FunctionCode::Flow(body) = code {
                adopter.body(body);
            }
        }
        for (_, activity) in &mut self.activities {
            adopter.body(&mut activity.body);
            activity.policy.each_part_mut(&mut adopter);
            activity.unless.iter_mut().for_each(|pattern| adopter.pattern(pattern));
        }
        for (_, workflow) in &mut self.workflows {
            let handlers = workflow.queries.iter_mut().chain(&mut workflow.updates);
            let called = std::iter::once(&mut workflow.body).chain(handlers);
            called.flat_map(CalledBody::bodies).for_each(|body| adopter.body(body));
            workflow.states.iter_mut().for_each(|state| state.ty = adopted.id(state.ty));
        }
        self.field_defaults.iter_mut().for_each(|(_, default)| adopter.body(default));
    }
}

struct Adopter<'t> {
    adopted: &'t Adopted,
}

impl Adopter<'_> {
    fn body(&mut self, body: &mut Body) {
        self.expr(&mut body.value);
        body.locals.values_mut().for_each(|local| local.ty = self.adopted.id(local.ty));
    }
}

impl VisitorMut for Adopter<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        expr.each_part_mut(self);
        expr.ty = self.adopted.id(expr.ty);
        if let ExprKind::Call { type_args: types, .. }
        | ExprKind::Function { type_args: types, .. }
        | ExprKind::Try { errors: types, .. } = &mut expr.kind
        {
            types.iter_mut().for_each(|ty| *ty = self.adopted.id(*ty));
        }
    }

    fn pattern(&mut self, pattern: &mut Pattern) {
        pattern.ty = self.adopted.id(pattern.ty);
        pattern.parts_mut().iter_mut().for_each(|part| self.pattern(part));
    }
}
