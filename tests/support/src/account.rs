//! Whom a server runs as.

use crate::programs::run;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The user that servers run as: they refuse to run as root.
pub struct Account {
    /// Its number.
    pub user: u32,
    /// The user and the group to change to, if we are root.
    other: Option<(u32, u32)>,
    /// Where this account can make directories.
    pub temporary: PathBuf,
}

impl Account {
    /// Ours, or another one if we are root.
    pub fn for_server() -> Result<Account, String> {
        let id = |arguments: &[&str]| {
            let printed = run(Command::new("id").args(arguments))?;
            printed.trim().parse::<u32>().map_err(|error| format!("`id` printed {printed:?}: {error}"))
        };
        let temporary = std::env::temp_dir();
        let own = id(&["-u"])?;
        if own != 0 {
            return Ok(Account { user: own, other: None, temporary });
        }
        let user = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
        let reachable = temporary.ancestors().all(|ancestor| {
            fs::metadata(ancestor).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
        });
        let temporary = if reachable { temporary } else { PathBuf::from("/tmp") };
        let (user, group) = (id(&["-u", user])?, id(&["-g", user])?);
        Ok(Account { user, other: Some((user, group)), temporary })
    }

    /// A command that runs as this user.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.temporary);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes a directory that only this user can enter.
    pub fn new_directory(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.temporary.join(name);
        let create = || {
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            self.other.map_or(Ok(()), |(user, group)| chown(&path, Some(user), Some(group)))
        };
        create().map_err(|error| format!("{} can't be made: {error}", path.display()))?;
        Ok(path)
    }
}
