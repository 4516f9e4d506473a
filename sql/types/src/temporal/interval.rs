//! Date arithmetic: INTERVAL units, rounding of fractions, adding to dates and times.

use super::{DateParts, Duration, PackedDatetime, civil_from_days, days_from_civil, days_in_month};

/// The unit of an INTERVAL expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntervalUnit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    SecondMicrosecond,
    MinuteMicrosecond,
    MinuteSecond,
    HourMicrosecond,
    HourSecond,
    HourMinute,
    DayMicrosecond,
    DaySecond,
    DayMinute,
    DayHour,
    YearMonth,
}

impl IntervalUnit {
    const NAMES: [(&'static str, IntervalUnit); 20] = [
        ("MICROSECOND", Self::Microsecond),
        ("SECOND", Self::Second),
        ("MINUTE", Self::Minute),
        ("HOUR", Self::Hour),
        ("DAY", Self::Day),
        ("WEEK", Self::Week),
        ("MONTH", Self::Month),
        ("QUARTER", Self::Quarter),
        ("YEAR", Self::Year),
        ("SECOND_MICROSECOND", Self::SecondMicrosecond),
        ("MINUTE_MICROSECOND", Self::MinuteMicrosecond),
        ("MINUTE_SECOND", Self::MinuteSecond),
        ("HOUR_MICROSECOND", Self::HourMicrosecond),
        ("HOUR_SECOND", Self::HourSecond),
        ("HOUR_MINUTE", Self::HourMinute),
        ("DAY_MICROSECOND", Self::DayMicrosecond),
        ("DAY_SECOND", Self::DaySecond),
        ("DAY_MINUTE", Self::DayMinute),
        ("DAY_HOUR", Self::DayHour),
        ("YEAR_MONTH", Self::YearMonth),
    ];

    /// Case-insensitive; `SQL_TSI_DAY` names `DAY`.
    pub fn parse(name: &str) -> Option<IntervalUnit> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("SQL_TSI_").unwrap_or(&upper);
        Self::NAMES.iter().find(|(n, _)| *n == bare).map(|(_, unit)| *unit)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, unit)| *unit == self).map_or("", |(name, _)| name)
    }

    /// Adding it to a DATE gives a DATE.
    pub fn is_date_only(self) -> bool {
        use IntervalUnit::*;
        matches!(self, Day | Week | Month | Quarter | Year | YearMonth)
    }

    pub fn has_microseconds(self) -> bool {
        use IntervalUnit::*;
        matches!(self, Microsecond | SecondMicrosecond | MinuteMicrosecond | HourMicrosecond | DayMicrosecond)
    }

    /// Numbers a compound text value has, and the seconds-weight of each; empty for single units.
    fn fields(self) -> &'static [i64] {
        use IntervalUnit::*;
        const D: i64 = 86_400_000_000;
        const H: i64 = 3_600_000_000;
        const M: i64 = 60_000_000;
        const S: i64 = 1_000_000;
        match self {
            SecondMicrosecond => &[S, 1],
            MinuteMicrosecond => &[M, S, 1],
            MinuteSecond => &[M, S],
            HourMicrosecond => &[H, M, S, 1],
            HourSecond => &[H, M, S],
            HourMinute => &[H, M],
            DayMicrosecond => &[D, H, M, S, 1],
            DaySecond => &[D, H, M, S],
            DayMinute => &[D, H, M],
            DayHour => &[D, H],
            _ => &[],
        }
    }

    pub fn is_compound(self) -> bool {
        self == IntervalUnit::YearMonth || !self.fields().is_empty()
    }
}

/// An amount of time: months and microseconds, of which an interval has one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Interval {
    pub months: i64,
    pub micros: i128,
}

impl Interval {
    /// A whole number of single units.
    pub fn of_units(unit: IntervalUnit, count: i64) -> Interval {
        use IntervalUnit::*;
        let micros = |per: i64| Interval { months: 0, micros: i128::from(count) * i128::from(per) };
        let months = |per: i64| Interval { months: count.saturating_mul(per), micros: 0 };
        match unit {
            Microsecond => micros(1),
            Second => micros(1_000_000),
            Minute => micros(60_000_000),
            Hour => micros(3_600_000_000),
            Day => micros(86_400_000_000),
            Week => micros(7 * 86_400_000_000),
            Month | YearMonth => months(1),
            Quarter => months(3),
            Year => months(12),
            // A number given for a compound unit means its smallest field.
            other => micros(other.fields().last().copied().unwrap_or(1)),
        }
    }

    /// A compound value `'1 2:3'`: numbers between any separators; missing leading fields are zero.
    pub fn parse_compound(unit: IntervalUnit, text: &[u8]) -> Option<Interval> {
        let weights: &[i64] = if unit == IntervalUnit::YearMonth { &[12, 1] } else { unit.fields() };
        let start = text.iter().position(|b| !b.is_ascii_whitespace())?;
        let negative = text[start] == b'-';
        let mut values: Vec<i64> = Vec::new();
        let mut last_digits = 0;
        let mut current: Option<(i64, u32)> = None;
        for b in text[start..].iter().chain(std::iter::once(&b' ')) {
            match (b.is_ascii_digit(), current) {
                (true, Some((v, n))) => {
                    current = Some((v.checked_mul(10)?.checked_add(i64::from(b - b'0'))?, n + 1))
                }
                (true, None) => current = Some((i64::from(b - b'0'), 1)),
                (false, Some((v, n))) => {
                    values.push(v);
                    last_digits = n;
                    current = None;
                }
                (false, None) => {}
            }
        }
        if values.len() > weights.len() || values.is_empty() {
            return None;
        }
        // The microsecond field is a fraction: '1.5' MINUTE_MICROSECOND... means 500000 microseconds.
        if unit.has_microseconds()
            && last_digits < 6
            && let Some(last) = values.last_mut()
        {
            *last *= 10i64.pow(6 - last_digits);
        }
        let missing = weights.len() - values.len();
        let total: i128 =
            values.iter().zip(&weights[missing..]).map(|(v, w)| i128::from(*v) * i128::from(*w)).sum();
        let total = if negative { -total } else { total };
        Some(if unit == IntervalUnit::YearMonth {
            Interval { months: i64::try_from(total).ok()?, micros: 0 }
        } else {
            Interval { months: 0, micros: total }
        })
    }

    #[must_use]
    pub fn negated(self) -> Interval {
        Interval { months: self.months.saturating_neg(), micros: -self.micros }
    }
}

impl PackedDatetime {
    /// date + interval; `None` outside 0000-01-01 .. 9999-12-31 or for dates that are not days.
    pub fn checked_add(self, interval: Interval) -> Option<PackedDatetime> {
        let mut p = self.parts();
        if interval.months != 0 || interval.micros == 0 {
            if interval.months != 0 {
                let total = (i64::from(p.year) * 12 + i64::from(p.month) - 1).checked_add(interval.months)?;
                if !(0..120_000).contains(&total) {
                    return None;
                }
                (p.year, p.month) = ((total / 12) as u32, (total % 12 + 1) as u32);
                p.day = p.day.min(days_in_month(p.year, p.month));
            }
            return Some(PackedDatetime::from_parts(p));
        }
        if self.has_zero_part() && self.year() == 0 && self.month() == 0 {
            return None;
        }
        const DAY: i128 = 86_400_000_000;
        let total = i128::from(days_from_civil(p.year, p.month, p.day)) * DAY
            + i128::from(self.time_micros())
            + interval.micros;
        let (days, micros) = (i64::try_from(total.div_euclid(DAY)).ok()?, total.rem_euclid(DAY) as i64);
        Self::from_day_and_micros(days, micros)
    }

    /// From a TO_DAYS number and microseconds since midnight.
    pub fn from_day_and_micros(days: i64, micros: i64) -> Option<PackedDatetime> {
        let (year, month, day) = civil_from_days(days)?;
        let seconds = micros / 1_000_000;
        Some(PackedDatetime::from_parts(DateParts {
            year,
            month,
            day,
            hour: (seconds / 3600) as u32,
            minute: (seconds / 60 % 60) as u32,
            second: (seconds % 60) as u32,
            microsecond: (micros % 1_000_000) as u32,
        }))
    }

    /// Microseconds since day 0, for differences.
    pub fn absolute_micros(self) -> i128 {
        let p = self.parts();
        i128::from(days_from_civil(p.year, p.month, p.day)) * 86_400_000_000 + i128::from(self.time_micros())
    }

    /// Rounds (or cuts) to `fsp` digits. `extra_nanos` is a seventh digit times 100. `None` past 9999-12-31.
    pub fn round_to_fsp(self, fsp: u8, extra_nanos: u32, truncate: bool) -> Option<PackedDatetime> {
        let micros = self.parts().microsecond;
        let unit = 10u32.pow(6 - u32::from(fsp.min(6)));
        let rest = micros % unit;
        let base = PackedDatetime::from_packed(self.packed() - i64::from(rest));
        let up = if unit == 1 { extra_nanos >= 500 } else { rest >= unit / 2 };
        if truncate || !up {
            return Some(base);
        }
        if base.parts().microsecond + unit < 1_000_000 {
            return Some(PackedDatetime::from_packed(base.packed() + i64::from(unit)));
        }
        if self.has_zero_part() {
            return None;
        }
        base.checked_add(Interval { months: 0, micros: i128::from(unit) })
    }
}

impl Duration {
    /// Rounds half away from zero (or cuts) to `fsp` digits.
    pub fn round_to_fsp(self, fsp: u8, extra_nanos: u32, truncate: bool) -> Duration {
        let unit = 10i64.pow(6 - u32::from(fsp.min(6)));
        let rest = self.micros() % unit;
        let base = self.micros() - rest;
        let up = if unit == 1 { extra_nanos >= 500 } else { rest.abs() >= unit / 2 };
        let step = if self.micros() < 0 { -unit } else { unit };
        Duration::clipped(if up && !truncate { base + step } else { base }).0
    }
}
