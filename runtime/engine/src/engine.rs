//! The engine as its users see it.

use crate::bring;
use crate::clock::nanos;
use crate::core::Core;
use crate::error::EngineError;
use crate::events::Events;
use crate::options::Options;
use crate::registry::Mail;
use crate::run::Outcome;
use crate::{inbox, watchdog, work};
use flow_machine::InstanceView;
use flow_machine::event::Message;
use flow_machine::history::HistoryEvent;
use flow_machine::ids::{InstanceId, StrandPath, Timestamp};
use flow_machine::rows::{InstanceRow, Status};
use flow_mir::value::{self, Image};
use flow_mir::{Heap, Interpreter, Limits, Program};
use flow_store::{Filter, Owner, Store, StoreError};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How often the estimate of the store's clock is corrected.
const CLOCK_EVERY: Duration = Duration::from_secs(10);
/// How often requests are forgotten whose time is over, at the least, how many at once, and how long others may write in between.
const FORGET_EVERY: Duration = Duration::from_secs(30);
const FORGET_AT_ONCE: u32 = 1_000;
const FORGET_PAUSE: Duration = Duration::from_millis(5);
/// How long a planned stop waits for commits in flight; what is not done then is recovered by the next owner.
const LAST_COMMITS: Duration = Duration::from_secs(5);

/// Runs instances on a store. Dropping it without [`close`](Engine::close) is like a crash: everything is resumable, but
/// other processes learn of it only when they try.
pub struct Engine {
    pub(crate) core: Arc<Core>,
    /// Ended with the engine.
    tasks: tokio::sync::Mutex<JoinSet<()>>,
    _watching: watchdog::Thread,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A living process has the instance and takes it at once.
    Owned(Owner),
    /// No process has the instance; the message waits until one goes on with it.
    Waiting,
    /// No process had the instance; this one has carried it out.
    Done,
}

/// One event of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: HistoryEvent,
}

impl Engine {
    /// Opens an engine. It owns nothing yet. Needs the [`runtime`](crate::runtime).
    pub async fn open(store: Arc<dyn Store>, options: Options) -> Result<Engine, EngineError> {
        let core = Core::open(store, options).await?;
        let mut tasks = JoinSet::new();
        let watching = watchdog::start(core.watchdog.clone());
        let watching = watching.map_err(|error| EngineError::System {
            reason: format!("no thread for the watchdog: {error}"),
        })?;
        tasks.spawn(core.leases.clone().keep(core.options.renew_every));
        tasks.spawn(inbox::listen(core.clone()));
        tasks.spawn(inbox::read(core.clone()));
        tasks.spawn(keep_clock(core.clone()));
        tasks.spawn(drop_what_is_lost(core.clone()));
        tasks.spawn(forget_requests(core.clone()));
        Ok(Engine { core, tasks: tokio::sync::Mutex::new(tasks), _watching: watching })
    }

    /// A planned stop: commits in flight end, attempts are given up without being used up, leases are given back. Everything
    /// is resumable.
    pub async fn close(&self) -> Result<(), EngineError> {
        let core = &self.core;
        core.closing.send_replace(true);
        core.registry.send_all(|| Mail::Stop { lives_on: false }, |_| true);
        let all_left = core.registry.none_in(|_| true);
        // Those that are left are dropped; their commits are fenced.
        let _ = tokio::time::timeout(LAST_COMMITS, all_left).await;
        core.registry.drop_where(|_| true);
        // They use the store's connections, which closing waits for.
        self.tasks.lock().await.shutdown().await;
        core.committer.stop();
        Ok(core.store.close().await?)
    }

    /// Runs instances of all shards that are this worker's share, until the engine is closed.
    pub async fn work(&self) -> Result<(), EngineError> {
        work::work(self.core.clone()).await
    }

    /// What happens from now on.
    pub fn events(&self) -> Events {
        self.core.speaker.listen()
    }

    /// Asks an instance to cancel itself.
    pub async fn cancel(&self, name: &str) -> Result<Delivery, EngineError> {
        self.send(name, &Message::Cancel).await
    }

    /// Ends an instance without compensating. Where no process has it, this one does it.
    pub async fn terminate(&self, name: &str, reason: &str) -> Result<Delivery, EngineError> {
        self.halt(name, &Message::Terminate { reason: reason.to_owned() }, Status::is_final).await
    }

    /// Stops an instance until it is unpaused. Where no process has it, this one does it.
    pub async fn pause(&self, name: &str) -> Result<Delivery, EngineError> {
        let is_paused = |status: Status| status.is_final() || status == Status::Paused;
        self.halt(name, &Message::Pause, is_paused).await
    }

    /// Lets a paused instance go on.
    pub async fn unpause(&self, name: &str) -> Result<Delivery, EngineError> {
        self.send(name, &Message::Unpause).await
    }

    /// Gives up a compensation that is stuck or being retried: the one with this path, else those that are stuck, else
    /// those being retried.
    pub async fn skip(&self, name: &str, compensation: Option<&str>) -> Result<Delivery, EngineError> {
        let compensation = compensation.map(|path| StrandPath(path.to_owned()));
        self.send(name, &Message::Skip { compensation }).await
    }

    /// Sends a message after which the instance does nothing, so that whoever finds it without an owner can carry it out.
    async fn halt(
        &self,
        name: &str,
        message: &Message,
        is_done: fn(Status) -> bool,
    ) -> Result<Delivery, EngineError> {
        let delivery = self.send(name, message).await?;
        if delivery != Delivery::Waiting {
            return Ok(delivery);
        }
        let row = self.core.find(name).await?;
        if let Some(owner) = self.core.take_over(&row).await? {
            return Ok(Delivery::Owned(owner));
        }
        // The message is applied before anything that a recovery would ask for.
        if let Some(mut row) = self.core.registry.row(row.id) {
            // The other end is dropped when the instance has ended.
            let _ = row.wait_for(|row| is_done(row.status)).await;
        }
        Ok(Delivery::Done)
    }

    /// Sends a message to an instance.
    pub async fn send(&self, name: &str, message: &Message) -> Result<Delivery, EngineError> {
        let row = self.core.find(name).await?;
        if row.status.is_final() {
            return Err(EngineError::Ended { name: row.name, status: row.status });
        }
        self.core.post(row.id, message).await?;
        let owner = self.core.store.owner(row.root).await?;
        Ok(owner.map_or(Delivery::Waiting, Delivery::Owned))
    }

    /// Where an instance stands, from what was committed last; it may run elsewhere or nowhere.
    pub async fn show(&self, name: &str) -> Result<InstanceView, EngineError> {
        Ok(self.show_with_program(name).await?.0)
    }

    /// As [`show`](Engine::show), with the program it is pinned to.
    pub async fn show_with_program(&self, name: &str) -> Result<(InstanceView, Arc<Program>), EngineError> {
        let row = self.core.find(name).await?;
        let stored = self.core.store.load(&[row.id]).await?.into_iter().next();
        let stored = stored.ok_or_else(|| EngineError::Unknown { name: name.to_owned() })?;
        let program = self.core.programs.read(&row.program, name).await?;
        let interpreter = Interpreter::new(program.clone());
        let instance = bring::load(stored, self.core.options.heap_words, &interpreter)?;
        Ok((instance.view(&program), program))
    }

    /// An instance's result as JSON.
    pub async fn output(&self, outcome: &Outcome) -> Result<Option<Value>, EngineError> {
        let Some(image) = &outcome.output else { return Ok(None) };
        let executor = self.core.programs.get(&outcome.program, &outcome.name).await?;
        let json = output_json(executor.program(), &outcome.workflow, image);
        json.map(Some).map_err(|reason| EngineError::Damaged {
            name: outcome.name.clone(),
            id: outcome.instance,
            reason: format!("its result can't be read: {reason}"),
        })
    }

    /// The history of an instance after an event number, at most `limit` events.
    pub async fn history(
        &self,
        name: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let row = self.core.find(name).await?;
        let rows = self.core.store.history(row.id, after, limit).await?;
        let entry = |row: flow_machine::rows::HistoryRow| {
            let event = serde_json::from_slice(&row.event).map_err(|error| StoreError::Corrupt {
                store: self.core.store.describe(),
                what: format!("event {} of `{name}` can't be read ({error}): update flow", row.sequence),
            })?;
            Ok(HistoryEntry { sequence: row.sequence, at: row.at, event })
        };
        rows.into_iter().map(entry).collect()
    }

    /// Rows of instances, newest first.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<InstanceRow>, EngineError> {
        Ok(self.core.store.list(filter).await?)
    }

    /// The ids of the instances that this process runs, their children apart.
    pub fn loaded(&self) -> Vec<String> {
        self.core.registry.names()
    }

    /// Who has an instance, if that process lives.
    pub async fn owner(&self, instance: InstanceId) -> Result<Option<Owner>, EngineError> {
        Ok(self.core.store.owner(instance).await?)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.core.closing.send_replace(true);
        self.core.registry.drop_where(|_| true);
        self.core.committer.stop();
    }
}

fn output_json(program: &Program, workflow: &str, image: &[u8]) -> Result<Value, String> {
    let image = Image::decode(image).map_err(|error| error.to_string())?;
    let mut heap = Heap::new(program.known, Limits::default());
    let words = image.restore(program, &mut heap).map_err(|error| error.to_string())?;
    let found = program.workflows.values().find(|known| known.name == workflow);
    let returns = found.map(|workflow| workflow.returns).ok_or("its workflow is not in its program")?;
    let word = words.first().copied().ok_or("it is empty")?;
    value::to_json(program, &heap, returns, word).map_err(|_| "it is nested too deeply for JSON".into())
}

/// A suffix for the id of an instance that was given none: sorted by time, never the same twice.
pub fn new_instance_suffix() -> String {
    let (high, low) = Uuid::now_v7().as_u64_pair();
    format!("{:012x}{:04x}", high >> 16, low & 0xffff)
}

async fn keep_clock(core: Arc<Core>) {
    loop {
        tokio::time::sleep(CLOCK_EVERY).await;
        // While the store can't be reached the estimate goes on by this machine's clock.
        let _ = core.clock.refresh(core.store.as_ref()).await;
    }
}

/// Request ids and answers are kept for their time only, so that what runs for years leaves no more than that behind. A store that
/// can't be reached is asked at the next time.
async fn forget_requests(core: Arc<Core>) {
    let keep = core.options.keep_requests;
    loop {
        tokio::time::sleep(FORGET_EVERY.min(keep)).await;
        let before = core.clock.certainly().plus(nanos(keep).saturating_neg());
        while let Ok(forgotten) = core.store.forget(before, FORGET_AT_ONCE).await
            && forgotten >= u64::from(FORGET_AT_ONCE)
        {
            // Others want to write, too.
            tokio::time::sleep(FORGET_PAUSE).await;
        }
    }
}

/// Instances whose lease another process has are dropped from memory at once.
async fn drop_what_is_lost(core: Arc<Core>) {
    let mut losses = core.leases.losses();
    while losses.changed().await.is_ok() {
        core.registry.drop_where(|scope| core.leases.get(scope).is_none());
    }
}
