//! The harness on real stores: the pattern programs run again with a crash before and after commits and after effects, each
//! commit going to SQLite or PostgreSQL, and each recovery loading from there under a new lease.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_test_support::PostgresServer;
use flow_tests::pattern::Pattern;
use flow_tests::simulation::mirror::Mirror;
use flow_tests::simulation::{Crash, Ended, Simulation, assert_same};

/// Runs each pattern calmly in memory, then on new stores with a crash at so many of the places where it can; at all of them
/// where `FLOW_EVERY_CRASH` is set.
fn crashes_on(mut fresh: impl FnMut() -> Mirror, at_most: usize) {
    for (number, pattern) in Pattern::all().into_iter().enumerate() {
        // One executor and one run each: that both executors do the same in all runs is tested in memory.
        let executors = flow_tests::executors(&pattern.program);
        let (kind, executor) = &executors[number % executors.len()];
        let world = &pattern.runs[0];
        let run = |crash: Option<Crash>, mirror: Option<Mirror>| -> Ended {
            let simulation = Simulation::new(executor.clone(), world.script()).mirrored(mirror);
            simulation.outside(world.outside.iter().cloned()).crashing(crash).run("main", &world.input)
        };
        let calm = run(None, None);
        let places = calm.places_to_crash();
        let all = std::env::var_os("FLOW_EVERY_CRASH").is_some();
        let step = if all { 1 } else { places.len().div_ceil(at_most).max(1) };
        for crash in places.iter().skip(number % step).step_by(step) {
            let crashed = run(Some(*crash), Some(fresh()));
            let place = format!("{}, {kind}, {crash:?}", pattern.file);
            assert_same(&crashed, &calm, &place);
            let faults = world.faults(&crashed);
            assert!(faults.is_empty(), "{place}: {faults:#?}");
        }
    }
}

#[test]
fn sqlite_gives_back_what_a_crash_left() {
    let folder = std::env::temp_dir().join(format!("flow-stores-{}", std::process::id()));
    let mut number = 0;
    let fresh = || {
        number += 1;
        Mirror::open(&format!("sqlite://{}/{number}.db", folder.display()))
    };
    crashes_on(fresh, 12);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn postgres_gives_back_what_a_crash_left() {
    let server = PostgresServer::start();
    crashes_on(|| Mirror::open(&server.fresh_database()), 3);
}
