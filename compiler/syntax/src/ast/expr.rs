//! Expressions.

use super::{Block, Ident, Name, Pattern, TypeExpr};
use crate::span::Span;

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// The expression inside any number of parentheses.
    pub fn without_parens(&self) -> &Expr {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `10_000`, its text as written.
    Int(Name),
    /// `12.50`, `1.5e-3`, its text as written.
    Decimal(Name),
    /// `1h30m`
    Duration {
        /// As written.
        text: Name,
        /// How long, in milliseconds.
        millis: i64,
    },
    /// `true`, `false`
    Bool(bool),
    /// `none`
    None,
    /// `"hello {name}"`
    String(StringLiteral),
    /// A name; one that begins with a capital is a constructor or a constant.
    Name(Ident),
    /// `(e)`
    Paren(Box<Expr>),
    /// `(a, b)`; `()` is nothing.
    Tuple(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `["a": 1]`, `[:]`
    Map(Vec<MapEntry>),
    /// `f(x, name: y)`; a method is a call of a field, a constructor a call of a capital name.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// With what.
        args: Vec<Arg>,
    },
    /// `base.name`, `base?.name`
    Field {
        /// The value or module it belongs to.
        base: Box<Expr>,
        /// Its name.
        name: Ident,
        /// Whether it is `?.`: none where the base is.
        optional: bool,
    },
    /// `base[index]`
    Index {
        /// The list, map or tuple.
        base: Box<Expr>,
        /// The key.
        index: Box<Expr>,
    },
    /// `board with (turn: next)`: a changed copy.
    With {
        /// The record.
        base: Box<Expr>,
        /// The fields that differ.
        changes: Vec<Arg>,
    },
    /// `charge(card) using (timeout: 5s)`: a call with settings of its own.
    Using {
        /// The call.
        call: Box<Expr>,
        /// The settings that differ.
        settings: Vec<Arg>,
    },
    /// `-x`, `not x`
    Unary {
        /// What is done.
        op: UnaryOp,
        /// To what.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// What is done.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
    /// `value is PATTERN`: a test that binds where it holds.
    Is {
        /// The value.
        value: Box<Expr>,
        /// What it may be.
        pattern: Box<Pattern>,
    },
    /// `exponential(…) unless Corrupt`: a retry policy with an exception.
    Unless {
        /// The policy.
        value: Box<Expr>,
        /// The errors it does not retry.
        pattern: Box<Pattern>,
    },
    /// `try e`
    Try(Box<Expr>),
    /// `await handle`
    Await(Box<Expr>),
    /// `spawn f(x)`
    Spawn(Box<Expr>),
    /// `detach f(x)`
    Detach(Box<Expr>),
    /// `fail e`
    Fail(Box<Expr>),
    /// `return`, `return e`
    Return(Option<Box<Expr>>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `commit`: the saga's pivot.
    Commit,
    /// `sleep 10s`
    Sleep(Box<Expr>),
    /// `sleep until t`
    SleepUntil(Box<Expr>),
    /// `wait until condition`
    WaitUntil(Box<Expr>),
    /// `receive name`, `receive name within 1h`
    Receive {
        /// The signal.
        signal: Ident,
        /// How long to wait at most.
        within: Option<Box<Expr>>,
    },
    /// `|x, y: Int| e`
    Lambda {
        /// The parameters.
        params: Vec<LambdaParam>,
        /// The body; `{ … }` is a block.
        body: Box<Expr>,
    },
    /// `{ … }`
    Block(Block),
    /// `if c { … } else { … }`
    If {
        /// The condition; what its `is` binds is known in the first block.
        condition: Box<Expr>,
        /// If it holds.
        then: Block,
        /// If not: a block or another `if`.
        otherwise: Option<Box<Expr>>,
    },
    /// `match x { A => b, C => d }`
    Match {
        /// The value.
        value: Box<Expr>,
        /// What it may be.
        arms: Vec<Arm>,
    },
    /// `e catch { Declined(r) => … }`
    Catch {
        /// What may fail.
        value: Box<Expr>,
        /// The failures handled.
        arms: Vec<Arm>,
    },
    /// `saga { … }`, `saga unordered { … }`
    Saga {
        /// Whether the compensations run together.
        unordered: bool,
        /// The steps.
        body: Block,
    },
    /// `parallel { a(), b() }`, `parallel first 2 { … }`
    Parallel {
        /// How many branches are enough.
        first: Option<Box<Expr>>,
        /// The branches.
        branches: Vec<Expr>,
    },
    /// `parallel for x in xs max 100 { … }`
    ParallelFor(Box<ParallelFor>),
    /// `scope { spawn a() }`
    Scope(Block),
    /// `race { receive s as v => v  after 1h => none }`
    Race(Vec<RaceArm>),
    /// `timeout 5m { … }`
    Timeout {
        /// How long at most.
        limit: Box<Expr>,
        /// What.
        body: Block,
    },
    /// `every 1m { … }`
    Every {
        /// How often.
        interval: Box<Expr>,
        /// What.
        body: Block,
    },
    /// `exclusive key within 1m { … }`
    Exclusive {
        /// What is held.
        key: Box<Expr>,
        /// How long to wait for it at most.
        within: Option<Box<Expr>>,
        /// What runs while it is held.
        body: Block,
    },
    /// `shield { … }`: masked from cancellation.
    Shield(Block),
    /// `loop { … }`
    Loop(Block),
    /// `while c { … }`
    While {
        /// The condition; what its `is` binds is known in the body.
        condition: Box<Expr>,
        /// The body.
        body: Block,
    },
    /// `for x in xs { … }`
    For {
        /// What each element binds.
        pattern: Box<Pattern>,
        /// The elements.
        items: Box<Expr>,
        /// The body.
        body: Block,
    },
    /// What could not be read; a diagnostic says why.
    Error,
}

/// A string, in parts.
#[derive(Clone, Debug)]
pub struct StringLiteral {
    /// The parts, in order; empty for `""`.
    pub parts: Vec<StringPart>,
    /// Whether it is a `"""` block (its margin is already taken off).
    pub block: bool,
}

impl StringLiteral {
    /// The text, if nothing is interpolated.
    pub fn as_plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [StringPart::Text { text, .. }] => Some(text),
            _ => None,
        }
    }
}

/// A part of a string.
#[derive(Clone, Debug)]
pub enum StringPart {
    /// Plain text, escapes resolved.
    Text {
        /// What it means.
        text: Name,
        /// Where it is written.
        span: Span,
    },
    /// `{expr}`
    Expr(Expr),
}

/// An entry of a map literal.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// The key.
    pub key: Expr,
    /// The value.
    pub value: Expr,
}

/// An argument of a call, or a change of `with` and `using` (always named there).
#[derive(Clone, Debug)]
pub struct Arg {
    /// The parameter, where named.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// Both.
    pub span: Span,
}

/// A parameter of a lambda.
#[derive(Clone, Debug)]
pub struct LambdaParam {
    /// A name, `_` or a tuple of these.
    pub pattern: Pattern,
    /// Its type, where written.
    pub ty: Option<TypeExpr>,
    /// Both.
    pub span: Span,
}

/// An arm of `match` or `catch`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What must match.
    pub pattern: Pattern,
    /// `if …` after the pattern.
    pub guard: Option<Expr>,
    /// What then happens.
    pub body: Expr,
    /// All of it.
    pub span: Span,
}

/// `parallel for x in xs max 100 { … }`
#[derive(Clone, Debug)]
pub struct ParallelFor {
    /// How many branches are enough (`first n`).
    pub first: Option<Expr>,
    /// What each element binds.
    pub pattern: Pattern,
    /// The elements.
    pub items: Expr,
    /// How many at a time.
    pub max: Option<Expr>,
    /// A branch.
    pub body: Block,
}

/// An arm of `race`.
#[derive(Clone, Debug)]
pub struct RaceArm {
    /// What must finish.
    pub head: RaceHead,
    /// `as v`: what its result binds.
    pub binding: Option<Pattern>,
    /// What happens when it wins.
    pub body: Expr,
    /// All of it.
    pub span: Span,
}

/// What an arm of `race` waits for.
#[derive(Clone, Debug)]
pub enum RaceHead {
    /// An expression, `receive …` and `wait until …` included; what its `is` binds is known in the arm.
    Expr(Expr),
    /// `after DURATION`
    After(Expr),
}

/// Operators before their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `implies`, in specs
    Implies,
    /// `until`, in specs
    Until,
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `per`: a rate, `100 per 1s`
    Per,
    /// `??`
    Coalesce,
    /// `..`, half-open
    Range,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}

impl BinaryOp {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Implies => "implies",
            BinaryOp::Until => "until",
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Per => "per",
            BinaryOp::Coalesce => "??",
            BinaryOp::Range => "..",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
        }
    }
}
