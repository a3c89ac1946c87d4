//! `Json` values: `[tag, payload]`.
//!
//! | tag | payload |
//! |---|---|
//! | 0 null | 0 |
//! | 1 bool | 0 or 1 |
//! | 2 number | `String`: its digits as written |
//! | 3 string | `String` |
//! | 4 array | `List<Json>` |
//! | 5 object | `Map<String, Json>` |

use super::map::Entry;
use super::{Heap, OutOfMemory};
use crate::value;
use serde_json::{Map, Value};

/// What kind of JSON a `Json` value is: its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named for what they are")]
#[repr(u64)]
pub enum JsonTag {
    Null = 0,
    Bool = 1,
    Number = 2,
    String = 3,
    Array = 4,
    Object = 5,
}

impl JsonTag {
    /// The kind of that number.
    pub fn new(tag: u64) -> Option<JsonTag> {
        use JsonTag::*;
        [Null, Bool, Number, String, Array, Object].into_iter().find(|known| *known as u64 == tag)
    }
}

/// JSON nested more deeply than this is refused, as `serde_json`'s parser does.
pub const DEEPEST: usize = 127;

/// A value nested too deeply, or too large, to be written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooDeep;

impl Heap {
    /// A `Json` value of that kind.
    pub fn make_json(&mut self, tag: JsonTag, payload: u64) -> Result<u64, OutOfMemory> {
        self.alloc_from(&[tag as u64, payload])
    }

    /// A `Json` value from parsed JSON (nested at most as deeply as the parser allows).
    pub fn json(&mut self, json: &Value) -> Result<u64, OutOfMemory> {
        match json {
            Value::Null => self.make_json(JsonTag::Null, 0),
            Value::Bool(value) => self.make_json(JsonTag::Bool, u64::from(*value)),
            Value::Number(number) => {
                let digits = self.string(number.as_str())?;
                self.make_json(JsonTag::Number, digits)
            }
            Value::String(text) => {
                let text = self.string(text)?;
                self.make_json(JsonTag::String, text)
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| self.json(item)).collect::<Result<Vec<_>, _>>()?;
                let items = self.make_list(&items)?;
                self.make_json(JsonTag::Array, items)
            }
            Value::Object(fields) => {
                let mut entries = Vec::with_capacity(fields.len());
                for (name, field) in fields {
                    let key = self.string(name)?;
                    let value = self.json(field)?;
                    entries.push(Entry { hash: value::hash_bytes(name.as_bytes()), key, value });
                }
                let fields = self.map_from_entries(&entries)?;
                self.make_json(JsonTag::Object, fields)
            }
        }
    }

    /// What a `Json` value says.
    pub fn json_at(&self, json: u64) -> Result<Value, TooDeep> {
        // Sharing can make a small heap print as a huge text: as many nodes as words of memory are enough.
        self.json_within(json, DEEPEST, &mut self.limits.heap_words.clone())
    }

    /// As [`json_at`](Self::json_at), at most `depth` levels and `budget` nodes.
    pub fn json_within(&self, json: u64, depth: usize, budget: &mut usize) -> Result<Value, TooDeep> {
        let depth = depth.checked_sub(1).ok_or(TooDeep)?;
        *budget = budget.checked_sub(1).ok_or(TooDeep)?;
        let payload = self.get(json, 1);
        Ok(match JsonTag::new(self.get(json, 0)) {
            None | Some(JsonTag::Null) => Value::Null,
            Some(JsonTag::Bool) => Value::Bool(payload != 0),
            Some(JsonTag::Number) => number(self.str_at(payload)),
            Some(JsonTag::String) => {
                // Sharing can make many of one long text.
                *budget = budget.checked_sub(self.bytes_at(payload).len() / 8).ok_or(TooDeep)?;
                Value::String(self.str_at(payload).to_owned())
            }
            Some(JsonTag::Array) => {
                let items =
                    self.list_items(payload).iter().map(|item| self.json_within(*item, depth, budget));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Some(JsonTag::Object) => {
                let mut fields = Map::new();
                for entry in self.map_entries(payload) {
                    let name = self.str_at(entry.key).to_owned();
                    fields.insert(name, self.json_within(entry.value, depth, budget)?);
                }
                Value::Object(fields)
            }
        })
    }
}

/// A JSON number with exactly these digits; as a string where it is none.
pub fn number(digits: &str) -> Value {
    digits.parse().map_or_else(|_| Value::String(digits.to_owned()), Value::Number)
}
