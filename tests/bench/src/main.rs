//! Workloads on a real store: the workflow of three sequential steps, each a durably recorded `x + 1`.
//!
//! ```text
//! cargo run --release -p flow-bench -- --store postgres://… throughput    # many at a time
//! cargo run --release -p flow-bench -- --store postgres://… latency       # one at a time
//! cargo run --release -p flow-bench -- --store postgres://… loop          # one workflow, many steps
//! cargo run --release -p flow-bench -- --store postgres://… fan-out       # one workflow, many branches
//! cargo run --release -p flow-bench -- --store postgres://… captures      # the same, each branch reading 80 kB of its parent
//! cargo run --release -p flow-bench -- --store postgres://… years         # a loop: is its end as fast as its beginning?
//! cargo run --release -p flow-bench -- --store postgres://… queue         # signals that queue up, and are received
//! ```
//! Each figure is one line: `workload metric value unit`. Every result is checked.

mod queue;
mod years;

use clap::{Parser, ValueEnum};
use flow_engine::{Engine, Options};
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use flow_mir::value::{Image, from_json_fields};
use flow_mir::{Heap, Limits, Program};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const PROGRAM: &str = r#"
use std.log
use std.time

activity step(x: Int) -> Int { run: x + 1 }

workflow three(x: Int) -> Int {
  let a = step(x)
  let b = step(a)
  step(b)
}

workflow long_loop(n: Int) -> Int {
  var x = 0
  while x < n { x = step(x) }
  x
}

record Times { first_ms: Int  last_ms: Int }

/// How long the first and the last tenth of the steps take; then it waits.
workflow years(n: Int) -> Times {
  let tenth = n / 10
  let began = time.now()
  var x = 0
  while x < tenth { x = step(x) }
  let first = time.now() - began
  while x < n - tenth { x = step(x) }
  let late = time.now()
  while x < n { x = step(x) }
  let times = Times(first_ms: first / 1ms, last_ms: (time.now() - late) / 1ms)
  log.info("first {times.first_ms} last {times.last_ms}")
  sleep 1h
  times
}

/// Receives each message and does a step with it; how long that takes for the first and the last tenth.
workflow queue(n: Int) -> Times {
  signal go
  signal item: Int
  receive go
  let tenth = n / 10
  let began = time.now()
  for i in 0..tenth { step(receive item) }
  let first = time.now() - began
  for i in 0..n - 2 * tenth { step(receive item) }
  let late = time.now()
  for i in 0..tenth { step(receive item) }
  Times(first_ms: first / 1ms, last_ms: (time.now() - late) / 1ms)
}

workflow captures(n: Int) -> Int {
  let table = (0..10_000).map(|x| x)
  let xs = parallel for i in 0..n {
    let y = step(i)
    table[y - 1]
  }
  xs.len()
}

workflow fan_out(n: Int) -> Int {
  let xs = parallel for i in 0..n { step(i) }
  xs.len()
}
"#;

#[derive(Parser)]
struct Args {
    #[arg(value_enum)]
    workload: Workload,
    /// Where: sqlite://PATH or postgres://….
    #[arg(long)]
    store: String,
    /// How many workflows, steps or branches.
    #[arg(short, default_value_t = 10_000)]
    n: usize,
    /// How many workflows at a time.
    #[arg(long, default_value_t = 100)]
    concurrency: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workload {
    Throughput,
    Latency,
    Loop,
    FanOut,
    Captures,
    Years,
    Queue,
}

/// An engine that owns all shards, and a program.
struct Bench {
    engine: Engine,
    program: Arc<Program>,
    /// Makes ids of this run unlike those of others.
    run: u128,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    flow_engine::runtime()?.block_on(async {
        let engine = Engine::open(flow_store::connect(&args.store).await?, Options::default()).await?;
        let run = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
        let bench = Arc::new(Bench { engine, program: flow_tests::compile(PROGRAM), run });
        let worker = bench.clone();
        tokio::spawn(async move { worker.engine.work().await });
        bench.warm_up().await?;
        match args.workload {
            Workload::Throughput => throughput(&bench, args.n, args.concurrency).await?,
            Workload::Latency => latency(&bench, args.n.min(2_000)).await?,
            Workload::Loop => steps(&bench, "loop", "long_loop", args.n).await?,
            Workload::FanOut => steps(&bench, "fan-out", "fan_out", args.n).await?,
            Workload::Captures => steps(&bench, "captures", "captures", args.n).await?,
            Workload::Queue => queue::queue(&bench, args.n).await?,
            Workload::Years => years::years(&bench, &args.store, args.n).await?,
        }
        bench.engine.close().await?;
        Ok(())
    })
}

impl Bench {
    /// Starts an instance; gives its id and name.
    async fn start(
        &self,
        workflow: &str,
        input: Value,
        number: &str,
    ) -> Result<(InstanceId, String), String> {
        let (_, declared) =
            self.program.workflows.iter().find(|(_, known)| known.name == workflow).ok_or("no workflow")?;
        let mut heap = Heap::new(self.program.known, Limits::default());
        let words = from_json_fields(&self.program, &mut heap, &declared.params, &input)
            .map_err(|e| e.to_string())?;
        let roots: Vec<_> = declared.params.iter().map(|param| param.ty).zip(words).collect();
        let image = Image::capture(&self.program, &heap, &roots).map_err(|e| e.to_string())?.encode();
        let name = format!("bench-{}-{number}", self.run);
        let id = self.engine.start(&self.program, workflow, image, &name).await.map_err(|e| e.to_string())?;
        Ok((id, name))
    }

    async fn run(&self, workflow: &str, input: Value, number: &str) -> Result<Value, String> {
        let (id, name) = self.start(workflow, input, number).await?;
        let outcome = self.engine.outcome(id).await.map_err(|e| e.to_string())?;
        if outcome.status != Status::Completed {
            return Err(format!("{name} ended {:?}: {:?}", outcome.status, outcome.error));
        }
        Ok(self.engine.output(&outcome).await.map_err(|e| e.to_string())?.unwrap_or(Value::Null))
    }

    /// Until this process owns the shards, a start is handed to nobody.
    async fn warm_up(&self) -> Result<(), String> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        for number in 0..50 {
            self.run("three", json!({"x": 0}), &format!("warm-{number}")).await?;
        }
        Ok(())
    }
}

async fn throughput(bench: &Arc<Bench>, n: usize, concurrency: usize) -> Result<(), String> {
    let permits = Arc::new(Semaphore::new(concurrency));
    let mut running = JoinSet::new();
    let began = Instant::now();
    for number in 0..n {
        let permit = permits.clone().acquire_owned().await.map_err(|e| e.to_string())?;
        let bench = bench.clone();
        running.spawn(async move {
            let result = bench.run("three", json!({"x": number}), &number.to_string()).await;
            drop(permit);
            (number, result)
        });
    }
    while let Some(done) = running.join_next().await {
        let (number, result) = done.map_err(|e| e.to_string())?;
        if result? != json!(number + 3) {
            return Err(format!("workflow {number} has a wrong result"));
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!("throughput workflows_per_s {:.1} wf/s", n as f64 / took);
    println!("throughput steps_per_s {:.1} steps/s", 3.0 * n as f64 / took);
    Ok(())
}

async fn latency(bench: &Bench, n: usize) -> Result<(), String> {
    let mut times = Vec::with_capacity(n);
    for number in 0..n {
        let began = Instant::now();
        bench.run("three", json!({"x": number}), &number.to_string()).await?;
        times.push(began.elapsed());
    }
    times.sort();
    let at = |share: f64| times.get((n as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!("latency p50 {:.3} ms", at(0.5));
    println!("latency p99 {:.3} ms", at(0.99));
    Ok(())
}

async fn steps(bench: &Bench, name: &str, workflow: &str, n: usize) -> Result<(), String> {
    let began = Instant::now();
    let result = bench.run(workflow, json!({"n": n}), "steps").await?;
    if result != json!(n) {
        return Err(format!("{workflow} has a wrong result: {result}"));
    }
    let took = began.elapsed().as_secs_f64();
    println!("{name} wall {took:.3} s");
    println!("{name} steps_per_s {:.1} steps/s", n as f64 / took);
    println!("{name} memory_peak {} MB", memory_peak().unwrap_or(0) / 1024);
    Ok(())
}

/// The most memory this process has had, in kB, where the system tells.
fn memory_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
