//! Text to DATE or DATETIME: MySQL's str_to_datetime (mysys/my_time.cc).
//!
//! Accepted: `2024-01-31 10:11:12.123456`, any punctuation between the parts, one- and two-digit parts,
//! `20240131101112`, `240131`, `2024-01-31T10:11:12`, a trailing zone displacement `+08:00`.

use super::{DateParts, PackedDatetime, days_in_month};
use crate::SqlMode;

/// Which special dates are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateFlags {
    pub no_zero_in_date: bool,
    pub no_zero_date: bool,
    pub allow_invalid: bool,
}

impl DateFlags {
    /// What functions accept: everything but impossible days.
    pub const FUZZY: DateFlags =
        DateFlags { no_zero_in_date: false, no_zero_date: false, allow_invalid: false };

    pub fn from_mode(mode: SqlMode) -> DateFlags {
        DateFlags {
            no_zero_in_date: mode.contains(SqlMode::NO_ZERO_IN_DATE),
            no_zero_date: mode.contains(SqlMode::NO_ZERO_DATE),
            allow_invalid: mode.contains(SqlMode::ALLOW_INVALID_DATES),
        }
    }
}

/// What was wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporalWarning {
    /// Text after the value, or no value at all.
    Truncated,
    OutOfRange,
    ZeroDate,
    ZeroInDate,
}

/// Outcome of parsing a date; `value` is `None` if the text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ParsedDatetime {
    pub value: Option<PackedDatetime>,
    pub warning: Option<TemporalWarning>,
    /// The text had a time part.
    pub has_time: bool,
    pub fractional_digits: u8,
    /// The first digit after the sixth fractional one, times 100: decides the rounding.
    pub nanoseconds: u32,
    /// Displacement from UTC in seconds, if the text named one.
    pub offset_seconds: Option<i32>,
}

/// Year, month, day, hour, minute, second, fraction.
const PARTS: usize = 7;

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    date: [u32; PARTS],
    length: [usize; PARTS],
    compact: bool,
    count: usize,
    found_delimiter: bool,
    found_space: bool,
    any_nonzero: bool,
}

/// Parses a date or date with time; `must_have_time` is how TIME columns ask for a full timestamp.
pub fn parse_datetime(text: &[u8], flags: DateFlags, must_have_time: bool) -> ParsedDatetime {
    let failed = |warning| ParsedDatetime { warning: Some(warning), ..ParsedDatetime::default() };
    let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
    if !text.get(start).is_some_and(u8::is_ascii_digit) {
        return failed(TemporalWarning::Truncated);
    }
    let mut scanner = Scanner::new(text, start);
    let compact_year = if scanner.compact { scanner.compact_year_length() } else { 4 };
    if !scanner.scan(compact_year) || (scanner.found_delimiter && !scanner.found_space && must_have_time) {
        return failed(TemporalWarning::Truncated);
    }
    scanner.finish(compact_year, flags)
}

impl<'a> Scanner<'a> {
    fn new(text: &'a [u8], start: usize) -> Self {
        let mut scanner = Scanner {
            text,
            at: start,
            date: [0; PARTS],
            length: [0; PARTS],
            compact: false,
            count: 0,
            found_delimiter: false,
            found_space: false,
            any_nonzero: false,
        };
        let run = scanner.leading_run();
        scanner.compact = matches!(text.get(start + run), None | Some(b'.'));
        scanner
    }

    fn leading_run(&self) -> usize {
        self.text[self.at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'T').count()
    }

    fn compact_year_length(&self) -> usize {
        match self.leading_run() {
            4 | 8 => 4,
            n if n >= 14 => 4,
            _ => 2,
        }
    }

    fn digit(&self) -> Option<u32> {
        self.text.get(self.at).filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0'))
    }

    /// Fills the parts; false if the text cannot be a date.
    fn scan(&mut self, year_length: usize) -> bool {
        let mut field = year_length;
        let mut part = 0;
        let mut last = self.at;
        while part < PARTS && self.digit().is_some() {
            let until_delimiter = !self.compact && part != 6;
            if !self.read_number(part, until_delimiter, field) {
                return false;
            }
            field = 2;
            last = self.at;
            if self.at == self.text.len() {
                part += 1;
                break;
            }
            if part == 2 && self.text[self.at] == b'T' {
                self.at += 1;
                part += 1;
                continue;
            }
            if part == 5 {
                if self.text[self.at] == b'.' {
                    self.at += 1;
                    last = self.at;
                    field = 6;
                } else {
                    part += 1;
                    break;
                }
                part += 1;
                continue;
            }
            while let Some(b) =
                self.text.get(self.at).filter(|b| b.is_ascii_punctuation() || b.is_ascii_whitespace())
            {
                if b.is_ascii_whitespace() {
                    // Space is allowed after the day and after the fraction only.
                    if part != 2 && part != 6 {
                        return false;
                    }
                    self.found_space = true;
                }
                if part == 6 {
                    break;
                }
                self.at += 1;
                self.found_delimiter = true;
            }
            if part < 6 {
                last = self.at;
            }
            part += 1;
        }
        self.count = part;
        self.at = last;
        true
    }

    fn read_number(&mut self, part: usize, until_delimiter: bool, field: usize) -> bool {
        let start = self.at;
        let mut value = 0u32;
        while let Some(d) = self.digit() {
            if !until_delimiter && self.at - start == field {
                break;
            }
            value = value * 10 + d;
            self.at += 1;
            if value > 999_999 {
                return false;
            }
        }
        self.date[part] = value;
        self.length[part] = self.at - start;
        self.any_nonzero |= value != 0;
        true
    }

    fn finish(mut self, compact_year: usize, flags: DateFlags) -> ParsedDatetime {
        let mut result = ParsedDatetime { has_time: self.count > 3, ..ParsedDatetime::default() };
        let year_length = if self.compact { compact_year } else { self.length[0] };
        if self.length[6] < 6 {
            self.date[6] *= 10u32.pow(6 - self.length[6] as u32);
        }
        if year_length == 2 && self.any_nonzero {
            self.date[0] += if self.date[0] < 70 { 2000 } else { 1900 };
        }
        let [year, month, day, hour, minute, second, microsecond] = self.date;
        let parts = DateParts { year, month, day, hour, minute, second, microsecond };
        if self.count < 3 || !in_field_range(&parts) {
            let garbage = self.any_nonzero || self.text[self.at..].iter().any(|b| !b.is_ascii_whitespace());
            result.warning =
                Some(if garbage { TemporalWarning::Truncated } else { TemporalWarning::ZeroDate });
            return result;
        }
        if let Some(warning) = check_date(&parts, flags) {
            result.warning = Some(warning);
            return result;
        }
        result.fractional_digits = self.length[6] as u8;
        if self.length[6] == 6
            && let Some(d) = self.digit()
        {
            result.nanoseconds = d * 100;
            while self.digit().is_some() {
                self.at += 1;
            }
        }
        if self.count > 5
            && let Some((seconds, used)) = zone_displacement(&self.text[self.at..])
        {
            result.offset_seconds = Some(seconds);
            self.at += used;
        }
        if self.text[self.at..].iter().any(|b| !b.is_ascii_whitespace()) {
            result.warning = Some(TemporalWarning::Truncated);
        }
        result.value = Some(PackedDatetime::from_parts(parts));
        result
    }
}

fn in_field_range(p: &DateParts) -> bool {
    p.year <= 9999
        && p.month <= 12
        && p.day <= 31
        && p.hour <= 23
        && p.minute <= 59
        && p.second <= 59
        && p.microsecond <= 999_999
}

/// The sql_mode rules on a date whose fields are in range.
pub fn check_date(p: &DateParts, flags: DateFlags) -> Option<TemporalWarning> {
    let zero = *p == DateParts::default();
    if zero {
        return flags.no_zero_date.then_some(TemporalWarning::ZeroDate);
    }
    if flags.no_zero_in_date && (p.month == 0 || p.day == 0) {
        return Some(TemporalWarning::ZeroInDate);
    }
    if !flags.allow_invalid && p.month > 0 && p.day > days_in_month(p.year, p.month) {
        return Some(TemporalWarning::OutOfRange);
    }
    None
}

/// `+HH:MM` at the front, within MySQL's -13:59 .. +14:00.
fn zone_displacement(text: &[u8]) -> Option<(i32, usize)> {
    let bytes = text.get(..6)?;
    let sign = match bytes[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i32::from(a - b'0') * 10 + i32::from(b - b'0'))
    };
    let (hours, minutes) = (digits(bytes[1], bytes[2])?, digits(bytes[4], bytes[5])?);
    let seconds = sign * (hours * 60 + minutes) * 60;
    let legal =
        bytes[3] == b':' && minutes < 60 && (-50_340..=50_400).contains(&seconds) && bytes != b"-00:00";
    legal.then_some((seconds, 6))
}
