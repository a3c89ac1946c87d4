//! The same on SQLite and PostgreSQL: every commit goes there, every recovery loads from there under a new lease, owners that have
//! been replaced try to write there, and at the end all rows, histories, answers and waiting messages are compared.
//!
//! Each program runs there with a sample of its faults, chosen by a seed: always the same one, so that a change is what makes a
//! test fail, unless `FLOW_STORES_SEED` names another; with all its crashes where `FLOW_EVERY_CRASH` is set.

use super::Ended;
use super::ended::assert_alike;
use super::faults::{Faults, Loss, Weather};
use super::mirror::Mirror;
use super::survive::{Repeat, Seeds};
use flow_project::Random;
use flow_test_support::PostgresServer;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The variable that names the seed of the sample, and the seed where it is not set.
const SEED: &str = "FLOW_STORES_SEED";
const DEFAULT_SEED: u64 = 1;

/// One program in so many runs on PostgreSQL as well: its server takes its time.
const ON_POSTGRES: usize = 4;

/// A store.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Repeats runs of a program on real stores; each must end as when all is well.
pub fn on_real_stores(calm: &Ended, run: impl Fn(Faults, Mirror) -> Ended) {
    let seed = Seeds::named(SEED).unwrap_or(DEFAULT_SEED);
    let _repeat = Repeat(SEED, seed);
    let mut random = Random::new(seed ^ place_in_the_tests());
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for faults in sample(kind, calm, &mut random) {
            let place = format!("{kind:?}, {faults:?}");
            let (mirror, _place) = fresh(kind);
            assert_alike(&run(faults, mirror), calm, &place);
        }
    }
}

fn sample(kind: Kind, calm: &Ended, random: &mut Random) -> Vec<Faults> {
    let places = calm.places_to_crash();
    if std::env::var_os("FLOW_EVERY_CRASH").is_some() {
        return places
            .into_iter()
            .flat_map(|place| [Loss::Death, Loss::CutOff].map(|loss| Faults::once(place, loss)))
            .collect();
    }
    if matches!(kind, Kind::Postgres) && !random.one_in(ON_POSTGRES) {
        return Vec::new();
    }
    let loss = if random.one_in(2) { Loss::Death } else { Loss::CutOff };
    let faults = match random.pick(&places) {
        Some(place) if random.one_in(2) => Faults::once(*place, loss),
        _ => Faults::seeded(random.between(1, 150) as u64, Weather::Rough),
    };
    vec![faults]
}

/// Tells the programs of a test apart, the same way each time: its name, and how many it has run.
fn place_in_the_tests() -> u64 {
    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get() + 1);
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    name.bytes().fold(count, |mixed, byte| mixed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte))
}

/// An empty store, and its place, which is to be kept for as long as it is used.
fn fresh(kind: Kind) -> (Mirror, Place) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (url, place) = match kind {
        Kind::Postgres => {
            let url = idle().pop().map_or_else(new_database, emptied);
            (url.clone(), Place::Database(url))
        }
        Kind::Sqlite => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = folder_for_files().join(format!("flow-simulation-{}-{number}", std::process::id()));
            (format!("sqlite://{}/flow.db", folder.display()), Place::Folder(folder))
        }
    };
    (Mirror::open(&url), place)
}

fn new_database() -> String {
    PostgresServer::start().fresh_database()
}

/// Where SQLite's files are: processes die here, the machine doesn't, so memory will do.
fn folder_for_files() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn emptied(url: String) -> String {
    PostgresServer::start().empty(&url, "flow", &["meta"]);
    url
}

/// Databases that nobody uses. To empty one takes a fraction of the time that a new one takes, and thousands would fill the disk.
fn idle() -> MutexGuard<'static, Vec<String>> {
    static IDLE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a store is, until this goes.
enum Place {
    Folder(PathBuf),
    Database(String),
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            // What is left of a test that failed is the system's to clear.
            Place::Folder(folder) => _ = std::fs::remove_dir_all(folder),
            Place::Database(url) => idle().push(std::mem::take(url)),
        }
    }
}
