//! Constructs that start strands: `parallel` and `race`.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use flow_analysis::hir::{self, Branch, Expr, ExprKind, PatternKind, RaceArm, RaceHead};
use flow_mir::{self as mir, LocalId, Op, SuspendOp, Terminator, Type, TypeId};
use flow_syntax::Span;

impl<'a> FunctionLowering<'_, 'a> {
    /// `parallel { … }`
    pub(crate) fn parallel(&mut self, branches: &'a [Branch], dst: LocalId, span: Span) -> Flow<()> {
        if branches.is_empty() {
            self.unit(dst, span);
            return Ok(());
        }
        let mut started = Vec::with_capacity(branches.len());
        for branch in branches {
            started.push(self.branch("branch", branch, None, None)?);
        }
        if branches.len() > 1 {
            self.suspend(dst, SuspendOp::Parallel { branches: started, first: None }, span)?;
            return Ok(());
        }
        // Alone, a branch's value stands for itself; the operation still gives a tuple.
        let alone = self.shared.types.intern(Type::Tuple(vec![self.type_of(dst)]));
        let tuple = self.temporary(alone);
        self.suspend(tuple, SuspendOp::Parallel { branches: started, first: None }, span)?;
        self.emit(Op::Field { dst, base: tuple, index: 0 }, span);
        Ok(())
    }

    /// `parallel first n { … }`
    pub(crate) fn quorum(
        &mut self,
        first: &'a Expr,
        branches: &'a [Branch],
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let Type::List(item) = *self.stored_type(dst) else {
            return Err(LowerError::internal("a quorum that gives no list", span).into());
        };
        let first = self.stable(first)?;
        let mut started = Vec::with_capacity(branches.len());
        for branch in branches {
            started.push(self.branch("branch", branch, None, Some(item))?);
        }
        self.suspend(dst, SuspendOp::Parallel { branches: started, first: Some(first) }, span)?;
        Ok(())
    }

    /// `parallel for`
    pub(crate) fn parallel_for(&mut self, expr: &'a Expr, dst: LocalId) -> Flow<()> {
        let ExprKind::ParallelFor { first, items, max, item, branch } = &expr.kind else {
            return Err(LowerError::internal("no `parallel for`", expr.span).into());
        };
        let items = self.stable(items)?;
        let first = first.as_deref().map(|first| self.stable(first)).transpose()?;
        let max = max.as_deref().map(|max| self.expr(max)).transpose()?;
        let branch = self.branch("branch", branch, Some(*item), None)?;
        self.suspend(dst, SuspendOp::ParallelFor { items, branch, max, first }, expr.span)?;
        Ok(())
    }

    /// `race { … }`: the winner's number and value come back as a case; its body then runs here.
    pub(crate) fn race(&mut self, arms: &'a [RaceArm], dst: LocalId, span: Span) -> Flow<()> {
        let mut values = Vec::with_capacity(arms.len());
        let mut heads = Vec::with_capacity(arms.len());
        for arm in arms {
            values.push(self.arm_value(arm)?);
            heads.push(self.race_head(&arm.head)?);
        }
        let winner_type = self.shared.types.push_race(&values);
        let winner = self.temporary(winner_type);
        self.suspend(winner, SuspendOp::Race { arms: heads }, span)?;
        let number = self.emit_new(self.shared.known.int, |dst| Op::CaseOf { dst, base: winner }, span);
        let targets: Vec<_> = arms.iter().map(|_| self.block()).collect();
        let (never, join) = (self.block(), self.block());
        self.end(Terminator::Switch { value: number, targets: targets.clone(), otherwise: never }, span);
        let mut joined = false;
        for (((case, arm), value), target) in (0u32..).zip(arms).zip(values).zip(targets) {
            self.switch_to(target);
            if never_wins(arm) {
                self.end(Terminator::Unreachable, arm.span);
                continue;
            }
            if let Some(ty) = value {
                let take = |dst| Op::CaseField { dst, base: winner, case, index: 0 };
                let value = self.emit_new(ty, take, arm.span);
                match (&arm.head, &arm.binding) {
                    (RaceHead::WaitUntil(wait), _) => self.bind_held(wait, value, arm.span)?,
                    (_, Some(pattern)) => self.bind(pattern, value)?,
                    (_, None) => {}
                }
            }
            let outcome = self.expr_into(&arm.body, dst);
            joined |= self.join(outcome, join, arm.span)?;
        }
        self.switch_to(never);
        self.end(Terminator::Unreachable, span);
        self.go_on(joined, join)
    }

    /// The type of an arm's value, where its body uses it.
    fn arm_value(&mut self, arm: &'a RaceArm) -> Result<Option<TypeId>, LowerError> {
        if let RaceHead::WaitUntil(wait) = &arm.head {
            let ty = self.ty(wait.condition.body.ty, arm.span)?;
            return Ok((!wait.bound.is_empty()).then_some(ty));
        }
        match &arm.binding {
            Some(pattern) if !never_wins(arm) && !matches!(pattern.kind, PatternKind::Wildcard) => {
                self.ty(pattern.ty, pattern.span).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn race_head(&mut self, head: &'a RaceHead) -> Flow<mir::RaceArm> {
        Ok(match head {
            RaceHead::Strand(branch) => mir::RaceArm::Strand(self.branch("race", branch, None, None)?),
            RaceHead::After(duration) => mir::RaceArm::After(self.stable(duration)?),
            RaceHead::WaitUntil(wait) => {
                mir::RaceArm::WaitUntil { condition: self.condition_of(wait)?, states: wait.states.clone() }
            }
            RaceHead::Receive(signal) => mir::RaceArm::Receive { signal: *signal },
        })
    }
}

/// Whether what an arm waits for has no end, so that its body is never run.
fn never_wins(arm: &RaceArm) -> bool {
    matches!(&arm.head, RaceHead::Strand(branch) if branch.body.ty == hir::Types::NEVER)
}
