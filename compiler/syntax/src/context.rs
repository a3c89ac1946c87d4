//! What the grammar's actions need: the file's text, its documentation, and the making of nodes.

use std::cell::Cell;

use crate::ast::*;
use crate::duration;
use crate::lexer::PendingDocs;
use crate::span::{SourceFile, Span};
use crate::strings;

/// The file that is being parsed.
pub(crate) struct Context<'s> {
    file: &'s SourceFile,
    docs: Vec<(PendingDocs, Cell<bool>)>,
}

/// A part of a string before escapes and margins are dealt with.
pub(crate) enum RawPart {
    Text(Span),
    Expr(Expr),
}

/// What the grammar makes of an element of a list: big ones are boxed until they lie in it.
pub(crate) trait Element {
    type Node;
    fn node(self) -> Self::Node;
}

/// A list of what elements stand for.
pub(crate) type List<T> = Vec<<T as Element>::Node>;

impl<T> Element for Box<T> {
    type Node = T;
    fn node(self) -> T {
        *self
    }
}

macro_rules! small {
    ($($node:ident)*) => {
        $(impl Element for $node {
            type Node = $node;
            fn node(self) -> $node {
                self
            }
        })*
    };
}

small! { Expr Ident Pattern TypeExpr }

impl<'s> Context<'s> {
    pub(crate) fn new(file: &'s SourceFile, mut docs: Vec<PendingDocs>) -> Context<'s> {
        docs.sort_by_key(|pending| pending.target);
        Context { file, docs: docs.into_iter().map(|pending| (pending, Cell::new(false))).collect() }
    }

    /// Documentation that no declaration took.
    pub(crate) fn unused_docs(&self) -> impl Iterator<Item = Span> {
        self.docs.iter().filter(|(_, used)| !used.get()).map(|(pending, _)| pending.docs.span)
    }

    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        // An empty node's end lies before its start, which is the next token's.
        Span::new(start.min(end), end.max(start.min(end)))
    }

    /// A span whose last part may be empty: without the space before what follows.
    pub(crate) fn trimmed(&self, start: u32, end: u32) -> Span {
        Span::new(start, start + self.text(start, end).trim_end().len() as u32)
    }

    pub(crate) fn text(&self, start: u32, end: u32) -> &'s str {
        let base = self.file.base();
        self.file.text().get((start - base) as usize..(end - base) as usize).unwrap_or_default()
    }

    /// How far the line that holds a place is indented.
    pub(crate) fn indent(&self, span: Span) -> usize {
        self.file.indent(span)
    }

    /// The documentation of the declaration that begins at `start`.
    pub(crate) fn docs(&self, start: u32) -> Option<Docs> {
        let at = self.docs.binary_search_by_key(&start, |(pending, _)| pending.target).ok()?;
        let (pending, used) = self.docs.get(at)?;
        used.set(true);
        Some(pending.docs.clone())
    }

    // Names, types and patterns.

    pub(crate) fn ident(&self, start: u32, end: u32) -> Ident {
        Ident { text: Name::new(self.text(start, end)), span: self.span(start, end) }
    }

    pub(crate) fn invalid_name(&self, start: u32, end: u32) -> Ident {
        Ident { text: Name::default(), span: self.span(start, end) }
    }

    pub(crate) fn path(&self, segments: Vec<Ident>) -> Path {
        let span = segments.iter().fold(Span::default(), |span, name| span.to(name.span));
        Path { segments, span }
    }

    pub(crate) fn longer_path(&self, mut path: Path, name: Ident) -> Path {
        path.span = path.span.to(name.span);
        path.segments.push(name);
        path
    }

    pub(crate) fn ty(&self, start: u32, end: u32, kind: TypeExprKind) -> TypeExpr {
        TypeExpr { kind, span: self.span(start, end) }
    }

    pub(crate) fn optional(&self, inner: TypeExpr, end: u32) -> TypeExpr {
        let span = self.span(inner.span.start, end);
        TypeExpr { kind: TypeExprKind::Optional(Box::new(inner)), span }
    }

    /// `(fn(A) -> B fails E)`
    pub(crate) fn failing(
        &self,
        start: u32,
        end: u32,
        function: TypeExpr,
        failures: Vec<TypeExpr>,
    ) -> TypeExpr {
        let kind = match function.kind {
            TypeExprKind::Function { params, result, .. } => {
                TypeExprKind::Function { params, result, fails: failures }
            }
            other => other,
        };
        self.ty(start, end, kind)
    }

    pub(crate) fn pattern(&self, start: u32, end: u32, kind: PatternKind) -> Pattern {
        Pattern { kind, span: self.span(start, end) }
    }

    /// `(a, b)`; parentheses around one pattern only group.
    pub(crate) fn tuple_pattern(&self, start: u32, end: u32, mut parts: Vec<Pattern>) -> Pattern {
        match parts.pop() {
            Some(only) if parts.is_empty() => Pattern { span: self.span(start, end), ..only },
            last => {
                parts.extend(last);
                self.pattern(start, end, PatternKind::Tuple(parts))
            }
        }
    }

    pub(crate) fn negative(&self, start: u32, end: u32, number: Expr) -> Pattern {
        let literal = self.unary(start, UnaryOp::Neg, number);
        self.pattern(start, end, PatternKind::Literal(Box::new(literal)))
    }

    // Declarations and statements.

    pub(crate) fn invalid_field(&self, start: u32, end: u32) -> Box<Field> {
        Box::new(Field {
            docs: None,
            name: self.invalid_name(start, end),
            ty: self.ty(start, end, TypeExprKind::Error),
            default: None,
            span: self.span(start, end),
        })
    }

    pub(crate) fn invalid_case(&self, start: u32, end: u32) -> Box<Case> {
        let (name, span) = (self.invalid_name(start, end), self.span(start, end));
        Box::new(Case { docs: None, name, fields: Vec::new(), span })
    }

    pub(crate) fn invalid_setting(&self, start: u32, end: u32) -> Box<Setting> {
        let value = self.expr(start, end, ExprKind::Error);
        let (key, span) = (self.invalid_name(start, end), self.span(start, end));
        Box::new(Setting { docs: None, key, value, span })
    }

    pub(crate) fn stmt(
        &self,
        start: u32,
        end: u32,
        kind: StmtKind,
        compensation: Option<Box<Compensation>>,
    ) -> Box<Stmt> {
        let documented = matches!(
            kind,
            StmtKind::Signal { .. }
                | StmtKind::State { .. }
                | StmtKind::Index { .. }
                | StmtKind::Query(_)
                | StmtKind::Update(_)
        );
        let docs = if documented { self.docs(start).map(Box::new) } else { None };
        Box::new(Stmt { docs, kind, compensation, span: self.span(start, end) })
    }

    pub(crate) fn expr_stmt(&self, expr: Expr) -> StmtKind {
        match expr.kind {
            ExprKind::Error => StmtKind::Error,
            _ => StmtKind::Expr(expr),
        }
    }

    pub(crate) fn setting_stmt(&self, start: u32, end: u32, key: Ident, value: Expr) -> StmtKind {
        StmtKind::Setting(Box::new(Setting {
            docs: self.docs(start),
            key,
            value,
            span: self.span(start, end),
        }))
    }

    pub(crate) fn invalid_arm(&self, start: u32, end: u32) -> Box<Arm> {
        Box::new(Arm {
            pattern: self.pattern(start, end, PatternKind::Error),
            guard: None,
            body: self.expr(start, end, ExprKind::Error),
            span: self.span(start, end),
        })
    }

    pub(crate) fn invalid_race_arm(&self, start: u32, end: u32) -> Box<RaceArm> {
        let error = || self.expr(start, end, ExprKind::Error);
        let head = RaceHead::Expr(error());
        Box::new(RaceArm { head, binding: None, body: error(), span: self.span(start, end) })
    }

    /// The assignment of `A => x = 1` as the block it stands for.
    pub(crate) fn assignment_block(&self, start: u32, end: u32, assignment: StmtKind) -> Expr {
        let span = self.span(start, end);
        let stmt = Stmt { docs: None, kind: assignment, compensation: None, span };
        Expr { kind: ExprKind::Block(Block { stmts: vec![stmt], span }), span }
    }

    // Expressions.

    pub(crate) fn expr(&self, start: u32, end: u32, kind: ExprKind) -> Expr {
        Expr { kind, span: self.span(start, end) }
    }

    pub(crate) fn name(&self, name: Ident) -> Expr {
        Expr { span: name.span, kind: ExprKind::Name(name) }
    }

    pub(crate) fn block(&self, block: Block) -> Expr {
        Expr { span: block.span, kind: ExprKind::Block(block) }
    }

    pub(crate) fn unary(&self, start: u32, op: UnaryOp, operand: Expr) -> Expr {
        let end = operand.span.end;
        self.expr(start, end, ExprKind::Unary { op, operand: Box::new(operand) })
    }

    pub(crate) fn binary(&self, left: Expr, op: BinaryOp, op_start: u32, op_end: u32, right: Expr) -> Expr {
        let span = left.span.to(right.span);
        let op_span = self.span(op_start, op_end);
        let kind = ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) };
        Expr { kind, span }
    }

    pub(crate) fn is(&self, value: Expr, pattern: Pattern, end: u32) -> Expr {
        let start = value.span.start;
        self.expr(start, end, ExprKind::Is { value: Box::new(value), pattern: Box::new(pattern) })
    }

    pub(crate) fn unless(&self, value: Expr, pattern: Pattern, end: u32) -> Expr {
        let start = value.span.start;
        self.expr(start, end, ExprKind::Unless { value: Box::new(value), pattern: Box::new(pattern) })
    }

    pub(crate) fn catch(&self, value: Expr, arms: Vec<Arm>, end: u32) -> Expr {
        let start = value.span.start;
        self.expr(start, end, ExprKind::Catch { value: Box::new(value), arms })
    }

    pub(crate) fn call(&self, callee: Expr, args: Vec<Arg>, end: u32) -> Expr {
        let start = callee.span.start;
        self.expr(start, end, ExprKind::Call { callee: Box::new(callee), args })
    }

    pub(crate) fn index(&self, base: Expr, index: Expr, end: u32) -> Expr {
        let start = base.span.start;
        self.expr(start, end, ExprKind::Index { base: Box::new(base), index: Box::new(index) })
    }

    pub(crate) fn field(&self, base: Expr, name: Ident, optional: bool) -> Expr {
        let span = base.span.to(name.span);
        Expr { kind: ExprKind::Field { base: Box::new(base), name, optional }, span }
    }

    pub(crate) fn with(&self, base: Expr, changes: Vec<Arg>, end: u32) -> Expr {
        let start = base.span.start;
        self.expr(start, end, ExprKind::With { base: Box::new(base), changes })
    }

    pub(crate) fn using(&self, call: Expr, settings: Vec<Arg>, end: u32) -> Expr {
        let start = call.span.start;
        self.expr(start, end, ExprKind::Using { call: Box::new(call), settings })
    }

    // Literals.

    /// A duration; one that was reported as none or too long counts as nothing.
    pub(crate) fn duration(&self, start: u32, end: u32) -> Expr {
        let text = self.text(start, end);
        let kind = match duration::parse(text) {
            Some(millis) => ExprKind::Duration { text: Name::new(text), millis },
            None => ExprKind::Error,
        };
        self.expr(start, end, kind)
    }

    pub(crate) fn string(&self, start: u32, parts: Vec<RawPart>) -> StringLiteral {
        let block = self.text(start, (start + 3).min(self.file.span().end)) == "\"\"\"";
        let last = parts.len().saturating_sub(1);
        let raw = |part: &RawPart| match part {
            RawPart::Text(span) => self.text(span.start, span.end),
            RawPart::Expr(_) => "",
        };
        let texts = parts.iter().enumerate().map(|(index, part)| (raw(part), index == last));
        let margin = if block { strings::margin(texts) } else { 0 };
        let part = |(index, part)| match part {
            RawPart::Expr(expr) => StringPart::Expr(expr),
            RawPart::Text(span) => {
                let raw = self.text(span.start, span.end);
                let text = if block {
                    strings::unescape(&strings::without_margin(raw, margin, index == 0, index == last))
                } else {
                    strings::unescape(raw)
                };
                StringPart::Text { text, span }
            }
        };
        StringLiteral { parts: parts.into_iter().enumerate().map(part).collect(), block }
    }

    /// A string as plain text; one with interpolations stands for itself as written.
    pub(crate) fn plain(&self, literal: &StringLiteral, start: u32, end: u32) -> Name {
        match literal.as_plain() {
            Some(text) => Name::new(text),
            None => Name::new(self.text(start, end).trim_matches('"')),
        }
    }
}
