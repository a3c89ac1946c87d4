//! Opening the file: its directory, its format, and what makes it unusable.

use super::owners::Owners;
use super::writer::{Writer, is_busy};
use super::{Where, failed};
use crate::StoreError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Executor, Row, SqlitePool};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// The stored format this program knows; counts up with every change of the schema or of what its rows hold.
const FORMAT: i64 = 2;
const SCHEMA: &str = include_str!("schema.sql");
/// How long first starts of other processes may keep the file locked.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an opened file consists of.
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
    pub(super) owners: Owners,
}

pub(super) async fn open(path: &Path, place: &Where) -> Result<Opened, StoreError> {
    prepare_directory(path, place)?;
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    // The writer waits in its own way (see `Writer::begin`); SQLite's back-off would miss the gap an owner leaves.
    let writing = base.clone().journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::ZERO);
    let owners = Owners::beside(path);
    let writer = open_writer(&writing, &owners, place).await?;
    ensure_format(&writer, place).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_lazy_with(base.busy_timeout(Duration::from_secs(5)));
    Ok(Opened { writer, readers, owners })
}

/// Switching a new file to WAL needs it alone for a moment.
async fn open_writer(
    options: &SqliteConnectOptions,
    owners: &Owners,
    place: &Where,
) -> Result<Writer, StoreError> {
    let started = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return Writer::new(connection, owners, place),
            Err(error) if is_busy(&error) && started.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(error) => return Err(failed(place, error)),
        }
    }
}

fn prepare_directory(path: &Path, place: &Where) -> Result<(), StoreError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        place.unavailable(&format!("its directory {} cannot be made: {error}", directory.display()))
    })?;
    if path.is_dir() {
        return Err(place.unavailable("it is a directory; name a file in it"));
    }
    match network_file_system(directory) {
        Some(kind) => Err(place.unavailable(&format!(
            "{} is on a network file system ({kind}), where SQLite's locks do not hold; use a local disk, or postgres://",
            directory.display()
        ))),
        None => Ok(()),
    }
}

/// The name of the network file system a directory is on.
#[cfg(target_os = "linux")]
fn network_file_system(directory: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(directory).ok()?;
    // Only the low 32 bits are the magic number; some targets sign-extend it.
    let magic = u32::try_from(i128::from(found.f_type) & 0xffff_ffff).ok()?;
    kind_of(magic)
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_directory: &Path) -> Option<&'static str> {
    None
}

#[cfg(target_os = "linux")]
fn kind_of(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9P"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x7375_7245 => Some("Coda"),
        _ => None,
    }
}

/// Makes the tables where they are missing, and refuses what another program wrote.
async fn ensure_format(writer: &Writer, place: &Where) -> Result<(), StoreError> {
    let mut slot = writer.outside_transaction().await;
    let mut found = read_format(slot.connection(), place).await?;
    drop(slot);
    if found.is_none() {
        let mut transaction = writer.begin().await?;
        let connection = transaction.connection()?;
        found = read_format(connection, place).await?;
        if found.is_none() {
            connection.execute(sqlx::raw_sql(SCHEMA)).await.map_err(|error| failed(place, error))?;
            transaction.commit().await?;
            return Ok(());
        }
    }
    StoreError::check_format(&place.name, found.unwrap_or(FORMAT), FORMAT)
}

/// The format of the tables; `None` where there are none yet.
async fn read_format(connection: &mut SqliteConnection, place: &Where) -> Result<Option<i64>, StoreError> {
    match connection.fetch_optional("SELECT format FROM flow_meta").await {
        Ok(Some(row)) => row.try_get(0).map(Some).map_err(|error| failed(place, error)),
        Ok(None) => Err(place.corrupt("the table flow_meta is empty; restore a backup")),
        Err(error) if error.to_string().contains("no such table") => Ok(None),
        Err(error) => Err(failed(place, error)),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn network_file_systems_are_known() {
        assert_eq!(super::kind_of(0x6969), Some("NFS"));
        assert_eq!(super::kind_of(0xef53), None, "ext4 is local");
    }
}
