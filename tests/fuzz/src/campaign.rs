//! Runs a target for a time, one iteration after the other, and tells of the first failure.

use crate::shrink::shrink;
use flow_project::Random;
use std::collections::BTreeMap;
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a run has seen, by name: whether the inputs reach what they are to test.
#[derive(Clone, Debug, Default)]
pub struct Counters(pub BTreeMap<&'static str, u64>);

impl Counters {
    /// Counts something.
    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// Counts several of something.
    pub fn add(&mut self, what: &'static str, count: usize) {
        *self.0.entry(what).or_default() += count as u64;
    }
}

/// What is tested: inputs from random choices, and what must hold for every text at all.
pub trait Target: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// An input.
    fn input(&self, random: &mut Random) -> String;

    /// Tests an input; says what does not hold. May panic, which is a failure as well.
    fn test(&self, input: &str, counters: &mut Counters) -> Result<(), String>;
}

/// A failure with its smallest input.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the iteration.
    pub iteration: u64,
    /// What went wrong.
    pub what: String,
    /// The input, shrunk.
    pub input: String,
}

/// A run of a target.
pub struct Campaign {
    /// What is tested.
    pub target: Arc<dyn Target>,
    /// All choices follow from it.
    pub seed: u64,
    /// The first iteration.
    pub from: u64,
    /// How long to go on.
    pub limit: Duration,
    /// How many iterations at most.
    pub most: u64,
    /// How long to look for a smaller input of a failure.
    pub shrink_limit: Duration,
}

/// An iteration that takes longer than this hangs: far above what one takes on a busy machine.
const HANG: Duration = Duration::from_secs(300);

/// The stack of an iteration: that of a main thread.
const STACK: usize = 8 << 20;

impl Campaign {
    /// A run with the usual limits.
    pub fn new(target: Arc<dyn Target>, seed: u64, limit: Duration) -> Campaign {
        Campaign { target, seed, from: 0, limit, most: u64::MAX, shrink_limit: Duration::from_secs(60) }
    }

    /// The input of an iteration.
    pub fn input(&self, iteration: u64) -> String {
        self.target.input(&mut Random::new(self.seed ^ iteration.wrapping_mul(0xD134_2543_DE82_EF95)))
    }

    /// Runs until the time is over or something fails; gives the number of iterations and what was counted.
    pub fn run(&self, mut progress: impl FnMut(u64, &Counters)) -> (u64, Counters, Option<Failure>) {
        let began = Instant::now();
        let mut counters = Counters::default();
        let mut told = Instant::now();
        let mut iteration = self.from;
        while began.elapsed() < self.limit && iteration - self.from < self.most {
            let input = self.input(iteration);
            if let Err(what) = self.test(iteration, &input, &mut counters) {
                let failure = self.shrunk(iteration, what, &input);
                return (iteration - self.from + 1, counters, Some(failure));
            }
            iteration += 1;
            if told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                progress(iteration - self.from, &counters);
            }
        }
        (iteration - self.from, counters, None)
    }

    /// Tests an input on a thread of its own: its name is what a stack overflow is told with.
    fn test(&self, iteration: u64, input: &str, counters: &mut Counters) -> Result<(), String> {
        let target = Arc::clone(&self.target);
        let name = format!("{} --seed {} --from {iteration}", target.name(), self.seed);
        let owned = input.to_string();
        let mut own = std::mem::take(counters);
        let spawned = thread::Builder::new().name(name).stack_size(STACK).spawn(move || {
            let result = target.test(&owned, &mut own);
            (result, own)
        });
        let thread = spawned.map_err(|error| error.to_string())?;
        let began = Instant::now();
        while !thread.is_finished() {
            thread::park_timeout(Duration::from_micros(50).max(began.elapsed() / 8));
            if began.elapsed() > HANG {
                return Err(format!("takes longer than {HANG:?}"));
            }
        }
        match thread.join() {
            Ok((result, own)) => {
                *counters = own;
                result
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                Err(format!("panics: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
            }
        }
    }

    fn shrunk(&self, iteration: u64, what: String, input: &str) -> Failure {
        let before = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        // Only the same kind of failure counts: a smaller text may well have others.
        let kind: String = what.chars().take(60).collect();
        let same = &mut |text: &str| {
            let result = self.test(iteration, text, &mut Counters::default());
            result.is_err_and(|other| other.starts_with(&kind))
        };
        let input = shrink(input, self.shrink_limit, same);
        panic::set_hook(before);
        let what = self.test(iteration, &input, &mut Counters::default()).err().unwrap_or(what);
        Failure { iteration, what, input }
    }
}
