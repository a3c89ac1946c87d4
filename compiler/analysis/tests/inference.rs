//! What is inferred rather than written: suspension, use of the world, captures; and how circles are named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use flow_analysis::hir::{Expr, ExprKind, Function, Pattern, Program, Suspends, VisitorMut};
use flow_analysis::{Analysis, Memory, analyze};
use flow_syntax::SourceMap;
use std::path::Path;

fn check(world: &Memory) -> Analysis {
    analyze(world, Path::new("main.flow"), &mut SourceMap::new())
}

fn program(text: &str) -> Program {
    let analysis = check(&Memory::new().with("main.flow", text));
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    analysis.program
}

fn function<'p>(program: &'p Program, name: &str) -> &'p Function {
    program.functions.values().find(|function| function.signature.name == name).unwrap()
}

#[test]
fn functions_suspend_where_they_call_what_does() {
    let program = program(
        "activity load(n: Int) -> Int
         fn deep(n: Int) -> Int { direct(n) }
         fn direct(n: Int) -> Int { load(n) }
         fn pure(n: Int) -> Int { n + 1 }
         fn each_one(xs: List<Int>) -> List<Int> { xs.map(|x| load(x)) }
         fn each_pure(xs: List<Int>) -> List<Int> { xs.map(|x| x + 1) }
         fn passes_on(xs: List<Int>, f: fn(Int) -> Int) -> List<Int> { xs.map(f) }
         fn makes_one(xs: List<Int>) -> Bool {
           let f = |x: Int| load(x)
           true
         }",
    );
    assert_eq!(function(&program, "deep").suspends, Suspends::Yes);
    assert_eq!(function(&program, "direct").suspends, Suspends::Yes);
    assert_eq!(function(&program, "pure").suspends, Suspends::NO);
    assert_eq!(function(&program, "each_one").suspends, Suspends::Yes);
    assert_eq!(function(&program, "each_pure").suspends, Suspends::NO);
    assert_eq!(function(&program, "passes_on").suspends, Suspends::If(vec![1]));
    assert_eq!(function(&program, "makes_one").suspends, Suspends::NO);
    assert_eq!(function(&program, "map").suspends, Suspends::If(vec![1]));
}

#[test]
fn what_touches_the_world_is_known_through_functions() {
    let program = program(
        "use std.http
         use std.sql
         fn fetch(url: String) -> Int { http.get(url) }
         activity one() -> Int { run: fetch(\"u\") }
         activity two() -> Int { run: sql.execute(\"delete from t where id = {1 + 1}\") }",
    );
    assert!(function(&program, "fetch").touches_world);
    let transactional: Vec<bool> =
        program.activities.values().map(|activity| activity.transactional).collect();
    assert_eq!(transactional, [false, true]);
}

struct Captures(Vec<Vec<String>>, Vec<Option<String>>);

impl VisitorMut for Captures {
    fn expr(&mut self, expr: &mut Expr) {
        let mut names = |ids: &[flow_analysis::hir::LocalId]| {
            let names = ids.iter().filter_map(|id| self.1.get(id.0 as usize).cloned().flatten()).collect();
            self.0.push(names);
        };
        match &expr.kind {
            ExprKind::Lambda(lambda) => names(&lambda.captures),
            ExprKind::Parallel { branches, .. } => branches.iter().for_each(|branch| names(&branch.captures)),
            _ => {}
        }
        expr.each_part_mut(self);
    }
    fn pattern(&mut self, _: &mut Pattern) {}
}

#[test]
fn branches_and_lambdas_list_what_they_read_from_outside() {
    let mut program = program(
        "activity load(n: Int) -> Int
         workflow w(a: Int, b: Int) -> List<Int> {
           let (x, y) = parallel { load(a), load(b + a) }
           [x, y].map(|n| [n].map(|m| m + b).len())
         }",
    );
    let workflow = program.workflows.values_mut().next().unwrap();
    let names =
        workflow.body.locals.values().map(|local| local.name.as_ref().map(|name| name.to_string())).collect();
    let mut captures = Captures(Vec::new(), names);
    captures.expr(&mut workflow.body.value);
    let found: Vec<String> = captures.0.iter().map(|names| names.join(" ")).collect();
    assert_eq!(found, ["a", "a b", "b", "b"]);
}

#[test]
fn files_that_use_each_other_are_named_in_order() {
    let world = Memory::new()
        .with("main.flow", "use ./a.{x}\n")
        .with("a.flow", "use ./b.{y}\npub fn x() {}\n")
        .with("b.flow", "use ./a.{x}\npub fn y() {}\n");
    let mut found = check(&world).diagnostics;
    found.retain(flow_syntax::Diagnostic::is_error);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].notes, ["a.flow → b.flow → a.flow"]);
}

#[test]
fn fixes_make_programs_right() {
    let text = "error Bad { Bad }\nfn risky() fails Bad { fail Bad }\nfn f() { risky() }\n";
    let mut sources = SourceMap::new();
    let world = Memory::new().with("main.flow", text);
    let found = analyze(&world, Path::new("main.flow"), &mut sources).diagnostics;
    let fix = &found[0].fixes[0];
    let (_, range) = sources.lookup(fix.span).unwrap();
    let mut fixed = text.to_string();
    fixed.replace_range(range, &fix.replacement);
    assert!(!check(&Memory::new().with("main.flow", fixed)).has_errors());
}

#[test]
fn what_a_race_head_gives_is_dropped_where_its_arm_has_no_name_for_it() {
    let text = |variable: &str, name: &str| {
        format!(
            "activity load(n: Int) -> Int
             workflow main(xs: List<Int>) {{
               {variable} loaded: List<Int> = []
               race {{
                 parallel for x in xs {{ loaded.push(load(x)) }} {name} => {{}}
                 after 1h => {{}}
               }}
             }}"
        )
    };
    // So what ends the branch is a statement: it changes the variable, which a branch may do to a `state` only.
    let is_refused = |variable: &str, name: &str| {
        let analysis = check(&Memory::new().with("main.flow", text(variable, name)));
        analysis.diagnostics.iter().any(|diagnostic| diagnostic.code.0 == "E0701")
    };
    assert!(is_refused("var", ""));
    assert!(!is_refused("state", ""));
    assert!(!is_refused("var", "as lists"));
}
