//! Processes that work: each with an engine of its own, until it dies or is stopped, and another takes its place.

use super::activities::Reach;
use super::client::Client;
use super::weather::Misfortune;
use super::{MAIN, World};
use flow_activity::Surroundings;
use flow_engine::{Engine, EngineError, Options};
use flow_machine::ids::{CallKey, Timestamp};
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Heap, Limits};
use std::sync::Arc;
use std::time::Duration;

/// How long whoever is refused by the store waits before it tries again.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// A process.
pub(super) struct Process {
    pub(super) client: Arc<Client>,
    pub(super) engine: Engine,
}

impl Process {
    /// Opens an engine, as soon as the store can be reached.
    pub(super) async fn open(world: &Arc<World>) -> Process {
        loop {
            let client = Client::new(world);
            let options = Options {
                executor: world.executor,
                // Real time: only a real endless loop takes so long.
                step_limit: Duration::from_secs(3_600),
                heap_words: 1 << 20,
                longest_pause: Duration::from_secs(2),
                surroundings: world.clone(),
                connectors: Arc::new(Reach(client.clone())),
                platform: world.clone(),
                ..Options::default()
            };
            match Engine::open(client.clone(), options).await {
                Ok(engine) => return Process { client, engine },
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// It is gone between two instructions.
    pub(super) fn die(self) {
        self.client.die();
    }

    /// It ends in order, or as well as it can.
    pub(super) async fn stop(self) {
        // Where the store can't be reached its leases go with the process.
        let _ = self.engine.close().await;
        self.client.die();
    }
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        Timestamp(World::now(self))
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn log(&self, _: CallKey, _: &str) {}
}

/// A place where a process works, for ever.
pub(super) async fn lives(world: Arc<World>) {
    let joins = world.weather().joins();
    tokio::time::sleep(joins).await;
    loop {
        let process = Process::open(&world).await;
        let stops = tokio::select! {
            biased;
            stops = suffers(&world, &process.client) => stops,
            // A command that fails ends its process.
            _ = works(&world, &process.engine) => false,
        };
        if stops {
            process.stop().await;
        } else {
            process.die();
        }
        let downtime = world.weather().downtime();
        tokio::time::sleep(downtime.max(PAUSE)).await;
    }
}

/// Until a misfortune ends the process; whether in order.
async fn suffers(world: &World, client: &Client) -> bool {
    loop {
        let next = world.weather().misfortune(world.now());
        let Some((after, what)) = next else { return std::future::pending().await };
        tokio::time::sleep(after).await;
        match what {
            Misfortune::Death => return false,
            Misfortune::Stop => return true,
            Misfortune::Stall(duration) => client.stall(duration),
        }
    }
}

/// `flow worker`, or `flow run` and `flow resume`, again and again.
async fn works(world: &World, engine: &Engine) -> Result<(), EngineError> {
    if world.weather().are_workers {
        return engine.work().await;
    }
    tokio::try_join!(runs(world, engine), resumes(engine)).map(|_| ())
}

async fn runs(world: &World, engine: &Engine) -> Result<(), EngineError> {
    loop {
        let run = engine.run_or_continue(&world.program, "main", world.input_image(), MAIN).await?;
        engine.outcome(run.instance()).await?;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn resumes(engine: &Engine) -> Result<(), EngineError> {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        engine.resume_all().await?;
    }
}

impl World {
    /// The arguments as an image.
    pub(super) fn input_image(&self) -> Vec<u8> {
        let program = &self.program;
        let declared = program.workflows.values().find(|known| known.name == "main").expect("a main");
        let mut heap = Heap::new(program.known, Limits::default());
        let words =
            from_json_fields(program, &mut heap, &declared.params, &self.input).expect("the input fits");
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words).collect();
        Image::capture(program, &heap, &roots).expect("the input fits into memory").encode()
    }
}
