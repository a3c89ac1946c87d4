//! How fast the front end is.
//!
//! ```text
//! cargo run --release -p flow-front-bench -- project                 # parse and check of 100,000 lines
//! cargo run --release -p flow-front-bench -- project --flow target/release/flow    # and as a whole process
//! cargo run --release -p flow-front-bench -- hostile                 # nesting, length and mistakes in full size
//! ```
//! Each figure is one line. Rates end in their ratio to the goal of 500,000 lines/s.

use clap::{Parser, Subcommand};
use flow_analysis::{Memory, Session};
use flow_project::{Project, hostile};
use flow_syntax::{SourceMap, parse, render};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// As the `flow` binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lines a second.
const GOAL: f64 = 500_000.0;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A generated project is parsed, checked, and checked again after a change.
    Project {
        #[arg(long, default_value_t = 100_000)]
        lines: usize,
        /// The binary whose `check` is measured as well.
        #[arg(long)]
        flow: Option<PathBuf>,
        /// How often; the fastest counts.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
    /// Texts nobody would write.
    Hostile {
        #[arg(long, default_value_t = 100_000)]
        size: usize,
    },
}

fn main() -> std::io::Result<()> {
    match Args::parse().what {
        What::Project { lines, flow, rounds } => project(lines, flow.as_deref(), rounds),
        What::Hostile { size } => {
            hostile_texts(size);
            Ok(())
        }
    }
}

fn project(lines: usize, flow: Option<&Path>, rounds: usize) -> std::io::Result<()> {
    let project = Project::generate(lines, 1);
    let lines = project.lines();
    println!("project {} files {lines} lines {} bytes", project.files.len(), project.bytes());
    report("parse", lines, fastest(rounds, || parse_all(&project)));
    report("check", lines, fastest(rounds, || check(&project)));
    let mut session = Session::new();
    let world = project.world();
    session.analyze(&world, project.root(), &[]);
    let (path, text) = project.files.last().cloned().unwrap_or_default();
    let began = Instant::now();
    session.analyze(&world.with(path, text + "fn one_more() {}\n"), project.root(), &[]);
    let redone = session.redone();
    println!("edit {:.1} ms parsed {} checked {}", ms(began.elapsed()), redone.parsed, redone.checked);
    if let Some(flow) = flow {
        let folder = std::env::temp_dir().join(format!("flow-project-{}", std::process::id()));
        project.write(&folder)?;
        let whole = fastest(rounds, || whole_process(flow, &folder.join(project.root())));
        report("flow check", lines, whole);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
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
    if let Some(error) = analysis.diagnostics.iter().find(|found| found.is_error()) {
        eprint!("{}", render(&sources, error, false));
    }
    // As the command does, which ends then.
    std::mem::forget((analysis, sources));
}

fn whole_process(flow: &Path, root: &Path) {
    let status =
        Command::new(flow).arg("check").arg(root).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "`flow check` accepts the project");
}

fn hostile_texts(size: usize) {
    let groups = [hostile::nested(size), hostile::mistaken(size), hostile::long(size)];
    for (name, text) in groups.into_iter().flatten() {
        let mut session = Session::new();
        let began = Instant::now();
        let world = Memory::new().with("main.flow", text.as_str());
        let analysis = session.analyze(&world, Path::new("main.flow"), &[]);
        let took = began.elapsed();
        println!(
            "hostile {name} {} bytes {:.1} ms {} diagnostics",
            text.len(),
            ms(took),
            analysis.diagnostics.len()
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn fastest(rounds: usize, mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    (0..rounds).map(time).min().unwrap_or_default()
}

fn report(what: &str, lines: usize, took: Duration) {
    let rate = lines as f64 / took.as_secs_f64();
    println!("{what} {rate:.0} lines/s {:.2}", rate / GOAL);
}
