//! A world for the whole engine: several processes with the real `flow_engine::Engine`, on tokio's paused clock, share a simulated
//! store; processes die, are stopped, or are cut off and do not know; calls of the store are slow, break before or after
//! they take effect, or take effect later; wake-ups are lost; messages come twice; operators interfere at any moment.
//!
//! All of it is chosen by a seed, and it is calm after a while: from then on an instance that can end must end. `database` is the
//! store, `client` a process's connection to it, `activities` what attempts do, `process` those who work, `operator` those who
//! interfere, `weather` what goes wrong. What must hold at the end is told by the same laws as for the machine alone
//! (`crate::simulation`); what must hold at each moment is checked by the database.

mod activities;
mod client;
mod database;
mod operator;
mod process;
mod transaction;
mod weather;

use crate::simulation::ended::Left;
use crate::simulation::{Answer, Attempt, Ended, Outside, SECOND, Seeds, interfered};
use activities::Activities;
use database::Database;
use flow_engine::{ExecutorKind, Platform};
use flow_machine::event::Message;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use flow_mir::interpreter::Interpreter;
use flow_mir::{Executor, Program};
use flow_project::Random;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;
pub use weather::Climate;
use weather::Weather;

/// The user's id of the instance that a run is about.
const MAIN: &str = "test";

/// When all is calm, an instance that can end does so within this time.
const PATIENCE: i64 = 15 * 60 * SECOND;

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Everything outside of the processes.
struct World {
    program: Arc<Program>,
    input: Value,
    executor: ExecutorKind,
    began: Instant,
    database: Mutex<Database>,
    activities: Mutex<Activities>,
    weather: Mutex<Weather>,
    ids: Mutex<Random>,
    /// What is on its way to the store until somebody claims something.
    held: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    /// Who waits for messages.
    sleepers: Mutex<BTreeMap<Uuid, Arc<Notify>>>,
}

impl World {
    /// The time of the store: nanoseconds since the run began.
    fn now(&self) -> i64 {
        self.began.elapsed().as_nanos() as i64
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().expect("not poisoned")
    }

    fn activities(&self) -> MutexGuard<'_, Activities> {
        self.activities.lock().expect("not poisoned")
    }

    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().expect("not poisoned")
    }

    /// Keeps a call of the store on its way.
    fn hold(&self, call: Box<dyn FnOnce() + Send>) {
        self.held.lock().expect("not poisoned").push(call);
    }

    /// What was on its way arrives, right after the transaction that is under way: at the worst moment for one who relies on it
    /// that the former owner's calls have ended.
    fn let_go(&self) {
        let held = std::mem::take(&mut *self.held.lock().expect("not poisoned"));
        tokio::spawn(async move { held.into_iter().for_each(|call| call()) });
    }

    /// Wakes a process that may wait for messages, unless that is lost.
    fn wake(&self, worker: Uuid) {
        let sleeper = self.sleepers.lock().expect("not poisoned").get(&worker).cloned();
        let (Some(sleeper), Some(later)) = (sleeper, self.weather().wake_up(self.now())) else { return };
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            sleeper.notify_one();
        });
    }

    /// Tells an instance something again, perhaps, and later.
    fn echo(self: &Arc<Self>, instance: InstanceId, message: Option<Message>) {
        let (Some(message), Some(later)) = (message, self.weather().echo(self.now())) else { return };
        let (world, id) = (self.clone(), self.new_id());
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            let text = serde_json::to_vec(&message).expect("a message is JSON");
            // Refused where it has ended.
            let accepted = world.database().accept(id, instance, text, None, world.now());
            if let Ok(Some(owner)) = accepted {
                world.wake(owner);
            }
        });
    }
}

impl Platform for World {
    fn since_boot(&self) -> Duration {
        self.began.elapsed()
    }

    fn new_id(&self) -> Uuid {
        let mut ids = self.ids.lock().expect("not poisoned");
        Uuid::from_u64_pair(ids.number(), ids.number())
    }
}

/// A program, and what comes from outside while it runs.
pub struct Scene {
    /// What runs; `main` is started.
    pub program: Arc<Program>,
    /// Its arguments by name.
    pub input: Value,
    /// What is sent to it.
    pub outside: Vec<Outside>,
    /// For how many nanoseconds operators and faults interfere, about.
    pub span: i64,
    /// How rough it is.
    pub climate: Climate,
}

impl Scene {
    /// Runs it with all that a seed brings. Panics where a law is broken, or where it does not end though all is calm. Needs a
    /// runtime of one thread whose clock is paused.
    pub async fn run(
        &self,
        seed: u64,
        executor: ExecutorKind,
        script: impl FnMut(&Attempt) -> Answer + Send + 'static,
    ) -> Ended {
        let activities = Activities::new(self.program.clone(), Box::new(script));
        let world = Arc::new(World {
            program: self.program.clone(),
            input: self.input.clone(),
            executor,
            began: Instant::now(),
            database: Mutex::default(),
            activities: Mutex::new(activities),
            weather: Mutex::new(Weather::new(seed, self.span, self.climate)),
            ids: Mutex::new(Random::new(!seed.rotate_left(32))),
            held: Mutex::default(),
            sleepers: Mutex::default(),
        });
        let mut processes = JoinSet::new();
        let count = world.weather().processes;
        for _ in 0..count {
            processes.spawn(process::lives(world.clone()));
        }
        let mut operators = JoinSet::new();
        // Two who start it at once: it is one instance.
        operators.spawn(operator::starts(world.clone()));
        operators.spawn(operator::starts(world.clone()));
        let outside = match self.climate {
            Climate::Wild => interfered(&self.outside, seed, self.span),
            Climate::Orderly => self.outside.clone(),
        };
        for outside in outside {
            let Outside::Send(at, message) = outside else { panic!("gates belong to the machine's world") };
            operators.spawn(operator::sends(world.clone(), at, message));
        }
        let mut over = world.until_it_is_over(&mut operators).await;
        if over.is_ok() {
            over = operator::asks_again(&world).await;
        }
        let took = world.now();
        processes.shutdown().await;
        world.judge(over, took)
    }
}

impl World {
    /// Waits for the end of all; what is wrong where it does not come, or a law is broken.
    async fn until_it_is_over(self: &Arc<Self>, operators: &mut JoinSet<()>) -> Result<(), String> {
        let calm = self.weather().calm();
        let mut next_help = calm + 60 * SECOND;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            while operators.try_join_next().is_some() {}
            if !self.database().broken.is_empty() {
                return Err("a law is broken".into());
            }
            if operators.is_empty() && self.is_over() {
                return Ok(());
            }
            if self.now() > calm + PATIENCE {
                return Err(format!("it does not end; {} operators wait", operators.len()));
            }
            if self.now() > next_help {
                next_help += 60 * SECOND;
                for (id, message) in self.helpless() {
                    operators.spawn(operator::helps(self.clone(), id, message));
                }
            }
        }
    }

    /// Whether all have ended and nothing waits for them.
    fn is_over(&self) -> bool {
        let database = self.database();
        let has_begun = database.find(MAIN).is_some();
        has_begun && database.inbox.is_empty() && database.rows().all(|row| row.status.is_final())
    }

    /// Those that only an operator can help.
    fn helpless(&self) -> Vec<(String, Message)> {
        let help = |status| match status {
            Status::Paused => Some(Message::Unpause),
            Status::Stuck => Some(Message::Skip { compensation: None }),
            _ => None,
        };
        let database = self.database();
        database.rows().filter_map(|row| Some((row.name.clone(), help(row.status)?))).collect()
    }

    fn judge(&self, over: Result<(), String>, took: i64) -> Ended {
        let executor: Arc<dyn Executor> = Arc::new(Interpreter::new(self.program.clone()));
        let (database, activities) = (self.database(), self.activities());
        let Some(main) = database.find(MAIN).map(|row| row.id) else { panic!("it was never started") };
        let left = Left {
            executor: executor.as_ref(),
            instances: &database.instances,
            main,
            effects: &activities.effects,
            replies: &database.replies,
        };
        if over.is_err() || Seeds::is_one() {
            left.tell();
            eprintln!("inbox: {:#?}", database.inbox);
        }
        assert_eq!(over, Ok(()), "at {} s: {:#?}", took / SECOND, database.broken);
        left.assert_laws();
        let of_main = database.accepted.iter().filter(|(to, ..)| *to == main);
        let message = |text: &[u8]| serde_json::from_slice(text).expect("a message is JSON");
        let accepted = of_main.map(|(_, at, text)| (*at, message(text))).collect();
        let (transitions, attempts) = (database.transitions, activities.attempts());
        Ended { transitions, attempts, took, accepted, trace: database.trace.clone(), ..left.ended() }
    }
}
