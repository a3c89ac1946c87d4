//! Points in time by the clocks of a time zone. The zones are built in, so that every machine knows the same ones.

use super::{Context, Failure, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use crate::value::time;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

const EPOCH: Date = Date::constant(1970, 1, 1);
/// Longer patterns are no patterns.
const LONGEST_PATTERN: usize = 1000;

impl Context<'_> {
    pub(super) fn calendar(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let known = *self.heap.known();
        Some(match intrinsic {
            // Both are nanoseconds.
            I::TimeNanoseconds | I::TimeFromNanoseconds => Ok(self.arg(0)),
            I::DurationNanoseconds | I::DurationFromNanoseconds => Ok(self.arg(0)),
            I::DurationParse => {
                let length = time::parse_duration(self.str(0)).map(i64::cast_unsigned);
                self.some(known.duration, length)
            }
            I::TimestampParse | I::TimeParse => {
                let time = time::parse_timestamp(self.str(0)).map(i64::cast_unsigned);
                self.some(known.timestamp, time)
            }
            I::TimeIsZone => Ok(u64::from(zone(self.str(0)).is_ok())),
            I::TimeOffset => zone(self.str(1)).map(|zone| {
                let seconds = zone.to_offset(self.timestamp(0)).seconds();
                (i64::from(seconds) * 1_000_000_000).cast_unsigned()
            }),
            I::TimeFormat => self.format_time(),
            I::TimeParseWith => self.parse_time().and_then(|time| self.some(known.timestamp, time)),
            I::TimeFromLocal => self.time_from_local(),
            _ => return None,
        })
    }

    fn timestamp(&self, index: usize) -> Timestamp {
        // Every Int is within jiff's range.
        Timestamp::from_nanosecond(i128::from(self.int(index))).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn pattern(&self, index: usize) -> Result<&str, Failure> {
        let pattern = self.str(index);
        if pattern.len() > LONGEST_PATTERN {
            return trap(TrapKind::InvalidValue, "a pattern for times is at most 1000 bytes long");
        }
        Ok(pattern)
    }

    fn format_time(&mut self) -> Outcome {
        let time = Zoned::new(self.timestamp(0), zone(self.str(2))?);
        let pattern = self.pattern(1)?;
        match strtime::format(pattern, &time) {
            Ok(text) => self.make_string(&text),
            Err(error) => {
                trap(TrapKind::InvalidValue, format!("`{pattern}` is no pattern for times: {error}"))
            }
        }
    }

    /// Nanoseconds, or `None` where the text isn't as the pattern says.
    fn parse_time(&self) -> Result<Option<u64>, Failure> {
        let zone = zone(self.str(2))?;
        let Ok(parsed) = strtime::parse(self.pattern(1)?, self.str(0)) else { return Ok(None) };
        let time = match (parsed.offset(), parsed.iana_time_zone()) {
            // Its own zone or offset says which point in time it is.
            (Some(_), _) | (_, Some(_)) => parsed.to_zoned().map(|time| time.timestamp()).ok(),
            _ => {
                let date = parsed.to_date().ok();
                let time = parsed.to_time().unwrap_or_else(|_| jiff::civil::Time::midnight());
                let local = date.map(|date| date.to_datetime(time));
                local.and_then(|local| zone.to_timestamp(local).ok())
            }
        };
        Ok(time.and_then(nanoseconds))
    }

    fn time_from_local(&mut self) -> Outcome {
        let (days, nanos) = (self.int(0), self.int(1));
        let zone = zone(self.str(2))?;
        let local = local(days, nanos).and_then(|local| zone.to_timestamp(local).ok());
        match local.and_then(nanoseconds) {
            Some(time) => Ok(time),
            None => {
                trap(TrapKind::Overflow, format!("day {days} since 1970-01-01 is out of Timestamp's range"))
            }
        }
    }
}

fn local(days: i64, nanos: i64) -> Option<DateTime> {
    let date = EPOCH.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()?;
    date.to_datetime(jiff::civil::Time::midnight()).checked_add(SignedDuration::from_nanos(nanos)).ok()
}

fn nanoseconds(time: Timestamp) -> Option<u64> {
    i64::try_from(time.as_nanosecond()).ok().map(i64::cast_unsigned)
}

/// The time zone of an IANA name: `Europe/Berlin`, `UTC`.
fn zone(name: &str) -> Result<TimeZone, Failure> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).or_else(|_| {
        trap(
            TrapKind::InvalidValue,
            format!(
                "there is no time zone `{name}`; zones have IANA names: Europe/Berlin, America/New_York, UTC"
            ),
        )
    })
}
