//! Names at the top of a file that nothing uses: what `use` brings in, and declarations that are not `pub`.

use crate::codes;
use crate::context::{Declared, Def, Entry};
use crate::hir::ModuleId;
use crate::report;
use flow_syntax::ast::{self, Ident, ItemKind, UseDecl};
use flow_syntax::{Diagnostic, FileId, SourceMap, Span};
use foldhash::HashSet;

/// Warns of the names of a module whose bodies are checked that were never looked up. Those that begin with `_` are
/// meant to be unused.
pub(crate) fn find(
    cx: &Declared<'_>,
    module: ModuleId,
    tree: &ast::Module,
    sources: &SourceMap,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for item in &tree.items {
        match &item.kind {
            ItemKind::Use(decl) => unused_use(cx, module, item, decl, sources, &mut found),
            _ => found.extend(item.name().and_then(|name| unused_declaration(cx, module, name))),
        }
    }
    found
}

/// The entry of a name as long as nothing has used it.
fn unused(cx: &Declared<'_>, module: ModuleId, name: &Ident) -> Option<Entry> {
    let scope = cx.scope(module)?;
    let entry = scope.names.get(&name.text).filter(|entry| entry.span == name.span)?;
    let meant = entry.public || entry.def == Def::Broken || name.as_str().starts_with('_');
    (!meant && !scope.is_used(entry)).then_some(*entry)
}

fn unused_declaration(cx: &Declared<'_>, module: ModuleId, name: &Ident) -> Option<Diagnostic> {
    let entry = unused(cx, module, name)?;
    // These are started from outside.
    let started = matches!(entry.def, Def::Workflow(_) | Def::Schedule);
    (!started && !entry.imported).then(|| report::unused_declaration(&name.text, entry.def, name.span))
}

fn unused_use(
    cx: &Declared<'_>,
    module: ModuleId,
    item: &ast::Item,
    decl: &UseDecl,
    sources: &SourceMap,
    found: &mut Vec<Diagnostic>,
) {
    let Some(names) = &decl.names else {
        let Some(local) = decl.alias.as_ref().or(decl.path.name()) else { return };
        // The standard library's functions are methods as well, which need no name before them.
        if unused(cx, module, local).is_some() {
            found.push(report::unused_use(&local.text, item.span, whole_line(item.span, sources)));
        }
        return;
    };
    let local = |used: &ast::UseName| used.alias.clone().unwrap_or_else(|| used.name.clone());
    let locals: Vec<Ident> = names.iter().map(local).collect();
    let unused: Vec<bool> = locals.iter().map(|local| unused(cx, module, local).is_some()).collect();
    if !unused.is_empty() && unused.iter().all(|unused| *unused) {
        for (index, local) in locals.iter().enumerate() {
            let removal = if index == 0 { whole_line(item.span, sources) } else { None };
            found.push(report::unused_use(&local.text, local.span, removal));
        }
        return;
    }
    for (index, local) in locals.iter().enumerate().filter(|(index, _)| unused.get(*index) == Some(&true)) {
        // With the comma: up to the next name, or from the one before.
        let start = names.get(index).map_or(local.span, |used| used.name.span).start;
        let before = index.checked_sub(1).and_then(|before| locals.get(before));
        let removal = match (names.get(index + 1), before) {
            (Some(next), _) => Some(Span::new(start, next.name.span.start)),
            (None, Some(before)) => Some(Span::new(before.span.end, local.span.end)),
            (None, None) => None,
        };
        found.push(report::unused_use(&local.text, local.span, removal));
    }
}

/// A declaration with the line break behind it.
fn whole_line(item: Span, sources: &SourceMap) -> Option<Span> {
    let behind = sources.text(Span::new(item.end, item.end + 2));
    let length = if behind.starts_with("\r\n") { 2 } else { u32::from(behind.starts_with('\n')) };
    Some(Span::new(item.start, item.end + length))
}

/// Drops the warnings of unused and needless things in files that have errors: what needs them may be what is wrong.
pub(crate) fn drop_doubtful(diagnostics: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let file = |diagnostic: &Diagnostic| sources.lookup(diagnostic.span()).map(|(file, _)| file);
    let wrong: HashSet<FileId> =
        diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).filter_map(file).collect();
    if wrong.is_empty() {
        return;
    }
    diagnostics.retain(|diagnostic| {
        !codes::is_doubtful(diagnostic.code) || file(diagnostic).is_none_or(|file| !wrong.contains(&file))
    });
}
