//! Everything with braces.

use flow_syntax::ast::{Arm, Block, Expr, ExprKind, ParallelFor, RaceArm, RaceHead};

use crate::doc::{Doc, Id};
use crate::list::ARMS;
use crate::printer::Printer;

impl Printer<'_> {
    pub(crate) fn construct(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::If { .. } => {
                let content = self.capture(|p| p.if_chain(expr));
                self.push(Doc::Group { content, broken: false });
            }
            ExprKind::Match { value, arms } => {
                self.headed(Some(value));
                self.arms(arms);
            }
            ExprKind::Catch { value, arms } => {
                self.expr(value);
                self.spaced();
                self.arms(arms);
            }
            ExprKind::Saga { unordered, body } => {
                self.headed(None);
                if *unordered {
                    self.headed(None);
                }
                self.block(body);
            }
            ExprKind::Parallel { first, branches } => {
                self.headed(None);
                if let Some(first) = first {
                    self.headed(Some(first));
                }
                self.list(branches, ARMS, |p, branch| p.expr(branch));
            }
            ExprKind::ParallelFor(it) => self.parallel_for(it),
            ExprKind::Race(arms) => {
                self.headed(None);
                self.race_arms(arms);
            }
            ExprKind::Timeout { limit: head, body } | ExprKind::Every { interval: head, body } => {
                self.headed(Some(head));
                self.block(body);
            }
            ExprKind::While { condition: head, body } => {
                self.headed(Some(head));
                self.block(body);
            }
            ExprKind::Exclusive { key, within, body } => {
                self.headed(Some(key));
                if let Some(within) = within {
                    self.headed(Some(within));
                }
                self.block(body);
            }
            ExprKind::Scope(body) | ExprKind::Shield(body) | ExprKind::Loop(body) => {
                self.headed(None);
                self.block(body);
            }
            ExprKind::For { pattern, items, body } => {
                self.headed(None);
                self.pattern(pattern);
                self.space();
                self.headed(Some(items));
                self.block(body);
            }
            _ => self.token(),
        }
    }

    /// A word, what stands between it and the braces, and a space.
    fn headed(&mut self, head: Option<&Expr>) {
        self.token();
        self.space();
        if let Some(head) = head {
            let outer = std::mem::replace(&mut self.header, true);
            self.expr(head);
            self.header = outer;
            self.space();
        }
    }

    /// The branches of an `if` break together.
    fn if_chain(&mut self, expr: &Expr) {
        let mut next = Some(expr);
        while let Some(expr) = next {
            next = None;
            match &expr.kind {
                ExprKind::If { condition, then, otherwise } => {
                    self.headed(Some(condition));
                    self.branch(then);
                    if let Some(otherwise) = otherwise {
                        self.spaced();
                        next = Some(otherwise);
                    }
                }
                ExprKind::Block(block) => self.branch(block),
                _ => self.expr(expr),
            }
        }
    }

    fn branch(&mut self, block: &Block) {
        let block: Id = self.shared_block(block);
        self.push_id(block);
    }

    fn parallel_for(&mut self, it: &ParallelFor) {
        self.headed(None);
        if let Some(first) = &it.first {
            self.headed(Some(first));
        }
        self.headed(None);
        self.pattern(&it.pattern);
        self.space();
        self.headed(Some(&it.items));
        if let Some(max) = &it.max {
            self.headed(Some(max));
        }
        self.block(&it.body);
    }

    fn arms(&mut self, arms: &[Arm]) {
        let list = self.new_list();
        self.list(arms, ARMS, |p, arm: &Arm| {
            p.group(|p| {
                p.pattern(&arm.pattern);
                if let Some(guard) = &arm.guard {
                    p.spaced();
                    p.expr(guard);
                }
            });
            p.arm_body(list, &arm.body);
        });
    }

    fn race_arms(&mut self, arms: &[RaceArm]) {
        let list = self.new_list();
        self.list(arms, ARMS, |p, arm: &RaceArm| {
            match &arm.head {
                RaceHead::Expr(head) => p.expr(head),
                RaceHead::After(time) => {
                    p.token();
                    p.space();
                    p.expr(time);
                }
            }
            if let Some(binding) = &arm.binding {
                p.spaced();
                p.pattern(binding);
            }
            p.arm_body(list, &arm.body);
        });
    }

    fn arm_body(&mut self, list: u32, body: &Expr) {
        self.push(Doc::Stop(list));
        self.spaced();
        self.expr(body);
    }
}
