//! JSON as a value.

use super::{Context, Outcome, trap};
use crate::heap::json::{JsonTag, TooDeep};
use crate::heap::{OutOfMemory, TrapKind, Unparsed};
use crate::intrinsic::Intrinsic;
use crate::value;

impl Context<'_> {
    pub(super) fn json(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        Some(match intrinsic {
            I::JsonFrom => self.json_from(),
            I::JsonTo => self.json_to(),
            I::JsonParse => self.json_parse(),
            I::JsonText => match self.heap.json_at(self.arg(0)) {
                Ok(json) => self.make_string(&json.to_string()),
                Err(TooDeep) => too_deep(),
            },
            I::JsonGet => {
                let (object, name) = (self.arg(0), self.arg(1));
                if self.heap.get(object, 0) != JsonTag::Object as u64 {
                    return Some(Ok(0));
                }
                let members = self.heap.get(object, 1);
                let string = self.program.known.string;
                Ok(self.heap.map_get(&self.program.types, string, members, name).unwrap_or(0))
            }
            I::JsonAt => {
                let (array, index) = (self.arg(0), self.int(1));
                if self.heap.get(array, 0) != JsonTag::Array as u64 {
                    return Some(Ok(0));
                }
                Ok(self.heap.list_get(self.heap.get(array, 1), index).unwrap_or(0))
            }
            I::JsonKind => Ok(self.heap.get(self.arg(0), 0)),
            I::JsonItems => self.items(),
            I::JsonFields => self.fields(),
            I::JsonFromFields => {
                let entries = self.heap.map_entries(self.arg(0));
                let members = self.heap.map_from_entries(&entries);
                members.and_then(|members| self.heap.make_json(JsonTag::Object, members)).map_err(Into::into)
            }
            I::JsonPretty => match self.heap.json_at(self.arg(0)) {
                Ok(json) => {
                    let text = serde_json::to_string_pretty(&json).unwrap_or_default();
                    self.make_string(&text)
                }
                Err(TooDeep) => too_deep(),
            },
            I::JsonObject => self.object(),
            I::JsonArray => {
                // A list of its own: a heap's object has one type.
                let items = self.heap.list_items(self.arg(0)).to_vec();
                self.heap
                    .make_list(&items)
                    .and_then(|items| self.heap.make_json(JsonTag::Array, items))
                    .map_err(Into::into)
            }
            _ => return None,
        })
    }

    fn json_from(&mut self) -> Outcome {
        match value::to_json(self.program, self.heap, self.ty(0), self.arg(0)) {
            Ok(json) => Ok(self.heap.json(&json)?),
            Err(TooDeep) => too_deep(),
        }
    }

    fn json_parse(&mut self) -> Outcome {
        let text = self.str(0).to_owned();
        match self.heap.parse_json(&self.program.types, &text) {
            Ok(json) => Ok(json),
            Err(Unparsed::OutOfMemory) => Err(OutOfMemory.into()),
            Err(Unparsed::Syntax(error)) => {
                trap(TrapKind::JsonMismatch, format!("the text isn't JSON: {error}"))
            }
        }
    }

    fn json_to(&mut self) -> Outcome {
        if let Some(word) = value::from_heap_json(self.program, self.heap, self.ty(0), self.arg(0)) {
            return Ok(word);
        }
        let Ok(json) = self.heap.json_at(self.arg(0)) else { return too_deep() };
        match value::from_json(self.program, self.heap, self.ty(0), &json) {
            Ok(word) => Ok(word),
            Err(mismatch) => trap(TrapKind::JsonMismatch, mismatch.to_string()),
        }
    }

    /// The items of an array as a list of their own, as an option: `none` is 0.
    fn items(&mut self) -> Outcome {
        let json = self.arg(0);
        if self.heap.get(json, 0) != JsonTag::Array as u64 {
            return Ok(0);
        }
        let items = self.heap.list_items(self.heap.get(json, 1)).to_vec();
        Ok(self.heap.make_list(&items)?)
    }

    /// The members of an object as a map of their own, as an option: `none` is 0.
    fn fields(&mut self) -> Outcome {
        let json = self.arg(0);
        if self.heap.get(json, 0) != JsonTag::Object as u64 {
            return Ok(0);
        }
        let members = self.heap.map_entries(self.heap.get(json, 1));
        Ok(self.heap.map_from_entries(&members)?)
    }

    fn object(&mut self) -> Outcome {
        let string = self.program.known.string;
        let mut members = self.heap.empty_map()?;
        for pair in self.heap.list_items(self.arg(0)).to_vec() {
            let (name, member) = (self.heap.field(pair, 0), self.heap.field(pair, 1));
            members = self.heap.map_insert(&self.program.types, string, members, name, member)?;
        }
        Ok(self.heap.make_json(JsonTag::Object, members)?)
    }
}

fn too_deep() -> Outcome {
    trap(TrapKind::JsonMismatch, "the value is nested too deeply, or is too large, to be JSON")
}
