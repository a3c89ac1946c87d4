//! `flow check FILE…`

use crate::exit::{Exit, Failure};
use crate::program::{exists, has_errors, say};
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The files; what they `use` is checked with them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a diagnostic, on stdout.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut failed = false;
    for file in &args.files {
        exists(file)?;
        let mut sources = flow_syntax::SourceMap::new();
        let analysis = flow_analysis::analyze(&flow_analysis::Disk, file, &mut sources);
        failed |= has_errors(&analysis.diagnostics);
        if args.json {
            let mut out = std::io::stdout().lock();
            for diagnostic in &analysis.diagnostics {
                writeln!(out, "{}", flow_syntax::render_json(&sources, diagnostic))?;
            }
        } else {
            say(&sources, &analysis.diagnostics);
        }
    }
    Ok(if failed { Exit::Usage } else { Exit::Success })
}
