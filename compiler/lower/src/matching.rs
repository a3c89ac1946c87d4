//! `match`: a jump by case where the value is an enum, else one test after the other.

use crate::builder::FunctionLowering;
use crate::error::{Flow, LowerError};
use flow_analysis::hir::{Arm, Expr, Pattern, PatternKind};
use flow_mir::{BlockId, LocalId, Op, Terminator, Type};
use flow_syntax::Span;

/// From this many arms on a jump by case is made.
const FEWEST_TO_SWITCH: usize = 3;

impl<'a> FunctionLowering<'_, 'a> {
    /// `match`
    pub(crate) fn match_value(
        &mut self,
        value: &'a Expr,
        arms: &'a [Arm],
        dst: LocalId,
        span: Span,
    ) -> Flow<()> {
        let value = self.stable(value)?;
        let by_case = arms.len() >= FEWEST_TO_SWITCH
            && arms.iter().any(|arm| matches!(arm.pattern.kind, PatternKind::Case { .. }))
            && matches!(self.stored_type(value), Type::Enum { .. });
        if by_case {
            self.match_by_case(value, arms, dst, span)
        } else {
            self.match_in_order(value, arms, dst, span)
        }
    }

    fn match_in_order(&mut self, value: LocalId, arms: &'a [Arm], dst: LocalId, span: Span) -> Flow<()> {
        let join = self.block();
        let mut joined = false;
        for arm in arms {
            let next = self.block();
            self.test(&arm.pattern, value, next)?;
            joined |= self.arm(arm, next, join, dst, span)?;
            self.switch_to(next);
        }
        // No value comes here: one of the arms matches.
        self.end(Terminator::Unreachable, span);
        self.go_on(joined, join)
    }

    /// Guard and body of an arm whose pattern matched.
    fn arm(
        &mut self,
        arm: &'a Arm,
        next: BlockId,
        join: BlockId,
        dst: LocalId,
        span: Span,
    ) -> Result<bool, LowerError> {
        let outcome = match &arm.guard {
            Some(guard) => {
                let passed = self.block();
                let outcome = self.condition(guard, passed, next);
                self.switch_to(passed);
                outcome.and_then(|()| self.expr_into(&arm.body, dst))
            }
            None => self.expr_into(&arm.body, dst),
        };
        self.join(outcome, join, span)
    }

    /// One jump by case, to the first arm that may match it. An arm that then fails goes on to the next that may match
    /// the same case.
    fn match_by_case(&mut self, value: LocalId, arms: &'a [Arm], dst: LocalId, span: Span) -> Flow<()> {
        let Type::Enum { cases, .. } = self.stored_type(value) else {
            return Err(LowerError::internal("a match by case of what is no enum", span).into());
        };
        let count = u32::try_from(cases.len()).unwrap_or(u32::MAX);
        let case = self.emit_new(self.shared.known.int, |dst| Op::CaseOf { dst, base: value }, span);
        let entries: Vec<BlockId> = arms.iter().map(|_| self.block()).collect();
        let never = self.block();
        let first = |from: usize, case: u32| {
            let mut rest = arms.iter().zip(&entries).skip(from);
            rest.find(|(arm, _)| may_match(&arm.pattern, case)).map_or(never, |(_, entry)| *entry)
        };
        let switch = |from: usize| {
            let targets = (0..count).map(|case| first(from, case)).collect();
            Terminator::Switch { value: case, targets, otherwise: never }
        };
        self.end(switch(0), span);
        let join = self.block();
        let mut joined = false;
        for (index, (arm, entry)) in arms.iter().zip(&entries).enumerate() {
            self.switch_to(*entry);
            let next = match &arm.pattern.kind {
                PatternKind::Case { case, fields } => {
                    let next = first(index + 1, *case);
                    self.case_fields(*case, fields, value, next, arm.pattern.span)?;
                    next
                }
                PatternKind::Wildcard | PatternKind::Bind(_) if arm.guard.is_none() => {
                    self.test(&arm.pattern, value, never)?;
                    never
                }
                _ => {
                    let next = self.block();
                    self.test(&arm.pattern, value, next)?;
                    let here = self.block();
                    self.goto(here, arm.pattern.span);
                    self.switch_to(next);
                    self.end(switch(index + 1), span);
                    self.switch_to(here);
                    next
                }
            };
            joined |= self.arm(arm, next, join, dst, span)?;
        }
        self.switch_to(never);
        self.end(Terminator::Unreachable, span);
        self.go_on(joined, join)
    }
}

/// Whether a pattern over an enum may match a value of this case.
fn may_match(pattern: &Pattern, of: u32) -> bool {
    match &pattern.kind {
        PatternKind::Case { case, .. } => *case == of,
        PatternKind::Or(patterns) => patterns.iter().any(|pattern| may_match(pattern, of)),
        _ => true,
    }
}
