//! One SQL value into one cell of a row.

use std::io::Write as _;

use rutile_server_wire::{Error, Result, Row, RowFormat};
use rutile_sql_types::{Duration, FieldType, Json, PackedDatetime, TimeZone, TypeKind, Value};

/// Writes a value of type `ty`. TIMESTAMPs are UTC in a value and local on the wire.
pub(crate) fn write(row: &mut Row<'_>, value: &Value, ty: &FieldType, zone: TimeZone) -> Result<()> {
    match value {
        Value::Null => row.null(),
        Value::Int(value) => int(row, *value, ty),
        Value::UInt(value) => uint(row, *value, ty),
        Value::Float(value) => row.float(*value),
        Value::Double(value) => row.double(*value),
        Value::Decimal(value) => {
            row.formatted(|out| write!(out, "{value}").expect("memory takes every byte"))
        }
        Value::Bytes(value) => row.bytes(value),
        Value::Datetime(value) => datetime(row, *value, ty, zone),
        Value::Duration(value) => duration(row, *value, ty),
        Value::Json(value) => json(row, value),
    }
    Ok(())
}

pub(crate) fn int(row: &mut Row<'_>, value: i64, ty: &FieldType) {
    if ty.zerofill && row.format() == RowFormat::Text {
        return zerofilled(row, value.unsigned_abs(), ty.length);
    }
    row.int(value);
}

/// Unsigned integers, and what is stored as one: YEAR, BIT, ENUM, SET.
pub(crate) fn uint(row: &mut Row<'_>, value: u64, ty: &FieldType) {
    match ty.kind {
        TypeKind::Bit => {
            let width = (ty.length.clamp(1, 64) as usize).div_ceil(8);
            row.bytes(&value.to_be_bytes()[8 - width..]);
        }
        TypeKind::Enum => row.bytes(enum_member(value, ty)),
        TypeKind::Set => row.formatted(|out| set_members(out, value, ty)),
        _ if (ty.zerofill || ty.kind == TypeKind::Year) && row.format() == RowFormat::Text => {
            zerofilled(row, value, ty.length);
        }
        _ => row.uint(value),
    }
}

fn zerofilled(row: &mut Row<'_>, value: u64, width: u32) {
    let width = width as usize;
    row.formatted(|out| write!(out, "{value:0width$}").expect("memory takes every byte"));
}

/// Index 0 is the error value, which reads as an empty string.
fn enum_member(index: u64, ty: &FieldType) -> &[u8] {
    let at = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
    at.and_then(|at| ty.elements.get(at)).map_or(b"", |member| member.as_bytes())
}

fn set_members(out: &mut Vec<u8>, mask: u64, ty: &FieldType) {
    let chosen = ty.elements.iter().enumerate().filter(|(bit, _)| *bit < 64 && mask >> bit & 1 == 1);
    for (position, (_, member)) in chosen.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(member.as_bytes());
    }
}

pub(crate) fn datetime(row: &mut Row<'_>, value: PackedDatetime, ty: &FieldType, zone: TimeZone) {
    let local = if ty.kind == TypeKind::Timestamp { zone.from_utc(value) } else { value };
    let p = local.parts();
    // A packed date holds no field beyond these widths.
    let (year, month, day) = (p.year as u16, p.month as u8, p.day as u8);
    if ty.kind == TypeKind::Date {
        return row.date(year, month, day);
    }
    row.datetime(year, month, day, p.hour as u8, p.minute as u8, p.second as u8, p.microsecond, ty.fsp());
}

pub(crate) fn duration(row: &mut Row<'_>, value: Duration, ty: &FieldType) {
    let (negative, hours, minutes, seconds, micros) = value.parts();
    row.time(negative, hours, minutes as u8, seconds as u8, micros, ty.fsp());
}

fn json(row: &mut Row<'_>, value: &Json) {
    let mut text = String::new();
    value.write_text(&mut text);
    row.bytes(text.as_bytes());
}

/// JSON in its stored form.
pub(crate) fn binary_json(row: &mut Row<'_>, stored: &[u8]) -> Result<()> {
    let value = Json::from_binary(stored).map_err(|_| Error::Internal("stored JSON does not decode"))?;
    json(row, &value);
    Ok(())
}
