//! What goes wrong in a run: one crash at a place, or whatever a seed brings.

use super::SECOND;
use flow_project::Random;

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Transition `n` is not committed.
    BeforeCommit(usize),
    /// Transition `n` is committed, its actions are not performed.
    AfterCommit(usize),
    /// Attempt `n` has done its work, its completion is lost.
    AfterEffect(usize),
}

/// How hard a seed is on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Processes die and are cut off, and everything may come twice: none of it may show in how a run ends.
    Rough,
    /// Answers and wake-ups are late or lost as well, nobody is there for a while, and operators interfere: a run may end
    /// differently, but what a program promises holds.
    Wild,
}

/// How a process loses what it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It dies.
    Death,
    /// It is taken for dead, and does not know: it goes on in its own memory.
    CutOff,
}

/// What goes wrong in a run.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Is lost once, there.
    once: Option<(Crash, Loss)>,
    chance: Option<Chance>,
}

/// The choices of a seed. Each seed has its own mixture: faults that never meet in one run hide no mistakes of others.
#[derive(Clone, Debug)]
struct Chance {
    random: Random,
    weather: Weather,
    /// How many more processes may be lost: the world gets better in the end.
    losses: usize,
    /// One in so many places is one where a process is lost; and so on. 0: never.
    loss: usize,
    cut_off: usize,
    echo: usize,
    elsewhere: usize,
    late: usize,
    lost_answer: usize,
    lost_wake_up: usize,
}

impl From<Crash> for Faults {
    fn from(crash: Crash) -> Faults {
        Faults::once(crash, Loss::Death)
    }
}

impl From<Option<Crash>> for Faults {
    fn from(crash: Option<Crash>) -> Faults {
        crash.map(Faults::from).unwrap_or_default()
    }
}

impl Faults {
    /// The process is lost once, there.
    pub fn once(place: Crash, loss: Loss) -> Faults {
        Faults { once: Some((place, loss)), chance: None }
    }

    /// What a seed brings.
    pub fn seeded(seed: u64, weather: Weather) -> Faults {
        let mut random = Random::new(seed);
        let mut rate = |rates: &[usize]| random.pick(rates).copied().unwrap_or(0);
        let (losses, loss) = (rate(&[0, 1, 2, 4, 8]), rate(&[2, 5, 12, 30]));
        let (cut_off, echo, elsewhere) = (rate(&[0, 1, 2, 4]), rate(&[0, 1, 3]), rate(&[0, 1, 2]));
        let wild = |rate| if weather == Weather::Wild { rate } else { 0 };
        let (late, lost_answer) = (wild(rate(&[0, 2, 5])), wild(rate(&[0, 3, 8])));
        let lost_wake_up = wild(rate(&[0, 1, 3]));
        let chance = Chance {
            random,
            weather,
            losses,
            loss,
            cut_off,
            echo,
            elsewhere,
            late,
            lost_answer,
            lost_wake_up,
        };
        Faults { once: None, chance: Some(chance) }
    }

    /// Whether the owner of all instances is lost here.
    pub(super) fn loss_at(&mut self, place: Crash) -> Option<Loss> {
        if let Some((_, loss)) = self.once.take_if(|(at, _)| *at == place) {
            return Some(loss);
        }
        let chance = self.chance.as_mut()?;
        if chance.losses == 0 || !chance.happens(|chance| chance.loss) {
            return None;
        }
        chance.losses -= 1;
        Some(if chance.happens(|chance| chance.cut_off) { Loss::CutOff } else { Loss::Death })
    }

    /// How long nobody is there after a loss.
    pub(super) fn downtime(&mut self) -> i64 {
        self.wild(|chance| chance.late, 30).unwrap_or(0)
    }

    /// Whether this comes a second time, and how much later.
    pub(super) fn echo(&mut self) -> Option<i64> {
        let chance = self.chance.as_mut()?;
        chance.happens(|chance| chance.echo).then(|| chance.up_to(90))
    }

    /// Whether an attempt outlives the process that asked for it, and reports to the next.
    pub(super) fn reports_elsewhere(&mut self) -> bool {
        self.chance.as_mut().is_some_and(|chance| chance.happens(|chance| chance.elsewhere))
    }

    /// How much later than it would an answer comes.
    pub(super) fn lateness(&mut self) -> i64 {
        self.wild(|chance| chance.late, 90).unwrap_or(0)
    }

    /// Whether an answer is lost.
    pub(super) fn loses_answer(&mut self) -> bool {
        self.chance.as_mut().is_some_and(|chance| chance.happens(|chance| chance.lost_answer))
    }

    /// How long nobody looks at a message: the wake-up may be lost, then the poll finds it.
    pub(super) fn unread_for(&mut self) -> i64 {
        self.wild(|chance| chance.lost_wake_up, 1).unwrap_or(0)
    }

    /// Whether a stale owner tries to write now.
    pub(super) fn stale_owner_wakes(&mut self) -> bool {
        self.chance.as_mut().is_none_or(|chance| chance.random.one_in(3))
    }

    /// Whether a run may end differently.
    pub(super) fn is_wild(&self) -> bool {
        self.chance.as_ref().is_some_and(|chance| chance.weather == Weather::Wild)
    }

    /// Whether the work under a key goes on when it is asked for again, so that crashes cost no time.
    pub(super) fn keeps_time(&self) -> bool {
        self.chance.as_ref().is_some_and(|chance| chance.weather == Weather::Rough)
    }

    fn wild(&mut self, rate: fn(&Chance) -> usize, seconds: usize) -> Option<i64> {
        let chance = self.chance.as_mut()?;
        chance.happens(rate).then(|| chance.up_to(seconds))
    }
}

impl Chance {
    fn happens(&mut self, rate: fn(&Chance) -> usize) -> bool {
        let rate = rate(self);
        rate > 0 && self.random.one_in(rate)
    }

    /// Now, in a moment, or within so many seconds.
    fn up_to(&mut self, seconds: usize) -> i64 {
        let nanos = seconds * SECOND as usize;
        let scale = self.random.pick(&[0, 1, nanos / 1000, nanos]).copied().unwrap_or(0);
        self.random.below(scale + 1) as i64
    }
}
