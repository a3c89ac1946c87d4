//! Code: bodies and expressions.

use super::ids::{ActivityId, ConstId, FunctionId, LocalId, Table, Ty, WorkflowId};
use super::pattern::Pattern;
use super::program::{Policy, Suspends};
use super::stmt::Block;
use flow_syntax::Span;
use flow_syntax::ast::Name;

/// The code of one function, constant, activity or workflow, with all its locals.
///
/// Lambdas, branches, race heads and compensations within it share its locals: a captured variable has the same
/// [`LocalId`] inside and outside, and inside holds the value it had when it was captured.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The locals that are the parameters, in order.
    pub params: Vec<LocalId>,
    /// All locals.
    pub locals: Table<LocalId, Local>,
    /// The code.
    pub value: Expr,
}

/// A local variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name; what the compiler made has none.
    pub name: Option<Name>,
    /// Its type.
    pub ty: Ty,
    /// The name where it is declared.
    pub span: Span,
    /// Whether it is a `var`.
    pub mutable: bool,
    /// For a local of function type: whether calling it suspends, see [`Suspends`].
    pub suspends: Suspends,
}

/// An expression: its type is final, and conversions are explicit.
///
/// Operands are evaluated in the order in which the node lists them, arguments in parameter order.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it does.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

impl Default for Expr {
    fn default() -> Self {
        Expr { kind: ExprKind::Invalid, ty: super::Types::INVALID, span: Span::default() }
    }
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `()`
    Unit,
    /// `true`
    Bool(bool),
    /// `42`
    Int(i64),
    /// Of type `Float`.
    Float(f64),
    /// `12.50`
    Decimal(rust_decimal::Decimal),
    /// `30s`, in nanoseconds.
    Duration(i64),
    /// Text without interpolation.
    String(Name),
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A literal of the expression's type.
    Literal(Literal),
    /// `"a {b} c"`: text; each expression part is shown as `core.show` does.
    Interpolate(Vec<StringPart>),
    /// A local variable or parameter.
    Local(LocalId),
    /// A constant.
    Const(ConstId),
    /// A `state` variable of the workflow, by index.
    State(u32),
    /// `none`
    None,
    /// A tuple.
    Tuple(Vec<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// A map: keys and values, in order; a later equal key wins.
    Map(Vec<(Expr, Expr)>),
    /// A record: all fields, in order of declaration.
    Record(Vec<Expr>),
    /// A case of an enum or error: its index and all its fields.
    Case {
        /// The case.
        case: u32,
        /// Its fields.
        fields: Vec<Expr>,
    },
    /// A copy of a record with some fields replaced, by index.
    With {
        /// The record.
        base: Box<Expr>,
        /// The fields that differ.
        changes: Vec<(u32, Expr)>,
    },
    /// A field of a record or tuple, by index.
    Field {
        /// The record or tuple.
        base: Box<Expr>,
        /// The field.
        index: u32,
    },
    /// `list[i]`: traps where out of range. (`map[k]` is a call of `map.get`.)
    Index {
        /// A list.
        list: Box<Expr>,
        /// An `Int`.
        index: Box<Expr>,
    },
    /// A function as a value.
    Function {
        /// The function.
        function: FunctionId,
        /// Its type arguments.
        type_args: Vec<Ty>,
    },
    /// A call of a declared function: ordinary, intrinsic, host or connector, as
    /// [`FunctionCode`](super::FunctionCode) says.
    Call {
        /// The function.
        function: FunctionId,
        /// Its type arguments, one for each of its type parameters.
        type_args: Vec<Ty>,
        /// All arguments, defaults filled in.
        args: Vec<Expr>,
    },
    /// A call of a function value.
    CallValue {
        /// The function value.
        callee: Box<Expr>,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// A call of an activity.
    CallActivity {
        /// The activity.
        activity: ActivityId,
        /// All arguments.
        args: Vec<Expr>,
        /// `using (…)`: what differs from the activity's own policy, for this call.
        using: Box<Policy>,
        /// Whether its statement says `unknown`, so that cancellation may interrupt the call in flight.
        interruptible: bool,
    },
    /// A call of a workflow: a child instance, joined.
    CallWorkflow {
        /// The workflow.
        workflow: WorkflowId,
        /// All arguments.
        args: Vec<Expr>,
    },
    /// `env.NAME`: an environment variable, only within an activity's `run`.
    Env(Name),
    /// `step.key`, only within an activity's `run`.
    StepKey,
    /// A conversion.
    Coerce {
        /// Which.
        kind: CoerceKind,
        /// From what.
        value: Box<Expr>,
    },
    /// `-x` on `Int`, `Decimal`, `Float`, `Duration`.
    Negate(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `a and b`; `b` is evaluated only where `a` holds.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`; `b` is evaluated only where `a` doesn't hold.
    Or(Box<Expr>, Box<Expr>),
    /// Arithmetic and comparison; see [`BinaryOp`] for the operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `a..b` of `Int`: `List<Int>`, half open. As the items of `for` it needs no list.
    Range(Box<Expr>, Box<Expr>),
    /// `value is PATTERN`: a `Bool`; where it is true, the pattern's locals are assigned.
    Is {
        /// The value.
        value: Box<Expr>,
        /// The pattern.
        pattern: Box<Pattern>,
    },
    /// A block.
    Block(Block),
    /// `if`. Without `else` its type is `Unit`.
    If {
        /// A `Bool`.
        condition: Box<Expr>,
        /// Of the expression's type, or `Never`.
        then: Box<Expr>,
        /// Of the expression's type, or `Never`.
        otherwise: Option<Box<Expr>>,
    },
    /// `match`: the arms are tried in order; one of them always matches. `??` and `?.` are this too.
    Match {
        /// The value.
        value: Box<Expr>,
        /// The arms.
        arms: Vec<Arm>,
    },
    /// `value catch { … }`: the arms are tried in order with the raised error; where none matches it is raised again.
    Catch {
        /// What may fail.
        value: Box<Expr>,
        /// The arms. Their patterns are over a raised error, see [`PatternKind::Error`] and [`PatternKind::AnyError`].
        arms: Vec<CatchArm>,
    },
    /// `try value`: of type `Result<T, E>`; the errors listed become `Err`, any other goes on. With one error, `E` is its
    /// type; with several their [`Union`](super::Type::Union), whose value is the raised error itself.
    Try {
        /// What may fail.
        value: Box<Expr>,
        /// The error types caught.
        errors: Vec<Ty>,
    },
    /// `fail e`: `e` is of an error type, or of a union (then that error itself goes on).
    Fail(Box<Expr>),
    /// `return e`; the value is of the type of the function left, `()` made explicit.
    Return(Box<Expr>),
    /// Leaves the innermost loop.
    Break,
    /// Goes on with the innermost loop.
    Continue,
    /// A lambda.
    Lambda(Box<Lambda>),
    /// `loop`: of type `Unit` if it has a `break`, else `Never`.
    Loop(Box<Expr>),
    /// `while`
    While {
        /// A `Bool`.
        condition: Box<Expr>,
        /// Of type `Unit` or `Never`.
        body: Box<Expr>,
    },
    /// `for PATTERN in LIST`
    For {
        /// Binds each element; matches always.
        pattern: Box<Pattern>,
        /// A list.
        items: Box<Expr>,
        /// Of type `Unit` or `Never`.
        body: Box<Expr>,
    },
    /// `sleep d`
    Sleep(Box<Expr>),
    /// `sleep until t`
    SleepUntil(Box<Expr>),
    /// `saga { … }`, in the strand that runs it.
    Saga {
        /// An `Int` local that holds the saga's number while it is open. Compensations and `commit` refer to it, and a
        /// branch that registers compensations captures it.
        handle: LocalId,
        /// `saga unordered`.
        unordered: bool,
        /// The steps.
        body: Box<Expr>,
    },
    /// `commit`: drops what the saga of this handle holds.
    Commit {
        /// The saga's handle.
        saga: LocalId,
    },
    /// `scope { … }`, in the strand that runs it: joins what is spawned inside.
    Scope {
        /// An `Int` local that holds the scope's number while it is open.
        handle: LocalId,
        /// What.
        body: Box<Expr>,
    },
    /// `spawn e`: a handle, or `()` where nobody keeps it.
    Spawn {
        /// The strand.
        branch: Branch,
        /// Whether its handle is kept.
        kept: bool,
    },
    /// `await e`: the value of the strand or child workflow that `e`, a `Task` or `Child`, stands for.
    Await(Box<Expr>),
    /// `detach f(x)`: an `Instance`.
    Detach {
        /// The workflow.
        workflow: WorkflowId,
        /// All arguments.
        args: Vec<Expr>,
        /// `using (id: e)`, a `String`.
        id: Option<Box<Expr>>,
    },
    /// `c.verdict(x)`: a signal to the instance that a handle stands for.
    Tell {
        /// A `Child` or `Instance`.
        handle: Box<Expr>,
        /// Its workflow.
        workflow: WorkflowId,
        /// The signal, by index.
        signal: u32,
        /// What it carries, as `Json`.
        value: Option<Box<Expr>>,
    },
    /// `c.status()`: a query or update of the instance that a handle stands for.
    Ask {
        /// A `Child` or `Instance`.
        handle: Box<Expr>,
        /// Its workflow.
        workflow: WorkflowId,
        /// Whether it is an update.
        update: bool,
        /// Which, by index.
        index: u32,
        /// All arguments, as `Json`.
        args: Vec<Expr>,
        /// Whether its statement says `unknown`, so that cancellation may leave it unanswered.
        interruptible: bool,
    },
    /// `parallel { a(), b() }`: a tuple of the branches' values (one branch: its value; none: `()`).
    Parallel {
        /// `first n`, an `Int`: then it is the list of the first values, as they came.
        first: Option<Box<Expr>>,
        /// What runs side by side.
        branches: Vec<Branch>,
    },
    /// `parallel for`: a list of the branches' values, in the order of the items.
    ParallelFor {
        /// `first n`, an `Int`: then the list holds the first values, as they came.
        first: Option<Box<Expr>>,
        /// A list.
        items: Box<Expr>,
        /// An `Int`.
        max: Option<Box<Expr>>,
        /// Holds the item in the branch: its parameter after the captures.
        item: LocalId,
        /// The branch of one item.
        branch: Branch,
    },
    /// `race { … }`
    Race(Vec<RaceArm>),
    /// `timeout d { … }`, in the strand that runs it.
    Timeout {
        /// A `Duration`.
        limit: Box<Expr>,
        /// What.
        body: Box<Expr>,
    },
    /// `shield { … }`, in the strand that runs it.
    Shield(Box<Expr>),
    /// `receive NAME`: the workflow's signal, by index. `receive NAME within d` is that in a `timeout`.
    Receive(u32),
    /// `wait until CONDITION`
    WaitUntil(Box<WaitUntil>),
    /// A mistake was reported here. Never in a program without errors.
    Invalid,
}

/// A part of an interpolated string.
#[derive(Clone, Debug)]
pub enum StringPart {
    /// Plain text.
    Text(Name),
    /// A value of any type.
    Expr(Expr),
}

/// The kinds of conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoerceKind {
    /// `T` to `T?`: `Some(x)`, written or implied.
    Some,
    /// Any value to `Json`.
    ToJson,
    /// An error type to a union it belongs to, or a union to a larger one (which changes nothing at run time).
    ToUnion,
    /// A value to a `distinct` type around it: changes nothing at run time.
    Wrap,
    /// `.value`: a `distinct` value to what it wraps: changes nothing at run time.
    Unwrap,
    /// A value to `()`: evaluates it and drops the result.
    Discard,
    /// A function value to one of the suspending kind, see [`Suspends`].
    Suspending,
}

/// Operators with two operands. Both sides have the same type unless the line says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `Int`, `Decimal`, `Float`, `Duration`; `Timestamp + Duration`; `String` is not added.
    Add,
    /// `Int`, `Decimal`, `Float`, `Duration`; `Timestamp - Duration`; `Timestamp - Timestamp` is a `Duration`.
    Sub,
    /// `Int`, `Decimal`, `Float`; `Duration * Int`; `Int * Duration`.
    Mul,
    /// `Int`, `Decimal`, `Float`; `Duration / Int`; `Duration / Duration` is an `Int`.
    Div,
    /// `Int`, `Decimal`, `Float`.
    Rem,
    /// Any type without functions.
    Eq,
    /// Any type without functions.
    Ne,
    /// `Int`, `Decimal`, `Float`, `Duration`, `Timestamp`, `String`.
    Lt,
    /// As `Lt`.
    Le,
    /// As `Lt`.
    Gt,
    /// As `Lt`.
    Ge,
}

/// Code that becomes a function of its own: a branch, a race head, a compensation. It cannot assign what it captures.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The locals from outside that it reads, ascending: its parameters, given their values of that moment.
    pub captures: Vec<LocalId>,
    /// Its code and result.
    pub body: Box<Expr>,
}

/// An arm of `race`.
#[derive(Clone, Debug)]
pub struct RaceArm {
    /// What must finish.
    pub head: RaceHead,
    /// Binds the head's value; matches always.
    pub binding: Option<Pattern>,
    /// What then happens, in the strand that races; of the race's type or `Never`.
    pub body: Expr,
    /// All of it.
    pub span: Span,
}

/// What an arm of `race` waits for.
#[derive(Clone, Debug)]
pub enum RaceHead {
    /// An expression, as a strand of its own; its type is `body.ty`.
    Strand(Branch),
    /// `after d`, a `Duration`. It has no value and no binding.
    After(Expr),
    /// `receive NAME`: the workflow's signal, by index.
    Receive(u32),
    /// `wait until CONDITION`. It has no value and no binding of its own; what its patterns bind is known in the body.
    WaitUntil(Box<WaitUntil>),
}

/// What `wait until` waits for.
#[derive(Clone, Debug)]
pub struct WaitUntil {
    /// The `state`s it reads, ascending; at least one. It is evaluated when the wait begins, and after each step that
    /// wrote one of them.
    pub states: Vec<u32>,
    /// Its code, which never waits: a `Bool`; where it binds locals, an option of the tuple of their values.
    pub condition: Branch,
    /// The locals that its patterns bind where it holds, known from there on in the code around it.
    pub bound: Vec<LocalId>,
}

/// `|x, y| e`
#[derive(Clone, Debug)]
pub struct Lambda {
    /// Its parameters.
    pub params: Vec<LocalId>,
    /// The locals from outside that it reads, ascending. It cannot assign them.
    pub captures: Vec<LocalId>,
    /// Its code; it holds no `return`.
    pub body: Expr,
    /// Whether calling it may suspend, in terms of the parameters of the enclosing function.
    pub suspends: Suspends,
}

/// An arm of `match`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// The pattern.
    pub pattern: Pattern,
    /// Of type `Bool`.
    pub guard: Option<Expr>,
    /// Of the match's type, or `Never`.
    pub body: Expr,
}

/// An arm of `catch`.
#[derive(Clone, Debug)]
pub struct CatchArm {
    /// Over the raised error.
    pub pattern: Pattern,
    /// Of type `Bool`.
    pub guard: Option<Expr>,
    /// Of the expression's type, or `Never`.
    pub body: Expr,
    /// The arm names `Cancelled`: where that is the error, the body is clean-up and the cancellation is raised again
    /// after it.
    pub reraises_cancelled: bool,
}
