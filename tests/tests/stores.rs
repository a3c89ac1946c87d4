//! The pattern programs on real stores: each runs in memory when all is well, then on SQLite and PostgreSQL with a sample of what
//! can go wrong. (The programs of the other tests do the same where they stand.)
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_tests::pattern::Pattern;
use flow_tests::simulation::mirror::Mirror;
use flow_tests::simulation::{Faults, Simulation, on_real_stores};

#[test]
fn stores_give_back_what_a_crash_left() {
    for (number, pattern) in Pattern::all().into_iter().enumerate() {
        // One executor and one run each: that both executors do the same in all runs is tested in memory.
        let executors = flow_tests::executors(&pattern.program);
        let (kind, executor) = &executors[number % executors.len()];
        let world = &pattern.runs[0];
        let run = |faults: Faults, mirror: Option<Mirror>| {
            let simulation = Simulation::new(executor.clone(), world.script()).mirrored(mirror);
            simulation.outside(world.outside.iter().cloned()).crashing(faults).run("main", &world.input)
        };
        let calm = run(Faults::default(), None);
        on_real_stores(&calm, |faults, mirror| {
            let place = format!("{}, {kind}, {faults:?}", pattern.file);
            let ended = run(faults, Some(mirror));
            let refuted = world.faults(&ended);
            assert!(refuted.is_empty(), "{place}: {refuted:#?}");
            ended
        });
    }
}
