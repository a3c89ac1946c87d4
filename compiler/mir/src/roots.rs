//! Which locals hold references that are needed behind each place where memory may be collected while a function runs: its
//! calls and its back edges. (At a suspension the frame's slots say it.)

use crate::ids::{BlockId, Id, LocalId};
use crate::instruction::{Op, Terminator};
use crate::liveness::{Liveness, LocalSet, reachable};
use crate::program::{Block, Function};
use crate::types::Types;
use std::collections::HashMap;

/// The roots of one function.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// By block and instruction; the terminator is one past the last instruction.
    places: HashMap<(BlockId, usize), Vec<LocalId>>,
}

impl Roots {
    /// Those of a function of a program with these types.
    pub fn of(function: &Function, types: &Types) -> Roots {
        let mut roots = Roots::default();
        let references: Vec<bool> =
            function.locals.values().map(|local| types.may_reference(local.ty)).collect();
        let collects = |block: &Block| {
            matches!(block.terminator, Terminator::Safepoint { .. })
                || block.instructions.iter().any(|instruction| is_call(&instruction.op))
        };
        if !references.contains(&true) || !function.blocks.values().any(collects) {
            return roots;
        }
        let liveness = Liveness::of(function, &reachable(function));
        for (id, block) in function.blocks.iter().filter(|(_, block)| collects(block)) {
            roots.add_block(id, block, &liveness, &references);
        }
        roots
    }

    fn add_block(&mut self, id: BlockId, block: &Block, liveness: &Liveness, references: &[bool]) {
        let mut live = liveness.at_end(block);
        let needed = |live: &LocalSet| -> Vec<LocalId> {
            live.iter().filter(|local| references.get(local.index()).copied().unwrap_or(false)).collect()
        };
        if let Terminator::Safepoint { .. } = block.terminator {
            self.places.insert((id, block.instructions.len()), needed(&live));
        }
        block.terminator.for_each_operand(|local| live.insert(local));
        for (at, instruction) in block.instructions.iter().enumerate().rev() {
            if let Some(dst) = instruction.op.dst() {
                live.remove(dst);
                liveness.add_handler(block, &mut live);
            }
            if is_call(&instruction.op) {
                self.places.insert((id, at), needed(&live));
            }
            instruction.op.for_each_operand(|local| live.insert(local));
        }
    }

    /// The locals, ascending.
    pub fn at(&self, block: BlockId, instruction: usize) -> &[LocalId] {
        self.places.get(&(block, instruction)).map_or(&[], Vec::as_slice)
    }

    /// How many there are where they are most.
    pub fn most(&self) -> usize {
        self.places.values().map(Vec::len).max().unwrap_or(0)
    }
}

fn is_call(op: &Op) -> bool {
    matches!(op, Op::Call { .. } | Op::CallClosure { .. })
}
