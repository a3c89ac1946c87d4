//! Structural equality and order.

use crate::heap::Heap;
use crate::heap::json::JsonTag;
use crate::ids::TypeId;
use crate::types::{Type, Types};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Maps whose keys contain maps whose keys … deeper than this are never equal: looking a key up compares recursively.
const DEEPEST_KEYS: usize = 64;
/// How often a long comparison looks whether the strand was interrupted.
const POLL: usize = 4096;

/// Structural equality of two values of one type. Maps and sets are equal whatever their order. Gives up, with `false`,
/// when the strand is interrupted; the next safepoint then raises.
pub fn equal(types: &Types, heap: &Heap, ty: TypeId, left: u64, right: u64) -> bool {
    equal_within(types, heap, ty, left, right, DEEPEST_KEYS)
}

fn equal_within(types: &Types, heap: &Heap, ty: TypeId, left: u64, right: u64, depth: usize) -> bool {
    match types.get(types.representation(ty)) {
        // The common keys need no stack.
        Some(Type::String | Type::Bytes) => return heap.bytes_at(left) == heap.bytes_at(right),
        Some(Type::Int | Type::Bool) => return left == right,
        _ => {}
    }
    let mut walk = Walk::new(types, heap, Pending::Part(ty, left, right), depth);
    while let Some(pending) = walk.pending.pop() {
        if walk.interrupted() {
            return false;
        }
        if !walk.step(pending).is_some_and(Ordering::is_eq) {
            return false;
        }
    }
    true
}

/// The order of two values of an ordered type: numbers by value, text by Unicode scalar values, `none` first, composites
/// from left to right.
pub fn compare(types: &Types, heap: &Heap, ty: TypeId, left: u64, right: u64) -> Ordering {
    let mut walk = Walk::new(types, heap, Pending::Part(ty, left, right), DEEPEST_KEYS);
    while let Some(pending) = walk.pending.pop() {
        if walk.interrupted() {
            return Ordering::Equal;
        }
        let pushed = walk.pending.len();
        match walk.step(pending) {
            // Parts are pushed from left to right; the leftmost is to be looked at first.
            Some(Ordering::Equal) => {
                if let Some(parts) = walk.pending.get_mut(pushed..) {
                    parts.reverse();
                }
            }
            Some(unequal) => return unequal,
            None => return Ordering::Less,
        }
    }
    Ordering::Equal
}

/// Whether values of the type have an order.
pub fn is_ordered(types: &Types, ty: TypeId) -> bool {
    let mut seen = Vec::new();
    let mut pending = vec![ty];
    while let Some(ty) = pending.pop() {
        if seen.contains(&ty) {
            continue;
        }
        seen.push(ty);
        match types.get(types.representation(ty)) {
            Some(Type::List(item) | Type::Option(item)) => pending.push(*item),
            Some(Type::Tuple(items)) => pending.extend(items),
            Some(Type::Record { fields, .. }) => pending.extend(fields.iter().map(|field| field.ty)),
            Some(Type::Enum { cases, .. }) => {
                pending.extend(cases.iter().flat_map(|case| &case.fields).map(|field| field.ty));
            }
            Some(Type::Map(..) | Type::Set(_) | Type::Function { .. } | Type::Json | Type::Error) | None => {
                return false;
            }
            Some(_) => {}
        }
    }
    true
}

/// What is left to compare.
enum Pending {
    Part(TypeId, u64, u64),
    Decided(Ordering),
}

struct Walk<'a> {
    types: &'a Types,
    heap: &'a Heap,
    pending: Vec<Pending>,
    depth: usize,
    /// How many parts were looked at.
    count: usize,
    /// The pairs whose parts were pushed, once there are more parts than memory could hold without sharing: values that
    /// share theirs again and again are compared pair by pair, not part by part.
    known: HashSet<(TypeId, u64, u64)>,
}

impl<'a> Walk<'a> {
    fn new(types: &'a Types, heap: &'a Heap, whole: Pending, depth: usize) -> Walk<'a> {
        Walk { types, heap, pending: vec![whole], depth, count: 0, known: HashSet::new() }
    }

    /// Counts a part; whether the strand was interrupted meanwhile.
    fn interrupted(&mut self) -> bool {
        self.count += 1;
        self.count.is_multiple_of(POLL) && self.heap.interrupted()
    }

    /// Whether a pair was met before. Its parts are equal, or will be found not to be: an unequal one ends the walk.
    fn is_known(&mut self, ty: TypeId, left: u64, right: u64) -> bool {
        self.count > self.heap.len() && !self.known.insert((ty, left, right))
    }

    /// Compares what is no part, pushes the parts. `None`: unequal, and without an order.
    fn step(&mut self, pending: Pending) -> Option<Ordering> {
        let (ty, left, right) = match pending {
            Pending::Part(ty, left, right) => (ty, left, right),
            Pending::Decided(order) => return Some(order),
        };
        let (types, heap) = (self.types, self.heap);
        Some(match types.get(types.representation(ty)) {
            Some(Type::Bool | Type::Int | Type::Duration | Type::Timestamp) => {
                (left as i64).cmp(&(right as i64))
            }
            Some(Type::Float) => {
                let (left, right) = (f64::from_bits(left), f64::from_bits(right));
                // No value is a NaN. Were one to get here all the same, sorting must still end.
                left.partial_cmp(&right).unwrap_or_else(|| left.total_cmp(&right))
            }
            _ if left == right => Ordering::Equal,
            Some(Type::Decimal) => heap.decimal_at(left).cmp(&heap.decimal_at(right)),
            Some(Type::String | Type::Bytes) => heap.bytes_at(left).cmp(heap.bytes_at(right)),
            _ if self.is_known(ty, left, right) => Ordering::Equal,
            Some(Type::List(item)) => self.lists(*item, left, right),
            Some(Type::Option(item)) => {
                match (heap.option_at(types, *item, left), heap.option_at(types, *item, right)) {
                    (Some(left), Some(right)) => self.part(*item, left, right),
                    (left, right) => left.is_some().cmp(&right.is_some()),
                }
            }
            Some(Type::Tuple(items)) => {
                let parts = items.iter().enumerate();
                let parts =
                    parts.map(|(at, ty)| Pending::Part(*ty, heap.field(left, at), heap.field(right, at)));
                self.pending.extend(parts);
                Ordering::Equal
            }
            Some(Type::Record { fields, .. }) => {
                let parts = fields.iter().enumerate();
                let parts = parts
                    .map(|(at, field)| Pending::Part(field.ty, heap.field(left, at), heap.field(right, at)));
                self.pending.extend(parts);
                Ordering::Equal
            }
            Some(Type::Enum { .. }) => self.cases(ty, left, right),
            Some(Type::Map(key, value)) => self.maps(*key, Some(*value), left, right)?,
            Some(Type::Set(item)) => self.maps(*item, None, left, right)?,
            Some(Type::Json) => self.json(ty, left, right)?,
            Some(Type::Error) => {
                let (left, right) = (heap.error_parts(left), heap.error_parts(right));
                if left.ty != right.ty {
                    return None;
                }
                self.part(left.ty, left.value, right.value)
            }
            _ => return None,
        })
    }

    fn part(&mut self, ty: TypeId, left: u64, right: u64) -> Ordering {
        self.pending.push(Pending::Part(ty, left, right));
        Ordering::Equal
    }

    /// Items first; the shorter list is the smaller where it is the other's beginning.
    fn lists(&mut self, item: TypeId, left: u64, right: u64) -> Ordering {
        let (left, right) = (self.heap.list_items(left), self.heap.list_items(right));
        let parts = left.iter().zip(right);
        self.pending.extend(parts.map(|(left, right)| Pending::Part(item, *left, *right)));
        if left.len() != right.len() {
            // Equality looks at the last part first and so is done at once; order looks at it last.
            self.pending.push(Pending::Decided(left.len().cmp(&right.len())));
        }
        Ordering::Equal
    }

    fn cases(&mut self, ty: TypeId, left: u64, right: u64) -> Ordering {
        let (types, heap) = (self.types, self.heap);
        let case = heap.case_of(types, ty, left);
        let order = case.cmp(&heap.case_of(types, ty, right));
        let Some(Type::Enum { cases, .. }) = types.get(types.representation(ty)) else { return order };
        let fields = usize::try_from(case).ok().and_then(|case| cases.get(case)).map(|case| &case.fields);
        if let (Ordering::Equal, Some(fields)) = (order, fields) {
            let parts = fields.iter().enumerate();
            let parts = parts.map(|(at, field)| {
                Pending::Part(field.ty, heap.case_field(left, at), heap.case_field(right, at))
            });
            self.pending.extend(parts);
        }
        order
    }

    fn maps(&mut self, key: TypeId, value: Option<TypeId>, left: u64, right: u64) -> Option<Ordering> {
        let (types, heap) = (self.types, self.heap);
        let depth = self.depth.checked_sub(1)?;
        if heap.map_len(left) != heap.map_len(right) {
            return None;
        }
        for entry in heap.map_entries(left) {
            let found = heap.map_find(right, entry.hash, |known| {
                equal_within(types, heap, key, known, entry.key, depth)
            })?;
            self.pending.extend(value.map(|ty| Pending::Part(ty, entry.value, found)));
        }
        Some(Ordering::Equal)
    }

    fn json(&mut self, ty: TypeId, left: u64, right: u64) -> Option<Ordering> {
        let heap = self.heap;
        let (tag, left_payload, right_payload) = (heap.get(left, 0), heap.get(left, 1), heap.get(right, 1));
        if tag != heap.get(right, 0) {
            return None;
        }
        match JsonTag::new(tag) {
            Some(JsonTag::Number) => {
                let (left, right) = (heap.str_at(left_payload), heap.str_at(right_payload));
                let numbers = left.parse::<Decimal>().ok().zip(right.parse::<Decimal>().ok());
                Some(numbers.map_or_else(|| left.cmp(right), |(left, right)| left.cmp(&right)))
            }
            Some(JsonTag::String) => Some(heap.bytes_at(left_payload).cmp(heap.bytes_at(right_payload))),
            Some(JsonTag::Array) => {
                let (left, right) = (heap.list_items(left_payload), heap.list_items(right_payload));
                self.pending
                    .extend(left.iter().zip(right).map(|(left, right)| Pending::Part(ty, *left, *right)));
                (left.len() == right.len()).then_some(Ordering::Equal)
            }
            Some(JsonTag::Object) => self.maps(heap.known().string, Some(ty), left_payload, right_payload),
            _ => Some(left_payload.cmp(&right_payload)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]
mod tests {
    use super::*;

    /// An order that says "less" both ways makes sorting panic.
    #[test]
    fn false_comes_before_true() {
        let mut types = Types::new();
        let ty = types.push(Type::Bool);
        let heap = Heap::default();
        assert_eq!(compare(&types, &heap, ty, 0, 1), Ordering::Less);
        assert_eq!(compare(&types, &heap, ty, 1, 0), Ordering::Greater);
    }

    /// A pair of a pair of a pair …, each with one part twice: of a few words, and with 2^60 parts.
    #[test]
    fn what_shares_its_parts_is_compared_in_time() {
        let mut types = Types::new();
        let int = types.push(Type::Int);
        let mut ty = types.push(Type::List(int));
        let mut heap = Heap::default();
        let [mut one, mut same, mut greater] = [5, 5, 6].map(|last| heap.make_list(&[1, last]).unwrap());
        for level in 0..60 {
            let wrap = [Type::Tuple(vec![ty, ty]), Type::List(ty)];
            ty = types.push(wrap[level % 2].clone());
            let mut double = |part: u64| match level % 2 {
                0 => heap.alloc_from(&[part, part]).unwrap(),
                _ => heap.make_list(&[part, part]).unwrap(),
            };
            [one, same, greater] = [one, same, greater].map(&mut double);
        }
        assert!(equal(&types, &heap, ty, one, same) && !equal(&types, &heap, ty, one, greater));
        assert_eq!(compare(&types, &heap, ty, one, same), Ordering::Equal);
        assert_eq!(compare(&types, &heap, ty, one, greater), Ordering::Less);
        assert_eq!(compare(&types, &heap, ty, greater, same), Ordering::Greater);
    }

    #[test]
    fn floats_have_one_order_whatever_their_bits() {
        let mut types = Types::new();
        let ty = types.push(Type::Float);
        let heap = Heap::default();
        let floats = [f64::NEG_INFINITY, -1.0, 0.0, 2.5, f64::INFINITY, f64::NAN];
        for (at, left) in floats.iter().enumerate() {
            for (other, right) in floats.iter().enumerate() {
                let order = compare(&types, &heap, ty, left.to_bits(), right.to_bits());
                assert_eq!(order, at.cmp(&other), "{left} and {right}");
            }
        }
        assert_eq!(compare(&types, &heap, ty, 0.0_f64.to_bits(), (-0.0_f64).to_bits()), Ordering::Equal);
    }
}
