//! What instructions read and write, and where terminators go: one table for every analysis, printer and executor.

use crate::ids::{BlockId, LocalId};
use crate::instruction::{Op, Terminator};

impl Op {
    /// The local that receives the result; `Trace` and `Share` have none.
    pub fn dst(&self) -> Option<LocalId> {
        use Op::*;
        match self {
            Word { dst, .. }
            | Constant { dst, .. }
            | Copy { dst, .. }
            | Binary { dst, .. }
            | Unary { dst, .. }
            | Equal { dst, .. }
            | MakeTuple { dst, .. }
            | Field { dst, .. }
            | With { dst, .. }
            | MakeCase { dst, .. }
            | CaseOf { dst, .. }
            | CaseField { dst, .. }
            | MakeSome { dst, .. }
            | IsSome { dst, .. }
            | Unwrap { dst, .. }
            | MakeList { dst, .. }
            | ListGet { dst, .. }
            | ListLen { dst, .. }
            | Call { dst, .. }
            | MakeClosure { dst, .. }
            | CallClosure { dst, .. }
            | Capture { dst, .. }
            | Intrinsic { dst, .. }
            | MakeError { dst, .. }
            | ErrorIs { dst, .. }
            | ErrorValue { dst, .. }
            | ErrorUnknownKey { dst, .. }
            | Host { dst, .. } => Some(*dst),
            Trace { .. } | Share { .. } => None,
        }
    }

    /// Visits the locals it reads, in order.
    pub fn for_each_operand(&self, mut visit: impl FnMut(LocalId)) {
        use Op::*;
        match self {
            Word { .. } | Constant { .. } => {}
            Copy { src, .. } => visit(*src),
            Binary { left, right, .. } | Equal { left, right, .. } => {
                visit(*left);
                visit(*right);
            }
            Unary { operand, .. } => visit(*operand),
            Share { value } => visit(*value),
            MakeTuple { fields, .. } | MakeCase { fields, .. } => fields.iter().copied().for_each(visit),
            Field { base, .. } | CaseOf { base, .. } | CaseField { base, .. } => visit(*base),
            With { base, fields, .. } => {
                visit(*base);
                fields.iter().for_each(|(_, local)| visit(*local));
            }
            MakeSome { value, .. } | MakeError { value, .. } => visit(*value),
            IsSome { option, .. } | Unwrap { option, .. } => visit(*option),
            MakeList { items, .. } => items.iter().copied().for_each(visit),
            ListGet { list, index, .. } => {
                visit(*list);
                visit(*index);
            }
            ListLen { list, .. } => visit(*list),
            Call { args, .. } | Intrinsic { args, .. } | Host { args, .. } => {
                args.iter().copied().for_each(visit);
            }
            MakeClosure { captures, .. } => captures.iter().copied().for_each(visit),
            CallClosure { closure, args, .. } => {
                visit(*closure);
                args.iter().copied().for_each(visit);
            }
            Capture { environment, .. } => visit(*environment),
            ErrorIs { error, .. } | ErrorValue { error, .. } | ErrorUnknownKey { error, .. } => visit(*error),
            Trace { error, values } => {
                visit(*error);
                values.iter().copied().for_each(visit);
            }
        }
    }
}

impl Terminator {
    /// Visits the blocks it may go to (handlers aside).
    pub fn for_each_target(&self, mut visit: impl FnMut(BlockId)) {
        match self {
            Terminator::Goto(next)
            | Terminator::Safepoint { next, .. }
            | Terminator::Suspend { next, .. } => visit(*next),
            Terminator::Branch { then, otherwise, .. } => {
                visit(*then);
                visit(*otherwise);
            }
            Terminator::Switch { targets, otherwise, .. } => {
                targets.iter().copied().for_each(&mut visit);
                visit(*otherwise);
            }
            Terminator::Return(_) | Terminator::Raise(_) | Terminator::Unreachable => {}
        }
    }

    /// Visits the locals it reads.
    pub fn for_each_operand(&self, mut visit: impl FnMut(LocalId)) {
        match self {
            Terminator::Branch { condition: local, .. }
            | Terminator::Switch { value: local, .. }
            | Terminator::Return(local)
            | Terminator::Raise(local) => visit(*local),
            Terminator::Suspend { op, .. } => op.operands().into_iter().for_each(visit),
            Terminator::Goto(_) | Terminator::Safepoint { .. } | Terminator::Unreachable => {}
        }
    }
}
