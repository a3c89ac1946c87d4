//! What goes wrong in the simulated world: chosen by a seed, and less and less of it, until it is calm.

use super::database::EXPIRY;
use crate::simulation::SECOND;
use flow_project::Random;
use std::time::Duration;

/// What is asked of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Something that only looks.
    Read,
    /// A claim, a renewal, what gives leases back.
    Lease,
    /// A commit, a message, a completion.
    Write,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is answered.
    None,
    /// The connection breaks on its way there.
    NotSent,
    /// It is done, and the connection breaks on its way back.
    AnswerLost,
    /// The connection breaks; the store does it nevertheless, this much later.
    Late(Duration),
    /// It is still on its way when its process has been cut off for so long: until somebody claims something, if it writes.
    Held,
}

/// How a call fares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) before: Duration,
    pub(super) fault: Fault,
    /// Its process is cut off for so long, when it is done and not yet answered; or while it is held.
    pub(super) stall: Option<Duration>,
    pub(super) after: Duration,
}

/// What befalls a process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Misfortune {
    /// It dies.
    Death,
    /// It is stopped in order.
    Stop,
    /// It does not reach the store for so long, and does not know.
    Stall(Duration),
}

/// How rough it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Climate {
    /// Anything may happen.
    Wild,
    /// Nothing fails: one worker after the other joins, and gets its share from those who are there.
    Orderly,
}

/// The choices of a seed. Each has its own mixture: faults that never meet in one run hide no mistakes of others.
pub(super) struct Weather {
    random: Random,
    /// From when on all is well.
    calm: i64,
    /// One call in so many fails, of those that write; 0: none.
    fault: usize,
    /// One call in so many takes its time.
    slow: usize,
    /// One wake-up in so many is lost, one comes for nothing.
    lost_wake_up: usize,
    /// One answer of an activity in so many is late, lost, or told twice.
    late_answer: usize,
    lost_answer: usize,
    echo: usize,
    climate: Climate,
    misfortunes: usize,
    /// One commit in so many is one in which a process is cut off, while it has misfortunes to come.
    cut_off: usize,
    /// How many processes work.
    pub(super) processes: usize,
    /// They share shards as workers; else each runs the instance as `flow run` does.
    pub(super) are_workers: bool,
}

impl Weather {
    /// Rough for about `span` nanoseconds.
    pub(super) fn new(seed: u64, span: i64, climate: Climate) -> Weather {
        let mut random = Random::new(seed);
        let is_wild = climate == Climate::Wild;
        let mut rate = |rates: &[usize]| random.pick(rates).copied().unwrap_or(0);
        let mut wild = |rates: &[usize]| if is_wild { rate(rates) } else { 0 };
        let (fault, slow) = (wild(&[0, 3, 10, 40]), wild(&[0, 2, 8, 30]));
        let (lost_wake_up, echo) = (wild(&[0, 1, 3]), wild(&[0, 1, 4]));
        let (late_answer, lost_answer) = (wild(&[0, 2, 5]), wild(&[0, 3, 8]));
        let cut_off = wild(&[0, 3, 12]);
        let misfortunes = wild(&[0, 1, 2, 4, 8]);
        let processes = if is_wild { rate(&[1, 2, 2, 3]) } else { rate(&[2, 3, 5]) };
        let are_workers = !is_wild || rate(&[0, 1, 1]) == 1;
        let calm = span + random.below(20 * SECOND as usize) as i64;
        Weather {
            random,
            calm,
            fault,
            slow,
            lost_wake_up,
            late_answer,
            lost_answer,
            echo,
            climate,
            misfortunes,
            cut_off,
            processes,
            are_workers,
        }
    }

    /// From when on all is well.
    pub(super) fn calm(&self) -> i64 {
        self.calm
    }

    /// How a call fares that is made at this time.
    pub(super) fn fate(&mut self, call: Call, now: i64) -> Fate {
        let slow = self.slow;
        let fault = match call {
            Call::Write => self.fault,
            Call::Lease => self.fault * 8,
            Call::Read => self.fault * 4,
        };
        let fault = match self.happens(fault, now) {
            false => Fault::None,
            true => match self.random.below(3) {
                0 => Fault::NotSent,
                1 => Fault::AnswerLost,
                _ => Fault::Late(self.up_to(4)),
            },
        };
        let delay = |weather: &mut Weather| match weather.happens(slow, now) {
            true => weather.up_to(1),
            // Half of the calls of a quiet store take no time that shows.
            false => Duration::from_millis(weather.random.below(2) as u64),
        };
        let (before, after) = (delay(self), delay(self));
        if call == Call::Write && self.misfortunes > 0 && self.happens(self.cut_off, now) {
            self.misfortunes -= 1;
            let fault = if self.random.one_in(2) { Fault::Held } else { fault };
            return Fate { before, fault, stall: Some(self.long()), after };
        }
        Fate { before, fault, stall: None, after }
    }

    /// For longer than a lease.
    fn long(&mut self) -> Duration {
        Duration::from_nanos(EXPIRY.unsigned_abs()) + self.up_to(15)
    }

    /// What befalls a process next, and after how long.
    pub(super) fn misfortune(&mut self, now: i64) -> Option<(Duration, Misfortune)> {
        if self.misfortunes == 0 || now >= self.calm {
            return None;
        }
        self.misfortunes -= 1;
        // Often at once, when most of a program happens.
        let within = [SECOND / 20, SECOND, self.calm - now];
        let within = self.random.pick(&within).copied().unwrap_or(SECOND);
        let after = Duration::from_nanos(self.random.below(within.unsigned_abs() as usize) as u64);
        let what = match self.random.below(6) {
            0 | 1 => Misfortune::Death,
            2 => Misfortune::Stop,
            3 => Misfortune::Stall(self.up_to(30)),
            _ => Misfortune::Stall(self.long()),
        };
        Some((after, what))
    }

    /// When the next process comes.
    pub(super) fn joins(&mut self) -> Duration {
        match self.climate {
            Climate::Wild => Duration::ZERO,
            Climate::Orderly => Duration::from_nanos(self.random.below(self.calm as usize) as u64),
        }
    }

    /// How long nobody takes a process's place.
    pub(super) fn downtime(&mut self) -> Duration {
        self.up_to(15)
    }

    /// After how long somebody is woken; `None`: it is lost.
    pub(super) fn wake_up(&mut self, now: i64) -> Option<Duration> {
        if self.happens(self.lost_wake_up, now) {
            return None;
        }
        Some(Duration::from_millis(self.random.below(3) as u64))
    }

    /// How long whoever waits for messages waits before it looks for nothing.
    pub(super) fn spurious(&mut self, now: i64) -> Option<Duration> {
        self.happens(self.lost_wake_up * 4, now).then(|| self.up_to(1))
    }

    /// How much later than it would an activity's answer comes.
    pub(super) fn lateness(&mut self, now: i64) -> Duration {
        if self.happens(self.late_answer, now) { self.up_to(8) } else { Duration::ZERO }
    }

    /// Whether it is lost.
    pub(super) fn loses_answer(&mut self, now: i64) -> bool {
        self.happens(self.lost_answer, now)
    }

    /// Whether something comes again, and how much later.
    pub(super) fn echo(&mut self, now: i64) -> Option<Duration> {
        self.happens(self.echo, now).then(|| self.up_to(10))
    }

    fn happens(&mut self, rate: usize, now: i64) -> bool {
        rate > 0 && now < self.calm && self.random.one_in(rate)
    }

    /// In a moment, or within so many seconds.
    fn up_to(&mut self, seconds: usize) -> Duration {
        let nanos = seconds * SECOND as usize;
        let scale = self.random.pick(&[nanos / 1000, nanos / 20, nanos]).copied().unwrap_or(0);
        Duration::from_nanos(self.random.below(scale + 1) as u64)
    }
}
