//! Planned stops and hand-overs: no attempt is used up, and none is made twice at a time. And pauses, whose owner may die.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::{INT, PATIENCE, Place, World, input, is_completed, program, wait_for};
use flow_engine::{Delivery, Engine, EngineEvent, Events};
use flow_machine::history::HistoryEvent;
use flow_machine::ids::InstanceId;
use flow_machine::rows::Status;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// As `common::run`, with a thread for each attempt that the gate holds up.
fn run(world: Arc<World>, test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        builder.worker_threads(3 * INSTANCES).thread_stack_size(64 << 20).enable_all().build().unwrap();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("the test hangs") })
    }));
    world.let_pass(u64::MAX / 4);
    drop(runtime);
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// So many that both workers have some of them, but for one time in 65,536.
const INSTANCES: usize = 16;

fn count(n: u64) -> Vec<u8> {
    input(&program(), &[(INT, n)])
}

/// Waits until an attempt has begun.
async fn attempt(events: &mut Events) {
    while !matches!(events.next().await.expect("the engine is gone"), EngineEvent::Attempt { .. }) {}
}

/// Whether an attempt counted as lost.
fn is_retried(event: &HistoryEvent) -> bool {
    matches!(event, HistoryEvent::CallRetried { .. } | HistoryEvent::CallFailed { .. })
}

async fn retries(engine: &Engine, name: &str) -> usize {
    let history = engine.history(name, 0, 1_000).await.unwrap();
    history.iter().filter(|entry| is_retried(&entry.event)).count()
}

fn work(engine: &Arc<Engine>) -> JoinHandle<Result<(), flow_engine::EngineError>> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.work().await })
}

#[test]
fn a_planned_stop_uses_up_no_attempt() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let first = place.engine(&world).await;
        let mut events = first.events();
        first.run_or_continue(&program(), "count", count(2), "a").await.unwrap();
        attempt(&mut events).await;
        first.close().await.unwrap();
        drop(first);
        world.let_pass(10);
        let second = place.engine(&world).await;
        let run = second.resume("a").await.unwrap();
        let outcome = second.outcome(run.instance()).await.unwrap();
        assert_eq!(second.output(&outcome).await.unwrap(), Some(json!(2)));
        assert_eq!(retries(&second, "a").await, 0, "the attempt that was given up is made again");
    });
}

/// Instances with an attempt in flight in the first worker, some of which a second one has taken over since.
struct HandedOver {
    first: Arc<Engine>,
    first_works: JoinHandle<Result<(), flow_engine::EngineError>>,
    second: Arc<Engine>,
    all: Vec<(String, InstanceId)>,
}

async fn hand_over(place: &Place, world: &Arc<World>) -> HandedOver {
    let first = Arc::new(place.engine(world).await);
    let mut events = first.events();
    let first_works = work(&first);
    let starter = place.engine(world).await;
    let mut all = Vec::new();
    for number in 0..INSTANCES {
        let name = format!("i{number}");
        let id = starter.start(&program(), "count", count(1), &name).await.unwrap();
        all.push((name, id));
    }
    for _ in &all {
        attempt(&mut events).await;
    }
    let second = Arc::new(place.engine(world).await);
    let mut events = second.events();
    work(&second);
    let mut moved = 0;
    while moved == 0 || first.loaded().len() + moved < all.len() {
        wait_for(&mut events, 1, |event| *event == HistoryEvent::Recovered).await;
        moved += 1;
    }
    HandedOver { first, first_works, second, all }
}

#[test]
fn attempts_that_run_stay_with_the_old_worker_and_report_to_the_new_one() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let handed = hand_over(&place, &world).await;
        world.let_pass(1_000);
        for (name, id) in &handed.all {
            assert_eq!(handed.second.outcome(*id).await.unwrap().status, Status::Completed, "{name}");
            assert_eq!(retries(&handed.second, name).await, 0, "{name}");
        }
        assert_eq!(world.effects().len(), handed.all.len());
        assert!(world.effects().values().all(|times| *times == 1), "{:?}", world.effects());
        drop((handed.first, handed.first_works));
    });
}

#[test]
fn a_paused_instance_whose_owner_dies_stays_paused_and_then_goes_on_where_it_stood() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let first = place.engine(&world).await;
        let mut events = first.events();
        first.run_or_continue(&program(), "count", count(3), "a").await.unwrap();
        attempt(&mut events).await;
        assert!(matches!(first.pause("a").await.unwrap(), Delivery::Owned(_)));
        wait_for(&mut events, 1, |event| *event == HistoryEvent::Paused).await;
        drop(first);
        world.let_pass(1_000);

        let second = Arc::new(place.engine(&world).await);
        let mut events = second.events();
        work(&second);
        // The worker has adopted it, and serves others beside it.
        wait_for(&mut events, 1, |event| *event == HistoryEvent::Recovered).await;
        let other = second.run_or_continue(&program(), "count", count(2), "b").await.unwrap();
        assert_eq!(second.outcome(other.instance()).await.unwrap().status, Status::Completed);
        assert_eq!(second.show("a").await.unwrap().status, Status::Paused);
        let history = second.history("a", 0, 100).await.unwrap();
        assert!(!history.iter().any(|entry| is_completed(&entry.event)), "no attempt was made: {history:?}");
        second.unpause("a").await.unwrap();
        let row = second.list(&flow_store::Filter::default()).await.unwrap();
        let id = row.iter().find(|row| row.name == "a").unwrap().id;
        let outcome = loop {
            let outcome = second.outcome(id).await.unwrap();
            if outcome.status != Status::Paused {
                break outcome;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(second.output(&outcome).await.unwrap(), Some(json!(3)));
        assert_eq!(retries(&second, "a").await, 1, "the attempt in flight went with its owner");
    });
}

#[test]
fn an_instance_that_is_paused_before_it_has_an_owner_makes_no_first_step() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let starter = place.engine(&world).await;
        starter.start(&program(), "count", count(1), "a").await.unwrap();
        assert_eq!(starter.pause("a").await.unwrap(), Delivery::Done);
        let history = starter.history("a", 0, 100).await.unwrap();
        let events: Vec<_> = history.iter().map(|entry| &entry.event).collect();
        assert!(matches!(events[..], [HistoryEvent::Started { .. }, HistoryEvent::Paused]), "{events:?}");
        assert!(world.effects().is_empty());
        starter.close().await.unwrap();
        drop(starter);
        let later = place.engine(&world).await;
        let run = later.resume("a").await.unwrap();
        let mut outcome = later.outcome(run.instance()).await.unwrap();
        while outcome.status == Status::Paused {
            tokio::task::yield_now().await;
            outcome = later.outcome(run.instance()).await.unwrap();
        }
        assert_eq!(later.output(&outcome).await.unwrap(), Some(json!(1)));
    });
}
