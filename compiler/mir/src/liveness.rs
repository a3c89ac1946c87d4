//! Numbers suspension points and finds what is live at each: the slots of the stored frame.
//!
//! Both are part of the stored format, so they depend on nothing but the function: points are numbered in block order,
//! slots are ascending locals.

use crate::ids::{BlockId, Id, LocalId, SuspensionId};
use crate::instruction::Terminator;
use crate::program::{Block, Function, SuspensionPoint};
use crate::sharing;
use crate::types::Types;

/// Finishes a function: says where collections are shared (see [`sharing`]), numbers the suspensions of its reachable
/// blocks, computes their live locals and fills `suspensions`. Functions that don't suspend get none, and their safepoints
/// the number `START`.
pub fn complete(function: &mut Function, types: &Types) {
    sharing::complete(function, types);
    let reachable = reachable(function);
    number(function, &reachable);
    let live = Liveness::of(function, &reachable);
    function.suspensions = function
        .blocks
        .iter()
        .filter(|(id, block)| reachable.contains(id.index()) && suspension(&block.terminator).is_some())
        .map(|(id, block)| SuspensionPoint { block: id, location: block.location, live: live.after(block) })
        .collect();
}

fn number(function: &mut Function, reachable: &Bits) {
    let suspends = function.suspends;
    let mut next = 1;
    let ids: Vec<BlockId> = function.blocks.ids().collect();
    for id in ids {
        let terminator = function.blocks.get_mut(id).map(|block| &mut block.terminator);
        if let Some(Terminator::Safepoint { suspension, .. } | Terminator::Suspend { suspension, .. }) =
            terminator
        {
            *suspension = SuspensionId::START;
            if suspends && reachable.contains(id.index()) {
                *suspension = SuspensionId(next);
                next += 1;
            }
        }
    }
}

/// The suspension point a terminator has.
fn suspension(terminator: &Terminator) -> Option<SuspensionId> {
    match terminator {
        Terminator::Safepoint { suspension, .. } | Terminator::Suspend { suspension, .. } => {
            Some(*suspension).filter(|suspension| *suspension != SuspensionId::START)
        }
        _ => None,
    }
}

pub(crate) fn reachable(function: &Function) -> Bits {
    let mut reachable = Bits::new(function.blocks.len());
    let mut pending = vec![BlockId(0)];
    while let Some(id) = pending.pop() {
        let Some(block) = function.blocks.get(id) else { continue };
        if reachable.insert(id.index()) {
            block.terminator.for_each_target(|target| pending.push(target));
            pending.extend(block.handler.map(|handler| handler.block));
        }
    }
    reachable
}

/// What is live at the start of each block.
pub(crate) struct Liveness {
    entry: Vec<LocalSet>,
}

/// What a block does to liveness: `live at its start = reads ∪ (live at its end − writes)`.
#[derive(Default)]
struct Effect {
    reads: LocalSet,
    writes: LocalSet,
}

impl Liveness {
    pub(crate) fn of(function: &Function, reachable: &Bits) -> Liveness {
        let effects: Vec<Effect> = function.blocks.values().map(Effect::of).collect();
        let predecessors = predecessors(function, reachable);
        let mut liveness = Liveness { entry: vec![LocalSet::default(); function.blocks.len()] };
        // Blocks come roughly in control order, so going backwards settles most of it in one pass.
        let mut pending: Vec<BlockId> =
            function.blocks.ids().filter(|id| reachable.contains(id.index())).collect();
        let mut waiting = Bits::new(function.blocks.len());
        pending.iter().for_each(|id| _ = waiting.insert(id.index()));
        while let Some(id) = pending.pop() {
            waiting.remove(id.index());
            let (Some(block), Some(effect)) = (function.blocks.get(id), effects.get(id.index())) else {
                continue;
            };
            let entry = liveness.at_entry(block, effect);
            let Some(known) = liveness.entry.get_mut(id.index()).filter(|known| **known != entry) else {
                continue;
            };
            *known = entry;
            let before = predecessors.get(id.index()).into_iter().flatten();
            pending.extend(before.filter(|id| waiting.insert(id.index())));
        }
        liveness
    }

    fn at_entry(&self, block: &Block, effect: &Effect) -> LocalSet {
        let mut live = LocalSet::default();
        block.terminator.for_each_target(|target| live.add_all(self.entry.get(target.index())));
        live.subtract(&effect.writes);
        live.union(&effect.reads);
        self.add_handler(block, &mut live);
        live
    }

    /// Any instruction of the block may raise, even before the first write: what the handler reads is live throughout.
    pub(crate) fn add_handler(&self, block: &Block, live: &mut LocalSet) {
        let Some(handler) = block.handler else { return };
        let had_error = live.contains(handler.error);
        live.add_all(self.entry.get(handler.block.index()));
        if !had_error {
            live.remove(handler.error);
        }
    }

    /// What is live after a block's suspension, the result not yet there.
    fn after(&self, block: &Block) -> Vec<LocalId> {
        self.at_end(block).iter().collect()
    }

    /// What is live behind a block's terminator, before the result of its suspension is there.
    pub(crate) fn at_end(&self, block: &Block) -> LocalSet {
        let mut live = LocalSet::default();
        block.terminator.for_each_target(|target| live.add_all(self.entry.get(target.index())));
        if let Terminator::Suspend { dst, .. } = &block.terminator {
            live.remove(*dst);
        }
        self.add_handler(block, &mut live);
        live
    }
}

impl Effect {
    fn of(block: &Block) -> Effect {
        let mut effect = Effect::default();
        for instruction in &block.instructions {
            instruction.op.for_each_operand(|local| effect.read(local));
            if let Some(dst) = instruction.op.dst() {
                effect.writes.insert(dst);
            }
        }
        block.terminator.for_each_operand(|local| effect.read(local));
        if let Terminator::Suspend { dst, .. } = &block.terminator {
            effect.writes.insert(*dst);
        }
        effect
    }

    fn read(&mut self, local: LocalId) {
        if !self.writes.contains(local) {
            self.reads.insert(local);
        }
    }
}

fn predecessors(function: &Function, reachable: &Bits) -> Vec<Vec<BlockId>> {
    let mut predecessors = vec![Vec::new(); function.blocks.len()];
    let mut add = |target: BlockId, from: BlockId| {
        if let Some(list) = predecessors.get_mut(target.index()) {
            list.push(from);
        }
    };
    for (id, block) in function.blocks.iter().filter(|(id, _)| reachable.contains(id.index())) {
        block.terminator.for_each_target(|target| add(target, id));
        if let Some(handler) = block.handler {
            add(handler.block, id);
        }
    }
    predecessors
}

/// A set of locals, ascending. Few are live at once in a function of any size, so it takes no more room than they do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LocalSet(Vec<LocalId>);

impl LocalSet {
    pub(crate) fn contains(&self, local: LocalId) -> bool {
        self.0.binary_search(&local).is_ok()
    }

    pub(crate) fn insert(&mut self, local: LocalId) {
        if self.0.last().is_none_or(|last| *last < local) {
            self.0.push(local);
        } else if let Err(at) = self.0.binary_search(&local) {
            self.0.insert(at, local);
        }
    }

    pub(crate) fn remove(&mut self, local: LocalId) {
        if let Ok(at) = self.0.binary_search(&local) {
            self.0.remove(at);
        }
    }

    fn union(&mut self, other: &LocalSet) {
        if other.0.iter().all(|local| self.contains(*local)) {
            return;
        }
        // Two ascending runs: the sort merges them in one pass.
        self.0.extend(&other.0);
        self.0.sort();
        self.0.dedup();
    }

    fn add_all(&mut self, other: Option<&LocalSet>) {
        if let Some(other) = other {
            self.union(other);
        }
    }

    fn subtract(&mut self, other: &LocalSet) {
        self.0.retain(|local| !other.contains(*local));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = LocalId> {
        self.0.iter().copied()
    }
}

/// A set of small numbers.
#[derive(Clone)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    fn new(len: usize) -> Bits {
        Bits(vec![0; len.div_ceil(64)])
    }

    pub(crate) fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Whether it is new.
    fn insert(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index / 64) else { return false };
        let before = *word;
        *word |= 1 << (index % 64);
        *word != before
    }

    fn remove(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }
}
