//! `flow compile [FILE] -o X.flowc`

use crate::exit::{Exit, Failure};
use crate::program;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The .flow file; without it, the project's.
    file: Option<PathBuf>,
    /// Where the artifact goes; without it, beside the file.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print path, hash and size as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let (file, _) = program::target(args.file.as_deref(), None)?;
    let loaded = program::load(&file)?;
    let output = args.output.clone().unwrap_or_else(|| file.with_extension("flowc"));
    // Written beside its place and moved there, so that a reader never sees half of it.
    let partial = output.with_extension("flowc.partial");
    let written =
        std::fs::write(&partial, &loaded.artifact).and_then(|()| std::fs::rename(&partial, &output));
    written.map_err(|error| Failure::system(format!("{} can't be written: {error}", output.display())))?;
    if args.json {
        let path = output.display().to_string();
        println!(
            "{}",
            serde_json::json!({"path": path, "hash": loaded.hash.to_string(), "bytes": loaded.artifact.len()})
        );
    } else {
        eprintln!(
            "{}: {} bytes, program {:.12}",
            output.display(),
            loaded.artifact.len(),
            loaded.hash.to_string()
        );
    }
    Ok(Exit::Success)
}
