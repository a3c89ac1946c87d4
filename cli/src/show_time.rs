//! Times and durations for people.

use chrono::{DateTime, Local, Utc};
use flow_machine::ids::Timestamp;

/// How long, in the unit that fits: `3 ms`, `1.2 s`, `2 h 5 min`.
pub(crate) fn duration(nanos: i64) -> String {
    let nanos = nanos.max(0);
    let (micros, millis, seconds) = (nanos / 1_000, nanos / 1_000_000, nanos / 1_000_000_000);
    match seconds {
        _ if micros < 1_000 => format!("{micros} µs"),
        _ if millis < 1_000 => format!("{millis} ms"),
        0..=59 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..=172_799 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A time in the user's zone, to the second.
pub(crate) fn local(at: Timestamp) -> String {
    let utc: DateTime<Utc> = DateTime::from_timestamp_nanos(at.0);
    utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time for tools: RFC 3339 in UTC, to the nanosecond.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    DateTime::from_timestamp_nanos(at.0).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        let second = 1_000_000_000;
        assert_eq!(duration(1_500), "1 µs");
        assert_eq!(duration(12 * 1_000_000), "12 ms");
        assert_eq!(duration(second + 250_000_000), "1.2 s");
        assert_eq!(duration(61 * second), "1 min 1 s");
        assert_eq!(duration(7_260 * second), "2 h 1 min");
        assert_eq!(duration(3 * 86_400 * second), "3 days");
    }
}
