//! Stored strands: damage is noticed, long chains need no deep stack, values say what they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use flow_mir::executor::NoHost;
use flow_mir::{
    FunctionId, Heap, Interpreter, KnownTypes, Lent, Limits, Program, ProgramHash, Stop, Strand, Type,
    TypeId, text, value,
};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

const HASH: ProgramHash = ProgramHash([1; 32]);

fn stored() -> (Arc<Program>, Vec<u8>) {
    let program = Arc::new(text::parse(include_str!("mir/suspending.mir")).unwrap());
    let heap = Heap::new(program.known, Limits::default());
    let mut strand = Strand::new(heap, FunctionId(0), vec![2, 5]);
    let executor = Interpreter::new(program.clone());
    assert!(matches!(strand.run(&executor, &mut NoHost, Ok(0)), Stop::Suspended(_)));
    let view = strand.view(&program, None);
    let shown: Vec<_> = view[0].variables.iter().map(|v| format!("{} = {}", v.name, v.value)).collect();
    assert_eq!(shown, ["count = 2", "pause = 5ns", "items = [0]", "item = 1"]);
    let bytes = strand.encode(&program, HASH).unwrap();
    (program, bytes)
}

#[test]
fn the_format_is_as_it_was() {
    let (_, bytes) = stored();
    let mut golden = b"FLWS\x02\x00".to_vec();
    golden.extend([1; 32]);
    // One frame: function 0 at point 1, nothing lent, with its five slots; the list is at word 1.
    for number in [1_u32, 0, 1, 0, 5] {
        golden.extend(number.to_le_bytes());
    }
    for slot in [2_u64, 5, 1, 1, 1] {
        golden.extend(slot.to_le_bytes());
    }
    golden.extend(6_u32.to_le_bytes());
    for word in [0_u64, 1, 3, 1, 1, 0] {
        golden.extend(word.to_le_bytes());
    }
    assert_eq!(bytes[..bytes.len() - 8], golden);
}

#[test]
fn frames_of_an_older_flow_are_refused() {
    let (program, mut bytes) = stored();
    bytes["FLWS".len()] -= 1;
    let refused = Strand::decode(&program, HASH, &bytes, Limits::default()).unwrap_err().to_string();
    assert!(refused.ends_with("an older flow wrote it; use that one, or make it anew"), "{refused}");
}

/// A strand of a function of `lent.mir` with room for 2,000 words, and 100,000 words that are lent to it.
fn lacking(name: &str, argument: u64) -> (Arc<Program>, Strand, Lent) {
    let program = Arc::new(text::parse(include_str!("mir/lent.mir")).unwrap());
    let (id, _) = program.functions.iter().find(|(_, function)| function.name == name).unwrap();
    let mut heap = Heap::new(program.known, Limits::default());
    let row: Vec<u64> = (0..100_000).collect();
    let row = heap.make_list(&row).unwrap();
    let table = heap.make_list(&[row]).unwrap();
    let limits = Limits { heap_words: 2_000, ..Limits::default() };
    let strand = Strand::lacking(Heap::new(program.known, limits), id, 1, vec![argument]);
    (program, strand, Lent::new(heap, vec![table]))
}

#[test]
fn what_is_lent_is_there_whenever_a_strand_runs_and_never_stored() {
    let (program, mut strand, mut lent) = lacking("reads", 77_777);
    let executor = Interpreter::new(program.clone());
    let whole = lent.heap().len();
    for _ in 0..2 {
        assert!(matches!(strand.run_lent(&mut lent, &executor, &mut NoHost, Ok(0)), Stop::Suspended(_)));
        assert_eq!(lent.heap().len(), whole, "the lender has its own back");
        let bytes = strand.encode(&program, HASH).unwrap();
        assert!(bytes.len() < 300, "{} bytes", bytes.len());
        let limits = strand.heap().limits().clone();
        strand = Strand::decode(&program, HASH, &bytes, limits).unwrap();
    }
    let view = strand.view(&program, Some(&lent));
    let shown: Vec<_> = view[0].variables.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(shown, ["table", "item"]);
    let alone = strand.clone().run(&executor, &mut NoHost, Ok(0));
    assert!(matches!(alone, Stop::Raised(_)), "it can't run without");
    let stop = strand.run_lent(&mut lent, &executor, &mut NoHost, Ok(0));
    assert_eq!(stop, Stop::Returned(77_777 + 100_000));
}

#[test]
fn what_is_lent_stays_where_it_is_while_memory_is_collected() {
    let (program, mut strand, mut lent) = lacking("churns", 10_000);
    let executor = Interpreter::new(program.clone());
    let stop = strand.run_lent(&mut lent, &executor, &mut NoHost, Ok(0));
    assert_eq!(stop, Stop::Returned(9_999 * 10_000 / 2));
}

#[test]
fn what_a_strand_keeps_of_it_counts_as_its_own() {
    let (program, mut strand, mut lent) = lacking("keeps", 0);
    let executor = Interpreter::new(program.clone());
    let whole = lent.heap().len();
    let stop = strand.run_lent(&mut lent, &executor, &mut NoHost, Ok(0));
    assert_eq!(
        stop,
        Stop::Returned((-1_i64).cast_unsigned()),
        "its handler gets the trap where it would wait"
    );
    assert_eq!(lent.heap().len(), whole);
}

proptest! {
    /// With a checksum that fits, so that the checks behind it are the ones that hold.
    #[test]
    fn damaged_frames_give_errors_and_never_panic(changes in prop::collection::vec((6usize..140, any::<u8>()), 1..6)) {
        let (program, mut bytes) = stored();
        let end = bytes.len() - 8;
        for (at, byte) in changes { bytes[at % end] = byte; }
        let sum = blake3::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.as_bytes()[..8]);
        if let Ok(mut strand) = Strand::decode(&program, HASH, &bytes, Limits::default()) {
            strand.encode(&program, HASH).unwrap();
        }
        let cut = end / 2;
        prop_assert!(Strand::decode(&program, HASH, &bytes[..cut], Limits::default()).is_err());
    }
}

#[test]
fn a_million_linked_nodes_are_copied_compared_and_hashed() {
    let mut program = Program::default();
    KnownTypes::standard(&mut program);
    let node = TypeId(program.types.len() as u32);
    let next = TypeId(node.0 + 1);
    let _: TypeId = program.types.push(Type::Tuple(vec![TypeId(2), next]));
    let _: TypeId = program.types.push(Type::Option(node));
    let mut heap = Heap::new(program.known, Limits::default());
    let mut list = 0;
    for number in 0..1_000_000 {
        list = heap.make_record(&[number, list]).unwrap();
    }
    let mut roots = [(node, list)];
    let mut copy = heap.successor();
    value::copy(&program, &heap, &mut copy, &mut roots).unwrap();
    assert_eq!(
        value::hash(&program.types, &heap, node, list),
        value::hash(&program.types, &copy, node, roots[0].1)
    );
    assert!(value::to_json(&program, &heap, node, list).is_err());
    assert!(!value::equal(&program.types, &heap, node, list, heap.field(list, 1)));
}

#[test]
fn a_mismatch_says_where_and_what() {
    let mut program = Program::default();
    KnownTypes::standard(&mut program);
    let retry = program.known.retry;
    let mut heap = Heap::new(program.known, Limits::default());
    let good = json!({
        "initial": "1s", "factor": 2, "max": "1h30m", "attempts": null, "increment": "0s", "jitter": 0
    });
    let word = value::from_json_strict(&program, &mut heap, retry, &good).unwrap();
    assert_eq!(
        value::show(&program, &heap, retry, word),
        "Retry(initial: 1s, factor: 2, max: 1h30m, attempts: none, increment: 0s, jitter: 0)"
    );
    assert_eq!(value::to_json(&program, &heap, retry, word).unwrap(), good);
    for (json, message) in [
        (
            json!({"initial": "soon"}),
            "at `initial`: expected a Duration like \"1h30m\", found the string \"soon\"",
        ),
        (json!({"initial": "1s"}), "at `factor`: expected Decimal, found nothing"),
        (json!({"initail": "1s"}), "at `initail`: expected `initial`, found the unknown name `initail`"),
    ] {
        let mismatch = value::from_json_strict(&program, &mut heap, retry, &json).unwrap_err();
        assert_eq!(mismatch.to_string(), message);
    }
}
