//! Blocks and statements, and what a statement registers with its saga.

use super::expr::{Branch, Expr};
use super::ids::LocalId;
use super::pattern::Pattern;
use flow_syntax::Span;
use flow_syntax::ast::Name;

/// Statements, then the value.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// The value; without one the block is `()`, or `Never` where a statement is.
    pub value: Option<Box<Expr>>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Registered with its saga once the statement has succeeded.
    pub compensation: Option<Box<Compensation>>,
    /// All of it.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `let`, `var`: the pattern matches always.
    Let {
        /// What it binds.
        pattern: Pattern,
        /// Its value.
        value: Expr,
    },
    /// Assigns a `var`. Compound, index and field assignments are rebindings: `m["k"] = v` is `m = map.insert(m, "k", v)`.
    Assign {
        /// The variable.
        local: LocalId,
        /// The new value.
        value: Expr,
    },
    /// Assigns a `state`, by index.
    AssignState {
        /// The state.
        state: u32,
        /// The new value.
        value: Expr,
    },
    /// `state x = e`: sets the first value where it stands.
    InitState {
        /// The state.
        state: u32,
        /// The value.
        value: Expr,
    },
    /// An expression whose value is dropped. (A block's last one with a compensation is here too where its value is
    /// kept: it is then bound to a nameless local first, and that local is the block's value.)
    Expr(Expr),
    /// `index customer = e`: a search attribute.
    Index {
        /// Its name.
        name: Name,
        /// Its value: a scalar or an option of one.
        value: Expr,
    },
}

/// `compensate UNDO unknown RELEASE`
#[derive(Clone, Debug)]
pub struct Compensation {
    /// The handle of the saga it is registered with.
    pub saga: LocalId,
    /// What undoes the statement; it may capture what the statement binds.
    pub undo: Branch,
    /// What undoes it where a call in the statement ended unknown.
    pub unknown: Option<Unknown>,
}

/// `unknown |key| RELEASE`
#[derive(Clone, Debug)]
pub struct Unknown {
    /// Holds the key, a `String`: the parameter after the captures.
    pub key: LocalId,
    /// What then undoes it. It captures nothing that the statement binds.
    pub branch: Branch,
}
