//! Analysis again and again while files change, as an editor needs it: only what a change can have touched is redone.

use crate::context::{Context, Prelude};
use crate::hir::{self, Id, ModuleId};
use crate::modules::{self, Loaded, Origin, ParseCache};
use crate::suspension::Fact;
use crate::world::World;
use crate::{Analysis, check, declare, interface, keys, lint, names, stale, suspension, unused};
use flow_syntax::{Diagnostic, FileId, SourceMap};
use foldhash::{HashMap, HashSet};
use std::path::{Path, PathBuf};

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
    let mut cx = Context {
        program: hir::Program { modules, ..hir::Program::default() },
        scopes: Vec::new(),
        members: Vec::new(),
        prelude: Prelude::default(),
        uses,
        standard,
        aliases: Vec::new(),
        functions: Vec::new(),
        activities: Vec::new(),
        workflows: Vec::new(),
        constants: Vec::new(),
        field_defaults: Default::default(),
        item_starts: trees.iter().map(|tree| tree.items.first().map(|item| item.span.start)).collect(),
        diagnostics,
        written_keys: Vec::new(),
        declared_keys: HashSet::default(),
        inferred_keys: Default::default(),
        system_errors: Default::default(),
    };
    names::declare(&mut cx, &trees);
    declare::resolve(&mut cx, &trees);
    keys::check_declared(&mut cx);
    let mut found = std::mem::take(&mut cx.diagnostics);
    let alive: HashSet<FileId> = cx.program.modules.values().map(|module| module.file).collect();
    let mut facts = vec![Fact::default(); cx.program.functions.len()];
    let mut interfaces = vec![0; trees.len()];
    for module in order {
        let (Some(tree), Some(origin)) = (trees.get(module.index()), origins.get(module.index())) else {
            continue;
        };
        let used = interface::of_used(&cx, tree, &interfaces);
        let file = cx.program.modules[module].file;
        let is_open = matches!(origin, Origin::File(path) if open.contains(path));
        let known =
            cache.checks.get(origin).filter(|known| !is_open && known.holds(file, used, &alive, sources));
        if let Some(known) = known {
            known.restore(&mut cx, module, &mut facts);
            found.extend(known.diagnostics.iter().cloned());
            set(&mut interfaces, module, known.interface);
            continue;
        }
        cache.checked += 1;
        check::check(&mut cx, module, tree);
        keys::check(&mut cx);
        let unused = unused::find(&cx, module, tree, sources);
        cx.diagnostics.extend(unused);
        let members = cx.members.get(module.index()).cloned().unwrap_or_default();
        let mut diagnostics = std::mem::take(&mut cx.diagnostics);
        diagnostics.extend(suspension::infer(&mut cx.program, &members, &mut facts));
        diagnostics.extend(stale::check(&mut cx.program, &members));
        if !cx.is_standard(module) {
            diagnostics.extend(lint::lint(&mut cx.program, &members, sources));
        }
        found.extend(diagnostics.iter().cloned());
        let interface = interface::of(&cx, module, tree, used, &facts, sources);
        set(&mut interfaces, module, interface);
        let facts = facts.get(members.functions).unwrap_or_default().to_vec();
        cache.checks.insert(origin.clone(), Checked { file, used, interface, facts, diagnostics });
    }
    unused::drop_doubtful(&mut found, sources);
    found.sort_by_key(Diagnostic::span);
    found.dedup();
    Analysis { program: cx.program, diagnostics: found }
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
    fn restore(&self, cx: &mut Context<'_>, module: ModuleId, facts: &mut [Fact]) {
        let Some(members) = cx.members.get(module.index()) else { return };
        let functions = cx.program.functions.slice_mut(members.functions.clone());
        let slots = facts.get_mut(members.functions.clone()).into_iter().flatten();
        for ((function, slot), fact) in functions.zip(slots).zip(&self.facts) {
            suspension::apply(function, fact);
            slot.clone_from(fact);
        }
    }
}
