//! `flow new NAME`: a project that runs at once.

use crate::exit::{Exit, Failure};
use crate::project;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder to make; its name is the project's.
    folder: PathBuf,
    /// Print {"folder", "files", "next"} as JSON.
    #[arg(long)]
    json: bool,
}

/// The files of a new project; `{name}` stands for its name where `named` is set.
const FILES: &[(&str, &str, bool)] = &[
    (project::FILE, include_str!("../../templates/project/flow.toml"), true),
    ("README.md", include_str!("../../templates/project/README.md"), true),
    (".gitignore", include_str!("../../templates/project/gitignore"), false),
    ("order.json", include_str!("../../templates/project/order.json"), false),
    ("too_large.json", include_str!("../../templates/project/too_large.json"), false),
    ("src/main.flow", include_str!("../../templates/project/src/main.flow"), false),
];

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(wrong) = project::wrong_name(&name) {
        return Err(Failure::usage(format!("`{name}` is no name for a project: {wrong}")));
    }
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(Failure::usage(format!("{} exists already, and is not empty", folder.display())));
    }
    for (path, text, named) in FILES {
        let text = if *named { text.replace("{name}", &name) } else { (*text).to_owned() };
        write(&folder.join(path), &text)?;
    }
    let next = format!("cd {} && flow run --input @order.json", folder.display());
    if args.json {
        let files: Vec<_> = FILES.iter().map(|(path, ..)| *path).collect();
        let folder = folder.display().to_string();
        println!("{}", serde_json::json!({"folder": folder, "files": files, "next": next}));
    } else {
        eprintln!("made {}; next: {next}", folder.display());
    }
    Ok(Exit::Success)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let made =
        path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    made.map_err(|error| Failure::system(format!("{} can't be written: {error}", path.display())))
}
