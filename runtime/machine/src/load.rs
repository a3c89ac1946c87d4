//! Recovery: an instance from its rows. Frames are loaded, nothing is replayed.

use crate::fork::Branches;
use crate::ids::StrandPath;
use crate::instance::{Compensation, Context, Deadline, Instance, LiveStrand, Resumption};
use crate::message::Kept;
use crate::meta::{Meta, Role, Scope, Wait};
use crate::rows::{StoredInstance, StrandRow};
use flow_mir::artifact::ProgramHash;
use flow_mir::strand::Strand;
use flow_mir::{Executor, Limits};

/// Why an instance can't be gone on with. It is left as it is stored.
#[derive(Debug, thiserror::Error)]
#[error("instance `{name}` can't be loaded: {reason}")]
pub struct LoadError {
    /// Its user id.
    pub name: String,
    /// What is wrong with which part.
    pub reason: String,
}

impl Instance {
    /// The instance in these rows. `limits` bound its strands; the executor must run the program it is pinned to.
    pub fn load(
        stored: StoredInstance,
        limits: &Limits,
        executor: &dyn Executor,
    ) -> Result<Instance, LoadError> {
        let name = stored.row.name.clone();
        load(stored, limits, executor).map_err(|reason| LoadError { name, reason })
    }

    fn add_derived(&mut self) {
        let (mut forks, mut waiting): (Vec<StrandPath>, Vec<StrandPath>) = (Vec::new(), Vec::new());
        for (path, strand) in &self.strands {
            match &strand.meta.wait {
                Wait::Call(call) => {
                    self.calls.insert(call.key, path.clone());
                }
                Wait::Fork(_) => {
                    forks.push(path.clone());
                    waiting.push(path.clone());
                }
                Wait::Receive { .. } | Wait::Until { .. } => waiting.push(path.clone()),
                Wait::Request(request) => {
                    self.calls.insert(request.key, path.clone());
                }
                Wait::Await { strand } => {
                    self.awaiting.entry(strand.clone()).or_default().insert(path.clone());
                }
                Wait::Held { turn, .. } => self.counters.turn = self.counters.turn.max(*turn),
                Wait::Ready => self.ready.push_back((path.clone(), Resumption::Start)),
                _ => {}
            }
            for scope in &strand.meta.scopes {
                if let Scope::Saga { number, .. } = scope {
                    self.counters.saga = self.counters.saga.max(*number);
                }
            }
        }
        for path in waiting {
            self.note_wait(&path);
        }
        for path in forks {
            self.branches.insert(path, Branches::default());
        }
        for (path, strand) in &self.strands {
            if let Role::Spawned { owner, scope, .. } = &strand.meta.role {
                let members = self.spawned.entry((owner.clone(), *scope)).or_default();
                let ended = matches!(strand.meta.wait, Wait::Done { .. } | Wait::Failed { .. });
                let set = if ended { &mut members.ended } else { &mut members.running };
                set.insert(path.clone());
            }
            let Role::Branch { parent, index } = &strand.meta.role else { continue };
            let Some(branches) = self.branches.get_mut(parent) else { continue };
            branches.started = branches.started.max(index.saturating_add(1));
            match strand.meta.wait {
                Wait::Done { .. } => branches.done += 1,
                Wait::Failed { .. } => branches.failed += 1,
                _ => _ = branches.running.insert(*index),
            }
        }
    }
}

fn load(stored: StoredInstance, limits: &Limits, executor: &dyn Executor) -> Result<Instance, String> {
    let program = executor.program();
    let workflow = program.workflows.iter().find(|(_, workflow)| workflow.name == stored.row.workflow);
    let (workflow, _) =
        workflow.ok_or_else(|| format!("its program has no workflow `{}`", stored.row.workflow))?;
    let now = stored.row.updated_at.max(stored.last_at);
    let hash = stored.row.program;
    let mut instance = Instance::empty(stored.row, workflow, now);
    instance.state =
        postcard::from_bytes(&instance.row.state).map_err(|error| format!("its state: {error}"))?;
    instance.counters.sequence = stored.last_sequence;
    for row in stored.strands {
        let path = row.path.clone();
        let strand =
            load_strand(row, limits, executor, &hash).map_err(|reason| format!("strand {path}: {reason}"))?;
        instance.strands.insert(path, strand);
    }
    for row in stored.compensations {
        instance.counters.position = instance.counters.position.max(row.position);
        instance.counters.saga = instance.counters.saga.max(row.saga);
        instance.undo.insert((row.saga, row.position));
        let entry = Compensation { path: row.path, saga: row.saga, image: row.image, stored: true };
        instance.compensations.insert(row.position, entry);
    }
    for row in stored.timers {
        instance.due.insert((row.due, row.id.clone()));
        instance.timers.insert(row.id, Deadline { due: row.due, stored: true });
    }
    for row in stored.messages {
        let message =
            postcard::from_bytes(&row.message).map_err(|error| format!("message {}: {error}", row.number))?;
        instance.counters.message = instance.counters.message.max(row.number);
        instance.add_kept(row.number, Kept { message, stored: true });
    }
    instance.add_derived();
    instance.load_operands(Context { executor, program })?;
    instance.has_begun = instance.ready.is_empty();
    Ok(instance)
}

fn load_strand(
    row: StrandRow,
    limits: &Limits,
    executor: &dyn Executor,
    hash: &[u8; 32],
) -> Result<LiveStrand, String> {
    let meta = Meta::decode(&row.meta)?;
    if let Wait::Call(call) | Wait::Stuck { call: Some(call), .. } = &meta.wait
        && executor.program().activities.get(call.activity).is_none()
    {
        return Err(format!("it calls {}, which its program doesn't have", call.activity));
    }
    let code = match row.frame.as_slice() {
        [] => None,
        frame => Some(
            Strand::decode(executor.program(), ProgramHash(*hash), frame, limits.clone())
                .map_err(|error| error.to_string())?,
        ),
    };
    let strand = LiveStrand { code, meta, version: row.version, failed_call: None };
    if strand.meta.wait == Wait::Ready && !strand.has_not_begun() {
        return Err("it has begun but waits for nothing".into());
    }
    Ok(strand)
}
