//! Loads the root file, everything it uses, and the standard library; finds files that use each other in a circle.

use crate::hir::{Id, Module, ModuleId, Table};
use crate::world::{World, normalize};
use crate::{report, stdlib};
use flow_syntax::ast::{self, ItemKind, UseDecl, UseOrigin};
use flow_syntax::{Diagnostic, SourceMap, Span};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Every module of a program with its syntax tree; the root file is the first.
#[derive(Default)]
pub(crate) struct Loaded {
    pub modules: Table<ModuleId, Module>,
    pub trees: Vec<ast::Module>,
    /// The module each `use` means, by the span of its path.
    pub uses: HashMap<Span, ModuleId>,
    /// The standard modules loaded, by name.
    pub standard: HashMap<String, ModuleId>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a module comes from.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Origin {
    File(PathBuf),
    Standard(String),
}

struct Loader<'w> {
    world: &'w dyn World,
    map: &'w mut SourceMap,
    loaded: Loaded,
    known: HashMap<Origin, ModuleId>,
    /// The files being loaded, from the root to the current one, to name a circle.
    path: Vec<PathBuf>,
}

/// Loads a program.
pub(crate) fn load(world: &dyn World, root: &Path, map: &mut SourceMap) -> Loaded {
    let mut loader =
        Loader { world, map, loaded: Loaded::default(), known: HashMap::new(), path: Vec::new() };
    let root = normalize(root);
    match world.read(&root) {
        Ok(text) => {
            loader.file(root, &text);
        }
        Err(error) => loader.loaded.diagnostics.push(report::unreadable_root(&root, &error)),
    }
    for name in stdlib::PRELUDE {
        loader.standard(name);
    }
    loader.loaded
}

impl Loader<'_> {
    fn file(&mut self, path: PathBuf, text: &str) -> ModuleId {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let id = self.parse(&path.display().to_string(), name, text, false);
        self.known.insert(Origin::File(path.clone()), id);
        self.path.push(path);
        self.follow_uses(id);
        self.path.pop();
        id
    }

    fn standard(&mut self, name: &str) -> Option<ModuleId> {
        let origin = Origin::Standard(name.to_string());
        if let Some(&id) = self.known.get(&origin) {
            return Some(id);
        }
        let text = stdlib::source(name)?;
        let id = self.parse(&format!("std/{name}.flow"), format!("std.{name}"), text, true);
        self.known.insert(origin, id);
        self.loaded.standard.insert(name.to_string(), id);
        self.follow_uses(id);
        Some(id)
    }

    fn parse(&mut self, path: &str, name: String, text: &str, standard: bool) -> ModuleId {
        let file = self.map.add(path, text);
        let parsed = flow_syntax::parse(self.map, file);
        self.loaded.diagnostics.extend(parsed.diagnostics);
        let docs = parsed.module.docs.as_ref().map(|docs| docs.text.clone());
        self.loaded.trees.push(parsed.module);
        self.loaded.modules.push(Module { name, file, standard, docs })
    }

    fn follow_uses(&mut self, id: ModuleId) {
        let items = self.loaded.trees.get(id.index()).map(|tree| &tree.items);
        let uses: Vec<UseDecl> = items
            .into_iter()
            .flatten()
            .filter_map(|item| match &item.kind {
                ItemKind::Use(decl) => Some(decl.clone()),
                _ => None,
            })
            .collect();
        for decl in uses {
            if let Some(target) = self.follow(&decl) {
                self.loaded.uses.insert(decl.path.span, target);
            }
        }
    }

    fn follow(&mut self, decl: &UseDecl) -> Option<ModuleId> {
        let names: Vec<&str> = decl.path.segments.iter().map(ast::Ident::as_str).collect();
        match decl.origin {
            UseOrigin::Package => {
                let found = match names.as_slice() {
                    ["std", name] => self.standard(name),
                    _ => None,
                };
                if found.is_none() {
                    self.loaded.diagnostics.push(report::unknown_package(&decl.path));
                }
                found
            }
            UseOrigin::Relative { ups } => self.follow_file(decl, ups, &names),
        }
    }

    fn follow_file(&mut self, decl: &UseDecl, ups: u32, names: &[&str]) -> Option<ModuleId> {
        let mut path =
            self.path.last().and_then(|file| file.parent()).map(Path::to_path_buf).unwrap_or_default();
        path.extend((0..ups).map(|_| ".."));
        path.extend(names);
        path.set_extension("flow");
        let path = normalize(&path);
        if let Some(start) = self.path.iter().position(|open| *open == path) {
            let circle = self.path.get(start..).unwrap_or_default();
            self.loaded.diagnostics.push(report::import_cycle(&decl.path, circle, &path));
            return None;
        }
        if let Some(&id) = self.known.get(&Origin::File(path.clone())) {
            return Some(id);
        }
        match self.world.read(&path) {
            Ok(text) => Some(self.file(path, &text)),
            Err(error) => {
                self.loaded.diagnostics.push(report::unreadable_module(&decl.path, &path, &error));
                None
            }
        }
    }
}
