//! Texts nobody would write, of any size: what must neither crash nor take more than linear time.

use std::fmt::Write;

/// Each construct nested `depth` times, by name. None of it can be right, if only for the depth.
pub fn nested(depth: usize) -> Vec<(&'static str, String)> {
    let within = |open: &str, close: &str| {
        format!("fn f(x: Int) -> Int {{\n  {}x{}\n}}\n", open.repeat(depth), close.repeat(depth))
    };
    vec![
        ("parentheses", within("(", ")")),
        ("lists", within("[", "]")),
        ("blocks", within("{ ", " }")),
        ("maps", within("[1: ", "]")),
        ("calls", within("f(", ")")),
        ("if", within("if true { ", " } else { 0 }")),
        ("else if", within("if true { 1 } else ", "")),
        ("match", within("match x { _ => ", " }")),
        ("lambdas", within("|x| ", "")),
        ("negations", within("-", "")),
        ("not", within("not ", "")),
        ("try", within("try ", "")),
        ("sums", within("x + ", "")),
        ("and", within("true and ", "")),
        ("methods", within("", ".show()")),
        ("indices", within("", "[0]")),
        ("catch", within("", " catch { _ => 0 }")),
        ("defaults", within("none ?? ", "")),
        ("strings", within("\"{", "}\"")),
        ("sagas", within("saga { ", " }")),
        ("parallel", within("parallel { ", " }")),
        ("race", within("race { x => ", " }")),
        ("loops", within("loop { ", " }")),
        ("timeouts", within("timeout 1s { ", " }")),
        ("list types", format!("fn f(x: {}Int{}) {{}}\n", "List<".repeat(depth), ">".repeat(depth))),
        ("tuple types", format!("fn f(x: {}Int{}) {{}}\n", "(Int, ".repeat(depth), ")".repeat(depth))),
        ("function types", format!("fn f(x: {}Int{}) {{}}\n", "fn(".repeat(depth), ")".repeat(depth))),
        (
            "patterns",
            format!(
                "fn f(x: Int?) {{\n  match x {{ {}_{} => 1 }}\n}}\n",
                "Some(".repeat(depth),
                ")".repeat(depth)
            ),
        ),
        (
            "tuple patterns",
            format!("fn f() {{\n  let {}a{} = 1\n}}\n", "(b, ".repeat(depth), ")".repeat(depth)),
        ),
    ]
}

/// Correct programs with something in them `count` times, by name. Each has a `workflow main() -> Int`.
pub fn long(count: usize) -> Vec<(&'static str, String)> {
    let listed = |item: &dyn Fn(usize) -> String, separator: &str| {
        (0..count).map(item).collect::<Vec<_>>().join(separator)
    };
    let main = |body: &str| format!("workflow main() -> Int {{\n  {body}\n}}\n");
    let lines = |line: &dyn Fn(usize) -> String| listed(line, "\n");
    vec![
        ("list", main(&format!("let xs = [{}]\n  xs.len()", listed(&|at| at.to_string(), ", ")))),
        (
            "list of lines",
            main(&format!("let xs = [\n{}\n  ]\n  xs.len()", listed(&|at| format!("\"{at}\""), ",\n"))),
        ),
        ("map", main(&format!("let m = [{}]\n  m.len()", listed(&|at| format!("\"k{at}\": {at}"), ", ")))),
        (
            "string",
            main(&format!("let n = 1\n  let s = \"{}\"\n  s.len()", listed(&|_| "{n}a".to_string(), ""))),
        ),
        ("statements", main(&format!("var n = 0\n{}\n  n", lines(&|at| format!("  n += {}", at % 7))))),
        (
            "variables",
            main(&format!("let v0 = 1\n{}\n  v{count}", lines(&|at| format!("  let v{} = v{at}", at + 1)))),
        ),
        ("functions", format!("{}\n{}", lines(&|at| format!("fn f{at}() -> Int {{ {at} }}")), main("f0()"))),
        (
            "chain of functions",
            format!(
                "{}\nfn f{count}() -> Int {{ 1 }}\n{}",
                lines(&|at| format!(
                    "fn f{at}(n: Int) -> Int {{ if n == {at} {{ 0 }} else {{ f{}{} }} }}",
                    at + 1,
                    if at + 1 == count { "()" } else { "(n)" }
                )),
                main("f0(0)")
            ),
        ),
        (
            "match",
            main(&format!(
                "match 3 {{\n{}\n    _ => 0\n  }}",
                lines(&|at| format!("    {at} => {}", at + 1))
            )),
        ),
        (
            "enum",
            format!(
                "enum E {{ {} }}\nfn f(e: E) -> Int {{\n  match e {{\n{}\n  }}\n}}\n{}",
                listed(&|at| format!("C{at}"), "  "),
                lines(&|at| format!("    C{at} => {at}")),
                main("f(C0)")
            ),
        ),
        ("comments", format!("{}\n{}", lines(&|at| format!("// {at}")), main("1"))),
        ("one line", main(&format!("let s = \"{}\"\n  s.len()", "a".repeat(count * 10)))),
        ("blank lines", format!("{}{}", "\n".repeat(count), main("1"))),
    ]
}

/// Programs with `count` mistakes, by name.
pub fn mistaken(count: usize) -> Vec<(&'static str, String)> {
    let body = |line: &dyn Fn(usize) -> String| {
        let mut text = String::from("fn f() {\n");
        for at in 0..count {
            let _ = writeln!(text, "  {}", line(at));
        }
        text + "}\n"
    };
    vec![
        ("unknown names", body(&|at| format!("let a{at} = unknown{at}"))),
        ("mismatches", body(&|at| format!("let a{at}: Int = \"{at}\""))),
        ("unread statements", body(&|_| "let = 1".to_string())),
        ("unknown methods", body(&|at| format!("{at}.methd{at}()"))),
        ("closers", ")".repeat(count)),
        ("openers", "fn f( { [".repeat(count)),
        ("quotes", "\"{".repeat(count)),
    ]
}
