//! Durations, timestamps and days as text, both ways.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};

const UNITS: [(&str, i64); 8] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("w", 604_800_000_000_000),
];

/// A duration as the language writes it: `1h30m`, `250ms`, `0s`.
pub fn show_duration(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return "0s".into();
    }
    let mut text = String::from(if nanoseconds < 0 { "-" } else { "" });
    let mut rest = nanoseconds.unsigned_abs();
    for (name, size) in UNITS.iter().take(7) {
        let count = rest / size.unsigned_abs();
        rest %= size.unsigned_abs();
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    text
}

/// The duration that `1h30m` or `-250ms` says.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = rest.split_at_checked(digits)?;
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at_checked(end)?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.parse::<i128>().ok()?.checked_mul(i128::from(*size))?)?;
        rest = after;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).ok().filter(|_| text.ends_with(|c: char| c.is_ascii_alphabetic()))
}

/// A timestamp as RFC 3339 in UTC, with the fraction it has.
pub fn show_timestamp(nanoseconds: i64) -> String {
    DateTime::from_timestamp_nanos(nanoseconds).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The time that an RFC 3339 text says.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}

/// A day as ISO 8601 has it, `2024-02-29`; `None` where the calendar has no such day, or its year not four digits.
pub fn show_date(year: i64, month: i64, day: i64) -> Option<String> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let year = i32::try_from(year).ok().filter(|year| (0..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day).map(|date| date.to_string())
}

/// Year, month and day of what [`show_date`] writes.
pub fn parse_date(text: &str) -> Option<[i64; 3]> {
    let date: NaiveDate = text.parse().ok().filter(|date: &NaiveDate| date.to_string() == text)?;
    Some([i64::from(date.year()), i64::from(date.month()), i64::from(date.day())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_read_as_they_are_written() {
        for (date, text) in [([2024, 2, 29], "2024-02-29"), ([1, 1, 1], "0001-01-01")] {
            assert_eq!(show_date(date[0], date[1], date[2]).as_deref(), Some(text));
            assert_eq!(parse_date(text), Some(date));
        }
        for [year, month, day] in [[2023, 2, 29], [2024, 13, 1], [10_000, 1, 1], [-1, 1, 1], [2024, -1, 1]] {
            assert_eq!(show_date(year, month, day), None);
        }
        for wrong in ["", "2023-02-29", "2024-2-29", "29.2.2024", "+2024-02-29", " 2024-02-29", "12024-02-29"]
        {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_read_as_they_are_written() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (5_400_000_000_000, "1h30m"),
            (250_000_000, "250ms"),
            (-1_500_000_000, "-1s500ms"),
            (i64::MIN, "-106751d23h47m16s854ms775us808ns"),
        ] {
            assert_eq!(show_duration(nanoseconds), text);
            assert_eq!(parse_duration(text), Some(nanoseconds));
        }
        for wrong in ["", "-", "5", "h", "5min", "1h30", "99999999999999999999d", "1 h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_duration_and_timestamp_comes_back(nanoseconds: i64) {
            prop_assert_eq!(parse_duration(&show_duration(nanoseconds)), Some(nanoseconds));
            prop_assert_eq!(parse_timestamp(&show_timestamp(nanoseconds)), Some(nanoseconds));
        }
    }
}
