//! Every `.flow` file of the repository: what mutations begin with.

use std::path::{Path, PathBuf};

/// The texts of all `.flow` files, in the order of their paths.
pub fn load() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for folder in ["stdlib", "examples", "tests", "compiler", "cli"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "flow") {
            paths.push(path);
        }
    }
}
