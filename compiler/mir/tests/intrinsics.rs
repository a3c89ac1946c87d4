//! Every built-in operation, with the values that break things: none panics, hangs or needs more memory than the strand
//! has, and what it gives is a value of the type that its signature says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use flow_mir::value::{self, Image};
use flow_mir::{Heap, Intrinsic, Limits, Program, Type, TypeId, intrinsics};
use rust_decimal::Decimal;

/// Words of memory: too few for the largest of what is asked for.
const WORDS: usize = 1 << 16;
/// Calls of each operation.
const CALLS: u64 = 300;

/// What a type parameter stands for.
fn argument(generic: &str) -> &'static str {
    match generic {
        "T" => "Decimal",
        "K" => "String",
        "V" => "Int",
        other => panic!("a type parameter {other}"),
    }
}

/// The type that a signature writes.
fn ty(program: &mut Program, text: &str) -> TypeId {
    let known = program.known;
    if let Some(item) = text.strip_suffix('?') {
        let item = ty(program, item);
        return program.types.intern(Type::Option(item));
    }
    if let Some(parts) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let parts = split(parts).iter().map(|part| ty(program, part)).collect();
        return program.types.intern(Type::Tuple(parts));
    }
    if let Some((name, args)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        let args: Vec<TypeId> = split(args).iter().map(|arg| ty(program, arg)).collect();
        return program.types.intern(match name {
            "List" => Type::List(args[0]),
            "Set" => Type::Set(args[0]),
            _ => Type::Map(args[0], args[1]),
        });
    }
    match text {
        // An enum without fields is its case's number.
        "Int" | "Rounding" | "JsonKind" => known.int,
        "Bool" => known.bool,
        "Float" => known.float,
        "Decimal" => known.decimal,
        "String" => known.string,
        "Bytes" => known.bytes,
        "Duration" => known.duration,
        "Timestamp" => known.timestamp,
        "Json" => known.json,
        generic => ty(program, argument(generic)),
    }
}

/// Splits at the commas outside brackets.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for char in text.chars() {
        depth += i32::from(matches!(char, '<' | '(')) - i32::from(matches!(char, '>' | ')'));
        if char == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(char);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

const INTS: [i64; 14] =
    [0, 1, -1, 2, 3, 7, 16, 36, 63, 64, 1_000_000_000_000, i64::MAX, i64::MIN, -719_468_000];
const TEXTS: [&str; 24] = [
    "",
    "a",
    "é ü\r\nß",
    "1",
    "-7.50",
    "1e999999999",
    "(",
    "(?<x>a)|(b)",
    "(\\w{40}){40}",
    "$0$0$x",
    "%Y-%m-%d %H:%M",
    "%",
    "%Q%9999999d",
    "UTC",
    "Europe/Berlin",
    ",",
    "\"",
    "a,b\n1,\"x",
    "{\"a\": [1, 2.50, null]}",
    "[[[[",
    "2024-02-29T23:59:60Z",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "aGVsbG8=",
    "\u{1F600}%FF",
];

/// A value of a type, by chance.
fn make(program: &Program, heap: &mut Heap, ty: TypeId, chance: &mut u64) -> u64 {
    *chance = value::hash_bytes(&chance.to_le_bytes());
    let pick = (*chance >> 8) as usize;
    match program.types[program.types.representation(ty)].clone() {
        Type::Bool => (pick % 2) as u64,
        Type::Float => {
            let floats =
                [0.0, -0.0, 1.5, -2.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE];
            floats[pick % floats.len()].to_bits()
        }
        Type::Decimal => {
            let small = Decimal::new(1, 28);
            let decimals = [
                Decimal::ZERO,
                Decimal::ONE,
                -Decimal::ONE,
                Decimal::MAX,
                Decimal::MIN,
                small,
                Decimal::new(25, 1),
                Decimal::new(-70, 0),
            ];
            heap.decimal(decimals[pick % decimals.len()]).unwrap()
        }
        Type::String | Type::Bytes if pick.is_multiple_of(9) => heap.string(&"ab ".repeat(1000)).unwrap(),
        Type::String | Type::Bytes => heap.string(TEXTS[pick % TEXTS.len()]).unwrap(),
        Type::Json => {
            let text = ["null", "true", "-1.5e3", "\"a\"", "[1, [2]]", "{\"a\": {\"b\": 1}}"][pick % 6];
            heap.json(&serde_json::from_str(text).unwrap()).unwrap()
        }
        Type::List(item) => {
            let items: Vec<u64> = (0..pick % 5).map(|_| make(program, heap, item, chance)).collect();
            heap.make_list(&items).unwrap()
        }
        Type::Map(key, item) => {
            let mut map = heap.empty_map().unwrap();
            for _ in 0..pick % 5 {
                let (name, word) = (make(program, heap, key, chance), make(program, heap, item, chance));
                map = heap.map_insert(&program.types, key, map, name, word).unwrap();
            }
            map
        }
        Type::Set(item) => {
            let mut set = heap.empty_map().unwrap();
            for _ in 0..pick % 5 {
                let word = make(program, heap, item, chance);
                set = heap.map_insert(&program.types, item, set, word, 0).unwrap();
            }
            set
        }
        Type::Option(item) => {
            let word = (!pick.is_multiple_of(3)).then(|| make(program, heap, item, chance));
            heap.make_option(&program.types, item, word).unwrap()
        }
        Type::Tuple(parts) => {
            let parts: Vec<u64> = parts.iter().map(|part| make(program, heap, *part, chance)).collect();
            heap.make_record(&parts).unwrap()
        }
        _ => INTS[pick % INTS.len()].cast_unsigned(),
    }
}

#[test]
fn no_operation_is_broken_by_its_arguments() {
    let mut program = Program::default();
    flow_mir::KnownTypes::standard(&mut program);
    for intrinsic in Intrinsic::ALL {
        let signature = intrinsic.signature();
        let (generics, rest) = match signature.strip_prefix('<').and_then(|rest| rest.split_once(">(")) {
            Some((generics, rest)) => (split(generics), format!("({rest}")),
            None => (Vec::new(), signature.to_owned()),
        };
        let (params, result) =
            rest.rsplit_once(" -> ").unwrap_or_else(|| panic!("{intrinsic:?}: {signature}"));
        let params = split(params.trim_start_matches('(').strip_suffix(')').unwrap());
        let types: Vec<TypeId> = generics.iter().map(|name| ty(&mut program, name)).collect();
        let params: Vec<TypeId> = params.iter().map(|param| ty(&mut program, param)).collect();
        let result = ty(&mut program, result);
        for seed in 0..CALLS {
            let limits = Limits { heap_words: WORDS, ..Limits::default() };
            let mut heap = Heap::new(program.known, limits);
            let mut chance = seed;
            let args: Vec<u64> =
                params.iter().map(|param| make(&program, &mut heap, *param, &mut chance)).collect();
            let said = |heap: &Heap| {
                let shown =
                    params.iter().zip(&args).map(|(ty, word)| value::show_brief(&program, heap, *ty, *word));
                format!("{}({})", intrinsic.name(), shown.collect::<Vec<_>>().join(", "))
            };
            let outcome = intrinsics::call(*intrinsic, &types, &args, &program, &mut heap);
            assert!(heap.len() <= WORDS + 4096, "{} needs {} words", said(&heap), heap.len());
            let root = match outcome {
                Ok(word) => (result, word),
                Err(error) => {
                    let (kind, message) = heap.trap_parts(error).unwrap_or_else(|| panic!("{}", said(&heap)));
                    assert!(
                        kind != "internal error" && !message.is_empty(),
                        "{}: {kind} {message}",
                        said(&heap)
                    );
                    (program.known.error, error)
                }
            };
            if let Err(wrong) = Image::capture(&program, &heap, &[root]) {
                panic!("{} gives no value of its type: {wrong}", said(&heap));
            }
        }
    }
}
