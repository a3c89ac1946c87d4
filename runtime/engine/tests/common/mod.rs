//! A small program, a world that its activities touch, and a store that fails on demand.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faulty;

#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use faulty::{Fault, FaultyStore};

use flow_activity::Surroundings;
use flow_engine::{Engine, EngineEvent, Events, ExecutorKind, Options};
use flow_machine::history::HistoryEvent;
use flow_machine::ids::{CallKey, Timestamp};
use flow_mir::value::Image;
use flow_mir::{Heap, Limits, Program, TypeId, text};
use flow_store::Store;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

pub const INT: TypeId = TypeId(2);
pub const DURATION: TypeId = TypeId(7);

/// Ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(180);

pub fn program() -> Arc<Program> {
    Arc::new(text::parse(include_str!("program.mir")).unwrap())
}

pub fn input(program: &Program, values: &[(TypeId, u64)]) -> Vec<u8> {
    let heap = Heap::new(program.known, Limits::default());
    Image::capture(program, &heap, values).unwrap().encode()
}

/// What activities touch: a gate that lets so many attempts pass, and how often each call has had its effect.
#[derive(Default)]
pub struct World {
    open: Mutex<u64>,
    passed: Condvar,
    effects: Mutex<HashMap<CallKey, u32>>,
}

impl World {
    pub fn open() -> Arc<World> {
        let world = World::closed();
        world.let_pass(u64::MAX / 2);
        world
    }

    pub fn closed() -> Arc<World> {
        Arc::default()
    }

    pub fn let_pass(&self, count: u64) {
        *self.open.lock().unwrap() += count;
        self.passed.notify_all();
    }

    pub fn effects(&self) -> HashMap<CallKey, u32> {
        self.effects.lock().unwrap().clone()
    }
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp(since.as_nanos() as i64)
    }

    fn variable(&self, _: &str) -> Option<String> {
        let mut open = self.open.lock().unwrap();
        while *open == 0 {
            open = self.passed.wait(open).unwrap();
        }
        *open -= 1;
        Some(String::new())
    }

    fn log(&self, key: CallKey, _: &str) {
        *self.effects.lock().unwrap().entry(key).or_default() += 1;
    }
}

/// A directory with a SQLite file, removed at the end; or a new database on the server that FLOW_TEST_DATABASE_URL names.
pub struct Place {
    directory: PathBuf,
    url: String,
}

impl Place {
    pub fn new() -> Place {
        let name = format!("flow-engine-{}", uuid::Uuid::new_v4());
        let directory = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&directory).unwrap();
        let url = match std::env::var("FLOW_TEST_DATABASE_URL") {
            Ok(server) => new_database(&server, &name),
            Err(_) => format!("sqlite://{}/flow.db", directory.display()),
        };
        Place { directory, url }
    }

    /// As another process would open it.
    pub async fn store(&self) -> Arc<dyn Store> {
        flow_store::connect(&self.url).await.unwrap()
    }

    pub async fn engine(&self, world: &Arc<World>) -> Engine {
        engine(self.store().await, options(world)).await
    }
}

fn new_database(server: &str, name: &str) -> String {
    let create = format!("CREATE DATABASE \"{name}\"");
    assert!(Command::new("psql").args([server, "-qc", &create]).status().expect("psql is needed").success());
    let (address, query) = server.split_once('?').map_or((server, ""), |(address, query)| (address, query));
    let (host, _) = address.rsplit_once('/').expect("the URL names a database");
    format!("{host}/{name}?{query}")
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn options(world: &Arc<World>) -> Options {
    Options {
        executor: ExecutorKind::Interpreter,
        surroundings: world.clone(),
        longest_pause: Duration::from_millis(100),
        ..Options::default()
    }
}

pub async fn engine(store: Arc<dyn Store>, options: Options) -> Engine {
    Engine::open(store, options).await.unwrap()
}

/// Runs a test on the engine's runtime. The world's gate is opened at the end, so that no thread is left behind it.
pub fn run(world: Arc<World>, test: impl Future<Output = ()>) {
    let runtime = flow_engine::runtime().unwrap();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("the test hangs") })
    }));
    world.let_pass(u64::MAX / 4);
    drop(runtime);
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// Waits for the `count`-th event of a kind.
pub async fn wait_for(events: &mut Events, mut count: usize, wanted: impl Fn(&HistoryEvent) -> bool) {
    while count > 0 {
        if let EngineEvent::Committed { event, .. } = events.next().await.expect("the engine is gone")
            && wanted(&event)
        {
            count -= 1;
        }
    }
}

pub fn is_completed(event: &HistoryEvent) -> bool {
    matches!(event, HistoryEvent::CallCompleted { .. })
}
