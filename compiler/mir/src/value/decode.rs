//! `Json` in the heap as a value of a type, without a tree on the way: texts are shared, not copied.
//!
//! Only what fits plainly is done here. Whatever doesn't is left to [`from_json`](super::from_json), which does all and says
//! what is wrong.

use super::json::{decimal, is_text};
use crate::heap::Heap;
use crate::heap::json::{DEEPEST, JsonTag};
use crate::heap::map::Entry;
use crate::ids::TypeId;
use crate::program::Program;
use crate::types::{Case, DATE, Field, Type};
use serde_json::Value;

/// The value that a `Json` of the same heap says, as [`from_json`](super::from_json) gives it; `None`, and nothing
/// allocated, where that has to look at it.
pub(crate) fn from_heap_json(program: &Program, heap: &mut Heap, ty: TypeId, json: u64) -> Option<u64> {
    let (before, nodes) = (heap.len(), heap.limits().heap_words);
    let word = Decoder { program, heap, nodes }.value(ty, json, DEEPEST);
    if word.is_none() {
        heap.storage_mut().truncate(before);
    }
    word
}

struct Decoder<'a> {
    program: &'a Program,
    heap: &'a mut Heap,
    /// How many more parts may be looked at: sharing can make many of few.
    nodes: usize,
}

impl Decoder<'_> {
    fn value(&mut self, ty: TypeId, json: u64, depth: usize) -> Option<u64> {
        let depth = depth.checked_sub(1)?;
        self.nodes = self.nodes.checked_sub(1)?;
        let program = self.program;
        let ty = program.types.representation(ty);
        let (tag, payload) = (JsonTag::new(self.heap.get(json, 0))?, self.heap.get(json, 1));
        match (program.types.get(ty)?, tag) {
            (Type::Unit, JsonTag::Null) | (Type::Option(_), JsonTag::Null) => Some(0),
            (Type::Bool, JsonTag::Bool) => Some(payload),
            (Type::Int, JsonTag::Number) => self.heap.str_at(payload).parse().ok().map(i64::cast_unsigned),
            (Type::Float, JsonTag::Number) => {
                let number: f64 = self.heap.str_at(payload).parse().ok()?;
                number.is_finite().then_some(number.to_bits())
            }
            (Type::Decimal, JsonTag::Number) => {
                let number = decimal(self.heap.str_at(payload))?;
                self.heap.decimal(number).ok()
            }
            (Type::String, JsonTag::String) => {
                self.nodes = self.nodes.checked_sub(self.heap.bytes_at(payload).len() / 8)?;
                Some(payload)
            }
            (Type::List(item), JsonTag::Array) => {
                let items = self.heap.list_items(payload).to_vec();
                let items = items.into_iter().map(|json| self.value(*item, json, depth));
                let items: Vec<u64> = items.collect::<Option<_>>()?;
                self.heap.make_list(&items).ok()
            }
            (Type::Map(key, value), JsonTag::Object) if is_text(program, *key) => {
                let mut entries = self.heap.map_entries(payload);
                for entry in &mut entries {
                    entry.value = self.value(*value, entry.value, depth)?;
                }
                self.heap.map_from_entries(&entries).ok()
            }
            (Type::Option(item), _) => {
                let value = self.value(*item, json, depth)?;
                self.heap.make_some(&program.types, *item, value).ok()
            }
            (Type::Record { name, fields }, JsonTag::Object) if name != DATE => {
                let fields = self.fields(fields, payload, depth)?;
                self.heap.make_record(&fields).ok()
            }
            (Type::Enum { cases, .. }, JsonTag::String) => self.case(ty, cases, payload),
            _ => None,
        }
    }

    /// A record's fields. Members are mostly in their order.
    fn fields(&mut self, fields: &[Field], members: u64, depth: usize) -> Option<Vec<u64>> {
        let members = self.heap.map_entries(members);
        let mut used = 0;
        let mut words = Vec::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            let has_name = |entry: &&Entry| self.heap.bytes_at(entry.key) == field.name.as_bytes();
            let member = members.get(at).filter(has_name).or_else(|| members.iter().find(has_name)).copied();
            words.push(match member {
                Some(entry) => {
                    used += 1;
                    self.value(field.ty, entry.value, depth)?
                }
                None => self.absent(field, depth)?,
            });
        }
        if used < members.len() {
            let known = |entry: &Entry| {
                let name = self.heap.bytes_at(entry.key);
                fields.iter().any(|field| field.name.as_bytes() == name)
            };
            let others: Vec<u64> =
                members.iter().filter(|entry| !known(entry)).map(|entry| entry.value).collect();
            others.into_iter().try_for_each(|json| self.pass(json, depth))?;
        }
        Some(words)
    }

    /// What nobody asks for may still be nested too deeply.
    fn pass(&mut self, json: u64, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.nodes = self.nodes.checked_sub(1)?;
        let payload = self.heap.get(json, 1);
        match JsonTag::new(self.heap.get(json, 0))? {
            JsonTag::Array => {
                let items = self.heap.list_items(payload).to_vec();
                items.into_iter().try_for_each(|item| self.pass(item, depth))
            }
            JsonTag::Object => {
                let members = self.heap.map_entries(payload);
                members.into_iter().try_for_each(|member| self.pass(member.value, depth))
            }
            _ => Some(()),
        }
    }

    fn absent(&mut self, field: &Field, depth: usize) -> Option<u64> {
        let types = &self.program.types;
        match (&field.default, types.get(types.representation(field.ty))) {
            (Some(default), _) => {
                let default: Value = serde_json::from_str(&default.json).ok()?;
                let default = self.heap.json(&default).ok()?;
                self.value(field.ty, default, depth)
            }
            (None, Some(Type::Option(_) | Type::Unit)) => Some(0),
            _ => None,
        }
    }

    /// A case without fields.
    fn case(&mut self, ty: TypeId, cases: &[Case], name: u64) -> Option<u64> {
        let name = self.heap.bytes_at(name);
        let number = cases.iter().position(|case| case.name.as_bytes() == name)?;
        let plain = cases.get(number)?.fields.is_empty();
        let number = u32::try_from(number).ok()?;
        if plain { self.heap.make_case(&self.program.types, ty, number, &[]).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Limits;
    use crate::program::KnownTypes;
    use crate::types::FieldDefault;
    use crate::value::{from_json, to_json};

    /// `record Order { id: Int  price: Decimal?  share: Float = 0.5  kind: Kind  tags: Map<String, List<Bool>> }`.
    fn order(program: &mut Program) -> TypeId {
        KnownTypes::standard(program);
        let known = program.known;
        let types = &mut program.types;
        let case = |name: &str, fields| Case { name: name.into(), fields };
        let field = |name: &str, ty| Field { name: name.into(), ty, default: None };
        let cases = vec![case("Plain", vec![]), case("Named", vec![field("name", known.string)])];
        let kind = types.push(Type::Enum { name: "Kind".into(), cases, error: false });
        let price = types.intern(Type::Option(known.decimal));
        let flags = types.intern(Type::List(known.bool));
        let tags = types.intern(Type::Map(known.string, flags));
        let share =
            Field { default: Some(FieldDefault { json: "0.5".into() }), ..field("share", known.float) };
        let fields = vec![
            field("id", known.int),
            field("price", price),
            share,
            field("kind", kind),
            field("tags", tags),
        ];
        types.push(Type::Record { name: "Order".into(), fields })
    }

    /// What is said of a text, the first way or the second; and whether the first could say it.
    fn both(text: &str) -> (bool, [Result<String, String>; 2]) {
        let mut program = Program::default();
        let order = order(&mut program);
        let mut heap = Heap::new(program.known, Limits::default());
        let json = heap.parse_json(&program.types, text).unwrap();
        let before = heap.len();
        let tree = heap.json_at(json).unwrap();
        let plainly = from_heap_json(&program, &mut heap, order, json);
        if plainly.is_none() {
            assert_eq!(heap.len(), before, "{text}");
        }
        let show = |heap: &Heap, word| to_json(&program, heap, order, word).unwrap().to_string();
        let first = plainly.map(|word| show(&heap, word));
        let by_tree = from_json(&program, &mut heap, order, &tree);
        let second = by_tree.map(|word| show(&heap, word)).map_err(|mismatch| mismatch.to_string());
        (first.is_some(), [first.map_or_else(|| second.clone(), Ok), second])
    }

    #[test]
    fn what_fits_plainly_is_what_the_tree_gives() {
        for text in [
            r#"{"id": 7, "price": 1.50, "share": 2e3, "kind": "Plain", "tags": {"a": [true, false], "b": []}}"#,
            r#"{"tags": {}, "kind": "Plain", "id": -9223372036854775808}"#,
            r#"{"id": 0, "price": null, "more": [[{"x": {}}]], "kind": "Plain", "tags": {}, "other": 1}"#,
        ] {
            let (plainly, [first, second]) = both(text);
            assert!(plainly && first.is_ok(), "{text}: {second:?}");
            assert_eq!(first, second);
        }
    }

    #[test]
    fn all_else_is_left_to_the_tree_and_so_are_its_messages() {
        for text in [
            r#"{"id": 7.0, "kind": {"Named": {"name": "n"}}, "tags": {}, "price": "2.5", "share": "Infinity"}"#,
            r#"{"id": 9223372036854775808, "kind": "Plain", "tags": {}}"#,
            r#"{"id": 1, "kind": "Unknown", "tags": {}}"#,
            r#"{"id": 1, "kind": "Named", "tags": {}}"#,
            r#"{"id": 1, "kind": "Plain", "tags": {"a": [true, 1]}}"#,
            r#"{"id": 1, "kind": "Plain"}"#,
            r#"{"id": 1, "share": 1e999, "kind": "Plain", "tags": {}}"#,
            "[]",
            "null",
        ] {
            let (plainly, [first, second]) = both(text);
            assert!(!plainly, "{text}: {first:?}");
            assert_eq!(first, second);
        }
    }

    #[test]
    fn what_nobody_asks_for_may_not_be_nested_too_deeply_either() {
        let mut program = Program::default();
        let order = order(&mut program);
        let mut heap = Heap::new(program.known, Limits::default());
        let mut deep = heap.make_json(JsonTag::Null, 0).unwrap();
        for _ in 0..DEEPEST {
            let items = heap.make_list(&[deep]).unwrap();
            deep = heap.make_json(JsonTag::Array, items).unwrap();
        }
        let json = r#"{"id": 1, "kind": "Plain", "tags": {}, "deep": 0}"#;
        let json = heap.parse_json(&program.types, json).unwrap();
        assert!(from_heap_json(&program, &mut heap, order, json).is_some());
        let (types, string, members) = (&program.types, program.known.string, heap.get(json, 1));
        let name = heap.string("deep").unwrap();
        let members = heap.map_insert(types, string, members, name, deep).unwrap();
        let json = heap.make_json(JsonTag::Object, members).unwrap();
        assert!(heap.json_at(json).is_err());
        assert!(from_heap_json(&program, &mut heap, order, json).is_none());
    }
}
