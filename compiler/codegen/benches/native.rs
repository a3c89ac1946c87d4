//! What native code costs: calls, a checked loop, a suspension with its resumption, compilation. No assertion on time.
//! Run with `cargo bench -p flow-codegen`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement may panic"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{FunctionMaker, empty_program};
use flow_codegen::NativeExecutor;
use flow_mir::executor::NoHost;
use flow_mir::{
    BinaryOp, BlockId, Entry, Executor, Exit, FunctionId, Heap, Limits, LocalId, Op, Program, SuspendOp,
    SuspensionId, SuspensionPoint, Terminator,
};
use std::sync::Arc;
use std::time::Instant;

fn binary(dst: LocalId, op: BinaryOp, left: LocalId, right: LocalId) -> Op {
    Op::Binary { dst, op, left, right }
}

/// `fn fib(n: Int) -> Int { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }`
fn fib(program: &mut Program) -> FunctionId {
    let (int, bool) = (program.known.int, program.known.bool);
    let mut maker = FunctionMaker::new("fib", &[int], int, false);
    let n = LocalId(0);
    let [one, two, left, right] = [(); 4].map(|()| maker.local(int));
    let small = maker.local(bool);
    let itself = FunctionId(program.functions.len() as u32);
    let branch = Terminator::Branch { condition: small, then: BlockId(1), otherwise: BlockId(2) };
    maker.block(vec![Op::Word { dst: two, word: 2 }, binary(small, BinaryOp::IntLess, n, two)], branch, None);
    maker.block(vec![], Terminator::Return(n), None);
    let call = |dst| Op::Call { dst, function: itself, args: vec![dst] };
    maker.block(
        vec![
            Op::Word { dst: one, word: 1 },
            binary(left, BinaryOp::IntSubtract, n, one),
            call(left),
            binary(right, BinaryOp::IntSubtract, n, two),
            call(right),
            binary(left, BinaryOp::IntAdd, left, right),
        ],
        Terminator::Return(left),
        None,
    );
    maker.finish(program)
}

/// `fn sum(n: Int) -> Int`: adds up the numbers below `n`.
fn sum(program: &mut Program) -> FunctionId {
    let (int, bool) = (program.known.int, program.known.bool);
    let mut maker = FunctionMaker::new("sum", &[int], int, false);
    let n = LocalId(0);
    let [i, one, total] = [(); 3].map(|()| maker.local(int));
    let more = maker.local(bool);
    maker.block(vec![Op::Word { dst: one, word: 1 }], Terminator::Goto(BlockId(1)), None);
    let branch = Terminator::Branch { condition: more, then: BlockId(2), otherwise: BlockId(3) };
    maker.block(vec![binary(more, BinaryOp::IntLess, i, n)], branch, None);
    maker.block(
        vec![binary(total, BinaryOp::IntAdd, total, i), binary(i, BinaryOp::IntAdd, i, one)],
        Terminator::Safepoint { next: BlockId(1), suspension: SuspensionId::START },
        None,
    );
    maker.block(vec![], Terminator::Return(total), None);
    maker.finish(program)
}

/// `fn sleeper(n: Int) -> Int`: counts to `n`, sleeping before each number.
fn sleeper(program: &mut Program) -> FunctionId {
    let known = program.known;
    let mut maker = FunctionMaker::new("sleeper", &[known.int], known.int, true);
    let n = LocalId(0);
    let [i, one] = [(); 2].map(|()| maker.local(known.int));
    let (duration, more, unit) =
        (maker.local(known.duration), maker.local(known.bool), maker.local(known.unit));
    maker.block(vec![Op::Word { dst: i, word: 0 }], Terminator::Goto(BlockId(1)), None);
    let branch = Terminator::Branch { condition: more, then: BlockId(2), otherwise: BlockId(3) };
    maker.block(vec![Op::Word { dst: one, word: 1 }, binary(more, BinaryOp::IntLess, i, n)], branch, None);
    let suspend = Terminator::Suspend {
        dst: unit,
        op: SuspendOp::Sleep { duration },
        next: BlockId(1),
        suspension: SuspensionId(1),
    };
    maker.block(
        vec![Op::Word { dst: duration, word: 1000 }, binary(i, BinaryOp::IntAdd, i, one)],
        suspend,
        None,
    );
    maker.block(vec![], Terminator::Return(i), None);
    let live = vec![n, i];
    maker.function.suspensions =
        vec![SuspensionPoint { block: BlockId(2), location: Default::default(), live }];
    maker.finish(program)
}

fn heap(program: &Program) -> Heap {
    Heap::new(program.known, Limits::default())
}

fn call(executor: &dyn Executor, function: FunctionId, argument: u64) {
    let name = executor.program().functions[function].name.clone();
    let mut heap = heap(executor.program());
    let start = Instant::now();
    let exit = executor.enter(function, Entry::Start(&[argument]), &mut [], &mut heap, &mut NoHost);
    println!("{name}({argument}) = {exit:?} in {:?}", start.elapsed());
}

fn suspensions(executor: &dyn Executor, function: FunctionId, count: u32) {
    let mut heap = heap(executor.program());
    let start = Instant::now();
    let mut exit =
        executor.enter(function, Entry::Start(&[u64::from(count)]), &mut [], &mut heap, &mut NoHost);
    while let Exit::Suspend { suspension, slots, .. } = exit {
        let entry = Entry::Resume { suspension, slots: &slots, outcome: Ok(0) };
        exit = executor.enter(function, entry, &mut [], &mut heap, &mut NoHost);
    }
    println!("suspend and resume: {exit:?}, {:?} each", start.elapsed() / count);
}

fn main() {
    let mut program = empty_program();
    let (fib, sum, sleeper) = (fib(&mut program), sum(&mut program), sleeper(&mut program));
    let start = Instant::now();
    let native = NativeExecutor::compile(Arc::new(program)).expect("this machine is supported");
    println!("prepared in {:?}", start.elapsed());
    let start = Instant::now();
    native.compile_all().expect("a valid program");
    println!("three functions compiled in {:?}", start.elapsed());
    call(&native, fib, 38);
    call(&native, sum, 100_000_000);
    suspensions(&native, sleeper, 10_000_000);
}
