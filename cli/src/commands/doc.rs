//! `flow doc`: pages of Markdown from documentation comments.

use crate::exit::{Exit, Failure};
use crate::program::exists;
use flow_analysis::documentation::{ModulePage, index, module_page, standard_library};
use std::fs;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The files to document.
    #[arg(required_unless_present = "std")]
    files: Vec<PathBuf>,
    /// The standard library instead.
    #[arg(long, conflicts_with = "files")]
    std: bool,
    /// The folder for the pages; without it they are printed.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let pages = if args.std { standard_library() } else { pages_of(&args.files)? };
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

fn pages_of(files: &[PathBuf]) -> Result<Vec<ModulePage>, Failure> {
    let mut pages = Vec::new();
    for file in files {
        exists(file)?;
        let name = file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        pages.push(module_page(&name, &fs::read_to_string(file)?));
    }
    Ok(pages)
}
