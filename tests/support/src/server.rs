//! A PostgreSQL server that lives as long as its owner.

use crate::programs::run;
use crate::unique_name;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The role that may do everything.
pub const SUPERUSER: &str = "postgres";

/// Copies the template and runs the server until it ends or until standard input closes, which the system does when
/// the owner dies, even by SIGKILL. The signal is repeated because one that arrives before the server handles signals
/// is ignored.
const SUPERVISOR: &str = r#"
directory=$1 template=$2; shift 2
exec 3<&0
{ cp -a "$template" "$directory/data" && exec "$@"; } </dev/null >"$directory/log" 2>&1 3<&- &
server=$!
{ read -r _ <&3; : >"$directory/closed"; while kill -INT $server 2>/dev/null; do sleep 0.2; done; } &
reader=$!
exec 3<&-
wait $server
[ -e "$directory/closed" ] || tail -n 20 "$directory/log" >&2
kill $reader 2>/dev/null
cd / && rm -rf "$directory"
"#;

/// Long enough for a loaded machine: a server that can't start ends by itself, and that is noticed at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends when this is dropped or its process ends.
#[derive(Debug)]
pub struct Running {
    supervisor: Child,
    directory: PathBuf,
    port: u16,
}

impl Running {
    /// Starts a server and waits until it accepts connections.
    pub fn start(binaries: &Path) -> Result<Running, String> {
        let account = Account::for_server()?;
        let template = Template::new(binaries, &account)?;
        let mut last = String::new();
        for _ in 0..5 {
            template.ensure()?;
            match Running::attempt(binaries, &account, &template.path) {
                Ok(running) => return Ok(running),
                Err(error) => last = error,
            }
            // Another process took the port, or a cleaner of temporary files took parts of the template.
            template.discard();
        }
        Err(format!("the PostgreSQL server of {} doesn't start: {last}", binaries.display()))
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
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

    fn attempt(binaries: &Path, account: &Account, template: &Path) -> Result<Running, String> {
        let directory = account.new_directory(&unique_name("flow-test-pg"))?;
        let data = directory.join("data");
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let mut command = account.command("sh");
        command.args(["-c", SUPERVISOR, "sh"]).arg(&directory).arg(template);
        command.arg(binaries.join("postgres")).arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "fsync=on"]
        {
            command.args(["-c", setting]);
        }
        // A group of its own, so that Ctrl-C reaches the owner only.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let supervisor = command.spawn().map_err(|error| format!("{command:?} doesn't start: {error}"))?;
        let mut running = Running { supervisor, directory, port };
        running.wait_until_ready(&data.join("postmaster.pid"))?;
        Ok(running)
    }

    /// The server's own file says when it is ready; an answer from the port could be another server's.
    fn wait_until_ready(&mut self, status_file: &Path) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let status = fs::read_to_string(status_file).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
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

/// Whom the server runs as. It refuses to run as root.
struct Account {
    user: u32,
    /// The user and the group to change to, if we are root.
    other: Option<(u32, u32)>,
    /// Where this account can make directories.
    temporary: PathBuf,
}

impl Account {
    fn for_server() -> Result<Account, String> {
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

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.temporary);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }

    fn new_directory(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.temporary.join(name);
        let create = || {
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            self.other.map_or(Ok(()), |(user, group)| chown(&path, Some(user), Some(group)))
        };
        create().map_err(|error| format!("{} can't be made: {error}", path.display()))?;
        Ok(path)
    }
}

/// An initialised data directory to copy: that takes a tenth of the time of making one.
struct Template<'account> {
    path: PathBuf,
    initdb: PathBuf,
    account: &'account Account,
}

impl<'account> Template<'account> {
    fn new(binaries: &Path, account: &'account Account) -> Result<Template<'account>, String> {
        let printed = run(Command::new(binaries.join("postgres")).arg("--version"))?;
        let version: String = printed
            .chars()
            .filter(|character| character.is_ascii_digit() || ".".contains(*character))
            .collect();
        let path = account.temporary.join(format!("flow-test-pg-template-{version}-{}", account.user));
        Ok(Template { path, initdb: binaries.join("initdb"), account })
    }

    fn ensure(&self) -> Result<(), String> {
        if self.path.exists() {
            return Ok(());
        }
        let made = self.account.new_directory(&unique_name("flow-test-pg-initdb"))?;
        let mut initdb = self.account.command(&self.initdb);
        initdb.args(["-A", "trust", "-U", SUPERUSER, "--encoding=UTF8", "--locale=C", "-D"]).arg(&made);
        let result = run(&mut initdb).and_then(|_| match fs::rename(&made, &self.path) {
            Err(error) if !self.path.exists() => Err(format!("{}: {error}", self.path.display())),
            _ => Ok(()),
        });
        // There is something left to remove if it failed or if another process was first.
        let _ = fs::remove_dir_all(&made);
        result
    }

    /// Moved away first, so that nobody begins to copy what is being removed.
    fn discard(&self) {
        let away = self.account.temporary.join(unique_name("flow-test-pg-discarded"));
        if fs::rename(&self.path, &away).is_ok() {
            let _ = fs::remove_dir_all(&away);
        }
    }
}

/// A port that nobody listens on now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
