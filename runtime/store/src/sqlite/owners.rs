//! Who lives: each worker holds an exclusive lock on its own file beside the database. The operating system drops the lock
//! when the process dies, however it dies, so a dead owner is known at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The directory of lock files beside a database.
#[derive(Clone, Debug)]
pub(super) struct Owners {
    directory: PathBuf,
}

/// Proof of life: the file is locked until this is dropped.
#[derive(Debug)]
pub(super) struct Alive {
    file: File,
    path: PathBuf,
}

impl Owners {
    pub(super) fn beside(database: &Path) -> Owners {
        let mut name = database.as_os_str().to_owned();
        name.push(".owners");
        Owners { directory: PathBuf::from(name) }
    }

    /// Locks this worker's file, for as long as the answer is kept.
    pub(super) fn enter(&self, worker: Uuid) -> io::Result<Alive> {
        std::fs::create_dir_all(&self.directory)?;
        let path = self.path(worker);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        Ok(Alive { file, path })
    }

    /// Whether that worker's process lives. Asked with a shared lock, so that two who ask don't take each other for it.
    pub(super) fn lives(&self, worker: Uuid) -> io::Result<bool> {
        let file = match File::open(self.path(worker)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes a dead worker's file.
    pub(super) fn bury(&self, worker: Uuid) {
        // A leftover only takes a directory entry, so a failure here is no failure of the claim.
        let _ = std::fs::remove_file(self.path(worker));
    }

    /// The file that processes waiting for the write lock hold a shared lock on.
    pub(super) fn waiting_room(&self) -> io::Result<File> {
        std::fs::create_dir_all(&self.directory)?;
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.directory.join("waiting"))
    }

    fn path(&self, worker: Uuid) -> PathBuf {
        self.directory.join(format!("{}.lock", worker.simple()))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}
