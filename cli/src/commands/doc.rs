//! `flow doc`: pages of Markdown from documentation comments.

use crate::exit::{Exit, Failure};
use crate::files;
use crate::project::Project;
use flow_analysis::documentation::{Entry, ModulePage, index, module_page, standard_library};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files, and folders whose .flow files are meant; without any, the project or the current folder.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The standard library instead.
    #[arg(long, conflicts_with = "files")]
    std: bool,
    /// The folder for the pages; without it they are printed.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// One JSON object a module, on stdout.
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let pages = if args.std { standard_library() } else { pages_of(&args.files)? };
    if args.json {
        pages.iter().for_each(|page| println!("{}", as_json(page)));
        return Ok(Exit::Success);
    }
    let Some(folder) = &args.output else {
        for page in &pages {
            println!("{}", page.markdown());
        }
        return Ok(Exit::Success);
    };
    fs::create_dir_all(folder)?;
    if args.std {
        fs::write(folder.join("README.md"), index(&pages))?;
    }
    for page in &pages {
        let file = format!("{}.md", page.name.trim_start_matches("std."));
        fs::write(folder.join(file), page.markdown())?;
    }
    Ok(Exit::Success)
}

fn pages_of(paths: &[PathBuf]) -> Result<Vec<ModulePage>, Failure> {
    let project = Project::find()?.filter(|_| paths.is_empty());
    let mut pages = Vec::new();
    for file in files::flow_files_or_project(paths)? {
        let name = match project.as_ref().and_then(|project| file.strip_prefix(project.source()).ok()) {
            Some(within) => {
                within.with_extension("").iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(".")
            }
            None => file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        pages.push(module_page(&name, &fs::read_to_string(&file)?));
    }
    Ok(pages)
}

fn as_json(page: &ModulePage) -> serde_json::Value {
    let entry = |entry: &Entry| {
        let kind = if entry.is_function { "function" } else { "declaration" };
        json!({"name": entry.name, "kind": kind, "declaration": entry.declaration, "docs": entry.docs})
    };
    let entries: Vec<_> = page.entries.iter().map(entry).collect();
    json!({"module": page.name, "docs": page.docs, "entries": entries})
}
