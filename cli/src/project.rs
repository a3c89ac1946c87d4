//! The project file `flow.toml`, found in the current folder or the nearest one above.

use crate::exit::Failure;
use crate::{files, program};
use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a project file is called.
pub(crate) const FILE: &str = "flow.toml";

const KEYS: [&str; 5] = ["name", "version", "source", "entry", "store"];

/// A project: a folder with a `flow.toml`.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder of the project file, relative to the current one.
    pub root: PathBuf,
    /// The folder with the sources: `source`, relative to the project file; the project's own by default.
    pub source: PathBuf,
    /// What `flow run` runs: `entry`, relative to the project file.
    entry: Option<PathBuf>,
    /// `store`: a URL; a SQLite path is relative to the project file.
    store: Option<String>,
}

/// What is wrong in a project file, and where.
type Problems = Vec<(Range<usize>, String)>;

impl Project {
    /// The project of the current folder.
    pub(crate) fn find() -> Result<Option<Project>, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::system(format!("the current folder is not known: {error}")))?;
        let mut root = PathBuf::new();
        for folder in here.ancestors() {
            if folder.join(FILE).is_file() {
                return Project::read(&root).map(Some);
            }
            root.push("..");
        }
        Ok(None)
    }

    /// The project in a folder that has a project file.
    pub(crate) fn read(root: &Path) -> Result<Project, Failure> {
        let path = root.join(FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("{} can't be read: {error}", path.display())))?;
        parse(root, &text).map_err(|problems| {
            let lines: Vec<String> =
                problems.iter().map(|(span, problem)| located(&path, &text, span.start, problem)).collect();
            Failure::usage(lines.join("\nerror: "))
        })
    }

    /// The folder of its sources, relative to the current one.
    pub(crate) fn source(&self) -> &Path {
        if self.source.as_os_str().is_empty() { Path::new(".") } else { &self.source }
    }

    /// All sources of the project.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        files::flow_files(&[self.source().to_path_buf()])
    }

    /// The file that `flow run` runs: `entry`, else `main.flow` of the sources, else their only file.
    pub(crate) fn entry(&self) -> Result<PathBuf, Failure> {
        if let Some(entry) = &self.entry {
            program::exists(entry)?;
            return Ok(entry.clone());
        }
        let main = self.source.join("main.flow");
        if main.is_file() {
            return Ok(main);
        }
        match self.files()?.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Failure::usage(format!(
                "which file? Name it, or say `entry = \"FILE.flow\"` in {}",
                self.root.join(FILE).display()
            ))),
        }
    }

    /// The store: where the project file says, else `.flow/flow.db` beside it.
    pub(crate) fn store(&self) -> String {
        let url = self.store.as_deref().unwrap_or(DEFAULT_STORE);
        match url.strip_prefix("sqlite://") {
            Some(path) => format!("sqlite://{}", self.root.join(path).display()),
            None => url.to_owned(),
        }
    }
}

/// The store without a project.
pub(crate) const DEFAULT_STORE: &str = "sqlite://.flow/flow.db";

/// What is wrong with a project's name, if anything.
pub(crate) fn wrong_name(name: &str) -> Option<&'static str> {
    let allowed =
        |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_' || char == '-';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("it begins with a small letter");
    }
    (!name.chars().all(allowed)).then_some("it consists of small letters, digits, `-` and `_`")
}

fn parse(root: &Path, text: &str) -> Result<Project, Problems> {
    let table = DeTable::parse(text)
        .map_err(|error| vec![(error.span().unwrap_or_default(), error.message().to_owned())])?;
    let mut problems = Problems::new();
    let table = table.into_inner();
    for key in table.keys() {
        let name: &str = key.get_ref();
        if !KEYS.contains(&name) {
            let near = program::nearest(name, KEYS.iter().copied());
            let near = near.map_or_else(
                || format!("it has {}", KEYS.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push((key.span(), format!("a project has no `{name}`; {near}")));
        }
    }
    let mut get = |key: &str| string(&table, key, &mut problems);
    let (name, _, source, entry, store) =
        (get("name"), get("version"), get("source"), get("entry"), get("store"));
    match name {
        None => problems.push((0..0, "a project needs a `name`: `name = \"…\"`".into())),
        Some((span, name)) => {
            if let Some(wrong) = wrong_name(&name) {
                problems.push((span, format!("`{name}` is no name for a project: {wrong}")));
            }
        }
    }
    for (key, (span, path)) in [("source", &source), ("entry", &entry)]
        .into_iter()
        .filter_map(|(key, found)| Some((key, found.as_ref()?)))
    {
        let path = root.join(path);
        if !(if key == "source" { path.is_dir() } else { path.is_file() }) {
            problems.push((span.clone(), format!("`{key}`: there is no {}", path.display())));
        }
    }
    problems.sort_by_key(|(span, _)| span.start);
    if !problems.is_empty() {
        return Err(problems);
    }
    let path = |found: Option<(Range<usize>, String)>| found.map(|(_, path)| root.join(path));
    Ok(Project {
        root: root.to_path_buf(),
        source: path(source).unwrap_or_else(|| root.to_path_buf()),
        entry: path(entry),
        store: store.map(|(_, url)| url),
    })
}

/// The text of a key, and where it stands.
fn string(table: &DeTable<'_>, key: &str, problems: &mut Problems) -> Option<(Range<usize>, String)> {
    let value: &Spanned<DeValue<'_>> = table.get(key)?;
    match value.get_ref() {
        DeValue::String(text) => Some((value.span(), Cow::clone(text).into_owned())),
        _ => {
            problems.push((value.span(), format!("`{key}` is a text: `{key} = \"…\"`")));
            None
        }
    }
}

/// `flow.toml:3:1: …`
fn located(path: &Path, text: &str, offset: usize, problem: &str) -> String {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{}:{line}:{column}: {problem}", path.display())
}
