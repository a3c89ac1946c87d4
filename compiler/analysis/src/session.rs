//! Analysis again and again while files change, as an editor needs it: only what a change can have touched is redone.

use crate::check::Bodies;
use crate::context::{CheckedConst, Context, Declared, DeclaredConst, Declaring, Work};
use crate::hir::{self, Id, ModuleId, Types};
use crate::modules::{self, Loaded, Origin, ParseCache};
use crate::suspension::{Fact, Inferred};
use crate::world::World;
use crate::{Analysis, check, declare, interface, keys, lint, names, stale, suspension, unused};
use flow_syntax::ast;
use flow_syntax::{Diagnostic, FileId, SourceMap, parallel};
use foldhash::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An analysis that remembers.
///
/// A file is parsed again where its text has changed. The bodies of a module are checked again where its text, or the
/// interface of a module it uses, has changed; a changed body of a function is no change of the interface. The
/// declarations of all modules are entered every time: that takes a small part of the time of the bodies.
///
/// ```
/// use flow_analysis::{Memory, Session};
/// use std::path::Path;
///
/// let mut session = Session::new();
/// let world = Memory::new()
///     .with("main.flow", "use ./tax\npub fn total(n: Int) -> Int { n + tax.of(n) }")
///     .with("tax.flow", "pub fn of(n: Int) -> Int { n / 5 }");
/// assert!(session.analyze(&world, Path::new("main.flow"), &[]).diagnostics.is_empty());
/// let world = world.with("tax.flow", "pub fn of(n: Int) -> Int { n / 4 }");
/// session.analyze(&world, Path::new("main.flow"), &[]);
/// assert_eq!((session.redone().parsed, session.redone().checked), (1, 1));
/// ```
#[derive(Default)]
pub struct Session {
    sources: SourceMap,
    cache: Cache,
    redone: Redone,
}

/// What an analysis had to do because it was new or had changed, as numbers of modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redone {
    /// Parsed.
    pub parsed: usize,
    /// Their bodies checked.
    pub checked: usize,
}

/// What earlier analyses found.
#[derive(Default)]
pub(crate) struct Cache {
    pub parses: ParseCache,
    checks: HashMap<Origin, Checked>,
    /// How many modules were checked.
    checked: usize,
}

/// What is kept of a module whose bodies were checked.
struct Checked {
    /// The file it was, which is another one where its text has changed.
    file: FileId,
    /// The interfaces of the modules it uses.
    used: u64,
    interface: u64,
    /// What is inferred of its functions.
    facts: Vec<Fact>,
    diagnostics: Vec<Diagnostic>,
}

/// Beyond this many bytes of offsets a session starts afresh: old texts are gone, but not their offsets.
const MOST_OFFSETS: u32 = 1 << 31;

impl Session {
    /// Nothing known yet.
    pub fn new() -> Session {
        Session::default()
    }

    /// Checks a file and all it uses, as [`analyze`](crate::analyze) does. All diagnostics are given; of the modules that
    /// were not checked again the program has declarations without bodies, unless they are `open`.
    pub fn analyze(&mut self, world: &dyn World, root: &Path, open: &[PathBuf]) -> Analysis {
        if self.sources.used() > MOST_OFFSETS {
            *self = Session::new();
        }
        let (parsed, checked) = (self.cache.parses.count, self.cache.checked);
        let analysis = run(world, &[root], &mut self.sources, &mut self.cache, open);
        self.redone =
            Redone { parsed: self.cache.parses.count - parsed, checked: self.cache.checked - checked };
        analysis
    }

    /// The files, in which all spans of the last analysis lie.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// What the last analysis had to do.
    pub fn redone(&self) -> Redone {
        self.redone
    }
}

/// The one way through the checker, with what is known from earlier.
pub(crate) fn run(
    world: &dyn World,
    roots: &[&Path],
    sources: &mut SourceMap,
    cache: &mut Cache,
    open: &[PathBuf],
) -> Analysis {
    let Loaded { modules, trees, uses, standard, origins, order, diagnostics } =
        modules::load(world, roots, sources, &mut cache.parses);
    let program = hir::Program { modules, ..hir::Program::default() };
    let mut cx = Declaring::new(program, uses, standard);
    cx.work.diagnostics = diagnostics;
    cx.item_starts = trees.iter().map(|tree| tree.items.first().map(|item| item.span.start)).collect();
    names::declare(&mut cx, &trees);
    declare::resolve(&mut cx, &trees);
    keys::check_declared(&mut cx);
    let found = std::mem::take(&mut cx.work.diagnostics);
    let alive: HashSet<FileId> = cx.program.modules.values().map(|module| module.file).collect();
    let (facts, interfaces) = (vec![Fact::default(); cx.program.functions.len()], vec![0; trees.len()]);
    let trees = &trees;
    let mut run = Run {
        cx,
        trees,
        origins,
        sources,
        cache,
        open,
        alive,
        facts,
        interfaces,
        ready: HashMap::default(),
        found,
    };
    let changed: Vec<ModuleId> = order.iter().copied().filter(|module| run.is_changed(*module)).collect();
    run.check_constants(&order, &changed);
    run.check_bodies(&changed);
    // What the standard library does is known before anything is inferred of what uses it.
    let (standard, own): (Vec<_>, Vec<_>) = order.iter().partition(|module| run.cx.is_standard(**module));
    run.follow(&standard);
    run.follow(&own);
    let Run { mut cx, mut found, .. } = run;
    install_constants(&mut cx, 0..usize::MAX);
    unused::drop_doubtful(&mut found, sources);
    found.sort_by_key(Diagnostic::span);
    found.dedup();
    Analysis { program: cx.declared.program, diagnostics: found }
}

/// A module whose bodies are checked.
struct Ready {
    bodies: Bodies,
    diagnostics: Vec<Diagnostic>,
    /// What its functions do if those of others are as they were thought to be.
    inferred: Inferred,
}

/// A module of whose functions all is known.
struct Entered {
    module: ModuleId,
    bodies: Bodies,
    diagnostics: Vec<Diagnostic>,
    used: u64,
    interface: u64,
}

/// An analysis, its declarations known.
struct Run<'a, 's> {
    cx: Declaring<'a>,
    trees: &'a [Arc<ast::Module>],
    origins: Vec<Origin>,
    sources: &'s SourceMap,
    cache: &'s mut Cache,
    open: &'s [PathBuf],
    alive: HashSet<FileId>,
    facts: Vec<Fact>,
    interfaces: Vec<u64>,
    ready: HashMap<ModuleId, Ready>,
    found: Vec<Diagnostic>,
}

impl Run<'_, '_> {
    /// Whether a module has to be checked whatever became of those it uses.
    fn is_changed(&self, module: ModuleId) -> bool {
        let Some(origin) = self.origins.get(module.index()) else { return false };
        let file = self.cx.program.modules[module].file;
        self.is_open(origin) || self.cache.checks.get(origin).is_none_or(|known| known.file != file)
    }

    fn is_open(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::File(path) if self.open.contains(path))
    }

    /// Checks the constants of the modules that have changed, and of the others those whose type is their value's.
    fn check_constants(&mut self, order: &[ModuleId], changed: &[ModuleId]) {
        let changed: HashSet<ModuleId> = changed.iter().copied().collect();
        for &module in order {
            check::check_constants(&mut self.cx.context(), module, changed.contains(&module));
        }
    }

    /// Checks the bodies of some modules, on all cores. Each module has types of its own until all are checked, so that
    /// whatever core is faster, every type gets the same id.
    fn check_bodies(&mut self, modules: &[ModuleId]) {
        let below = Arc::new(std::mem::take(&mut self.cx.work.types));
        let (declared, trees) = (&self.cx.declared, self.trees);
        let checked = parallel::map(modules, |module| {
            let mut work = Work { types: Types::over(&below), ..Work::default() };
            let mut cx = Context { declared, work: &mut work };
            let bodies = trees.get(module.index()).map(|tree| check::check(&mut cx, *module, tree));
            let Work { types, diagnostics, spawns, .. } = work;
            (bodies.unwrap_or_default(), types.into_own(), diagnostics, spawns)
        });
        // Nothing lies over it any more.
        let mut types = Arc::into_inner(below).unwrap_or_default();
        let mut apart = Vec::with_capacity(checked.len());
        for (bodies, own, diagnostics, spawns) in checked {
            self.cx.declared.program.spawns |= spawns;
            apart.push((bodies, types.adopt(own), diagnostics));
        }
        let adopted = parallel::map_owned(apart, |(mut bodies, adopted, diagnostics)| {
            bodies.adopt(&adopted);
            (bodies, diagnostics)
        });
        self.cx.declared.program.types = types;
        let ready = adopted.into_iter().map(|(bodies, diagnostics)| Ready {
            bodies,
            diagnostics,
            inferred: Inferred::default(),
        });
        self.ready = modules.iter().copied().zip(ready).collect();
    }

    /// Finds out what follows from the bodies of some modules, which come after those they use, and puts all into the
    /// program. Most functions neither wait nor reach the world. So every module is first walked, on all cores, as if
    /// that were known of those it uses, and again where it turns out to be wrong.
    fn follow(&mut self, modules: &[ModuleId]) {
        let ready: Vec<(ModuleId, Ready)> =
            modules.iter().filter_map(|module| self.ready.remove_entry(module)).collect();
        let (declared, facts) = (&self.cx.declared, &self.facts);
        let walked = parallel::map_owned(ready, |(module, mut ready)| {
            ready.inferred =
                suspension::infer(&mut ready.bodies.functions, declared.functions_of(module).start, facts);
            (module, ready)
        });
        self.ready.extend(walked);
        let entered: Vec<Entered> = modules.iter().filter_map(|module| self.enter(*module)).collect();
        let judged = parallel::map_owned(entered, |entered| self.judge(entered));
        judged.into_iter().for_each(|entered| self.install(entered));
    }

    /// Enters what is found of the functions of a module, after all those it uses; `None` where nothing has changed.
    fn enter(&mut self, module: ModuleId) -> Option<Entered> {
        let (tree, origin) = (self.trees.get(module.index())?, self.origins.get(module.index())?);
        let used = interface::of_used(&self.cx, tree, &self.interfaces);
        let file = self.cx.program.modules[module].file;
        let ready = self.ready.remove(&module);
        let known = self.cache.checks.get(origin);
        let holds = |known: &&Checked| ready.is_none() && known.holds(file, used, &self.alive, self.sources);
        if let Some(known) = known.filter(holds) {
            known.restore(&mut self.cx.declared, module, &mut self.facts);
            self.found.extend(known.diagnostics.iter().cloned());
            set(&mut self.interfaces, module, known.interface);
            return None;
        }
        // What it uses has changed.
        let Ready { mut bodies, diagnostics: of_bodies, mut inferred } =
            ready.unwrap_or_else(|| self.check_now(module, tree));
        let members = self.cx.members.get(module.index()).cloned().unwrap_or_default();
        let mut diagnostics = install_constants(&mut self.cx, members.constants.clone());
        diagnostics.extend(of_bodies);
        if !inferred.holds(&self.facts) {
            inferred = suspension::infer(&mut bodies.functions, members.functions.start, &self.facts);
        }
        enter_facts(&mut self.cx.program, members.functions.clone(), &mut self.facts, &inferred.facts);
        diagnostics.extend(suspension::check_constants(&mut self.cx.program, &members, &self.facts));
        let interface = interface::of(&self.cx, module, tree, used, &self.facts, self.sources);
        set(&mut self.interfaces, module, interface);
        Some(Entered { module, bodies, diagnostics, used, interface })
    }

    /// What else is wrong with a module, when all is known of all functions.
    fn judge(&self, mut entered: Entered) -> Entered {
        let Entered { module, bodies, diagnostics, .. } = &mut entered;
        if let Some(tree) = self.trees.get(module.index()) {
            diagnostics.extend(unused::find(&self.cx, *module, tree, self.sources));
        }
        diagnostics.extend(suspension::check(&self.cx.program, bodies, &self.facts));
        diagnostics.extend(stale::check(&self.cx.program, bodies));
        if !self.cx.is_standard(*module) {
            diagnostics.extend(lint::lint(&self.cx.program, bodies, self.sources));
        }
        entered
    }

    /// Puts a module's code into the program, and keeps what was found.
    fn install(&mut self, entered: Entered) {
        let Entered { module, bodies, diagnostics, used, interface } = entered;
        bodies.install(&mut self.cx.program);
        self.found.extend(diagnostics.iter().cloned());
        self.cache.checked += 1;
        let (file, functions) = (self.cx.program.modules[module].file, self.cx.functions_of(module));
        let facts = self.facts.get(functions).unwrap_or_default().to_vec();
        if let Some(origin) = self.origins.get(module.index()) {
            self.cache.checks.insert(origin.clone(), Checked { file, used, interface, facts, diagnostics });
        }
    }

    /// Checks one module when all others are.
    fn check_now(&mut self, module: ModuleId, tree: &ast::Module) -> Ready {
        self.cx.work.types = std::mem::take(&mut self.cx.program.types);
        let mut cx = self.cx.context();
        check::check_constants(&mut cx, module, true);
        let mut bodies = check::check(&mut cx, module, tree);
        let Declaring { declared, work } = &mut self.cx;
        declared.program.types = std::mem::take(&mut work.types);
        declared.program.spawns |= work.spawns;
        let diagnostics = std::mem::take(&mut work.diagnostics);
        let first = self.cx.functions_of(module).start;
        let inferred = suspension::infer(&mut bodies.functions, first, &self.facts);
        Ready { bodies, diagnostics, inferred }
    }
}

/// Puts some constants that are checked into the program; gives what is wrong with them.
fn install_constants(cx: &mut Declaring<'_>, range: Range<usize>) -> Vec<Diagnostic> {
    let Declared { constants, program, .. } = &mut cx.declared;
    let mut diagnostics = Vec::new();
    let checked =
        constants.iter_mut().zip(program.constants.values_mut()).skip(range.start).take(range.len());
    for (DeclaredConst { checked, .. }, constant) in checked {
        if let Some(CheckedConst { ty, body, diagnostics: found }) = checked.take() {
            (constant.ty, constant.body) = (ty, body);
            diagnostics.extend(found);
        }
    }
    diagnostics
}

fn set(interfaces: &mut [u64], module: ModuleId, interface: u64) {
    if let Some(slot) = interfaces.get_mut(module.index()) {
        *slot = interface;
    }
}

impl Checked {
    /// Whether checking the module again would find the same, at the same places.
    fn holds(&self, file: FileId, used: u64, alive: &HashSet<FileId>, sources: &SourceMap) -> bool {
        let is_alive = |span| sources.lookup(span).is_none_or(|(file, _)| alive.contains(&file));
        let mut labels = self.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels);
        self.file == file && self.used == used && labels.all(|label| is_alive(label.span))
    }

    /// Puts what was inferred back into the declarations.
    fn restore(&self, cx: &mut Declared<'_>, module: ModuleId, facts: &mut [Fact]) {
        let functions = cx.functions_of(module);
        enter_facts(&mut cx.program, functions, facts, &self.facts);
    }
}

/// Enters what is known of some functions into the declarations and among the `facts` about all.
fn enter_facts(program: &mut hir::Program, functions: Range<usize>, facts: &mut [Fact], known: &[Fact]) {
    let slots = facts.get_mut(functions.clone()).into_iter().flatten();
    for ((function, slot), fact) in program.functions.slice_mut(functions).zip(slots).zip(known) {
        suspension::apply(function, fact);
        slot.clone_from(fact);
    }
}
