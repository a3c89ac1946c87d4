//! Deadlines and messages: whichever came first counts, whoever saw it when.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is how a failure is told")]

mod common;

use common::{DURATION, Fault, FaultyStore, Place, World, engine, input, options, program, run};
use flow_engine::Engine;
use flow_machine::ids::{InstanceId, Timestamp};
use flow_machine::rows::Status;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn nap(pause: Duration) -> Vec<u8> {
    input(&program(), &[(DURATION, pause.as_nanos() as u64)])
}

/// Ever longer naps: a slow machine has the time for what is to be done in one of them.
fn naps() -> impl Iterator<Item = Duration> {
    [1, 4, 16].into_iter().map(Duration::from_secs)
}

/// Cancels an instance; whether that was in time, which the clock of the store says.
async fn cancelled_within(
    pause: Duration,
    began: Timestamp,
    place: &Place,
    world: &std::sync::Arc<World>,
) -> bool {
    let store = place.store().await;
    let accepted = engine(store.clone(), options(world)).await.cancel("a").await.is_ok();
    accepted && store.now().await.unwrap() < began.plus(pause.as_nanos() as i64)
}

/// Begins a nap and leaves it; gives when it began.
async fn leave(pause: Duration, place: &Place, world: &std::sync::Arc<World>) -> Timestamp {
    let engine = place.engine(world).await;
    engine.run_or_continue(&program(), "nap", nap(pause), "a").await.unwrap();
    let began = began(&engine).await;
    engine.close().await.unwrap();
    began
}

async fn began(engine: &Engine) -> Timestamp {
    engine.history("a", 0, 1).await.unwrap().first().unwrap().at
}

async fn status(engine: &Engine, instance: InstanceId) -> Status {
    engine.outcome(instance).await.unwrap().status
}

#[test]
fn before_a_deadline_counts_its_owner_looks_for_what_came_before_it() {
    let world = World::open();
    run(world.clone(), async {
        for pause in naps() {
            let place = Place::new();
            let store = FaultyStore::new(place.store().await, || Fault::None);
            // Nobody wakes the owner, and it doesn't look by itself before something is due.
            store.deaf.store(true, Ordering::SeqCst);
            let owner = engine(store, options(&world)).await;
            let run = owner.run_or_continue(&program(), "nap", nap(pause), "a").await.unwrap();
            if cancelled_within(pause, began(&owner).await, &place, &world).await {
                assert_eq!(status(&owner, run.instance()).await, Status::Cancelled);
                return;
            }
        }
        panic!("this machine takes more than 16 s to send a message");
    });
}

#[test]
fn what_came_while_nobody_was_there_counts_from_when_it_came() {
    let world = World::open();
    run(world.clone(), async {
        for pause in naps() {
            let place = Place::new();
            let began = leave(pause, &place, &world).await;
            if cancelled_within(pause, began, &place, &world).await {
                tokio::time::sleep(pause).await;
                let second = place.engine(&world).await;
                let run = second.resume("a").await.unwrap();
                assert_eq!(status(&second, run.instance()).await, Status::Cancelled);
                return;
            }
        }
        panic!("this machine takes more than 16 s to send a message");
    });
}

#[test]
fn what_came_after_a_deadline_that_nobody_saw_pass_is_too_late() {
    let world = World::open();
    run(world.clone(), async {
        for pause in naps() {
            let place = Place::new();
            leave(pause, &place, &world).await;
            tokio::time::sleep(pause).await;
            let second = place.engine(&world).await;
            // Otherwise its first owner was still there to see the deadline pass.
            if second.cancel("a").await.is_ok() {
                let run = second.resume("a").await.unwrap();
                assert_eq!(status(&second, run.instance()).await, Status::Completed);
                return;
            }
        }
        panic!("this machine takes more than 16 s to close an engine");
    });
}

#[test]
fn a_deadline_that_passed_while_nobody_was_there_takes_effect() {
    let world = World::open();
    run(world.clone(), async {
        for pause in naps() {
            let place = Place::new();
            let due = leave(pause, &place, &world).await.plus(pause.as_nanos() as i64);
            let store = place.store().await;
            if store.now().await.unwrap() >= due {
                // Its first owner may have been there to see it pass.
                continue;
            }
            while store.now().await.unwrap() <= due {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let second = place.engine(&world).await;
            second.resume("a").await.unwrap();
            // Others that begin later come to their end meanwhile.
            for number in 0..100 {
                let name = format!("other {number}");
                let input = nap(Duration::from_millis(10));
                let other = second.run_or_continue(&program(), "nap", input, &name).await.unwrap();
                assert_eq!(status(&second, other.instance()).await, Status::Completed);
                if second.show("a").await.unwrap().status == Status::Completed {
                    return;
                }
            }
            panic!("nobody sees that it has passed");
        }
        panic!("this machine takes more than 16 s to close an engine");
    });
}

/// The machine of an owner may be an hour behind: what is due, and when something came, is said by the store.
#[test]
fn times_are_those_of_the_stores_clock() {
    const HOUR: i64 = 3_600_000_000_000;
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let here = place.store().await.now().await.unwrap();
        let store = FaultyStore::new(place.store().await, || Fault::None);
        store.ahead.store(HOUR, Ordering::SeqCst);
        let owner = engine(store, options(&world)).await;
        let input = nap(Duration::from_millis(50));
        let run = owner.run_or_continue(&program(), "nap", input, "a").await.unwrap();
        assert_eq!(status(&owner, run.instance()).await, Status::Completed);
        let history = owner.history("a", 0, 100).await.unwrap();
        assert!(history.iter().all(|entry| entry.at >= here.plus(HOUR)), "{history:?}");
    });
}
