//! A PostgreSQL server that lives as long as its owner.

use crate::account::Account;
use crate::programs::run;
use crate::supervised::{Server, Supervised, free_port};
use crate::unique_name;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The role that may do everything.
pub const SUPERUSER: &str = "postgres";

/// A server that ends when this is dropped or its process ends.
#[derive(Debug)]
pub struct Running {
    #[cfg_attr(not(test), expect(dead_code, reason = "the server lives as long as this does"))]
    server: Supervised,
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

    /// The server itself.
    #[cfg(test)]
    pub fn server(self) -> Supervised {
        self.server
    }

    fn attempt(binaries: &Path, account: &Account, template: &Path) -> Result<Running, String> {
        let port = free_port()?;
        let what = Server { prefix: "flow-test-pg", signal: "INT", template: Some(template) };
        let mut server = Supervised::start(account, &what, |directory| {
            let mut command = Command::new(binaries.join("postgres"));
            command.arg("-D").arg(directory.join("data")).args(["-p", &port.to_string()]);
            for setting in
                ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "fsync=on"]
            {
                command.args(["-c", setting]);
            }
            Ok(command)
        })?;
        let is_ready = |status: &str| status.lines().nth(7).is_some_and(|line| line.trim() == "ready");
        server.wait_until_ready("data/postmaster.pid", is_ready)?;
        Ok(Running { server, port })
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
