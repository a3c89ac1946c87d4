//! A server in a directory of its own that lives as long as its owner.

use crate::account::Account;
use crate::unique_name;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Copies a template, if there is one, and runs the server until it ends or until standard input closes, which the system
/// does when the owner dies, even by SIGKILL. The signal is repeated because one that arrives before the server handles
/// signals is ignored.
const SUPERVISOR: &str = r#"
directory=$1 signal=$2 template=$3; shift 3
exec 3<&0
{ { [ -z "$template" ] || cp -a "$template" "$directory/data"; } && exec "$@"; } </dev/null >"$directory/log" 2>&1 3<&- &
server=$!
{ read -r _ <&3; : >"$directory/closed"; while kill -$signal $server 2>/dev/null; do sleep 0.2; done; } &
reader=$!
exec 3<&-
wait $server
[ -e "$directory/closed" ] || tail -n 20 "$directory/log" >&2
kill $reader 2>/dev/null
cd / && rm -rf "$directory"
"#;

/// Long enough for a loaded machine: a server that can't start ends by itself, and that is noticed at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to run.
pub struct Server<'a> {
    /// How its directory's name begins.
    pub prefix: &'a str,
    /// The signal that ends it.
    pub signal: &'a str,
    /// What becomes `data` in its directory.
    pub template: Option<&'a Path>,
}

/// A server that ends, and whose directory goes, when this is dropped or its process ends.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    directory: PathBuf,
}

impl Supervised {
    /// Starts the command that `prepare` makes for the server's directory. What it says is in `log` there.
    pub fn start(
        account: &Account,
        server: &Server<'_>,
        prepare: impl FnOnce(&Path) -> Result<Command, String>,
    ) -> Result<Supervised, String> {
        let directory = account.new_directory(&unique_name(server.prefix))?;
        let command = prepare(&directory)?;
        let mut supervisor = account.command("sh");
        supervisor.args(["-c", SUPERVISOR, "sh"]).arg(&directory).arg(server.signal);
        supervisor.arg(server.template.unwrap_or(Path::new("")));
        supervisor.arg(command.get_program()).args(command.get_args());
        // A group of its own, so that Ctrl-C reaches the owner only.
        supervisor.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = supervisor.spawn().map_err(|error| format!("{supervisor:?} doesn't start: {error}"))?;
        Ok(Supervised { supervisor: child, directory })
    }

    /// All that it writes is in here.
    #[cfg(test)]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stops the server, and returns when it is gone.
    #[cfg(test)]
    pub fn stop(mut self) -> std::io::Result<()> {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().map(drop)
    }

    /// Waits until a file that the server writes says that it is ready. An answer from its port could be another server's.
    pub fn wait_until_ready(&mut self, file: &str, is_ready: impl Fn(&str) -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if is_ready(&std::fs::read_to_string(self.directory.join(file)).unwrap_or_default()) {
                return Ok(());
            }
            if self.supervisor.try_wait().map_err(|error| error.to_string())?.is_some() {
                let mut log = String::new();
                let _ = self.supervisor.stderr.take().map(|mut stderr| stderr.read_to_string(&mut log));
                return Err(format!("it ended:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("it isn't ready after {} s, see {}", PATIENCE.as_secs(), self.directory.display()))
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}
