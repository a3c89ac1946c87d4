//! The only door to files: a command reads them from disk, an editor from its buffers, a test from memory.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What the checker needs of the outside. Files are read from several threads.
pub trait World: Sync {
    /// The text of a file. Paths are the root file's, or relative to it by the `use`s that led there.
    fn read(&self, path: &Path) -> io::Result<Arc<str>>;

    /// The names of the modules in a folder, for suggestions; a world that can't list its files gives none.
    fn modules(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// The module names among paths.
fn module_names(paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let modules = paths.filter(|path| path.extension().is_some_and(|extension| extension == "flow"));
    let mut names: Vec<String> =
        modules.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

/// Files on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl World for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        std::fs::read_to_string(path).map(Arc::from)
    }

    fn modules(&self, folder: &Path) -> Vec<String> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        module_names(std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()))
    }
}

/// Files in memory, in front of nothing else.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: HashMap<PathBuf, Arc<str>>,
}

impl Memory {
    /// No files.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Adds or replaces a file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Memory {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl World for Memory {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn modules(&self, folder: &Path) -> Vec<String> {
        module_names(self.files.keys().filter(|path| path.parent() == Some(folder)).cloned())
    }
}

/// `path` without `.` and, where a folder stands before them, without `..`.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.last(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.iter().collect()
}
