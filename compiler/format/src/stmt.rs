//! Blocks and statements.

use flow_syntax::ast::{Block, Stmt, StmtKind};

use crate::doc::{Doc, Id};
use crate::list::STATEMENTS;
use crate::printer::Printer;

impl Printer<'_> {
    pub(crate) fn block(&mut self, block: &Block) {
        self.list(&block.stmts, STATEMENTS, Self::stmt);
    }

    /// A block whose lines belong to the group around: the branches of an `if` break together.
    pub(crate) fn shared_block(&mut self, block: &Block) -> Id {
        let pieces = self.pieces(&block.stmts, STATEMENTS, Self::stmt);
        self.assemble(&pieces, STATEMENTS)
    }

    pub(crate) fn stmt(&mut self, stmt: &Stmt) {
        self.stmt_kind(&stmt.kind);
        let Some(compensation) = &stmt.compensation else { return };
        let apart = self.starts_line();
        let clause = self.capture(|p| {
            p.nest(|p| {
                p.line(" ");
                p.token();
                p.space();
                p.expr(&compensation.undo);
                if let Some(unknown) = &compensation.unknown {
                    p.line(" ");
                    p.token();
                    p.space();
                    p.expr(unknown);
                }
            });
        });
        self.push(Doc::Group { content: clause, broken: apart });
    }

    fn stmt_kind(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::Let { pattern, ty, value, .. } => {
                self.token();
                self.space();
                self.pattern(pattern);
                self.annotation(ty.as_ref());
                self.spaced();
                self.expr(value);
            }
            StmtKind::Assign { target, value, .. } => {
                self.expr(target);
                self.spaced();
                self.expr(value);
            }
            StmtKind::Expr(expr) => self.expr(expr),
            StmtKind::Index { value, .. } => {
                self.token();
                self.space();
                self.token();
                self.spaced();
                self.expr(value);
            }
            StmtKind::Signal { ty, .. } => {
                self.token();
                self.space();
                self.token();
                self.annotation(ty.as_ref());
            }
            StmtKind::State { ty, value, .. } => {
                self.token();
                self.space();
                self.token();
                self.annotation(ty.as_ref());
                self.spaced();
                self.expr(value);
            }
            StmtKind::Query(handler) | StmtKind::Update(handler) => {
                self.token();
                self.space();
                self.signature(&handler.signature);
                self.space();
                self.block(&handler.body);
            }
            StmtKind::Setting(setting) => {
                self.tokens(2);
                self.space();
                self.expr(&setting.value);
            }
            StmtKind::Given(given) => self.given(given),
            StmtKind::Assert { condition, message } => {
                self.token();
                self.space();
                self.expr(condition);
                if let Some(message) = message {
                    self.token();
                    self.space();
                    self.expr(message);
                }
            }
            StmtKind::Error => self.token(),
        }
    }
}
