//! A pooler in front of a PostgreSQL server.

use crate::account::Account;
use crate::supervised::{Server, Supervised, free_port};
use crate::{SERVER_VARIABLE, or_panic, programs};
use std::process::Command;

/// For how long a client keeps a session of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// As long as it is connected.
    Session,
    /// For a transaction.
    Transaction,
    /// For a statement.
    Statement,
}

/// PgBouncer, which ends when this is dropped or its process ends.
#[derive(Debug)]
pub struct Pooler {
    url: String,
    _server: Supervised,
}

impl Pooler {
    /// Starts one in front of a database, given by its `postgres://` URL.
    ///
    /// # Panics
    /// If there is no `pgbouncer` and none can be installed and started; the message says what to do.
    pub fn start(database: &str, mode: PoolMode) -> Pooler {
        or_panic(Pooler::attempt(database, mode))
    }

    /// The database's URL through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn attempt(database: &str, mode: PoolMode) -> Result<Pooler, String> {
        let program = programs::pgbouncer()?;
        let address = Address::parse(database)?;
        let account = Account::for_server()?;
        let port = free_port()?;
        let what = Server { prefix: "flow-test-pool", signal: "KILL", template: None };
        let mut server = Supervised::start(&account, &what, |directory| {
            let file = directory.join("pgbouncer.ini");
            let text = configuration(&address, mode, port);
            std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            let mut command = Command::new(&program);
            command.arg(file);
            Ok(command)
        })?;
        server.wait_until_ready("log", |log| log.contains("process up"))?;
        let url = format!("postgres://{}@127.0.0.1:{port}/{}", address.user, address.database);
        Ok(Pooler { url, _server: server })
    }
}

fn configuration(address: &Address, mode: PoolMode, port: u16) -> String {
    let Address { user, password, host, port: server, database } = address;
    let password = password.as_ref().map(|password| format!(" password='{password}'")).unwrap_or_default();
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    format!(
        "[databases]\n{database} = host={host} port={server} dbname={database} user={user}{password}\n\
         [pgbouncer]\npool_mode = {mode}\nauth_type = any\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nignore_startup_parameters = extra_float_digits,options\n"
    )
}

/// The parts of a database's URL.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    user: String,
    password: Option<String>,
    host: String,
    port: u16,
    database: String,
}

impl Address {
    fn parse(url: &str) -> Result<Address, String> {
        let parsed = || {
            let (_, rest) = url.split('?').next()?.split_once("://")?;
            let (server, database) = rest.split_once('/')?;
            let (account, server) = server.rsplit_once('@')?;
            let (user, password) = match account.split_once(':') {
                Some((user, password)) => (user, Some(password.to_owned())),
                None => (account, None),
            };
            let (host, port) = server.rsplit_once(':').unwrap_or((server, "5432"));
            let (user, host, database) = (user.to_owned(), host.to_owned(), database.to_owned());
            Some(Address { user, password, host, port: port.parse().ok()?, database })
        };
        parsed().ok_or_else(|| {
            format!("{SERVER_VARIABLE} should be like postgres://user:password@host:5432/postgres, but {url} is not")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_database_is_known_by_the_parts_of_its_address() {
        let address = |password: Option<&str>, port| Address {
            user: "me".into(),
            password: password.map(str::to_owned),
            host: "there".into(),
            port,
            database: "db".into(),
        };
        assert_eq!(Address::parse("postgres://me:pw@there:1/db?sslmode=disable"), Ok(address(Some("pw"), 1)));
        assert_eq!(Address::parse("postgres://me@there/db"), Ok(address(None, 5432)));
        assert!(Address::parse("postgres://there/db").is_err());
    }
}
