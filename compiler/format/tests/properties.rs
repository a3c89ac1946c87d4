//! Whatever a program looks like: its meaning stays, and the style is reached in one step.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

mod common;

use common::{check, programs, tree};
use flow_syntax::{SourceMap, TokenKind, tokens};
use proptest::prelude::*;
use std::sync::LazyLock;

/// What is done to the space between two tokens; each number decides one thing.
type Choices = Vec<(u8, u8)>;

/// A program with other spaces, line breaks and comments, which means the same.
fn disturbed(text: &str, choices: &Choices, comments: bool) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add("test.flow", text);
    let file = sources.file(id).expect("a file");
    let tokens = tokens(file);
    let mut out = String::new();
    let mut from = 0;
    // Line breaks change nothing only where the innermost bracket is round or square.
    let mut brackets: Vec<TokenKind> = Vec::new();
    let mut strings = 0;
    let mut choices = choices.iter().cycle();
    for token in &tokens {
        let start = (token.span.start - file.base()) as usize;
        let gap = text.get(from..start).unwrap_or_default();
        let (space, lines) = *choices.next().unwrap_or(&(0, 0));
        let within =
            strings == 0 && matches!(brackets.last(), Some(TokenKind::OpenParen | TokenKind::OpenBracket));
        if strings > 0 || gap.contains("//") {
            out.push_str(gap);
        } else {
            space_between(&mut out, gap, (space, lines), comments, within);
        }
        match token.kind {
            TokenKind::StrOpen => strings += 1,
            TokenKind::StrClose => strings -= 1,
            kind if kind.closer().is_some() => brackets.push(kind),
            kind if kind.is_closer() => drop(brackets.pop()),
            _ => {}
        }
        let end = (token.span.end - file.base()) as usize;
        out.push_str(text.get(start..end).unwrap_or_default());
        from = end;
    }
    out + text.get(from..).unwrap_or_default()
}

fn space_between(out: &mut String, gap: &str, (space, lines): (u8, u8), comments: bool, within: bool) {
    let breaks = gap.contains('\n') || (within && lines % 11 == 0);
    if !breaks {
        return out.push_str(if gap.is_empty() { "" } else { &"   "[..1 + usize::from(space % 3)] });
    }
    if comments && lines % 7 == 1 && !out.is_empty() {
        out.push_str(" // trailing");
    }
    out.push_str(&"\n\n\n\n"[..1 + usize::from(lines % 4)]);
    if comments && lines % 5 == 1 {
        out.push_str("    // alone\n");
    }
    out.push_str(&"       "[..usize::from(space % 8)]);
}

fn choices() -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<(u8, u8)>(), 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn real_programs_keep_their_meaning_however_they_are_disturbed(
        choices in choices(), comments in any::<bool>(), which in any::<prop::sample::Index>(),
    ) {
        let text = which.get(&VALID);
        let disturbed = disturbed(text, &choices, comments);
        prop_assert_eq!(tree(&disturbed), tree(text), "the disturbance changed the program:\n{}", disturbed);
        check(&disturbed);
    }

    #[test]
    fn spaces_alone_make_no_difference(choices in choices(), which in any::<prop::sample::Index>()) {
        let text = which.get(&VALID);
        let spaces: Choices = choices.iter().map(|(space, _)| (*space, 4)).collect();
        let disturbed = disturbed(text, &spaces, false);
        prop_assume!(!text.contains("\n\n") || disturbed.contains("\n\n"));
        let blankless = |text: &str| text.replace("\n\n", "\n");
        prop_assert_eq!(blankless(&check(&disturbed)), blankless(&check(text)));
    }

    #[test]
    fn generated_programs_keep_their_meaning(program in program()) {
        check(&program);
    }
}

/// The programs of the repository that parse.
static VALID: LazyLock<Vec<String>> = LazyLock::new(|| {
    let all = programs().into_iter().map(|(_, text)| text);
    all.filter(|text| flow_format::format("", text).is_ok() && text.len() < 6_000).collect()
});

// Generated programs. A `~` stands where a line may break or a space may be.

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "state", "first", "a_longer_name_of_something", "test"])
        .prop_map(str::to_owned)
}

fn capital() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["A", "Some", "Quite_A_Long_Constructor"]).prop_map(str::to_owned)
}

fn ty() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![capital(), Just("()".to_owned())];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (capital(), inner.clone(), inner.clone()).prop_map(|(name, a, b)| format!("{name}<{a}, {b}>")),
            inner.clone().prop_map(|ty| format!("({ty})?")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a},~{b})")),
            inner.clone().prop_map(|ty| format!("({ty},)")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(fn({a}) -> {b} fails A | Some)")),
        ]
    })
}

fn pattern() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![name(), capital(), Just("_".to_owned()), Just("-1".to_owned()), Just("\"s\"".to_owned())];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (capital(), inner.clone(), inner.clone())
                .prop_map(|(name, a, b)| format!("{name}({a},~field: {b})")),
            (capital(), inner.clone()).prop_map(|(name, a)| format!("{name}({a}, ..)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}, {b})")),
            inner.prop_map(|pattern| format!("({pattern})")),
        ]
    })
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        capital(),
        prop::sample::select(vec![
            "1", "12.50", "1h30m", "true", "none", "\"text\"", "[:]", "()", "break", "commit"
        ])
        .prop_map(str::to_owned),
    ]
}

fn expr() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        let several = prop::collection::vec(inner.clone(), 0..4);
        let statements = prop::collection::vec(statement(inner.clone()), 0..4);
        let block = (statements, any::<bool>()).prop_map(|(list, lines)| {
            let between = if lines { "\n" } else { "; " };
            format!("{{~{}~}}", list.join(between))
        });
        let block = block.boxed();
        let arms = prop::collection::vec((pattern(), inner.clone()), 1..4).prop_map(|arms| {
            let arms: Vec<_> =
                arms.into_iter().map(|(pattern, body)| format!("{pattern} => ({body})")).collect();
            format!("{{~{}~}}", arms.join(",~"))
        });
        let arms = arms.boxed();
        let operator = prop::sample::select(vec!["+", "-", "*", "and", "or", "??", "implies"]);
        let call =
            (inner.clone(), several.clone()).prop_map(|(f, args)| format!("({f})(~{}~)", args.join(",~")));
        prop_oneof![
            call,
            several.clone().prop_map(|list| format!("[~{}~]", list.join(",~"))),
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("(({a})~{op} ({b}))")),
            (inner.clone(), name()).prop_map(|(base, name)| format!("({base})~.{name}(1)~.b(2)~?.c")),
            (pattern(), inner.clone()).prop_map(|(pattern, body)| match pattern.as_str() {
                "a" | "b" => format!("(|{pattern}, c: A| {body})"),
                _ => format!("(|| {body})"),
            }),
            (inner.clone(), block.clone(), block.clone())
                .prop_map(|(c, a, b)| format!("if ({c}) {a} else {b}")),
            (inner.clone(), arms.clone()).prop_map(|(value, arms)| format!("match ({value}) {arms}")),
            (inner.clone(), arms).prop_map(|(value, arms)| format!("(({value}) catch {arms})")),
            block.clone().prop_map(|block| format!("saga unordered {block}")),
            (pattern(), inner.clone(), block.clone()).prop_map(|(pattern, items, body)| format!(
                "parallel for {pattern} in ({items}) max 10 {body}"
            )),
            (inner.clone(), inner.clone()).prop_map(|(head, body)| {
                format!("race {{~({head}) as a => ({body})\nafter 1h => b = ({head})~}}")
            }),
            (inner.clone(), block).prop_map(|(limit, body)| format!("timeout ({limit}) {body}")),
            inner.clone().prop_map(|value| format!("(not try - await ({value}) is Some(_))")),
            inner.clone().prop_map(|value| match value.contains(['\n', '~']) {
                true => "\"text\"".to_owned(),
                false => format!("\"text {{({value})}} end\""),
            }),
            inner.prop_map(|value| format!("(a with (b: {value},~c: 1))")),
        ]
    })
}

fn statement(inner: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    prop_oneof![
        inner.clone(),
        (pattern(), ty(), inner.clone())
            .prop_map(|(pattern, ty, value)| format!("let {pattern}: {ty} = {value}")),
        (inner.clone(), inner.clone())
            .prop_map(|(value, undo)| format!("let a = {value}~compensate {undo}~unknown |k| k")),
        inner.prop_map(|value| format!("a[1] += {value}")),
    ]
}

fn item() -> impl Strategy<Value = String> {
    let statements = prop::collection::vec(statement(expr().boxed()), 0..4);
    prop_oneof![
        (ty(), ty(), statements)
            .prop_map(|(a, b, body)| format!("fn f(a: {a},~b: {b}) -> {b} {{~{}~}}", body.join("\n"))),
        (ty(), expr())
            .prop_map(|(ty, value)| format!("record R<T> {{~a: {ty} = ({value})  b: {ty},~c: {ty}~}}")),
        (expr(), expr()).prop_map(|(a, b)| format!("activity act() {{~run: ({a})\nlonger_key: ({b})~}}")),
        Just("enum E {~A~B(x: T, y: T)~}".to_owned()),
        Just("use ./a/b.{c,~D as E}".to_owned()),
        expr().prop_map(|value| format!(
            "spec f({value}) {{~ghost g = ({value})\non f {{ a = 1 }}\nalways ({value})~}}"
        )),
    ]
}

/// Programs; each `~` becomes nothing that counts: a space, or a line break, or a comment and one.
fn program() -> impl Strategy<Value = String> {
    let gaps = prop::collection::vec(0..10u8, 1..60);
    (prop::collection::vec(item(), 1..4), gaps).prop_map(|(items, gaps)| {
        let mut gaps = gaps.into_iter().cycle();
        let text = items.join("\n");
        let mut out = String::with_capacity(text.len() * 2);
        for part in text.split_inclusive('~') {
            out.push_str(part.trim_end_matches('~'));
            if part.ends_with('~') {
                out.push_str(match gaps.next() {
                    Some(0) => "\n\n\n  ",
                    Some(1) => "  // trailing\n",
                    Some(2) => "\n  // alone\n",
                    Some(3) => "\n",
                    _ => " ",
                });
            }
        }
        out
    })
}
