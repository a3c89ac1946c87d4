//! Statements and blocks.

use super::{BinaryOp, Docs, Expr, Given, Ident, Pattern, Setting, Signature, TypeExpr};
use crate::span::Span;

/// `{ … }`: statements, the last of which gives the value if it is an expression.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// Braces included.
    pub span: Span,
}

impl Block {
    /// The expression that gives the block its value: its last statement, if that is an expression.
    pub fn value(&self) -> Option<&Expr> {
        match self.stmts.last() {
            Some(Stmt { kind: StmtKind::Expr(expr), .. }) => Some(expr),
            _ => None,
        }
    }
}

/// A statement, with what undoes it.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What `///` says before it (for the declarations of a workflow).
    pub docs: Option<Box<Docs>>,
    /// What it does.
    pub kind: StmtKind,
    /// `compensate …`: registered once the statement has succeeded.
    pub compensation: Option<Box<Compensation>>,
    /// All of it, the compensation included.
    pub span: Span,
}

/// `compensate UNDO [unknown RELEASE]`
#[derive(Clone, Debug)]
pub struct Compensation {
    /// What undoes the statement.
    pub undo: Expr,
    /// What undoes it when nobody knows whether it happened: a lambda over the step's key.
    pub unknown: Option<Expr>,
    /// From `compensate` to the end.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `let (a, b): T = e`, `var n = 0`
    Let {
        /// Whether it is `var`.
        mutable: bool,
        /// What it binds.
        pattern: Pattern,
        /// Its type, where written.
        ty: Option<TypeExpr>,
        /// Its value.
        value: Expr,
    },
    /// `n = 1`, `m["k"] = v`, `n += 1`
    Assign {
        /// A name, or an index or field of one.
        target: Expr,
        /// The operation of a compound assignment.
        op: Option<BinaryOp>,
        /// The new value, or the operation's right side.
        value: Expr,
    },
    /// An expression.
    Expr(Expr),
    /// `index customer = claim.customer`
    Index {
        /// The attribute.
        name: Ident,
        /// Its value.
        value: Expr,
    },
    /// `signal verdict: Verdict`
    Signal {
        /// Its name.
        name: Ident,
        /// The type of its messages; without one they carry nothing.
        ty: Option<TypeExpr>,
    },
    /// `state last: Sample? = none`
    State {
        /// Its name.
        name: Ident,
        /// Its type, where written.
        ty: Option<TypeExpr>,
        /// Its first value.
        value: Expr,
    },
    /// `query latest() -> Sample? { last }`
    Query(Box<Handler>),
    /// `update move(a: Action) -> Board { … }`
    Update(Box<Handler>),
    /// `limit: 10 per 1m`, in a workflow
    Setting(Box<Setting>),
    /// `given charge returns ChargeId("c")`, in a test
    Given(Box<Given>),
    /// `assert r == 1`, `assert ok, "why not"`
    Assert {
        /// What must hold.
        condition: Expr,
        /// What to say when it doesn't.
        message: Option<Expr>,
    },
    /// What could not be read; a diagnostic says why.
    Error,
}

/// A query or an update of a workflow.
#[derive(Clone, Debug)]
pub struct Handler {
    /// Name, parameters, result, failures.
    pub signature: Signature,
    /// Its body.
    pub body: Block,
}
