//! The only door to files: a command reads them from disk, an editor from its buffers, a test from memory.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What the checker needs of the outside. Files are read from several threads.
pub trait World: Sync {
    /// The text of a file. Paths are the root file's, or relative to it by the `use`s that led there.
    fn read(&self, path: &Path) -> io::Result<Arc<str>>;
}

/// Files on disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl World for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<str>> {
        std::fs::read_to_string(path).map(Arc::from)
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
