//! Source files: which are meant, and how they are written.

use crate::exit::Failure;
use crate::program;
use crate::project::Project;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The `.flow` files that the arguments of a command mean, in order: files as they are, folders with all below them.
pub(crate) fn flow_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, &mut files)?;
        } else {
            program::exists(path)?;
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        let places: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::usage(format!("there is no .flow file in {}", places.join(", "))));
    }
    Ok(files)
}

/// The same, where no argument means the project, or else the current folder.
pub(crate) fn flow_files_or_project(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    match Project::find()?.filter(|_| paths.is_empty()) {
        Some(project) => project.files(),
        None => flow_files(paths),
    }
}

/// Collects the `.flow` files of a folder and of the folders in it, hidden ones and build output left out.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("{} can't be read: {error}", folder.display()));
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(unreadable)?.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { entry.path() };
        let hidden = name.to_string_lossy().starts_with('.');
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() && !hidden && name != "target" && name != "node_modules" {
            below(&path, files)?;
        } else if !kind.is_dir() && path.extension().is_some_and(|extension| extension == "flow") {
            files.push(path);
        }
    }
    Ok(())
}

/// Replaces a file's text as a whole: a reader, or a crash, sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::system(format!("{} can't be written: {error}", path.display()));
    // A link stays one: what it leads to is replaced.
    let target = path.canonicalize().map_err(failed)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let draft = target.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(std::fs::metadata(&target)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&draft, &target)
    })();
    if written.is_err() {
        // What is left of the draft is of no use to anybody; the error that matters is the first.
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(failed)
}
