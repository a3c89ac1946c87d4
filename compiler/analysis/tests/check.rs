//! Each file of `check/` and `mistakes/` is checked; `//~ error[E0300]` at the end of a line says what is wrong in it, and
//! nothing else may be. Files in `check/pass/` have nothing wrong but unused declarations. What is said of a file of `mistakes/` stands, word for
//! word, in the snapshot beside it (see `mistakes/README.md`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use flow_analysis::{Memory, Session, codes, stdlib};
use flow_syntax::foreign::words;
use flow_syntax::{Diagnostic, Severity, SourceMap, apply_fixes, render};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The names and texts of the programs of a folder, in order.
fn programs(name: &str) -> Vec<(String, String)> {
    let mut programs: Vec<(String, String)> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        })
        .collect();
    programs.sort();
    programs
}

/// What is said of a file among its neighbours. The session knows the standard library from one file to the next.
fn check(session: &mut Session, neighbours: &[(String, String)], name: &str, text: &str) -> Vec<Diagnostic> {
    let world = neighbours.iter().fold(Memory::new(), |world, (name, text)| world.with(name, text.as_str()));
    let mut found = session.analyze(&world.with(name, text), Path::new(name), &[]).diagnostics;
    // What is wrong in a neighbour is told there.
    let sources = session.sources();
    let file = |diagnostic: &Diagnostic| sources.file(sources.lookup(diagnostic.span())?.0);
    found.retain(|diagnostic| file(diagnostic).is_none_or(|file| file.path() == name));
    found
}

/// `line kind[code]` for each expectation of a text.
fn expected(text: &str) -> Vec<String> {
    let mut expected = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for note in line.split("//~ ").skip(1) {
            expected.push(format!("{} {}", index + 1, note.trim()));
        }
    }
    expected.sort();
    expected
}

/// The same for what was found.
fn found(diagnostics: &[Diagnostic], sources: &SourceMap) -> Vec<String> {
    let line = |diagnostic: &Diagnostic| {
        let kind = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let line = sources.positions(diagnostic.span()).map_or(0, |(_, start, _)| start.line);
        format!("{line} {kind}[{}]", diagnostic.code.0)
    };
    let mut found: Vec<String> = diagnostics.iter().map(line).collect();
    found.sort();
    found
}

/// All of it as people read it.
fn told(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let told: Vec<String> = diagnostics.iter().map(|diagnostic| render(sources, diagnostic, false)).collect();
    told.join("\n")
}

#[test]
fn mistakes_are_reported_where_they_are() {
    let mut wrong = String::new();
    let mut session = Session::new();
    for name in ["check", "check/pass", "mistakes"] {
        let programs = programs(name);
        for (file, text) in &programs {
            let diagnostics = check(&mut session, &programs, file, text);
            let (expected, mut found) = (expected(text), found(&diagnostics, session.sources()));
            // What shows that a thing checks need not be used.
            found.retain(|found| name != "check/pass" || !found.contains(codes::UNUSED_DECLARATION.0));
            if found != expected {
                let told = told(&diagnostics, session.sources());
                wrong.push_str(&format!("== {file}\nexpected {expected:?}\nfound    {found:?}\n{told}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn mistakes_are_told_well() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("mistakes"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let programs = programs("mistakes");
    assert!(programs.len() >= 490, "only {} mistakes", programs.len());
    let mut session = Session::new();
    for (file, text) in &programs {
        let diagnostics = check(&mut session, &programs, file, text);
        let told = told(&diagnostics, session.sources());
        settings.bind(|| insta::assert_snapshot!(file.trim_end_matches(".flow"), told));
    }
}

/// Each fix that is certain puts right what it is offered for, and breaks nothing.
#[test]
fn certain_fixes_leave_fewer_mistakes() {
    let mut session = Session::new();
    for (file, text) in programs("mistakes") {
        let before = check(&mut session, &[], &file, &text);
        for diagnostic in &before {
            let Some(fixed) = apply_fixes(session.sources(), [diagnostic]).pop() else { continue };
            let after = check(&mut session, &[], &file, &fixed.text);
            let same = |one: &&Diagnostic| one.message == diagnostic.message;
            let count = |all: &[Diagnostic]| all.iter().filter(same).count();
            let told = told(&after, session.sources());
            let code = diagnostic.code;
            assert!(
                count(&after) < count(&before),
                "{file}: {code:?} is still there\n{}\n{told}",
                fixed.text
            );
        }
    }
}

/// What is offered in place of a name of another language can be written.
#[test]
fn what_is_meant_by_foreign_names_exists() {
    let mut session = Session::new();
    for word in words::all(words::Place::Type).iter().filter(|word| !word.own.is_empty()) {
        let program = format!("pub fn f(_x: {}) {{}}", word.own);
        let found = check(&mut session, &[], "type.flow", &program);
        assert!(found.iter().all(|one| one.code == codes::TYPE_ARGUMENTS), "{word:?}");
    }
    for word in words::all(words::Place::Member).iter().filter(|word| !word.own.is_empty()) {
        let heads = [format!("pub fn {}(", word.own), format!("pub fn {}<", word.own)];
        let declares = |source: &str| heads.iter().any(|head| source.contains(head));
        assert!(stdlib::SOURCES.iter().any(|(_, source)| declares(source)), "{word:?}");
    }
    for word in words::all(words::Place::Setting).iter().filter(|word| !word.own.is_empty()) {
        let program = format!("pub activity a() {{ {}: missing }}", word.own);
        let found = check(&mut session, &[], "setting.flow", &program);
        assert!(found.iter().all(|one| one.code != codes::UNKNOWN_SETTING), "{word:?}");
    }
    for place in [words::Place::Value, words::Place::Type, words::Place::Member, words::Place::Setting] {
        assert!(words::all(place).iter().all(|word| word.own.is_empty() != word.help.is_empty()));
    }
}

#[test]
fn every_code_has_an_example() {
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for (_, text) in programs("check").into_iter().chain(programs("mistakes")) {
        shown.extend(
            expected(&text)
                .iter()
                .filter_map(|note| Some(note.split_once('[')?.1.trim_end_matches(']').to_string())),
        );
    }
    let missing: Vec<_> = codes::TABLE.iter().filter(|(code, _)| !shown.contains(code.0)).collect();
    assert!(missing.is_empty(), "without an example: {missing:?}");
}
