//! A project of any number of lines, as a company with a few hundred modules would have it: each module has records,
//! enums, errors, functions, activities and workflows of its own and uses some of the modules before it. No two modules
//! are alike, and all of it checks.

mod code;
pub mod hostile;
mod module;
pub mod random;
mod words;

pub use random::Random;

use flow_analysis::Memory;
use std::path::Path;

/// The files of a project, by path relative to its folder. The first is the root: it uses all the others.
#[derive(Clone, Debug)]
pub struct Project {
    /// Path and text.
    pub files: Vec<(String, String)>,
}

impl Project {
    /// A project of about `lines` lines.
    pub fn generate(lines: usize, seed: u64) -> Project {
        let mut random = Random::new(seed);
        let mut modules: Vec<module::Module> = Vec::new();
        let mut files = Vec::new();
        let mut written = 0;
        while written < lines {
            let used = (0..modules.len().min(3)).filter_map(|_| random.pick(&modules).cloned()).collect();
            let (module, text) = module::write(modules.len(), used, &mut random);
            written += text.lines().count();
            files.push((format!("{}.flow", module.file), text));
            modules.push(module);
        }
        files.insert(0, ("main.flow".to_string(), module::write_root(&modules)));
        Project { files }
    }

    /// How many lines all files have.
    pub fn lines(&self) -> usize {
        self.files.iter().map(|(_, text)| text.lines().count()).sum()
    }

    /// How many bytes all files have.
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|(_, text)| text.len()).sum()
    }

    /// The path of the root.
    pub fn root(&self) -> &Path {
        Path::new("main.flow")
    }

    /// The files in memory.
    pub fn world(&self) -> Memory {
        let add = |world: Memory, (path, text): &(String, String)| world.with(path, text.as_str());
        self.files.iter().fold(Memory::new(), add)
    }

    /// Writes the files into a folder.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        self.files.iter().try_for_each(|(path, text)| std::fs::write(folder.join(path), text))
    }
}
