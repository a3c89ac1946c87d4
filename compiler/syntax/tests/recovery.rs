//! One mistake is one error, and what stands around it is still read.

mod common;

use common::{parse_text, rendered};
use flow_syntax::ast::*;
use proptest::prelude::*;

fn codes(text: &str) -> Vec<&'static str> {
    parse_text(text).1.diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
}

#[test]
fn one_mistake_is_one_error() {
    let cases = [
        ("fn f() {\n  let x =\n  let y = 1\n}\nfn g() {}", "E0020"),
        ("fn f() {\n  let x = )\n  y\n}\nfn g() {}", "E0011"),
        ("fn f() {\n  foo(a, b\n  let y = 1\n}\nfn g() {}", "E0010"),
        ("fn f() {\n  let y = foo(a + [b\n}\nfn g() {}", "E0010"),
        ("fn f() {\n  if a {\n    b\n}\nfn g() {}", "E0010"),
        ("fn f() {\n  a b c\n}\nfn g() {}", "E0020"),
        ("fn f() {\n  if a = b { c }\n}\nfn g() {}", "E0020"),
        ("fn f() {\n  a < b < c\n}\nfn g() {}", "E0022"),
        ("fn f() {\n  match x { A => , B => 1 }\n}\nfn g() {}", "E0020"),
        ("fn f() {\n  let a, b = 1\n}\nfn g() {}", "E0026"),
        ("fn f() {\n  let Match = 1\n  let match = 2\n}\nfn g() {}", "E0021"),
        ("fn f() {\n  x @ y\n}\nfn g() {}", "E0001"),
        ("fn f() {\n  a && !b\n}\nfn g() {}", "E0007 E0007"),
        ("fn f() {\n  sleep 5min\n}\nfn g() {}", "E0004"),
        ("fn f() {\n  \"a {b\n  c\n}\nfn g() {}", "E0002"),
        ("fn f() {\n  \"a\n  c\n}\nfn g() {}", "E0002"),
        ("fn f() {\n  \"\\q {}\"\n  c\n}\nfn g() {}", "E0003 E0005"),
        ("fn f() {\n  'a'\n}\nfn g() {}", "E0006"),
        ("fn f()\n{\n  a\n}\nfn g() {}", "E0023"),
        ("fn F() {}\nfn g() {}", "E0024"),
        ("record point { x: Int }\nfn g() {}", "E0024"),
        ("record P { x Int  y: Int }\nfn g() {}", "E0020"),
        ("fn f(a Int) {}\nfn g() {}", "E0020"),
        ("x = 1\nfn g() {}", "E0025"),
        ("fn f() {\n  a\n}}\nfn g() {}", "E0011"),
        ("/// Nothing.\n\n//! Late.\nfn g() {}\n/// Lost.", "W0001"),
        ("fn f() {\n  /// Not here.\n  a\n}\nfn g() {}", "W0001"),
        ("fn f() {\n  a + fail b\n}\nfn g() {}", "E0020"),
        ("enum E { A, b, C }\nfn g() {}", "E0024"),
        ("activity a() { timeout 10s\n limit: 1 }\nfn g() {}", "E0020"),
    ];
    for (text, expected) in cases {
        let (sources, parse) = parse_text(text);
        assert_eq!(codes(text).join(" "), expected, "{text}\n{}", rendered(&sources, &parse.diagnostics));
        let last = parse.module.items.last().and_then(Item::name).map(Ident::as_str);
        assert_eq!(last, Some("g"), "{text}");
    }
}

#[test]
fn later_mistakes_are_still_found() {
    let text = "fn f() {\n  let a = \n  let b = 1\n  let c = * 2\n  match x {\n    A => \n    B => 1 +\n  }\n}\n\
                record R { x: , y: Int }\nfn g() { 1 2 }\n";
    let lines = |text| -> Vec<u32> {
        let (sources, parse) = parse_text(text);
        let line = |span| sources.positions(span).unwrap().1.line;
        parse.diagnostics.iter().map(|diagnostic| line(diagnostic.span())).collect()
    };
    assert_eq!(lines(text), [2, 4, 7, 10, 11]);
}

#[test]
fn what_is_around_a_mistake_is_in_the_tree() {
    let (_, parse) = parse_text("fn f() {\n  let a = 1\n  let b = = 2\n  let c = 3\n}");
    let ItemKind::Fn(decl) = &parse.module.items[0].kind else { panic!("a function") };
    let kinds: Vec<_> = decl.body.as_ref().unwrap().stmts.iter().map(|stmt| &stmt.kind).collect();
    assert!(
        matches!(kinds.as_slice(), [StmtKind::Let { .. }, StmtKind::Error, StmtKind::Let { .. }]),
        "{kinds:#?}"
    );
}

#[test]
fn nesting_is_limited_not_the_stack() {
    let brackets = |open: &str, count: usize| format!("fn f() {{\n  {}\n}}\nfn g() {{}}", open.repeat(count));
    let chains = [
        "a + ",
        "a.b().",
        "not ",
        "-",
        "|x| ",
        "try ",
        "a catch {} ",
        "if a {} else ",
        "f(",
        "[",
        "{",
        "\"{",
        "a??",
        "([",
    ];
    for chain in chains {
        let text = brackets(chain, 100_000);
        let (_, parse) = parse_text(&text);
        assert!(parse.diagnostics.iter().any(|diagnostic| diagnostic.code.0 == "E0012"), "{chain}");
        assert!(parse.diagnostics.len() <= 3, "{chain}: {:#?}", parse.diagnostics);
    }
    let types = format!("fn f(x: {}Int) {{}}", "List<".repeat(100_000));
    assert!(codes(&types).contains(&"E0012"));
    let fine = format!("fn f() {{ {}1{} }}", "(".repeat(200), ")".repeat(200));
    assert!(codes(&fine).is_empty());
}

#[test]
fn hostile_input_ends_with_few_messages() {
    // Long enough that anything quadratic would take hours; `flow-front-bench hostile` measures it.
    let long = 500_000;
    let texts = [
        "a ".repeat(long / 2),
        format!("fn f() {{ {} }}", "a b\n".repeat(long / 4)),
        ")".repeat(long),
        format!("{}{}", "(".repeat(long / 2), "]".repeat(long / 2)),
        format!("{}{}", "{".repeat(long / 2), ")".repeat(long / 2)),
        "\"".repeat(long + 1),
        format!("fn f() {{ [{}] }}", "1, ".repeat(long / 3)),
        format!("fn f() {{ [{}] }}", "1 1, ".repeat(long / 5)),
        "/// x\n".repeat(long / 6),
        "@".repeat(long),
        "fn f(\n".repeat(long / 6),
    ];
    for text in texts {
        let (_, parse) = parse_text(&text);
        let head: String = text.chars().take(30).collect();
        assert!(parse.diagnostics.len() <= 101, "{head}");
    }
}

const WORDS: [&str; 92] = [
    "let",
    "var",
    "fn",
    "if",
    "else",
    "match",
    "for",
    "in",
    "while",
    "loop",
    "return",
    "fail",
    "try",
    "catch",
    "saga",
    "parallel",
    "race",
    "scope",
    "timeout",
    "every",
    "exclusive",
    "shield",
    "sleep",
    "wait",
    "until",
    "receive",
    "await",
    "spawn",
    "detach",
    "compensate",
    "unknown",
    "commit",
    "after",
    "is",
    "as",
    "with",
    "using",
    "per",
    "unless",
    "implies",
    "within",
    "and",
    "or",
    "not",
    "true",
    "none",
    "use",
    "pub",
    "const",
    "workflow",
    "activity",
    "record",
    "enum",
    "error",
    "type",
    "test",
    "spec",
    "schedule",
    "state",
    "signal",
    "query",
    "index",
    "given",
    "first",
    "max",
    "a",
    "B",
    "1",
    "1.5",
    "5m",
    "5min",
    "\"",
    "\"\"\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ",",
    ":",
    ";",
    ".",
    "?",
    "=",
    "=>",
    "->",
    "|",
    "\n",
    "///",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_words_parse_to_a_module(words in proptest::collection::vec(0..WORDS.len(), 0..120)) {
        let text: Vec<_> = words.into_iter().map(|at| WORDS[at]).collect();
        check(&text.join(" "));
        check(&format!("fn f() {{ {} }}", text.join(" ")));
    }

    #[test]
    fn any_text_parses_to_a_module(text in "\\PC*") {
        check(&text);
    }

    #[test]
    fn any_bytes_parse_to_a_module(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_program_with_a_hole_parses_to_a_module(case in 0..6usize, at in 0..4000usize, length in 0..40usize) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let text = std::fs::read_to_string(&paths[case]).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let start = at.min(chars.len());
        let end = (start + length).min(chars.len());
        let holed: String = chars[..start].iter().chain(&chars[end..]).collect();
        check(&holed);
    }
}

fn check(text: &str) {
    let (sources, parse) = parse_text(text);
    for diagnostic in &parse.diagnostics {
        assert!(!diagnostic.message.is_empty());
        assert!(sources.lookup(diagnostic.span()).is_some(), "{diagnostic:?}");
    }
    rendered(&sources, &parse.diagnostics);
}
