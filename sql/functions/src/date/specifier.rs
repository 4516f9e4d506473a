//! Writing a date by a format: make_date_time() of item_timefunc.cc.

use std::fmt::Write;

use rutile_sql_types::temporal::{DateParts, WeekMode, week_of_year};
use rutile_sql_types::{Duration, PackedDatetime};

use super::part::{day_of_year, month_name, weekday_name, weekday_number};

/// What is formatted: a date with time, or a TIME, which has no day and any number of hours.
pub(super) struct Subject {
    date: Option<PackedDatetime>,
    negative: bool,
    parts: DateParts,
}

impl Subject {
    pub(super) fn of_date(at: PackedDatetime) -> Subject {
        Subject { date: Some(at), negative: false, parts: at.parts() }
    }

    pub(super) fn of_time(at: Duration) -> Subject {
        let (negative, hour, minute, second, microsecond) = at.parts();
        Subject {
            date: None,
            negative,
            parts: DateParts { hour, minute, second, microsecond, ..DateParts::default() },
        }
    }

    /// `None` if a specifier asks for what the value has not.
    pub(super) fn write(&self, format: &str) -> Option<String> {
        let mut out = String::new();
        if self.negative {
            out.push('-');
        }
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match (c, if c == '%' { chars.next() } else { None }) {
                ('%', Some(specifier)) => self.specifier(specifier, &mut out)?,
                (c, _) => out.push(c),
            }
        }
        Some(out)
    }

    fn specifier(&self, specifier: char, out: &mut String) -> Option<()> {
        let p = &self.parts;
        let twelve = (p.hour % 24 + 11) % 12 + 1;
        let half = if p.hour % 24 < 12 { "AM" } else { "PM" };
        match specifier {
            'M' => out.push_str(month_name(p.month)?),
            'b' => out.push_str(&month_name(p.month)?[..3]),
            'W' => out.push_str(weekday_name(self.day()?)),
            'a' => out.push_str(&weekday_name(self.day()?)[..3]),
            'D' => {
                self.date?;
                write!(out, "{}{}", p.day, ordinal(p.day)).ok()?;
            }
            'Y' => write!(out, "{:04}", p.year).ok()?,
            'y' => write!(out, "{:02}", p.year % 100).ok()?,
            'm' => write!(out, "{:02}", p.month).ok()?,
            'c' => write!(out, "{}", p.month).ok()?,
            'd' => write!(out, "{:02}", p.day).ok()?,
            'e' => write!(out, "{}", p.day).ok()?,
            'f' => write!(out, "{:06}", p.microsecond).ok()?,
            'H' => write!(out, "{:02}", p.hour).ok()?,
            'h' | 'I' => write!(out, "{twelve:02}").ok()?,
            'i' => write!(out, "{:02}", p.minute).ok()?,
            'j' => write!(out, "{:03}", day_of_year(self.day()?)).ok()?,
            'k' => write!(out, "{}", p.hour).ok()?,
            'l' => write!(out, "{twelve}").ok()?,
            'p' => out.push_str(half),
            'r' => write!(out, "{twelve:02}:{:02}:{:02} {half}", p.minute, p.second).ok()?,
            'S' | 's' => write!(out, "{:02}", p.second).ok()?,
            'T' => write!(out, "{:02}:{:02}:{:02}", p.hour, p.minute, p.second).ok()?,
            'U' | 'u' | 'V' | 'v' | 'X' | 'x' => self.week(specifier, out)?,
            'w' => write!(out, "{}", weekday_number(self.day()?)).ok()?,
            other => out.push(other),
        }
        Some(())
    }

    /// The date if it is one at all.
    fn day(&self) -> Option<PackedDatetime> {
        self.date.filter(|d| d.month() != 0 || d.year() != 0)
    }

    fn week(&self, specifier: char, out: &mut String) -> Option<()> {
        let date = self.date?;
        let mode = match specifier {
            'U' => 0,
            'u' => 1,
            'V' | 'X' => 2,
            _ => 3,
        };
        let (week, year) = week_of_year(date.year(), date.month(), date.day(), WeekMode::from_mode(mode));
        if matches!(specifier, 'X' | 'x') { write!(out, "{year:04}") } else { write!(out, "{week:02}") }.ok()
    }
}

/// The English ending of an ordinal number.
fn ordinal(day: u32) -> &'static str {
    match day {
        10..=19 => "th",
        _ => match day % 10 {
            1 => "st",
            2 => "nd",
            3 => "rd",
            _ => "th",
        },
    }
}
