//! Where a list, map or set comes to be held twice: there, `Op::Share` says so.
//!
//! Collections are values, so `xs[i] = v` is `xs = list.set(xs, i, v)`. Most of the time nobody else holds the old list, and
//! the item can be written in place. The heap keeps one bit with each collection's buffer: whether a single local holds it.
//! What makes a collection sets the bit; copying it out of the heap drops it; this pass clears it wherever a local is
//! handed on while it is still needed, and wherever a collection is taken out of another value, which goes on holding it.
//! So an operation that finds the bit set, and whose operand is not needed afterwards, may change it in place.
//!
//! (A one-bit reference count: Wise and Friedman, *The one-bit reference count*, BIT 17, 1977.)

use crate::ids::{BlockId, Id, LocalId, TypeId};
use crate::instruction::{Instruction, Op};
use crate::intrinsic::Intrinsic;
use crate::liveness::{Liveness, LocalSet, reachable};
use crate::program::{Block, Function};
use crate::types::{Type, Types};

/// Puts `Op::Share` where it is needed and nowhere else.
pub(crate) fn complete(function: &mut Function, types: &Types) {
    let ids: Vec<BlockId> = function.blocks.ids().collect();
    for id in &ids {
        if let Some(block) = function.blocks.get_mut(*id) {
            block.instructions.retain(|instruction| !matches!(instruction.op, Op::Share { .. }));
        }
    }
    let collections: Vec<bool> =
        function.locals.values().map(|local| is_collection(types, local.ty)).collect();
    if !collections.contains(&true) {
        return;
    }
    let liveness = Liveness::of(function, &reachable(function));
    for id in ids {
        let Some(block) = function.blocks.get(id) else { continue };
        let instructions = Sharer { collections: &collections, liveness: &liveness, block }.instructions();
        if let Some(block) = function.blocks.get_mut(id) {
            block.instructions = instructions;
        }
    }
}

fn is_collection(types: &Types, ty: TypeId) -> bool {
    matches!(types.get(types.representation(ty)), Some(Type::List(_) | Type::Map(..) | Type::Set(_)))
}

struct Sharer<'a> {
    /// By local: whether it is a list, map or set.
    collections: &'a [bool],
    liveness: &'a Liveness,
    block: &'a Block,
}

impl Sharer<'_> {
    /// The block's instructions with those that share, made from the last to the first.
    fn instructions(&self) -> Vec<Instruction> {
        let mut live = self.liveness.at_end(self.block);
        let mut made = Vec::new();
        let mut operands = Vec::new();
        self.block.terminator.for_each_operand(|local| operands.push(local));
        self.share_operands(&operands, &live, self.block.location, &mut made);
        operands.iter().for_each(|local| live.insert(*local));
        for instruction in self.block.instructions.iter().rev() {
            self.instruction(instruction, &mut live, &mut made);
        }
        made.reverse();
        made
    }

    fn instruction(&self, instruction: &Instruction, live: &mut LocalSet, made: &mut Vec<Instruction>) {
        let op = &instruction.op;
        if let Some(dst) = op.dst() {
            if self.is_collection(dst) && takes_out(op) {
                made.push(share(dst, instruction.location));
            }
            live.remove(dst);
            self.liveness.add_handler(self.block, live);
        }
        made.push(instruction.clone());
        let mut operands = Vec::new();
        op.for_each_operand(|local| operands.push(local));
        if !only_reads(op) {
            self.share_operands(&operands, live, instruction.location, made);
        }
        operands.iter().for_each(|local| live.insert(*local));
    }

    /// Shares the operands that are needed afterwards, or handed over twice.
    fn share_operands(
        &self,
        operands: &[LocalId],
        live_after: &LocalSet,
        location: crate::program::Location,
        made: &mut Vec<Instruction>,
    ) {
        for (at, local) in operands.iter().enumerate() {
            let (before, rest) = operands.split_at(at);
            let again = rest.iter().skip(1).any(|other| other == local);
            if self.is_collection(*local) && !before.contains(local) && (again || live_after.contains(*local))
            {
                made.push(share(*local, location));
            }
        }
    }

    fn is_collection(&self, local: LocalId) -> bool {
        self.collections.get(local.index()).copied().unwrap_or(false)
    }
}

fn share(local: LocalId, location: crate::program::Location) -> Instruction {
    Instruction { op: Op::Share { value: local }, location }
}

/// Whether the result is held by an operand as well: it was taken out of it.
fn takes_out(op: &Op) -> bool {
    match op {
        Op::ListGet { .. }
        | Op::Field { .. }
        | Op::CaseField { .. }
        | Op::Unwrap { .. }
        | Op::Capture { .. }
        | Op::ErrorValue { .. } => true,
        Op::Intrinsic { intrinsic, .. } => !makes_anew(*intrinsic),
        _ => false,
    }
}

/// Whether the result is a collection that no value holds, or the operand's own, handed through.
fn makes_anew(intrinsic: Intrinsic) -> bool {
    use Intrinsic::*;
    matches!(
        intrinsic,
        ListPush
            | ListSet
            | ListConcat
            | ListSlice
            | ListReverse
            | ListSort
            | ListArrange
            | ListFilled
            | ListRange
            | MapNew
            | MapInsert
            | MapRemove
            | MapKeys
            | MapValues
            | MapEntries
            | SetNew
            | SetInsert
            | SetRemove
            | SetToList
            | StringSplit
            | StringLines
            | StringWords
            | StringCodes
    )
}

/// Whether the instruction keeps no reference to the collections it reads.
fn only_reads(op: &Op) -> bool {
    use Intrinsic::*;
    match op {
        Op::ListGet { .. } | Op::ListLen { .. } | Op::Equal { .. } | Op::Trace { .. } => true,
        Op::Intrinsic { intrinsic, .. } => matches!(
            intrinsic,
            Show | Compare
                | StringJoin
                | StringJoinAll
                | ListSlice
                | ListContains
                | ListIndexOf
                | ListReverse
                | ListSort
                | MapLen
                | MapGet
                | MapContains
                | MapKeys
                | MapValues
                | MapEntries
                | SetLen
                | SetContains
                | SetToList
                | JsonFrom
        ),
        _ => false,
    }
}
