//! Values as JSON and back, by type: what people and other processes see.

use super::show::show_float;
use super::time;
use crate::heap::json::{DEEPEST, TooDeep, number};
use crate::heap::{Heap, OutOfMemory};
use crate::ids::TypeId;
use crate::program::Program;
use crate::types::{Case, DATE, Field, Type};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value};
use std::fmt;

/// Where JSON isn't what the type asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where in the JSON: `order.lines[2].amount`; empty at the top.
    pub path: String,
    /// What the type asks for.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at `{}`: ", self.path)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for Mismatch {}

impl From<OutOfMemory> for Mismatch {
    fn from(_: OutOfMemory) -> Self {
        Mismatch {
            path: String::new(),
            expected: "a value that fits into the memory limit".into(),
            found: "a larger one".into(),
        }
    }
}

impl Mismatch {
    fn inside(mut self, segment: &str) -> Mismatch {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{segment}{dot}{}", self.path);
        self
    }
}

/// The value as JSON: records as objects, days as `"2024-02-29"`, enums as `"Case"` or `{"Case": …}`, decimals as numbers with their digits.
pub fn to_json(program: &Program, heap: &Heap, ty: TypeId, word: u64) -> Result<Value, TooDeep> {
    Writer { program, heap, budget: heap.limits().heap_words }.value(ty, word, DEEPEST)
}

/// The value of a type that JSON says. What a record doesn't know is ignored.
pub fn from_json(program: &Program, heap: &mut Heap, ty: TypeId, json: &Value) -> Result<u64, Mismatch> {
    Reader { program, heap, strict: false }.value(ty, json, DEEPEST)
}

/// As [`from_json`], but a name that a record doesn't have is a mismatch that says which names are near.
pub fn from_json_strict(
    program: &Program,
    heap: &mut Heap,
    ty: TypeId,
    json: &Value,
) -> Result<u64, Mismatch> {
    Reader { program, heap, strict: true }.value(ty, json, DEEPEST)
}

/// Values by name, as a call's arguments are given: an object with a member for each field. Strict.
pub fn from_json_fields(
    program: &Program,
    heap: &mut Heap,
    fields: &[Field],
    json: &Value,
) -> Result<Vec<u64>, Mismatch> {
    Reader { program, heap, strict: true }.fields(fields, json, DEEPEST)
}

fn is_unnamed(fields: &[Field]) -> bool {
    fields.iter().all(|field| field.name.starts_with(|first: char| first.is_ascii_digit()))
}

pub(super) fn is_text(program: &Program, ty: TypeId) -> bool {
    matches!(program.types.get(program.types.representation(ty)), Some(Type::String))
}

struct Writer<'a> {
    program: &'a Program,
    heap: &'a Heap,
    /// Sharing can make a small heap a huge text.
    budget: usize,
}

impl Writer<'_> {
    fn value(&mut self, ty: TypeId, word: u64, depth: usize) -> Result<Value, TooDeep> {
        let depth = depth.checked_sub(1).ok_or(TooDeep)?;
        self.budget = self.budget.checked_sub(1).ok_or(TooDeep)?;
        let (program, heap) = (self.program, self.heap);
        let ty = program.types.representation(ty);
        Ok(match program.types.get(ty) {
            Some(Type::Unit | Type::Never | Type::Distinct { .. }) | None => Value::Null,
            Some(Type::Bool) => Value::Bool(word != 0),
            Some(Type::Int) => Value::from(word as i64),
            Some(Type::Float) => float_json(f64::from_bits(word)),
            Some(Type::Duration) => Value::String(time::show_duration(word as i64)),
            Some(Type::Timestamp) => Value::String(time::show_timestamp(word as i64)),
            Some(Type::Decimal) => number(&heap.decimal_at(word).to_string()),
            Some(Type::String) => {
                self.spend(heap.bytes_at(word).len())?;
                Value::String(heap.str_at(word).to_owned())
            }
            Some(Type::Bytes) => {
                self.spend(heap.bytes_at(word).len())?;
                Value::String(STANDARD.encode(heap.bytes_at(word)))
            }
            Some(Type::Json) => heap.json_within(word, depth, &mut self.budget)?,
            Some(Type::List(item)) => {
                self.array(heap.list_items(word).iter().map(|word| (*item, *word)), depth)?
            }
            Some(Type::Set(item)) => {
                self.array(heap.map_entries(word).iter().map(|entry| (*item, entry.key)), depth)?
            }
            Some(Type::Map(key, value)) => self.map(*key, *value, word, depth)?,
            Some(Type::Option(item)) => match heap.option_at(&program.types, *item, word) {
                Some(value) => self.value(*item, value, depth)?,
                None => Value::Null,
            },
            Some(Type::Tuple(items)) => {
                self.array(items.iter().enumerate().map(|(at, ty)| (*ty, heap.field(word, at))), depth)?
            }
            Some(Type::Record { name, fields }) => match name.as_str() {
                DATE => self.date(fields, word, depth)?,
                _ => self.object(fields, |at| heap.field(word, at), depth)?,
            },
            Some(Type::Enum { cases, .. }) => self.case(ty, cases, word, depth)?,
            Some(Type::Error) => {
                let parts = heap.error_parts(word);
                self.value(parts.ty, parts.value, depth)?
            }
            Some(Type::Function { .. }) => Value::String("<function>".into()),
        })
    }

    /// Counts what a text of so many bytes takes.
    fn spend(&mut self, bytes: usize) -> Result<(), TooDeep> {
        self.budget = self.budget.checked_sub(bytes / 8).ok_or(TooDeep)?;
        Ok(())
    }

    fn array(&mut self, items: impl Iterator<Item = (TypeId, u64)>, depth: usize) -> Result<Value, TooDeep> {
        items.map(|(ty, word)| self.value(ty, word, depth)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn object(
        &mut self,
        fields: &[Field],
        word: impl Fn(usize) -> u64,
        depth: usize,
    ) -> Result<Value, TooDeep> {
        let mut object = Map::new();
        for (at, field) in fields.iter().enumerate() {
            object.insert(field.name.clone(), self.value(field.ty, word(at), depth)?);
        }
        Ok(Value::Object(object))
    }

    /// A day as text. One that the calendar doesn't have is an object, so that it reads back.
    fn date(&mut self, fields: &[Field], word: u64, depth: usize) -> Result<Value, TooDeep> {
        let part = |at| self.heap.field(word, at) as i64;
        match time::show_date(part(0), part(1), part(2)) {
            Some(text) => Ok(Value::String(text)),
            None => {
                let heap = self.heap;
                self.object(fields, |at| heap.field(word, at), depth)
            }
        }
    }

    fn map(&mut self, key: TypeId, value: TypeId, word: u64, depth: usize) -> Result<Value, TooDeep> {
        let entries = self.heap.map_entries(word);
        if !is_text(self.program, key) {
            let pairs = entries.iter().map(|entry| {
                Ok(Value::Array(vec![
                    self.value(key, entry.key, depth)?,
                    self.value(value, entry.value, depth)?,
                ]))
            });
            return pairs.collect::<Result<_, _>>().map(Value::Array);
        }
        let mut object = Map::new();
        for entry in entries {
            object.insert(self.heap.str_at(entry.key).to_owned(), self.value(value, entry.value, depth)?);
        }
        Ok(Value::Object(object))
    }

    fn case(&mut self, ty: TypeId, cases: &[Case], word: u64, depth: usize) -> Result<Value, TooDeep> {
        let heap = self.heap;
        let number = heap.case_of(&self.program.types, ty, word);
        let Some(case) = usize::try_from(number).ok().and_then(|number| cases.get(number)) else {
            return Ok(Value::Null);
        };
        let content = match case.fields.as_slice() {
            [] => return Ok(Value::String(case.name.clone())),
            [field] if is_unnamed(&case.fields) => self.value(field.ty, heap.case_field(word, 0), depth)?,
            fields if is_unnamed(fields) => {
                let items = fields.iter().enumerate();
                self.array(items.map(|(at, field)| (field.ty, heap.case_field(word, at))), depth)?
            }
            fields => self.object(fields, |at| heap.case_field(word, at), depth)?,
        };
        Ok(Value::Object(Map::from_iter([(case.name.clone(), content)])))
    }
}

struct Reader<'a> {
    program: &'a Program,
    heap: &'a mut Heap,
    strict: bool,
}

impl<'p> Reader<'p> {
    fn value(&mut self, ty: TypeId, json: &Value, depth: usize) -> Result<u64, Mismatch> {
        let program = self.program;
        let wrong = || mismatch(&program.types.show(ty), json);
        let depth = depth.checked_sub(1).ok_or_else(|| mismatch("less deeply nested JSON", json))?;
        let representation = program.types.representation(ty);
        let word = match (program.types.get(representation), json) {
            (Some(Type::Unit), Value::Null) => 0,
            (Some(Type::Bool), Value::Bool(value)) => u64::from(*value),
            (Some(Type::Int), Value::Number(number)) => int(number.as_str()).ok_or_else(wrong)? as u64,
            (Some(Type::Float), Value::Number(number)) => {
                let value = number.as_f64().filter(|value| value.is_finite());
                value.ok_or_else(wrong)?.to_bits()
            }
            (Some(Type::Float), Value::String(text)) => infinite(text).ok_or_else(wrong)?.to_bits(),
            (Some(Type::Duration), Value::String(text)) => {
                time::parse_duration(text).ok_or_else(|| mismatch("a Duration like \"1h30m\"", json))? as u64
            }
            (Some(Type::Duration), Value::Number(number)) => {
                seconds(number.as_str()).ok_or_else(wrong)? as u64
            }
            (Some(Type::Timestamp), Value::String(text)) => {
                let expected = "a Timestamp like \"2030-01-31T12:00:00Z\"";
                time::parse_timestamp(text).ok_or_else(|| mismatch(expected, json))? as u64
            }
            (Some(Type::Decimal), Value::Number(number)) => {
                self.heap.decimal(decimal(number.as_str()).ok_or_else(wrong)?)?
            }
            (Some(Type::Decimal), Value::String(text)) => {
                self.heap.decimal(decimal(text).ok_or_else(wrong)?)?
            }
            (Some(Type::String), Value::String(text)) => self.heap.string(text)?,
            (Some(Type::Bytes), Value::String(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| mismatch("Bytes as base64", json))?;
                self.heap.bytes(&bytes)?
            }
            (Some(Type::Json), json) => self.heap.json(json)?,
            (Some(Type::List(item)), Value::Array(items)) => {
                let items = self.items(items.iter().map(|json| (*item, json)), depth)?;
                self.heap.make_list(&items)?
            }
            (Some(Type::Set(item)), Value::Array(items)) => {
                let items = self.items(items.iter().map(|json| (*item, json)), depth)?;
                self.set(*item, &items)?
            }
            (Some(Type::Map(key, value)), json) => self.map(ty, (*key, *value), json, depth)?,
            (Some(Type::Option(_)), Value::Null) => 0,
            (Some(Type::Option(item)), json) => {
                let value = self.value(*item, json, depth)?;
                self.heap.make_some(&program.types, *item, value)?
            }
            (Some(Type::Tuple(types)), Value::Array(items)) if types.len() == items.len() => {
                let items = self.items(types.iter().copied().zip(items), depth)?;
                self.heap.make_record(&items)?
            }
            (Some(Type::Record { name, .. }), Value::String(text)) if name == DATE => {
                let expected = "a Date like \"2030-01-31\"";
                let parts = time::parse_date(text).ok_or_else(|| mismatch(expected, json))?;
                self.heap.make_record(&parts.map(i64::cast_unsigned))?
            }
            (Some(Type::Record { fields, .. }), Value::Object(_)) => {
                let fields = self.fields(fields, json, depth)?;
                self.heap.make_record(&fields)?
            }
            (Some(Type::Enum { cases, .. }), json) => self.case(ty, cases, json, depth)?,
            _ => return Err(wrong()),
        };
        Ok(word)
    }

    fn items<'j>(
        &mut self,
        items: impl Iterator<Item = (TypeId, &'j Value)>,
        depth: usize,
    ) -> Result<Vec<u64>, Mismatch> {
        let read = |(at, (ty, json))| {
            self.value(ty, json, depth).map_err(|mismatch: Mismatch| mismatch.inside(&format!("[{at}]")))
        };
        items.enumerate().map(read).collect()
    }

    /// Of equal elements the first stays.
    fn set(&mut self, item: TypeId, items: &[u64]) -> Result<u64, Mismatch> {
        let types = &self.program.types;
        let mut set = self.heap.empty_map()?;
        for word in items {
            if self.heap.map_get(types, item, set, *word).is_none() {
                set = self.heap.map_insert(types, item, set, *word, 0)?;
            }
        }
        Ok(set)
    }

    fn insert_all(
        &mut self,
        key: TypeId,
        entries: impl Iterator<Item = (u64, u64)>,
    ) -> Result<u64, Mismatch> {
        let mut map = self.heap.empty_map()?;
        for (word, value) in entries {
            map = self.heap.map_insert(&self.program.types, key, map, word, value)?;
        }
        Ok(map)
    }

    fn map(
        &mut self,
        ty: TypeId,
        (key, value): (TypeId, TypeId),
        json: &Value,
        depth: usize,
    ) -> Result<u64, Mismatch> {
        let mut entries = Vec::new();
        match json {
            Value::Object(object) if is_text(self.program, key) => {
                for (name, member) in object {
                    let word = self.value(value, member, depth).map_err(|mismatch| mismatch.inside(name))?;
                    entries.push((self.heap.string(name)?, word));
                }
            }
            Value::Array(pairs) if !is_text(self.program, key) => {
                for (at, pair) in pairs.iter().enumerate() {
                    let place = format!("[{at}]");
                    let items = match pair {
                        Value::Array(items) if items.len() == 2 => items,
                        _ => return Err(mismatch("a pair [key, value]", pair).inside(&place)),
                    };
                    let types = [key, value].into_iter();
                    let words = self.items(types.zip(items), depth).map_err(|wrong| wrong.inside(&place))?;
                    if let [key, value] = words.as_slice() {
                        entries.push((*key, *value));
                    }
                }
            }
            _ => return Err(mismatch(&self.program.types.show(ty), json)),
        }
        self.insert_all(key, entries.into_iter())
    }

    fn fields(&mut self, fields: &[Field], json: &Value, depth: usize) -> Result<Vec<u64>, Mismatch> {
        let Value::Object(object) = json else {
            return Err(mismatch("an object with a member for each name", json));
        };
        if self.strict {
            check_names(fields, object)?;
        }
        let read = |field: &Field| {
            let value = match (object.get(&field.name), &field.default) {
                (Some(json), _) => self.value(field.ty, json, depth),
                (None, Some(default)) => match serde_json::from_str(&default.json) {
                    Ok(json) => self.value(field.ty, &json, depth),
                    Err(_) => Err(missing(self.program, field)),
                },
                (None, None) => self.absent(field),
            };
            value.map_err(|mismatch| mismatch.inside(&field.name))
        };
        fields.iter().map(read).collect()
    }

    fn absent(&self, field: &Field) -> Result<u64, Mismatch> {
        let types = &self.program.types;
        match types.get(types.representation(field.ty)) {
            Some(Type::Option(_) | Type::Unit) => Ok(0),
            _ => Err(missing(self.program, field)),
        }
    }

    fn case(&mut self, ty: TypeId, cases: &'p [Case], json: &Value, depth: usize) -> Result<u64, Mismatch> {
        let types = &self.program.types;
        let expected = || {
            let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
            format!("{}: one of {}", types.show(ty), names.join(", "))
        };
        let (name, content) = match json {
            Value::String(name) => (name, &Value::Null),
            Value::Object(object) => match object.iter().next() {
                Some(member) if object.len() == 1 => member,
                _ => return Err(mismatch(&expected(), json)),
            },
            _ => return Err(mismatch(&expected(), json)),
        };
        let number = cases.iter().position(|case| case.name == *name);
        let found = number.and_then(|number| Some((number, cases.get(number)?)));
        let Some((number, case)) = found else { return Err(mismatch(&expected(), json)) };
        let fields = match (case.fields.as_slice(), content) {
            ([], _) => Ok(Vec::new()),
            (_, Value::Null) if matches!(json, Value::String(_)) => Err(mismatch("the case's fields", json)),
            ([field], content) if is_unnamed(&case.fields) => {
                self.value(field.ty, content, depth).map(|word| vec![word])
            }
            (fields, Value::Array(items)) if is_unnamed(fields) && fields.len() == items.len() => {
                self.items(fields.iter().map(|field| field.ty).zip(items), depth)
            }
            (fields, content) => self.fields(fields, content, depth),
        };
        let fields = fields.map_err(|mismatch| mismatch.inside(name))?;
        Ok(self.heap.make_case(types, ty, u32::try_from(number).unwrap_or(u32::MAX), &fields)?)
    }
}

fn mismatch(expected: &str, json: &Value) -> Mismatch {
    let found = match json {
        Value::Null => "null".into(),
        Value::Bool(value) => format!("{value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.len() <= 40 => format!("the string {text:?}"),
        Value::String(_) => "a string".into(),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(members) => match members.keys().next() {
            Some(name) if members.len() == 1 => format!("an object with the member {name:?}"),
            _ => format!("an object of {} members", members.len()),
        },
    };
    Mismatch { path: String::new(), expected: expected.into(), found }
}

fn missing(program: &Program, field: &Field) -> Mismatch {
    Mismatch { path: String::new(), expected: program.types.show(field.ty), found: "nothing".into() }
}

fn check_names(fields: &[Field], object: &Map<String, Value>) -> Result<(), Mismatch> {
    let known = |name: &str| fields.iter().any(|field| field.name == name);
    let Some(unknown) = object.keys().find(|name| !known(name)) else { return Ok(()) };
    let near = fields.iter().map(|field| (distance(&field.name, unknown), &field.name));
    let near = near.filter(|(distance, name)| *distance <= 1 + name.len() / 3).min();
    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    let expected = match near {
        Some((_, name)) => format!("`{name}`"),
        None if names.is_empty() => "no member at all".into(),
        None => format!("one of {}", names.join(", ")),
    };
    Err(Mismatch { path: unknown.clone(), expected, found: format!("the unknown name `{unknown}`") })
}

/// How many characters must be added, dropped or replaced to make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (at, left) in left.chars().enumerate() {
        let mut diagonal = at;
        let mut before = at + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = replaced.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

pub(super) fn decimal(digits: &str) -> Option<Decimal> {
    let exact = Decimal::from_str_exact(digits).ok();
    exact.or_else(|| Decimal::from_scientific(digits).ok())
}

fn int(digits: &str) -> Option<i64> {
    digits.parse().ok().or_else(|| decimal(digits).filter(Decimal::is_integer)?.to_i64())
}

/// JSON has no infinite numbers: they are strings.
fn float_json(value: f64) -> Value {
    if value.is_finite() { Value::from(value) } else { Value::String(show_float(value)) }
}

fn infinite(text: &str) -> Option<f64> {
    [f64::INFINITY, f64::NEG_INFINITY].into_iter().find(|value| show_float(*value) == text)
}

fn seconds(digits: &str) -> Option<i64> {
    decimal(digits)?.checked_mul(Decimal::from(1_000_000_000))?.trunc().to_i64()
}
