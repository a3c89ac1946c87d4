//! What the grammar takes and what it makes of it.

mod common;

use common::{expr_shape, module, parse_text, rendered, shape, statements, type_shape};
use flow_syntax::ast::*;

#[test]
fn the_cases_parse() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (sources, parse) = parse_text(&std::fs::read_to_string(&path).unwrap());
        assert!(parse.diagnostics.is_empty(), "{path:?}\n{}", rendered(&sources, &parse.diagnostics));
        assert!(parse.module.docs.is_some(), "{path:?} begins with //!");
        assert!(parse.module.items.len() > 4, "{path:?}");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn operators_bind_as_the_reference_says() {
    let cases = [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a * b", "((-a) * b)"),
        ("not a and b or c", "(((not a) and b) or c)"),
        ("not a == b", "(not (a == b))"),
        ("a or b implies c until d", "((a or b) implies (c until d))"),
        ("a implies b implies c", "(a implies (b implies c))"),
        ("a ?? b ?? c", "((a ?? b) ?? c)"),
        ("a ?? b + 1 == c", "((a ?? (b + 1)) == c)"),
        ("0..n + 1", "(0 .. (n + 1))"),
        ("100 per 1s", "(100 per 1s)"),
        ("exponential(initial: 1s) unless Corrupt", "(exponential(initial: 1s) unless Corrupt)"),
        ("try f(x).y", "(try f(x).y)"),
        ("try f(x) catch { _ => 1 }", "((try f(x)) catch {_ => 1})"),
        ("a + f() catch { E(x) => x }", "((a + f()) catch {E(x) => x})"),
        ("f() catch { A => 1 } catch { B => 2 }", "((f() catch {A => 1}) catch {B => 2})"),
        ("fail f() catch { A => b }", "(fail (f() catch {A => b}))"),
        ("find(id) ?? fail NotFound(id)", "(find(id) ?? (fail NotFound(id)))"),
        ("x ?? return a or b", "(x ?? (return (a or b)))"),
        ("|x| x.a + 1", "(|x| (x.a + 1))"),
        ("|x: Int, (a, _)| { x }", "(|x: Int, (a, _)| {x})"),
        ("|| 1", "(|| 1)"),
        ("x is Some(y) and y > 0", "((x is Some(y)) and (y > 0))"),
        ("x is A | B", "(x is (A | B))"),
        ("sleep 10s", "(sleep 10s)"),
        ("sleep until now() + 1h", "(sleep until (now() + 1h))"),
        ("wait until a and b", "(wait until (a and b))"),
        ("receive go within 1h30m", "(receive go within 1h30m)"),
        ("m[\"k\"].x?.y(1, z: 2)", "m[\"k\"].x?.y(1, z: 2)"),
        ("board with (a: 1, b: 2)", "(board with (a: 1, b: 2))"),
        ("charge(card) using (timeout: 5s)", "(charge(card) using (timeout: 5s))"),
        ("spawn f(await g)", "(spawn f((await g)))"),
        ("(a, b)", "(a, b)"),
        ("(a)", "a"),
        ("()", "()"),
        ("[]", "[]"),
        ("[1, 2,]", "[1, 2]"),
        ("[:]", "[:]"),
        ("[\"a\": 1, b: 2]", "[\"a\": 1, b: 2]"),
        ("[true: 1]", "[true: 1]"),
        ("x.match.in(error: state)", "x.match.in(error: state)"),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn constructs_are_primaries() {
    let cases = [
        ("if a { b } else if c { d } else { e }", "if a {b} else if c {d} else {e}"),
        ("match x { A => b, C(1) if d => e }", "match x {A => b, C(1) if d => e}"),
        (
            "match x {\n A | B(_, ..) => { b }\n (1, -2) => x = 3\n _ => y += 1\n}",
            "match x {(A | B(_, ..)) => {b}, (1, (-2)) => {x = 3}, _ => {y += 1}}",
        ),
        ("saga unordered { commit }", "saga unordered {commit}"),
        ("parallel { a(), b() }", "parallel {a(), b()}"),
        ("parallel first 2 {\n a()\n b()\n}", "parallel first 2 {a(), b()}"),
        ("parallel for x in xs max 10 { f(x) }", "parallel for x in xs max 10 {f(x)}"),
        ("parallel first n for (a, b) in xs { f(a) }", "parallel first n for (a, b) in xs {f(a)}"),
        ("scope { spawn a() }", "scope {(spawn a())}"),
        (
            "race { every 1m { a } => {}, receive s as v => v, wait until a is Some(o) => o, after 1h => none }",
            "race {every 1m {a} => {}, (receive s) as v => v, (wait until (a is Some(o))) => o, after 1h => none}",
        ),
        ("timeout 5m { a }", "timeout 5m {a}"),
        ("exclusive \"k-{id}\" within 1m { a }", "exclusive \"k-{id}\" within 1m {a}"),
        ("shield { a }", "shield {a}"),
        ("loop { break }", "loop {break}"),
        ("while receive s is Some(x) { continue }", "while ((receive s) is Some(x)) {continue}"),
        ("for (k, v) in m { return }", "for (k, v) in m {(return)}"),
        ("if a { b } else { c }.d", "if a {b} else {c}.d"),
        ("match first.max { state => state }", "match first.max {state => state}"),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn statements_carry_their_compensation() {
    let stmts = statements(
        "let a = f() compensate g(a)\n  unknown |key| h(key)\nf()\n  compensate { g() }\nx = f() compensate g()",
    );
    let undo = |index: usize| {
        let compensation = stmts[index].compensation.as_ref().unwrap();
        (expr_shape(&compensation.undo), compensation.unknown.as_ref().map(expr_shape))
    };
    assert_eq!(undo(0), ("g(a)".to_string(), Some("(|key| h(key))".to_string())));
    assert_eq!(undo(1), ("{g()}".to_string(), None));
    assert!(matches!(stmts[2].kind, StmtKind::Assign { .. }));
    assert_eq!(undo(2), ("g()".to_string(), None));
}

#[test]
fn every_declaration_parses() {
    let text = "//! About.\n\
        use std.http\nuse std.time.{now, today as date}\nuse ./payments.{charge}\nuse ../../lib/money as m\n\
        /// Doc.\n/// More.\npub const MAX: Int = 3\n\
        type Names = List<String>\ntype Id = distinct String\n\
        record Page<T> {\n  /// Items.\n  items: List<T>, next: String? = none  error: Int\n}\n\
        enum Tree<T> { Leaf  Node(left: Tree<T>, right: Tree<T>), Other }\n\
        error E { A  B(reason: String) }\nerror Single(cell: Int)\nerror Plain\n\
        fn apply<T>(f: (fn(T) -> T? fails E | http.Failure), x: T = 1) -> (T, Int) fails E { f(x) }\n\
        pub fn intrinsic(x: Int) -> Int\n\
        activity a(x: Int)\nactivity b() -> Int { timeout: 10s  limit: 10_000 per 1s\n retry: p() unless A | B, run: a ?? fail X }\n\
        workflow w(x: Int) -> Int fails E | Timeout {\n  limit: 5 per 1s\n  index state = x\n  signal stop\n  \
        signal go: Int\n  state last: Int? = none\n  query q() -> Int { 1 }\n  update u(a: Int) -> Int fails E { a }\n  1\n}\n\
        schedule nightly { cron: \"0 2 * * *\"  run: w(1) }\n\
        spec w(1, x: 2) {\n  ghost n: Int = 0\n  on a { n += 1 }\n  always (done(a)) implies n > 0\n  eventually finished\n  \
        AG(n >= 0)\n  A[p until q]\n  given b in [returns 1, fails A, takes 3h]\n}\n\
        test \"it works\" {\n  given b returns |x| x\n  given m.b takes 25h\n  given b fails A\n  assert w(1) == 1, \"why\"\n}\n";
    let module = module(text);
    assert_eq!(module.docs.as_ref().map(|docs| docs.text.as_str()), Some("About."));
    let names: Vec<_> =
        module.items.iter().filter_map(|item| item.name()).map(|name| name.as_str()).collect();
    let expected = "MAX Names Id Page Tree E Single Plain apply intrinsic a b w nightly";
    assert_eq!(names.join(" "), expected);
    let item = |name: &str| {
        module.items.iter().find(|item| item.name().is_some_and(|it| it.as_str() == name)).unwrap()
    };
    assert_eq!(item("MAX").docs.as_ref().map(|docs| docs.text.as_str()), Some("Doc.\nMore."));
    assert!(item("MAX").public && item("intrinsic").public && !item("apply").public);
    match &item("apply").kind {
        ItemKind::Fn(decl) => {
            let types: Vec<_> = decl.signature.params.iter().map(|param| type_shape(&param.ty)).collect();
            assert_eq!(types, ["(fn(T) -> T? fails E | http.Failure)", "T"]);
            assert_eq!(decl.signature.result.as_ref().map(type_shape).as_deref(), Some("(T, Int)"));
        }
        other => panic!("{other:?}"),
    }
    match &item("Page").kind {
        ItemKind::Record(decl) => {
            let fields: Vec<_> = decl.fields.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(fields, ["items", "next", "error"]);
            assert!(decl.fields[0].docs.is_some());
        }
        other => panic!("{other:?}"),
    }
    match (&item("b").kind, &item("a").kind) {
        (ItemKind::Activity(b), ItemKind::Activity(a)) => {
            let keys: Vec<_> = b.settings.iter().map(|setting| setting.key.as_str()).collect();
            assert_eq!(keys, ["timeout", "limit", "retry", "run"]);
            assert!(a.settings.is_empty());
        }
        other => panic!("{other:?}"),
    }
    match &module.items[3].kind {
        ItemKind::Use(decl) => {
            assert_eq!(decl.origin, UseOrigin::Relative { ups: 2 });
            assert_eq!(decl.path.segments.len(), 2);
            assert_eq!(decl.alias.as_ref().map(Ident::as_str), Some("m"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn strings_have_parts() {
    let cases = [
        (r#""a {b + "c {d}"} e""#, "\"a {(b + \"c {d}\")} e\""),
        (r#""\{ } \" \\ \u{e4}""#, "\"{ } \" \\ ä\""),
        (r#""{f({x})}""#, "\"{f({x})}\""),
        (r#""""#, "\"\""),
        ("\"\"\"\n    a {x}\n      b \"quoted\"\n    \"\"\"", "\"a {x}\n  b \"quoted\"\""),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn newlines_end_statements_where_the_rules_say() {
    // (text, number of statements)
    let cases = [
        ("a\nb", 2),
        ("a; b;", 2),
        ("a\n\n\n// c\n\nb", 2),
        ("a\n  .b()\n  ?.c", 1),
        ("a\n  + b", 1),
        ("a\n- b", 1),
        ("a\n-b", 2),
        ("a +\nb", 1),
        ("f(a,\n  b\n)", 1),
        ("f(\n  a\n  + b\n)", 1),
        ("a\n(b)", 2),
        ("a\n[b]", 2),
        ("a\n{ b }", 2),
        ("a\nor b", 1),
        ("return\na", 2),
        ("break\nb", 2),
        ("f()\n  catch { _ => 1 }", 1),
        ("let x: List<Int>\n  = []", 1),
        ("if a { b }\nelse { c }", 1),
        ("let x = a\n  is Some(_)", 1),
        ("let f = |x| {\n  x\n}\nf", 2),
        ("f(|x| {\n  a\n  b\n})", 1),
        ("let s = \"{a}\"\nb", 2),
        ("let _ = 1\nlet (a, _)\n= b", 2),
    ];
    for (text, count) in cases {
        let stmts = statements(text);
        assert_eq!(stmts.len(), count, "{text}\n{stmts:#?}");
    }
}

#[test]
fn spans_cover_what_they_name() {
    let text = "fn f() {\n  let total = a + b * 2\n}\n";
    let (sources, parse) = parse_text(text);
    let ItemKind::Fn(decl) = &parse.module.items[0].kind else { panic!("a function") };
    let stmt = &decl.body.as_ref().unwrap().stmts[0];
    assert_eq!(sources.text(stmt.span), "let total = a + b * 2");
    let StmtKind::Let { pattern, value, .. } = &stmt.kind else { panic!("a let") };
    assert_eq!((sources.text(pattern.span), sources.text(value.span)), ("total", "a + b * 2"));
    assert_eq!(sources.text(parse.module.items[0].span), text.trim_end());
}

#[test]
fn comments_are_kept_beside_the_tree() {
    let (sources, parse) = parse_text("// one\n\n\n// two\nfn f() { // three\n  1\n}\n/// doc\nfn g() {}\n");
    let seen: Vec<_> = parse
        .comments
        .entries
        .iter()
        .map(|comment| (comment.text(&sources), comment.blank_lines_before, comment.trailing))
        .collect();
    assert_eq!(
        seen,
        [("// one", 0, false), ("// two", 2, false), ("// three", 0, true), ("/// doc", 0, false)]
    );
    let ItemKind::Fn(_) = &parse.module.items[0].kind else { panic!("a function") };
    assert_eq!(parse.comments.within(parse.module.items[0].span).len(), 1);
}
