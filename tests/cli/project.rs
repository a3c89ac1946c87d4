//! Projects: made, checked, formatted and run from anywhere in them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use serde_json::json;
use shared::{Done, Place};
use std::path::Path;

/// Runs a command in a folder of the place.
fn flow_in(place: &Place, folder: &str, args: &[&str]) -> Done {
    let mut command = place.command(args);
    let output = command.current_dir(place.path().join(folder)).output().expect("flow runs");
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn write(place: &Place, path: &str, text: &str) {
    let path = place.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(place: &Place, path: &str) -> String {
    std::fs::read_to_string(place.path().join(path)).unwrap()
}

#[test]
fn a_new_project_is_right_in_the_style_and_runs_at_once() {
    let place = Place::new();
    let made = place.flow(&["new", "shop"]);
    assert_eq!(made.code, 0, "{made:#?}");
    assert!(made.err.contains("cd shop && flow run --input @order.json"), "{made:#?}");
    let checked = flow_in(&place, "shop", &["check", "--deny-warnings"]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{checked:#?}");
    let formatted = flow_in(&place, "shop/src", &["fmt", "--check"]);
    assert_eq!(formatted.code, 0, "{formatted:#?}");
    let run = flow_in(&place, "shop", &["run", "--json", "--id", "o1", "--input", "@order.json"]);
    assert_eq!((run.code, &run.json()["output"]), (0, &json!("p-o-1")), "{run:#?}");
    let declined = flow_in(&place, "shop", &["run", "place_order", "--json", "--input", "@too_large.json"]);
    assert_eq!((declined.code, &declined.json()["status"]), (1, &json!("failed")), "{declined:#?}");
    // The store is the project's, wherever in it one stands.
    let listed = flow_in(&place, "shop/src", &["list", "--json"]);
    assert!(listed.out.contains("\"o1\""), "{listed:#?}");
    assert!(!place.path().join("shop/src/.flow").exists());
    let again = place.flow(&["new", "shop"]);
    assert_eq!(again.code, 2, "{again:#?}");
    let wrong = place.flow(&["new", "My Shop"]);
    assert_eq!(wrong.code, 2, "{wrong:#?}");
}

#[test]
fn a_project_is_checked_as_a_whole_from_anywhere_in_it() {
    let place = Place::new();
    write(&place, "p/flow.toml", "name = \"p\"\nsource = \"lib\"\n");
    write(&place, "p/lib/main.flow", "use ./money.{fee}\nworkflow main() -> Int { fee() }\n");
    write(&place, "p/lib/money.flow", "pub fn fee() -> Int { 2 }\n");
    write(&place, "p/lib/deep/other.flow", "use ../money.{fee}\nfn f() -> String { fee() }\n");
    let checked = flow_in(&place, "p/lib/deep", &["check", "--json"]);
    let lines = checked.json_lines();
    assert_eq!((checked.code, lines.len()), (2, 1), "{checked:#?}");
    assert_eq!(lines.first().unwrap()["code"], "E0300");
    let run = flow_in(&place, "p/lib", &["run", "--json"]);
    assert_eq!((run.code, &run.json()["output"]), (0, &json!(2)), "{run:#?}");
    let typo = flow_in(&place, "p", &["run", "mian"]);
    assert!(typo.code == 2 && typo.err.contains("did you mean `main`?"), "{typo:#?}");
    let from_outside = place.flow(&["run", "p", "main", "--json"]);
    assert_eq!(from_outside.code, 0, "{from_outside:#?}");
    let nothing = place.flow(&["run"]);
    assert!(nothing.code == 2 && nothing.err.contains("flow.toml"), "{nothing:#?}");
}

#[test]
fn a_project_is_drawn_and_documented_without_naming_its_files() {
    let place = Place::new();
    write(&place, "p/flow.toml", "name = \"p\"\nsource = \"lib\"\n");
    write(&place, "p/lib/main.flow", "activity ship()\nworkflow main() { ship() }\n");
    write(&place, "p/lib/deep/main.flow", "/// What is owed.\npub fn fee() -> Int { 2 }\n");
    for args in [&["graph", "--json"][..], &["graph", "../..", "main", "--json"]] {
        let drawn = flow_in(&place, "p/lib/deep", args);
        assert!(drawn.code == 0 && drawn.out.contains("ship"), "{drawn:#?}");
    }
    let from_outside = place.flow(&["graph", "p", "--format", "mermaid"]);
    assert!(from_outside.code == 0 && from_outside.out.contains("ship"), "{from_outside:#?}");
    let pages = flow_in(&place, "p", &["doc", "--json"]).json_lines();
    let entry = json!({"name": "fee", "kind": "function", "declaration": "pub fn fee() -> Int", "docs": "What is owed."});
    let modules: Vec<_> = pages.iter().map(|page| page["module"].as_str().unwrap()).collect();
    assert_eq!(modules, ["deep.main", "main"]);
    assert_eq!(pages.first().unwrap()["entries"], json!([entry]), "{pages:#?}");
    let nothing = place.flow(&["graph"]);
    assert!(nothing.code == 2 && nothing.err.contains("flow.toml"), "{nothing:#?}");
}

#[test]
fn what_is_wrong_in_a_project_file_is_told_with_its_place() {
    let place = Place::new();
    write(&place, "p/flow.toml", "nmae = \"p\"\nversion = 1\nentry = \"absent.flow\"\n");
    let done = flow_in(&place, "p", &["check"]);
    assert_eq!(done.code, 2, "{done:#?}");
    for said in [
        "flow.toml:1:1: a project has no `nmae`; did you mean `name`?",
        "a project needs a `name`",
        "flow.toml:2:11: `version` is a text",
        "flow.toml:3:9: `entry`: there is no absent.flow",
    ] {
        assert!(done.err.contains(said), "{said} in {done:#?}");
    }
    write(&place, "p/flow.toml", "name = \n");
    let done = flow_in(&place, "p", &["check"]);
    assert!(done.code == 2 && done.err.contains("flow.toml:1:"), "{done:#?}");
}

#[test]
fn fmt_rewrites_what_is_not_in_the_style_and_leaves_what_is_broken() {
    let place = Place::new();
    write(&place, "a.flow", "fn f( ) {}\n");
    write(&place, "sub/b.flow", "fn f() {}\n");
    write(&place, "sub/broken.flow", "fn f( {\n");
    write(&place, ".hidden/c.flow", "fn f( ) {}\n");
    let looked = place.flow(&["fmt", "--check", "a.flow"]);
    assert_eq!((looked.code, looked.out.as_str()), (1, "a.flow\n"), "{looked:#?}");
    assert_eq!(read(&place, "a.flow"), "fn f( ) {}\n", "only looked at");
    let done = place.flow(&["fmt", "--json"]);
    let status = |line: &serde_json::Value| {
        format!("{} {}", line["file"].as_str().unwrap(), line["status"].as_str().unwrap())
    };
    let lines: Vec<String> = done.json_lines().iter().map(status).collect();
    assert_eq!(lines, ["a.flow formatted", "sub/b.flow unchanged", "sub/broken.flow error"], "{done:#?}");
    assert_eq!(done.code, 2, "there is a broken file");
    assert_eq!(read(&place, "a.flow"), "fn f() {}\n");
    assert_eq!(read(&place, "sub/broken.flow"), "fn f( {\n");
    assert_eq!(read(&place, ".hidden/c.flow"), "fn f( ) {}\n");
    assert!(Path::new(&place.path().join("sub")).read_dir().unwrap().count() == 2, "no drafts are left");
    let missing = place.flow(&["fmt", "aa.flow"]);
    assert!(missing.code == 2 && missing.err.contains("did you mean `a.flow`?"), "{missing:#?}");
}

#[test]
fn fmt_serves_editors_through_stdin() {
    let place = Place::new();
    let run = |text: &str| {
        let file = place.write("in.txt", text);
        let mut command = place.command(&["fmt", "--stdin"]);
        command.stdin(std::fs::File::open(file).unwrap()).output().unwrap()
    };
    let done = run("fn f( ) {  }");
    assert_eq!(
        (done.status.code(), String::from_utf8_lossy(&done.stdout).as_ref()),
        (Some(0), "fn f() {}\n")
    );
    let broken = run("fn f( {");
    assert_eq!((broken.status.code(), broken.stdout.len()), (Some(2), 0));
}

#[test]
fn near_misses_of_commands_are_suggested() {
    let place = Place::new();
    let done = place.flow(&["chekc", "a.flow"]);
    assert!(done.code == 2 && done.err.contains("check"), "{done:#?}");
}
