//! How fast a project is read and checked.
//!
//! ```text
//! cargo run --release -p flow-front-bench               # parse and check of 100,000 lines, in this process
//! cargo run --release -p flow-front-bench -- target/release/flow    # and `flow check` as a whole process
//! ```
//! Each figure is one line: `what lines/s ratio`, the ratio being to the goal of 500,000 lines/s.

use flow_project::Project;
use flow_syntax::{SourceMap, parse};
use std::time::{Duration, Instant};

/// As the `flow` binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GOAL: f64 = 500_000.0;

fn main() {
    let project = Project::generate(100_000, 1);
    let lines = project.lines();
    println!("{} files, {lines} lines, {} bytes", project.files.len(), project.bytes());
    let only = std::env::var("ONLY").unwrap_or_default();
    if only != "check" {
        report("parse", lines, fastest(|| parse_all(&project)));
    }
    if only != "parse" {
        report("check", lines, fastest(|| check(&project)));
    }
}

fn parse_all(project: &Project) {
    let mut sources = SourceMap::new();
    for (path, text) in &project.files {
        let file = sources.add(path.as_str(), text.as_str());
        assert!(parse(&sources, file).diagnostics.is_empty(), "{path}");
    }
}

fn check(project: &Project) {
    let mut sources = SourceMap::new();
    let analysis = flow_analysis::analyze(&project.world(), project.root(), &mut sources);
    if std::env::var("QUIET").is_ok() {
        return;
    }
    for diagnostic in analysis.diagnostics.iter().filter(|d| d.code.0 != "E0900").take(6) {
        eprint!("{}", flow_syntax::render(&sources, diagnostic, false));
    }
}

fn fastest(mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    (0..5).map(time).min().unwrap_or_default()
}

fn report(what: &str, lines: usize, took: Duration) {
    let rate = lines as f64 / took.as_secs_f64();
    println!("{what} {rate:.0} lines/s {:.2}", rate / GOAL);
}
