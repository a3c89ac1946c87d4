//! Whole engines on either store: what must hold whatever dies when.

mod common;

use common::*;
use flow_engine::{Delivery, EngineError, EngineEvent, ExecutorKind, Notice, Options, Run};
use flow_machine::event::Message;
use flow_machine::history::HistoryEvent;
use flow_machine::rows::Status;
use flow_store::{Filter, Store, StoreError};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use uuid::Uuid;

fn count(n: u64) -> Vec<u8> {
    input(&program(), &[(INT, n)])
}

fn nap(pause: Duration) -> Vec<u8> {
    input(&program(), &[(DURATION, pause.as_nanos() as u64)])
}

#[test]
fn an_instance_runs_to_its_end_on_both_executors() {
    for executor in [ExecutorKind::Interpreter, ExecutorKind::Native] {
        let world = World::open();
        run(world.clone(), async {
            let place = Place::new();
            let engine = engine(place.store().await, Options { executor, ..options(&world) }).await;
            let run = engine.run_or_continue(&program(), "count", count(5), "a").await.unwrap();
            let outcome = engine.outcome(run.instance()).await.unwrap();
            assert_eq!(outcome.status, Status::Completed);
            assert_eq!(engine.output(&outcome).await.unwrap(), Some(json!(5)));
            assert_eq!(world.effects().len(), 5);
            assert!(world.effects().values().all(|times| *times == 1));
            let history = engine.history("a", 0, 100).await.unwrap();
            assert!(matches!(history.first().unwrap().event, HistoryEvent::Started { .. }));
            assert!(matches!(history.last().unwrap().event, HistoryEvent::Ended { .. }));
            engine.close().await.unwrap();
        });
    }
}

#[test]
fn asking_again_gives_the_stored_result_and_refuses_what_differs() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let engine = place.engine(&world).await;
        let first = engine.run_or_continue(&program(), "count", count(2), "a").await.unwrap();
        let outcome = engine.outcome(first.instance()).await.unwrap();
        let again = engine.run_or_continue(&program(), "count", count(2), "a").await.unwrap();
        assert_eq!(again, Run::Ended(Box::new(outcome)));
        assert_eq!(world.effects().len(), 2);
        let other = engine.run_or_continue(&program(), "count", count(3), "a").await;
        assert!(matches!(other, Err(EngineError::OtherInput { .. })), "{other:?}");
        let other = engine.run_or_continue(&program(), "nap", count(2), "a").await;
        assert!(matches!(other, Err(EngineError::OtherWorkflow { .. })), "{other:?}");
        let other = engine.run_or_continue(&program(), "cuont", count(2), "b").await;
        assert!(matches!(other, Err(EngineError::UnknownWorkflow { .. })), "{other:?}");
        assert!(matches!(engine.cancel("a").await, Err(EngineError::Ended { .. })));
        assert!(matches!(engine.show("b").await, Err(EngineError::Unknown { .. })));
    });
}

#[test]
fn after_a_crash_a_new_engine_goes_on_where_it_stood() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let engine = place.engine(&world).await;
        let mut events = engine.events();
        world.let_pass(2);
        engine.run_or_continue(&program(), "count", count(5), "a").await.unwrap();
        wait_for(&mut events, 2, is_completed).await;
        drop(engine);
        world.let_pass(10);
        let engine = place.engine(&world).await;
        let run = engine.resume("a").await.unwrap();
        assert!(matches!(run, Run::GoingOn(_)), "{run:?}");
        let outcome = engine.outcome(run.instance()).await.unwrap();
        assert_eq!(engine.output(&outcome).await.unwrap(), Some(json!(5)));
        assert_eq!(world.effects().len(), 5, "attempts of one call share its key");
        let history = engine.history("a", 0, 100).await.unwrap();
        assert!(history.iter().any(|entry| entry.event == HistoryEvent::Recovered));
        assert_eq!(history.iter().filter(|entry| is_completed(&entry.event)).count(), 5);
    });
}

#[test]
fn a_second_engine_watches_and_goes_on_when_the_first_dies() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let first = place.engine(&world).await;
        world.let_pass(1);
        let mut events = first.events();
        first.run_or_continue(&program(), "count", count(3), "a").await.unwrap();
        wait_for(&mut events, 1, is_completed).await;
        let second = place.engine(&world).await;
        let mut seen = second.events();
        let run = second.run_or_continue(&program(), "count", count(3), "a").await.unwrap();
        assert!(matches!(run, Run::Watching(..)), "{run:?}");
        let outcome = second.outcome(run.instance());
        tokio::pin!(outcome);
        tokio::select! {
            _ = &mut outcome => panic!("it has not ended"),
            () = wait_for(&mut seen, 1, is_completed) => {}
        }
        drop(first);
        world.let_pass(10);
        let outcome = outcome.await.unwrap();
        assert_eq!(second.output(&outcome).await.unwrap(), Some(json!(3)));
    });
}

#[test]
fn a_cancelled_instance_ends_and_says_so() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let engine = place.engine(&world).await;
        let run =
            engine.run_or_continue(&program(), "nap", nap(Duration::from_secs(3600)), "a").await.unwrap();
        assert_eq!(engine.show("a").await.unwrap().id, "a");
        assert!(matches!(engine.cancel("a").await.unwrap(), Delivery::Owned(_)));
        assert_eq!(engine.outcome(run.instance()).await.unwrap().status, Status::Cancelled);
    });
}

#[test]
fn a_message_to_an_orphan_waits_for_its_next_owner() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let engine = place.engine(&world).await;
        // Not for ever: a cancellation that is lost is to be seen.
        engine.run_or_continue(&program(), "nap", nap(Duration::from_secs(20)), "a").await.unwrap();
        engine.close().await.unwrap();
        drop(engine);
        let engine = place.engine(&world).await;
        assert_eq!(engine.cancel("a").await.unwrap(), Delivery::Waiting);
        let run = engine.resume("a").await.unwrap();
        assert_eq!(engine.outcome(run.instance()).await.unwrap().status, Status::Cancelled);
    });
}

#[test]
fn timers_fire_and_those_that_passed_while_nobody_was_there_too() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let first = place.engine(&world).await;
        let run =
            first.run_or_continue(&program(), "nap", nap(Duration::from_millis(30)), "a").await.unwrap();
        let outcome = first.outcome(run.instance()).await.unwrap();
        assert_eq!(first.output(&outcome).await.unwrap(), Some(json!(7)));
        first.run_or_continue(&program(), "nap", nap(Duration::from_secs(1)), "b").await.unwrap();
        first.close().await.unwrap();
        drop(first);
        let second = place.engine(&world).await;
        let runs = second.resume_all().await.unwrap();
        assert_eq!(runs.len(), 1);
        let outcome = second.outcome(runs[0].instance()).await.unwrap();
        assert_eq!(outcome.status, Status::Completed);
    });
}

#[test]
fn requests_are_forgotten_when_their_time_is_over() {
    const HOUR: i64 = 3_600_000_000_000;
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let store = place.store().await;
        let keep_requests = Duration::from_millis(300);
        let engine = engine(place.store().await, Options { keep_requests, ..options(&world) }).await;
        let run = engine.run_or_continue(&program(), "nap", nap(Duration::from_secs(3600)), "a").await;
        let id = run.unwrap().instance();
        let long_ago = store.now().await.unwrap().plus(-HOUR);
        let (request, resume) = (Uuid::new_v4(), serde_json::to_vec(&Message::Resume).unwrap());
        store.send(request, id, &resume).await.unwrap();
        // As long as it is known it is a repeat.
        loop {
            match store.send_again(request, id, &resume, long_ago).await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(StoreError::Forgotten) => break,
                Err(other) => panic!("{other}"),
            }
        }
        engine.close().await.unwrap();
    });
}

#[test]
fn while_the_store_is_gone_the_engine_waits_and_says_so() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let store = FaultyStore::new(place.store().await, || Fault::None);
        let engine = engine(store.clone(), options(&world)).await;
        let mut events = engine.events();
        let run = engine.run_or_continue(&program(), "count", count(2), "a").await.unwrap();
        store.down.store(true, Ordering::SeqCst);
        world.let_pass(2);
        let notices = |event: EngineEvent| match event {
            EngineEvent::Notice(notice) => Some(notice),
            _ => None,
        };
        let mut unavailable = 0;
        while unavailable < 3 {
            let notice = notices(events.next().await.unwrap());
            unavailable += usize::from(matches!(notice, Some(Notice::StoreUnavailable { .. })));
        }
        store.down.store(false, Ordering::SeqCst);
        // An attempt that is made again is not held up: it is to be seen.
        world.let_pass(10);
        let outcome = engine.outcome(run.instance()).await.unwrap();
        assert_eq!(outcome.status, Status::Completed);
        assert!(world.effects().values().all(|times| *times == 1), "the attempt in flight was kept");
    });
}

#[test]
fn nothing_is_done_before_the_commit_that_asks_for_it() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let (mut commits, cut) = (0, Arc::new(AtomicBool::new(true)));
        let is_cut = cut.clone();
        let store = FaultyStore::new(place.store().await, move || {
            commits += 1;
            if commits > 1 && is_cut.load(Ordering::SeqCst) { Fault::Before } else { Fault::None }
        });
        let engine = engine(store, options(&world)).await;
        let mut events = engine.events();
        let run = engine.run_or_continue(&program(), "count", count(2), "a").await.unwrap();
        // The end of the first step and the request for the second one are tried, and tried again.
        let mut tries = 0;
        while tries < 3 {
            let event = events.next().await.unwrap();
            tries += usize::from(matches!(event, EngineEvent::Notice(Notice::StoreUnavailable { .. })));
        }
        assert_eq!(world.effects().len(), 1, "the second step is not asked for yet");
        cut.store(false, Ordering::SeqCst);
        assert_eq!(engine.outcome(run.instance()).await.unwrap().status, Status::Completed);
        assert!(world.effects().len() == 2 && world.effects().values().all(|times| *times == 1));
    });
}

#[test]
fn a_steps_end_and_the_request_for_the_next_are_one_commit() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let commits = Arc::new(AtomicU32::new(0));
        let counted = commits.clone();
        let store = FaultyStore::new(place.store().await, move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Fault::None
        });
        let engine = engine(store, options(&world)).await;
        let run = engine.run_or_continue(&program(), "count", count(5), "a").await.unwrap();
        assert_eq!(engine.outcome(run.instance()).await.unwrap().status, Status::Completed);
        assert_eq!(commits.load(Ordering::SeqCst), 1 + 5, "it is started, and each step ends once");
    });
}

#[test]
fn a_step_that_runs_too_long_fails_alone() {
    let world = World::open();
    for executor in [ExecutorKind::Interpreter, ExecutorKind::Native] {
        run(world.clone(), async {
            let place = Place::new();
            let step_limit = Duration::from_millis(200);
            let options = Options { executor, step_limit, ..options(&world) };
            let engine = Arc::new(engine(place.store().await, options).await);
            let other = engine.clone();
            let spins = tokio::spawn(async move {
                let run =
                    other.run_or_continue(&program(), "spin", input(&program(), &[]), "spin").await.unwrap();
                other.outcome(run.instance()).await.unwrap()
            });
            let run = engine.run_or_continue(&program(), "count", count(3), "a").await.unwrap();
            assert_eq!(engine.outcome(run.instance()).await.unwrap().status, Status::Completed);
            let outcome = spins.await.unwrap();
            assert_eq!(outcome.status, Status::Failed);
            assert!(outcome.error.is_some());
        });
    }
}

#[test]
fn an_activity_without_code_waits_and_takes_an_answer_from_outside() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let engine = place.engine(&world).await;
        let mut events = engine.events();
        let run = engine.run_or_continue(&program(), "ask", count(1), "a").await.unwrap();
        let mut key = None;
        loop {
            match events.next().await.unwrap() {
                EngineEvent::Committed { event: HistoryEvent::CallRequested { key: asked, .. }, .. } => {
                    key = Some(asked);
                }
                EngineEvent::Notice(Notice::WaitingForWorker { activity, .. }) => {
                    assert_eq!(activity, "human");
                    break;
                }
                _ => {}
            }
        }
        let outcome = flow_machine::event::CallOutcome::Returned(count(42));
        let answer = flow_machine::event::Message::CallEnded { key: key.unwrap(), attempt: 1, outcome };
        engine.send("a", &answer).await.unwrap();
        let outcome = engine.outcome(run.instance()).await.unwrap();
        assert_eq!(engine.output(&outcome).await.unwrap(), Some(json!(42)));
    });
}

#[test]
fn workers_share_the_shards_and_take_over_from_the_dead() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let (first, second) = (place.engine(&world).await, place.engine(&world).await);
        let (first, second) = (Arc::new(first), Arc::new(second));
        let work = |engine: &Arc<flow_engine::Engine>| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.work().await })
        };
        let first_works = work(&first);
        let second_works = work(&second);
        let starter = place.engine(&world).await;
        for number in 0..12 {
            starter.start(&program(), "count", count(2), &format!("i{number}")).await.unwrap();
        }
        world.let_pass(6);
        while world.effects().len() < 6 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Dies: nothing is handed over.
        first_works.abort();
        let _ = first_works.await;
        drop(first);
        world.let_pass(1000);
        for number in 0..12 {
            let name = format!("i{number}");
            let row =
                starter.list(&Filter::default()).await.unwrap().into_iter().find(|row| row.name == name);
            let outcome = starter.outcome(row.unwrap().id).await.unwrap();
            assert_eq!(outcome.status, Status::Completed, "{name}");
        }
        assert_eq!(world.effects().len(), 24);
        second.close().await.unwrap();
        second_works.await.unwrap().unwrap();
    });
}

/// Waits until this many instances are in an engine's memory.
async fn until_loaded(engine: &flow_engine::Engine, count: usize) {
    while engine.loaded().len() != count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn an_older_worker_leaves_all_to_a_newer_one_while_that_lives() {
    let world = World::closed();
    run(world.clone(), async {
        let place = Place::new();
        let stores =
            [place.store().await, place.store().await].map(|one| FaultyStore::new(one, || Fault::None));
        let newer = stores[1].worker();
        stores.iter().for_each(|store| *store.newer.lock().unwrap() = Some(newer));
        let [old, new] = stores;
        let old = Arc::new(engine(old, options(&world)).await);
        let new = Arc::new(engine(new, options(&world)).await);
        let mut events = old.events();
        let work = |engine: &Arc<flow_engine::Engine>| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.work().await })
        };
        let old_works = work(&old);
        let starter = place.engine(&world).await;
        let mut started = Vec::new();
        for number in 0..4 {
            started.push(starter.start(&program(), "count", count(2), &format!("i{number}")).await.unwrap());
        }
        until_loaded(&old, 4).await;
        let new_works = work(&new);
        until_loaded(&new, 4).await;
        assert!(old.loaded().is_empty());
        loop {
            if let EngineEvent::Notice(Notice::LeftToNewer { owner }) = events.next().await.unwrap() {
                break assert_eq!(owner.worker, newer);
            }
        }
        // When it is gone the older one does what it can.
        new.close().await.unwrap();
        new_works.await.unwrap().unwrap();
        until_loaded(&old, 4).await;
        world.let_pass(1000);
        for id in started {
            assert_eq!(starter.outcome(id).await.unwrap().status, Status::Completed);
        }
        assert!(world.effects().values().all(|times| *times == 1), "{:?}", world.effects());
        old.close().await.unwrap();
        old_works.await.unwrap().unwrap();
    });
}

#[test]
fn a_commit_that_never_ends_does_not_keep_the_store_open() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let store = FaultyStore::new(place.store().await, || Fault::Death);
        let engine = Arc::new(engine(store.clone(), options(&world)).await);
        let starter = engine.clone();
        let start = tokio::spawn(async move {
            let _ = starter.run_or_continue(&program(), "count", count(1), "a").await;
        });
        store.died.notified().await;
        start.abort();
        let _ = start.await;
        drop(engine);
        let left = Arc::downgrade(&store);
        drop(store);
        // Ends by the runner's patience if it never happens.
        while left.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

/// Whether an attempt counted as lost.
fn is_retried(event: &HistoryEvent) -> bool {
    matches!(event, HistoryEvent::CallRetried { .. } | HistoryEvent::CallFailed { .. })
}

#[test]
fn what_is_started_without_a_worker_asks_for_nothing_until_it_has_an_owner() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let starter = place.engine(&world).await;
        starter.start(&program(), "count", count(2), "a").await.unwrap();
        let history = starter.history("a", 0, 100).await.unwrap();
        let events: Vec<_> = history.iter().map(|entry| &entry.event).collect();
        assert!(matches!(events[..], [HistoryEvent::Started { .. }]), "{events:?}");
        let view = starter.show("a").await.unwrap();
        assert_eq!(view.status, Status::Running);
        assert_eq!(view.strands[0].frames[0].function, "count");
        starter.close().await.unwrap();
        drop(starter);
        assert!(world.effects().is_empty());

        let engine = place.engine(&world).await;
        let run = engine.resume("a").await.unwrap();
        let outcome = engine.outcome(run.instance()).await.unwrap();
        assert_eq!(engine.output(&outcome).await.unwrap(), Some(json!(2)));
        let history = engine.history("a", 0, 100).await.unwrap();
        assert!(!history.iter().any(|entry| is_retried(&entry.event)), "{history:?}");
        assert!(!history.iter().any(|entry| entry.event == HistoryEvent::Recovered), "it is its first owner");
        assert!(world.effects().values().all(|times| *times == 1));
    });
}

#[test]
fn what_is_started_is_found_by_a_worker_that_comes_later() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let starter = place.engine(&world).await;
        let id = starter.start(&program(), "count", count(1), "a").await.unwrap();
        let worker = Arc::new(place.engine(&world).await);
        let works = tokio::spawn({
            let worker = worker.clone();
            async move { worker.work().await }
        });
        assert_eq!(starter.outcome(id).await.unwrap().status, Status::Completed);
        worker.close().await.unwrap();
        works.await.unwrap().unwrap();
    });
}

#[test]
fn a_call_that_a_recovery_itself_asks_for_is_no_lost_attempt() {
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let first = place.engine(&world).await;
        first.run_or_continue(&program(), "later", nap(Duration::from_millis(50)), "a").await.unwrap();
        first.close().await.unwrap();
        drop(first);
        tokio::time::sleep(Duration::from_millis(60)).await;
        let second = place.engine(&world).await;
        let run = second.resume("a").await.unwrap();
        let outcome = second.outcome(run.instance()).await.unwrap();
        assert_eq!(second.output(&outcome).await.unwrap(), Some(json!(8)));
        let history = second.history("a", 0, 100).await.unwrap();
        assert!(!history.iter().any(|entry| is_retried(&entry.event)), "{history:?}");
        assert!(history.iter().any(|entry| entry.event == HistoryEvent::Recovered));
    });
}
