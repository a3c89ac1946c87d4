//! Values as text: what interpolation gives and what people see.

use super::time;
use crate::heap::Heap;
use crate::heap::json::JsonTag;
use crate::ids::TypeId;
use crate::program::Program;
use crate::types::{Case, DATE, Field, Type, plain_name};
use std::fmt::Write;

/// A text grown longer than this is cut; sharing can make a small heap show as a huge text.
pub(crate) const LONGEST: usize = 16 << 20;
/// What is meant for a person's eyes is cut here.
const BRIEF: usize = 2000;

/// The value as interpolation shows it: strings bare at the top and quoted inside, `Name(field: 1)`, `[1, 2]`, times and
/// days by ISO 8601.
/// Cut, with `…`, past 16 MiB.
pub fn show(program: &Program, heap: &Heap, ty: TypeId, word: u64) -> String {
    show_within(program, heap, ty, word, LONGEST)
}

/// As [`show`], cut after about 2,000 bytes: for traces and views.
pub fn show_brief(program: &Program, heap: &Heap, ty: TypeId, word: u64) -> String {
    show_within(program, heap, ty, word, BRIEF)
}

fn show_within(program: &Program, heap: &Heap, ty: TypeId, word: u64, longest: usize) -> String {
    let types = &program.types;
    if let Some(Type::String) = types.get(types.representation(ty)) {
        return cut(heap.str_at(word).to_owned(), longest);
    }
    let mut shower = Shower { program, heap, text: String::new(), pending: vec![Piece::Value(ty, word)] };
    while let Some(piece) = shower.pending.pop() {
        if shower.text.len() > longest {
            break;
        }
        match piece {
            Piece::Text(text) => shower.text.push_str(text),
            Piece::Name(name) => _ = write!(shower.text, "{name}: "),
            Piece::Value(ty, word) => shower.value(ty, word),
            Piece::Items(ty, list, at) => shower.items(ty, list, at),
        }
    }
    cut(shower.text, longest)
}

fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The shortest digits that read back as the same number: `0.1`, `1e300`, `-Infinity`.
pub(super) fn show_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    format!("{value:?}")
}

enum Piece<'a> {
    Text(&'static str),
    Name(&'a str),
    Value(TypeId, u64),
    /// The items of a list from one on: one at a time, so that `pending` stays small.
    Items(TypeId, u64, usize),
}

struct Shower<'a> {
    program: &'a Program,
    heap: &'a Heap,
    text: String,
    pending: Vec<Piece<'a>>,
}

impl<'a> Shower<'a> {
    fn value(&mut self, ty: TypeId, word: u64) {
        let (program, heap) = (self.program, self.heap);
        let ty = program.types.representation(ty);
        match program.types.get(ty) {
            Some(Type::Unit | Type::Never) | None => self.text.push_str("()"),
            Some(Type::Bool) => self.text.push_str(if word == 0 { "false" } else { "true" }),
            Some(Type::Int) => _ = write!(self.text, "{}", word as i64),
            Some(Type::Float) => self.text.push_str(&show_float(f64::from_bits(word))),
            Some(Type::Duration) => self.text.push_str(&time::show_duration(word as i64)),
            Some(Type::Timestamp) => self.text.push_str(&time::show_timestamp(word as i64)),
            Some(Type::Decimal) => _ = write!(self.text, "{}", heap.decimal_at(word)),
            Some(Type::String) => self.quoted(heap.str_at(word)),
            Some(Type::Bytes) => _ = write!(self.text, "<{} bytes>", heap.bytes_at(word).len()),
            Some(Type::Json) => self.json(ty, word),
            Some(Type::List(item)) => self.list(*item, word),
            Some(Type::Set(item)) => self.map("{", *item, None, word),
            Some(Type::Map(key, value)) => self.map("[", *key, Some(*value), word),
            Some(Type::Option(item)) => match heap.option_at(&program.types, *item, word) {
                Some(value) => self.wrap("Some(", *item, value),
                None => self.text.push_str("none"),
            },
            Some(Type::Tuple(items)) => {
                let values = items.iter().enumerate().map(|(at, ty)| (None, *ty, heap.field(word, at)));
                self.parts("(", values.collect(), ")");
            }
            Some(Type::Record { name, fields }) => self.record(name, fields, word),
            Some(Type::Enum { cases, .. }) => self.case(ty, cases, word),
            Some(Type::Function { .. }) => self.text.push_str("<function>"),
            Some(Type::Error) => {
                let parts = heap.error_parts(word);
                self.pending.push(Piece::Value(parts.ty, parts.value));
            }
            Some(Type::Distinct { .. }) => {}
        }
    }

    fn record(&mut self, name: &'a str, fields: &'a [Field], word: u64) {
        let heap = self.heap;
        let part = |at| heap.field(word, at) as i64;
        if name == DATE
            && let Some(day) = time::show_date(part(0), part(1), part(2))
        {
            return self.text.push_str(&day);
        }
        // People write constructors without type arguments.
        let name = plain_name(name);
        self.text.push_str(name.split('<').next().unwrap_or(name));
        self.fields(fields, |at| heap.field(word, at));
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\t' => self.text.push_str("\\t"),
                '\r' => self.text.push_str("\\r"),
                char => self.text.push(char),
            }
        }
        self.text.push('"');
    }

    fn wrap(&mut self, open: &'static str, ty: TypeId, word: u64) {
        self.text.push_str(open);
        self.pending.extend([Piece::Text(")"), Piece::Value(ty, word)]);
    }

    fn list(&mut self, item: TypeId, list: u64) {
        self.text.push('[');
        self.pending.extend([Piece::Text("]"), Piece::Items(item, list, 0)]);
    }

    fn items(&mut self, ty: TypeId, list: u64, at: usize) {
        if let Some(item) = self.heap.list_items(list).get(at) {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.pending.extend([Piece::Items(ty, list, at + 1), Piece::Value(ty, *item)]);
        }
    }

    fn case(&mut self, ty: TypeId, cases: &'a [Case], word: u64) {
        let heap = self.heap;
        let number = heap.case_of(&self.program.types, ty, word);
        let Some(case) = usize::try_from(number).ok().and_then(|number| cases.get(number)) else { return };
        self.text.push_str(&case.name);
        if !case.fields.is_empty() {
            self.fields(&case.fields, |at| heap.case_field(word, at));
        }
    }

    fn fields(&mut self, fields: &'a [Field], word: impl Fn(usize) -> u64) {
        let named = |field: &'a Field| {
            let unnamed = field.name.starts_with(|first: char| first.is_ascii_digit());
            (!unnamed).then_some(field.name.as_str())
        };
        let parts = fields.iter().enumerate().map(|(at, field)| (named(field), field.ty, word(at)));
        self.parts("(", parts.collect(), ")");
    }

    /// Puts parts on `pending`, last first.
    fn parts(&mut self, open: &'static str, parts: Vec<(Option<&'a str>, TypeId, u64)>, close: &'static str) {
        self.text.push_str(open);
        self.pending.push(Piece::Text(close));
        for (at, (name, ty, word)) in parts.into_iter().enumerate().rev() {
            self.pending.push(Piece::Value(ty, word));
            self.pending.extend(name.map(Piece::Name));
            if at > 0 {
                self.pending.push(Piece::Text(", "));
            }
        }
    }

    fn map(&mut self, open: &'static str, key: TypeId, value: Option<TypeId>, map: u64) {
        let entries = self.heap.map_entries(map);
        self.text.push_str(open);
        if entries.is_empty() && value.is_some() {
            self.text.push(':');
        }
        self.pending.push(Piece::Text(if open == "[" { "]" } else { "}" }));
        for (at, entry) in entries.into_iter().enumerate().rev() {
            if let Some(value) = value {
                self.pending.extend([Piece::Value(value, entry.value), Piece::Text(": ")]);
            }
            self.pending.push(Piece::Value(key, entry.key));
            if at > 0 {
                self.pending.push(Piece::Text(", "));
            }
        }
    }

    /// As JSON text, so that what is shown can be parsed.
    fn json(&mut self, ty: TypeId, word: u64) {
        let payload = self.heap.get(word, 1);
        match JsonTag::new(self.heap.get(word, 0)) {
            None | Some(JsonTag::Null) => self.text.push_str("null"),
            Some(JsonTag::Bool) => self.text.push_str(if payload == 0 { "false" } else { "true" }),
            Some(JsonTag::Number) => self.text.push_str(self.heap.str_at(payload)),
            Some(JsonTag::String) => self.quoted(self.heap.str_at(payload)),
            Some(JsonTag::Array) => self.list(ty, payload),
            Some(JsonTag::Object) => {
                let key = self.program.known.string;
                let entries = self.heap.map_entries(payload);
                self.text.push('{');
                self.pending.push(Piece::Text("}"));
                for (at, entry) in entries.into_iter().enumerate().rev() {
                    self.pending.extend([Piece::Value(ty, entry.value), Piece::Text(": ")]);
                    self.pending.push(Piece::Value(key, entry.key));
                    if at > 0 {
                        self.pending.push(Piece::Text(", "));
                    }
                }
            }
        }
    }
}
