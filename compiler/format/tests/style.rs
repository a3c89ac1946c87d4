//! What the one style looks like.

mod common;

use common::{check, format, programs};

/// The programs of the repository are in the style themselves.
#[test]
fn the_repositorys_programs_are_formatted() {
    let mut wrong = Vec::new();
    for (path, text) in programs() {
        if let Ok(formatted) = flow_format::format("program.flow", &text) {
            check(&text);
            if formatted != text {
                wrong.push(path);
            }
        }
    }
    assert!(wrong.is_empty(), "format these with `flow fmt`: {wrong:#?}");
}

fn becomes(text: &str, expected: &str) {
    assert_eq!(check(text), expected, "{text}");
}

fn stays(text: &str) {
    becomes(text, text);
}

#[test]
fn spaces_are_as_the_style_has_them() {
    becomes("fn f( a:Int,b : Int )->Int{a+b*-a}", "fn f(a: Int, b: Int) -> Int { a + b * -a }\n");
    becomes("record   P<T>{x:List<T>,y : T?=none}", "record P<T> { x: List<T>  y: T? = none }\n");
    becomes("use ./payments.{ charge , refund as back, }", "use ./payments.{charge, refund as back}\n");
    becomes("use ../../a/b   as c", "use ../../a/b as c\n");
    becomes("fn f(g:(fn(Int)->Int fails E)){ g( 1 ) }", "fn f(g: (fn(Int) -> Int fails E)) { g(1) }\n");
    becomes("const A=[1,2 , 3 ,]", "const A = [1, 2, 3]\n");
    becomes("fn f() {}\n\n\n\nfn g() {\n\n}\n\n", "fn f() {}\n\nfn g() {}\n");
    becomes("fn f() { \"{ a+b }{c}\" }", "fn f() { \"{a + b}{c}\" }\n");
    becomes(
        "fn f(x: ((Int?))) { match x { (a)|(b) => ((1)) } }",
        "fn f(x: ((Int?))) { match x { (a) | (b) => ((1)) } }\n",
    );
}

#[test]
fn what_begins_on_a_new_line_stays_open() {
    stays("record P {\n  x: Int\n  y: Int\n}\n");
    becomes("record P { x: Int\n  y: Int }\n", "record P {\n  x: Int\n  y: Int\n}\n");
    becomes("fn f() { a(\n1, 2) }", "fn f() {\n  a(\n    1,\n    2,\n  )\n}\n");
    becomes("fn f() { a(1,\n 2) }", "fn f() { a(1, 2) }\n");
    becomes("fn f() { x = 1; y = 2\n z() }", "fn f() {\n  x = 1\n  y = 2\n  z()\n}\n");
    becomes("fn f() { if a { b } else {\n c } }", "fn f() {\n  if a {\n    b\n  } else {\n    c\n  }\n}\n");
}

#[test]
fn keys_arms_and_comments_of_neighbouring_lines_stand_under_one_another() {
    becomes(
        "activity a() {\n run: f() // why\n timeout: 30s // because\n\n queue: \"q\"\n}",
        "activity a() {\n  run:     f()  // why\n  timeout: 30s  // because\n\n  queue: \"q\"\n}\n",
    );
    becomes(
        "fn f() {\n race {\n go(x) as y => y\n after 1h => {\n stop()\n }\n }\n}",
        "fn f() {\n  race {\n    go(x) as y => y\n    after 1h   => {\n      stop()\n    }\n  }\n}\n",
    );
    becomes(
        "spec f() {\n on a { x = 1 }\n on bcd { y = 2 }\n}",
        "spec f() {\n  on a   { x = 1 }\n  on bcd { y = 2 }\n}\n",
    );
}

#[test]
fn what_does_not_fit_is_broken_where_it_reads_best() {
    let long = "a_name_that_takes_a_good_part_of_a_line";
    becomes(
        &format!("fn f() {{ let x = {long}({long}, {long}) }}"),
        &format!("fn f() {{\n  let x = {long}(\n    {long},\n    {long},\n  )\n}}\n"),
    );
    becomes(
        &format!("fn f() {{ {long} + {long} + {long} * 2 }}"),
        &format!("fn f() {{\n  {long}\n    + {long}\n    + {long} * 2\n}}\n"),
    );
    becomes(
        &format!("fn f() {{ if {long} and {long} and {long} {{ b }} }}"),
        &format!("fn f() {{\n  if {long}\n      and {long}\n      and {long} {{\n    b\n  }}\n}}\n"),
    );
    becomes(
        &format!("fn f() {{ xs.map(|x| {long}(x)).filter(|x| {long}(x)).sum() }}"),
        &format!("fn f() {{\n  xs\n    .map(|x| {long}(x))\n    .filter(|x| {long}(x))\n    .sum()\n}}\n"),
    );
    becomes(
        &format!("fn f() {{ http.post(\"{long}\", json: [\"{long}\": 1, \"b\": {long}]) }}"),
        &format!(
            "fn f() {{\n  http.post(\"{long}\", json: [\n    \"{long}\": 1,\n    \"b\": {long},\n  ])\n}}\n"
        ),
    );
    becomes(
        "fn f() { saga { let lock = lock_the_funds(source, amount) compensate unlock_the_funds(lock) unknown |key| unlock_funds(LockId(key)) } }",
        "fn f() {\n  saga {\n    let lock = lock_the_funds(source, amount)\n      compensate unlock_the_funds(lock)\n      unknown |key| unlock_funds(LockId(key))\n  }\n}\n",
    );
    stays("fn f() {\n  xs.each(|x| {\n    g(x)\n    h(x)\n  })\n}\n");
}

#[test]
fn comments_stay_where_they_are() {
    stays(
        "//! The module.\n\n// A comment.\n\n/// Docs.\nfn f() {  // here\n  // first\n\n  // second\n  a()  // last\n  // end\n}\n// the end\n",
    );
    becomes(
        "fn f() { a( // one\n b, // two\n c) }",
        "fn f() {\n  a(  // one\n    b,  // two\n    c,\n  )\n}\n",
    );
    becomes("fn f() { a + // why\n b }", "fn f() {\n  a\n    +  // why\n    b\n}\n");
    becomes("// only\n\n\n", "// only\n");
    becomes("fn f() {}\n\n\n// a\n\n\n// b", "fn f() {}\n\n// a\n\n// b\n");
}

#[test]
fn text_of_several_lines_is_left_alone() {
    stays("fn f() {\n  let x = \"\"\"\n  a\n      {b +c}\n  \"\"\"\n  x\n}\n");
    becomes("fn f() {\r\n  \"\"\"a\r\nb\"\"\"\r\n}\r\n", "fn f() {\n  \"\"\"a\nb\"\"\"\n}\n");
}

#[test]
fn a_text_with_errors_is_not_formatted() {
    let failed = flow_format::format("a.flow", "fn f( {").expect_err("errors");
    assert!(!failed.diagnostics.is_empty());
}

#[test]
fn deep_nesting_and_long_lines_do_no_harm() {
    let nested = |open: &str, close: &str, count: usize| {
        format!("fn f() {{ {}x{} }}", open.repeat(count), close.repeat(count))
    };
    for text in [
        nested("(", ")", 250),
        nested("[", "]", 250),
        nested("{ ", " }", 250),
        nested("f(", ")", 250),
        nested("|x| ", "", 250),
        nested("if a { ", " } else { b }", 120),
        nested("match a { b => ", " }", 120),
        nested("not ", "", 500),
        nested("- ", "", 500),
        nested("", " + x", 500),
        nested("", ".y", 500),
        nested("", ".y()", 250),
        format!("fn f() {{ if a {{ b }}{} }}", " else if a { b }".repeat(150)),
    ] {
        let formatted = format(&text);
        assert_eq!(format(&formatted), formatted);
    }
    let list = format!("const A = [{}]", "1, ".repeat(100_000));
    assert!(format(&list).lines().all(|line| line.len() <= flow_format::WIDTH));
}
