//! STR_TO_DATE: extract_date_time() of item_timefunc.cc.

use rutile_sql_types::temporal::{
    DateFlags, DateParts, check_date, civil_from_days, days_from_civil, weekday,
};
use rutile_sql_types::{Duration, FieldType, MySqlError, PackedDatetime, TypeKind, Value};

use super::{MONTHS, WEEKDAYS};
use crate::call::argument::string;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[Function::new("str_to_date", 2, 2, infer, str_to_date)];

/// What a constant format describes decides the type; an unknown format is a date with time.
fn infer(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let Some(Value::Bytes(format)) = args[1].constant else {
        return Ok(FieldType::datetime(6));
    };
    let (mut date, mut time, mut fraction) = (false, false, false);
    let mut bytes = format.iter();
    while let Some(b) = bytes.next() {
        if *b != b'%' {
            continue;
        }
        match bytes.next() {
            Some(b'f') => (time, fraction) = (true, true),
            Some(b'H' | b'h' | b'I' | b'i' | b'k' | b'l' | b'p' | b'r' | b'S' | b's' | b'T') => time = true,
            Some(
                b'a' | b'b' | b'c' | b'D' | b'd' | b'e' | b'j' | b'M' | b'm' | b'U' | b'u' | b'V' | b'v'
                | b'W' | b'w' | b'X' | b'x' | b'Y' | b'y',
            ) => {
                date = true;
            }
            _ => {}
        }
    }
    let fsp = if fraction { 6 } else { 0 };
    Ok(match (date, time) {
        (true, true) => FieldType::datetime(fsp),
        (false, true) => FieldType::time(fsp),
        _ => FieldType::date(),
    })
}

fn str_to_date(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(text), Some(format)) = (string(ctx, args, call, 0), string(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let mut scan = Scan { text: text.as_bytes(), at: 0, found: Found::default() };
    let parts = scan.run(format.as_bytes()).and_then(|()| scan.found.finish());
    let flags = DateFlags::from_mode(ctx.sql_mode());
    let time_only = call.result.kind == TypeKind::Time;
    let parts = parts.filter(|p| time_only || check_date(p, flags).is_none());
    let Some(p) = parts else {
        ctx.warn(MySqlError::wrong_value_for_type("datetime", text, "str_to_date"));
        return Ok(Value::Null);
    };
    if scan.text[scan.at..].iter().any(|b| !b.is_ascii_whitespace()) {
        ctx.warn(MySqlError::truncated_wrong_value(kind_name(call.result.kind), &text));
    }
    Ok(match call.result.kind {
        TypeKind::Time => {
            let hours = p.day * 24 + p.hour;
            Value::Duration(Duration::from_parts(false, hours, p.minute, p.second, p.microsecond))
        }
        TypeKind::Date => Value::Datetime(PackedDatetime::date(p.year, p.month, p.day)),
        _ => Value::Datetime(PackedDatetime::from_parts(p)),
    })
}

fn kind_name(kind: TypeKind) -> &'static str {
    match kind {
        TypeKind::Time => "time",
        TypeKind::Date => "date",
        _ => "datetime",
    }
}

/// Position in the text and what was read so far.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    found: Found,
}

#[derive(Default)]
struct Found {
    parts: DateParts,
    day_of_year: u32,
    weekday: u32,
    week: Option<u32>,
    sunday_first: bool,
    /// %V, %v: weeks of the year %X, %x says.
    strict_week: bool,
    week_year: Option<u32>,
    twelve_hours: bool,
    afternoon: Option<bool>,
}

impl Scan<'_> {
    fn spaces(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// At most `most` digits, at least one.
    fn digits(&mut self, most: usize) -> Option<(u32, usize)> {
        let run = self.text[self.at..].iter().take(most).take_while(|b| b.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&self.text[self.at..self.at + run]).ok()?;
        self.at += run;
        digits.parse().ok().map(|number| (number, run))
    }

    fn number(&mut self, most: usize) -> Option<u32> {
        self.digits(most).map(|(number, _)| number)
    }

    /// Position in `names`, compared over their first `length` letters or all.
    fn name(&mut self, names: &[&str], length: Option<usize>) -> Option<u32> {
        let rest = &self.text[self.at..];
        let position = names.iter().position(|name| {
            let name = &name.as_bytes()[..length.unwrap_or(name.len())];
            rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })?;
        self.at += length.unwrap_or(names[position].len());
        Some(position as u32)
    }

    fn run(&mut self, format: &[u8]) -> Option<()> {
        let mut at = 0;
        while at < format.len() {
            self.spaces();
            if self.at >= self.text.len() {
                break;
            }
            match (format[at], format.get(at + 1)) {
                (b'%', Some(specifier)) => {
                    self.specifier(*specifier)?;
                    at += 1;
                }
                (b, _) if b.is_ascii_whitespace() => {}
                (b, _) => {
                    if self.text[self.at] != b {
                        return None;
                    }
                    self.at += 1;
                }
            }
            at += 1;
        }
        Some(())
    }

    fn specifier(&mut self, specifier: u8) -> Option<()> {
        match specifier {
            b'Y' => {
                let (year, digits) = self.digits(4)?;
                self.found.parts.year = if digits == 2 { century(year) } else { year };
            }
            b'y' => self.found.parts.year = century(self.number(2)?),
            b'm' | b'c' => self.found.parts.month = self.number(2)?,
            b'M' => self.found.parts.month = self.name(&MONTHS, None)? + 1,
            b'b' => self.found.parts.month = self.name(&MONTHS, Some(3))? + 1,
            b'd' | b'e' => self.found.parts.day = self.number(2)?,
            b'D' => {
                self.found.parts.day = self.number(2)?;
                // The ending (st, nd, ...) is skipped unread.
                self.at = (self.at + 2).min(self.text.len());
            }
            b'h' | b'I' | b'l' => {
                self.found.twelve_hours = true;
                self.found.parts.hour = self.number(2)?;
            }
            b'H' | b'k' => self.found.parts.hour = self.number(2)?,
            b'i' => self.found.parts.minute = self.number(2)?,
            b's' | b'S' => self.found.parts.second = self.number(2)?,
            b'f' => {
                let (fraction, digits) = self.digits(6)?;
                self.found.parts.microsecond = fraction * 10u32.pow(6 - digits as u32);
            }
            b'p' => self.found.afternoon = Some(self.name(&["AM", "PM"], None)? == 1),
            b'W' => self.found.weekday = self.name(&WEEKDAYS, None)? + 1,
            b'a' => self.found.weekday = self.name(&WEEKDAYS, Some(3))? + 1,
            b'w' => {
                self.found.weekday = self.number(1).filter(|d| *d < 7).map(|d| if d == 0 { 7 } else { d })?
            }
            b'j' => self.found.day_of_year = self.number(3)?,
            b'U' | b'u' | b'V' | b'v' => {
                self.found.sunday_first = matches!(specifier, b'U' | b'V');
                self.found.strict_week = matches!(specifier, b'V' | b'v');
                self.found.week = Some(self.number(2).filter(|w| *w <= 53)?);
            }
            b'X' | b'x' => self.found.week_year = Some(self.number(4)?),
            b'r' => self.run(b"%I:%i:%S %p")?,
            b'T' => self.run(b"%H:%i:%S")?,
            b'%' => {
                if self.text[self.at] != b'%' {
                    return None;
                }
                self.at += 1;
            }
            _ => return None,
        }
        Some(())
    }
}

fn century(year: u32) -> u32 {
    year + if year < 70 { 2000 } else { 1900 }
}

impl Found {
    fn finish(&self) -> Option<DateParts> {
        let mut p = self.parts;
        if self.twelve_hours {
            if !(1..=12).contains(&p.hour) {
                return None;
            }
            p.hour = p.hour % 12 + if self.afternoon == Some(true) { 12 } else { 0 };
        }
        if self.day_of_year > 0 {
            let days = days_from_civil(p.year, 1, 1) + i64::from(self.day_of_year) - 1;
            self.set_day(&mut p, days)?;
        }
        if let (Some(week), 1..) = (self.week, self.weekday) {
            let days = self.day_of_week(week, p.year)?;
            self.set_day(&mut p, days)?;
        }
        let legal = p.month <= 12 && p.day <= 31 && p.hour <= 23 && p.minute <= 59 && p.second <= 59;
        legal.then_some(p)
    }

    fn set_day(&self, p: &mut DateParts, days: i64) -> Option<()> {
        (p.year, p.month, p.day) = civil_from_days(days)?;
        Some(())
    }

    /// Day number of a weekday in a week; the week and the year must be of the same kind (%V with %X).
    fn day_of_week(&self, week: u32, year: u32) -> Option<i64> {
        if self.strict_week != self.week_year.is_some() {
            return None;
        }
        let year = self.week_year.unwrap_or(year);
        let first = days_from_civil(year, 1, 1);
        let first_weekday = i64::from(weekday(first, self.sunday_first));
        let week = i64::from(week) - 1;
        Some(if self.sunday_first {
            let shift = if first_weekday == 0 { 0 } else { 7 };
            first + shift - first_weekday + week * 7 + i64::from(self.weekday % 7)
        } else {
            let shift = if first_weekday <= 3 { 0 } else { 7 };
            first + shift - first_weekday + week * 7 + i64::from(self.weekday) - 1
        })
    }
}
