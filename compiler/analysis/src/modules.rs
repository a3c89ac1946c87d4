//! Loads the root files, everything they use, and the standard library; finds files that use each other in a circle.
//!
//! Files are read and parsed in waves: all that the files of one wave use, and nothing before used, is the next. Within
//! a wave all cores parse; the order of modules is that of the `use`s, whatever core was faster.

use crate::hir::{Id, Module, ModuleId, Table};
use crate::world::{World, normalize};
use crate::{report, stdlib};
use flow_syntax::ast::{self, ItemKind, UseDecl, UseOrigin};
use flow_syntax::{Diagnostic, FileId, Parse, SourceMap, Span, parallel};
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every module of a program with its syntax tree; the root files are the first.
#[derive(Default)]
pub(crate) struct Loaded {
    pub modules: Table<ModuleId, Module>,
    pub trees: Vec<Arc<ast::Module>>,
    /// The module each `use` means, by the span of its path.
    pub uses: HashMap<Span, ModuleId>,
    /// The standard modules loaded, by name.
    pub standard: HashMap<String, ModuleId>,
    /// The origin of each module.
    pub origins: Vec<Origin>,
    /// All modules, each after those it uses.
    pub order: Vec<ModuleId>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    File(PathBuf),
    Standard(String),
}

/// A file as it was parsed, and the text it had then.
#[derive(Clone)]
pub(crate) struct Parsed {
    text: Arc<str>,
    pub file: FileId,
    pub tree: Arc<ast::Module>,
    diagnostics: Arc<[Diagnostic]>,
}

/// What was parsed before, by origin.
#[derive(Default)]
pub(crate) struct ParseCache {
    parsed: HashMap<Origin, Parsed>,
    /// How many files were parsed because they were new or had changed.
    pub count: usize,
}

struct Loader<'w> {
    world: &'w dyn World,
    map: &'w mut SourceMap,
    cache: &'w mut ParseCache,
    loaded: Loaded,
    /// What was asked for, and what became of it.
    asked: HashSet<Origin>,
    known: HashMap<Origin, Result<ModuleId, io::Error>>,
}

/// Loads a program. What `cache` has with the same text is not parsed again.
pub(crate) fn load(
    world: &dyn World,
    roots: &[&Path],
    map: &mut SourceMap,
    cache: &mut ParseCache,
) -> Loaded {
    let loaded = Loaded::default();
    let (asked, known) = (HashSet::new(), HashMap::new());
    let mut loader = Loader { world, map, cache, loaded, asked, known };
    let roots = roots.iter().map(|root| Origin::File(normalize(root)));
    let roots: Vec<Origin> = roots.filter(|root| loader.asked.insert(root.clone())).collect();
    let needed = stdlib::PRELUDE.iter().chain(stdlib::NEEDED);
    let standard = needed.map(|name| Origin::Standard((*name).to_string()));
    let mut wave: Vec<Origin> = roots.iter().cloned().chain(standard).collect();
    loader.asked.extend(wave.iter().cloned());
    while !wave.is_empty() {
        wave = loader.wave(wave);
    }
    for root in &roots {
        if let (Origin::File(path), Some(Err(error))) = (root, loader.known.get(root)) {
            loader.loaded.diagnostics.push(report::unreadable_root(path, error));
        }
    }
    loader.resolve_uses();
    loader.break_circles();
    loader.loaded
}

impl Loader<'_> {
    /// Loads some modules and gives what they use that is not known yet.
    fn wave(&mut self, origins: Vec<Origin>) -> Vec<Origin> {
        let texts = parallel::map(&origins, |origin| read(self.world, origin));
        let mut changed: Vec<FileId> = Vec::new();
        let mut found: Vec<(Origin, Arc<str>, Result<Parsed, FileId>)> = Vec::with_capacity(origins.len());
        for (origin, text) in origins.into_iter().zip(texts) {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    self.known.insert(origin, Err(error));
                    continue;
                }
            };
            let before = self.cache.parsed.get(&origin);
            let parsed = match before.filter(|parsed| parsed.text == text) {
                Some(parsed) => Ok(parsed.clone()),
                None => {
                    if let Some(parsed) = before {
                        self.map.retire(parsed.file);
                    }
                    let file = self.map.add(shown_path(&origin), text.clone());
                    changed.push(file);
                    Err(file)
                }
            };
            found.push((origin, text, parsed));
        }
        self.cache.count += changed.len();
        let map = &*self.map;
        let mut parses = parallel::map(&changed, |file| flow_syntax::parse(map, *file)).into_iter();
        let mut next = Vec::new();
        for (origin, text, parsed) in found {
            let parsed = match parsed {
                Ok(parsed) => parsed,
                Err(file) => remember(self.cache, &origin, text, file, parses.next().unwrap_or_default()),
            };
            self.enter(origin, &parsed, &mut next);
        }
        next
    }

    /// Gives a parsed file its id, and lists what it uses that is new.
    fn enter(&mut self, origin: Origin, parsed: &Parsed, next: &mut Vec<Origin>) {
        self.loaded.diagnostics.extend(parsed.diagnostics.iter().cloned());
        let tree = parsed.tree.clone();
        let docs = tree.docs.as_ref().map(|docs| docs.text.clone());
        let (name, standard) = match &origin {
            Origin::File(path) => {
                (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), false)
            }
            Origin::Standard(name) => (format!("std.{name}"), true),
        };
        let id = self.loaded.modules.push(Module { name, file: parsed.file, standard, docs });
        if let Origin::Standard(name) = &origin {
            self.loaded.standard.insert(name.clone(), id);
        }
        for used in uses(&tree).filter_map(|decl| origin_of(&origin, decl)) {
            if self.asked.insert(used.clone()) {
                next.push(used);
            }
        }
        self.loaded.trees.push(tree);
        self.known.insert(origin.clone(), Ok(id));
        self.loaded.origins.push(origin);
    }

    /// What each `use` means, once all is loaded.
    fn resolve_uses(&mut self) {
        for (tree, origin) in self.loaded.trees.iter().zip(&self.loaded.origins) {
            for decl in uses(tree) {
                let used = origin_of(origin, decl);
                match used.as_ref().and_then(|used| self.known.get(used)) {
                    Some(Ok(id)) => {
                        self.loaded.uses.insert(decl.path.span, *id);
                    }
                    Some(Err(error)) => {
                        let path = match &used {
                            Some(Origin::File(path)) => path.as_path(),
                            _ => Path::new(""),
                        };
                        let beside = self.world.modules(path.parent().unwrap_or(Path::new("")));
                        let diagnostic = report::unreadable_module(&decl.path, path, error, &beside);
                        self.loaded.diagnostics.push(diagnostic);
                    }
                    None => self.loaded.diagnostics.push(report::unknown_package(&decl.path)),
                }
            }
        }
    }

    /// Reports the `use`s that close a circle, seen from the root, and takes them out.
    fn break_circles(&mut self) {
        let mut finder = CircleFinder {
            loaded: &self.loaded,
            state: vec![Visit::New; self.loaded.trees.len()],
            order: Vec::with_capacity(self.loaded.trees.len()),
            closing: Vec::new(),
        };
        // Every module uses the standard library, without a word.
        let ids = self.loaded.modules.iter();
        let (standard, own): (Vec<_>, Vec<_>) = ids.partition(|(_, module)| module.standard);
        for (id, _) in standard.into_iter().chain(own) {
            finder.from(id);
        }
        let CircleFinder { order, closing, .. } = finder;
        self.loaded.order = order;
        for (span, diagnostic) in closing {
            self.loaded.uses.remove(&span);
            self.loaded.diagnostics.push(diagnostic);
        }
    }
}

fn read(world: &dyn World, origin: &Origin) -> io::Result<Arc<str>> {
    match origin {
        Origin::File(path) => world.read(path),
        Origin::Standard(name) => {
            stdlib::source(name).map(Arc::from).ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }
}

fn shown_path(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => path.display().to_string(),
        Origin::Standard(name) => format!("std/{name}.flow"),
    }
}

fn remember(cache: &mut ParseCache, origin: &Origin, text: Arc<str>, file: FileId, parse: Parse) -> Parsed {
    let (tree, diagnostics) = (Arc::new(parse.module), parse.diagnostics.into());
    let parsed = Parsed { text, file, tree, diagnostics };
    cache.parsed.insert(origin.clone(), parsed.clone());
    parsed
}

pub(crate) fn uses(tree: &ast::Module) -> impl Iterator<Item = &UseDecl> {
    tree.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use(decl) => Some(decl),
        _ => None,
    })
}

/// What a `use` in a module of `from` names; `None` where there is no such package.
fn origin_of(from: &Origin, decl: &UseDecl) -> Option<Origin> {
    let names: Vec<&str> = decl.path.segments.iter().map(ast::Ident::as_str).collect();
    match decl.origin {
        UseOrigin::Package => match names.as_slice() {
            ["std", name] => stdlib::source(name).map(|_| Origin::Standard((*name).to_string())),
            _ => None,
        },
        UseOrigin::Relative { ups } => {
            let folder = match from {
                Origin::File(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
                Origin::Standard(_) => return None,
            };
            let mut path = folder;
            path.extend((0..ups).map(|_| ".."));
            path.extend(names);
            path.set_extension("flow");
            Some(Origin::File(normalize(&path)))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// A walk over the `use`s, depth first; its stack is a vector, because a chain of modules may be long.
struct CircleFinder<'l> {
    loaded: &'l Loaded,
    state: Vec<Visit>,
    /// The modules done, in that order.
    order: Vec<ModuleId>,
    closing: Vec<(Span, Diagnostic)>,
}

impl<'l> CircleFinder<'l> {
    fn from(&mut self, start: ModuleId) {
        if self.state(start) != Visit::New {
            return;
        }
        // Each open module, the `use` of it that is being followed, and those left.
        let mut stack = vec![(start, None, self.uses(start))];
        self.set(start, Visit::Open);
        while let Some((module, following, left)) = stack.last_mut() {
            *following = left.next();
            let Some(decl) = *following else {
                let module = *module;
                self.set(module, Visit::Done);
                self.order.push(module);
                stack.pop();
                continue;
            };
            let Some(&target) = self.loaded.uses.get(&decl.path.span) else { continue };
            match self.state(target) {
                Visit::Done => {}
                Visit::New => {
                    self.set(target, Visit::Open);
                    stack.push((target, None, self.uses(target)));
                }
                Visit::Open => {
                    let open = stack.iter().skip_while(|(open, ..)| *open != target);
                    let steps = open
                        .filter_map(|(module, used, _)| Some((self.path(*module), used.as_ref()?.path.span)));
                    let circle: Vec<(PathBuf, Span)> = steps.collect();
                    self.closing.push((decl.path.span, report::import_cycle(&circle)));
                }
            }
        }
    }

    fn state(&self, module: ModuleId) -> Visit {
        self.state.get(module.index()).copied().unwrap_or(Visit::Done)
    }

    fn set(&mut self, module: ModuleId, visit: Visit) {
        if let Some(state) = self.state.get_mut(module.index()) {
            *state = visit;
        }
    }

    fn uses(&self, module: ModuleId) -> Box<dyn Iterator<Item = &'l UseDecl> + 'l> {
        let tree = self.loaded.trees.get(module.index());
        Box::new(tree.into_iter().flat_map(|tree| uses(tree)))
    }

    fn path(&self, module: ModuleId) -> PathBuf {
        self.loaded
            .origins
            .get(module.index())
            .map(|origin| PathBuf::from(shown_path(origin)))
            .unwrap_or_default()
    }
}
