//! Time zones: fixed offsets and IANA names (compiled in, no table load needed).

use chrono::{Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone as _, Timelike};

use super::{DateParts, PackedDatetime};
use crate::MySqlError;

/// A session time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Offset(i32),
    Named(chrono_tz::Tz),
}

/// MySQL's bounds of an offset: -13:59 .. +14:00.
const MIN_OFFSET_SECONDS: i32 = -(13 * 60 + 59) * 60;
const MAX_OFFSET_SECONDS: i32 = 14 * 3600;

impl TimeZone {
    pub const UTC: TimeZone = TimeZone::Offset(0);

    /// `+08:00`, `-3:30` or an IANA name; `SYSTEM` is resolved by the caller, who knows the system's zone.
    pub fn parse(text: &str) -> Result<TimeZone, MySqlError> {
        if let Some(seconds) = parse_offset(text) {
            return Ok(TimeZone::Offset(seconds));
        }
        chrono_tz::Tz::from_str_insensitive(text)
            .map(TimeZone::Named)
            .map_err(|_| MySqlError::unknown_time_zone(text))
    }

    /// Seconds and microseconds since the epoch of a local date; a time inside a spring gap moves to the
    /// end of the gap as in MySQL, of two times in autumn the first (daylight saving) one is meant.
    pub fn to_unix_micros(self, local: PackedDatetime) -> Option<i64> {
        let naive = to_naive(local)?;
        let utc = match self {
            TimeZone::Offset(seconds) => naive - chrono::Duration::seconds(i64::from(seconds)),
            TimeZone::Named(zone) => match zone.from_local_datetime(&naive) {
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.naive_utc(),
                MappedLocalTime::None => gap_end(zone, naive)?,
            },
        };
        Some(utc.and_utc().timestamp_micros())
    }

    /// The local date of an instant; `None` outside the years 0..=9999.
    pub fn from_unix_micros(self, micros: i64) -> Option<PackedDatetime> {
        let utc = chrono::DateTime::from_timestamp_micros(micros)?.naive_utc();
        let local = match self {
            TimeZone::Offset(seconds) => {
                utc.checked_add_signed(chrono::Duration::seconds(i64::from(seconds)))?
            }
            TimeZone::Named(zone) => zone.from_utc_datetime(&utc).naive_local(),
        };
        from_naive(local)
    }

    /// A stored TIMESTAMP (UTC) as this zone shows it; the zero value stays zero.
    pub fn from_utc(self, utc: PackedDatetime) -> PackedDatetime {
        if utc.is_zero() || self == TimeZone::UTC {
            return utc;
        }
        TimeZone::UTC.to_unix_micros(utc).and_then(|micros| self.from_unix_micros(micros)).unwrap_or(utc)
    }

    /// A local date as it is stored in a TIMESTAMP column; `None` for dates that are no instant.
    pub fn to_utc(self, local: PackedDatetime) -> Option<PackedDatetime> {
        if local.is_zero() {
            return Some(local);
        }
        TimeZone::UTC.from_unix_micros(self.to_unix_micros(local)?)
    }

    /// Whether the local time falls into a gap that daylight saving skips (MySQL warns 1299).
    pub fn is_in_gap(self, local: PackedDatetime) -> bool {
        match (self, to_naive(local)) {
            (TimeZone::Named(zone), Some(naive)) => {
                matches!(zone.from_local_datetime(&naive), MappedLocalTime::None)
            }
            _ => false,
        }
    }
}

fn gap_end(zone: chrono_tz::Tz, naive: NaiveDateTime) -> Option<NaiveDateTime> {
    // The offset before the gap maps the skipped time to an instant after it; the gap starts at most a day earlier.
    let before = zone.offset_from_utc_datetime(&(naive - chrono::Duration::days(1))).fix();
    let guess = naive - chrono::Duration::seconds(i64::from(before.local_minus_utc()));
    let after = zone.offset_from_utc_datetime(&guess).fix();
    let jump = i64::from(after.local_minus_utc() - before.local_minus_utc());
    // MySQL answers the first instant after the gap: go back by how far the time is inside it.
    let mut low = guess - chrono::Duration::seconds(jump);
    let mut high = guess;
    while high - low > chrono::Duration::seconds(1) {
        let middle = low + (high - low) / 2;
        if zone.offset_from_utc_datetime(&middle).fix() == after { high = middle } else { low = middle }
    }
    high.with_nanosecond(0)
}

fn parse_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.is_empty() || hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i32>().ok()).flatten();
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let seconds = sign * (hours * 60 + minutes) * 60;
    (minutes < 60 && (MIN_OFFSET_SECONDS..=MAX_OFFSET_SECONDS).contains(&seconds)).then_some(seconds)
}

fn to_naive(at: PackedDatetime) -> Option<NaiveDateTime> {
    let p = at.parts();
    NaiveDate::from_ymd_opt(i32::try_from(p.year).ok()?, p.month, p.day)?.and_hms_micro_opt(
        p.hour,
        p.minute,
        p.second,
        p.microsecond,
    )
}

fn from_naive(at: NaiveDateTime) -> Option<PackedDatetime> {
    let year = u32::try_from(at.year()).ok().filter(|y| *y <= 9999)?;
    Some(PackedDatetime::from_parts(DateParts {
        year,
        month: at.month(),
        day: at.day(),
        hour: at.hour(),
        minute: at.minute(),
        second: at.second(),
        microsecond: at.nanosecond() / 1000,
    }))
}

impl std::fmt::Display for TimeZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TimeZone::Offset(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
            }
            TimeZone::Named(zone) => f.write_str(zone.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(y: u32, mo: u32, d: u32, h: u32, mi: u32, s: u32) -> PackedDatetime {
        PackedDatetime::from_parts(DateParts {
            year: y,
            month: mo,
            day: d,
            hour: h,
            minute: mi,
            second: s,
            microsecond: 0,
        })
    }

    #[test]
    fn offsets_and_names_parse_within_mysql_bounds() {
        assert_eq!(TimeZone::parse("+08:00").expect("legal"), TimeZone::Offset(8 * 3600));
        assert_eq!(TimeZone::parse("-13:59").expect("legal"), TimeZone::Offset(MIN_OFFSET_SECONDS));
        assert_eq!(TimeZone::parse("+14:01").expect_err("too far").code, 1298);
        assert_eq!(TimeZone::parse("asia/shanghai").expect("legal").to_string(), "Asia/Shanghai");
        assert_eq!(TimeZone::parse("Mars/Base").expect_err("unknown").code, 1298);
    }

    #[test]
    fn instants_cross_zones_and_gaps_move_to_their_end() {
        let shanghai = TimeZone::parse("Asia/Shanghai").expect("known");
        assert_eq!(shanghai.from_unix_micros(0), Some(at(1970, 1, 1, 8, 0, 0)));
        assert_eq!(shanghai.to_utc(at(1970, 1, 1, 8, 0, 0)), Some(at(1970, 1, 1, 0, 0, 0)));
        let berlin = TimeZone::parse("Europe/Berlin").expect("known");
        assert_eq!(berlin.to_utc(at(2024, 3, 31, 2, 30, 0)), Some(at(2024, 3, 31, 1, 0, 0)));
        assert!(berlin.is_in_gap(at(2024, 3, 31, 2, 30, 0)));
        assert_eq!(berlin.from_utc(at(2024, 7, 1, 12, 0, 0)), at(2024, 7, 1, 14, 0, 0));
    }
}
