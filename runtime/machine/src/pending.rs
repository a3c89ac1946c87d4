//! What has changed since the last commit, and its rows.

use crate::event::{Action, Reply, Transition};
use crate::history::HistoryEvent;
use crate::ids::{StrandPath, Timestamp};
use crate::instance::{Instance, LiveStrand};
use crate::meta::Wait;
use crate::rows::{Changes, CompensationRow, HistoryRow, MessageRow, ReplyRow, StrandRow, TimerRow};
use flow_mir::Program;
use flow_mir::artifact::ProgramHash;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Names of what changed; the values are read when the rows are made, so that many events give one write per row.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Whether the instance row changed.
    pub row: bool,
    pub strands: BTreeSet<StrandPath>,
    pub deleted_strands: BTreeSet<StrandPath>,
    /// Positions of compensations that are new or moved to another saga.
    pub compensations: BTreeSet<i64>,
    pub deleted_compensations: BTreeSet<StrandPath>,
    /// Timers that are new.
    pub timers: BTreeSet<String>,
    pub deleted_timers: BTreeSet<String>,
    /// Numbers of kept messages that are new.
    pub messages: BTreeSet<i64>,
    pub deleted_messages: BTreeSet<i64>,
    pub replies: Vec<(Uuid, Timestamp, Reply)>,
    pub history: Vec<(i64, Timestamp, HistoryEvent)>,
    pub inbox: Vec<Uuid>,
    pub actions: Vec<Action>,
}

/// Makes the rows of all that is pending, and forgets it.
pub(crate) fn take(instance: &mut Instance, program: &Program) -> Transition {
    let pending = std::mem::take(&mut instance.pending);
    let id = instance.row.id;
    let mut changes = Changes {
        delete_strands: pending.deleted_strands.into_iter().map(|path| (id, path)).collect(),
        delete_compensations: pending.deleted_compensations.into_iter().map(|path| (id, path)).collect(),
        delete_timers: pending.deleted_timers.into_iter().map(|timer| (id, timer)).collect(),
        delete_messages: pending.deleted_messages.into_iter().map(|number| (id, number)).collect(),
        delete_inbox: pending.inbox,
        ..Changes::default()
    };
    for path in pending.strands {
        changes.strands.extend(strand_row(instance, program, path));
    }
    for position in pending.compensations {
        changes.compensations.extend(compensation_row(instance, position));
    }
    for timer in pending.timers {
        if let Some(deadline) = instance.timers.get_mut(&timer) {
            deadline.stored = true;
            changes.timers.push(TimerRow { instance: id, id: timer, due: deadline.due });
        }
    }
    for number in pending.messages {
        changes.messages.extend(message_row(instance, number));
    }
    for (request, at, reply) in pending.replies {
        let reply = serde_json::to_vec(&reply).unwrap_or_default();
        changes.replies.push(ReplyRow { id: request, instance: id, at, reply });
    }
    changes.history = pending
        .history
        .iter()
        .map(|(sequence, at, event)| history_row(instance, *sequence, *at, event))
        .collect();
    if pending.row {
        instance.row.version += 1;
        instance.row.updated_at = instance.clock;
        instance.row.attributes = attributes(&instance.state.attributes);
        instance.row.state = postcard::to_stdvec(&instance.state).unwrap_or_default();
        match instance.row.version {
            1 => changes.new_instances.push(instance.row.clone()),
            _ => changes.changed_instances.push(instance.row.clone()),
        }
    }
    Transition { changes, actions: pending.actions }
}

/// One JSON object of values that are JSON already.
fn attributes(of: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = of.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("{{{}}}", pairs.join(","))
}

fn strand_row(instance: &mut Instance, program: &Program, path: StrandPath) -> Option<StrandRow> {
    let hash = ProgramHash(instance.row.program);
    let strand: &mut LiveStrand = instance.strands.get_mut(&path)?;
    strand.version += 1;
    Some(StrandRow {
        instance: instance.row.id,
        path,
        version: strand.version,
        open_call: matches!(strand.meta.wait, Wait::Call(_) | Wait::Request(_) | Wait::Ready),
        meta: strand.meta.encode(),
        // A strand that has run is under its memory limit, so encoding it, which only compacts, can't fail.
        frame: strand.code.as_mut().and_then(|code| code.encode(program, hash).ok()).unwrap_or_default(),
    })
}

fn compensation_row(instance: &mut Instance, position: i64) -> Option<CompensationRow> {
    let entry = instance.compensations.get_mut(&position)?;
    entry.stored = true;
    Some(CompensationRow {
        instance: instance.row.id,
        path: entry.path.clone(),
        position,
        saga: entry.saga,
        image: entry.image.clone(),
    })
}

fn message_row(instance: &mut Instance, number: i64) -> Option<MessageRow> {
    let kept = instance.messages.get_mut(&number)?;
    kept.stored = true;
    let message = postcard::to_stdvec(&kept.message).unwrap_or_default();
    Some(MessageRow { instance: instance.row.id, number, message })
}

fn history_row(instance: &Instance, sequence: i64, at: Timestamp, event: &HistoryEvent) -> HistoryRow {
    HistoryRow {
        instance: instance.row.id,
        sequence,
        at,
        event: serde_json::to_vec(event).unwrap_or_default(),
    }
}
