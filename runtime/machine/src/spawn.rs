//! `scope`, `spawn`, `await`: strands that are started one by one and joined by the nearest scope around them.
//!
//! What belongs to which scope is derived from the strands' rows. A strand whose handle is kept stays, with its result or
//! failure, until its scope has ended; any other is gone when it has ended.

use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, LiveStrand, Resumption, internal_report};
use crate::meta::{Interrupt, Meta, Role, Scope, StoredOutcome, Wait};
use crate::rows::Status;
use crate::run::Suspended;
use crate::values;
use flow_mir::strand::Strand;
use flow_mir::{FunctionId, Heap, SuspendOp, TrapKind};
use std::collections::BTreeSet;

/// The strands of one open scope, in memory.
#[derive(Debug, Default)]
pub(crate) struct Spawned {
    /// Those that have not ended.
    pub running: BTreeSet<StrandPath>,
    /// Those that have ended and whose handles are kept.
    pub ended: BTreeSet<StrandPath>,
}

/// A scope: the strand that opened it, and its number there.
pub(crate) type ScopeId = (StrandPath, u32);

impl Instance {
    /// Starts a strand; the one that spawns it is out of the instance meanwhile. Its path, or why there is none.
    pub(crate) fn spawn(
        &mut self,
        path: &StrandPath,
        meta: &mut Meta,
        (function, kept): (FunctionId, bool),
        (heap, args): (Heap, Vec<u64>),
    ) -> Result<StrandPath, &'static str> {
        let (owner, scope) = self.nearest_scope(path, meta).ok_or("there is no scope around this `spawn`")?;
        meta.forks += 1;
        let spawned = path.branch(meta.forks, 0);
        self.record(HistoryEvent::Spawned { strand: path.clone(), spawned: spawned.clone() });
        let closing = match self.scope_of(&owner, scope) {
            Some(Scope::Strands { closing, .. }) => *closing,
            // The scope is that of the spawning strand itself, so it is open.
            _ => false,
        };
        let members = self.spawned.entry((owner.clone(), scope)).or_default();
        members.running.insert(spawned.clone());
        let mut meta = Meta::new(Role::Spawned { owner, scope, function, kept });
        if closing {
            meta.interrupts.push(Interrupt::Cancel);
        }
        self.add_strand(spawned.clone(), Strand::new(heap, function, args), meta);
        Ok(spawned)
    }

    /// The scope that joins what a strand spawns: its own innermost one, else the one around what started it.
    fn nearest_scope(&self, path: &StrandPath, meta: &Meta) -> Option<ScopeId> {
        let (mut path, mut meta) = (path, meta);
        loop {
            let innermost = meta.scopes.iter().rev().find_map(|scope| match scope {
                Scope::Strands { number, .. } => Some(*number),
                _ => None,
            });
            match (innermost, &meta.role) {
                (Some(number), _) => return Some((path.clone(), number)),
                (None, Role::Spawned { owner, scope, .. }) => return Some((owner.clone(), *scope)),
                (None, Role::Branch { parent: outer, .. } | Role::Compensation { owner: outer, .. }) => {
                    path = outer;
                    meta = &self.strands.get(outer)?.meta;
                }
                (None, Role::Main) => return None,
            }
        }
    }

    fn scope_of(&self, owner: &StrandPath, wanted: u32) -> Option<&Scope> {
        let scopes = &self.strands.get(owner)?.meta.scopes;
        scopes.iter().find(|scope| matches!(scope, Scope::Strands { number, .. } if *number == wanted))
    }

    /// `await`
    pub(crate) fn begin_await(&mut self, suspended: &Suspended<'_>) {
        let path = suspended.path;
        let word = suspended.operands.first().copied().unwrap_or(0);
        let Some(target) = self.heap(path).map(|heap| StrandPath(heap.str_at(word).to_owned())) else {
            return;
        };
        let outcome = match self.strands.get_mut(&target).map(|strand| &mut strand.meta.wait) {
            Some(Wait::Done { value, .. }) => StoredOutcome::Value(value.clone()),
            Some(Wait::Failed { error, seen }) => {
                let error = error.clone();
                if !std::mem::replace(seen, true) {
                    self.touch(&target);
                }
                StoredOutcome::Error(error)
            }
            Some(_) => {
                self.awaiting.entry(target.clone()).or_default().insert(path.clone());
                return self.wait(path, Wait::Await { strand: target });
            }
            None => {
                let error = self.heap_mut(path).map_or(0, |heap| {
                    heap.make_trap(TrapKind::InvalidValue, "the scope of the awaited strand has ended")
                });
                return self.make_ready(path, Resumption::Error(error));
            }
        };
        self.make_ready(path, Resumption::Stored(outcome));
    }

    /// A spawned strand has returned.
    pub(crate) fn spawned_returned(&mut self, context: Context<'_>, path: &StrandPath, word: u64) {
        let Some(Role::Spawned { function, kept, .. }) = self.role(path) else { return };
        let returns = context.program.functions.at(function).returns;
        let value = match self.export(context, path, returns, word) {
            Ok((value, _)) => value,
            Err(reason) => return self.end_with_report(Status::Failed, internal_report(&reason)),
        };
        self.record(HistoryEvent::BranchEnded { strand: path.clone(), error: None });
        self.tell_awaiting(path, &StoredOutcome::Value(value.clone()));
        self.spawned_ended(context, path, kept.then_some(Wait::Done { value, order: 0 }), None);
    }

    /// A spawned strand has failed. Where its handle is kept, that is for who awaits it; else for its scope.
    pub(crate) fn spawned_raised(&mut self, context: Context<'_>, path: &StrandPath, error: u64) {
        let Some(Role::Spawned { kept, .. }) = self.role(path) else { return };
        let Some(heap) = self.heap(path) else { return };
        let known = context.program.known.error;
        let text = flow_mir::value::show(context.program, heap, known, error);
        let image = values::image(context.program, heap, &[(known, error)]).unwrap_or_default();
        self.record(HistoryEvent::BranchEnded { strand: path.clone(), error: Some(text) });
        let seen = self.tell_awaiting(path, &StoredOutcome::Error(image.clone()));
        let left = kept.then(|| Wait::Failed { error: image.clone(), seen });
        self.spawned_ended(context, path, left, (!seen).then_some(image));
    }

    fn role(&self, path: &StrandPath) -> Option<Role> {
        self.strands.get(path).map(|strand| strand.meta.role.clone())
    }

    /// Goes on with all that await a strand; whether there were any.
    fn tell_awaiting(&mut self, path: &StrandPath, outcome: &StoredOutcome) -> bool {
        let awaiting = self.awaiting.remove(path).unwrap_or_default();
        for waiting in &awaiting {
            self.make_ready(waiting, Resumption::Stored(outcome.clone()));
        }
        !awaiting.is_empty()
    }

    /// A spawned strand has ended: `left` is what is left of it where its handle is kept, `failure` what nobody has seen.
    fn spawned_ended(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        left: Option<Wait>,
        failure: Option<Vec<u8>>,
    ) {
        let Some(Role::Spawned { owner, scope, kept, .. }) = self.role(path) else { return };
        if let Some(members) = self.spawned.get_mut(&(owner.clone(), scope)) {
            members.running.remove(path);
            if left.is_some() {
                members.ended.insert(path.clone());
            }
        }
        match left {
            Some(wait) => {
                if let Some(strand) = self.strands.get_mut(path) {
                    strand.code = None;
                    strand.meta.scopes.clear();
                    strand.meta.interrupts.clear();
                }
                self.wait(path, wait);
            }
            None => self.remove_strand(path),
        }
        // Once the scope's code has ended nobody will await it any more.
        if let Some(failure) = failure.filter(|_| !kept || self.joins(&owner, scope)) {
            self.fail_scope(context, &owner, scope, failure);
        }
        self.join_scope_if_done(context, &owner, scope);
    }

    /// Whether a strand waits for the end of a scope's strands.
    fn joins(&self, owner: &StrandPath, scope: u32) -> bool {
        let wait = self.strands.get(owner).map(|strand| &strand.meta.wait);
        matches!(wait, Some(Wait::Scope { number, .. }) if *number == scope)
    }

    /// A strand failed and nobody handles it: its scope is left with that error.
    fn fail_scope(&mut self, context: Context<'_>, owner: &StrandPath, scope: u32, failure: Vec<u8>) {
        let joins = self.joins(owner, scope);
        let Some(strand) = self.strands.get_mut(owner) else { return };
        let open = strand.meta.scopes.iter_mut().find_map(|open| match open {
            Scope::Strands { number, failed, closing: false } if *number == scope && failed.is_none() => {
                Some(failed)
            }
            _ => None,
        });
        let Some(failed) = open else { return };
        *failed = Some(failure);
        self.touch(owner);
        if joins {
            self.cancel_strands(context, owner, scope);
        } else {
            self.interrupt(context, owner, Interrupt::Scope(scope));
        }
    }

    /// The end of a scope: its strands are awaited, cancelled before where it is left early.
    pub(crate) fn begin_scope_end(&mut self, context: Context<'_>, suspended: &Suspended<'_>) {
        let SuspendOp::ScopeEnd { cancel, .. } = suspended.op else { return };
        let path = suspended.path;
        let scope = suspended.operands.first().and_then(|word| u32::try_from(*word).ok()).unwrap_or(0);
        let Some(strand) = self.strands.get_mut(path) else { return };
        strand.meta.interrupts.retain(|interrupt| *interrupt != Interrupt::Scope(scope));
        let interrupted = !cancel && strand.meta.is_interrupted();
        self.wait(path, Wait::Scope { number: scope, interrupted });
        if !cancel && let Some(failure) = self.unseen_failure(path, scope) {
            self.fail_scope(context, path, scope, failure);
        }
        let failed = matches!(self.scope_of(path, scope), Some(Scope::Strands { failed: Some(_), .. }));
        if *cancel || interrupted || failed {
            self.cancel_strands(context, path, scope);
        }
        self.join_scope_if_done(context, path, scope);
    }

    /// The first failure of a strand of a scope that nobody has awaited.
    fn unseen_failure(&self, owner: &StrandPath, scope: u32) -> Option<Vec<u8>> {
        let members = self.spawned.get(&(owner.clone(), scope))?;
        members.ended.iter().find_map(|path| match &self.strands.get(path)?.meta.wait {
            Wait::Failed { error, seen: false } => Some(error.clone()),
            _ => None,
        })
    }

    /// Cancels the strands of a scope. From now on what they fail with is of no interest.
    pub(crate) fn cancel_strands(&mut self, context: Context<'_>, owner: &StrandPath, scope: u32) {
        let Some(strand) = self.strands.get_mut(owner) else { return };
        for open in &mut strand.meta.scopes {
            if let Scope::Strands { number, closing, .. } = open
                && *number == scope
            {
                *closing = true;
            }
        }
        self.touch(owner);
        let running = self.spawned.get(&(owner.clone(), scope)).map(|members| members.running.clone());
        for path in running.unwrap_or_default() {
            if self.strands.get(&path).is_some_and(LiveStrand::has_not_begun) {
                self.forget_unbegun(context, &path, owner, scope);
            } else {
                self.interrupt(context, &path, Interrupt::Cancel);
            }
        }
    }

    /// A strand that is cancelled before it began never was; who awaits it is told of the cancellation.
    fn forget_unbegun(&mut self, context: Context<'_>, path: &StrandPath, owner: &StrandPath, scope: u32) {
        for waiting in self.awaiting.remove(path).unwrap_or_default() {
            let error = self.cancelled_error(context, &waiting, None);
            self.make_ready(&waiting, Resumption::Error(error));
        }
        self.remove_strand(path);
        if let Some(members) = self.spawned.get_mut(&(owner.clone(), scope)) {
            members.running.remove(path);
        }
    }

    /// An interruption reaches a strand that joins its scope: the others are cancelled, and awaited all the same.
    pub(crate) fn interrupt_scope(&mut self, context: Context<'_>, path: &StrandPath) {
        let Some(strand) = self.strands.get_mut(path) else { return };
        let Wait::Scope { number, interrupted } = &mut strand.meta.wait else { return };
        *interrupted = true;
        let scope = *number;
        self.cancel_strands(context, path, scope);
        self.join_scope_if_done(context, path, scope);
    }

    /// Goes on with the strand that joins a scope, where none of its strands runs any more.
    fn join_scope_if_done(&mut self, context: Context<'_>, owner: &StrandPath, scope: u32) {
        let members = self.spawned.get(&(owner.clone(), scope));
        if !self.joins(owner, scope) || members.is_some_and(|members| !members.running.is_empty()) {
            return;
        }
        let ended = self.spawned.remove(&(owner.clone(), scope)).map(|members| members.ended);
        for path in ended.unwrap_or_default() {
            self.remove_strand(&path);
        }
        let Some(strand) = self.strands.get_mut(owner) else { return };
        let interrupted = matches!(strand.meta.wait, Wait::Scope { interrupted: true, .. });
        let mut failure = None;
        strand.meta.scopes.retain_mut(|open| match open {
            Scope::Strands { number, failed, .. } if *number == scope => {
                failure = failed.take();
                false
            }
            _ => true,
        });
        let resumption = match failure {
            Some(failure) => Resumption::Stored(StoredOutcome::Error(failure)),
            None if interrupted && strand.meta.take_interrupt() => {
                Resumption::Error(self.cancelled_error(context, owner, None))
            }
            None => Resumption::Stored(StoredOutcome::Unit),
        };
        self.make_ready(owner, resumption);
    }
}
