//! What of a module others can see, as one number: as long as that stays, what uses the module need not be checked
//! again.

use crate::context::{Declared, Def, Members};
use crate::hir::{FunctionId, Id, ModuleId};
use crate::modules::uses;
use crate::suspension::Fact;
use flow_syntax::ast::{self, ItemKind, StmtKind};
use flow_syntax::{SourceMap, Span};
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hash, Hasher};

/// The interfaces of all modules a module uses, as one number.
pub(crate) fn of_used(cx: &Declared<'_>, tree: &ast::Module, interfaces: &[u64]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for decl in uses(tree) {
        let target = cx.uses.get(&decl.path.span);
        target.and_then(|target| interfaces.get(target.index())).hash(&mut hasher);
    }
    hasher.finish()
}

/// The interface of a module: the text of what it declares but for the bodies of functions and workflows, what is
/// inferred of its public functions, and `used`, since types come from there.
pub(crate) fn of(
    cx: &Declared<'_>,
    module: ModuleId,
    tree: &ast::Module,
    used: u64,
    facts: &[Fact],
    sources: &SourceMap,
) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    used.hash(&mut hasher);
    let mut text = |span: Span| sources.text(span).hash(&mut hasher);
    for item in &tree.items {
        match &item.kind {
            ItemKind::Fn(decl) if item.public => text(Span::new(item.span.start, decl.signature.span.end)),
            ItemKind::Workflow(decl) if item.public => {
                text(Span::new(item.span.start, decl.signature.span.end));
                decl.body.stmts.iter().filter_map(message).for_each(&mut text);
            }
            ItemKind::Activity(_) if !item.public => {}
            ItemKind::Fn(_) | ItemKind::Workflow(_) | ItemKind::Spec(_) | ItemKind::Test(_) => {}
            _ => text(item.span),
        }
    }
    public_functions(cx, module)
        .filter_map(|id| facts.get(id.index()))
        .for_each(|fact| fact.hash(&mut hasher));
    hasher.finish()
}

/// What others can tell and ask an instance.
fn message(stmt: &ast::Stmt) -> Option<Span> {
    match &stmt.kind {
        StmtKind::Signal { .. } => Some(stmt.span),
        StmtKind::Query(handler) | StmtKind::Update(handler) => {
            Some(Span::new(stmt.span.start, handler.signature.span.end))
        }
        _ => None,
    }
}

/// In the order of declaration.
fn public_functions(cx: &Declared<'_>, module: ModuleId) -> impl Iterator<Item = FunctionId> {
    let members = cx.members.get(module.index()).map(|members: &Members| members.functions.clone());
    members.unwrap_or_default().map(FunctionId::new).filter(move |id| {
        let name = &cx.program.functions[*id].signature.name;
        let entry = cx.scope(module).and_then(|scope| scope.names.get(name));
        entry.is_some_and(|entry| entry.public && entry.def == Def::Function(*id))
    })
}
