//! Values of every type, made by chance: a copy and what JSON makes of them are equal to them, and where JSON is not what a type
//! asks for, it is said where.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use flow_mir::types::{Case, Field};
use flow_mir::value::{Image, compare, equal, from_json, hash, is_ordered, to_json};
use flow_mir::{Heap, Limits, Program, Type, TypeId, heap, text};
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;
use std::cmp::Ordering;

/// A type.
#[derive(Clone, Debug)]
enum Shape {
    Simple(Type),
    List(Box<Shape>),
    Set(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Option(Box<Shape>),
    Tuple(Vec<Shape>),
    Record(Vec<Shape>),
    /// Whether the fields have names; the fields of each case.
    Enum(bool, Vec<Vec<Shape>>),
    Distinct(Box<Shape>),
}

/// A value, whatever heap it will lie in.
#[derive(Clone, Debug)]
enum Made {
    Word(u64),
    Decimal(Decimal),
    Text(String),
    Raw(Vec<u8>),
    Json(Value),
    Items(Vec<Made>),
    Entries(Vec<(Made, Made)>),
    Option(Option<Box<Made>>),
    Case(usize, Vec<Made>),
}

/// `keys`: only what may be a key of a map.
fn shape(keys: bool) -> BoxedStrategy<Shape> {
    let mut simple = vec![
        Type::Unit,
        Type::Bool,
        Type::Int,
        Type::Duration,
        Type::Timestamp,
        Type::Decimal,
        Type::String,
        Type::Bytes,
        Type::Json,
    ];
    if !keys {
        simple.push(Type::Float);
    }
    let leaf = prop::sample::select(simple).prop_map(Shape::Simple);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let key = if keys { inner.clone() } else { shape(true) };
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Shape::List),
            key.clone().prop_map(|key| Shape::Set(Box::new(key))),
            (key, boxed.clone()).prop_map(|(key, value)| Shape::Map(Box::new(key), value)),
            boxed.clone().prop_map(Shape::Option),
            vec(inner.clone(), 2..4).prop_map(Shape::Tuple),
            vec(inner.clone(), 1..4).prop_map(Shape::Record),
            (any::<bool>(), vec(vec(inner, 0..3), 1..4)).prop_map(|(named, cases)| Shape::Enum(named, cases)),
            boxed.prop_map(Shape::Distinct),
        ]
    })
    .boxed()
}

fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zä\"]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

fn all(shapes: &[Shape]) -> BoxedStrategy<Vec<Made>> {
    shapes.iter().map(made).collect::<Vec<_>>().boxed()
}

/// Values of a type.
fn made(shape: &Shape) -> BoxedStrategy<Made> {
    match shape {
        Shape::Simple(Type::Unit) => Just(Made::Word(0)).boxed(),
        Shape::Simple(Type::Bool) => any::<bool>().prop_map(|value| Made::Word(value.into())).boxed(),
        Shape::Simple(Type::Float) => {
            let number = any::<f64>().prop_filter("no value is a NaN", |value| !value.is_nan());
            number.prop_map(|value| Made::Word(value.to_bits())).boxed()
        }
        Shape::Simple(Type::Decimal) => {
            let digits = (any::<i64>(), 0_u32..12);
            digits.prop_map(|(number, scale)| Made::Decimal(Decimal::new(number, scale))).boxed()
        }
        Shape::Simple(Type::String) => "[a-z ü\"\\\\]{0,6}".prop_map(Made::Text).boxed(),
        Shape::Simple(Type::Bytes) => vec(any::<u8>(), 0..20).prop_map(Made::Raw).boxed(),
        Shape::Simple(Type::Json) => json().prop_map(Made::Json).boxed(),
        Shape::Simple(_) => any::<i64>().prop_map(|value| Made::Word(value.cast_unsigned())).boxed(),
        Shape::List(item) | Shape::Set(item) => vec(made(item), 0..4).prop_map(Made::Items).boxed(),
        Shape::Map(key, value) => vec((made(key), made(value)), 0..4).prop_map(Made::Entries).boxed(),
        Shape::Option(item) => prop::option::of(made(item).prop_map(Box::new)).prop_map(Made::Option).boxed(),
        Shape::Tuple(items) | Shape::Record(items) => all(items).prop_map(Made::Items).boxed(),
        Shape::Enum(_, cases) => {
            let one = |(number, fields): (usize, &Vec<Shape>)| {
                all(fields).prop_map(move |fields| Made::Case(number, fields)).boxed()
            };
            prop::strategy::Union::new(cases.iter().enumerate().map(one)).boxed()
        }
        Shape::Distinct(inner) => made(inner),
    }
}

fn typed() -> impl Strategy<Value = (Shape, Made)> {
    shape(false).prop_flat_map(|shape| (Just(shape.clone()), made(&shape)))
}

fn field_name(named: bool, at: usize) -> String {
    if named { format!("f{at}") } else { at.to_string() }
}

/// Enters a type.
fn enter(program: &mut Program, shape: &Shape) -> TypeId {
    let field = |program: &mut Program, name: String, shape: &Shape| Field {
        name,
        ty: enter(program, shape),
        default: None,
    };
    let ty = match shape {
        Shape::Simple(ty) => return program.types.intern(ty.clone()),
        Shape::List(item) => Type::List(enter(program, item)),
        Shape::Set(item) => Type::Set(enter(program, item)),
        Shape::Map(key, value) => Type::Map(enter(program, key), enter(program, value)),
        Shape::Option(item) => Type::Option(enter(program, item)),
        Shape::Tuple(items) => Type::Tuple(items.iter().map(|item| enter(program, item)).collect()),
        Shape::Record(items) => {
            let fields = items.iter().enumerate();
            let fields = fields.map(|(at, item)| field(program, field_name(true, at), item)).collect();
            Type::Record { name: "Record".into(), fields }
        }
        Shape::Enum(named, cases) => {
            let cases = cases.iter().enumerate().map(|(number, items)| {
                let fields = items.iter().enumerate();
                let fields = fields.map(|(at, item)| field(program, field_name(*named, at), item)).collect();
                Case { name: format!("Case{number}"), fields }
            });
            Type::Enum { name: "Enum".into(), cases: cases.collect(), error: false }
        }
        Shape::Distinct(inner) => Type::Distinct { name: "Distinct".into(), inner: enter(program, inner) },
    };
    program.types.push(ty)
}

fn types_of(program: &Program, ty: TypeId) -> Type {
    program.types.get(program.types.representation(ty)).unwrap().clone()
}

/// Puts a value into a heap.
fn make(program: &Program, heap: &mut Heap, ty: TypeId, value: &Made) -> u64 {
    let types = &program.types;
    match (types_of(program, ty), value) {
        (_, Made::Word(word)) => *word,
        (_, Made::Decimal(value)) => heap.decimal(*value).unwrap(),
        (_, Made::Text(text)) => heap.string(text).unwrap(),
        (_, Made::Raw(bytes)) => heap.bytes(bytes).unwrap(),
        (_, Made::Json(json)) => heap.json(json).unwrap(),
        (Type::List(item), Made::Items(items)) => {
            let items: Vec<u64> = items.iter().map(|one| make(program, heap, item, one)).collect();
            heap.make_list(&items).unwrap()
        }
        (Type::Set(item), Made::Items(items)) => {
            let set = heap.empty_map().unwrap();
            items.iter().fold(set, |set, one| {
                let word = make(program, heap, item, one);
                heap.map_insert(types, item, set, word, 0).unwrap()
            })
        }
        (Type::Map(key, of), Made::Entries(entries)) => {
            let map = heap.empty_map().unwrap();
            entries.iter().fold(map, |map, (name, value)| {
                let (name, value) = (make(program, heap, key, name), make(program, heap, of, value));
                heap.map_insert(types, key, map, name, value).unwrap()
            })
        }
        (Type::Option(_), Made::Option(None)) => 0,
        (Type::Option(item), Made::Option(Some(value))) => {
            let word = make(program, heap, item, value);
            heap.make_some(types, item, word).unwrap()
        }
        (Type::Tuple(of), Made::Items(items)) => {
            let words: Vec<u64> =
                of.iter().zip(items).map(|(ty, item)| make(program, heap, *ty, item)).collect();
            heap.make_record(&words).unwrap()
        }
        (Type::Record { fields, .. }, Made::Items(items)) => {
            let words: Vec<u64> =
                fields.iter().zip(items).map(|(field, item)| make(program, heap, field.ty, item)).collect();
            heap.make_record(&words).unwrap()
        }
        (Type::Enum { cases, .. }, Made::Case(number, items)) => {
            let fields = cases.get(*number).unwrap().fields.iter();
            let words: Vec<u64> =
                fields.zip(items).map(|(field, item)| make(program, heap, field.ty, item)).collect();
            heap.make_case(types, ty, u32::try_from(*number).unwrap(), &words).unwrap()
        }
        (ty, value) => panic!("{value:?} is no {ty:?}"),
    }
}

/// Whether JSON tells every value of a type from every other: `null` is `none`, so it can't be `Some` of anything.
fn is_told_by_json(shape: &Shape) -> bool {
    fn says_null(shape: &Shape) -> bool {
        match shape {
            Shape::Option(_) | Shape::Simple(Type::Unit | Type::Json) => true,
            Shape::Distinct(inner) => says_null(inner),
            _ => false,
        }
    }
    match shape {
        Shape::Simple(_) => true,
        Shape::Option(item) => !says_null(item) && is_told_by_json(item),
        Shape::List(item) | Shape::Set(item) | Shape::Distinct(item) => is_told_by_json(item),
        Shape::Map(key, value) => is_told_by_json(key) && is_told_by_json(value),
        Shape::Tuple(items) | Shape::Record(items) => items.iter().all(is_told_by_json),
        Shape::Enum(_, cases) => cases.iter().flatten().all(is_told_by_json),
    }
}

fn join(path: &str, segment: &str) -> String {
    let dot = if path.is_empty() || segment.starts_with('[') { "" } else { "." };
    format!("{path}{dot}{segment}")
}

/// The places in the JSON of a value where an object can't be: each as it is told and as a JSON pointer.
fn places(shape: &Shape, json: &Value, path: &str, pointer: &str, out: &mut Vec<(String, String)>) {
    let item = |shape: &Shape, at: usize, out: &mut Vec<_>| {
        let inside = json.get(at).unwrap();
        places(shape, inside, &join(path, &format!("[{at}]")), &format!("{pointer}/{at}"), out);
    };
    let member = |shape: &Shape, name: &str, json: &Value, out: &mut Vec<_>| {
        places(shape, json, &join(path, name), &format!("{pointer}/{name}"), out);
    };
    match (shape, json) {
        (Shape::Simple(Type::Json), _) | (Shape::Option(_), Value::Null) => {}
        (Shape::Simple(_), _) => out.push((path.into(), pointer.into())),
        (Shape::Distinct(inner) | Shape::Option(inner), _) => places(inner, json, path, pointer, out),
        (Shape::List(shape) | Shape::Set(shape), Value::Array(items)) => {
            (0..items.len()).for_each(|at| item(shape, at, out));
        }
        (Shape::Tuple(shapes), _) => shapes.iter().enumerate().for_each(|(at, shape)| item(shape, at, out)),
        (Shape::Map(key, value), Value::Array(pairs)) => {
            for at in 0..pairs.len() {
                let pair = Shape::Tuple(vec![(**key).clone(), (**value).clone()]);
                item(&pair, at, out);
            }
        }
        (Shape::Map(_, value), Value::Object(members)) => {
            // A key that a pointer would have to escape is left out.
            let plain = members.iter().filter(|(name, _)| name.chars().all(|char| char.is_ascii_lowercase()));
            plain
                .filter(|(name, _)| !name.is_empty())
                .for_each(|(name, json)| member(value, name, json, out));
        }
        (Shape::Record(shapes), Value::Object(members)) => {
            for (at, shape) in shapes.iter().enumerate() {
                let name = field_name(true, at);
                member(shape, &name, members.get(&name).unwrap(), out);
            }
        }
        (Shape::Enum(named, cases), Value::Object(members)) => {
            let (name, content) = members.iter().next().unwrap();
            let number: usize = name.trim_start_matches("Case").parse().unwrap();
            let whole = match cases.get(number).unwrap().as_slice() {
                [only] if !named => only.clone(),
                fields if *named => Shape::Record(fields.to_vec()),
                fields => Shape::Tuple(fields.to_vec()),
            };
            member(&whole, name, content, out);
        }
        _ => {}
    }
}

fn world(shape: &Shape) -> (Program, TypeId, Heap) {
    let mut program = text::parse(include_str!("mir/suspending.mir")).unwrap();
    let ty = enter(&mut program, shape);
    let heap: Heap = heap::Heap::new(program.known, Limits::default());
    (program, ty, heap)
}

proptest! {
    #[test]
    fn a_copy_is_equal((shape, value) in typed()) {
        let (program, ty, mut heap) = world(&shape);
        let word = make(&program, &mut heap, ty, &value);
        let image = Image::capture(&program, &heap, &[(ty, word)]).unwrap();
        let image = Image::decode(&image.encode()).unwrap();
        let copy = *image.restore(&program, &mut heap).unwrap().first().unwrap();
        prop_assert!(equal(&program.types, &heap, ty, word, copy));
        prop_assert_eq!(hash(&program.types, &heap, ty, word), hash(&program.types, &heap, ty, copy));
        if is_ordered(&program.types, ty) {
            prop_assert_eq!(compare(&program.types, &heap, ty, word, copy), Ordering::Equal);
        }
    }

    #[test]
    fn json_gives_the_same_value((shape, value) in typed()) {
        prop_assume!(is_told_by_json(&shape));
        let (program, ty, mut heap) = world(&shape);
        let word = make(&program, &mut heap, ty, &value);
        let json = to_json(&program, &heap, ty, word).unwrap();
        // As text, as it is stored and sent.
        let json: Value = serde_json::from_str(&json.to_string()).unwrap();
        let back = from_json(&program, &mut heap, ty, &json);
        prop_assert!(back.is_ok(), "{json}: {back:?}");
        prop_assert!(equal(&program.types, &heap, ty, word, back.unwrap()), "{json}");
    }

    #[test]
    fn a_mismatch_says_where_it_is((shape, value) in typed(), which in any::<prop::sample::Index>()) {
        let (program, ty, mut heap) = world(&shape);
        let word = make(&program, &mut heap, ty, &value);
        let mut json = to_json(&program, &heap, ty, word).unwrap();
        let mut found = Vec::new();
        places(&shape, &json, "", "", &mut found);
        prop_assume!(!found.is_empty());
        let (path, pointer) = which.get(&found);
        *json.pointer_mut(pointer).unwrap() = serde_json::json!({"no such thing": []});
        let mismatch = from_json(&program, &mut heap, ty, &json).unwrap_err();
        prop_assert_eq!(&mismatch.path, path, "{}", mismatch);
    }
}
