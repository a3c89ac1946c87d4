//! Building and reading strings, bytes, decimals, options, records and cases, so that nobody else knows offsets.

use super::list::items_of;
use super::{Heap, OutOfMemory, part};
use crate::ids::TypeId;
use crate::program::Constant;
use crate::types::{Type, Types};
use rust_decimal::Decimal;
use std::fmt::Display;
use std::io::{Cursor, Write};

#[cfg(target_endian = "big")]
compile_error!("values are stored little-endian and viewed in place: big-endian machines need a swap here");

impl Heap {
    /// A `String`.
    pub fn string(&mut self, text: &str) -> Result<u64, OutOfMemory> {
        self.bytes(text.as_bytes())
    }

    /// A `Bytes` value.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<u64, OutOfMemory> {
        self.bytes_below(bytes, self.limits.heap_words)
    }

    pub(super) fn bytes_below(&mut self, bytes: &[u8], limit: usize) -> Result<u64, OutOfMemory> {
        let words = bytes.len().div_ceil(8);
        let reference = self.alloc_below(1 + words, limit)?;
        self.set(reference, 0, bytes.len() as u64);
        let target: &mut [u8] = bytemuck::cast_slice_mut(self.slice_mut(reference, 1, words));
        put(target, bytes);
        Ok(reference)
    }

    /// A `String` that shows an integer of at most 64 bits, made without memory of its own.
    pub fn digits(&mut self, number: impl Display) -> Result<u64, OutOfMemory> {
        // As long as the longest.
        let mut digits = Cursor::new([0; 20]);
        if write!(digits, "{number}").is_err() {
            return self.string(&number.to_string());
        }
        let len = usize::try_from(digits.position()).unwrap_or(0);
        self.bytes(digits.get_ref().get(..len).unwrap_or_default())
    }

    /// The `String`s of a list as one, with another between them.
    pub fn join(&mut self, strings: u64, separator: u64) -> Result<u64, OutOfMemory> {
        let (items, between) = (self.list_items(strings), self.bytes_at(separator).len());
        let sum = |sum: usize, item: &u64| sum.saturating_add(self.bytes_at(*item).len());
        let between = between.saturating_mul(items.len().saturating_sub(1));
        let bytes = items.iter().fold(between, sum);
        let reference = self.alloc(bytes.div_ceil(8).saturating_add(1))?;
        self.set(reference, 0, bytes as u64);
        let start = usize::try_from(reference).unwrap_or(usize::MAX);
        let Some((old, new)) = self.words.split_at_mut_checked(start) else { return Ok(reference) };
        let mut target: &mut [u8] = bytemuck::cast_slice_mut(new.get_mut(1..).unwrap_or_default());
        for (at, item) in items_of(old, strings).iter().enumerate() {
            if at > 0 {
                target = put(target, bytes_of(old, separator));
            }
            target = put(target, bytes_of(old, *item));
        }
        Ok(reference)
    }

    /// The bytes of a `Bytes` value or a `String`.
    pub fn bytes_at(&self, reference: u64) -> &[u8] {
        bytes_of(&self.words, reference)
    }

    /// The text of a `String`; empty where it isn't one.
    pub fn str_at(&self, reference: u64) -> &str {
        std::str::from_utf8(self.bytes_at(reference)).unwrap_or("")
    }

    /// A `Decimal`.
    pub fn decimal(&mut self, value: Decimal) -> Result<u64, OutOfMemory> {
        self.alloc_from(&decimal_words(value))
    }

    /// The number of a `Decimal`.
    pub fn decimal_at(&self, reference: u64) -> Decimal {
        words_decimal(self.get(reference, 0), self.get(reference, 1))
    }

    /// A pooled constant's value.
    pub fn constant(&mut self, constant: &Constant) -> Result<u64, OutOfMemory> {
        match constant {
            Constant::String(text) => self.string(text),
            Constant::Bytes(bytes) => self.bytes(bytes),
            Constant::Decimal(bytes) => self.decimal(Decimal::deserialize(*bytes)),
        }
    }

    /// `Some(value)` of the type `Option(item)`.
    pub fn make_some(&mut self, types: &Types, item: TypeId, value: u64) -> Result<u64, OutOfMemory> {
        if types.is_plain_reference(item) { Ok(value) } else { self.alloc_from(&[value]) }
    }

    /// The value inside an option of type `Option(item)`; `None` for `none`.
    pub fn option_at(&self, types: &Types, item: TypeId, option: u64) -> Option<u64> {
        if option == 0 {
            None
        } else if types.is_plain_reference(item) {
            Some(option)
        } else {
            Some(self.get(option, 0))
        }
    }

    /// An option of type `Option(item)` from a Rust one.
    pub fn make_option(
        &mut self,
        types: &Types,
        item: TypeId,
        value: Option<u64>,
    ) -> Result<u64, OutOfMemory> {
        value.map_or(Ok(0), |value| self.make_some(types, item, value))
    }

    /// A tuple or record.
    pub fn make_record(&mut self, fields: &[u64]) -> Result<u64, OutOfMemory> {
        // An empty record must still have a reference of its own.
        if fields.is_empty() { self.alloc(1) } else { self.alloc_from(fields) }
    }

    /// A field of a tuple or record.
    pub fn field(&self, record: u64, index: usize) -> u64 {
        self.get(record, index)
    }

    /// A value of the enum type `ty` in that case.
    pub fn make_case(
        &mut self,
        types: &Types,
        ty: TypeId,
        case: u32,
        fields: &[u64],
    ) -> Result<u64, OutOfMemory> {
        if !has_fields(types, ty) {
            return Ok(u64::from(case));
        }
        let reference = self.alloc(1 + fields.len())?;
        self.set(reference, 0, u64::from(case));
        self.slice_mut(reference, 1, fields.len()).copy_from_slice(fields);
        Ok(reference)
    }

    /// The case number of a value of the enum type `ty`.
    pub fn case_of(&self, types: &Types, ty: TypeId, value: u64) -> u64 {
        if has_fields(types, ty) { self.get(value, 0) } else { value }
    }

    /// A field of an enum value's case.
    pub fn case_field(&self, value: u64, index: usize) -> u64 {
        self.get(value, 1 + index)
    }
}

/// The bytes of a `Bytes` value or a `String` that stands in these words.
fn bytes_of(words: &[u64], reference: u64) -> &[u8] {
    let &[len] = part(words, reference, 0, 1) else { return &[] };
    let len = if reference == 0 { 0 } else { usize::try_from(len).unwrap_or(usize::MAX) };
    let bytes: &[u8] = bytemuck::cast_slice(part(words, reference, 1, len.div_ceil(8)));
    bytes.get(..len).unwrap_or(&[])
}

/// Puts bytes at the start of a place, where they fit: the rest of it.
fn put<'a>(place: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let Some((start, rest)) = place.split_at_mut_checked(bytes.len()) else { return &mut [] };
    start.copy_from_slice(bytes);
    rest
}

/// Whether values of the enum type are objects rather than case numbers.
fn has_fields(types: &Types, ty: TypeId) -> bool {
    match types.get(types.representation(ty)) {
        Some(Type::Enum { cases, .. }) => cases.iter().any(|case| !case.fields.is_empty()),
        _ => false,
    }
}

/// A decimal's two words.
pub fn decimal_words(value: Decimal) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value.serialize();
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
}

/// The decimal of two words.
pub fn words_decimal(low: u64, high: u64) -> Decimal {
    let [a, b, c, d, e, f, g, h] = low.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = high.to_le_bytes();
    Decimal::deserialize([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}
