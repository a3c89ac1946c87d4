//! The `flow` binary as its users run it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// A folder of its own for one test, and a store in it or on a server.
pub struct Place {
    folder: tempfile::TempDir,
    /// `--store`, where it isn't the default.
    pub store: Option<String>,
    /// Environment variables of every command.
    pub env: Vec<(String, String)>,
}

/// What a command gave.
#[derive(Debug)]
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// What it printed for tools.
    pub out: String,
    /// What it said to people.
    pub err: String,
}

impl Done {
    /// Its stdout as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:#?}"))
    }

    /// Its stdout as one JSON value a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// A `flow` that runs in the background until it is done or dropped.
pub struct Process(pub Child);

impl Process {
    /// Starts it; nothing that it says is heard.
    pub fn start(place: &Place, args: &[&str]) -> Process {
        let mut command = place.command(args);
        Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("flow"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Only what hangs takes as long as this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something holds.
#[track_caller]
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it takes too long");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Waits for the end of a command. One that hangs is ended, and that is said.
fn output_unless_it_hangs(child: Child, args: &[&str]) -> Output {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let id = child.id().to_string();
    let guard = std::thread::spawn(move || {
        let hangs = matches!(is_done.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout));
        if hangs {
            Command::new("kill").args(["-KILL", &id]).status().expect("kill");
        }
        hangs
    });
    let output = child.wait_with_output().expect("it ends");
    drop(done);
    assert!(!guard.join().expect("the guard"), "flow {args:?} hangs: {output:?}");
    output
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The path of an example.
pub fn example(path: &str) -> String {
    repository().join("examples").join(path).display().to_string()
}

impl Place {
    /// A new folder, with the default store in it.
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder"), store: None, env: Vec::new() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder and gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// A command, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flow"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(store) = &self.store {
            command.env("FLOW_STORE", store);
        }
        command
    }

    /// Runs a command to its end.
    pub fn flow(&self, args: &[&str]) -> Done {
        let mut command = self.command(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("flow runs");
        let output = output_unless_it_hangs(child, args);
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
