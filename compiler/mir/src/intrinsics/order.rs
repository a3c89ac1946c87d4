//! Sorting.

use super::{Context, Failure, Outcome, trap};
use crate::heap::{Heap, TrapKind};
use crate::ids::TypeId;
use crate::types::{Type, Types};
use crate::value;
use std::cmp::Ordering;

/// An item and the key it is sorted by.
type Keyed = (u64, u64);

impl Context<'_> {
    /// Traps where values of the type have no order.
    pub(super) fn check_ordered(&self, ty: TypeId) -> Result<(), Failure> {
        let types = &self.program.types;
        if is_simple(types, ty) || value::is_ordered(types, ty) {
            return Ok(());
        }
        trap(TrapKind::InvalidValue, format!("values of type {} have no order", types.show(ty)))
    }

    /// The items in ascending order of the keys beside them, equal ones as they were. `ty` is the keys' type.
    pub(super) fn sorted(&mut self, ty: TypeId, mut items: Vec<Keyed>) -> Outcome {
        self.check_ordered(ty)?;
        let (types, heap) = (&self.program.types, &*self.heap);
        match types.get(types.representation(ty)) {
            Some(Type::Bool | Type::Int | Type::Duration | Type::Timestamp) => {
                items.sort_by_key(|(_, key)| key.cast_signed());
            }
            Some(Type::Float) => items.sort_by(|(_, left), (_, right)| {
                // No Float is a NaN; 0.0 and -0.0 are equal.
                f64::from_bits(*left).partial_cmp(&f64::from_bits(*right)).unwrap_or(Ordering::Equal)
            }),
            Some(Type::Decimal) => items.sort_by_cached_key(|(_, key)| heap.decimal_at(*key)),
            Some(Type::String | Type::Bytes) => {
                items.sort_by(|(_, left), (_, right)| heap.bytes_at(*left).cmp(heap.bytes_at(*right)));
            }
            _ => items = merge_sorted(types, heap, ty, items),
        }
        let items: Vec<u64> = items.into_iter().map(|(item, _)| item).collect();
        Ok(self.heap.make_list(&items)?)
    }
}

fn is_simple(types: &Types, ty: TypeId) -> bool {
    let simple = [
        Type::Int,
        Type::String,
        Type::Decimal,
        Type::Float,
        Type::Bool,
        Type::Duration,
        Type::Timestamp,
        Type::Bytes,
    ];
    types.get(types.representation(ty)).is_some_and(|ty| simple.contains(ty))
}

/// A stable merge sort of our own: comparing composite values gives up when the strand is interrupted, and the standard
/// library may panic on an order that changes.
fn merge_sorted(types: &Types, heap: &Heap, ty: TypeId, mut items: Vec<Keyed>) -> Vec<Keyed> {
    let mut merged = Vec::with_capacity(items.len());
    let mut width = 1;
    while width < items.len() && !heap.interrupted() {
        for pair in items.chunks(width.saturating_mul(2)) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut left, mut right) = (left, right);
            while let ([first, rest_left @ ..], [second, rest_right @ ..]) = (left, right) {
                if value::compare(types, heap, ty, second.1, first.1).is_lt() {
                    merged.push(*second);
                    right = rest_right;
                } else {
                    merged.push(*first);
                    left = rest_left;
                }
            }
            merged.extend(left.iter().chain(right));
        }
        std::mem::swap(&mut items, &mut merged);
        merged.clear();
        width *= 2;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As the standard library's stable sort does, ties in their order.
        #[test]
        fn sorts_stably(keys in prop::collection::vec(0u64..8, 0..200)) {
            let mut types = Types::new();
            let int = types.push(Type::Int);
            let items: Vec<Keyed> = (0..).zip(keys).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(_, key)| *key);
            prop_assert_eq!(merge_sorted(&types, &Heap::default(), int, items), expected);
        }
    }
}
