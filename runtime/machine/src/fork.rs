//! `parallel`, `parallel for` and `race`: strands that run side by side, and how they are joined. What is of races alone is
//! in `race`.
//!
//! Which branches still run is derived from their rows; the row of the strand that forked is written when it forks and
//! when it is left, not for each branch.

use crate::history::HistoryEvent;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, LiveStrand, Resumption};
use crate::meta::{Closing, Fork, ForkKind, Interrupt, Meta, Role, StoredOutcome, Wait};
use crate::operands::Operands;
use crate::quorum;
use crate::run::{Suspended, code_awaits, code_suspended_on};
use crate::values;
use flow_mir::strand::Strand;
use flow_mir::{Branch, FunctionId, RaceArm, SuspendOp, Type, TypeId};
use std::collections::BTreeSet;

/// The branches of one open fork, in memory.
#[derive(Debug, Default)]
pub(crate) struct Branches {
    /// Those that have not ended.
    pub running: BTreeSet<u32>,
    /// How many have been started.
    pub started: u32,
    /// How many have returned.
    pub done: u32,
    /// How many have failed where that is no end yet (`first n`).
    pub failed: u32,
    /// Of a `parallel for`.
    pub operands: Option<Operands>,
}

impl Instance {
    /// A strand suspends on a construct with branches.
    pub(crate) fn begin_fork(&mut self, context: Context<'_>, suspended: Suspended<'_>) {
        let path = suspended.path;
        let number = match self.strands.get_mut(path) {
            Some(strand) => {
                strand.meta.forks += 1;
                strand.meta.forks
            }
            None => return,
        };
        let begun = match suspended.op {
            SuspendOp::Parallel { branches, .. } => self.begin_all(context, &suspended, number, branches),
            SuspendOp::ParallelFor { branch, .. } => self.begin_each(context, &suspended, number, branch),
            SuspendOp::Race { arms } => self.begin_race(context, &suspended, number, arms),
            _ => Ok(()),
        };
        match begun {
            Ok(()) => {
                self.decide_quorum(context, path, None);
                self.join_if_done(context, path);
            }
            Err(reason) => {
                let error = self
                    .heap_mut(path)
                    .map_or(0, |heap| heap.make_trap(flow_mir::TrapKind::OutOfMemory, &reason));
                self.make_ready(path, Resumption::Error(error));
            }
        }
    }

    pub(crate) fn forked(&mut self, suspended: &Suspended<'_>, construct: &str, branches: usize, fork: Fork) {
        self.record(HistoryEvent::Forked {
            strand: suspended.path.clone(),
            construct: construct.to_owned(),
            branches,
            line: suspended.line.clone(),
        });
        self.branches.insert(suspended.path.clone(), Branches::default());
        self.wait(suspended.path, Wait::Fork(Box::new(fork)));
    }

    fn begin_all(
        &mut self,
        context: Context<'_>,
        suspended: &Suspended<'_>,
        number: u32,
        branches: &[Branch],
    ) -> Result<(), String> {
        let count = branches.len() as u32;
        let SuspendOp::Parallel { first, .. } = suspended.op else { return Ok(()) };
        let first = first.and(suspended.operands.last().copied()).map(quorum::count);
        let fork = Fork { number, kind: ForkKind::All { count }, closing: None, first };
        self.forked(suspended, "parallel", branches.len(), fork);
        let mut operands = suspended.operands;
        for (index, branch) in branches.iter().enumerate() {
            let captures = take(&mut operands, branch.captures.len());
            self.start_branch(context, suspended.path, number, index as u32, branch.function, captures)?;
        }
        Ok(())
    }

    fn begin_each(
        &mut self,
        context: Context<'_>,
        suspended: &Suspended<'_>,
        number: u32,
        branch: &Branch,
    ) -> Result<(), String> {
        let SuspendOp::ParallelFor { max, first, .. } = suspended.op else { return Ok(()) };
        let first = first.and(suspended.operands.last().copied()).map(quorum::count);
        let program = context.program;
        let code = &program.functions.at(branch.function);
        let mut operands = suspended.operands;
        let (items, captures) = (take(&mut operands, 1), take(&mut operands, branch.captures.len()));
        let max = max
            .and(operands.first().copied())
            .map_or(u32::MAX, |max| u32::try_from(max.cast_signed()).unwrap_or(1).max(1));
        let list_type = self.items_type(context, suspended.path).ok_or("the strand has no items")?;
        let types = code.params().map(|param| code.locals.at(param).ty);
        let roots: Vec<_> =
            std::iter::once(list_type).chain(types).zip(items.iter().chain(captures).copied()).collect();
        let heap = self.heap(suspended.path).ok_or("the strand has no heap")?;
        let count = heap.list_len(items.first().copied().unwrap_or(0)) as u32;
        let image = values::image(program, heap, &roots)?;
        let mut resting = values::resting_heap(program);
        let words = values::transfer(program, heap, &mut resting, &roots)?;
        let kind = ForkKind::Each { count, max, operands: image };
        self.forked(suspended, "parallel for", count as usize, Fork { number, kind, closing: None, first });
        if let Some(branches) = self.branches.get_mut(suspended.path) {
            branches.operands = Operands::new(resting, &words);
        }
        self.start_items(context, suspended.path)
    }

    /// Starts branches of a `parallel for` until as many run as may.
    pub(crate) fn start_items(&mut self, context: Context<'_>, path: &StrandPath) -> Result<(), String> {
        let Some(Fork { number, kind: ForkKind::Each { count, max, .. }, closing: None, .. }) =
            self.fork(path)
        else {
            return Ok(());
        };
        let (number, count, max) = (*number, *count, *max as usize);
        let Some(function) = self.branch_function(context, path, 0) else { return Ok(()) };
        loop {
            let Some(branches) = self.branches.get(path) else { return Ok(()) };
            let index = branches.started;
            if index >= count || branches.running.len() >= max {
                return Ok(());
            }
            self.start_item(context, path, number, index, function)?;
        }
    }

    fn start_item(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        number: u32,
        index: u32,
        function: FunctionId,
    ) -> Result<(), String> {
        let mut child = self.new_heap(path)?;
        let code = &context.program.functions.at(function);
        let branches = self.branches.get_mut(path).ok_or("the fork is gone")?;
        let operands = branches.operands.as_ref().ok_or("the items are gone")?;
        let item = operands.item(index).ok_or("the item is gone")?;
        let ty = code.params().last().map(|param| code.locals.at(param).ty).ok_or("it takes no item")?;
        let args = values::transfer(context.program, operands.lent.heap(), &mut child, &[(ty, item)])?;
        let lent = operands.lent.count() as u32;
        branches.started += 1;
        branches.running.insert(index);
        let role = Role::Branch { parent: path.clone(), index };
        self.add_strand(
            path.branch(number, index as usize),
            Strand::lacking(child, function, lent, args),
            Meta::new(role),
        );
        Ok(())
    }

    pub(crate) fn start_branch(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        number: u32,
        index: u32,
        function: FunctionId,
        captures: &[u64],
    ) -> Result<(), String> {
        let mut child = self.new_heap(path)?;
        let code = &context.program.functions.at(function);
        let roots: Vec<_> =
            code.params().map(|param| code.locals.at(param).ty).zip(captures.iter().copied()).collect();
        let heap = self.heap(path).ok_or("the strand has no heap")?;
        let args = values::transfer(context.program, heap, &mut child, &roots)?;
        let branches = self.branches.entry(path.clone()).or_default();
        branches.started += 1;
        branches.running.insert(index);
        let role = Role::Branch { parent: path.clone(), index };
        self.add_strand(
            path.branch(number, index as usize),
            Strand::new(child, function, args),
            Meta::new(role),
        );
        Ok(())
    }

    pub(crate) fn fork(&self, path: &StrandPath) -> Option<&Fork> {
        match &self.strands.get(path)?.meta.wait {
            Wait::Fork(fork) => Some(fork),
            _ => None,
        }
    }

    /// Begins to leave a fork: no new branch, the others are cancelled.
    pub(crate) fn close_fork(&mut self, context: Context<'_>, path: &StrandPath, closing: Closing) {
        let Some(strand) = self.strands.get_mut(path) else { return };
        let Wait::Fork(fork) = &mut strand.meta.wait else { return };
        if fork.closing.is_some() {
            return;
        }
        fork.closing = Some(closing);
        let number = fork.number;
        let waited = Wait::Fork(fork.clone());
        let timers: Vec<String> = match &fork.kind {
            ForkKind::Race { timers, .. } => timers.iter().map(|(_, timer)| timer.clone()).collect(),
            _ => Vec::new(),
        };
        self.touch(path);
        self.forget_wait(&waited);
        for timer in timers {
            self.clear_timer(&timer);
        }
        let running: Vec<u32> = self
            .branches
            .get(path)
            .map(|branches| branches.running.iter().copied().collect())
            .unwrap_or_default();
        for index in running {
            self.cancel_branch(context, path, index, &path.branch(number, index as usize));
        }
        self.join_if_done(context, path);
    }

    fn cancel_branch(&mut self, context: Context<'_>, parent: &StrandPath, index: u32, path: &StrandPath) {
        if self.strands.get(path).is_some_and(LiveStrand::has_not_begun) {
            self.remove_strand(path);
            self.branch_ended(parent, index);
        } else {
            self.interrupt(context, path, Interrupt::Cancel);
        }
    }

    fn branch_ended(&mut self, parent: &StrandPath, index: u32) {
        if let Some(branches) = self.branches.get_mut(parent) {
            branches.running.remove(&index);
        }
    }

    pub(crate) fn branch_returned(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        parent: &StrandPath,
        index: u32,
        word: u64,
    ) {
        let Some(fork) = self.fork(parent) else { return };
        let (is_race, is_open) = (matches!(fork.kind, ForkKind::Race { .. }), fork.closing.is_none());
        let returns = self
            .branch_function(context, parent, index)
            .map(|function| context.program.functions.at(function).returns);
        let value = returns.ok_or_else(|| "the branch is not in the program".to_owned());
        let value = value.and_then(|ty| self.export(context, path, ty, word));
        self.branch_ended(parent, index);
        self.record(HistoryEvent::BranchEnded { strand: path.clone(), error: None });
        match value {
            Err(reason) => {
                self.end_with_report(crate::rows::Status::Failed, crate::instance::internal_report(&reason))
            }
            Ok((image, _)) if is_race && is_open => {
                self.remove_strand(path);
                self.close_fork(context, parent, Closing::Won { arm: index, value: Some(image) });
            }
            Ok((image, _)) if is_open => {
                if let Some(strand) = self.strands.get_mut(path) {
                    strand.code = None;
                }
                let order = self.branches.get_mut(parent).map_or(0, |branches| {
                    branches.done += 1;
                    branches.done - 1
                });
                self.wait(path, Wait::Done { value: image, order });
                self.decide_quorum(context, parent, None);
                if let Err(reason) = self.start_items(context, parent) {
                    self.end_with_report(
                        crate::rows::Status::Failed,
                        crate::instance::internal_report(&reason),
                    );
                }
                self.join_if_done(context, parent);
            }
            Ok(_) => {
                self.remove_strand(path);
                self.join_if_done(context, parent);
            }
        }
    }

    pub(crate) fn branch_raised(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        parent: &StrandPath,
        error: u64,
    ) {
        let Some(strand) = self.strands.get(path) else { return };
        let Role::Branch { index, .. } = strand.meta.role else { return };
        let Some(heap) = self.heap(path) else { return };
        let text = flow_mir::value::show(context.program, heap, context.program.known.error, error);
        let image =
            values::image(context.program, heap, &[(context.program.known.error, error)]).unwrap_or_default();
        self.branch_ended(parent, index);
        self.record(HistoryEvent::BranchEnded { strand: path.clone(), error: Some(text) });
        if self.fork(parent).is_some_and(|fork| fork.first.is_some() && fork.closing.is_none()) {
            return self.quorum_without(context, path, parent, image);
        }
        self.remove_strand(path);
        self.close_fork(context, parent, Closing::Failed(image));
        self.join_if_done(context, parent);
    }

    /// Goes on with the strand that forked, where nothing of the fork runs any more.
    pub(crate) fn join_if_done(&mut self, context: Context<'_>, path: &StrandPath) {
        let Some(fork) = self.fork(path) else { return };
        let Some(branches) = self.branches.get(path) else { return };
        let all_started = match fork.kind {
            ForkKind::All { count } | ForkKind::Each { count, .. } => branches.started >= count,
            ForkKind::Race { .. } => false,
        };
        if !branches.running.is_empty() || (fork.closing.is_none() && !all_started) {
            return;
        }
        let fork = fork.clone();
        let resumption = self.join(context, path, &fork);
        for index in 0..branches_started(self, path) {
            self.remove_strand(&path.branch(fork.number, index as usize));
        }
        self.branches.remove(path);
        let winner = match fork.closing {
            Some(Closing::Won { arm, .. }) => Some(arm as usize),
            _ => None,
        };
        self.record(HistoryEvent::Joined { strand: path.clone(), winner });
        self.make_ready(path, resumption);
    }

    fn join(&mut self, context: Context<'_>, path: &StrandPath, fork: &Fork) -> Resumption {
        let joined = match &fork.closing {
            Some(Closing::Failed(image)) => return Resumption::Stored(StoredOutcome::Error(image.clone())),
            Some(Closing::Interrupted) => {
                if let Some(strand) = self.strands.get_mut(path) {
                    strand.meta.take_interrupt();
                }
                return Resumption::Error(self.cancelled_error(context, path, None));
            }
            Some(Closing::Enough) => self.first_values(context, path, fork),
            Some(Closing::Won { arm, value }) => self.race_value(context, path, *arm, value.as_deref()),
            None => self.branch_values(context, path, fork),
        };
        match joined {
            Ok(word) => Resumption::Value(word),
            Err(reason) => {
                let error = self
                    .heap_mut(path)
                    .map_or(0, |heap| heap.make_trap(flow_mir::TrapKind::OutOfMemory, &reason));
                Resumption::Error(error)
            }
        }
    }

    /// The branches' values as a tuple or list.
    fn branch_values(&mut self, context: Context<'_>, path: &StrandPath, fork: &Fork) -> Result<u64, String> {
        let program = context.program;
        let ty = self.awaited(context, path)?;
        let count = branches_started(self, path);
        let types: Vec<TypeId> = match program.types.get(ty) {
            Some(Type::Tuple(types)) => types.clone(),
            Some(Type::List(item)) => vec![*item; count as usize],
            _ => vec![program.known.unit; count as usize],
        };
        let mut words = Vec::with_capacity(count as usize);
        for (index, item) in (0..count).zip(types) {
            let child = self.strands.get(&path.branch(fork.number, index as usize));
            let Some(Wait::Done { value: image, .. }) = child.map(|child| &child.meta.wait) else {
                return Err("a branch has no result".into());
            };
            let image = image.clone();
            let heap = self.heap_mut(path).ok_or("the strand has no heap")?;
            words.extend(values::absorb(program, &[item], &image, heap)?);
        }
        let heap = self.heap_mut(path).ok_or("the strand has no heap")?;
        let made = match program.types.get(ty) {
            Some(Type::List(_)) => heap.make_list(&words),
            Some(Type::Tuple(_)) => heap.make_record(&words),
            _ => Ok(0),
        };
        made.map_err(|_| "the results do not fit into memory".into())
    }

    pub(crate) fn awaited(&self, context: Context<'_>, path: &StrandPath) -> Result<TypeId, String> {
        let code =
            self.strands.get(path).and_then(|strand| strand.code.as_ref()).ok_or("the strand has no code")?;
        code_awaits(context, code).ok_or_else(|| "the strand awaits nothing".into())
    }

    /// The type of the list whose items the strand's `parallel for` branches over.
    pub(crate) fn items_type(&self, context: Context<'_>, path: &StrandPath) -> Option<TypeId> {
        let code = self.strands.get(path)?.code.as_ref()?;
        let SuspendOp::ParallelFor { items, .. } = code_suspended_on(context, code)? else { return None };
        let function = context.program.functions.get(code.frames().last()?.function)?;
        function.locals.get(*items).map(|local| local.ty)
    }

    /// The code of a branch, as the operation that its parent is suspended on says.
    pub(crate) fn branch_function(
        &self,
        context: Context<'_>,
        parent: &StrandPath,
        index: u32,
    ) -> Option<FunctionId> {
        let code = self.strands.get(parent)?.code.as_ref()?;
        match code_suspended_on(context, code)? {
            SuspendOp::Parallel { branches, .. } => {
                branches.get(index as usize).map(|branch| branch.function)
            }
            SuspendOp::ParallelFor { branch, .. } => Some(branch.function),
            SuspendOp::Race { arms } => match arms.get(index as usize)? {
                RaceArm::Strand(branch) => Some(branch.function),
                _ => None,
            },
            _ => None,
        }
    }
}

pub(crate) fn branches_started(instance: &Instance, path: &StrandPath) -> u32 {
    let Some(branches) = instance.branches.get(path) else { return 0 };
    match instance.fork(path).map(|fork| &fork.kind) {
        // Arms without a strand leave gaps among a race's heads.
        Some(ForkKind::Race { timers, waits, .. }) => {
            branches.started + timers.len() as u32 + waits.len() as u32
        }
        _ => branches.started,
    }
}

/// Takes the first `count` words off the front.
pub(crate) fn take<'a>(words: &mut &'a [u64], count: usize) -> &'a [u64] {
    let (front, rest) = words.split_at_checked(count).unwrap_or((words, &[]));
    *words = rest;
    front
}
