//! Hashes of values. Part of the stored format: maps keep the hashes of their keys.

use crate::heap::Heap;
use crate::heap::json::JsonTag;
use crate::ids::TypeId;
use crate::types::{Type, Types};
use rust_decimal::Decimal;

/// How many parts of a value its hash depends on.
const MOST_PARTS: usize = 4096;

/// The hash of a value. Equal values have equal hashes; it is the same on every machine and in every version.
pub fn hash(types: &Types, heap: &Heap, ty: TypeId, word: u64) -> u64 {
    let mut state = 0;
    match types.get(types.representation(ty)) {
        // The common keys need no stack.
        Some(Type::String | Type::Bytes) => return hash_bytes(heap.bytes_at(word)),
        Some(Type::Int) => return mix(0, word),
        _ => {}
    }
    let mut pending = vec![(ty, word)];
    // A value whose parts are shared again and again has far more parts than memory: a bounded number is looked at.
    for _ in 0..MOST_PARTS {
        let Some((ty, word)) = pending.pop() else { break };
        state = mix(state, hash_one(types, heap, ty, word, &mut pending));
    }
    state
}

/// The hash of bytes, and so of strings.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        if let Some(start) = word.get_mut(..chunk.len()) {
            start.copy_from_slice(chunk);
        }
        state = mix(state, u64::from_le_bytes(word));
    }
    state
}

/// One round of a multiply-and-fold hash.
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(word.rotate_left(32) ^ 0xD6E8_FEB8_6659_FD93);
    (product as u64) ^ ((product >> 64) as u64) ^ state.rotate_left(23)
}

fn hash_one(types: &Types, heap: &Heap, ty: TypeId, word: u64, pending: &mut Vec<(TypeId, u64)>) -> u64 {
    match types.get(types.representation(ty)) {
        Some(Type::Decimal) => hash_decimal(heap.decimal_at(word)),
        Some(Type::Float) if f64::from_bits(word) == 0.0 => 0,
        Some(Type::String | Type::Bytes) => hash_bytes(heap.bytes_at(word)),
        Some(Type::Json) => hash_json(heap, ty, word, pending),
        Some(Type::List(item)) => {
            let items = heap.list_items(word);
            pending.extend(items.iter().map(|word| (*item, *word)));
            items.len() as u64
        }
        // Equal maps may differ in order.
        Some(Type::Map(..) | Type::Set(_)) => heap.map_len(word) as u64,
        Some(Type::Option(item)) => {
            let value = heap.option_at(types, *item, word);
            pending.extend(value.map(|value| (*item, value)));
            u64::from(value.is_some())
        }
        Some(Type::Tuple(items)) => {
            pending.extend(items.iter().enumerate().map(|(index, ty)| (*ty, heap.field(word, index))));
            0
        }
        Some(Type::Record { fields, .. }) => {
            pending
                .extend(fields.iter().enumerate().map(|(index, field)| (field.ty, heap.field(word, index))));
            0
        }
        Some(Type::Enum { cases, .. }) => {
            let case = heap.case_of(types, ty, word);
            let fields = usize::try_from(case).ok().and_then(|case| cases.get(case)).map(|case| &case.fields);
            let fields = fields.into_iter().flatten().enumerate();
            pending.extend(fields.map(|(index, field)| (field.ty, heap.case_field(word, index))));
            case
        }
        Some(Type::Error) => {
            let parts = heap.error_parts(word);
            pending.push((parts.ty, parts.value));
            u64::from(parts.ty.0)
        }
        Some(Type::Function { .. }) => heap.get(word, 0),
        _ => word,
    }
}

fn hash_decimal(value: Decimal) -> u64 {
    let value = value.normalize();
    let mantissa = value.mantissa();
    mix(mix(mantissa as u64, (mantissa >> 64) as u64), u64::from(value.scale()))
}

fn hash_json(heap: &Heap, ty: TypeId, word: u64, pending: &mut Vec<(TypeId, u64)>) -> u64 {
    let (tag, payload) = (heap.get(word, 0), heap.get(word, 1));
    let content = match JsonTag::new(tag) {
        Some(JsonTag::Number) => {
            let digits = heap.str_at(payload);
            digits.parse().map_or_else(|_| hash_bytes(digits.as_bytes()), hash_decimal)
        }
        Some(JsonTag::String) => hash_bytes(heap.bytes_at(payload)),
        Some(JsonTag::Array) => {
            let items = heap.list_items(payload);
            pending.extend(items.iter().map(|word| (ty, *word)));
            items.len() as u64
        }
        Some(JsonTag::Object) => heap.map_len(payload) as u64,
        _ => payload,
    };
    mix(tag, content)
}
