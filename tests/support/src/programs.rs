//! Finding the programs of PostgreSQL and its pooler, and installing them where there are none.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages put one directory for each version: the parent, how its entries begin, and what follows.
const PACKAGED: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
];

/// The directory of the newest PostgreSQL that has this program.
pub fn directory_with(program: &str) -> Result<PathBuf, String> {
    if let Some(directory) = installed(program) {
        return Ok(directory);
    }
    let missing = format!(
        "The tests need a PostgreSQL server, and the program `{program}` was found neither in the usual places nor in \
         PATH. Install the package `postgresql`, or let FLOW_TEST_DATABASE_URL name a server."
    );
    install("postgresql").map_err(|cause| format!("{missing}\nInstalling it failed: {cause}"))?;
    installed(program).ok_or(missing)
}

/// PostgreSQL's pooler. Its package carries its name everywhere.
pub fn pgbouncer() -> Result<PathBuf, String> {
    const NAME: &str = "pgbouncer";
    let found = || in_path(NAME).map(|directory| directory.join(NAME));
    if let Some(program) = found() {
        return Ok(program);
    }
    let missing = format!("The tests need the pooler `{NAME}`. Install the package `{NAME}`.");
    install(NAME).map_err(|cause| format!("{missing}\nInstalling it failed: {cause}"))?;
    found().ok_or(missing)
}

/// Runs a command to its end and returns what it printed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?} doesn't start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}): {}", output.status, said.trim()))
}

fn installed(program: &str) -> Option<PathBuf> {
    let packaged =
        PACKAGED.iter().flat_map(|(parent, prefix, rest)| versions(Path::new(parent), prefix, rest));
    let has_program = |directory: &PathBuf| directory.join(program).is_file();
    let newest = packaged.filter(|(_, directory)| has_program(directory)).max();
    newest.map(|(_, directory)| directory).or_else(|| in_path(program))
}

/// The directory of PATH, or of what is only in the PATH of administrators, that has a program.
fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    directories.into_iter().find(|directory| directory.join(program).is_file())
}

/// The directories of a parent that are named after a version, each with its version.
fn versions(parent: &Path, prefix: &str, rest: &str) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let versioned = entries.filter_map(|entry| {
        let name = entry.file_name();
        let version = name.to_str()?.strip_prefix(prefix)?.trim_start_matches('@');
        let major = version.split('.').next().unwrap_or_default();
        // Homebrew's `postgresql` without a number is one of those with a number.
        let number = if prefix.is_empty() || !major.is_empty() { major.parse().ok()? } else { 0 };
        Some((number, entry.path().join(rest)))
    });
    versioned.collect()
}

fn install(package: &str) -> Result<(), String> {
    if cfg!(target_os = "macos") {
        return run(Command::new("brew").args(["install", package])).map(drop);
    }
    let root = run(Command::new("id").arg("-u"))?.trim() == "0";
    let apt_get = |arguments: &[&str]| {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        if !root {
            command.args(["-n", "env"]);
        }
        run(command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments))
    };
    // Old lists may do, and the second command says what is wrong if they don't.
    let updated = apt_get(&["update"]);
    let wait_for_others = "DPkg::Lock::Timeout=300";
    match apt_get(&["install", "-y", "--no-install-recommends", "-o", wait_for_others, package]) {
        Ok(_) => Ok(()),
        Err(error) => Err([updated.err(), Some(error)].into_iter().flatten().collect::<Vec<_>>().join("\n")),
    }
}
