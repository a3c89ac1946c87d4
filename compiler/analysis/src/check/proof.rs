//! `spec` and `test`: their names and types are checked; what they claim is not judged here.

use super::usage::Role;
use super::{Checker, Place, Want, Why};
use crate::context::{Context, Def};
use crate::hir::{ModuleId, Ty, Types};
use crate::{declare, report};
use flow_syntax::Span;
use flow_syntax::ast::{self, GivenOutcome, Ident, SpecItemKind};

/// The formulas written as calls.
const TEMPORAL: [&str; 10] = ["AG", "AF", "EF", "EG", "AX", "EX", "next", "always", "eventually", "done"];

/// Checks a test.
pub(crate) fn check_test(cx: &mut Context<'_>, module: ModuleId, test: &ast::TestDecl) {
    let mut checker = Checker::new(cx, module, Vec::new(), Place::Proof);
    let value = checker.block_scoped(&test.body, &Want::Drop);
    checker.finish(Vec::new(), value);
}

/// Checks a spec.
pub(crate) fn check_spec(cx: &mut Context<'_>, module: ModuleId, spec: &ast::SpecDecl) {
    let target = declare::resolve_path(cx, module, &spec.target, false);
    let mut checker = Checker::new(cx, module, Vec::new(), Place::Proof);
    match target {
        Some(def @ Def::Workflow(_)) => {
            checker.call_def(def, None, &spec.args, None, spec.target.span, &Want::Drop);
        }
        Some(Def::Broken) | None => checker.infer_arguments(&spec.args),
        Some(other) => {
            checker.report(report::not_a_step("a `spec`", other.kind(), "a workflow", spec.target.span))
        }
    }
    for item in &spec.items {
        checker.spec_item(item);
    }
}

impl Checker<'_, '_> {
    fn spec_item(&mut self, item: &ast::SpecItem) {
        match &item.kind {
            SpecItemKind::Ghost { name, ty, value } => {
                let module = self.module;
                let ty = match ty {
                    Some(written) => {
                        let ty = declare::resolve_type(self.cx, module, &[], written);
                        self.check(value, ty, Why::Declared(written.span));
                        ty
                    }
                    None => self.infer(value).ty,
                };
                let ghost = self.local(name, ty, true);
                self.set_role(ghost, Role::Silent);
            }
            SpecItemKind::On { target, body } => {
                self.step(target, "`on`");
                self.block_scoped(body, &Want::Drop);
            }
            SpecItemKind::Always(formula)
            | SpecItemKind::Eventually(formula)
            | SpecItemKind::Formula(formula) => {
                self.formula(formula);
            }
            SpecItemKind::Given(given) => self.given(given),
            SpecItemKind::Error => {}
        }
    }

    /// A formula: temporal operators over ordinary conditions.
    fn formula(&mut self, formula: &ast::Expr) {
        match &formula.kind {
            ast::ExprKind::Paren(inner) => self.formula(inner),
            ast::ExprKind::Unary { op: ast::UnaryOp::Not, operand } => self.formula(operand),
            ast::ExprKind::Binary {
                op: ast::BinaryOp::And | ast::BinaryOp::Or | ast::BinaryOp::Implies | ast::BinaryOp::Until,
                left,
                right,
                ..
            } => {
                self.formula(left);
                self.formula(right);
            }
            ast::ExprKind::Name(name)
                if name.as_str() == "finished" && self.binding("finished").is_none() => {}
            ast::ExprKind::Index { base, index } if is_name(base, &["A", "E"]) => self.formula(index),
            ast::ExprKind::Call { callee, args } if is_name(callee, &["done"]) => {
                for arg in args {
                    self.step_argument(&arg.value, "`done`");
                }
            }
            ast::ExprKind::Call { callee, args } if is_name(callee, &TEMPORAL) => {
                args.iter().for_each(|arg| self.formula(&arg.value));
            }
            _ => {
                self.check(formula, Types::BOOL, Why::Condition);
            }
        }
    }

    fn step_argument(&mut self, arg: &ast::Expr, place: &str) {
        match &arg.kind {
            ast::ExprKind::Name(name) => {
                let path = ast::Path { segments: vec![name.clone()], span: name.span };
                self.step(&path, place);
            }
            _ => {
                self.infer(arg);
            }
        }
    }

    /// An activity or workflow named in a spec or test.
    fn step(&mut self, path: &ast::Path, place: &str) -> Option<Def> {
        match declare::resolve_path(self.cx, self.module, path, false)? {
            def @ (Def::Activity(_) | Def::Workflow(_)) => Some(def),
            Def::Broken => None,
            other => {
                self.report(report::not_a_step(place, other.kind(), "an activity or workflow", path.span));
                None
            }
        }
    }

    /// `given STEP returns VALUE`
    pub fn given(&mut self, given: &ast::Given) {
        if self.place != Place::Proof {
            self.report(report::outside_test("given", given.span));
            return;
        }
        let def = self.step(&given.target, "`given`");
        let signature = def.and_then(|def| self.cx.signature(def));
        let parts = signature.map(|signature| (signature.result, signature.fails.clone()));
        self.outcome(&given.outcome, parts.as_ref());
    }

    fn outcome(&mut self, outcome: &GivenOutcome, parts: Option<&(Ty, Vec<Ty>)>) {
        match outcome {
            GivenOutcome::Returns(value) => match (parts, &value.without_parens().kind) {
                (None, _) | (_, ast::ExprKind::Lambda { .. }) => {
                    self.infer(value);
                }
                (Some((result, _)), _) => {
                    self.expr(value, &Want::of(*result, Why::Setting("`returns`")));
                }
            },
            GivenOutcome::Fails(value) => {
                let fails = parts.map(|(_, fails)| fails.clone()).unwrap_or_default();
                let hint = self.types().union(fails);
                self.expr(value, &if hint == Types::NEVER { Want::Any } else { Want::Hint(hint) });
            }
            GivenOutcome::Takes(value) => {
                self.check(value, Types::DURATION, Why::Setting("`takes`"));
            }
            GivenOutcome::In(outcomes) => outcomes.iter().for_each(|outcome| self.outcome(outcome, parts)),
        }
    }

    /// `assert condition, message`
    pub fn assert(&mut self, condition: &ast::Expr, message: Option<&ast::Expr>, span: Span) {
        if self.place != Place::Proof {
            self.report(report::outside_test("assert", span));
        }
        self.check(condition, Types::BOOL, Why::Condition);
        if let Some(message) = message {
            self.check(message, Types::STRING, Why::Setting("the message of `assert`"));
        }
    }

    /// `calls(step)` in a test: the arguments of each call, a list.
    pub fn calls_of_step(&mut self, name: &Ident, args: &[ast::Arg]) -> Option<Ty> {
        let ([arg], "calls", Place::Proof) = (args, name.as_str(), self.place) else { return None };
        let ast::ExprKind::Name(step) = &arg.value.without_parens().kind else { return None };
        let path = ast::Path { segments: vec![step.clone()], span: step.span };
        let item = match self.step(&path, "`calls`").and_then(|def| self.cx.signature(def)) {
            Some(signature) => {
                let params: Vec<Ty> = signature.params.iter().map(|param| param.ty).collect();
                match params.as_slice() {
                    [] => Types::UNIT,
                    [one] => *one,
                    _ => self.types().intern(crate::hir::Type::Tuple(params)),
                }
            }
            None => Types::INVALID,
        };
        Some(self.types().list(item))
    }
}

fn is_name(expr: &ast::Expr, names: &[&str]) -> bool {
    matches!(&expr.kind, ast::ExprKind::Name(name) if names.contains(&name.as_str()))
}
