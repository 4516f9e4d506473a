//! Dates and times as numbers: 20240131, 20240131101112, 101112.

use super::parse::{DateFlags, TemporalWarning, check_date};
use super::{DateParts, Duration, PackedDatetime};

/// MySQL's number_to_datetime; the flag says whether the number had a time part.
pub fn datetime_from_number(
    number: i64,
    flags: DateFlags,
) -> Result<(PackedDatetime, bool), TemporalWarning> {
    let (full, has_time) = expand(number).ok_or(TemporalWarning::Truncated)?;
    let (date, time) = (full / 1_000_000, full % 1_000_000);
    let field = |value: i64| value as u32;
    let parts = DateParts {
        year: field(date / 10_000),
        month: field(date / 100 % 100),
        day: field(date % 100),
        hour: field(time / 10_000),
        minute: field(time / 100 % 100),
        second: field(time % 100),
        microsecond: 0,
    };
    if parts.month > 12 || parts.day > 31 || parts.hour > 23 || parts.minute > 59 || parts.second > 59 {
        return Err(TemporalWarning::Truncated);
    }
    match check_date(&parts, flags) {
        Some(warning) => Err(warning),
        None => Ok((PackedDatetime::from_parts(parts), has_time)),
    }
}

/// To YYYYMMDDHHMMSS; two-digit years below 70 are 20xx.
fn expand(n: i64) -> Option<(i64, bool)> {
    Some(match n {
        0 => (0, true),
        10_000_101_000_000.. => (Some(n).filter(|n| *n <= 99_999_999_999_999)?, true),
        ..101 => return None,
        101..=691_231 => ((n + 20_000_000) * 1_000_000, false),
        691_232..700_101 => return None,
        700_101..=991_231 => ((n + 19_000_000) * 1_000_000, false),
        991_232..=99_991_231 => (n * 1_000_000, false),
        99_991_232..101_000_000 => return None,
        101_000_000..=691_231_235_959 => (n + 20_000_000_000_000, true),
        691_231_235_960..700_101_000_000 => return None,
        700_101_000_000..=991_231_235_959 => (n + 19_000_000_000_000, true),
        _ => (n, true),
    })
}

/// MySQL's number_to_time: [H]HHMMSS, or a full date whose time part counts.
pub fn duration_from_number(number: i64) -> (Option<Duration>, Option<TemporalWarning>) {
    let magnitude = number.unsigned_abs();
    if magnitude > 8_385_959 {
        if number >= 10_000_000_000
            && let Ok((value, _)) = datetime_from_number(number, DateFlags::FUZZY)
        {
            return (Some(Duration::from_micros(value.time_micros())), None);
        }
        let limit = if number < 0 { Duration::MIN } else { Duration::MAX };
        return (Some(limit), Some(TemporalWarning::OutOfRange));
    }
    let (hours, minutes, seconds) =
        ((magnitude / 10_000) as u32, (magnitude / 100 % 100) as u32, (magnitude % 100) as u32);
    if minutes > 59 || seconds > 59 {
        return (None, Some(TemporalWarning::OutOfRange));
    }
    (Some(Duration::from_parts(number < 0, hours, minutes, seconds, 0)), None)
}

/// YYYYMMDD, or YYYYMMDDHHMMSS with time; the fraction is left to the caller.
pub fn datetime_to_number(value: PackedDatetime, with_time: bool) -> i64 {
    let p = value.parts();
    let date = i64::from(p.year) * 10_000 + i64::from(p.month) * 100 + i64::from(p.day);
    if !with_time {
        return date;
    }
    date * 1_000_000 + i64::from(p.hour) * 10_000 + i64::from(p.minute) * 100 + i64::from(p.second)
}

/// [-]HHMMSS without the fraction.
pub fn duration_to_number(value: Duration) -> i64 {
    let (negative, hours, minutes, seconds, _) = value.parts();
    let number = i64::from(hours) * 10_000 + i64::from(minutes) * 100 + i64::from(seconds);
    if negative { -number } else { number }
}

/// HHMMSS of a date with time.
pub fn time_of_day_number(value: PackedDatetime) -> i64 {
    datetime_to_number(value, true) % 1_000_000
}
