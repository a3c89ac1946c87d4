//! Expressions.

use flow_syntax::TokenKind;
use flow_syntax::ast::{
    Arg, BinaryOp, Block, Expr, ExprKind, LambdaParam, MapEntry, StringLiteral, StringPart, UnaryOp,
};

use crate::doc::Doc;
use crate::list::{Last, PARENS, TIGHT};
use crate::printer::Printer;

impl Printer<'_> {
    pub(crate) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Decimal(_) | ExprKind::Duration { .. } | ExprKind::Bool(_) => {
                self.token()
            }
            ExprKind::None | ExprKind::Name(_) | ExprKind::Break | ExprKind::Continue => self.token(),
            ExprKind::Commit | ExprKind::Error => self.token(),
            ExprKind::String(literal) => self.string(literal),
            ExprKind::Paren(inner) => {
                self.list(std::slice::from_ref(inner), PARENS, |p, inner| p.expr(inner))
            }
            ExprKind::Tuple(parts) => self.tuple(parts, |p, part| p.expr(part)),
            ExprKind::List(elements) => self.elements(elements),
            ExprKind::Map(entries) if entries.is_empty() => self.tokens(3),
            ExprKind::Map(entries) => self.list(entries, TIGHT, |p, entry: &MapEntry| {
                p.expr(&entry.key);
                p.token();
                p.space();
                p.expr(&entry.value);
            }),
            ExprKind::Call { .. } | ExprKind::Field { .. } | ExprKind::Index { .. } => self.postfix(expr),
            ExprKind::With { .. } | ExprKind::Using { .. } => self.postfix(expr),
            ExprKind::Unary { op: UnaryOp::Neg, operand } => {
                self.token();
                self.expr(operand);
            }
            ExprKind::Binary { op, .. } => self.binary(*op, expr),
            ExprKind::Is { value, pattern } | ExprKind::Unless { value, pattern } => {
                self.expr(value);
                self.spaced();
                self.pattern(pattern);
            }
            ExprKind::Unary { operand: inner, .. } | ExprKind::Fail(inner) => self.words(1, inner),
            ExprKind::Try(inner) | ExprKind::Await(inner) => self.words(1, inner),
            ExprKind::Spawn(inner) | ExprKind::Detach(inner) => self.words(1, inner),
            ExprKind::Sleep(inner) => self.words(1, inner),
            ExprKind::SleepUntil(inner) | ExprKind::WaitUntil(inner) => self.words(2, inner),
            ExprKind::Return(value) => match value {
                Some(value) => self.words(1, value),
                None => self.token(),
            },
            ExprKind::Receive { within, .. } => {
                self.token();
                self.space();
                self.token();
                if let Some(within) = within {
                    self.space();
                    self.words(1, within);
                }
            }
            ExprKind::Lambda { params, body } => self.lambda(params, body),
            ExprKind::Block(block) => self.block_or_assignment(block),
            _ => self.construct(expr),
        }
    }

    /// So many words before an expression.
    fn words(&mut self, count: usize, expr: &Expr) {
        for _ in 0..count {
            self.token();
            self.space();
        }
        self.expr(expr);
    }

    /// The assignment of `A => x = 1` is a block in the tree, without braces.
    fn block_or_assignment(&mut self, block: &Block) {
        match block.stmts.as_slice() {
            [only] if only.span.start == block.span.start => self.stmt(only),
            _ => self.block(block),
        }
    }

    fn lambda(&mut self, params: &[LambdaParam], body: &Expr) {
        self.token();
        for (index, param) in params.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            self.pattern(&param.pattern);
            self.annotation(param.ty.as_ref());
            self.separators();
        }
        self.token();
        self.space();
        self.expr(body);
    }

    // Literals.

    /// A list; numbers and the like fill their lines.
    fn elements(&mut self, elements: &[Expr]) {
        if !elements.iter().all(is_number) || elements.len() < 2 {
            return self.list(elements, TIGHT, |p, element| p.expr(element));
        }
        let mut first = true;
        self.list(&[()], PARENS, |p, ()| {
            for element in elements {
                if std::mem::take(&mut first) {
                    p.expr(element);
                } else {
                    p.text(",");
                    p.group(|p| {
                        p.line(" ");
                        p.comments(true);
                        p.expr(element);
                    });
                }
                p.separators();
            }
            p.push(Doc::Broken(","));
        });
    }

    /// A string's text stays as it is. What is interpolated is printed on one line, as a plain string demands; a string
    /// of several lines is left alone.
    pub(crate) fn string(&mut self, literal: &StringLiteral) {
        let Some(end) = self.string_end() else { return };
        let start = self.peek().map_or(end, |token| token.span.start);
        let plain = literal.parts.iter().all(|part| matches!(part, StringPart::Text { .. }));
        if plain || self.has_break(start, end) {
            return self.verbatim_to(end);
        }
        let string = self.capture(|p| {
            p.token();
            for part in &literal.parts {
                p.token();
                if let StringPart::Expr(expr) = part {
                    p.expr(expr);
                    p.token();
                }
            }
            p.token();
        });
        self.push(Doc::Flat(string));
    }

    // Operators.

    /// Operators of one precedence, which break together.
    fn binary(&mut self, op: BinaryOp, expr: &Expr) {
        let mut operands = Vec::new();
        let mut leftmost = expr;
        while let ExprKind::Binary { op: inner, left, right, .. } = &leftmost.kind
            && precedence(*inner) == precedence(op)
        {
            operands.push((*inner, right));
            leftmost = left;
        }
        let header = self.header;
        self.group(|p| {
            p.expr(leftmost);
            let rest = p.capture(|p| {
                for (op, operand) in operands.into_iter().rev() {
                    p.operator(op, operand);
                }
            });
            let rest = if header { p.docs.add(Doc::Nest(rest)) } else { rest };
            p.push(Doc::Nest(rest));
        });
    }

    fn operator(&mut self, op: BinaryOp, operand: &Expr) {
        if op == BinaryOp::Range {
            self.token();
        } else if op == BinaryOp::Per || (op == BinaryOp::Coalesce && ends_in_braces(operand)) {
            self.spaced();
        } else {
            self.line(" ");
            self.token();
            self.space();
        }
        self.expr(operand);
    }

    // Calls and members.

    fn postfix(&mut self, expr: &Expr) {
        let mut chain = Vec::new();
        let mut base = expr;
        while let Some(inner) = inner(base) {
            chain.push(base);
            base = inner;
        }
        chain.reverse();
        let breaks_before = |index: usize| {
            let call = chain.get(index + 1).is_some_and(|next| matches!(next.kind, ExprKind::Call { .. }));
            call && chain.get(index).is_some_and(|link| matches!(link.kind, ExprKind::Field { .. }))
        };
        let broken = chain.iter().any(|link| match &link.kind {
            ExprKind::Field { base, name, .. } => self.has_break(base.span.end, name.span.start),
            _ => false,
        });
        let calls = (0..chain.len()).filter(|&index| breaks_before(index)).count();
        if broken {
            return self.group(|p| {
                p.expr(base);
                p.nest(|p| {
                    for (index, link) in chain.iter().enumerate() {
                        if breaks_before(index) {
                            p.trailing_comments();
                            p.push(Doc::HardLine { blank: false });
                        }
                        p.link(link);
                    }
                });
            });
        }
        if calls < 2 {
            self.expr(base);
            return chain.into_iter().for_each(|link| self.link(link));
        }
        let base = self.capture(|p| p.expr(base));
        let links: Vec<_> = chain.iter().map(|link| self.capture(|p| p.link(link))).collect();
        let inline = self.docs.concat(std::iter::once(base).chain(links.iter().copied()));
        let broken = self.capture(|p| {
            p.push_id(base);
            p.nest(|p| {
                for (index, link) in links.iter().enumerate() {
                    if breaks_before(index) {
                        p.push(Doc::HardLine { blank: false });
                    }
                    p.push_id(*link);
                }
            });
        });
        self.push(Doc::Choice { inline, broken });
    }

    /// The last step of a chain.
    fn link(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call { args, .. } => self.args(args),
            ExprKind::Field { .. } => self.tokens(2),
            ExprKind::Index { index, .. } => {
                self.list(std::slice::from_ref(index), PARENS, |p, index| p.expr(index));
            }
            ExprKind::With { changes: args, .. } | ExprKind::Using { settings: args, .. } => {
                self.spaced();
                self.args(args);
            }
            _ => {}
        }
    }

    fn args(&mut self, args: &[Arg]) {
        let last = match args {
            [Arg { name: None, value: Expr { kind: ExprKind::String(_), .. }, .. }] => Last::OnlyString,
            [.., last] if has_brackets(&last.value) => Last::Brackets,
            _ => Last::Other,
        };
        self.arguments(args, last, Self::arg);
    }

    pub(crate) fn arg(&mut self, arg: &Arg) {
        if arg.name.is_some() {
            self.tokens(2);
            self.space();
        }
        self.expr(&arg.value);
    }

    /// Where the string that begins with the next token ends.
    fn string_end(&self) -> Option<u32> {
        let mut depth = 0usize;
        let end = self.rest().iter().find(|token| {
            match token.kind {
                TokenKind::StrOpen => depth += 1,
                TokenKind::StrClose => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })?;
        Some(end.span.end)
    }
}

/// What a chain's last step is applied to.
fn inner(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call { callee: inner, .. } | ExprKind::Field { base: inner, .. } => Some(inner),
        ExprKind::Index { base: inner, .. } | ExprKind::With { base: inner, .. } => Some(inner),
        ExprKind::Using { call: inner, .. } => Some(inner),
        _ => None,
    }
}

fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Decimal(_) | ExprKind::Duration { .. } | ExprKind::Bool(_) => true,
        ExprKind::Unary { op: UnaryOp::Neg, operand } => is_number(operand),
        _ => false,
    }
}

/// Whether an expression's brackets may be broken while what stands before them stays on its line.
fn has_brackets(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Lambda { body, .. } => has_brackets(body),
        ExprKind::List(_) | ExprKind::Map(_) => true,
        _ => ends_in_braces(expr),
    }
}

fn ends_in_braces(expr: &Expr) -> bool {
    use ExprKind::{Block, Every, Exclusive, For, If, Loop, Match, Parallel, ParallelFor, Race, Saga, Scope};
    use ExprKind::{Shield, Timeout, While};
    matches!(
        expr.kind,
        Block(_)
            | If { .. }
            | Match { .. }
            | Saga { .. }
            | Parallel { .. }
            | ParallelFor(_)
            | Scope(_)
            | Race(_)
            | Timeout { .. }
            | Every { .. }
            | Exclusive { .. }
            | Shield(_)
            | Loop(_)
            | While { .. }
            | For { .. }
    )
}

/// Operators that stand in one chain have the same.
fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Implies => 0,
        BinaryOp::Until => 1,
        BinaryOp::Or => 2,
        BinaryOp::And => 3,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 4,
        BinaryOp::Per => 5,
        BinaryOp::Coalesce => 6,
        BinaryOp::Range => 7,
        BinaryOp::Add | BinaryOp::Sub => 8,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 9,
    }
}
