//! Checks bodies: from syntax to typed code, one body at a time.
//!
//! [`Checker`] holds what one body needs; each file here adds the part of the language it is named after.

mod access;
mod activity;
mod arguments;
mod assign;
mod block;
mod bodies;
mod call;
mod coerce;
mod control;
mod durable;
mod expr;
mod failure;
mod finish;
mod literal;
mod messages;
mod operator;
mod pattern;
mod program;
mod proof;
mod strands;
mod usage;
mod workflow;

pub(crate) use bodies::{Bodies, WorkflowBody};
use control::Join;
pub(crate) use program::{check, check_constants};

use crate::context::Context;
use crate::declare;
use crate::hir::{Body, Expr, ExprKind, Id, Local, LocalId, ModuleId, Suspends, Table, Ty, Type, Types};
use crate::infer::Unknowns;
use flow_syntax::ast::{Ident, Name};
use flow_syntax::{Diagnostic, Span};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeSet;
use usage::{Role, Usage};

/// Why a type is expected, for the message where it is not met.
#[derive(Clone, Debug)]
pub(crate) enum Why {
    /// Nothing in particular.
    Context,
    /// The `n`-th argument (from 1; 0 is what a method is called on) of a callee, whose parameter is declared here.
    Argument { index: usize, callee: Name, declared: Span },
    /// A field of a record or case.
    Field { name: Name, owner: Name, declared: Span },
    /// A written type, here.
    Declared(Span),
    /// The declared result of the function.
    Returns { name: Name, span: Span },
    /// The other elements of a list or map.
    Element(Span),
    /// The other arms or branches.
    Arms(Span),
    /// What the variable was given first.
    Variable { name: Name, span: Span },
    /// A condition.
    Condition,
    /// What an operator works on.
    Operand(&'static str),
    /// What a setting, a duration or a count must be.
    Setting(&'static str),
}

/// What an expression's surroundings want of it.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// Any value.
    Any,
    /// Any value; what type its number literals are is left to what is done with it.
    Open,
    /// Any value, probably of this type.
    Hint(Ty),
    /// No value: it is evaluated and dropped.
    Drop,
    /// A value of this type.
    Type(Ty, Why),
}

impl Want {
    /// The wanted type, if only as a hint.
    pub fn ty(&self) -> Option<Ty> {
        match self {
            Want::Type(ty, _) | Want::Hint(ty) => Some(*ty),
            Want::Any | Want::Open | Want::Drop => None,
        }
    }

    /// Wants a type; of `()` nothing needs to be kept.
    pub fn of(ty: Ty, why: Why) -> Want {
        if ty == Types::UNIT { Want::Drop } else { Want::Type(ty, why) }
    }
}

/// What a name stands for within a body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Binding {
    Local(LocalId),
    State(u32),
    Signal,
    /// A query or update: its name is known, but it is called only from outside.
    Handler,
}

/// Code with captures of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Body,
    Lambda,
    Branch,
    RaceHead,
    Compensation,
    /// Of `wait until`: evaluated by the instance, again and again.
    Condition,
    Spawned,
}

impl FrameKind {
    /// For a message.
    pub fn describe(self) -> &'static str {
        match self {
            FrameKind::Body => "this code",
            FrameKind::Lambda => "a lambda",
            FrameKind::Branch => "a branch",
            FrameKind::RaceHead => "what a race waits for",
            FrameKind::Compensation => "a compensation",
            FrameKind::Condition => "a condition",
            FrameKind::Spawned => "a spawned strand",
        }
    }
}

/// One level of code with captures of its own.
pub(crate) struct Frame {
    pub kind: FrameKind,
    pub captures: BTreeSet<LocalId>,
    /// How many loops are open in it, and whether the innermost has a `break`.
    pub loops: Vec<bool>,
}

/// A failure that an expression can raise.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    pub ty: Ty,
    /// What raises it.
    pub span: Span,
}

/// An open saga.
pub(crate) struct OpenSaga {
    pub handle: LocalId,
    /// Whether a compensation is registered by now.
    pub holds: bool,
    /// The last `commit` so far.
    pub committed: Option<Span>,
    /// How many `try` and `catch` within it are around what is being checked.
    pub handled: u32,
}

/// What kind of code is checked: what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Function,
    Workflow,
    Query,
    Update,
    Run,
    Policy,
    Const,
    Proof,
}

/// The state of checking one body.
pub(crate) struct Checker<'c, 'a> {
    pub cx: &'c mut Context<'a>,
    pub module: ModuleId,
    pub generics: Vec<Name>,
    /// The type parameters whose types have an order.
    pub ordered: Vec<u32>,
    /// The other parameters, while the default of one is checked.
    pub beside_default: Vec<Name>,
    /// The defaults being checked, each of them needed by the one before.
    open_defaults: Vec<Span>,
    /// The defaults that were found to need themselves.
    cyclic_defaults: Vec<Span>,
    pub place: Place,
    unknowns: Unknowns,
    locals: Table<LocalId, Local>,
    /// The level of code each local belongs to.
    depths: Vec<usize>,
    /// What is done with each local.
    usages: Vec<Usage>,
    /// Where the statement being checked begins.
    statement: u32,
    names: HashMap<Name, Binding>,
    /// What each name of the open blocks meant before, to be put back.
    shadowed: Vec<(Name, Option<Binding>)>,
    frames: Vec<Frame>,
    raised: Vec<Raised>,
    /// What a `catch` left of an error: its type, where it is raised, and the cases.
    partly_handled: Vec<(Ty, Span, Vec<String>)>,
    sagas: Vec<OpenSaga>,
    /// What the strands without a handle can fail with, by open `scope`; a workflow's body is the outermost.
    strand_scopes: Vec<Vec<Raised>>,
    /// The error types the signature declares.
    pub fails: Vec<Ty>,
    /// The result of the function and why, for `return`.
    returns: Option<(Ty, Why)>,
    /// Whether the statement being checked says `unknown`.
    has_unknown: bool,
    /// Whether a statement of the body could not be read, so that names may only seem unknown.
    unread: bool,
    /// Whether diagnostics are dropped: an expression is checked a second time.
    muted: bool,
    /// The workflow's own declarations, while its body is checked.
    pub parts: workflow::Parts,
}

impl<'c, 'a> Checker<'c, 'a> {
    pub fn new(cx: &'c mut Context<'a>, module: ModuleId, generics: Vec<Name>, place: Place) -> Self {
        let frame = Frame { kind: FrameKind::Body, captures: BTreeSet::new(), loops: Vec::new() };
        Checker {
            cx,
            module,
            generics,
            ordered: Vec::new(),
            beside_default: Vec::new(),
            open_defaults: Vec::new(),
            cyclic_defaults: Vec::new(),
            place,
            unknowns: Unknowns::default(),
            locals: Table::new(),
            depths: Vec::new(),
            usages: Vec::new(),
            statement: 0,
            names: HashMap::new(),
            shadowed: Vec::new(),
            frames: vec![frame],
            raised: Vec::new(),
            partly_handled: Vec::new(),
            sagas: Vec::new(),
            strand_scopes: Vec::new(),
            fails: Vec::new(),
            returns: None,
            has_unknown: false,
            unread: false,
            muted: false,
            parts: workflow::Parts::default(),
        }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        if !self.muted {
            self.cx.work.diagnostics.push(diagnostic);
        }
    }

    // ---- types

    pub fn types(&mut self) -> &mut Types {
        &mut self.cx.work.types
    }

    pub fn fresh(&mut self) -> Ty {
        self.unknowns.fresh(&mut self.cx.work.types)
    }

    pub fn fresh_many(&mut self, count: usize) -> Vec<Ty> {
        self.unknowns.fresh_many(&mut self.cx.work.types, count)
    }

    /// The type with its head known, if it is.
    pub fn head(&self, ty: Ty) -> Ty {
        self.unknowns.head(&self.cx.work.types, ty)
    }

    /// The shape of a type.
    pub fn shape(&self, ty: Ty) -> Type {
        self.cx.ty(self.head(ty)).clone()
    }

    pub fn resolve(&mut self, ty: Ty) -> Ty {
        self.unknowns.resolve(&mut self.cx.work.types, ty)
    }

    pub fn unify(&mut self, actual: Ty, expected: Ty) -> bool {
        self.unknowns.unify(&mut self.cx.work.types, actual, expected)
    }

    /// Makes the types of number literals that are still open what they are by themselves.
    pub fn settle(&mut self, ty: Ty) {
        self.unknowns.settle(&mut self.cx.work.types, ty);
    }

    pub fn is_open_number(&self, ty: Ty) -> bool {
        self.unknowns.is_open_number(&self.cx.work.types, ty)
    }

    pub fn fits(&self, actual: Ty, pattern: Ty) -> bool {
        self.unknowns.fits(&self.cx.work.types, actual, pattern)
    }

    /// A type for a message.
    pub fn show(&mut self, ty: Ty) -> String {
        self.settle(ty);
        let ty = self.resolve(ty);
        declare::show(self.cx, ty, &self.generics)
    }

    // ---- names

    /// Where the names of the block opened now begin.
    pub fn open_block(&self) -> usize {
        self.shadowed.len()
    }

    /// Forgets the names of a block.
    pub fn close_block(&mut self, mark: usize) {
        while self.shadowed.len() > mark {
            let Some((name, before)) = self.shadowed.pop() else { break };
            match before {
                Some(binding) => self.names.insert(name, binding),
                None => self.names.remove(&name),
            };
        }
    }

    pub fn bind(&mut self, name: Name, binding: Binding) {
        let before = self.names.insert(name.clone(), binding);
        self.shadowed.push((name, before));
    }

    pub fn binding(&self, name: &str) -> Option<Binding> {
        self.names.get(name).copied()
    }

    /// The names of the body that are in scope, for "did you mean".
    pub fn visible_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(Name::as_str)
    }

    /// A local without a name in scope.
    pub fn temporary(&mut self, ty: Ty, span: Span) -> LocalId {
        self.depths.push(self.frames.len());
        self.usages.push(Usage::default());
        self.locals.push(Local { name: None, ty, span, mutable: false, suspends: Suspends::Yes })
    }

    /// A named local, in scope from here to the end of the block.
    pub fn local(&mut self, name: &Ident, ty: Ty, mutable: bool) -> LocalId {
        self.check_shadowing(name);
        let id = self.temporary(ty, name.span);
        if !self.muted {
            self.set_role(id, Role::Variable);
        }
        let local = &mut self.locals[id];
        local.name = Some(name.text.clone());
        local.mutable = mutable;
        self.bind(name.text.clone(), Binding::Local(id));
        id
    }

    /// The value of a local; notes it as captured by every level of code between it and here.
    pub fn read(&mut self, id: LocalId, span: Span) -> Expr {
        self.note_read(id, span);
        let depth = self.depths.get(id.index()).copied().unwrap_or(1);
        for frame in self.frames.iter_mut().skip(depth) {
            frame.captures.insert(id);
        }
        Expr { kind: ExprKind::Local(id), ty: self.locals[id].ty, span }
    }

    /// The level of code, other than the local's own, that stands between a local and here.
    pub fn frame_between(&self, id: LocalId) -> Option<FrameKind> {
        let depth = self.depths.get(id.index()).copied().unwrap_or(1);
        self.frames.get(depth).map(|frame| frame.kind)
    }

    // ---- levels of code

    /// Checks code with captures of its own; gives what it captured.
    pub fn in_frame<T>(&mut self, kind: FrameKind, check: impl FnOnce(&mut Self) -> T) -> (T, Vec<LocalId>) {
        self.frames.push(Frame { kind, captures: BTreeSet::new(), loops: Vec::new() });
        // None of these runs within the saga around it.
        let leaves_saga = matches!(
            kind,
            FrameKind::Lambda | FrameKind::Compensation | FrameKind::Condition | FrameKind::Spawned
        );
        let sagas = if leaves_saga { std::mem::take(&mut self.sagas) } else { Vec::new() };
        let has_unknown = self.has_unknown && !leaves_saga;
        let has_unknown = std::mem::replace(&mut self.has_unknown, has_unknown);
        let result = check(self);
        self.has_unknown = has_unknown;
        if leaves_saga {
            self.sagas = sagas;
        }
        let captures = self.frames.pop().map(|frame| frame.captures).unwrap_or_default();
        (result, captures.into_iter().collect())
    }

    pub fn frame(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    // ---- failures

    pub fn raise(&mut self, ty: Ty, span: Span) {
        self.raised.push(Raised { ty, span });
    }

    /// What has been raised since a mark, with unions taken apart. What is not known yet goes on.
    pub fn take_raised(&mut self, mark: usize) -> Vec<Raised> {
        let raised = self.raised.split_off(mark.min(self.raised.len()));
        let mut flat = Vec::with_capacity(raised.len());
        for one in raised {
            let ty = self.resolve(one.ty);
            match self.cx.ty(ty) {
                Type::Union(parts) => flat.extend(parts.iter().map(|ty| Raised { ty: *ty, span: one.span })),
                Type::Never | Type::Invalid => {}
                Type::Infer(_) => self.raised.push(one),
                _ => flat.push(Raised { ty, span: one.span }),
            }
        }
        flat
    }

    // ---- the end

    /// The finished body: every type known, or reported as not.
    pub fn finish(mut self, params: Vec<LocalId>, mut value: Expr) -> Body {
        self.report_usage();
        self.unknowns.settle_all();
        self.finish_expr(&mut value);
        let locals = self.finish_locals();
        Body { params, locals, value }
    }
}
