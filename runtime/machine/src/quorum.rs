//! `parallel first n`: which branches of a fork are enough, and when there can't be enough any more.

use crate::fork::branches_started;
use crate::ids::StrandPath;
use crate::instance::{Context, Instance, internal_report};
use crate::meta::{Closing, Fork, ForkKind, Wait};
use crate::rows::Status;
use crate::values;
use flow_mir::{TrapKind, Type};

/// `first n` as a count.
pub(crate) fn count(word: u64) -> u32 {
    u32::try_from(word.cast_signed().max(0)).unwrap_or(u32::MAX)
}

impl Instance {
    /// A branch of a quorum has failed: the others may do.
    pub(crate) fn quorum_without(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        parent: &StrandPath,
        error: Vec<u8>,
    ) {
        if let Some(strand) = self.strands.get_mut(path) {
            strand.code = None;
        }
        self.wait(path, Wait::Failed { error: error.clone(), seen: true });
        if let Some(branches) = self.branches.get_mut(parent) {
            branches.failed += 1;
        }
        self.decide_quorum(context, parent, Some(error));
        if let Err(reason) = self.start_items(context, parent) {
            self.end_with_report(Status::Failed, internal_report(&reason));
        }
        self.join_if_done(context, parent);
    }

    /// Leaves a `parallel first n` as soon as n branches have returned, or can't any more.
    pub(crate) fn decide_quorum(&mut self, context: Context<'_>, path: &StrandPath, error: Option<Vec<u8>>) {
        let Some(Fork { first: Some(first), closing: None, kind, .. }) = self.fork(path) else { return };
        let Some(branches) = self.branches.get(path) else { return };
        let count = match kind {
            ForkKind::All { count } | ForkKind::Each { count, .. } => *count,
            ForkKind::Race { .. } => return,
        };
        let (first, possible) = (*first, count.saturating_sub(branches.failed));
        if branches.done >= first {
            self.close_fork(context, path, Closing::Enough);
        } else if possible < first {
            let error = error.unwrap_or_else(|| self.no_quorum(context, path, first, count));
            self.close_fork(context, path, Closing::Failed(error));
        }
    }

    /// The error of a quorum that could never be reached.
    fn no_quorum(&mut self, context: Context<'_>, path: &StrandPath, first: u32, count: u32) -> Vec<u8> {
        let message = format!("the first {first} of {count} branches");
        let Some(heap) = self.heap_mut(path) else { return Vec::new() };
        let error = heap.make_trap(TrapKind::InvalidValue, &message);
        values::image(context.program, heap, &[(context.program.known.error, error)]).unwrap_or_default()
    }

    /// The values of the branches that were done first, as a list.
    pub(crate) fn first_values(
        &mut self,
        context: Context<'_>,
        path: &StrandPath,
        fork: &Fork,
    ) -> Result<u64, String> {
        let program = context.program;
        let ty = self.awaited(context, path)?;
        let Some(Type::List(item)) = program.types.get(ty) else {
            return Err("a quorum awaits no list".into());
        };
        let mut done: Vec<(u32, Vec<u8>)> = Vec::new();
        for index in 0..branches_started(self, path) {
            let branch = self.strands.get(&path.branch(fork.number, index as usize));
            if let Some(Wait::Done { value, order }) = branch.map(|branch| &branch.meta.wait) {
                done.push((*order, value.clone()));
            }
        }
        done.sort_unstable_by_key(|(order, _)| *order);
        let heap = self.heap_mut(path).ok_or("the strand has no heap")?;
        let mut words = Vec::with_capacity(done.len());
        for (_, image) in done {
            words.extend(values::absorb(program, &[*item], &image, heap)?);
        }
        heap.make_list(&words).map_err(|_| "the results do not fit into memory".into())
    }
}
