//! Crashes and broken connections at random commits. `FLOW_SEED=n` runs one seed again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use flow_engine::{EngineEvent, Events, Notice, Run};
use flow_machine::rows::Status;
use serde_json::json;

/// xorshift64*.
fn random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
}

/// Why an instance can't go on.
async fn broken(events: &mut Events) -> String {
    loop {
        if let EngineEvent::Notice(Notice::InstanceBroken { reason, .. }) = events.next().await.unwrap() {
            return reason;
        }
    }
}

/// Runs an instance through whatever the seed brings; engines die and others go on until it ends.
fn survive(seed: u64) {
    const STEPS: u64 = 8;
    let world = World::open();
    run(world.clone(), async {
        let place = Place::new();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut deaths = 0;
        let output = loop {
            let mut chance = random(&mut state) | 1;
            let store = FaultyStore::new(place.store().await, move || match random(&mut chance) % 10 {
                0 | 1 => Fault::Before,
                2 | 3 => Fault::After,
                4 => Fault::Death,
                _ => Fault::None,
            });
            let engine = engine(store.clone(), options(&world)).await;
            let mut events = engine.events();
            let ended = async {
                let input = input(&program(), &[(INT, STEPS)]);
                let run = engine.run_or_continue(&program(), "count", input, "a").await.unwrap();
                if let Run::Watching(..) = run {
                    panic!("seed {seed}: the dead engine is taken for alive");
                }
                let outcome = engine.outcome(run.instance()).await.unwrap();
                assert_eq!(outcome.status, Status::Completed, "seed {seed}: {:?}", outcome.error);
                engine.output(&outcome).await.unwrap()
            };
            tokio::select! {
                output = ended => break output,
                () = store.died.notified() => deaths += 1,
                reason = broken(&mut events) => panic!("seed {seed}: {reason}"),
            }
        };
        assert_eq!(output, Some(json!(STEPS)), "seed {seed}");
        let effects = world.effects();
        assert_eq!(effects.len() as u64, STEPS, "seed {seed}: every call had its effect, each under one key");
        let extra = effects.values().map(|times| times - 1).sum::<u32>();
        assert!(extra <= deaths, "seed {seed}: {extra} repeated effects, {deaths} deaths");
    });
}

#[test]
fn instances_survive_crashes_at_any_commit() {
    match std::env::var("FLOW_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => survive(seed),
        None => (1..=20).for_each(survive),
    }
}
