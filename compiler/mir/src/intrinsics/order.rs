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
        let heap = &*self.heap;
        match Order::new(&self.program.types, ty, DEEPEST) {
            Order::Int => items.sort_by_key(|(_, key)| key.cast_signed()),
            Order::Decimal => items.sort_by_cached_key(|(_, key)| heap.decimal_at(*key)),
            Order::Bytes => {
                items.sort_by(|(_, left), (_, right)| heap.bytes_at(*left).cmp(heap.bytes_at(*right)));
            }
            order => items = merge_sorted(&order, heap, items),
        }
        let items: Vec<u64> = items.into_iter().map(|(item, _)| item).collect();
        Ok(self.heap.make_list(&items)?)
    }
}

/// Parts of parts of … parts that are compared without looking at their types each time.
const DEEPEST: usize = 4;

/// How two values of a type are compared, looked up once for many comparisons.
enum Order<'a> {
    /// Of what is a signed number.
    Int,
    Float,
    Decimal,
    /// Of texts and bytes.
    Bytes,
    /// Of a tuple or a record, from left to right.
    Parts(Vec<Order<'a>>),
    /// The general way.
    Other(&'a Types, TypeId),
}

impl<'a> Order<'a> {
    fn new(types: &'a Types, ty: TypeId, depth: usize) -> Order<'a> {
        let part = |ty: TypeId| Order::new(types, ty, depth.saturating_sub(1));
        match types.get(types.representation(ty)) {
            Some(Type::Bool | Type::Int | Type::Duration | Type::Timestamp) => Order::Int,
            Some(Type::Float) => Order::Float,
            Some(Type::Decimal) => Order::Decimal,
            Some(Type::String | Type::Bytes) => Order::Bytes,
            Some(Type::Tuple(parts)) if depth > 0 => Order::Parts(parts.iter().map(|ty| part(*ty)).collect()),
            Some(Type::Record { fields, .. }) if depth > 0 => {
                Order::Parts(fields.iter().map(|field| part(field.ty)).collect())
            }
            _ => Order::Other(types, ty),
        }
    }

    fn compare(&self, heap: &Heap, left: u64, right: u64) -> Ordering {
        match self {
            Order::Int => left.cast_signed().cmp(&right.cast_signed()),
            // No Float is a NaN; 0.0 and -0.0 are equal.
            Order::Float => {
                f64::from_bits(left).partial_cmp(&f64::from_bits(right)).unwrap_or(Ordering::Equal)
            }
            Order::Decimal => heap.decimal_at(left).cmp(&heap.decimal_at(right)),
            Order::Bytes => heap.bytes_at(left).cmp(heap.bytes_at(right)),
            Order::Parts(parts) => {
                let orders = parts.iter().enumerate();
                let mut orders =
                    orders.map(|(at, part)| part.compare(heap, heap.field(left, at), heap.field(right, at)));
                orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }
            Order::Other(types, ty) => value::compare(types, heap, *ty, left, right),
        }
    }
}

fn is_simple(types: &Types, ty: TypeId) -> bool {
    matches!(
        types.get(types.representation(ty)),
        Some(
            Type::Bool
                | Type::Int
                | Type::Duration
                | Type::Timestamp
                | Type::Float
                | Type::Decimal
                | Type::String
                | Type::Bytes
        )
    )
}

/// A stable merge sort of our own: comparing composite values gives up when the strand is interrupted, and the standard
/// library may panic on an order that changes.
fn merge_sorted(order: &Order<'_>, heap: &Heap, mut items: Vec<Keyed>) -> Vec<Keyed> {
    let mut merged = Vec::with_capacity(items.len());
    let mut width = 1;
    while width < items.len() && !heap.interrupted() {
        for pair in items.chunks(width.saturating_mul(2)) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([first, rest_left @ ..], [second, rest_right @ ..]) = (left, right) {
                if order.compare(heap, second.1, first.1).is_lt() {
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
            let items: Vec<Keyed> = (0..).zip(keys).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(_, key)| *key);
            prop_assert_eq!(merge_sorted(&Order::Int, &Heap::default(), items), expected);
        }
    }
}
