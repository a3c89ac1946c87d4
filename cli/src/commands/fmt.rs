//! `flow fmt [FILE|DIR…]`: the one style.

use crate::exit::{Exit, Failure};
use crate::{files, program};
use serde_json::json;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files, and folders whose .flow files are meant; without any, the project or the current folder.
    paths: Vec<PathBuf>,
    /// Change nothing; say which files are not in the style, and end with 1 if there are any.
    #[arg(long)]
    check: bool,
    /// Format what comes on stdin, to stdout.
    #[arg(long, conflicts_with_all = ["paths", "check"])]
    stdin: bool,
    /// One JSON object a file, on stdout: {"file", "status", "diagnostics"}.
    #[arg(long, conflicts_with = "stdin")]
    json: bool,
}

/// What became of a file.
enum Formatted {
    Unchanged,
    Changed,
    Broken(Box<flow_format::Unformatted>),
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    if args.stdin {
        return stdin();
    }
    let (mut changed, mut unchanged, mut broken) = (0, 0, 0);
    for path in files::flow_files_or_project(&args.paths)? {
        let formatted = file(&path, args.check)?;
        match &formatted {
            Formatted::Unchanged => unchanged += 1,
            Formatted::Changed => changed += 1,
            Formatted::Broken(_) => broken += 1,
        }
        tell(args, &path, &formatted)?;
    }
    if !args.json {
        let verb = if args.check { "not in the style" } else { "formatted" };
        let errors =
            if broken > 0 { format!(", {broken} with errors left as they are") } else { String::new() };
        eprintln!("{}: {changed} {verb}, {unchanged} unchanged{errors}", count(changed + unchanged + broken));
    }
    Ok(match (broken, changed) {
        (1.., _) => Exit::Usage,
        (_, 1..) if args.check => Exit::Failed,
        _ => Exit::Success,
    })
}

fn count(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

fn stdin() -> Result<Exit, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("stdin can't be read: {error}")))?;
    match flow_format::format("<stdin>", &text) {
        Ok(text) => std::io::stdout().write_all(text.as_bytes())?,
        Err(failed) => {
            say(Path::new("<stdin>"), &failed);
            return Ok(Exit::Usage);
        }
    }
    Ok(Exit::Success)
}

fn file(path: &Path, check: bool) -> Result<Formatted, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} can't be read: {error}", path.display())))?;
    match flow_format::format(&path.display().to_string(), &text) {
        Ok(formatted) if formatted == text => Ok(Formatted::Unchanged),
        Ok(formatted) => {
            if !check {
                files::replace(path, &formatted)?;
            }
            Ok(Formatted::Changed)
        }
        Err(failed) => Ok(Formatted::Broken(failed)),
    }
}

fn tell(args: &Args, path: &Path, formatted: &Formatted) -> Result<(), Failure> {
    if args.json {
        let (status, diagnostics) = match formatted {
            Formatted::Unchanged => ("unchanged", Vec::new()),
            Formatted::Changed if args.check => ("unformatted", Vec::new()),
            Formatted::Changed => ("formatted", Vec::new()),
            Formatted::Broken(failed) => {
                let diagnostics = failed.diagnostics.iter();
                ("error", diagnostics.map(|it| flow_syntax::to_json(&failed.sources, it)).collect())
            }
        };
        let line = json!({"file": path.display().to_string(), "status": status, "diagnostics": diagnostics});
        writeln!(std::io::stdout(), "{line}")?;
        return Ok(());
    }
    match formatted {
        Formatted::Unchanged => {}
        Formatted::Changed => writeln!(std::io::stdout(), "{}", path.display())?,
        Formatted::Broken(failed) => say(path, failed),
    }
    Ok(())
}

fn say(path: &Path, failed: &flow_format::Unformatted) {
    program::say(&failed.sources, &failed.diagnostics);
    if failed.diagnostics.is_empty() {
        eprintln!("error: {} is left as it is: the formatter would have changed its meaning", path.display());
    }
}
