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

/// The stored format this program knows; counts up with every change of the schema, and where what rows held before can't be read any
/// more. What only older programs can't read counts in `flow_machine::FORMATS`.
const FORMAT: i64 = 4;
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
    open_on(path, place, file_system_of).await
}

/// Says what kind of file system a directory is on, by its magic number, where that can be told.
type FileSystemOf = fn(&Path) -> Option<u32>;

async fn open_on(path: &Path, place: &Where, file_system_of: FileSystemOf) -> Result<Opened, StoreError> {
    prepare_directory(path, place, file_system_of)?;
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

fn prepare_directory(path: &Path, place: &Where, file_system_of: FileSystemOf) -> Result<(), StoreError> {
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
    match file_system_of(directory).and_then(network_file_system) {
        Some(kind) => Err(place.unavailable(&format!(
            "{} is on a network file system ({kind}), where SQLite's locks do not hold; use a local disk, or postgres://",
            directory.display()
        ))),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn file_system_of(directory: &Path) -> Option<u32> {
    let found = rustix::fs::statfs(directory).ok()?;
    // Only the low 32 bits are the magic number; some targets sign-extend it.
    u32::try_from(i128::from(found.f_type) & 0xffff_ffff).ok()
}

#[cfg(not(target_os = "linux"))]
fn file_system_of(_directory: &Path) -> Option<u32> {
    None
}

/// The name of a network file system, by Linux's magic number.
fn network_file_system(magic: u32) -> Option<&'static str> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known() {
        assert_eq!(network_file_system(0x6969), Some("NFS"));
        assert_eq!(network_file_system(0xef53), None, "ext4 is local");
    }

    #[tokio::test]
    async fn a_file_on_a_network_file_system_is_not_opened() {
        let folder = std::env::temp_dir().join(format!("flow-network-{}", uuid::Uuid::new_v4()));
        let path = folder.join("flow.db");
        let place = Where { name: path.display().to_string().into() };
        let refused = open_on(&path, &place, |_| Some(0x6969)).await.err().unwrap().to_string();
        assert!(
            refused.contains("network file system (NFS)") && refused.contains("postgres://"),
            "{refused}"
        );
        assert!(!path.exists(), "nothing was begun there");
        assert!(open_on(&path, &place, |_| Some(0xef53)).await.is_ok());
        #[cfg(target_os = "linux")]
        assert!(file_system_of(&folder).is_some(), "what it is on is asked of the system");
        let _ = std::fs::remove_dir_all(&folder);
    }
}
