//! Values of binary rows: fixed-width integers by the column's type, packed dates.
//!
//! A value offered for a column of text type is written as its text: a caller that declares VAR_STRING and offers an
//! integer is understood.

use crate::column::{Column, ColumnType};
use crate::command::DatetimeParts;
use crate::packet::put;
use crate::row::text;

pub(super) fn int(out: &mut Vec<u8>, kind: ColumnType, value: i64) {
    match kind {
        ColumnType::Float | ColumnType::Double => float_like(out, kind, value as f64),
        _ => integer(out, kind, value as u64).unwrap_or_else(|out| text::int(out, value)),
    }
}

pub(super) fn uint(out: &mut Vec<u8>, kind: ColumnType, value: u64) {
    match kind {
        ColumnType::Float | ColumnType::Double => float_like(out, kind, value as f64),
        _ => integer(out, kind, value).unwrap_or_else(|out| text::uint(out, value)),
    }
}

/// Two's complement of the declared width, or the buffer back when the column is no integer.
fn integer(out: &mut Vec<u8>, kind: ColumnType, bits: u64) -> Result<(), &mut Vec<u8>> {
    match kind {
        ColumnType::Tiny | ColumnType::Bool => out.push(bits as u8),
        ColumnType::Short | ColumnType::Year => out.extend_from_slice(&(bits as u16).to_le_bytes()),
        ColumnType::Long | ColumnType::Int24 => out.extend_from_slice(&(bits as u32).to_le_bytes()),
        ColumnType::LongLong => out.extend_from_slice(&bits.to_le_bytes()),
        _ => return Err(out),
    }
    Ok(())
}

fn float_like(out: &mut Vec<u8>, kind: ColumnType, value: f64) {
    if kind == ColumnType::Float {
        out.extend_from_slice(&(value as f32).to_le_bytes());
    } else {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn float(out: &mut Vec<u8>, column: &Column, value: f32) {
    match column.kind {
        ColumnType::Float | ColumnType::Double => float_like(out, column.kind, f64::from(value)),
        _ => text::float(out, value, column.decimals),
    }
}

pub(super) fn double(out: &mut Vec<u8>, column: &Column, value: f64) {
    match column.kind {
        ColumnType::Float | ColumnType::Double => float_like(out, column.kind, value),
        _ => text::double(out, value, column.decimals),
    }
}

pub(super) fn date(out: &mut Vec<u8>, kind: ColumnType, year: u16, month: u8, day: u8) {
    if !is_calendar(kind) {
        return put::short_lenenc(out, |out| text::date(out, year, month, day));
    }
    packed_datetime(out, &DatetimeParts { year, month, day, ..DatetimeParts::default() });
}

pub(super) fn datetime(out: &mut Vec<u8>, kind: ColumnType, parts: &DatetimeParts, fsp: u8) {
    if is_calendar(kind) {
        packed_datetime(out, parts);
    } else {
        put::short_lenenc(out, |out| text::datetime(out, parts, fsp));
    }
}

fn is_calendar(kind: ColumnType) -> bool {
    [ColumnType::Date, ColumnType::NewDate, ColumnType::Datetime, ColumnType::Timestamp].contains(&kind)
}

/// The shortest of 0, 4, 7 and 11 bytes that loses nothing.
fn packed_datetime(out: &mut Vec<u8>, parts: &DatetimeParts) {
    let has_time = parts.hour != 0 || parts.minute != 0 || parts.second != 0;
    let length = if parts.micro != 0 {
        11
    } else if has_time {
        7
    } else if parts.year != 0 || parts.month != 0 || parts.day != 0 {
        4
    } else {
        0
    };
    out.push(length);
    if length >= 4 {
        out.extend_from_slice(&parts.year.to_le_bytes());
        out.extend_from_slice(&[parts.month, parts.day]);
    }
    if length >= 7 {
        out.extend_from_slice(&[parts.hour, parts.minute, parts.second]);
    }
    if length == 11 {
        out.extend_from_slice(&parts.micro.to_le_bytes());
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of a clock")]
pub(super) fn time(
    out: &mut Vec<u8>,
    kind: ColumnType,
    negative: bool,
    hours: u32,
    minute: u8,
    second: u8,
    micro: u32,
    fsp: u8,
) {
    if kind != ColumnType::Time {
        return put::short_lenenc(out, |out| text::time(out, negative, hours, minute, second, micro, fsp));
    }
    let length = if micro != 0 {
        12
    } else if hours != 0 || minute != 0 || second != 0 {
        8
    } else {
        0
    };
    out.push(length);
    if length >= 8 {
        out.push(u8::from(negative));
        out.extend_from_slice(&(hours / 24).to_le_bytes());
        out.extend_from_slice(&[(hours % 24) as u8, minute, second]);
    }
    if length == 12 {
        out.extend_from_slice(&micro.to_le_bytes());
    }
}
