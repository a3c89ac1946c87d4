//! The books on disk: one line of JSON per effect, on the disk before it is answered.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// An append-only file of lines. Only one process has it open.
pub struct Journal {
    file: File,
    /// After a failed write nobody knows what the file ends with: it is read again at the next start.
    failed: bool,
}

impl Journal {
    /// Opens or makes the journal in `directory` and reads it. A torn last line was never answered, so it is cut off.
    pub fn open<Line: DeserializeOwned>(directory: &Path) -> Result<(Journal, Vec<Line>), String> {
        let path = directory.join("journal.jsonl");
        let at = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(directory).map_err(at)?;
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(at)?;
        file.try_lock().map_err(|_| {
            format!("{}: another ledger is running on these books; stop it first", path.display())
        })?;
        // The name of a new file is durable once its directory is.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(at)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at)?;
        let mut lines = Vec::new();
        let mut good = 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_last = good + piece.len() == bytes.len();
            match serde_json::from_slice(piece) {
                Ok(line) if piece.ends_with(b"\n") => lines.push(line),
                Err(error) if !is_last => {
                    let (path, number) = (path.display(), lines.len() + 1);
                    return Err(format!(
                        "{path}: line {number} is damaged ({error}); restore it from a copy"
                    ));
                }
                _ => break,
            }
            good += piece.len();
        }
        if good < bytes.len() {
            eprintln!("{}: the last line was torn and never answered; it is cut off", path.display());
            file.set_len(good as u64).and_then(|()| file.sync_all()).map_err(at)?;
        }
        Ok((Journal { file, failed: false }, lines))
    }

    /// Appends a line; when this returns it is on the disk.
    pub fn append(&mut self, line: &impl Serialize) -> Result<(), String> {
        if self.failed {
            return Err("the journal could not be written; restart the ledger".into());
        }
        let mut bytes = serde_json::to_vec(line).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        self.failed = written.is_err();
        written.map_err(|error| format!("the journal can't be written: {error}"))
    }
}
