//! How mistakes are told, word for word.

mod common;

use common::{parse_text, rendered};
use flow_syntax::{codes, render_json};

#[test]
fn mistakes_are_told_plainly() {
    let texts = [
        "fn f() {\n  let x =\n  let y = 1\n}",
        "fn f() {\n  charge(card, total\n  let y = 1\n}",
        "fn f() {\n  foo bar\n}",
        "fn f() {\n  if a = b { c }\n}",
        "fn f() {\n  a < b < c\n}",
        "fn f() {\n  if a\n  {\n    b\n  }\n}",
        "fn f() {\n  let match = 1\n}",
        "fn f() {\n  a + fail b\n}",
        "fn f() {\n  match x { A => , B => 1 }\n}",
        "fn f() {\n  f(a, )) + \"{}\"\n}",
        "fn f() {\n  a && !b || c\n}",
        "workflow Settle() {}",
        "activity pay(claim Claim) -> String { timeout: 1minute }",
        "activity pay() { timeout 10s }",
        "record R { x: }",
        "function f() {}",
        "fn f() {\n  let s = \"no end\n}",
        "fn f() -> {\n}",
        "test missing_quotes {}",
        "fn f() {\n  for x of xs {}\n}",
        "fn f() {\n  race { after 1h: none }\n}",
        "fn f() {\n  match parts {\n    [name, count] => name\n  }\n}",
        "fn f() {\n  best?.0\n}",
        "fn f(within: Duration) -> Duration {\n  let x = within\n  x\n}",
        "fn f(timeout: Duration) -> Duration { timeout }",
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            let (sources, parse) = parse_text(text);
            rendered(&sources, &parse.diagnostics)
        })
        .collect();
    insta::assert_snapshot!(told.join("----\n"));
}

#[test]
fn json_has_files_lines_and_columns() {
    let (sources, parse) = parse_text("const ä = 5min\n");
    let json: Vec<String> =
        parse.diagnostics.iter().map(|diagnostic| render_json(&sources, diagnostic)).collect();
    insta::assert_snapshot!(json.join("\n"));
}

#[test]
fn codes_are_unique_and_ordered() {
    assert!(codes::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(codes::TABLE.iter().all(|(code, title)| codes::title(*code) == Some(*title)));
}
