//! `flow graph [FILE|ID]`: a picture of a workflow, and of where an instance stands in it.

use crate::exit::{Exit, Failure};
use crate::graph::{self, Outline};
use crate::open::{RunArgs, block_on};
use crate::{program, project};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .flow file, a compiled .flowc, the folder of a project, or the id of an instance; without it, the project.
    #[arg(value_name = "FILE|ID")]
    what: Option<String>,
    /// The workflow; not needed where the file has only one.
    workflow: Option<String>,
    /// `svg` or `mermaid`; without it what the name of the output says, else svg.
    #[arg(long)]
    format: Option<Format>,
    /// Where the picture goes; without it to stdout.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print what the picture is made of as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Svg,
    Mermaid,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let outline = match args.what.as_deref() {
        Some(id) if !is_file(id) => of_instance(args, id)?,
        file => of_file(args, file.map(Path::new))?,
    };
    let picture = if args.json {
        let text = serde_json::to_string(&outline).map_err(|error| Failure::system(error.to_string()))?;
        text + "\n"
    } else {
        match args.format.unwrap_or_else(|| format_of(args.output.as_deref())) {
            Format::Svg => graph::svg(&outline),
            Format::Mermaid => graph::mermaid(&outline),
        }
    };
    match &args.output {
        None => print!("{picture}"),
        Some(path) => std::fs::write(path, picture)
            .map_err(|error| Failure::system(format!("{} can't be written: {error}", path.display())))?,
    }
    Ok(Exit::Success)
}

/// Whether a file is meant: by its ending, or since there is one.
fn is_file(what: &str) -> bool {
    let path = Path::new(what);
    path.extension().is_some_and(|end| end == "flow" || end == "flowc")
        || path.is_file()
        || path.join(project::FILE).is_file()
}

fn format_of(output: Option<&Path>) -> Format {
    let end = output.and_then(Path::extension).and_then(|end| end.to_str());
    match end {
        Some("mmd" | "mermaid" | "md") => Format::Mermaid,
        _ => Format::Svg,
    }
}

fn of_file(args: &Args, file: Option<&Path>) -> Result<Outline, Failure> {
    let (file, workflow) = program::target(file, args.workflow.as_deref())?;
    let loaded = program::load(&file)?;
    let (_, workflow) = program::workflow(&loaded.program, workflow.as_deref())?;
    graph::outline(&loaded.program, &workflow.name, None).ok_or_else(|| missing(&workflow.name))
}

fn of_instance(args: &Args, id: &str) -> Result<Outline, Failure> {
    block_on(async {
        let engine = args.run.engine().await?;
        let (view, program) = engine.show_with_program(id).await?;
        engine.close().await?;
        graph::outline(&program, &view.workflow, Some(&view)).ok_or_else(|| missing(&view.workflow))
    })
}

fn missing(workflow: &str) -> Failure {
    Failure::usage(format!("the program's sources do not have the workflow `{workflow}`"))
}
