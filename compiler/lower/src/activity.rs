//! Activities: their calls, and the functions that give their policies and say which errors end their retries.

use crate::builder::{Context, FunctionLowering};
use crate::error::{Flow, LowerError};
use crate::program::{Key, Lowering};
use flow_analysis::hir::{Activity, ActivityId, Expr, Policy};
use flow_mir::{self as mir, LocalId, Op, PolicyField, SuspendOp, Terminator, Type, TypeId};
use flow_syntax::Span;

/// What a policy says, by the field of `ActivityPolicy` that holds it.
fn settings(policy: &Policy) -> Vec<(PolicyField, &Expr)> {
    let limit = policy.limit.as_ref();
    let all = [
        (PolicyField::Timeout, policy.timeout.as_ref()),
        (PolicyField::Deadline, policy.deadline.as_ref()),
        (PolicyField::Retry, policy.retry.as_ref()),
        (PolicyField::Heartbeat, policy.heartbeat.as_ref()),
        (PolicyField::Queue, policy.queue.as_ref()),
        (PolicyField::Route, policy.route.as_ref()),
        (PolicyField::LimitCount, limit.map(|(count, _)| count)),
        (PolicyField::LimitPer, limit.map(|(_, per)| per)),
    ];
    all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

impl<'a> FunctionLowering<'_, 'a> {
    /// A call of an activity.
    pub(crate) fn call_activity(
        &mut self,
        activity: ActivityId,
        args: &'a [Expr],
        using: &'a Policy,
        interruptible: bool,
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let Some(declared) = self.shared.program.activities.get(activity) else {
            return Err(LowerError::internal(format!("there is no {activity:?}"), span).into());
        };
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.stable(arg)?);
        }
        let has_keys = !settings(&declared.policy).is_empty();
        let own = settings(using);
        let policy = if !has_keys && own.is_empty() {
            None
        } else {
            let ty = self.shared.known.policy;
            let policy = self.temporary(ty);
            if has_keys {
                let function = self.shared.request(Key::Policy(activity))?;
                self.emit(Op::Call { dst: policy, function, args: values.clone() }, span);
            } else {
                self.policy_record(&[], policy, span)?;
            }
            Some(if own.is_empty() { policy } else { self.override_policy(policy, &own, span)? })
        };
        let op = SuspendOp::Activity {
            activity: mir::ActivityId(activity.0),
            args: values,
            policy,
            interruptible,
            own_retry: using.retry.is_some(),
            own_deadline: using.deadline.is_some(),
        };
        Ok(self.suspend(dst, op, span)?)
    }

    fn override_policy(
        &mut self,
        base: LocalId,
        own: &[(PolicyField, &'a Expr)],
        span: Span,
    ) -> Flow<LocalId> {
        let types = self.policy_types(span)?;
        let fields = self.policy_values(own, &types)?;
        Ok(self.emit_new(self.shared.known.policy, |dst| Op::With { dst, base, fields }, span))
    }

    /// A policy record: what isn't set is `none`.
    fn policy_record(&mut self, settings: &[(PolicyField, &'a Expr)], dst: LocalId, span: Span) -> Flow<()> {
        let types = self.policy_types(span)?;
        let set = self.policy_values(settings, &types)?;
        let mut fields = Vec::with_capacity(types.len());
        for (index, ty) in (0u32..).zip(types) {
            fields.push(match set.iter().find(|(field, _)| *field == index) {
                Some((_, value)) => *value,
                None => self.emit_new(ty, |dst| Op::Word { dst, word: 0 }, span),
            });
        }
        self.emit(Op::MakeTuple { dst, fields }, span);
        Ok(())
    }

    /// The values of settings as options, with the numbers of their fields.
    fn policy_values(
        &mut self,
        settings: &[(PolicyField, &'a Expr)],
        types: &[TypeId],
    ) -> Flow<Vec<(u32, LocalId)>> {
        let mut values = Vec::with_capacity(settings.len());
        for (field, expr) in settings {
            let Some(&want) = types.get(*field as usize) else {
                return Err(LowerError::internal("`ActivityPolicy` has too few fields", expr.span).into());
            };
            let value = self.stable(expr)?;
            let value = if self.type_of(value) == want {
                value
            } else {
                self.emit_new(want, |dst| Op::MakeSome { dst, value }, expr.span)
            };
            values.push((*field as u32, value));
        }
        Ok(values)
    }

    fn policy_types(&self, span: Span) -> Result<Vec<TypeId>, LowerError> {
        match self.shared.types.stored(self.shared.known.policy) {
            Type::Record { fields, .. } => Ok(fields.iter().map(|field| field.ty).collect()),
            _ => Err(LowerError::internal("`ActivityPolicy` is no record", span)),
        }
    }
}

impl<'a> Lowering<'a> {
    /// The function that gives an activity's own policy, from its arguments.
    pub(crate) fn policy_function(&mut self, activity: &'a Activity) -> Result<mir::Function, LowerError> {
        let signature = &activity.signature;
        let name = format!("{}.policy", self.declared_name(signature, &[]));
        let known = self.known;
        let context = Context::of(&activity.body);
        let mut function = FunctionLowering::new(self, context, name, signature.span, false);
        function.returns = known.policy;
        for param in &activity.body.params {
            function.variable_param(*param)?;
        }
        let policy = function.temporary(known.policy);
        let outcome = function.policy_record(&settings(&activity.policy), policy, signature.span);
        function.return_value(outcome.map(|()| policy))?;
        Ok(function.finish())
    }

    /// The function that says of an error whether an activity's retries stop at it.
    pub(crate) fn unless_function(&mut self, activity: &'a Activity) -> Result<mir::Function, LowerError> {
        let signature = &activity.signature;
        let Some(pattern) = &activity.unless else {
            return Err(LowerError::internal("an activity without `unless`", signature.span));
        };
        let span = pattern.span;
        let name = format!("{}.unless", self.declared_name(signature, &[]));
        let known = self.known;
        let context = Context::of(&activity.body);
        let mut function = FunctionLowering::new(self, context, name, span, false);
        function.returns = known.bool;
        let error = function.param(known.error, None);
        let differs = function.block();
        function.test(pattern, error, differs)?;
        for word in [1, 0] {
            let answer = function.emit_new(known.bool, |dst| Op::Word { dst, word }, span);
            function.end(Terminator::Return(answer), span);
            function.switch_to(differs);
        }
        Ok(function.finish())
    }
}
