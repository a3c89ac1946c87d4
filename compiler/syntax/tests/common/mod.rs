//! What several tests need.
#![allow(dead_code, reason = "each test crate uses a part")]
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are not in test functions")]

use std::fmt::Write;

use flow_syntax::ast::*;
use flow_syntax::{Diagnostic, Parse, SourceMap, parse, render};

/// Parses a text as a file of its own.
pub fn parse_text(text: &str) -> (SourceMap, Parse) {
    let mut sources = SourceMap::new();
    let file = sources.add("test.flow", text);
    let parse = parse(&sources, file);
    (sources, parse)
}

/// Parses a text that must be without fault.
pub fn module(text: &str) -> Module {
    let (sources, parse) = parse_text(text);
    assert!(parse.diagnostics.is_empty(), "{text}\n{}", rendered(&sources, &parse.diagnostics));
    parse.module
}

/// All diagnostics as text.
pub fn rendered(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| render(sources, diagnostic, false)).collect()
}

/// The statements of `fn f() { … }` around a text.
pub fn statements(text: &str) -> Vec<Stmt> {
    let module = module(&format!("fn f() {{\n{text}\n}}\n"));
    match module.items.into_iter().next().map(|item| item.kind) {
        Some(ItemKind::Fn(decl)) => decl.body.expect("a body").stmts,
        other => panic!("not a function: {other:?}"),
    }
}

/// An expression, fully bracketed, as operators see it.
pub fn shape(text: &str) -> String {
    let stmts = statements(text);
    match stmts.as_slice() {
        [Stmt { kind: StmtKind::Expr(expr), .. }] => expr_shape(expr),
        other => panic!("{text} is not one expression: {other:#?}"),
    }
}

fn list(exprs: impl IntoIterator<Item = String>) -> String {
    exprs.into_iter().collect::<Vec<_>>().join(", ")
}

fn args(args: &[Arg]) -> String {
    list(args.iter().map(|arg| match &arg.name {
        Some(name) => format!("{}: {}", name.text, expr_shape(&arg.value)),
        None => expr_shape(&arg.value),
    }))
}

fn arms(arms: &[Arm]) -> String {
    list(arms.iter().map(|arm| {
        let guard = arm.guard.as_ref().map(|guard| format!(" if {}", expr_shape(guard))).unwrap_or_default();
        format!("{}{guard} => {}", pattern_shape(&arm.pattern), expr_shape(&arm.body))
    }))
}

fn block(block: &Block) -> String {
    let stmts = block.stmts.iter().map(|stmt| match &stmt.kind {
        StmtKind::Expr(expr) => expr_shape(expr),
        StmtKind::Assign { target, op, value } => {
            let op = op.map(BinaryOp::as_str).unwrap_or_default();
            format!("{} {op}= {}", expr_shape(target), expr_shape(value))
        }
        StmtKind::Let { pattern, value, .. } => {
            format!("let {} = {}", pattern_shape(pattern), expr_shape(value))
        }
        other => format!("{other:?}"),
    });
    format!("{{{}}}", stmts.collect::<Vec<_>>().join("; "))
}

/// An expression with every operand in brackets.
pub fn expr_shape(expr: &Expr) -> String {
    let opt = |prefix: &str, expr: &Option<Box<Expr>>| {
        expr.as_ref().map(|expr| format!("{prefix}{}", expr_shape(expr))).unwrap_or_default()
    };
    match &expr.kind {
        ExprKind::Int(text) | ExprKind::Decimal(text) => text.to_string(),
        ExprKind::Duration { text, .. } => text.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".into(),
        ExprKind::String(literal) => {
            let mut text = String::from("\"");
            for part in &literal.parts {
                match part {
                    StringPart::Text { text: plain, .. } => text.push_str(plain),
                    StringPart::Expr(expr) => write!(text, "{{{}}}", expr_shape(expr)).expect("memory"),
                }
            }
            text + "\""
        }
        ExprKind::Name(name) => name.text.to_string(),
        ExprKind::Paren(inner) => expr_shape(inner),
        ExprKind::Tuple(parts) => format!("({})", list(parts.iter().map(expr_shape))),
        ExprKind::List(parts) => format!("[{}]", list(parts.iter().map(expr_shape))),
        ExprKind::Map(entries) if entries.is_empty() => "[:]".into(),
        ExprKind::Map(entries) => {
            let entry =
                |entry: &MapEntry| format!("{}: {}", expr_shape(&entry.key), expr_shape(&entry.value));
            format!("[{}]", list(entries.iter().map(entry)))
        }
        ExprKind::Call { callee, args: values } => format!("{}({})", expr_shape(callee), args(values)),
        ExprKind::Field { base, name, optional } => {
            format!("{}{}{}", expr_shape(base), if *optional { "?." } else { "." }, name.text)
        }
        ExprKind::Index { base, index } => format!("{}[{}]", expr_shape(base), expr_shape(index)),
        ExprKind::With { base, changes } => format!("({} with ({}))", expr_shape(base), args(changes)),
        ExprKind::Using { call, settings } => format!("({} using ({}))", expr_shape(call), args(settings)),
        ExprKind::Unary { op: UnaryOp::Neg, operand } => format!("(-{})", expr_shape(operand)),
        ExprKind::Unary { op: UnaryOp::Not, operand } => format!("(not {})", expr_shape(operand)),
        ExprKind::Binary { op, left, right, .. } => {
            format!("({} {} {})", expr_shape(left), op.as_str(), expr_shape(right))
        }
        ExprKind::Is { value, pattern } => format!("({} is {})", expr_shape(value), pattern_shape(pattern)),
        ExprKind::Unless { value, pattern } => {
            format!("({} unless {})", expr_shape(value), pattern_shape(pattern))
        }
        ExprKind::Try(inner) => format!("(try {})", expr_shape(inner)),
        ExprKind::Await(inner) => format!("(await {})", expr_shape(inner)),
        ExprKind::Spawn(inner) => format!("(spawn {})", expr_shape(inner)),
        ExprKind::Detach(inner) => format!("(detach {})", expr_shape(inner)),
        ExprKind::Fail(inner) => format!("(fail {})", expr_shape(inner)),
        ExprKind::Return(value) => format!("(return{})", opt(" ", value)),
        ExprKind::Break => "break".into(),
        ExprKind::Continue => "continue".into(),
        ExprKind::Commit => "commit".into(),
        ExprKind::Sleep(time) => format!("(sleep {})", expr_shape(time)),
        ExprKind::SleepUntil(time) => format!("(sleep until {})", expr_shape(time)),
        ExprKind::WaitUntil(condition) => format!("(wait until {})", expr_shape(condition)),
        ExprKind::Receive { signal, within } => {
            format!("(receive {}{})", signal.text, opt(" within ", within))
        }
        ExprKind::Lambda { params, body } => {
            let params = list(params.iter().map(|param| {
                let ty = param.ty.as_ref().map(|ty| format!(": {}", type_shape(ty))).unwrap_or_default();
                format!("{}{ty}", pattern_shape(&param.pattern))
            }));
            format!("(|{params}| {})", expr_shape(body))
        }
        ExprKind::Block(inner) => block(inner),
        ExprKind::If { condition, then, otherwise } => {
            format!("if {} {}{}", expr_shape(condition), block(then), opt(" else ", otherwise))
        }
        ExprKind::Match { value, arms: list } => format!("match {} {{{}}}", expr_shape(value), arms(list)),
        ExprKind::Catch { value, arms: list } => format!("({} catch {{{}}})", expr_shape(value), arms(list)),
        ExprKind::Saga { unordered, body } => {
            format!("saga {}{}", if *unordered { "unordered " } else { "" }, block(body))
        }
        ExprKind::Parallel { first, branches } => {
            format!("parallel{} {{{}}}", opt(" first ", first), list(branches.iter().map(expr_shape)))
        }
        ExprKind::ParallelFor(it) => {
            let first =
                it.first.as_ref().map(|first| format!("first {} ", expr_shape(first))).unwrap_or_default();
            let max = it.max.as_ref().map(|max| format!(" max {}", expr_shape(max))).unwrap_or_default();
            let (pattern, items) = (pattern_shape(&it.pattern), expr_shape(&it.items));
            format!("parallel {first}for {pattern} in {items}{max} {}", block(&it.body))
        }
        ExprKind::Scope(body) => format!("scope {}", block(body)),
        ExprKind::Race(arms) => {
            let arm = |arm: &RaceArm| {
                let head = match &arm.head {
                    RaceHead::Expr(expr) => expr_shape(expr),
                    RaceHead::After(time) => format!("after {}", expr_shape(time)),
                };
                let binding =
                    arm.binding.as_ref().map(|it| format!(" as {}", pattern_shape(it))).unwrap_or_default();
                format!("{head}{binding} => {}", expr_shape(&arm.body))
            };
            format!("race {{{}}}", list(arms.iter().map(arm)))
        }
        ExprKind::Timeout { limit, body } => format!("timeout {} {}", expr_shape(limit), block(body)),
        ExprKind::Every { interval, body } => format!("every {} {}", expr_shape(interval), block(body)),
        ExprKind::Exclusive { key, within, body } => {
            format!("exclusive {}{} {}", expr_shape(key), opt(" within ", within), block(body))
        }
        ExprKind::Shield(body) => format!("shield {}", block(body)),
        ExprKind::Loop(body) => format!("loop {}", block(body)),
        ExprKind::While { condition, body } => format!("while {} {}", expr_shape(condition), block(body)),
        ExprKind::For { pattern, items, body } => {
            format!("for {} in {} {}", pattern_shape(pattern), expr_shape(items), block(body))
        }
        ExprKind::Error => "<error>".into(),
    }
}

/// A pattern with every part in brackets.
pub fn pattern_shape(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Wildcard => "_".into(),
        PatternKind::Bind(name) => name.text.to_string(),
        PatternKind::Literal(value) => expr_shape(value),
        PatternKind::None => "none".into(),
        PatternKind::Constructor { path, args, rest } => {
            let name = path.segments.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(".");
            let Some(args) = args else { return name };
            let mut shapes: Vec<String> = args
                .iter()
                .map(|arg| match &arg.name {
                    Some(name) => format!("{}: {}", name.text, pattern_shape(&arg.pattern)),
                    None => pattern_shape(&arg.pattern),
                })
                .collect();
            shapes.extend(rest.then(|| "..".to_string()));
            format!("{name}({})", shapes.join(", "))
        }
        PatternKind::Tuple(parts) => format!("({})", list(parts.iter().map(pattern_shape))),
        PatternKind::Or(cases) => {
            format!("({})", cases.iter().map(pattern_shape).collect::<Vec<_>>().join(" | "))
        }
        PatternKind::Error => "<error>".into(),
    }
}

/// A type with every part in brackets.
pub fn type_shape(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeExprKind::Named { path, args } => {
            let name = path.segments.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(".");
            if args.is_empty() { name } else { format!("{name}<{}>", list(args.iter().map(type_shape))) }
        }
        TypeExprKind::Optional(inner) => format!("{}?", type_shape(inner)),
        TypeExprKind::Tuple(parts) => format!("({})", list(parts.iter().map(type_shape))),
        TypeExprKind::Function { params, result, fails } => {
            let result = result.as_ref().map(|ty| format!(" -> {}", type_shape(ty))).unwrap_or_default();
            let fails: Vec<_> = fails.iter().map(type_shape).collect();
            let fails =
                if fails.is_empty() { String::new() } else { format!(" fails {}", fails.join(" | ")) };
            format!("(fn({}){result}{fails})", list(params.iter().map(type_shape)))
        }
        TypeExprKind::Error => "<error>".into(),
    }
}
