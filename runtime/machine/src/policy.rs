//! How a call is bounded and retried.

use crate::ids::CallKey;
use flow_mir::{Heap, PolicyField, Program, Type};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// An activity's policy, as evaluated for one call. Durations are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallPolicy {
    /// One attempt, start to close.
    pub timeout: Option<i64>,
    /// All attempts, queueing included.
    pub deadline: Option<i64>,
    /// How failures are retried.
    pub retry: Option<Retry>,
    /// Longest silence of an attempt.
    pub heartbeat: Option<i64>,
    /// Whose workers do it.
    pub queue: Option<String>,
    /// Whether `retry` was given at the call, so that it bounds a compensation too.
    pub own_retry: bool,
    /// Whether `deadline` was given at the call, likewise.
    pub own_deadline: bool,
}

/// A retry policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The pause after the first attempt.
    pub initial: i64,
    /// By how much each pause is longer than the one before.
    pub factor: f64,
    /// The longest pause.
    pub max: i64,
    /// How many attempts in all; without it, for ever.
    pub attempts: Option<u32>,
    /// What each pause is longer by than the one before, beside the factor.
    pub increment: i64,
    /// By which part of itself, from 0 to 1, a pause is shortened at most, by chance.
    pub jitter: f64,
}

/// What retries unknown outcomes where nothing is declared: for ever, 1 s growing to 1 min.
const UNBOUNDED: Retry = Retry {
    initial: 1_000_000_000,
    factor: 2.0,
    max: 60_000_000_000,
    attempts: None,
    increment: 0,
    jitter: 0.0,
};

impl CallPolicy {
    /// Reads a record `ActivityPolicy`.
    pub fn read(program: &Program, heap: &Heap, record: u64) -> CallPolicy {
        let field = |field: PolicyField| option_field(program, heap, record, field);
        let text = |word: u64| heap.str_at(word).to_owned();
        CallPolicy {
            timeout: field(PolicyField::Timeout).map(u64::cast_signed),
            deadline: field(PolicyField::Deadline).map(u64::cast_signed),
            retry: field(PolicyField::Retry).map(|retry| Retry::read(program, heap, retry)),
            heartbeat: field(PolicyField::Heartbeat).map(u64::cast_signed),
            queue: field(PolicyField::Queue).map(text),
            own_retry: false,
            own_deadline: false,
        }
    }

    /// How long to wait before the attempt after `attempt`, or `None` where there is none.
    /// `declared`: the attempt ended with an answer (a declared error, a refusal), which is retried only by policy;
    /// `undoing`: in a compensation the activity's own bounds are lifted, so all failures are retried until they succeed.
    /// `key` is the call's: what chance goes by.
    pub fn pause_after(&self, key: CallKey, attempt: u32, declared: bool, undoing: bool) -> Option<i64> {
        let retry = match self.retry {
            Some(retry) if undoing && !self.own_retry => Retry { attempts: None, ..retry },
            Some(retry) => retry,
            None if declared && !undoing => return None,
            None => UNBOUNDED,
        };
        match retry.attempts {
            Some(attempts) if attempt >= attempts => None,
            _ => Some(retry.pause(key, attempt)),
        }
    }
}

impl Retry {
    fn read(program: &Program, heap: &Heap, record: u64) -> Retry {
        let fields = match program.types.get(program.known.retry) {
            Some(Type::Record { fields, .. }) => fields.as_slice(),
            _ => &[],
        };
        let attempts = fields.get(3).and_then(|field| match program.types.get(field.ty) {
            Some(Type::Option(item)) => heap.option_at(&program.types, *item, heap.field(record, 3)),
            _ => None,
        });
        // Programs made by the first versions have neither.
        let increment = fields.get(4).map_or(0, |_| heap.field(record, 4).cast_signed());
        let jitter = fields.get(5).map_or(Decimal::ZERO, |_| heap.decimal_at(heap.field(record, 5)));
        let factor: Decimal = heap.decimal_at(heap.field(record, 1));
        Retry {
            initial: heap.field(record, 0).cast_signed().max(0),
            factor: factor.to_f64().unwrap_or(1.0).max(1.0),
            max: heap.field(record, 2).cast_signed().max(0),
            attempts: attempts.map(|count| u32::try_from(count.cast_signed().max(1)).unwrap_or(u32::MAX)),
            increment: increment.max(0),
            jitter: jitter.to_f64().unwrap_or(0.0).clamp(0.0, 1.0),
        }
    }

    /// The pause after `attempt`, from 1.
    fn pause(&self, key: CallKey, attempt: u32) -> i64 {
        let before = attempt.saturating_sub(1);
        let exponent = i32::try_from(before).unwrap_or(i32::MAX);
        let pause =
            self.initial as f64 * self.factor.powi(exponent) + self.increment as f64 * f64::from(before);
        // A float cast saturates, so an infinite pause is the longest one.
        let pause = (pause as i64).clamp(0, self.max);
        if self.jitter == 0.0 {
            return pause;
        }
        // Chance that comes out the same after a crash: calls differ, and so do the attempts of one.
        let mut hasher = blake3::Hasher::new();
        hasher.update(&key.0);
        hasher.update(&attempt.to_le_bytes());
        let mut bits = [0; 4];
        hasher.finalize_xof().fill(&mut bits);
        let share = f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX);
        (pause as f64 * (1.0 - self.jitter * share)) as i64
    }
}

fn option_field(program: &Program, heap: &Heap, record: u64, field: PolicyField) -> Option<u64> {
    let index = field as usize;
    let Some(Type::Record { fields, .. }) = program.types.get(program.known.policy) else { return None };
    match program.types.get(fields.get(index)?.ty) {
        Some(Type::Option(item)) => heap.option_at(&program.types, *item, heap.field(record, index)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const KEY: CallKey = CallKey([7; 16]);
    const ONCE: Retry =
        Retry { initial: SECOND, factor: 1.0, max: SECOND, attempts: Some(1), increment: 0, jitter: 0.0 };

    #[test]
    fn without_a_policy_unknown_outcomes_are_retried_for_ever_and_answers_never() {
        let policy = CallPolicy::default();
        assert_eq!(policy.pause_after(KEY, 1, false, false), Some(SECOND));
        assert_eq!(policy.pause_after(KEY, 4, false, false), Some(8 * SECOND));
        assert_eq!(policy.pause_after(KEY, 1000, false, false), Some(60 * SECOND));
        assert_eq!(policy.pause_after(KEY, 1, true, false), None);
    }

    #[test]
    fn a_policy_bounds_both() {
        let retry = Retry { factor: 3.0, max: 5 * SECOND, attempts: Some(3), ..ONCE };
        let policy = CallPolicy { retry: Some(retry), ..CallPolicy::default() };
        assert_eq!(policy.pause_after(KEY, 1, true, false), Some(SECOND));
        assert_eq!(policy.pause_after(KEY, 2, false, false), Some(3 * SECOND));
        assert_eq!(policy.pause_after(KEY, 3, false, false), None);
    }

    #[test]
    fn a_compensation_lifts_the_activitys_bounds_but_not_the_calls_own() {
        let policy = CallPolicy { retry: Some(ONCE), ..CallPolicy::default() };
        assert_eq!(policy.pause_after(KEY, 9, true, true), Some(SECOND));
        let own = CallPolicy { own_retry: true, ..policy };
        assert_eq!(own.pause_after(KEY, 1, true, true), None);
        assert_eq!(CallPolicy::default().pause_after(KEY, 1, true, true), Some(SECOND));
    }

    #[test]
    fn pauses_grow_by_steps_and_chance_shortens_them_the_same_way_each_time() {
        let linear = Retry { max: 60 * SECOND, attempts: None, increment: 2 * SECOND, ..ONCE };
        let pauses: Vec<i64> = (1..4).map(|attempt| linear.pause(KEY, attempt) / SECOND).collect();
        assert_eq!(pauses, [1, 3, 5]);
        let shaken = Retry { jitter: 0.5, ..linear };
        let pauses: Vec<i64> = (1..200).map(|attempt| shaken.pause(KEY, attempt)).collect();
        for (attempt, pause) in (1..).zip(&pauses) {
            let whole = linear.pause(KEY, attempt);
            assert!((whole / 2..=whole).contains(pause), "{pause} of {whole}");
            assert_eq!(*pause, shaken.pause(KEY, attempt));
        }
        let longest = pauses.iter().filter(|pause| **pause > 45 * SECOND).count();
        assert!((40..160).contains(&longest), "{longest}");
    }
}
