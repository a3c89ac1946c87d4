//! From a file to a program: checked and lowered, or read from an artifact.

use crate::exit::{Exit, Failure};
use crate::project::{self, Project};
use flow_mir::artifact::ProgramHash;
use flow_mir::{Program, Workflow, WorkflowId};
use flow_syntax::{Diagnostic, Severity, SourceMap, parallel};
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A program ready to run.
pub(crate) struct Loaded {
    pub program: Arc<Program>,
    pub hash: ProgramHash,
    pub artifact: Vec<u8>,
}

/// What a command is to load: its FILE and WORKFLOW. Without a file, and where one word is no file, the project of the
/// current folder is meant; a folder with a project file means its project.
pub(crate) fn target(
    file: Option<&Path>,
    workflow: Option<&str>,
) -> Result<(PathBuf, Option<String>), Failure> {
    let named = workflow.map(str::to_owned);
    let Some(file) = file else {
        let Some(project) = Project::find()? else {
            return Err(Failure::usage(
                "name a .flow file; without one a project is meant, and there is no flow.toml here or above",
            ));
        };
        return Ok((project.entry()?, named));
    };
    if file.join(project::FILE).is_file() {
        return Ok((Project::read(file)?.entry()?, named));
    }
    let word = file.to_str().filter(|word| !word.contains(['/', '.']) && !file.exists() && named.is_none());
    match (word, Project::find()?) {
        (Some(word), Some(project)) => Ok((project.entry()?, Some(word.to_owned()))),
        _ => Ok((file.to_path_buf(), named)),
    }
}

/// Reads FILE: `.flowc` is an artifact, anything else source text. Diagnostics go to stderr.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    if path.extension().is_some_and(|extension| extension == "flowc") {
        return load_artifact(path);
    }
    exists(path)?;
    let mut sources = SourceMap::new();
    let analysis = flow_analysis::analyze(&flow_analysis::Disk, path, &mut sources);
    say(&sources, &analysis.diagnostics);
    if has_errors(&analysis.diagnostics) {
        return Err(Failure::said(Exit::Usage));
    }
    let program = flow_lower::lower(&analysis.program, &sources).map_err(|error| {
        say(&sources, &[error.diagnostic()]);
        Failure::said(Exit::Usage)
    })?;
    let (artifact, hash) =
        program.encode().map_err(|error| Failure::system(format!("{}: {error}", path.display())))?;
    Ok(Loaded { program: Arc::new(program), hash, artifact })
}

fn load_artifact(path: &Path) -> Result<Loaded, Failure> {
    let artifact = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let (program, hash) = Program::decode(&artifact).map_err(|error| {
        Failure::usage(format!(
            "{} is no program this flow can run: {error}; compile it again",
            path.display()
        ))
    })?;
    Ok(Loaded { program: Arc::new(program), hash, artifact })
}

/// Whether any of these is an error.
pub(crate) fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Prints diagnostics for people.
pub(crate) fn say(sources: &SourceMap, diagnostics: &[Diagnostic]) {
    let set = |name| std::env::var_os(name).unwrap_or_default();
    let colour = wants_colour(std::io::stderr().is_terminal(), &set("NO_COLOR"), &set("TERM"));
    let texts = parallel::map(diagnostics, |one| flow_syntax::render(sources, one, colour) + "\n");
    // In one piece: thousands of small writes take their time. Nobody is left to be told that nobody reads.
    let _ = std::io::stderr().lock().write_all(texts.concat().as_bytes());
}

/// Whether output is coloured: on a terminal that can, unless the environment says no (<https://no-color.org>).
fn wants_colour(terminal: bool, no_color: &OsStr, term: &OsStr) -> bool {
    terminal && no_color.is_empty() && term != "dumb"
}

/// A missing file is answered with its near misses.
pub(crate) fn exists(path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            Err(Failure::usage(format!("{} is a folder; name a .flow file in it", path.display())))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let mut message = format!("{} can't be read: {error}", path.display());
    if error.kind() == std::io::ErrorKind::NotFound
        && let Some(near) = nearest_file(path)
    {
        message.push_str(&format!("; did you mean `{near}`?"));
    }
    Failure::usage(message)
}

fn nearest_file(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let names = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: Vec<String> =
        names.filter(|name| name.ends_with(".flow") || name.ends_with(".flowc")).collect();
    let best = nearest(&wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(best).display().to_string())
}

/// The name most like `wanted`, where one is near enough to be meant.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(wanted.len()) / 3 + 1)
        .min()
        .map(|(_, name)| name)
}

/// The workflow asked for, or the only one.
pub(crate) fn workflow<'a>(
    program: &'a Program,
    name: Option<&str>,
) -> Result<(WorkflowId, &'a Workflow), Failure> {
    let names: Vec<&str> = program.workflows.values().map(|workflow| workflow.name.as_str()).collect();
    let Some(wanted) = name else {
        let mut all = program.workflows.iter();
        return match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => {
                Err(Failure::usage("the file has no workflow; declare one with `workflow NAME() { … }`"))
            }
            _ => Err(Failure::usage(format!("which workflow? The file has {}", names.join(", ")))),
        };
    };
    let found = program.workflows.iter().find(|(_, workflow)| workflow.name == wanted);
    found.ok_or_else(|| match nearest(wanted, names.iter().copied()) {
        Some(near) => Failure::usage(format!("there is no workflow `{wanted}`; did you mean `{near}`?")),
        None => Failure::usage(format!("there is no workflow `{wanted}`; the file has {}", names.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::wants_colour;

    #[test]
    fn only_a_terminal_that_wants_it_gets_colour() {
        let cases = [
            (true, "", "xterm-256color", true),
            (false, "", "xterm-256color", false),
            (true, "1", "xterm-256color", false),
            (true, "", "dumb", false),
            (true, "", "", true),
        ];
        for (terminal, no_color, term, wanted) in cases {
            assert_eq!(wants_colour(terminal, no_color.as_ref(), term.as_ref()), wanted, "{no_color} {term}");
        }
    }
}
