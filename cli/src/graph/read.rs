//! From the sources of a program to the outline of a workflow.

use super::outline::{Block, BlockKind, Item, Lane, Leaf, LeafKind, Outline, Split, SplitKind, Undo};
use flow_syntax::ast::{self, Expr, ExprKind, ItemKind, RaceHead, Stmt, StmtKind, StringPart};
use flow_syntax::{SourceMap, Span};
use std::collections::HashMap;

/// What a name that is called stands for.
enum Callee {
    Activity,
    Workflow,
    Function(ast::Block),
}

/// Functions called within functions are drawn this deep; below, a call is drawn as what it is.
const DEEPEST: usize = 8;

struct Reader<'a> {
    sources: &'a SourceMap,
    callees: &'a HashMap<String, Callee>,
    /// The functions being drawn, so that a recursion ends.
    open: Vec<String>,
    items: Vec<Item>,
}

/// The outline of a workflow; `None` where the sources don't have it.
pub(crate) fn outline(sources: &SourceMap, workflow: &str) -> Option<Outline> {
    let mut callees = HashMap::new();
    let mut body = None;
    for (file, source) in sources.files() {
        if source.path().starts_with("std/") {
            continue;
        }
        for item in flow_syntax::parse(sources, file).module.items {
            let Some(name) = item.name().map(|name| name.as_str().to_owned()) else { continue };
            match item.kind {
                ItemKind::Activity(_) => drop(callees.insert(name, Callee::Activity)),
                ItemKind::Fn(decl) => {
                    if let Some(block) = decl.body {
                        callees.insert(name, Callee::Function(block));
                    }
                }
                ItemKind::Workflow(decl) => {
                    if name == workflow && body.is_none() {
                        body = Some(decl.body);
                    }
                    callees.insert(name, Callee::Workflow);
                }
                _ => {}
            }
        }
    }
    let mut reader = Reader { sources, callees: &callees, open: Vec::new(), items: Vec::new() };
    reader.block(&body?);
    Some(Outline { workflow: workflow.to_owned(), items: reader.items })
}

impl Reader<'_> {
    /// The text of a place on one line.
    fn text(&self, span: Span) -> String {
        self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is read by `read`, apart from what has been read.
    fn within(&mut self, read: impl FnOnce(&mut Self)) -> Vec<Item> {
        let before = std::mem::take(&mut self.items);
        read(self);
        std::mem::replace(&mut self.items, before)
    }

    fn leaf(&mut self, what: LeafKind, place: Span) {
        let text = self.text(place);
        self.items.push(Item::Leaf(Leaf { what, text, undo: None, unknown: None, place, here: Vec::new() }));
    }

    /// A frame, unless nothing happens in it.
    fn framed(&mut self, what: BlockKind, title: String, place: Span, read: impl FnOnce(&mut Self)) {
        let items = self.within(read);
        if !items.is_empty() {
            self.items.push(Item::Block(Block { what, title, items, place, here: Vec::new() }));
        }
    }

    /// Lanes, unless nothing happens in any of them.
    fn split(&mut self, what: SplitKind, title: String, place: Span, lanes: Vec<Lane>) {
        if lanes.iter().any(|lane| !lane.items.is_empty()) {
            self.items.push(Item::Split(Split { what, title, lanes, place, here: Vec::new() }));
        }
    }

    fn block(&mut self, block: &ast::Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let first = self.items.len();
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::State { value, .. } | StmtKind::Expr(value) => {
                self.expr(value)
            }
            StmtKind::Assign { value, .. } | StmtKind::Index { value, .. } => self.expr(value),
            _ => {}
        }
        if let Some(compensation) = &stmt.compensation {
            self.compensated(first, compensation);
        }
    }

    /// What undoes a statement is drawn at its last step.
    fn compensated(&mut self, first: usize, compensation: &ast::Compensation) {
        let undo = |place: Span| Undo { text: self.text(place), place, here: Vec::new() };
        let (normally, lost) =
            (undo(compensation.undo.span), compensation.unknown.as_ref().map(|unknown| undo(unknown.span)));
        let steps = self.items.iter_mut().skip(first).rev();
        let step = steps.filter_map(|item| match item {
            Item::Leaf(leaf) => Some(leaf),
            _ => None,
        });
        if let Some(leaf) = step.take(1).next() {
            (leaf.undo, leaf.unknown) = (Some(normally), lost);
            return;
        }
        // Of a block, or of what doesn't wait, the compensation stands by itself.
        let text = "the above".to_owned();
        let (undo, place) = (Some(normally), compensation.span);
        self.items.push(Item::Leaf(Leaf {
            what: LeafKind::Step,
            text,
            undo,
            unknown: lost,
            place,
            here: vec![],
        }));
    }

    fn expr(&mut self, expr: &Expr) {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Call { callee, args } => {
                if let ExprKind::Field { base, .. } = &callee.kind {
                    self.expr(base);
                }
                args.iter().for_each(|arg| self.expr(&arg.value));
                self.call(callee, span);
            }
            ExprKind::Using { call, .. } => self.expr(call),
            ExprKind::Sleep(_) | ExprKind::SleepUntil(_) => self.leaf(LeafKind::Timer, span),
            ExprKind::Receive { .. } | ExprKind::WaitUntil(_) => self.leaf(LeafKind::Signal, span),
            ExprKind::Commit => self.leaf(LeafKind::Commit, span),
            ExprKind::Fail(_) => self.leaf(LeafKind::Fail, span),
            ExprKind::Break | ExprKind::Continue => self.leaf(LeafKind::Leave, span),
            ExprKind::Return(value) => {
                value.iter().for_each(|value| self.expr(value));
                self.leaf(LeafKind::Leave, span);
            }
            ExprKind::Saga { unordered, body } => {
                let title = if *unordered { "saga unordered" } else { "saga" };
                self.framed(BlockKind::Saga, title.into(), span, |reader| reader.block(body));
            }
            ExprKind::Timeout { limit, body } => {
                self.scope(format!("timeout {}", self.text(limit.span)), span, body)
            }
            ExprKind::Shield(body) => self.scope("shield".into(), span, body),
            ExprKind::Scope(body) => self.scope("scope".into(), span, body),
            ExprKind::Exclusive { key, body, .. } => {
                self.scope(format!("exclusive {}", self.text(key.span)), span, body);
            }
            ExprKind::Loop(body) => self.repeated("loop".into(), span, None, body),
            ExprKind::While { condition, body } => {
                self.repeated(format!("while {}", self.text(condition.span)), span, Some(condition), body);
            }
            ExprKind::Every { interval, body } => {
                self.repeated(format!("every {}", self.text(interval.span)), span, None, body);
            }
            ExprKind::For { pattern, items, body } => {
                self.expr(items);
                let title = format!("for {} in {}", self.text(pattern.span), self.text(items.span));
                self.repeated(title, span, None, body);
            }
            _ => self.branching(expr),
        }
    }

    fn branching(&mut self, expr: &Expr) {
        let span = expr.span;
        match &expr.kind {
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                let mut lanes = vec![self.lane("yes".into(), |reader| reader.block(then))];
                lanes.push(
                    self.lane("no".into(), |reader| otherwise.iter().for_each(|other| reader.expr(other))),
                );
                self.split(SplitKind::Choice, format!("if {}", self.text(condition.span)), span, lanes);
            }
            ExprKind::Match { value, arms } => {
                self.expr(value);
                let lanes = arms.iter().map(|arm| self.arm(arm)).collect();
                self.split(SplitKind::Choice, format!("match {}", self.text(value.span)), span, lanes);
            }
            ExprKind::Catch { value, arms } => {
                let mut lanes = vec![self.lane(String::new(), |reader| reader.expr(value))];
                if lanes.iter().any(|lane| !lane.items.is_empty()) {
                    lanes.extend(arms.iter().map(|arm| self.arm(arm)).collect::<Vec<_>>());
                }
                self.split(SplitKind::Catch, "catch".into(), span, lanes);
            }
            ExprKind::Parallel { first, branches } => {
                let lanes =
                    branches.iter().map(|branch| self.lane(String::new(), |reader| reader.expr(branch)));
                let lanes = lanes.collect();
                self.split(SplitKind::Parallel, self.quorum("parallel", first.as_deref()), span, lanes);
            }
            ExprKind::ParallelFor(each) => {
                self.expr(&each.items);
                let max =
                    each.max.as_ref().map_or(String::new(), |max| format!(" max {}", self.text(max.span)));
                let (name, items) = (self.text(each.pattern.span), self.text(each.items.span));
                let lanes = vec![self.lane(format!("each {name}"), |reader| reader.block(&each.body))];
                let title =
                    format!("{} for {name} in {items}{max}", self.quorum("parallel", each.first.as_ref()));
                self.split(SplitKind::Parallel, title, span, lanes);
            }
            ExprKind::Race(arms) => {
                let lanes = arms.iter().map(|arm| self.race_arm(arm)).collect();
                self.split(SplitKind::Race, "race".into(), span, lanes);
            }
            _ => self.parts(expr),
        }
    }

    fn quorum(&self, word: &str, first: Option<&Expr>) -> String {
        first.map_or_else(|| word.to_owned(), |first| format!("{word} first {}", self.text(first.span)))
    }

    fn lane(&mut self, title: String, read: impl FnOnce(&mut Self)) -> Lane {
        Lane { title, items: self.within(read) }
    }

    fn arm(&mut self, arm: &ast::Arm) -> Lane {
        let title = self.text(arm.pattern.span);
        self.lane(title, |reader| reader.expr(&arm.body))
    }

    fn race_arm(&mut self, arm: &ast::RaceArm) -> Lane {
        self.lane(String::new(), |reader| {
            match &arm.head {
                RaceHead::Expr(head) => {
                    let before = reader.items.len();
                    reader.expr(head);
                    if reader.items.len() == before {
                        reader.leaf(LeafKind::Step, head.span);
                    }
                }
                RaceHead::After(duration) => {
                    let text = format!("after {}", reader.text(duration.span));
                    let (place, here) = (duration.span, Vec::new());
                    let leaf = Leaf { what: LeafKind::Timer, text, undo: None, unknown: None, place, here };
                    reader.items.push(Item::Leaf(leaf));
                }
            }
            reader.expr(&arm.body);
        })
    }

    fn scope(&mut self, title: String, span: Span, body: &ast::Block) {
        self.framed(BlockKind::Scope, title, span, |reader| reader.block(body));
    }

    fn repeated(&mut self, title: String, span: Span, condition: Option<&Expr>, body: &ast::Block) {
        self.framed(BlockKind::Loop, title, span, |reader| {
            condition.into_iter().for_each(|condition| reader.expr(condition));
            reader.block(body);
        });
    }

    fn call(&mut self, callee: &Expr, span: Span) {
        let name = match &callee.kind {
            ExprKind::Name(name) | ExprKind::Field { name, .. } => name.as_str(),
            _ => return,
        };
        let callees = self.callees;
        match callees.get(name) {
            Some(Callee::Activity) => self.leaf(LeafKind::Step, span),
            Some(Callee::Workflow) => self.leaf(LeafKind::Child, span),
            Some(Callee::Function(body))
                if self.open.len() < DEEPEST && !self.open.iter().any(|open| open == name) =>
            {
                self.open.push(name.to_owned());
                let title = self.text(span);
                self.framed(BlockKind::Function, title, span, |reader| reader.block(body));
                self.open.pop();
            }
            _ => {}
        }
    }

    /// What happens in the parts of an expression that is none of the constructs.
    fn parts(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Block(block) => self.block(block),
            ExprKind::Lambda { body, .. } => self.expr(body),
            ExprKind::Paren(inner)
            | ExprKind::Try(inner)
            | ExprKind::Await(inner)
            | ExprKind::Spawn(inner)
            | ExprKind::Detach(inner)
            | ExprKind::Field { base: inner, .. }
            | ExprKind::Unary { operand: inner, .. }
            | ExprKind::Is { value: inner, .. } => self.expr(inner),
            ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Map(entries) => entries.iter().for_each(|entry| {
                self.expr(&entry.key);
                self.expr(&entry.value);
            }),
            ExprKind::Index { base, index } => {
                self.expr(base);
                self.expr(index);
            }
            ExprKind::With { base, changes } => {
                self.expr(base);
                changes.iter().for_each(|change| self.expr(&change.value));
            }
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::String(literal) => {
                for part in &literal.parts {
                    if let StringPart::Expr(part) = part {
                        self.expr(part);
                    }
                }
            }
            _ => {}
        }
    }
}
