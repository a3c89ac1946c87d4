//! Decimals computed by native code are those of the interpreter, digit for digit, wherever its own code for them ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use common::{FunctionMaker, empty_program};
use flow_codegen::NativeExecutor;
use flow_mir::executor::NoHost;
use flow_mir::{
    Entry, Executor, Exit, FunctionId, Heap, Interpreter, Intrinsic, Limits, LocalId, Op, Terminator,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::sync::Arc;

const OPERATIONS: [Intrinsic; 4] = [
    Intrinsic::DecimalAdd,
    Intrinsic::DecimalSubtract,
    Intrinsic::DecimalMultiply,
    Intrinsic::DecimalCompare,
];

/// A function for each operation.
fn executors() -> [Box<dyn Executor>; 2] {
    let mut program = empty_program();
    let decimal = program.known.decimal;
    for intrinsic in OPERATIONS {
        let returns = if intrinsic == Intrinsic::DecimalCompare { program.known.int } else { decimal };
        let mut maker = FunctionMaker::new(intrinsic.name(), &[decimal, decimal], returns, false);
        let dst = maker.local(returns);
        let args = vec![LocalId(0), LocalId(1)];
        let op = Op::Intrinsic { dst, intrinsic, types: vec![], args };
        maker.block(vec![op], Terminator::Return(dst), None);
        flow_mir::liveness::complete(&mut maker.function, &program.types);
        maker.finish(&mut program);
    }
    let program = Arc::new(program);
    [Box::new(Interpreter::new(Arc::clone(&program))), Box::new(NativeExecutor::compile(program).unwrap())]
}

/// What comes of it, as bits: -0.0 is not 0.0, and 1.0 not 1.
fn computed(executor: &dyn Executor, function: usize, left: Decimal, right: Decimal) -> String {
    let mut heap = Heap::new(executor.program().known, Limits::default());
    let args = [heap.decimal(left).unwrap(), heap.decimal(right).unwrap()];
    let id = FunctionId(u32::try_from(function).unwrap());
    match executor.enter(id, Entry::Start(&args), &mut [], &mut heap, &mut NoHost) {
        Exit::Return(order) if OPERATIONS[function] == Intrinsic::DecimalCompare => {
            format!("{}", order as i64)
        }
        Exit::Return(value) => format!("{:?}", heap.decimal_at(value).serialize()),
        Exit::Raise(error) => format!("{:?}", heap.trap_parts(error)),
        other => format!("{other:?}"),
    }
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let edges = [0, 1, 9, 10, 99, 100, 250_000, u128::from(u32::MAX), u128::from(u64::MAX), (1 << 96) - 1];
    let near = (prop::sample::select(edges.to_vec()), -1i128..=1).prop_map(|(edge, by)| {
        u128::try_from(i128::try_from(edge).unwrap() + by).unwrap_or(0).min((1 << 96) - 1)
    });
    let power = (0u32..29).prop_map(|exponent| 10u128.pow(exponent).min((1 << 96) - 1));
    let small = any::<u32>().prop_map(u128::from);
    let wide = any::<u64>().prop_map(u128::from);
    let digits = prop_oneof![near, power, small, wide];
    let scale = prop_oneof![0u32..5, 0u32..29];
    (digits, scale, prop::bool::weighted(0.2)).prop_map(|(digits, scale, negative)| {
        let mut decimal = Decimal::from_i128_with_scale(i128::try_from(digits).unwrap(), scale);
        decimal.set_sign_negative(negative);
        decimal
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn native_decimals_are_the_interpreters(pairs in prop::collection::vec((decimal(), decimal()), 2_000)) {
        let [interpreter, native] = executors();
        for (left, right) in pairs {
            for (function, operation) in OPERATIONS.iter().enumerate() {
                let expected = computed(&*interpreter, function, left, right);
                let given = computed(&*native, function, left, right);
                prop_assert_eq!(given, expected, "{}({}, {})", operation.name(), left, right);
            }
        }
    }
}
