//! `flow`: checks, compiles and runs durable workflows, and shows where they stand.
//!
//! One file a command in `commands/`; what they share is beside this file. Results go to stdout, words for people to
//! stderr. Exit codes are in [`exit`].

mod commands;
mod condition;
mod deliver;
mod exit;
mod files;
mod graph;
mod input;
mod live;
mod open;
mod program;
mod project;
mod show_time;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The compiler makes many small things and the engine keeps many alive: both are faster with it than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Durable workflows: written in a small typed language, run so that nothing is lost and nothing is done twice.
#[derive(Parser)]
#[command(name = "flow", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a project that runs at once.
    New(commands::new::Args),
    /// Report what is wrong with .flow files.
    Check(commands::check::Args),
    /// Explain the code of an error or warning, with an example; without one, list them all.
    Explain(commands::explain::Args),
    /// Bring .flow files into the one style.
    Fmt(commands::fmt::Args),
    /// Compile a .flow file to a .flowc artifact, which runs without its sources.
    Compile(commands::compile::Args),
    /// Write pages of Markdown from documentation comments.
    Doc(commands::doc::Args),
    /// Run a workflow, or go on with it, and show it live until it ends.
    Run(commands::run::Args),
    /// Start a workflow and leave it to a worker.
    Start(commands::start::Args),
    /// Run all instances of a store that nobody else runs.
    Worker(commands::worker::Args),
    /// List instances.
    List(commands::list::Args),
    /// Show where an instance stands, by source line, with its variables.
    Show(commands::show::Args),
    /// Draw a workflow, or where an instance stands in it, as SVG or Mermaid.
    Graph(commands::graph::Args),
    /// Print the history of an instance.
    History(commands::history::Args),
    /// Cancel an instance: its sagas compensate, then it ends as cancelled.
    Cancel(commands::cancel::Args),
    /// Stop an instance until it is unpaused: nothing new begins, what arrives is kept.
    Pause(commands::pause::Args),
    /// Let a paused instance go on.
    Unpause(commands::unpause::Args),
    /// Give up a compensation that is stuck or being retried, and go on with the others.
    Skip(commands::skip::Args),
    /// End an instance at once, without compensating.
    Terminate(commands::terminate::Args),
    /// Send a signal to an instance.
    Signal(commands::signal::Args),
    /// Run an update in an instance and print its answer.
    Update(commands::update::Args),
    /// Ask an instance a query, running or ended.
    Query(commands::query::Args),
    /// Go on with an instance whose process is gone, or which is stuck; without an id, with all of them.
    Resume(commands::resume::Args),
}

fn main() -> ExitCode {
    // A closed pipe (`flow list | head`) ends the process quietly, as other tools do.
    let cli = Cli::parse();
    let done = match cli.command {
        Command::New(args) => commands::new::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Fmt(args) => commands::fmt::run(&args),
        Command::Compile(args) => commands::compile::run(&args),
        Command::Doc(args) => commands::doc::run(&args),
        Command::Run(args) => commands::run::run(&args),
        Command::Start(args) => commands::start::run(&args),
        Command::Worker(args) => commands::worker::run(&args),
        Command::List(args) => commands::list::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Graph(args) => commands::graph::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Cancel(args) => commands::cancel::run(&args),
        Command::Pause(args) => commands::pause::run(&args),
        Command::Unpause(args) => commands::unpause::run(&args),
        Command::Skip(args) => commands::skip::run(&args),
        Command::Terminate(args) => commands::terminate::run(&args),
        Command::Signal(args) => commands::signal::run(&args),
        Command::Update(args) => commands::update::run(&args),
        Command::Query(args) => commands::query::run(&args),
        Command::Resume(args) => commands::resume::run(&args),
    };
    exit::code(done)
}
