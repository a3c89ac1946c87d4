//! What several test suites share: a PostgreSQL server of their own, and a pooler in front of it.

mod account;
mod pooler;
mod programs;
mod server;
mod supervised;

pub use pooler::{PoolMode, Pooler};

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that names a server to use instead of starting one.
const SERVER_VARIABLE: &str = "FLOW_TEST_DATABASE_URL";

/// A PostgreSQL server for the tests of this process.
///
/// It is the server that `FLOW_TEST_DATABASE_URL` names; without that variable it is started from the installed
/// binaries, which are installed if there are none. A server that was started ends with this process, however this
/// process ends, and leaves nothing behind. On a named server the databases `flow_test_…` stay.
#[derive(Debug)]
pub struct PostgresServer {
    /// The address of a database that can be connected to in order to create others.
    url: String,
    psql: std::path::PathBuf,
    /// Kept because the server lives as long as this does.
    _running: Option<server::Running>,
}

impl PostgresServer {
    /// The server of this process, started by the first call.
    ///
    /// # Panics
    /// If there is no server and none can be installed and started; the message says what to do.
    pub fn start() -> &'static PostgresServer {
        // A failure is kept too, so that the other tests fail at once.
        static SERVER: OnceLock<Result<PostgresServer, String>> = OnceLock::new();
        or_panic(SERVER.get_or_init(PostgresServer::find_or_start).as_ref())
    }

    /// Creates an empty database and returns its `postgres://` URL.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn fresh_database(&self) -> String {
        let name = unique_name("flow_test");
        // Nobody can be connected to template0, so its copying is never refused.
        or_panic(self.query(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0")));
        or_panic(with_database(&self.url, &name))
    }

    /// Deletes all rows of a schema in one of this server's databases, but for those of the tables `kept`.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn empty(&self, url: &str, schema: &str, kept: &[&str]) {
        let kept: Vec<String> = kept.iter().map(|table| format!("'{table}'")).collect();
        let statement = format!(
            "DO $$ DECLARE name text; BEGIN
                FOR name IN SELECT tablename FROM pg_tables
                    WHERE schemaname = '{schema}' AND tablename <> ALL (ARRAY[{}]::text[])
                LOOP EXECUTE format('DELETE FROM %I.%I', '{schema}', name); END LOOP;
            END $$",
            kept.join(", ")
        );
        or_panic(self.query_at(url, &statement));
    }

    fn find_or_start() -> Result<PostgresServer, String> {
        if let Ok(url) = std::env::var(SERVER_VARIABLE) {
            let psql = programs::directory_with("psql")?.join("psql");
            return Ok(PostgresServer { url, psql, _running: None });
        }
        let binaries = programs::directory_with("postgres")?;
        let running = server::Running::start(&binaries)?;
        let url = format!("postgres://{}@127.0.0.1:{}/postgres", server::SUPERUSER, running.port());
        Ok(PostgresServer { url, psql: binaries.join("psql"), _running: Some(running) })
    }

    /// What a statement returns, a line for each row.
    fn query(&self, statement: &str) -> Result<String, String> {
        self.query_at(&self.url, statement)
    }

    /// The same, in the database of this address.
    fn query_at(&self, url: &str, statement: &str) -> Result<String, String> {
        programs::run(Command::new(&self.psql).args(["-XqAt", "-d", url, "-c", statement]))
    }
}

/// The address of another database on the same server.
fn with_database(url: &str, name: &str) -> Result<String, String> {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let (scheme, rest) = address.split_once("://").ok_or_else(|| {
        format!("{SERVER_VARIABLE} is {url}, but should be like postgres://user@host:5432/postgres")
    })?;
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    Ok(format!("{scheme}://{server}/{name}{query}"))
}

/// A name that no other call in any process gets.
fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{prefix}_{}_{now:x}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[expect(clippy::panic, reason = "a test that can't have its database has failed")]
fn or_panic<T>(result: Result<T, impl std::fmt::Display>) -> T {
    result.unwrap_or_else(|message| panic!("{message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_databases_are_different_and_empty() {
        let server = PostgresServer::start();
        let ask = |url: &str, statement: &str| server.query_at(url, statement).unwrap();
        let (first, second) = (server.fresh_database(), server.fresh_database());
        assert_ne!(first, second);
        ask(&first, "CREATE TABLE only_here (x INT)");
        let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'";
        assert_eq!((ask(&first, tables).trim(), ask(&second, tables).trim()), ("1", "0"));
        assert_ne!(ask(&first, "SELECT current_database()"), ask(&second, "SELECT current_database()"));
        assert_eq!(ask(&first, "SHOW fsync").trim(), "on");
    }

    #[test]
    fn a_schema_is_emptied_but_for_what_is_kept() {
        let server = PostgresServer::start();
        let url = server.fresh_database();
        let ask = |statement: &str| server.query_at(&url, statement).unwrap();
        ask(
            "CREATE SCHEMA mine; CREATE TABLE mine.goes (x INT); CREATE TABLE mine.stays (x INT); CREATE TABLE other (x INT)",
        );
        ask(
            "INSERT INTO mine.goes VALUES (1); INSERT INTO mine.stays VALUES (1); INSERT INTO other VALUES (1)",
        );
        server.empty(&url, "mine", &["stays"]);
        let counts = "SELECT (SELECT count(*) FROM mine.goes), (SELECT count(*) FROM mine.stays), (SELECT count(*) FROM other)";
        assert_eq!(ask(counts).trim(), "0|1|1");
    }

    #[test]
    fn the_address_of_another_database_keeps_the_rest() {
        let there = |url| with_database(url, "new").unwrap();
        assert_eq!(
            there("postgres://me:pw@host:1/old?sslmode=disable"),
            "postgres://me:pw@host:1/new?sslmode=disable"
        );
        assert_eq!(there("postgres://host"), "postgres://host/new");
        assert!(with_database("host", "new").unwrap_err().contains(SERVER_VARIABLE));
    }

    #[test]
    fn the_server_ends_and_its_directory_goes_when_nobody_holds_it() {
        let binaries = programs::directory_with("postgres").unwrap();
        let running = server::Running::start(&binaries).unwrap();
        let port = running.port();
        let server = running.server();
        let directory = server.directory().to_owned();
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        server.stop().unwrap();
        assert!(!directory.exists());
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
