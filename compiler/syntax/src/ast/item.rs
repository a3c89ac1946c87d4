//! Declarations.

use super::{Arg, Block, Docs, Expr, Ident, Name, Path, TypeExpr};
use crate::span::Span;

/// A declaration at the top of a module.
#[derive(Clone, Debug)]
pub struct Item {
    /// What `///` says before it.
    pub docs: Option<Docs>,
    /// Whether other modules see it (`pub`).
    pub public: bool,
    /// What it declares.
    pub kind: ItemKind,
    /// From `pub` or the first word to the end.
    pub span: Span,
}

impl Item {
    /// The name it declares; `use`, `spec`, `test` and what could not be read declare none.
    pub fn name(&self) -> Option<&Ident> {
        match &self.kind {
            ItemKind::Const(decl) => Some(&decl.name),
            ItemKind::Type(decl) => Some(&decl.name),
            ItemKind::Record(decl) => Some(&decl.name),
            ItemKind::Enum(decl) => Some(&decl.name),
            ItemKind::Error(decl) => Some(&decl.name),
            ItemKind::Fn(decl) => Some(&decl.signature.name),
            ItemKind::Activity(decl) => Some(&decl.signature.name),
            ItemKind::Workflow(decl) => Some(&decl.signature.name),
            ItemKind::Schedule(decl) => Some(&decl.name),
            ItemKind::Use(_) | ItemKind::Spec(_) | ItemKind::Test(_) | ItemKind::Invalid(_) => None,
        }
    }
}

/// The kinds of declarations.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `use std.http`
    Use(UseDecl),
    /// `const LIMIT = 10`
    Const(ConstDecl),
    /// `type Id = distinct String`
    Type(TypeDecl),
    /// `record Claim { id: String }`
    Record(RecordDecl),
    /// `enum Mark { Cross  Nought }`
    Enum(EnumDecl),
    /// `error ClaimError { Fraud(score: Decimal) }`
    Error(ErrorDecl),
    /// `fn total(lines: List<Line>) -> Decimal { … }`
    Fn(FnDecl),
    /// `activity charge(card: Card) -> ChargeId { … }`
    Activity(ActivityDecl),
    /// `workflow settle(claim: Claim) -> String { … }`
    Workflow(WorkflowDecl),
    /// `schedule nightly { … }`
    Schedule(ScheduleDecl),
    /// `spec transfer(…) { … }`
    Spec(SpecDecl),
    /// `test "…" { … }`
    Test(TestDecl),
    /// What could not be read; a diagnostic says why.
    Invalid(Vec<Ident>),
}

/// `use std.time.{now, today as date}`, `use ./payments as pay`.
#[derive(Clone, Debug)]
pub struct UseDecl {
    /// Where the path starts.
    pub origin: UseOrigin,
    /// The names of the path; folders and the module, in order.
    pub path: Path,
    /// The names taken from the module by `.{…}`; without it the module itself is named.
    pub names: Option<Vec<UseName>>,
    /// The module's local name (`as`).
    pub alias: Option<Ident>,
}

/// Where the path of a `use` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseOrigin {
    /// A package: `std.http`.
    Package,
    /// A file beside this one, `ups` folders higher: 0 for `./`, 1 for `../`.
    Relative {
        /// How many folders up.
        ups: u32,
    },
}

/// One name in the braces of a `use`.
#[derive(Clone, Debug)]
pub struct UseName {
    /// The name in the other module.
    pub name: Ident,
    /// The name here (`as`).
    pub alias: Option<Ident>,
}

/// `const LINES: List<Int> = [1, 2]`
#[derive(Clone, Debug)]
pub struct ConstDecl {
    /// Its name.
    pub name: Ident,
    /// Its type, where written.
    pub ty: Option<TypeExpr>,
    /// Its value.
    pub value: Expr,
}

/// `type Names = List<String>`, `type AccountId = distinct String`
#[derive(Clone, Debug)]
pub struct TypeDecl {
    /// Its name.
    pub name: Ident,
    /// Its type parameters.
    pub generics: Vec<Ident>,
    /// Whether it is a type of its own rather than another name.
    pub distinct: bool,
    /// What it stands for or wraps.
    pub ty: TypeExpr,
}

/// `record Page<T> { items: List<T>  next: String? = none }`
#[derive(Clone, Debug)]
pub struct RecordDecl {
    /// Its name.
    pub name: Ident,
    /// Its type parameters.
    pub generics: Vec<Ident>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a record or of an enum's case.
#[derive(Clone, Debug)]
pub struct Field {
    /// What `///` says before it.
    pub docs: Option<Docs>,
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
    /// Its value where none is given.
    pub default: Option<Expr>,
    /// The whole field.
    pub span: Span,
}

/// `enum Verdict { Approved(by: String)  Denied }`
#[derive(Clone, Debug)]
pub struct EnumDecl {
    /// Its name.
    pub name: Ident,
    /// Its type parameters.
    pub generics: Vec<Ident>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// A case of an enum or an error.
#[derive(Clone, Debug)]
pub struct Case {
    /// What `///` says before it.
    pub docs: Option<Docs>,
    /// Its name.
    pub name: Ident,
    /// What it carries.
    pub fields: Vec<Field>,
    /// The whole case.
    pub span: Span,
}

/// `error ClaimError { … }`, `error Illegal(cell: Int)`
#[derive(Clone, Debug)]
pub struct ErrorDecl {
    /// Its name.
    pub name: Ident,
    /// Its cases.
    pub body: ErrorBody,
}

/// The two ways to write an error.
#[derive(Clone, Debug)]
pub enum ErrorBody {
    /// `error E { A  B(x: T) }`
    Cases(Vec<Case>),
    /// `error E(x: T)`: type and only case share the name.
    Single(Vec<Field>),
}

/// What `fn`, `activity`, `workflow`, `query` and `update` have in common.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its name.
    pub name: Ident,
    /// Its type parameters.
    pub generics: Vec<TypeParam>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its result; without one it gives nothing.
    pub result: Option<TypeExpr>,
    /// What it may fail with: `fails A | B`.
    pub fails: Vec<TypeExpr>,
    /// From its name to the last of these.
    pub span: Span,
}

/// A type parameter of a function.
#[derive(Clone, Debug)]
pub struct TypeParam {
    /// Its name.
    pub name: Ident,
    /// What its types must have: `T: Ordered`.
    pub bound: Option<Ident>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
    /// Its value where the caller gives none.
    pub default: Option<Expr>,
    /// The whole parameter.
    pub span: Span,
}

/// `fn total(lines: List<Line>) -> Decimal { … }`
#[derive(Clone, Debug)]
pub struct FnDecl {
    /// Name, parameters, result, failures.
    pub signature: Signature,
    /// Its body; only the standard library may leave it to the machine.
    pub body: Option<Block>,
}

/// `activity charge(card: Card) -> ChargeId { timeout: 30s }`
#[derive(Clone, Debug)]
pub struct ActivityDecl {
    /// Name, parameters, result, failures.
    pub signature: Signature,
    /// The `key: value` lines of its body; empty without one.
    pub settings: Vec<Setting>,
}

/// One `key: value` of an activity, a schedule or a workflow.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What `///` says before it.
    pub docs: Option<Docs>,
    /// The key.
    pub key: Ident,
    /// The value.
    pub value: Expr,
    /// Both.
    pub span: Span,
}

/// `workflow settle(claim: Claim) -> String fails ClaimError { … }`
#[derive(Clone, Debug)]
pub struct WorkflowDecl {
    /// Name, parameters, result, failures.
    pub signature: Signature,
    /// Its body.
    pub body: Block,
}

/// `schedule nightly { cron: "0 2 * * *"  run: close_books() }`
#[derive(Clone, Debug)]
pub struct ScheduleDecl {
    /// Its name.
    pub name: Ident,
    /// The `key: value` lines of its body.
    pub settings: Vec<Setting>,
}

/// `spec transfer(t: sample) { … }`
#[derive(Clone, Debug)]
pub struct SpecDecl {
    /// The workflow it is about.
    pub target: Path,
    /// What the workflow is started with.
    pub args: Vec<Arg>,
    /// What is claimed of it.
    pub items: Vec<SpecItem>,
}

/// A line of a spec.
#[derive(Clone, Debug)]
pub struct SpecItem {
    /// What it says.
    pub kind: SpecItemKind,
    /// The whole line.
    pub span: Span,
}

/// The lines a spec may have.
#[derive(Clone, Debug)]
pub enum SpecItemKind {
    /// `ghost escrow = 0`: a variable of the proof only.
    Ghost {
        /// Its name.
        name: Ident,
        /// Its type, where written.
        ty: Option<TypeExpr>,
        /// Its first value.
        value: Expr,
    },
    /// `on lock_funds { escrow += 100 }`: what happens to the ghosts when the step succeeds.
    On {
        /// The activity.
        target: Path,
        /// What to do.
        body: Block,
    },
    /// `always p`
    Always(Expr),
    /// `eventually p`
    Eventually(Expr),
    /// A formula of its own: `AG(p)`, `A[p until q]`.
    Formula(Expr),
    /// What an activity may answer.
    Given(Given),
    /// What could not be read.
    Error,
}

/// `given charge returns ChargeId("c")`, in a test or a spec.
#[derive(Clone, Debug)]
pub struct Given {
    /// The activity or workflow.
    pub target: Path,
    /// What it does.
    pub outcome: GivenOutcome,
    /// The whole line.
    pub span: Span,
}

/// What a stubbed activity does.
#[derive(Clone, Debug)]
pub enum GivenOutcome {
    /// `returns VALUE`; the value may be a lambda over the arguments.
    Returns(Expr),
    /// `fails ERROR`
    Fails(Expr),
    /// `takes DURATION`
    Takes(Expr),
    /// `in [returns A, fails B]`: any of these.
    In(Vec<GivenOutcome>),
}

/// `test "a late confirmation returns the money" { … }`
#[derive(Clone, Debug)]
pub struct TestDecl {
    /// What it shows.
    pub name: Name,
    /// Where the name stands, quotes included.
    pub name_span: Span,
    /// Its body.
    pub body: Block,
}
