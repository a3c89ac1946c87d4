//! Durable constructs: saga, parallel, race, timeout, and signals.

use super::control::Join;
use super::expr::unit;
use super::{Checker, FrameKind, OpenSaga, Want, Why};
use crate::hir::{
    ActivityId, Branch, Expr, ExprKind, Id, PatternKind, RaceArm, RaceHead, Stmt, StmtKind, Type, Types,
};
use crate::report;
use flow_syntax::Span;
use flow_syntax::ast;

impl Checker<'_, '_> {
    pub fn check_saga(&mut self, unordered: bool, body: &ast::Block, span: Span, want: &Want) -> Expr {
        let handle = self.temporary(Types::INT, Span::new(span.start, body.span.start));
        self.sagas.push(OpenSaga { handle, holds: false, committed: None, handled: 0 });
        let body = self.block_scoped(body, want);
        let inner = self.sagas.pop();
        // What an inner saga holds when it succeeds, the outer one holds from then on.
        if let (Some(outer), Some(inner)) = (self.sagas.last_mut(), inner) {
            outer.holds |= inner.holds;
        }
        Expr { ty: body.ty, kind: ExprKind::Saga { handle, unordered, body: Box::new(body) }, span }
    }

    pub fn check_commit(&mut self, span: Span) -> Expr {
        let Some(saga) = self.sagas.last_mut() else {
            self.report(report::outside_saga("commit", span));
            return self.invalid(span);
        };
        saga.holds = false;
        saga.committed = Some(span);
        let saga = saga.handle;
        self.read(saga, span);
        unit(ExprKind::Commit { saga }, span)
    }

    /// Checks code whose failures are handled where it stands.
    pub fn handling<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> T {
        let count = |checker: &mut Self, by: i32| {
            if let Some(saga) = checker.sagas.last_mut() {
                saga.handled = saga.handled.saturating_add_signed(by);
            }
        };
        count(self, 1);
        let checked = check(self);
        count(self, -1);
        checked
    }

    /// Notes a call of an activity, with its own settings.
    pub fn note_step(&mut self, activity: ActivityId, own: &[ast::Arg], span: Span) {
        self.note_unknown(activity, own, span);
        self.note_after_commit(activity, own, span);
    }

    /// After the pivot only going on is left: a step must not fail there for good.
    fn note_after_commit(&mut self, activity: ActivityId, own: &[ast::Arg], span: Span) {
        let open = self.sagas.last().filter(|saga| saga.handled == 0);
        let Some(commit) = open.and_then(|saga| saga.committed) else { return };
        let Some(decl) = self.cx.activities.get(activity.index()) else { return };
        let setting = |key: &str| {
            let own = own.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.as_str() == key));
            let declared = decl.settings.iter().find(|setting| setting.key.as_str() == key);
            own.map(|arg| &arg.value).or(declared.map(|setting| &setting.value))
        };
        let ends = match setting("retry") {
            Some(retry) => !goes_on(retry),
            None => !decl.signature.fails.is_empty(),
        };
        if ends || setting("deadline").is_some() {
            let name = decl.signature.name.text.clone();
            self.report(report::fails_after_commit(&name, commit, span));
        }
    }

    /// In a saga that holds compensations, an outcome nobody will know needs a word.
    fn note_unknown(&mut self, activity: ActivityId, own: &[ast::Arg], span: Span) {
        let holds = self.sagas.last().is_some_and(|saga| saga.holds);
        let in_head = self.frames.iter().any(|frame| frame.kind == FrameKind::RaceHead);
        if !holds || self.has_unknown || in_head {
            return;
        }
        let Some(decl) = self.cx.activities.get(activity.index()) else { return };
        // What commits in the transaction that records it either happened or didn't.
        if decl.settings.iter().any(|setting| setting.key.as_str() == "run" && is_sql_call(&setting.value)) {
            return;
        }
        let own = || own.iter().filter_map(|arg| Some((arg.name.as_ref()?, &arg.value)));
        let is_own = |key: &ast::Ident| own().any(|(name, _)| name.as_str() == key.as_str());
        let declared = decl.settings.iter().map(|setting| (&setting.key, &setting.value));
        let cause =
            own().chain(declared.filter(|(key, _)| !is_own(key))).find(|(key, value)| match key.as_str() {
                "retry" => !goes_on(value),
                key => ["deadline", "heartbeat"].contains(&key),
            });
        if let Some(key) = cause.map(|(key, _)| key.clone()) {
            let name = decl.signature.name.text.clone();
            self.report(report::missing_unknown(&name, &key, span));
        }
    }

    pub fn check_timeout(&mut self, limit: &ast::Expr, body: &ast::Block, span: Span, want: &Want) -> Expr {
        let limit = self.check(limit, Types::DURATION, Why::Setting("`timeout`"));
        let body = self.block_scoped(body, want);
        Expr { ty: body.ty, kind: ExprKind::Timeout { limit: Box::new(limit), body: Box::new(body) }, span }
    }

    pub fn branch(&mut self, kind: FrameKind, check: impl FnOnce(&mut Self) -> Expr) -> Branch {
        let (body, captures) = self.in_frame(kind, check);
        Branch { captures, body: Box::new(body) }
    }

    fn first(&mut self, first: Option<&ast::Expr>) -> Option<Box<Expr>> {
        first.map(|first| Box::new(self.check(first, Types::INT, Why::Setting("`first`"))))
    }

    /// `parallel first n { … }`: the branches give values of one type.
    fn check_quorum(&mut self, first: Box<Expr>, branches: &[ast::Expr], span: Span, want: &Want) -> Expr {
        let mut item = match want.ty().map(|ty| self.shape(ty)) {
            Some(Type::List(item)) => Some((item, Why::Context)),
            _ => None,
        };
        let mut checked: Vec<Branch> = Vec::with_capacity(branches.len());
        for branch in branches {
            let want = match (&item, want) {
                (_, Want::Drop) => Want::Drop,
                (Some((ty, why)), _) => Want::of(*ty, why.clone()),
                (None, _) => Want::Any,
            };
            let branch = self.branch(FrameKind::Branch, |checker| checker.expr(branch, &want));
            if branch.body.ty != Types::NEVER {
                item.get_or_insert((branch.body.ty, Why::Element(branch.body.span)));
            }
            checked.push(branch);
        }
        let item = match (item, want) {
            (Some((ty, _)), Want::Any | Want::Open | Want::Hint(_) | Want::Type(..)) => ty,
            _ => Types::UNIT,
        };
        let ty = self.types().list(item);
        Expr { kind: ExprKind::Parallel { first: Some(first), branches: checked }, ty, span }
    }

    pub fn check_parallel(
        &mut self,
        first: Option<&ast::Expr>,
        branches: &[ast::Expr],
        span: Span,
        want: &Want,
    ) -> Expr {
        if let Some(first) = self.first(first) {
            return self.check_quorum(first, branches, span, want);
        }
        let wanted = match want.ty().map(|ty| self.shape(ty)) {
            Some(Type::Tuple(wanted)) if wanted.len() == branches.len() => wanted,
            _ => Vec::new(),
        };
        let branches: Vec<Branch> = branches
            .iter()
            .enumerate()
            .map(|(index, branch)| {
                let want = match (want, wanted.get(index)) {
                    (Want::Drop, _) => Want::Drop,
                    (_, Some(ty)) => Want::of(*ty, Why::Context),
                    (_, None) => Want::Any,
                };
                self.branch(FrameKind::Branch, |checker| checker.expr(branch, &want))
            })
            .collect();
        let tys: Vec<_> = branches.iter().map(|branch| branch.body.ty).collect();
        let ty = match tys.as_slice() {
            [] => Types::UNIT,
            _ if tys.contains(&Types::NEVER) => Types::NEVER,
            [one] => *one,
            _ => self.types().intern(Type::Tuple(tys)),
        };
        Expr { kind: ExprKind::Parallel { first: None, branches }, ty, span }
    }

    pub fn check_parallel_for(&mut self, parallel: &ast::ParallelFor, span: Span, want: &Want) -> Expr {
        let first = self.first(parallel.first.as_ref());
        let (items, item_ty) = self.items(&parallel.items);
        let max =
            parallel.max.as_ref().map(|max| Box::new(self.check(max, Types::INT, Why::Setting("`max`"))));
        let body_want = match want.ty().map(|ty| self.shape(ty)) {
            Some(Type::List(item)) => Want::of(item, Why::Context),
            _ if matches!(want, Want::Drop) => Want::Drop,
            _ => Want::Any,
        };
        let mark = self.open_block();
        let mut item = None;
        let branch = self.branch(FrameKind::Branch, |checker| {
            let (id, lets) = checker.bind_item(&parallel.pattern, item_ty);
            item = Some(id);
            let body = checker.block_scoped(&parallel.body, &body_want);
            checker.after_lets(lets, body)
        });
        self.close_block(mark);
        let Some(item) = item else { return self.invalid(span) };
        let ty = self.types().list(unit_or(branch.body.ty));
        Expr { kind: ExprKind::ParallelFor { first, items: Box::new(items), max, item, branch }, ty, span }
    }

    /// The local that holds an item, and the `let` that takes it apart.
    fn bind_item(&mut self, pattern: &ast::Pattern, ty: crate::hir::Ty) -> (crate::hir::LocalId, Vec<Stmt>) {
        if let ast::PatternKind::Bind(name) = &pattern.kind {
            return (self.local(name, ty, false), Vec::new());
        }
        let span = pattern.span;
        let id = self.temporary(ty, span);
        let pattern = self.irrefutable(pattern, ty, "`for`");
        if matches!(pattern.kind, PatternKind::Wildcard) {
            return (id, Vec::new());
        }
        let value = Expr { kind: ExprKind::Local(id), ty, span };
        (id, vec![Stmt { kind: StmtKind::Let { pattern, value }, compensation: None, span }])
    }

    pub fn check_race(&mut self, arms: &[ast::RaceArm], span: Span, want: &Want) -> Expr {
        let mut join = Join::new(want);
        let mut checked = Vec::new();
        for arm in arms {
            let mark = self.open_block();
            let (head, value_ty) = self.race_head(&arm.head, arm.binding.is_some());
            let binding = arm.binding.as_ref().map(|binding| {
                match head {
                    RaceHead::After(_) => self.report(report::nothing_to_bind("after", binding.span)),
                    RaceHead::WaitUntil(_) => {
                        self.report(report::nothing_to_bind("wait until", binding.span))
                    }
                    _ => {}
                }
                self.irrefutable(binding, value_ty, "`as`")
            });
            let body = self.arm(&arm.body, &mut join);
            self.close_block(mark);
            checked.push(RaceArm { head, binding, body, span: arm.span });
        }
        let ty = if arms.is_empty() { Types::NEVER } else { self.join_type(&join) };
        Expr { kind: ExprKind::Race(checked), ty, span }
    }

    /// `bound`: the arm's body has a name for the head's value; without one nobody wants it.
    fn race_head(&mut self, head: &ast::RaceHead, bound: bool) -> (RaceHead, crate::hir::Ty) {
        match head {
            ast::RaceHead::After(duration) => {
                let duration = self.check(duration, Types::DURATION, Why::Setting("`after`"));
                (RaceHead::After(duration), Types::UNIT)
            }
            ast::RaceHead::Expr(expr) => match &expr.without_parens().kind {
                ast::ExprKind::Receive { signal, within: None } => {
                    let received = self.check_receive(signal, None, expr.span);
                    let ExprKind::Receive(index) = received.kind else {
                        return (RaceHead::Strand(empty_branch(received)), Types::INVALID);
                    };
                    (RaceHead::Receive(index), received.ty)
                }
                ast::ExprKind::WaitUntil(condition) => {
                    let wait = self.check_wait_until(condition, expr.span);
                    (RaceHead::WaitUntil(Box::new(wait)), Types::UNIT)
                }
                _ => {
                    let want = if bound { Want::Any } else { Want::Drop };
                    let branch = self.branch(FrameKind::RaceHead, |checker| checker.expr(expr, &want));
                    let ty = branch.body.ty;
                    (RaceHead::Strand(branch), ty)
                }
            },
        }
    }
}

/// The type of a value that may never come.
pub(super) fn unit_or(ty: crate::hir::Ty) -> crate::hir::Ty {
    if ty == Types::NEVER { Types::UNIT } else { ty }
}

fn empty_branch(body: Expr) -> Branch {
    Branch { captures: Vec::new(), body: Box::new(body) }
}

/// Whether a retry policy is plainly one without an end: `exponential(…)` without `attempts` and exceptions.
fn goes_on(retry: &ast::Expr) -> bool {
    let ast::ExprKind::Call { args, .. } = &retry.without_parens().kind else { return false };
    let is_named = |arg: &ast::Arg| arg.name.as_ref().is_some_and(|name| name.as_str() != "attempts");
    args.iter().all(is_named)
}

fn is_sql_call(run: &ast::Expr) -> bool {
    let ast::ExprKind::Call { callee, .. } = &run.without_parens().kind else { return false };
    let ast::ExprKind::Field { base, .. } = &callee.kind else { return false };
    matches!(&base.kind, ast::ExprKind::Name(name) if name.as_str() == "sql")
}
