//! Declarations: what a program consists of.

use super::expr::{Body, Expr};
use super::ids::{ActivityId, ConstId, FunctionId, ModuleId, NominalId, Table, Ty, WorkflowId};
use super::pattern::Pattern;
use super::types::Types;
use flow_syntax::ast::Name;
use flow_syntax::{FileId, Span};

/// A whole program: the root files, what they use, and the standard library.
#[derive(Debug, Default)]
pub struct Program {
    /// All types.
    pub types: Types,
    /// All modules; the root files are the first.
    pub modules: Table<ModuleId, Module>,
    /// Records, enums, errors and distinct types.
    pub nominals: Table<NominalId, Nominal>,
    /// Functions.
    pub functions: Table<FunctionId, Function>,
    /// Constants.
    pub constants: Table<ConstId, Const>,
    /// Activities.
    pub activities: Table<ActivityId, Activity>,
    /// Workflows, of the root files and of what they use.
    pub workflows: Table<WorkflowId, Workflow>,
    /// Declarations of the standard library that the language itself refers to.
    pub known: Known,
    /// Whether anything in it is spawned: only then workflows have strands to join.
    pub spawns: bool,
}

/// Standard types the language itself refers to; absent only where the standard library is broken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// `enum Result<T, E> { Ok(value: T)  Err(error: E) }`: cases 0 and 1.
    pub result: Option<NominalId>,
    /// `error Timeout`
    pub timeout: Option<NominalId>,
    /// `error Cancelled`
    pub cancelled: Option<NominalId>,
    /// `error ActivityFailed(activity: String, reason: String)`
    pub activity_failed: Option<NominalId>,
    /// `error Trap(kind: String, message: String)`
    pub trap: Option<NominalId>,
    /// `record ActivityPolicy`, fields as in [`Policy`], each an option, `limit` as `limit_count` and `limit_per`.
    pub policy: Option<NominalId>,
    /// `record Retry` of `std.activity`.
    pub retry: Option<NominalId>,
    /// `record Task<T, E> { strand: String }`: what `spawn` gives; `E` is `Never` where nothing can fail.
    pub task: Option<NominalId>,
    /// `record Child<W> { id: String  strand: String }`: what `spawn` gives for a workflow.
    pub child: Option<NominalId>,
    /// `record Instance<W> { id: String }`
    pub instance: Option<NominalId>,
    /// `record Sql { text: String  params: List<Json> }`: what an interpolated literal becomes where `Sql` is
    /// expected; parameters are written `$1`, `$2` … in the text.
    pub sql: Option<NominalId>,
}

/// One file.
#[derive(Debug)]
pub struct Module {
    /// For people: `std.list`, `payments`.
    pub name: String,
    /// Its file in the source map.
    pub file: FileId,
    /// Whether it belongs to the standard library.
    pub standard: bool,
    /// What `//!` says.
    pub docs: Option<String>,
}

/// A declared type.
#[derive(Clone, Debug)]
pub struct Nominal {
    /// Its name.
    pub name: Name,
    /// The name where it is declared.
    pub span: Span,
    /// Where it is declared.
    pub module: ModuleId,
    /// The names of its type parameters: [`Type::Param`](super::Type::Param) in its parts.
    pub generics: Vec<Name>,
    /// What it is.
    pub kind: NominalKind,
    /// What `///` says.
    pub docs: Option<String>,
}

/// The kinds of declared types.
#[derive(Clone, Debug)]
pub enum NominalKind {
    /// `record`
    Record(Vec<Field>),
    /// `enum`
    Enum(Vec<Case>),
    /// `error`: an enum that can be raised. `error E(x: T)` has one case, named as the type.
    Error(Vec<Case>),
    /// `type X = distinct T`: the inner type.
    Distinct(Ty),
}

/// One case of an enum or error.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: Name,
    /// The name where it is declared.
    pub span: Span,
    /// What it carries.
    pub fields: Vec<Field>,
}

/// A field of a record or case.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// The name where it is declared.
    pub span: Span,
    /// Its type.
    pub ty: Ty,
    /// Its value where none is given: already filled in at each construction, kept here for decoding JSON.
    pub default: Option<Box<Body>>,
}

/// A parameter of a function, activity, workflow, query or update.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Ty,
    /// Of a workflow, query or update: its value where none is given. Already filled in at each call, kept here for
    /// arguments from outside.
    pub default: Option<Box<Body>>,
    /// The whole parameter.
    pub span: Span,
}

/// Names, types and failures of what can be called.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name.
    pub name: Name,
    /// The name where it is declared.
    pub span: Span,
    /// Where it is declared.
    pub module: ModuleId,
    /// The names of its type parameters.
    pub generics: Vec<Name>,
    /// Those of them, by index, whose types must have an order: `T: Ordered`.
    pub ordered: Vec<u32>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its result; `Unit` where none is written.
    pub result: Ty,
    /// The error types it declares, sorted.
    pub fails: Vec<Ty>,
    /// What `///` says.
    pub docs: Option<String>,
}

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its signature.
    pub signature: Signature,
    /// What it does.
    pub code: FunctionCode,
    /// Whether calling it may suspend.
    pub suspends: Suspends,
    /// Whether it uses a connector, `env` or `step`: then only an activity's `run` calls it. A connector call suspends
    /// too, namely the attempt, and counts in `suspends`.
    pub touches_world: bool,
}

/// Where the code of a function is.
#[derive(Debug)]
pub enum FunctionCode {
    /// Written in Flow.
    Flow(Body),
    /// A built-in pure operation, by its name: `list.len`. Its type arguments are those of the call.
    Intrinsic(String),
    /// Something asked of the instance without suspending, by its name: `time.now`, `progress.step`, `random.bits`.
    Host(String),
    /// A connector, by its name: `http.post`. Only within an activity's `run`; its result is decoded as the call's type.
    Connector(String),
}

/// Whether code suspends.
///
/// A function that takes functions may depend on them: `list.map` suspends exactly where the function passed does. So
/// an instance of a function is named by its type arguments *and* by which of its function parameters suspend.
///
/// Which function values suspend is known statically: for a lambda it is [`Lambda::suspends`](super::Lambda), for a
/// reference to a function that function's `suspends`, for a parameter of the enclosing function the instance's answer,
/// for other locals [`Local::suspends`](super::Local). Everywhere else (in a record, a list, a `var`, the result of a
/// call or an `if`) a function value is of the suspending kind, and
/// [`CoerceKind::Suspending`](super::CoerceKind::Suspending) marks each place where one becomes so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspends {
    /// It may.
    Yes,
    /// It does where one of these parameters of the enclosing function (by index) does; with none, it never does.
    If(Vec<u32>),
}

impl Suspends {
    /// What never suspends.
    pub const NO: Suspends = Suspends::If(Vec::new());

    /// The answer for an instance whose parameter `index` suspends where `param(index)` says so.
    pub fn resolve(&self, param: impl Fn(u32) -> bool) -> bool {
        match self {
            Suspends::Yes => true,
            Suspends::If(params) => params.iter().any(|index| param(*index)),
        }
    }
}

/// A constant.
#[derive(Debug)]
pub struct Const {
    /// Its name.
    pub name: Name,
    /// The name where it is declared.
    pub span: Span,
    /// Where it is declared.
    pub module: ModuleId,
    /// Its type.
    pub ty: Ty,
    /// Its value: pure, evaluated where it is used.
    pub body: Body,
    /// What `///` says.
    pub docs: Option<String>,
}

/// An activity.
#[derive(Debug)]
pub struct Activity {
    /// Its signature.
    pub signature: Signature,
    /// The locals of everything below; the first are the parameters. Its `value` is the `run` expression, where there
    /// is one (else `has_run` is false and the value is `()`), already of the result's type. It is evaluated outside the
    /// instance, once per attempt.
    pub body: Body,
    /// Whether it has a `run`; without one a worker does it.
    pub has_run: bool,
    /// How it is called. These expressions read the parameters, and are evaluated in the instance, at each call.
    pub policy: Policy,
    /// `retry: … unless PATTERN`: over the raised error, as a pattern of `catch`.
    pub unless: Option<Pattern>,
    /// Whether `run` uses the `sql` connector.
    pub transactional: bool,
}

/// The settings of an activity or of one call (`using`). What is absent is as the activity, then the runtime, says.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `Duration`: one attempt.
    pub timeout: Option<Expr>,
    /// `Duration`: all attempts.
    pub deadline: Option<Expr>,
    /// `Retry`.
    pub retry: Option<Expr>,
    /// `Duration`.
    pub heartbeat: Option<Expr>,
    /// `String`.
    pub queue: Option<Expr>,
    /// `String`.
    pub route: Option<Expr>,
    /// `n per d`: an `Int` and a `Duration`.
    pub limit: Option<(Expr, Expr)>,
}

/// A workflow.
#[derive(Debug)]
pub struct Workflow {
    /// Its signature.
    pub signature: Signature,
    /// Its code. Always a suspending function.
    pub body: Body,
    /// Its `state` variables; each is initialised by [`StmtKind::InitState`](super::StmtKind::InitState) where it stands.
    pub states: Vec<State>,
    /// Its signals.
    pub signals: Vec<Signal>,
    /// Its queries.
    pub queries: Vec<Handler>,
    /// Its updates.
    pub updates: Vec<Handler>,
}

/// A variable of the instance.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Ty,
    /// The whole declaration.
    pub span: Span,
}

/// A kind of message a workflow receives.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Its name.
    pub name: Name,
    /// The type of its messages; `Unit` where they carry nothing.
    pub ty: Ty,
    /// The whole declaration.
    pub span: Span,
}

/// A query or update of a workflow.
#[derive(Debug)]
pub struct Handler {
    /// Its signature.
    pub signature: Signature,
    /// Its code; it reads `state`s, and locals of its own, never the workflow's.
    pub body: Body,
}
