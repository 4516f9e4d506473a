//! Text to TIME: MySQL's str_to_time (mysys/my_time.cc).
//!
//! Accepted: `[-][D ]HH:MM[:SS[.ffffff]]`, `HHMMSS`, `SS`, and a full timestamp, whose time part counts.

use super::parse::TemporalWarning;
use super::{DateFlags, Duration, parse_datetime};

/// Outcome of parsing a TIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ParsedTime {
    pub value: Option<Duration>,
    pub warning: Option<TemporalWarning>,
    pub fractional_digits: u8,
    pub nanoseconds: u32,
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn number(&mut self) -> u64 {
        let mut value = 0u64;
        while let Some(d) = self.peek(0).filter(u8::is_ascii_digit) {
            value = value.saturating_mul(10).saturating_add(u64::from(d - b'0'));
            self.at += 1;
        }
        value
    }

    fn skip_spaces(&mut self) {
        while self.peek(0).is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }
}

/// Parses a TIME; values beyond ±838:59:59 are clipped with `OutOfRange`.
pub fn parse_time(text: &[u8]) -> ParsedTime {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_spaces();
    let negative = cursor.peek(0) == Some(b'-');
    cursor.at += usize::from(negative);
    let failed = ParsedTime { warning: Some(TemporalWarning::Truncated), ..ParsedTime::default() };
    if cursor.at >= text.len() {
        return failed;
    }
    if text.len() - cursor.at >= 12 {
        let full = parse_datetime(&text[cursor.at..], DateFlags::FUZZY, true);
        if let Some(value) = full.value.filter(|_| full.has_time) {
            return ParsedTime {
                value: Some(Duration::from_micros(if negative {
                    -value.time_micros()
                } else {
                    value.time_micros()
                })),
                warning: full.warning,
                fractional_digits: full.fractional_digits,
                nanoseconds: full.nanoseconds,
            };
        }
    }
    match clock_fields(&mut cursor) {
        Some(fields) => finish(cursor, negative, fields).unwrap_or(failed),
        None => failed,
    }
}

/// Days, hours, minutes, seconds.
fn clock_fields(cursor: &mut Cursor<'_>) -> Option<[u64; 4]> {
    if !cursor.peek(0)?.is_ascii_digit() && cursor.peek(0)? != b'.' {
        return None;
    }
    let first = cursor.number();
    let end_of_days = cursor.at;
    cursor.skip_spaces();
    let spaced = cursor.at != end_of_days;
    let remaining = cursor.text.len() - cursor.at;
    let mut fields = [0; 4];
    let mut state;
    if remaining > 1 && spaced && cursor.peek(0).is_some_and(|b| b.is_ascii_digit()) {
        fields[0] = first;
        state = 1;
    } else if remaining > 1
        && cursor.peek(0) == Some(b':')
        && cursor.peek(1).is_some_and(|b| b.is_ascii_digit())
    {
        fields[1] = first;
        state = 2;
        cursor.at += 1;
    } else {
        if !spaced {
            cursor.at = end_of_days;
        }
        return Some([0, first / 10_000, first / 100 % 100, first % 100]);
    }
    loop {
        fields[state] = cursor.number();
        state += 1;
        if state == 4 || cursor.peek(0) != Some(b':') || !cursor.peek(1).is_some_and(|b| b.is_ascii_digit()) {
            return Some(fields);
        }
        cursor.at += 1;
    }
}

fn finish(
    mut cursor: Cursor<'_>,
    negative: bool,
    [days, hours, minutes, seconds]: [u64; 4],
) -> Option<ParsedTime> {
    let mut result = ParsedTime::default();
    let mut micros = 0;
    if cursor.peek(0) == Some(b'.') {
        cursor.at += 1;
        let mut digits = 0;
        while let Some(d) = cursor.peek(0).filter(u8::is_ascii_digit) {
            if digits < 6 {
                micros = micros * 10 + i64::from(d - b'0');
            } else if digits == 6 {
                result.nanoseconds = u32::from(d - b'0') * 100;
            }
            digits += 1;
            cursor.at += 1;
        }
        micros *= 10i64.pow(6 - digits.min(6));
        result.fractional_digits = digits.min(6) as u8;
    }
    if matches!(cursor.peek(0), Some(b'e' | b'E'))
        && cursor.peek(1).is_some_and(|b| b.is_ascii_digit() || b == b'-' || b == b'+')
    {
        return None;
    }
    if minutes > 59 || seconds > 59 {
        return Some(ParsedTime { warning: Some(TemporalWarning::OutOfRange), ..ParsedTime::default() });
    }
    let hours = days.saturating_mul(24).saturating_add(hours).min(1_000_000);
    let total = ((hours * 60 + minutes) * 60 + seconds) as i64 * 1_000_000 + micros;
    let (value, clipped) = Duration::clipped(if negative { -total } else { total });
    result.value = Some(value);
    if clipped {
        result.warning = Some(TemporalWarning::OutOfRange);
    } else if cursor.text[cursor.at..].iter().any(|b| !b.is_ascii_whitespace()) {
        result.warning = Some(TemporalWarning::Truncated);
    }
    Some(result)
}
