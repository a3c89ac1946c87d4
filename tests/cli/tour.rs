//! The tour, taken word for word: its files are written, its commands run in order, and what it says they print is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a panic is how a failure is told"
)]

mod shared;

use shared::{Place, repository};
use std::process::{Command, Stdio};

/// A fenced block: its kind, its text, and the file that the text before it names last.
struct Block<'t> {
    kind: &'t str,
    text: &'t str,
    file: Option<&'t str>,
}

fn blocks(tour: &str) -> Vec<Block<'_>> {
    let parts: Vec<&str> = tour.split("```").collect();
    let fenced = parts.chunks(2).filter_map(|pair| match pair {
        [before, block] => Some((before, block.split_once('\n')?)),
        _ => None,
    });
    fenced.map(|(before, (kind, text))| Block { kind, text, file: last_file(before) }).collect()
}

/// The last `name.flow` or `name.json` between single backquotes.
fn last_file(text: &str) -> Option<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| !span.contains(' ') && (span.ends_with(".flow") || span.ends_with(".json"))).last()
}

/// Runs the `$ …` lines of a block in one shell; what stands between them must be printed, in that order. `…` is anything.
fn run(place: &Place, block: &str) {
    let mut script = String::from("exec 2>&1\n");
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            script.push_str(command);
            // What a reader does next takes a moment, too.
            script.push_str(if command.ends_with('&') { "\nsleep 2\n" } else { "\n" });
        }
    }
    let flow =
        std::path::Path::new(env!("CARGO_BIN_EXE_flow")).parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("PATH", format!("{flow}:{path}"))
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = printed.lines();
    for expected in block.lines().filter(|line| !line.starts_with("$ ") && !line.trim().is_empty()) {
        assert!(
            lines.any(|line| matches(line, expected)),
            "`{expected}` is missing in\n{printed}\nof\n{block}"
        );
    }
}

fn matches(line: &str, expected: &str) -> bool {
    let mut rest = line.trim();
    let mut parts = expected.trim().split('…');
    let first = parts.next().unwrap_or_default();
    let Some(tail) = rest.strip_prefix(first) else { return false };
    rest = tail;
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    open || rest.is_empty()
}

#[test]
fn the_tour_is_as_it_says() {
    let tour = std::fs::read_to_string(repository().join("docs/tour.md")).unwrap();
    let place = Place::new();
    let mut ran = 0;
    for block in blocks(&tour) {
        match (block.kind.trim(), block.file) {
            ("flow" | "json", Some(file)) => drop(place.write(file, block.text)),
            ("console", _) => {
                run(&place, block.text);
                ran += 1;
            }
            _ => {}
        }
    }
    assert!(ran > 5, "the tour runs its programs");
}

#[test]
fn any_text_may_stand_where_dots_are() {
    assert!(matches("0.003s ✓ greet → \"Ada\" (1 ms)", "…✓ greet → \"Ada\" …"));
    assert!(matches("exact", "exact"));
    assert!(!matches("exactly", "exact"));
    assert!(!matches("not at all", "…at most…"));
}
