//! Types, patterns and names.

use flow_syntax::TokenKind;
use flow_syntax::ast::{Ident, Path, Pattern, PatternArg, PatternKind, TypeExpr, TypeExprKind, TypeParam};

use crate::list::TIGHT;
use crate::printer::Printer;

impl Printer<'_> {
    /// Names and the marks between them, without spaces.
    pub(crate) fn path(&mut self, path: &Path) {
        while self.before(path.span.end) {
            self.token();
        }
    }

    /// `<A, B>`: never broken, since a line can't begin with its `>`.
    fn angles<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        if items.is_empty() && !self.at(TokenKind::Less) {
            return;
        }
        self.token();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            print(self, item);
            self.separators();
        }
        self.token();
    }

    pub(crate) fn generics(&mut self, names: &[Ident]) {
        self.angles(names, |p, _| p.token());
    }

    /// `<T, K: Ordered>`
    pub(crate) fn type_params(&mut self, params: &[TypeParam]) {
        self.angles(params, |p, param| {
            p.token();
            if param.bound.is_some() {
                p.token();
                p.space();
                p.token();
            }
        });
    }

    /// `: T`
    pub(crate) fn annotation(&mut self, ty: Option<&TypeExpr>) {
        if let Some(ty) = ty {
            self.token();
            self.space();
            self.ty(ty);
        }
    }

    /// A type. The tree has no parentheses that only group; they are found by where the type begins.
    pub(crate) fn ty(&mut self, ty: &TypeExpr) {
        let mut open = 0;
        while self.at(TokenKind::OpenParen) && self.before(ty.span.start) {
            self.token();
            open += 1;
        }
        let mut optionals = 0;
        let mut core = ty;
        while let TypeExprKind::Optional(inner) = &core.kind {
            core = inner;
            optionals += 1;
        }
        self.type_core(core);
        for _ in 0..optionals {
            self.closing_parens(&mut open);
            self.token();
        }
        self.closing_parens(&mut open);
    }

    fn closing_parens(&mut self, open: &mut usize) {
        while *open > 0 && self.at(TokenKind::CloseParen) {
            self.token();
            *open -= 1;
        }
    }

    fn type_core(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeExprKind::Named { path, args } => {
                self.path(path);
                self.angles(args, |p, arg| p.ty(arg));
            }
            TypeExprKind::Tuple(parts) => self.tuple(parts, |p, part| p.ty(part)),
            TypeExprKind::Function { params, result, fails } => {
                let enclosed = self.at(TokenKind::OpenParen);
                if enclosed {
                    self.token();
                }
                self.token();
                self.list(params, TIGHT, |p, param| p.ty(param));
                if let Some(result) = result {
                    self.spaced();
                    self.ty(result);
                }
                self.failures(fails);
                if enclosed {
                    self.token();
                }
            }
            TypeExprKind::Optional(_) | TypeExprKind::Error => self.token(),
        }
    }

    /// ` fails A | B`
    pub(crate) fn failures(&mut self, fails: &[TypeExpr]) {
        for ty in fails {
            self.spaced();
            self.ty(ty);
        }
    }

    /// `(a, b)`; one element keeps its comma, without which it were only grouped.
    pub(crate) fn tuple<T>(&mut self, parts: &[T], mut print: impl FnMut(&mut Self, &T)) {
        if let [only] = parts {
            self.token();
            print(self, only);
            self.text(",");
            self.separators();
            self.token();
        } else {
            self.list(parts, TIGHT, print);
        }
    }

    pub(crate) fn pattern(&mut self, pattern: &Pattern) {
        if self.grouped(pattern) {
            self.token();
            self.pattern(pattern);
            self.separators();
            return self.token();
        }
        match &pattern.kind {
            PatternKind::Literal(value) => self.expr(value),
            PatternKind::Constructor { path, args, rest } => {
                self.path(path);
                self.pattern_args(args.as_deref(), *rest);
            }
            PatternKind::Tuple(parts) => self.list(parts, TIGHT, |p, part| p.pattern(part)),
            PatternKind::Or(cases) => self.group(|p| {
                for (index, case) in cases.iter().enumerate() {
                    if index > 0 {
                        p.line(" ");
                        p.token();
                        p.space();
                    }
                    p.pattern(case);
                }
            }),
            PatternKind::Wildcard | PatternKind::Bind(_) | PatternKind::None | PatternKind::Error => {
                self.token()
            }
        }
    }

    /// Whether parentheses that the tree doesn't keep stand around a pattern.
    fn grouped(&self, pattern: &Pattern) -> bool {
        let Some(next) = self.peek().filter(|token| token.kind == TokenKind::OpenParen) else { return false };
        match &pattern.kind {
            PatternKind::Tuple(parts) => match (parts.first(), self.second()) {
                (Some(first), Some(second)) => second.span.start < first.span.start,
                (None, Some(second)) => second.kind == TokenKind::OpenParen,
                _ => false,
            },
            PatternKind::Or(cases) => cases.first().is_some_and(|first| next.span.start < first.span.start),
            _ => true,
        }
    }

    fn pattern_args(&mut self, args: Option<&[PatternArg]>, rest: bool) {
        let Some(args) = args else { return };
        // `..` is printed as an argument of its own; no comma may follow it, so that such a list is never broken.
        if !rest {
            return self.list(args, TIGHT, Self::pattern_arg);
        }
        self.token();
        for arg in args {
            self.pattern_arg(arg);
            self.text(", ");
            self.separators();
        }
        self.token();
        self.token();
    }

    fn pattern_arg(&mut self, arg: &PatternArg) {
        if arg.name.is_some() {
            self.tokens(2);
            self.space();
        }
        self.pattern(&arg.pattern);
    }
}
