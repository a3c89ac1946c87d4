//! Activities: their settings, and the expression that does the work.

use super::bodies::ActivityBody;
use super::usage::Role;
use super::{Checker, Place, Want, Why};
use crate::context::Context;
use crate::hir::{ActivityId, Expr, Id, LocalId, Pattern, Policy, Ty, Type, Types};
use crate::report;
use flow_syntax::ast::{self, Ident, Name};

/// The settings an activity may have.
pub(crate) const SETTINGS: [&str; 8] =
    ["run", "timeout", "deadline", "retry", "heartbeat", "queue", "route", "limit"];

impl Checker<'_, '_> {
    /// Parameters as locals.
    pub fn bind_signature(&mut self, params: &[crate::hir::Param], written: &[ast::Param]) -> Vec<LocalId> {
        let pairs = params.iter().zip(written);
        // What callers outside of the program name is an interface: it may have names nothing here reads.
        let role = if self.place == Place::Function { Role::Parameter } else { Role::Silent };
        let bind = |(param, written): (&crate::hir::Param, &ast::Param)| {
            let ty = self.passed_function(param.ty);
            let id = self.local(&written.name, ty, false);
            self.set_role(id, role);
            id
        };
        pairs.map(bind).collect()
    }

    /// The type of a parameter within the body: what a plain function raises there is for the caller to say, so it may
    /// be called and passed on, but not kept as a function that doesn't fail.
    fn passed_function(&mut self, ty: Ty) -> Ty {
        match self.cx.ty(ty).clone() {
            Type::Function { params, result, fails } if fails.is_empty() => {
                self.types().intern(Type::Function { params, result, fails: vec![Types::PASSED] })
            }
            _ => ty,
        }
    }

    /// Checks defaults where they are declared, once, so that calls need not report on them.
    pub fn check_defaults(&mut self, params: &[crate::hir::Param], written: &[ast::Param]) {
        self.beside_default = params.iter().map(|param| param.name.clone()).collect();
        for (param, written) in params.iter().zip(written) {
            if let Some(default) = &written.default {
                self.declared_default(default, param.ty, Why::Declared(written.ty.span));
            }
        }
        self.beside_default.clear();
    }

    /// One setting of an activity or of `using`.
    pub fn policy_setting(
        &mut self,
        policy: &mut Policy,
        key: &Ident,
        value: &ast::Expr,
        seen: &mut Vec<Name>,
    ) {
        if seen.contains(&key.text) {
            self.report(report::duplicate_setting(key));
            self.infer(value);
            return;
        }
        seen.push(key.text.clone());
        match key.as_str() {
            "timeout" => policy.timeout = Some(self.check(value, Types::DURATION, Why::Setting("`timeout`"))),
            "deadline" => {
                policy.deadline = Some(self.check(value, Types::DURATION, Why::Setting("`deadline`")))
            }
            "heartbeat" => {
                policy.heartbeat = Some(self.check(value, Types::DURATION, Why::Setting("`heartbeat`")))
            }
            "queue" => policy.queue = Some(self.check(value, Types::STRING, Why::Setting("`queue`"))),
            "route" => policy.route = Some(self.check(value, Types::STRING, Why::Setting("`route`"))),
            "retry" => policy.retry = self.retry(value),
            "limit" => policy.limit = self.limit(value),
            _ => {
                self.infer(value);
                // A setting without a name could not be read, which is told already.
                if !key.text.is_empty() {
                    self.report(report::unknown_setting(key, &SETTINGS));
                }
            }
        }
    }

    fn retry(&mut self, value: &ast::Expr) -> Option<Expr> {
        let id = self.cx.known().retry?;
        let ty = self.types().intern(Type::Nominal(id, Vec::new()));
        Some(self.check(value, ty, Why::Setting("`retry`")))
    }

    fn limit(&mut self, value: &ast::Expr) -> Option<(Expr, Expr)> {
        match &value.without_parens().kind {
            ast::ExprKind::Binary { op: ast::BinaryOp::Per, left, right, .. } => {
                let count = self.check(left, Types::INT, Why::Setting("`limit`"));
                let per = self.check(right, Types::DURATION, Why::Setting("`limit`"));
                Some((count, per))
            }
            _ => {
                self.infer(value);
                self.report(report::bad_limit(value.span));
                None
            }
        }
    }

    /// `policy unless PATTERN`: the policy, and the pattern over the raised error.
    fn retry_unless<'e>(&mut self, value: &'e ast::Expr, fails: &[Ty]) -> (&'e ast::Expr, Option<Pattern>) {
        let ast::ExprKind::Unless { value: policy, pattern } = &value.without_parens().kind else {
            return (value, None);
        };
        let union = self.types().union(fails.to_vec());
        let mark = self.open_block();
        let pattern = self.catch_pattern(pattern, fails, union);
        self.close_block(mark);
        (policy, Some(pattern))
    }
}

/// Checks an activity's settings and its `run`.
pub(super) fn check_activity(cx: &mut Context<'_>, id: ActivityId) -> Option<ActivityBody> {
    let decl = cx.declared.activities.get(id.index()).copied()?;
    let signature = &cx.declared.program.activities[id].signature;
    let mut checker = Checker::new(cx, signature.module, Vec::new(), Place::Policy);
    checker.check_defaults(&signature.params, &decl.signature.params);
    let params = checker.bind_signature(&signature.params, &decl.signature.params);
    let (mut policy, mut unless, mut run) = (Policy::default(), None, None);
    let mut seen: Vec<Name> = Vec::new();
    for setting in &decl.settings {
        match setting.key.as_str() {
            "run" if !seen.contains(&setting.key.text) => {
                seen.push(setting.key.text.clone());
                run = Some(&setting.value);
            }
            "retry" => {
                let (value, pattern) = checker.retry_unless(&setting.value, &signature.fails);
                unless = unless.or(pattern);
                checker.policy_setting(&mut policy, &setting.key, value, &mut seen);
            }
            _ => checker.policy_setting(&mut policy, &setting.key, &setting.value, &mut seen),
        }
    }
    // Settings are evaluated in the instance; what they could fail with would be a trap there.
    checker.take_raised(0);
    checker.fails = signature.fails.clone();
    checker.place = Place::Run;
    let result_span = decl.signature.result.as_ref().map_or(decl.signature.span, |ty| ty.span);
    let want = Want::of(signature.result, Why::Returns { name: signature.name.clone(), span: result_span });
    let value = match run {
        Some(run) => checker.expr(run, &want),
        None => super::expr::literal(crate::hir::Literal::Unit, Types::UNIT, signature.span),
    };
    checker.check_unhandled(&signature.name, Some(&decl.signature));
    checker.finish_policy(&mut policy);
    if let Some(pattern) = &mut unless {
        checker.finish_pattern(pattern);
    }
    let body = checker.finish(params, value);
    Some(ActivityBody { body, has_run: run.is_some(), transactional: false, policy, unless })
}
