//! Starting instances, going on with them, and waiting for their ends.

use crate::actor::{self, Beginning};
use crate::commit::Lost;
use crate::core::Core;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::events::Notice;
use crate::lease::Pauses;
use crate::platform;
use flow_machine::event::Message;
use flow_machine::history::ErrorReport;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::{Changes, InstanceRow, ProgramHash, Status};
use flow_machine::{NewInstance, Tree};
use flow_mir::{Executor, Limits, Program, WorkflowId};
use flow_store::{Filter, Owner, Scope, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How seldom a watcher looks at what another process runs.
const LONGEST_LOOK: Duration = Duration::from_millis(250);
/// How many events a watcher reads at a time.
const PAGE: u32 = 256;

/// How an instance stands at its end, or where only an operator can go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its identity.
    pub instance: InstanceId,
    /// The user's id.
    pub name: String,
    /// What it ran.
    pub workflow: String,
    /// The program it is pinned to.
    pub program: ProgramHash,
    /// Final, or `Stuck` or `Paused`.
    pub status: Status,
    /// Its result, an image.
    pub output: Option<Vec<u8>>,
    /// Why it failed or is stuck.
    pub error: Option<ErrorReport>,
}

impl Outcome {
    fn of(row: &InstanceRow) -> Outcome {
        let error = row.error.as_ref().map(|bytes| {
            serde_json::from_slice(bytes).unwrap_or_else(|error| ErrorReport {
                message: format!("the stored error can't be read: {error}"),
                ..ErrorReport::default()
            })
        });
        Outcome {
            instance: row.id,
            name: row.name.clone(),
            workflow: row.workflow.clone(),
            program: row.program,
            status: row.status,
            output: row.output.clone(),
            error,
        }
    }
}

/// What asking for an instance led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// It is new and runs here.
    Started(InstanceId),
    /// Its process is gone; it goes on here.
    GoingOn(InstanceId),
    /// A living process runs it. `outcome` watches it, and goes on with it if that process dies.
    Watching(InstanceId, Owner),
    /// It has ended before.
    Ended(Box<Outcome>),
}

impl Run {
    /// Which instance.
    pub fn instance(&self) -> InstanceId {
        match self {
            Run::Started(instance) | Run::GoingOn(instance) | Run::Watching(instance, _) => *instance,
            Run::Ended(outcome) => outcome.instance,
        }
    }
}

/// The ids of new instances, by identity.
pub(crate) fn names(changes: &Changes) -> HashMap<InstanceId, Arc<str>> {
    changes.new_instances.iter().map(|row| (row.id, row.name.as_str().into())).collect()
}

/// Whether nothing more happens without an operator.
fn is_settled(status: Status) -> bool {
    status.is_final() || matches!(status, Status::Stuck | Status::Paused)
}

/// `Tree::start` or `Tree::create`.
pub(crate) type Make = fn(NewInstance, &Limits, &dyn Executor, Timestamp) -> Tree;

/// A program and one of its workflows, ready to run.
pub(crate) struct Ready {
    pub hash: ProgramHash,
    pub executor: Arc<dyn Executor>,
    pub workflow: WorkflowId,
}

impl Engine {
    /// Starts an instance. It runs here if its shard is this worker's; else it is only recorded, and left to the worker that
    /// has its shard, or to `flow resume`.
    pub async fn start(
        &self,
        program: &Arc<Program>,
        workflow: &str,
        input: Vec<u8>,
        name: &str,
    ) -> Result<InstanceId, EngineError> {
        let ready = self.core.ready(program, workflow).await?;
        let id = InstanceId(self.core.options.platform.new_id());
        match self.core.leases.covering(id) {
            Some(scope) => self.core.begin(scope, id, &ready, input, name).await?,
            None => {
                let scope = Scope::Tree(id);
                self.core.claim_new(scope).await?;
                // Not run here: nobody would make the attempts that it asks for.
                let created = self.core.record(scope, id, &ready, input, name, Tree::create).await;
                self.core.leases.release(&[scope]).await?;
                created?;
                // Wakes the worker that has the shard; to an instance that is not stuck it says nothing.
                match self.core.post(id, &Message::Resume).await {
                    // A worker was so fast that it has ended.
                    Err(StoreError::Refused { .. }) => {}
                    posted => posted?,
                }
            }
        }
        Ok(id)
    }

    /// Starts an instance and runs it here; or, where the id is known already, goes on with it, watches it, or gives its
    /// stored result.
    pub async fn run_or_continue(
        &self,
        program: &Arc<Program>,
        workflow: &str,
        input: Vec<u8>,
        name: &str,
    ) -> Result<Run, EngineError> {
        let core = &self.core;
        let ready = core.ready(program, workflow).await?;
        loop {
            if let Some(row) = core.store.find(name).await? {
                check_same(&row, workflow, &input, &ready.hash)?;
                if row.program != ready.hash && !row.status.is_final() {
                    core.speaker.notice(Notice::PinnedProgram { name: name.to_owned() });
                }
                return core.go_on(row).await;
            }
            let id = InstanceId(core.options.platform.new_id());
            let scope = Scope::Tree(id);
            core.claim_new(scope).await?;
            match core.begin(scope, id, &ready, input.clone(), name).await {
                Ok(()) => {
                    core.joined().insert(id);
                    return Ok(Run::Started(id));
                }
                // Another process was faster.
                Err(EngineError::Store(StoreError::NameTaken { .. })) => {
                    core.leases.release(&[scope]).await?
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on with an instance; one that is stuck or paused is told to.
    pub async fn resume(&self, name: &str) -> Result<Run, EngineError> {
        let row = self.core.find(name).await?;
        match row.status {
            Status::Stuck => self.core.post(row.id, &Message::Resume).await?,
            Status::Paused => self.core.post(row.id, &Message::Unpause).await?,
            _ => {}
        }
        self.core.registry.forgive(row.root);
        self.core.go_on(row).await
    }

    /// Goes on with all instances whose processes are gone. Those that wait for an operator are left alone.
    pub async fn resume_all(&self) -> Result<Vec<Run>, EngineError> {
        let filter = Filter { status: Some(Status::Running), ..Filter::default() };
        let mut runs = Vec::new();
        for row in self.core.store.list(&filter).await? {
            if self.core.registry.contains(row.root) || self.core.store.owner(row.root).await?.is_some() {
                continue;
            }
            runs.push(self.core.go_on(row).await?);
        }
        Ok(runs)
    }

    /// Waits until an instance has ended, or only an operator can go on with it.
    pub async fn outcome(&self, instance: InstanceId) -> Result<Outcome, EngineError> {
        loop {
            if let Some(mut row) = self.core.registry.row(instance) {
                let settled = row.wait_for(|row| is_settled(row.status)).await;
                if let Ok(row) = settled {
                    self.core.joined().remove(&instance);
                    return Ok(Outcome::of(&row));
                }
            }
            if let Some(outcome) = self.core.watch(instance).await? {
                return Ok(outcome);
            }
        }
    }
}

fn check_same(
    row: &InstanceRow,
    workflow: &str,
    input: &[u8],
    program: &ProgramHash,
) -> Result<(), EngineError> {
    if row.workflow != workflow {
        return Err(EngineError::OtherWorkflow {
            name: row.name.clone(),
            runs: row.workflow.clone(),
            asked: workflow.to_owned(),
        });
    }
    // Images of different programs name different types, so they can only be compared within one program.
    if row.program == *program && row.input != input {
        return Err(EngineError::OtherInput { name: row.name.clone() });
    }
    Ok(())
}

impl Core {
    async fn ready(&self, program: &Arc<Program>, workflow: &str) -> Result<Ready, EngineError> {
        let found = program.workflows.iter().find(|(_, known)| known.name == workflow).map(|(id, _)| id);
        let Some(id) = found else {
            let known = program.workflows.values().map(|workflow| workflow.name.clone()).collect();
            return Err(EngineError::UnknownWorkflow { workflow: workflow.to_owned(), known });
        };
        let (hash, executor) = self.programs.put(program).await?;
        Ok(Ready { hash, executor, workflow: id })
    }

    /// Claims the tree of a new root. Nobody else can have it.
    pub(crate) async fn claim_new(&self, scope: Scope) -> Result<(), EngineError> {
        match self.leases.claim(scope).await? {
            None => Ok(()),
            Some(owner) => Err(EngineError::Owned { name: format!("{scope:?}"), owner }),
        }
    }

    /// Makes a new instance and commits it.
    pub(crate) async fn record(
        &self,
        scope: Scope,
        id: InstanceId,
        ready: &Ready,
        input: Vec<u8>,
        name: &str,
        make: Make,
    ) -> Result<(Tree, Vec<flow_machine::event::Action>), EngineError> {
        let new = NewInstance {
            id,
            root: id,
            parent: None,
            name: name.to_owned(),
            workflow: ready.workflow,
            program: ready.hash,
            input,
        };
        let executor = self.limited(&ready.executor);
        let limits = Limits { heap_words: self.options.heap_words, ..Limits::default() };
        let now = self.clock.now();
        let mut tree = platform::compute(|| make(new, &limits, &executor, now));
        let transition = tree.take(ready.executor.as_ref());
        let (history, names) = (transition.changes.history.clone(), names(&transition.changes));
        self.commit(scope, id, &transition.changes).await.map_err(|lost| match lost {
            Lost::Refused(error) | Lost::Stale(error) | Lost::Unread(error) => EngineError::Store(error),
            Lost::Gone => EngineError::Store(StoreError::LeaseLost { scopes: vec![scope] }),
            Lost::Closing => EngineError::Closing,
        })?;
        self.publish(&names, &history);
        Ok((tree, transition.actions))
    }

    /// Starts an instance and puts it to work here.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        scope: Scope,
        id: InstanceId,
        ready: &Ready,
        input: Vec<u8>,
        name: &str,
    ) -> Result<(), EngineError> {
        let read_until = self.clock.certainly();
        let (tree, actions) = self.record(scope, id, ready, input, name, Tree::start).await?;
        let executor = ready.executor.clone();
        let arrivals = Vec::new();
        actor::spawn(
            self,
            Beginning { scope, tree, executor, actions, arrivals, recovering: false, read_until },
        );
        Ok(())
    }

    /// What asking for an instance that is in the store leads to.
    async fn go_on(self: &Arc<Self>, row: InstanceRow) -> Result<Run, EngineError> {
        if row.status.is_final() {
            return Ok(Run::Ended(Box::new(Outcome::of(&row))));
        }
        self.joined().insert(row.id);
        if self.registry.contains(row.root) {
            return Ok(Run::GoingOn(row.id));
        }
        match self.take_over(&row).await? {
            None => {
                self.speaker.notice(Notice::GoingOn { name: row.name.clone() });
                Ok(Run::GoingOn(row.id))
            }
            Some(owner) => {
                self.speaker.notice(Notice::Watching { name: row.name.clone(), owner: owner.clone() });
                Ok(Run::Watching(row.id, owner))
            }
        }
    }

    /// Claims the tree of an instance and loads it. `Some` is the living owner that has it.
    pub(crate) async fn take_over(self: &Arc<Self>, row: &InstanceRow) -> Result<Option<Owner>, EngineError> {
        let scope = match self.leases.covering(row.root) {
            Some(scope) => scope,
            None => {
                let scope = Scope::Tree(row.root);
                if let Some(owner) = self.leases.claim(scope).await? {
                    return Ok(Some(owner));
                }
                scope
            }
        };
        self.bring(scope, &[row.root]).await?;
        self.bring_runnable(scope).await?;
        Ok(None)
    }

    /// Watches an instance that is not in memory here, until it is settled (`Some`) or has been taken over (`None`).
    async fn watch(self: &Arc<Self>, instance: InstanceId) -> Result<Option<Outcome>, EngineError> {
        let mut row = self.row(instance).await?;
        let name: Arc<str> = row.name.as_str().into();
        let mut seen = 0;
        let mut pauses = Pauses::new(LONGEST_LOOK);
        loop {
            // The row first: whatever it says, the history read after it is at least as long.
            if let Some(found) = self.find_again(&name, instance).await? {
                row = found;
            }
            let news = self.watch_history(instance, &name, &mut seen).await?;
            if is_settled(row.status) {
                self.joined().remove(&instance);
                return Ok(Some(Outcome::of(&row)));
            }
            if row.id == row.root && self.registry.contains(instance) {
                return Ok(None);
            }
            if self.joined().contains(&instance) && self.store.owner(row.root).await?.is_none() {
                self.speaker.notice(Notice::GoingOn { name: row.name.clone() });
                if self.take_over(&row).await?.is_none() {
                    return Ok(None);
                }
            }
            if news {
                pauses = Pauses::new(LONGEST_LOOK);
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(pauses.next()) => {}
                () = self.closed() => return Err(EngineError::Closing),
            }
        }
    }

    /// The row by its name, unless the name belongs to another instance by now.
    async fn find_again(&self, name: &str, instance: InstanceId) -> Result<Option<InstanceRow>, EngineError> {
        Ok(self.store.find(name).await?.filter(|row| row.id == instance))
    }

    async fn watch_history(
        &self,
        instance: InstanceId,
        name: &Arc<str>,
        seen: &mut i64,
    ) -> Result<bool, EngineError> {
        let mut news = false;
        while self.speaker.is_heard() {
            let rows = self.store.history(instance, *seen, PAGE).await?;
            let Some(last) = rows.last() else { break };
            *seen = last.sequence;
            news = true;
            self.publish(&HashMap::from([(instance, name.clone())]), &rows);
        }
        Ok(news)
    }
}
