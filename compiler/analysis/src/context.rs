//! What every part of the checker shares: the program being built, the names of each module, the diagnostics.

use crate::hir::{
    ActivityId, Body, Case, ConstId, Field, FunctionId, Id, Known, ModuleId, Nominal, NominalId, NominalKind,
    Program, Signature, Ty, Type, Types, WorkflowId,
};
use flow_syntax::ast::{self, Name};
use flow_syntax::{Diagnostic, Span};
use foldhash::{HashMap, HashSet};
use std::ops::{Deref, DerefMut, Range};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What a name stands for at the top of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Def {
    Module(ModuleId),
    Nominal(NominalId),
    Alias(usize),
    Function(FunctionId),
    Const(ConstId),
    Activity(ActivityId),
    Workflow(WorkflowId),
    Schedule,
    /// A mistake was reported where it is declared or imported.
    Broken,
}

impl Def {
    /// What it is, for a message.
    pub fn kind(self) -> &'static str {
        match self {
            Def::Module(_) => "a module",
            Def::Nominal(_) | Def::Alias(_) => "a type",
            Def::Function(_) => "a function",
            Def::Const(_) => "a constant",
            Def::Activity(_) => "an activity",
            Def::Workflow(_) => "a workflow",
            Def::Schedule => "a schedule",
            Def::Broken => "unknown",
        }
    }
}

/// A name of a module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub def: Def,
    /// Where it is declared or imported.
    pub span: Span,
    /// Whether other modules see it.
    pub public: bool,
    /// Whether a `use` brought it in.
    pub imported: bool,
    /// Where its scope notes that it is used.
    pub slot: u32,
}

/// The names of a module, its imports included.
#[derive(Default)]
pub(crate) struct Scope {
    pub names: HashMap<Name, Entry>,
    /// The cases of the enums and errors among them.
    pub cases: HashMap<Name, Vec<(NominalId, u32)>>,
    /// Whether each name has been used, by its slot.
    used: Vec<AtomicBool>,
}

impl Scope {
    /// Enters a name that is not there yet.
    pub fn enter(&mut self, name: Name, entry: Entry) {
        let slot = self.used.len() as u32;
        self.used.push(AtomicBool::new(false));
        self.names.insert(name, Entry { slot, ..entry });
    }

    /// What a name means here; it counts as used from now on.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let entry = self.names.get(name)?;
        if let Some(used) = self.used.get(entry.slot as usize) {
            used.store(true, Ordering::Relaxed);
        }
        Some(entry)
    }

    /// Whether a name was ever looked up.
    pub fn is_used(&self, entry: &Entry) -> bool {
        self.used.get(entry.slot as usize).is_some_and(|used| used.load(Ordering::Relaxed))
    }
}

/// `type X = T`
pub(crate) struct Alias<'a> {
    pub module: ModuleId,
    pub decl: &'a ast::TypeDecl,
    pub state: AliasState,
}

/// How far an alias is resolved. All are, before any body is checked.
pub(crate) struct AliasState(AtomicU32);

impl AliasState {
    const PENDING: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;

    /// Not looked at yet.
    pub fn pending() -> AliasState {
        AliasState(AtomicU32::new(AliasState::PENDING))
    }

    /// What it stands for; `Err(true)` where that is being found out right now, `Err(false)` where nobody has asked.
    pub fn get(&self) -> Result<Ty, bool> {
        match self.0.load(Ordering::Relaxed) {
            AliasState::PENDING => Err(false),
            AliasState::OPEN => Err(true),
            ty => Ok(Ty(ty)),
        }
    }

    /// Notes that it is being found out.
    pub fn open(&self) {
        self.0.store(AliasState::OPEN, Ordering::Relaxed);
    }

    /// Notes what it stands for.
    pub fn set(&self, ty: Ty) {
        self.0.store(ty.0, Ordering::Relaxed);
    }
}

/// A constant, and what was found of it once it is checked.
pub(crate) struct DeclaredConst<'a> {
    pub decl: &'a ast::ConstDecl,
    pub checked: OnceLock<CheckedConst>,
}

/// The type and value of a constant, and what is wrong with it.
pub(crate) struct CheckedConst {
    pub ty: Ty,
    pub body: Body,
    pub diagnostics: Vec<Diagnostic>,
}

/// What a module declares, as positions in the program's tables: a module's entries lie side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    pub nominals: Range<usize>,
    pub constants: Range<usize>,
    pub functions: Range<usize>,
    pub activities: Range<usize>,
    pub workflows: Range<usize>,
}

/// Names known everywhere.
#[derive(Default)]
pub(crate) struct Prelude {
    pub names: HashMap<Name, Entry>,
    pub cases: HashMap<Name, Vec<(NominalId, u32)>>,
    /// All functions of a name: one is chosen by the type of its first argument.
    pub functions: HashMap<Name, Vec<FunctionId>>,
    /// The same for methods, which need no `use`: the functions of every standard module.
    pub methods: HashMap<Name, Vec<FunctionId>>,
}

/// What is declared: once that is known it is the same for every body, whoever checks it.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    /// Its types are in [`Work`] until all bodies are checked.
    pub program: Program,
    pub scopes: Vec<Scope>,
    /// What each module declares.
    pub members: Vec<Members>,
    pub prelude: Prelude,
    pub uses: HashMap<Span, ModuleId>,
    pub standard: HashMap<String, ModuleId>,
    pub aliases: Vec<Alias<'a>>,
    pub functions: Vec<&'a ast::FnDecl>,
    pub activities: Vec<&'a ast::ActivityDecl>,
    pub workflows: Vec<&'a ast::WorkflowDecl>,
    pub constants: Vec<DeclaredConst<'a>>,
    /// Defaults of fields, by type, case (0 for a record) and field.
    pub field_defaults: HashMap<(NominalId, u32, u32), &'a ast::Expr>,
    /// Where the first item of each module begins.
    pub item_starts: Vec<Option<u32>>,
    /// The types of keys that declarations write.
    pub declared_keys: HashSet<Ty>,
    /// The nominal types of failures that need not be declared.
    pub system_errors: HashSet<Ty>,
}

/// What declaring and checking find out. The bodies of each module have one of their own, so that any number of modules
/// can be checked at once.
#[derive(Default)]
pub(crate) struct Work {
    pub types: Types,
    pub diagnostics: Vec<Diagnostic>,
    /// The key types of the maps and the element types of the sets that are written, and where.
    pub written_keys: Vec<(Ty, Span)>,
    /// Those that were inferred, and where first.
    pub inferred_keys: HashMap<Ty, Span>,
    /// Whether anything is spawned.
    pub spawns: bool,
    /// While constants are checked: those that are, each because the one before it uses it, and whether it was told that
    /// they need themselves.
    pub open_constants: Option<Vec<(ConstId, bool)>>,
}

/// While names and types of declarations are entered.
pub(crate) struct Declaring<'a> {
    pub declared: Declared<'a>,
    pub work: Work,
}

impl Declaring<'_> {
    /// Nothing declared yet.
    pub fn new(program: Program, uses: HashMap<Span, ModuleId>, standard: HashMap<String, ModuleId>) -> Self {
        let declared = Declared { program, uses, standard, ..Declared::default() };
        Declaring { declared, work: Work::default() }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.work.diagnostics.push(diagnostic);
    }

    /// To find out what written types and names mean.
    pub fn context(&mut self) -> Context<'_> {
        Context { declared: &self.declared, work: &mut self.work }
    }
}

impl<'a> Deref for Declaring<'a> {
    type Target = Declared<'a>;
    fn deref(&self) -> &Declared<'a> {
        &self.declared
    }
}

impl DerefMut for Declaring<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.declared
    }
}

/// What is declared, and where to note what is found out.
pub(crate) struct Context<'a> {
    pub declared: &'a Declared<'a>,
    pub work: &'a mut Work,
}

impl<'a> Deref for Context<'a> {
    type Target = Declared<'a>;
    fn deref(&self) -> &Declared<'a> {
        self.declared
    }
}

/// After so many diagnostics of a module no more names are suggested: each costs a look at all names there are.
const MOST_SUGGESTIONS: usize = 100;

impl Context<'_> {
    /// Whether it is worth the time to look for the name that was meant.
    pub fn suggests(&self) -> bool {
        self.work.diagnostics.len() < MOST_SUGGESTIONS
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.work.diagnostics.push(diagnostic);
    }

    pub fn types(&mut self) -> &mut Types {
        &mut self.work.types
    }

    pub fn ty(&self, ty: Ty) -> &Type {
        self.work.types.get(ty)
    }

    /// Whether values of this type can be raised.
    pub fn is_error_type(&self, ty: Ty) -> bool {
        match self.ty(ty) {
            Type::Nominal(id, _) => matches!(self.nominal(*id).kind, NominalKind::Error(_)),
            Type::Union(_) | Type::Param(_) | Type::Passed | Type::Invalid | Type::Never | Type::Infer(_) => {
                true
            }
            _ => false,
        }
    }
}

impl<'a> Declared<'a> {
    pub fn scope(&self, module: ModuleId) -> Option<&Scope> {
        self.scopes.get(module.index())
    }

    /// The positions of a module's functions.
    pub fn functions_of(&self, module: ModuleId) -> Range<usize> {
        self.members.get(module.index()).map(|members| members.functions.clone()).unwrap_or_default()
    }

    /// What a name means in a module, the prelude included.
    pub fn lookup(&self, module: ModuleId, name: &str) -> Option<Entry> {
        let own = self.scope(module).and_then(|scope| scope.find(name));
        own.or_else(|| self.prelude.names.get(name)).copied()
    }

    /// Notes that a module uses a type without its name: by one of its cases.
    pub fn use_type(&self, module: ModuleId, id: NominalId) {
        let Some(scope) = self.scope(module) else { return };
        let is_it = |entry: &Entry| entry.def == Def::Nominal(id);
        let name = &self.nominal(id).name;
        if scope.names.get(name).is_some_and(is_it) {
            scope.find(name);
        } else if let Some((name, _)) = scope.names.iter().find(|(_, entry)| is_it(entry)) {
            scope.find(name);
        }
    }

    /// The visible types that have a case of this name.
    pub fn cases(&self, module: ModuleId, name: &str) -> &[(NominalId, u32)] {
        let own = self.scope(module).and_then(|scope| scope.cases.get(name));
        own.or_else(|| self.prelude.cases.get(name)).map_or(&[], Vec::as_slice)
    }

    /// The case of this name of an enum or error.
    pub fn case_named(&self, module: ModuleId, id: NominalId, name: &Name) -> Option<u32> {
        // Of a visible type it is found without a look at all its cases.
        let visible = self.cases(module, name).iter().find(|(owner, _)| *owner == id);
        visible.map(|(_, case)| *case).or_else(|| {
            let position = self.cases_of(id).iter().position(|case| case.name == *name);
            position.map(|case| case as u32)
        })
    }

    pub fn nominal(&self, id: NominalId) -> &Nominal {
        &self.program.nominals[id]
    }

    pub fn known(&self) -> &Known {
        &self.program.known
    }

    /// Whether a failure of this type need not be declared.
    pub fn is_system_error(&self, ty: Ty) -> bool {
        self.system_errors.contains(&ty)
    }

    /// The cases of an enum or error.
    pub fn cases_of(&self, id: NominalId) -> &[Case] {
        match &self.nominal(id).kind {
            NominalKind::Enum(cases) | NominalKind::Error(cases) => cases,
            NominalKind::Record(_) | NominalKind::Distinct(_) => &[],
        }
    }

    /// The fields of a record or of a case.
    pub fn fields_of(&self, id: NominalId, case: u32) -> &[Field] {
        match &self.nominal(id).kind {
            NominalKind::Record(fields) => fields,
            _ => self.cases_of(id).get(case as usize).map_or(&[], |case| &case.fields),
        }
    }

    /// The signature of what can be called.
    pub fn signature(&self, def: Def) -> Option<&Signature> {
        match def {
            Def::Function(id) => self.program.functions.get(id).map(|function| &function.signature),
            Def::Activity(id) => self.program.activities.get(id).map(|activity| &activity.signature),
            Def::Workflow(id) => self.program.workflows.get(id).map(|workflow| &workflow.signature),
            _ => None,
        }
    }

    /// The declared default of a parameter.
    pub fn param_default(&self, def: Def, index: usize) -> Option<&'a ast::Expr> {
        let signature = match def {
            Def::Function(id) => self.functions.get(id.index()).map(|decl| &decl.signature),
            Def::Activity(id) => self.activities.get(id.index()).map(|decl| &decl.signature),
            Def::Workflow(id) => self.workflows.get(id.index()).map(|decl| &decl.signature),
            _ => None,
        };
        signature?.params.get(index)?.default.as_ref()
    }

    /// Where the first item of a module begins: a `use` goes before it.
    pub fn file_start(&self, module: ModuleId) -> Option<u32> {
        self.item_starts.get(module.index()).copied().flatten()
    }

    /// Whether a module is part of the standard library.
    pub fn is_standard(&self, module: ModuleId) -> bool {
        self.program.modules.get(module).is_some_and(|module| module.standard)
    }

    /// The short name of a module: `list` for `std.list`.
    pub fn module_name(&self, module: ModuleId) -> &str {
        let name = self.program.modules.get(module).map_or("", |module| module.name.as_str());
        name.strip_prefix("std.").unwrap_or(name)
    }
}
