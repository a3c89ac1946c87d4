//! All that a program must survive: a crash at each place, and what seeds bring.

use super::ended::assert_alike;
use super::faults::{Faults, Weather};
use super::real::on_real_stores;
use super::{Answer, Attempt, Ended, Outside, SECOND, Simulation, assert_same};
use flow_machine::event::Message;
use flow_mir::{Executor, Program};
use flow_project::Random;
use serde_json::Value;
use std::sync::Arc;

/// How many seeds each program gets for each weather, unless `FLOW_SEEDS` says another number.
const SEEDS: u64 = 12;

/// The seeds to run: the first few, or as many as `FLOW_SEEDS` says, or the one that `FLOW_SEED` names.
pub struct Seeds;

impl Seeds {
    /// So many, unless the environment says otherwise.
    pub fn up_to(count: u64) -> impl Iterator<Item = u64> {
        match Seeds::named("FLOW_SEED") {
            Some(one) => one..=one,
            None => 1..=Seeds::named("FLOW_SEEDS").unwrap_or(count),
        }
    }

    /// Whether the environment says which.
    pub fn are_chosen() -> bool {
        Seeds::named("FLOW_SEED").or(Seeds::named("FLOW_SEEDS")).is_some()
    }

    /// Whether one seed is repeated.
    pub(crate) fn is_one() -> bool {
        Seeds::named("FLOW_SEED").is_some()
    }

    pub(super) fn named(variable: &str) -> Option<u64> {
        std::env::var(variable).ok()?.parse().ok()
    }
}

/// Says how a seed is run again if the run panics: the variable, and the seed.
pub struct Repeat(pub &'static str, pub u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let program = std::env::current_exe().unwrap_or_default();
            let file = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let binary = file.rsplit_once('-').map_or(file.as_str(), |(name, _)| name);
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let Repeat(variable, seed) = self;
            eprintln!(
                "\nrepeat: {variable}={seed} cargo test -p flow-tests --test {binary} -- --exact {test}\n"
            );
        }
    }
}

/// Runs a workflow when all is well; then again with a crash at each place, and in rough weather: every run must end the same
/// way and with the same calls; then in wild weather, where the laws must hold; then a sample of it on real stores. Gives the first
/// run.
pub fn survives_every_crash(
    program: &Arc<Program>,
    workflow: &str,
    input: &Value,
    outside: &[Outside],
    script: impl Fn(&Attempt) -> Answer + Clone + 'static,
) -> Ended {
    let mut first: Option<Ended> = None;
    let executors = crate::executors(program);
    for (kind, executor) in &executors {
        let run = |faults: Faults| {
            let simulation = Simulation::new(executor.clone(), script.clone());
            simulation.outside(outside.iter().cloned()).crashing(faults).run(workflow, input)
        };
        let calm = run(Faults::default());
        let reference = first.get_or_insert_with(|| calm.clone()).clone();
        assert_eq!(calm, reference, "{kind} differs from the interpreter");
        for crash in calm.places_to_crash() {
            assert_same(&run(crash.into()), &calm, &format!("{kind}, {crash:?}"));
        }
    }
    let calm = first.expect("at least one executor");
    any_weather(&executors, outside, &calm, |executor, outside, faults| {
        let simulation = Simulation::new(executor.clone(), script.clone());
        simulation.outside(outside).crashing(faults).run(workflow, input)
    });
    on_real_stores(&calm, |faults, mirror| {
        let (_, executor) = &executors[calm.transitions % executors.len()];
        let simulation = Simulation::new(executor.clone(), script.clone()).mirrored(Some(mirror));
        simulation.outside(outside.iter().cloned()).crashing(faults).run(workflow, input)
    });
    calm
}

/// Runs a program with seeds: in rough weather, where it must end as when all is well, and in wild weather, where the laws must
/// hold. Gives the runs in rough weather.
pub fn any_weather(
    executors: &[(&'static str, Arc<dyn Executor>)],
    outside: &[Outside],
    calm: &Ended,
    run: impl Fn(&Arc<dyn Executor>, Vec<Outside>, Faults) -> Ended,
) -> Vec<Ended> {
    let seeds = Seeds::up_to(SEEDS).map(|seed| {
        let _repeat = Repeat("FLOW_SEED", seed);
        let (kind, executor) = &executors[seed as usize % executors.len()];
        let rough = run(executor, outside.to_vec(), Faults::seeded(seed, Weather::Rough));
        assert_alike(&rough, calm, &format!("{kind}, rough, seed {seed}"));
        run(executor, interfered(outside, seed, calm.took), Faults::seeded(seed, Weather::Wild));
        rough
    });
    seeds.collect()
}

/// What comes from outside, and what operators do to it besides, at any time of a run that takes so long.
pub fn interfered(outside: &[Outside], seed: u64, took: i64) -> Vec<Outside> {
    let mut random = Random::new(!seed);
    let mut all = Vec::new();
    let span = (took + took / 4 + SECOND) as usize;
    for _ in 0..random.below(4) {
        // Half of them in the first moments, where most programs do most.
        let within = if random.one_in(2) { span } else { SECOND as usize / 50 };
        let at = random.below(within) as i64;
        match random.below(8) {
            0..5 => all.push(Outside::Send(at, Message::Cancel)),
            5 => all.push(Outside::Send(at, Message::Resume)),
            _ => {
                let until = at + random.below(2 * span) as i64;
                all.push(Outside::Send(at, Message::Pause));
                all.push(Outside::Send(until, Message::Unpause));
            }
        }
    }
    all.extend(outside.iter().cloned());
    // What waits for a gate keeps its place among those without a time.
    all.sort_by_key(|outside| match outside {
        Outside::Send(at, _) => *at,
        Outside::Once(..) => i64::MAX,
    });
    all
}

/// One program under all that seeds bring, on both executors in turn.
pub struct Storm {
    executors: Vec<(&'static str, Arc<dyn Executor>)>,
}

/// Makes one run, with this script.
pub type Run<'a> = dyn Fn(&mut dyn FnMut(&Attempt) -> Answer) -> Ended + 'a;

impl Storm {
    /// Over this program; `main` is run.
    pub fn over(text: &str) -> Storm {
        Storm { executors: crate::executors(&crate::compile(text)) }
    }

    /// Hands a run in wild weather to `judge` for each seed, so many unless the environment says otherwise. Operators
    /// interfere within about `span` nanoseconds.
    pub fn rage(&self, seeds: u64, span: i64, outside: &[Outside], judge: impl FnMut(&Run<'_>)) {
        self.rage_with(Value::Object(serde_json::Map::new()), seeds, span, outside, judge);
    }

    /// The same, with these arguments.
    pub fn rage_with(
        &self,
        input: Value,
        seeds: u64,
        span: i64,
        outside: &[Outside],
        mut judge: impl FnMut(&Run<'_>),
    ) {
        for seed in Seeds::up_to(seeds) {
            let _repeat = Repeat("FLOW_SEED", seed);
            let (_, executor) = &self.executors[seed as usize % self.executors.len()];
            judge(&|script| {
                let simulation = Simulation::new(executor.clone(), script);
                let simulation = simulation.outside(interfered(outside, seed, span));
                simulation.crashing(Faults::seeded(seed, Weather::Wild)).run("main", &input)
            });
        }
    }
}
