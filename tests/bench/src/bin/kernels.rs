//! Kernels written in Flow, Rust, JavaScript and Python: results are compared, times are given as ratios.
//!
//! ```text
//! cargo run --release -p flow-bench --bin kernels              # all of them
//! cargo run --release -p flow-bench --bin kernels -- fib sieve # some
//! ```
//! Rust is built with this binary (`opt-level = 3`); `node` and `python3` are left out where they are not installed. Each
//! language repeats a kernel in one process for `--seconds` and gives its best time, so that a JIT compiler has warmed up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::excessive_precision,
    clippy::approx_constant,
    reason = "a measurement may panic"
)]

use clap::Parser;
use flow_codegen::NativeExecutor;
use flow_mir::executor::NoHost;
use flow_mir::strand::{Stop, Strand};
use flow_mir::value::to_json;
use flow_mir::{Heap, Limits};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

macro_rules! kernels {
    ($($(#[$about:meta])* $name:ident($n:literal, $scalar:literal) in $path:literal;)*) => {
        $(#[path = $path] mod $name;)*
        const KERNELS: &[Kernel] = &[$(Kernel {
            name: stringify!($name),
            n: $n,
            scalar: $scalar,
            rust: |n| serde_json::to_value($name::main(n)).expect("a result is JSON"),
        },)*];
    };
}

// Name, size, and whether it is one of the scalar ones, which are to be within twice Rust's time.
kernels! {
    fib(32, true) in "../../kernels/fib.rs";
    nbody(200_000, true) in "../../kernels/nbody.rs";
    spectral_norm(300, true) in "../../kernels/spectral_norm.rs";
    fannkuch(9, true) in "../../kernels/fannkuch.rs";
    sieve(2_000_000, true) in "../../kernels/sieve.rs";
    mandelbrot(400, true) in "../../kernels/mandelbrot.rs";
    matrix_multiply(200, true) in "../../kernels/matrix_multiply.rs";
    binary_trees(14, false) in "../../kernels/binary_trees.rs";
    map_count(1_000_000, false) in "../../kernels/map_count.rs";
    string_build(200_000, false) in "../../kernels/string_build.rs";
    sort_closure(200_000, false) in "../../kernels/sort_closure.rs";
    decimal_interest(300_000, false) in "../../kernels/decimal_interest.rs";
    json_transform(20_000, false) in "../../kernels/json_transform.rs";
}

struct Kernel {
    name: &'static str,
    n: i64,
    scalar: bool,
    rust: fn(i64) -> Value,
}

#[derive(Parser)]
struct Args {
    /// Which; all where none is named.
    kernels: Vec<String>,
    /// How long each language repeats each kernel.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// A result and the best time.
struct Measured {
    result: Value,
    time: Duration,
}

fn main() {
    let args = Args::parse();
    let chosen: Vec<&Kernel> = KERNELS
        .iter()
        .filter(|kernel| args.kernels.is_empty() || args.kernels.iter().any(|name| name == kernel.name))
        .collect();
    assert!(!chosen.is_empty(), "no such kernel: {:?}", args.kernels);
    println!(
        "kernel            n         flow ms   rust ms   node ms python ms   of rust   of node of python"
    );
    let mut ratios: [Vec<f64>; 4] = Default::default();
    for kernel in chosen {
        let flow = flow(kernel, args.seconds);
        let rust = repeat(args.seconds, || (kernel.rust)(kernel.n));
        let node = script("node", "run.js", kernel, args.seconds);
        let python = script("python3", "run.py", kernel, args.seconds);
        for (language, other) in [("rust", Some(&rust)), ("node", node.as_ref()), ("python", python.as_ref())]
        {
            let Some(other) = other else { continue };
            assert!(
                same(&flow.result, &other.result),
                "{}: flow {} {language} {}",
                kernel.name,
                flow.result,
                other.result
            );
        }
        let ratio =
            |other: Option<&Measured>| other.map(|other| flow.time.as_secs_f64() / other.time.as_secs_f64());
        let of = [ratio(Some(&rust)), ratio(node.as_ref()), ratio(python.as_ref())];
        for (all, ratio) in ratios.iter_mut().zip(of) {
            all.extend(ratio);
        }
        if kernel.scalar {
            ratios[3].extend(of[0]);
        }
        let times = [Some(&flow), Some(&rust), node.as_ref(), python.as_ref()].map(milliseconds);
        let of = of.map(|ratio| ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")));
        println!(
            "{:<17} {:<9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            kernel.name, kernel.n, times[0], times[1], times[2], times[3], of[0], of[1], of[2]
        );
    }
    let [rust, node, python, scalar] = ratios.map(|ratios| geometric_mean(&ratios));
    println!(
        "geometric means: {rust} of rust ({scalar} on the scalar ones), {node} of node, {python} of python"
    );
}

/// A kernel in Flow, as native code. The first run, which compiles it, counts like any other.
fn flow(kernel: &Kernel, seconds: f64) -> Measured {
    let text =
        std::fs::read_to_string(folder().join(kernel.name).with_extension("flow")).expect("the kernel");
    let program = flow_tests::compile(&text);
    let executor = NativeExecutor::compile(program.clone()).expect("native code");
    let (_, workflow) = program.workflows.iter().find(|(_, workflow)| workflow.name == "main").expect("main");
    let limits = Limits { stack_bytes: 4 << 20, ..Limits::default() };
    repeat(seconds, || {
        let heap = Heap::new(program.known, limits.clone());
        let mut strand = Strand::new(heap, workflow.body, vec![kernel.n.cast_unsigned()]);
        match strand.run(&executor, &mut NoHost, Ok(0)) {
            Stop::Returned(word) => to_json(&program, strand.heap(), workflow.returns, word).expect("JSON"),
            Stop::Raised(error) => panic!("{}: {:?}", kernel.name, strand.heap().trap_parts(error)),
            Stop::Suspended(at) => panic!("{} suspends on {:?}", kernel.name, at.op),
        }
    })
}

fn repeat(seconds: f64, mut run: impl FnMut() -> Value) -> Measured {
    let (begin, mut time) = (Instant::now(), Duration::MAX);
    loop {
        let start = Instant::now();
        let result = run();
        time = time.min(start.elapsed());
        if begin.elapsed().as_secs_f64() >= seconds {
            return Measured { result, time };
        }
    }
}

/// A kernel in another language; `None` where that isn't installed.
fn script(language: &str, runner: &str, kernel: &Kernel, seconds: f64) -> Option<Measured> {
    let arguments = [runner, kernel.name, &kernel.n.to_string(), &seconds.to_string()];
    let output = Command::new(language).args(arguments).current_dir(folder()).output().ok()?;
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{language} {}: {}", kernel.name, String::from_utf8_lossy(&output.stderr))
    });
    let seconds = printed["seconds"].as_f64().expect("a time");
    Some(Measured { result: printed["result"].clone(), time: Duration::from_secs_f64(seconds) })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels")
}

/// Whether two languages mean the same: decimals may be text, floats end in rounding.
fn same(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    match (number(left), number(right)) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(1.0),
        _ => left == right,
    }
}

fn milliseconds(measured: Option<&Measured>) -> String {
    measured.map_or_else(|| "-".into(), |measured| format!("{:.1}", measured.time.as_secs_f64() * 1000.0))
}

fn geometric_mean(ratios: &[f64]) -> String {
    if ratios.is_empty() {
        return "-".into();
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    format!("{mean:.2}")
}
