//! JSON text straight into the heap, without a tree on the way.

use super::json::JsonTag;
use super::map::Entry;
use super::{Heap, OutOfMemory};
use crate::types::Types;
use crate::value::hash_bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// `serde_json` gives a number that is no integer of 64 bits as an object with one member of this name: the number's digits
/// as written.
const NUMBER: &str = "$serde_json::private::Number";
/// How many names are remembered, so that objects alike share them.
const NAMES: usize = 64;

/// Why a text gave no `Json`.
#[derive(Debug)]
pub enum Unparsed {
    /// The heap's limit.
    OutOfMemory,
    /// It isn't JSON.
    Syntax(serde_json::Error),
}

impl Heap {
    /// The `Json` value that a text says; of members of one name the last counts, at the place of the first.
    pub fn parse_json(&mut self, types: &Types, text: &str) -> Result<u64, Unparsed> {
        let mut parser = Parser { heap: self, types, names: [(0, 0); NAMES], full: false };
        let mut text = serde_json::Deserializer::from_str(text);
        let json = Node(&mut parser).deserialize(&mut text);
        match json.and_then(|json| text.end().map(|()| json)) {
            Ok(json) => Ok(json),
            Err(_) if parser.full => Err(Unparsed::OutOfMemory),
            Err(error) => Err(Unparsed::Syntax(error)),
        }
    }
}

struct Parser<'a> {
    heap: &'a mut Heap,
    types: &'a Types,
    /// Hashes and strings of names, at places that the hashes say.
    names: [(u64, u64); NAMES],
    /// Whether it failed for want of memory.
    full: bool,
}

impl Parser<'_> {
    fn made<E: Error>(&mut self, made: Result<u64, OutOfMemory>) -> Result<u64, E> {
        made.map_err(|OutOfMemory| {
            self.full = true;
            E::custom("no memory")
        })
    }

    fn json<E: Error>(&mut self, tag: JsonTag, payload: u64) -> Result<u64, E> {
        let json = self.heap.make_json(tag, payload);
        self.made(json)
    }

    fn text<E: Error>(&mut self, tag: JsonTag, text: &str) -> Result<u64, E> {
        let text = self.heap.string(text);
        let text = self.made(text)?;
        self.json(tag, text)
    }

    fn integer<E: Error>(&mut self, number: impl fmt::Display) -> Result<u64, E> {
        let digits = self.heap.digits(number);
        let digits = self.made(digits)?;
        self.json(JsonTag::Number, digits)
    }

    /// A number, which was scanned before, or was written as an object with the name of one.
    fn number<E: Error>(&mut self, digits: &str) -> Result<u64, E> {
        let number: Number = digits.parse().map_err(E::custom)?;
        self.text(JsonTag::Number, number.as_str())
    }

    fn name<E: Error>(&mut self, name: &str) -> Result<Entry, E> {
        let hash = hash_bytes(name.as_bytes());
        let place = (hash % NAMES as u64) as usize;
        if let Some((known, key)) = self.names.get(place).copied()
            && known == hash
            && key != 0
            && self.heap.bytes_at(key) == name.as_bytes()
        {
            return Ok(Entry { hash, key, value: 0 });
        }
        let key = self.heap.string(name);
        let key = self.made(key)?;
        if let Some(place) = self.names.get_mut(place) {
            *place = (hash, key);
        }
        Ok(Entry { hash, key, value: 0 })
    }

    fn object<E: Error>(&mut self, entries: &[Entry]) -> Result<u64, E> {
        let mut hashes: Vec<u64> = entries.iter().map(|entry| entry.hash).collect();
        hashes.sort_unstable();
        let distinct = hashes.array_windows().all(|[left, right]| left != right);
        let members = if distinct { self.heap.map_from_entries(entries) } else { self.insert_all(entries) };
        let members = self.made(members)?;
        self.json(JsonTag::Object, members)
    }

    fn insert_all(&mut self, entries: &[Entry]) -> Result<u64, OutOfMemory> {
        let (types, string) = (self.types, self.heap.known().string);
        let mut members = self.heap.empty_map()?;
        for entry in entries {
            members = self.heap.map_insert(types, string, members, entry.key, entry.value)?;
        }
        Ok(members)
    }
}

/// A value of any kind.
struct Node<'p, 'a>(&'p mut Parser<'a>);

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<u64, E> {
        self.0.json(JsonTag::Null, 0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<u64, E> {
        self.0.json(JsonTag::Bool, u64::from(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        self.0.integer(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        self.0.integer(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        self.0.text(JsonTag::String, text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut made = Vec::new();
        while let Some(item) = items.next_element_seed(Node(self.0))? {
            made.push(item);
        }
        let items = self.0.heap.make_list(&made);
        let items = self.0.made(items)?;
        self.0.json(JsonTag::Array, items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = members.next_key_seed(Name(self.0, entries.is_empty()))? {
            let Some(mut entry) = name else {
                let digits: String = members.next_value()?;
                return self.0.number(&digits);
            };
            entry.value = members.next_value_seed(Node(self.0))?;
            entries.push(entry);
        }
        self.0.object(&entries)
    }
}

/// The name of a member, and whether it is an object's first. `None`: the object stands for a number.
struct Name<'p, 'a>(&'p mut Parser<'a>, bool);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Option<Entry>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Entry>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Option<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<Entry>, E> {
        if self.1 && name == NUMBER {
            return Ok(None);
        }
        self.0.name(name).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Limits;
    use crate::{KnownTypes, Program};
    use serde_json::Value;

    const TEXTS: &[&str] = &[
        "null",
        " [true, false, null, [], {}, \"\", \"ä\\n\\u00e4\\ud83d\\ude00\"] ",
        "[0, -0, 7, -7, 12345678901234567890123, 0.10, -1.5e+300, 1E5, 1e-7, 00]",
        "[0, -0, 7, -7, 12345678901234567890123, 0.10, -1.5e+300, 1E5, 1e-7]",
        r#"{"a": 1, "b": {"a": [{"a": 2, "b": 3}]}, "a": "again", "c": null}"#,
        r#"{"$serde_json::private::Number": "1.50"}"#,
        r#"{"$serde_json::private::Number": "no number"}"#,
        r#"{"a": 0, "$serde_json::private::Number": "1"}"#,
        "",
        "[1, 2",
        "[1] 2",
        "{\"a\" 1}",
        "{a: 1}",
        "\"\\ud83d\"",
        "nul",
    ];

    #[test]
    fn a_text_says_the_same_as_by_way_of_a_tree() {
        let mut program = Program::default();
        KnownTypes::standard(&mut program);
        let deep = "[".repeat(127) + &"]".repeat(127);
        let deeper = format!("[{deep}]");
        for text in TEXTS.iter().copied().chain([deep.as_str(), &deeper]) {
            let mut heap = Heap::new(program.known, Limits::default());
            let found = heap.parse_json(&program.types, text).map(|json| heap.json_at(json).unwrap());
            let found = found.map_err(|error| match error {
                Unparsed::Syntax(error) => error.to_string(),
                Unparsed::OutOfMemory => "out of memory".into(),
            });
            let expected = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_into_memory_is_no_wrong_text() {
        let mut program = Program::default();
        KnownTypes::standard(&mut program);
        let mut heap = Heap::new(program.known, Limits { heap_words: 64, ..Limits::default() });
        let text = format!("[{}1]", "1, ".repeat(100));
        assert!(matches!(heap.parse_json(&program.types, &text), Err(Unparsed::OutOfMemory)));
    }
}
