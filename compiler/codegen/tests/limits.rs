//! Whatever a program does, and whatever values it is given, the process goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use common::{FunctionMaker, empty_program};
use flow_codegen::NativeExecutor;
use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::{
    BinaryOp, BlockId, Entry, Executor, Exit, FunctionId, Handler, Heap, Intrinsic, Limits, LocalId, Op,
    Program, SuspensionId, Terminator, Type, TypeId, UnaryOp,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Makes a program of the one function that `fill` makes: `(Int) -> Int`.
fn program(suspends: bool, fill: impl FnOnce(&mut FunctionMaker, &mut Program)) -> NativeExecutor {
    let mut program = empty_program();
    let int = program.known.int;
    let mut maker = FunctionMaker::new("test", &[int], int, suspends);
    fill(&mut maker, &mut program);
    flow_mir::liveness::complete(&mut maker.function, &program.types);
    maker.finish(&mut program);
    NativeExecutor::compile(Arc::new(program)).unwrap()
}

fn enter(native: &NativeExecutor, argument: u64, heap: &mut Heap) -> Exit {
    native.enter(FunctionId(0), Entry::Start(&[argument]), &mut [], heap, &mut NoHost)
}

fn heap(native: &NativeExecutor, limits: Limits) -> Heap {
    Heap::new(native.program().known, limits)
}

fn trap_kind(exit: &Exit, heap: &Heap) -> String {
    match exit {
        Exit::Raise(error) => heap.trap_parts(*error).map_or("no trap", |(kind, _)| kind).to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn endless_recursion_raises_and_the_stack_is_whole_again() {
    let native = program(false, |maker, program| {
        let one = maker.local(program.known.int);
        let n = LocalId(0);
        let ops = vec![
            Op::Word { dst: one, word: 1 },
            Op::Binary { dst: n, op: BinaryOp::IntAdd, left: n, right: one },
            Op::Call { dst: n, function: FunctionId(0), args: vec![n] },
            Op::Binary { dst: n, op: BinaryOp::IntAdd, left: n, right: one },
        ];
        maker.block(ops, Terminator::Return(n), None);
    });
    for _ in 0..3 {
        let mut heap = heap(&native, Limits { stack_bytes: 256 << 10, ..Limits::default() });
        let exit = enter(&native, 0, &mut heap);
        assert_eq!(trap_kind(&exit, &heap), "recursion too deep");
    }
}

/// `loop {}` with an empty body.
fn endless(suspends: bool) -> NativeExecutor {
    program(suspends, |maker, _| {
        let next = Terminator::Safepoint { next: BlockId(0), suspension: SuspensionId::START };
        maker.block(vec![], next, None);
    })
}

#[test]
fn the_watchdog_stops_an_endless_loop() {
    for suspends in [false, true] {
        let native = endless(suspends);
        let limits = Limits::default();
        let flag = Arc::clone(&limits.interrupt);
        let watchdog = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            flag.store(true, Ordering::Relaxed);
        });
        let mut heap = heap(&native, limits);
        let exit = enter(&native, 0, &mut heap);
        watchdog.join().unwrap();
        assert_eq!(trap_kind(&exit, &heap), "ran too long without a suspension");
    }
}

/// `for each number below the argument: a list of three`; gives the last list's length.
fn garbage(suspends: bool) -> NativeExecutor {
    program(suspends, |maker, program| make_garbage(maker, program, 1))
}

/// Its code, with the first instruction so many times.
fn make_garbage(maker: &mut FunctionMaker, program: &mut Program, times: usize) {
    let list = program.types.intern(Type::List(program.known.int));
    let (n, one) = (LocalId(0), maker.local(program.known.int));
    let [i, items] = [program.known.int, list].map(|ty| maker.local(ty));
    let more = maker.local(program.known.bool);
    let mut start = vec![Op::Word { dst: one, word: 1 }; times];
    start.push(Op::Word { dst: i, word: 0 });
    maker.block(start, Terminator::Goto(BlockId(1)), None);
    let ops = vec![
        Op::MakeList { dst: items, items: vec![i, i, one] },
        Op::Binary { dst: i, op: BinaryOp::IntAdd, left: i, right: one },
        Op::Binary { dst: more, op: BinaryOp::IntLess, left: i, right: n },
    ];
    let branch = Terminator::Branch { condition: more, then: BlockId(2), otherwise: BlockId(3) };
    maker.block(ops, branch, None);
    let next = Terminator::Safepoint { next: BlockId(1), suspension: SuspensionId::START };
    maker.block(vec![], next, None);
    let last = vec![Op::ListLen { dst: i, list: items }];
    maker.block(last, Terminator::Return(i), None);
}

fn small() -> Limits {
    Limits { heap_words: 100_000, ..Limits::default() }
}

#[test]
fn a_loop_that_does_not_suspend_is_collected_where_it_stands() {
    let native = garbage(false);
    let mut heap = heap(&native, small());
    assert_eq!(enter(&native, 1_000_000, &mut heap), Exit::Return(3));
    assert!(heap.len() < 120_000);
}

#[test]
fn a_function_too_large_for_code_collects_around_what_its_native_caller_holds() {
    let mut program = empty_program();
    let int = program.known.int;
    let list = program.types.intern(Type::List(int));
    let mut caller = FunctionMaker::new("caller", &[int], int, false);
    let n = LocalId(0);
    let [given, item] = [caller.local(int), caller.local(int)];
    let held = caller.local(list);
    let ops = vec![
        Op::MakeList { dst: held, items: vec![n] },
        Op::Call { dst: given, function: FunctionId(1), args: vec![n] },
        Op::Word { dst: item, word: 0 },
        Op::ListGet { dst: item, list: held, index: item },
        Op::Binary { dst: n, op: BinaryOp::IntAdd, left: item, right: given },
    ];
    caller.block(ops, Terminator::Return(n), None);
    let mut large = FunctionMaker::new("large", &[int], int, false);
    make_garbage(&mut large, &mut program, 20_000);
    for mut maker in [caller, large] {
        flow_mir::liveness::complete(&mut maker.function, &program.types);
        maker.finish(&mut program);
    }
    let native = NativeExecutor::compile(Arc::new(program)).unwrap();
    native.compile_all().unwrap();
    let mut heap = heap(&native, small());
    assert_eq!(enter(&native, 50_000, &mut heap), Exit::Return(50_003));
    assert!(heap.len() < 120_000);
}

#[test]
fn memory_that_is_still_needed_is_bounded() {
    let native = program(false, |maker, program| {
        let list = program.types.intern(Type::List(program.known.int));
        let (one, items) = (maker.local(program.known.int), maker.local(list));
        let start = vec![Op::Word { dst: one, word: 1 }, Op::MakeList { dst: items, items: vec![one] }];
        maker.block(start, Terminator::Goto(BlockId(1)), None);
        let (intrinsic, args) = (Intrinsic::ListPush, vec![items, one]);
        let push = Op::Intrinsic { dst: items, intrinsic, types: vec![program.known.int], args };
        let next = Terminator::Safepoint { next: BlockId(1), suspension: SuspensionId::START };
        maker.block(vec![push], next, None);
    });
    let mut heap = heap(&native, small());
    let exit = enter(&native, 0, &mut heap);
    assert_eq!(trap_kind(&exit, &heap), "out of memory");
    assert!(heap.len() < 120_000);
}

#[test]
fn a_suspending_loop_leaves_to_be_collected_and_goes_on() {
    let native = garbage(true);
    let mut strand = Strand::new(heap(&native, small()), FunctionId(0), vec![1_000_000]);
    assert_eq!(strand.run(&native, &mut NoHost, Ok(0)), Stop::Returned(3));
}

#[test]
fn a_value_of_the_wrong_type_reads_nothing_outside_the_heap() {
    let native = program(false, |maker, program| {
        let int = program.known.int;
        let list = program.types.intern(Type::List(int));
        let (items, one) = (maker.local(list), maker.local(int));
        let ops = vec![
            Op::Word { dst: one, word: 1 },
            Op::Copy { dst: items, src: LocalId(0) },
            Op::ListGet { dst: one, list: items, index: one },
        ];
        maker.block(ops, Terminator::Return(one), Some(Handler { block: BlockId(1), error: LocalId(0) }));
        maker.block(vec![], Terminator::Return(LocalId(0)), None);
    });
    for wild in [0, 1, 7, 1 << 20, 1 << 40, u64::MAX, i64::MAX as u64] {
        let mut heap = heap(&native, Limits::default());
        assert!(matches!(enter(&native, wild, &mut heap), Exit::Return(_)));
    }
}

/// Puts the argument, an `Int`, into the second local, whose type is another.
type WayIn = fn(&mut FunctionMaker, &mut Program, LocalId) -> Vec<Op>;

/// How a word of the wrong type comes into a local: as it is, calculated, taken out of an object or an option.
const WAYS_IN: [WayIn; 5] = [
    |_, _, dst| vec![Op::Copy { dst, src: LocalId(0) }],
    |_, _, dst| vec![Op::Unary { dst, op: UnaryOp::IntNegate, operand: LocalId(0) }],
    |_, _, dst| vec![Op::Unary { dst, op: UnaryOp::FloatNegate, operand: LocalId(0) }],
    |maker, program, dst| {
        let base = maker.local(program.types.intern(Type::Tuple(vec![program.known.int])));
        let fields = vec![LocalId(0)];
        vec![Op::MakeTuple { dst: base, fields }, Op::Field { dst, base, index: 0 }]
    },
    |maker, program, dst| {
        let option = maker.local(program.types.intern(Type::Option(program.known.string)));
        vec![Op::Copy { dst: option, src: LocalId(0) }, Op::Unwrap { dst, option }]
    },
];

/// What reads, or writes, where the local refers to; the first is a local of the type that it wants.
type Use = fn(&mut Program) -> (TypeId, fn(LocalId, LocalId) -> Op);

fn list(program: &mut Program) -> TypeId {
    program.types.intern(Type::List(program.known.int))
}

const USES: [Use; 8] = [
    |program| (list(program), |list, dst| Op::ListGet { dst, list, index: dst }),
    |program| (list(program), |list, dst| Op::ListLen { dst, list }),
    |program| (list(program), |value, _| Op::Share { value }),
    |program| {
        (list(program), |list, one| {
            let (intrinsic, args) = (Intrinsic::ListSet, vec![list, one, one]);
            Op::Intrinsic { dst: list, intrinsic, types: vec![], args }
        })
    },
    |program| {
        (list(program), |list, one| {
            let (intrinsic, args) = (Intrinsic::ListPush, vec![list, one]);
            Op::Intrinsic { dst: list, intrinsic, types: vec![], args }
        })
    },
    |program| {
        (program.known.decimal, |number, _| {
            let (intrinsic, args) = (Intrinsic::DecimalAdd, vec![number, number]);
            Op::Intrinsic { dst: number, intrinsic, types: vec![], args }
        })
    },
    |program| (program.known.error, |error, dst| Op::ErrorIs { dst, error, ty: TypeId(0) }),
    |program| {
        let (params, returns) = (vec![], program.known.int);
        let ty = program.types.intern(Type::Function { params, returns, suspends: false });
        (ty, |closure, dst| Op::CallClosure { dst, closure, args: vec![] })
    },
];

#[test]
fn a_value_of_the_wrong_type_is_harmless_wherever_it_comes_from_and_goes_to() {
    for (way_in, used) in WAYS_IN.iter().flat_map(|way_in| USES.iter().map(move |used| (way_in, used))) {
        let native = program(false, |maker, program| {
            let (ty, used) = used(program);
            let (wrong, one) = (maker.local(ty), maker.local(program.known.int));
            let mut ops = vec![Op::Word { dst: one, word: 1 }];
            ops.extend(way_in(maker, program, wrong));
            ops.push(used(wrong, one));
            let handler = Handler { block: BlockId(1), error: LocalId(0) };
            maker.block(ops, Terminator::Return(one), Some(handler));
            maker.block(vec![], Terminator::Return(one), None);
        });
        for wild in [0, 1, 2, 7, 1 << 20, 1 << 40, 1 << 61, 1 << 63, u64::MAX, i64::MAX as u64] {
            let mut heap = heap(&native, Limits::default());
            let before = heap.make_list(&[u64::MAX; 9]).unwrap();
            assert_eq!(before, 12);
            assert!(matches!(enter(&native, wild, &mut heap), Exit::Return(_) | Exit::Raise(_)));
        }
    }
}

#[test]
fn an_entry_that_does_not_fit_the_function_raises() {
    let native = endless(true);
    let entries = [
        Entry::Start(&[]),
        Entry::Start(&[1, 2]),
        Entry::Resume { suspension: SuspensionId(7), slots: &[], outcome: Ok(0) },
        Entry::Resume { suspension: SuspensionId(1), slots: &[0; 9], outcome: Ok(0) },
    ];
    for entry in entries {
        let mut heap = heap(&native, Limits::default());
        let exit = native.enter(FunctionId(0), entry, &mut [], &mut heap, &mut NoHost);
        assert_eq!(trap_kind(&exit, &heap), "internal error");
        let exit = native.enter(FunctionId(9), entry, &mut [], &mut heap, &mut NoHost);
        assert_eq!(trap_kind(&exit, &heap), "internal error");
    }
}

#[test]
fn a_damaged_program_is_refused() {
    let mut program = empty_program();
    let int = program.known.int;
    let mut maker = FunctionMaker::new("test", &[], int, false);
    maker.block(vec![], Terminator::Return(LocalId(3)), None);
    maker.finish(&mut program);
    assert!(NativeExecutor::compile(Arc::new(program)).is_err());
}

#[test]
fn many_threads_compile_and_run_at_once() {
    let native = garbage(true);
    std::thread::scope(|scope| {
        for count in 1..9 {
            let native = &native;
            scope.spawn(move || {
                let mut strand = Strand::new(heap(native, small()), FunctionId(0), vec![count * 1000]);
                assert_eq!(strand.run(native, &mut NoHost, Ok(0)), Stop::Returned(3));
            });
        }
    });
}
