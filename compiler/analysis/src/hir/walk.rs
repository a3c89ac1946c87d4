//! The direct parts of an expression, for passes that go over whole bodies.

use super::expr::{Branch, Expr, ExprKind, RaceHead, StringPart};
use super::pattern::Pattern;
use super::program::Policy;
use super::stmt::{Block, Stmt, StmtKind};

/// What a pass over a body does with each part.
pub trait VisitorMut {
    /// An expression; its own parts are visited by [`Expr::each_part_mut`].
    fn expr(&mut self, expr: &mut Expr);
    /// A pattern, whole.
    fn pattern(&mut self, pattern: &mut Pattern);
}

impl Expr {
    /// Visits the expressions and patterns directly inside, in order of evaluation.
    pub fn each_part_mut(&mut self, visitor: &mut dyn VisitorMut) {
        use ExprKind as K;
        match &mut self.kind {
            K::Literal(_) | K::Local(_) | K::Const(_) | K::State(_) | K::None | K::Function { .. } => {}
            K::Env(_)
            | K::StepKey
            | K::Break
            | K::Continue
            | K::Commit { .. }
            | K::Receive(_)
            | K::Invalid => {}
            K::WaitUntil(wait) => visitor.expr(&mut wait.condition.body),
            K::Interpolate(parts) => parts.iter_mut().for_each(|part| {
                if let StringPart::Expr(expr) = part {
                    visitor.expr(expr);
                }
            }),
            K::Tuple(items) | K::List(items) | K::Record(items) | K::Case { fields: items, .. } => {
                items.iter_mut().for_each(|item| visitor.expr(item));
            }
            K::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
                visitor.expr(key);
                visitor.expr(value);
            }),
            K::With { base, changes } => {
                visitor.expr(base);
                changes.iter_mut().for_each(|(_, value)| visitor.expr(value));
            }
            K::Field { base: inner, .. }
            | K::Coerce { value: inner, .. }
            | K::Negate(inner)
            | K::Not(inner)
            | K::Try { value: inner, .. }
            | K::Fail(inner)
            | K::Return(inner)
            | K::Loop(inner)
            | K::Sleep(inner)
            | K::SleepUntil(inner)
            | K::Saga { body: inner, .. }
            | K::Scope { body: inner, .. }
            | K::Await(inner)
            | K::Shield(inner) => visitor.expr(inner),
            K::Index { list: first, index: second }
            | K::And(first, second)
            | K::Or(first, second)
            | K::Binary { left: first, right: second, .. }
            | K::Range(first, second)
            | K::While { condition: first, body: second }
            | K::Timeout { limit: first, body: second } => {
                visitor.expr(first);
                visitor.expr(second);
            }
            K::Call { args, .. } | K::CallWorkflow { args, .. } => {
                args.iter_mut().for_each(|arg| visitor.expr(arg))
            }
            K::CallValue { callee, args } => {
                visitor.expr(callee);
                args.iter_mut().for_each(|arg| visitor.expr(arg));
            }
            K::CallActivity { args, using, .. } => {
                args.iter_mut().for_each(|arg| visitor.expr(arg));
                using.each_part_mut(visitor);
            }
            K::Is { value, pattern } => {
                visitor.expr(value);
                visitor.pattern(pattern);
            }
            K::Block(block) => block.each_part_mut(visitor),
            K::If { condition, then, otherwise } => {
                visitor.expr(condition);
                visitor.expr(then);
                otherwise.iter_mut().for_each(|otherwise| visitor.expr(otherwise));
            }
            K::Match { value, arms } => {
                visitor.expr(value);
                for arm in arms {
                    visitor.pattern(&mut arm.pattern);
                    arm.guard.iter_mut().for_each(|guard| visitor.expr(guard));
                    visitor.expr(&mut arm.body);
                }
            }
            K::Catch { value, arms } => {
                visitor.expr(value);
                for arm in arms {
                    visitor.pattern(&mut arm.pattern);
                    arm.guard.iter_mut().for_each(|guard| visitor.expr(guard));
                    visitor.expr(&mut arm.body);
                }
            }
            K::Lambda(lambda) => visitor.expr(&mut lambda.body),
            K::For { pattern, items, body } => {
                visitor.expr(items);
                visitor.pattern(pattern);
                visitor.expr(body);
            }
            K::Tell { handle, value, .. } => {
                visitor.expr(handle);
                value.iter_mut().for_each(|value| visitor.expr(value));
            }
            K::Ask { handle, args, .. } => {
                visitor.expr(handle);
                args.iter_mut().for_each(|arg| visitor.expr(arg));
            }
            K::Spawn { branch, .. } => visitor.expr(&mut branch.body),
            K::Detach { args, id, .. } => {
                args.iter_mut().for_each(|arg| visitor.expr(arg));
                id.iter_mut().for_each(|id| visitor.expr(id));
            }
            K::Parallel { first, branches } => {
                first.iter_mut().for_each(|first| visitor.expr(first));
                branches.iter_mut().for_each(|branch| visitor.expr(&mut branch.body));
            }
            K::ParallelFor { first, items, max, branch, .. } => {
                visitor.expr(items);
                first.iter_mut().for_each(|first| visitor.expr(first));
                max.iter_mut().for_each(|max| visitor.expr(max));
                visitor.expr(&mut branch.body);
            }
            K::Race(arms) => {
                for arm in arms {
                    match &mut arm.head {
                        RaceHead::Strand(Branch { body, .. }) => visitor.expr(body),
                        RaceHead::After(duration) => visitor.expr(duration),
                        RaceHead::WaitUntil(wait) => visitor.expr(&mut wait.condition.body),
                        RaceHead::Receive(_) => {}
                    }
                    arm.binding.iter_mut().for_each(|binding| visitor.pattern(binding));
                    visitor.expr(&mut arm.body);
                }
            }
        }
    }
}

impl Block {
    /// Visits the expressions and patterns directly inside.
    pub fn each_part_mut(&mut self, visitor: &mut dyn VisitorMut) {
        self.stmts.iter_mut().for_each(|stmt| stmt.each_part_mut(visitor));
        self.value.iter_mut().for_each(|value| visitor.expr(value));
    }
}

impl Stmt {
    /// Visits the expressions and patterns directly inside.
    pub fn each_part_mut(&mut self, visitor: &mut dyn VisitorMut) {
        match &mut self.kind {
            StmtKind::Let { pattern, value } => {
                visitor.expr(value);
                visitor.pattern(pattern);
            }
            StmtKind::Assign { value, .. }
            | StmtKind::AssignState { value, .. }
            | StmtKind::InitState { value, .. }
            | StmtKind::Index { value, .. }
            | StmtKind::Expr(value) => visitor.expr(value),
        }
        if let Some(compensation) = &mut self.compensation {
            visitor.expr(&mut compensation.undo.body);
            if let Some(unknown) = &mut compensation.unknown {
                visitor.expr(&mut unknown.branch.body);
            }
        }
    }
}

impl Policy {
    /// Visits the settings given.
    pub fn each_part_mut(&mut self, visitor: &mut dyn VisitorMut) {
        let Policy { timeout, deadline, retry, heartbeat, queue, route, limit } = self;
        let settings = [timeout, deadline, retry, heartbeat, queue, route];
        settings.into_iter().flatten().for_each(|setting| visitor.expr(setting));
        if let Some((count, per)) = limit {
            visitor.expr(count);
            visitor.expr(per);
        }
    }
}
