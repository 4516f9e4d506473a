//! A value as text, as the text protocol and string functions show it.

use std::fmt::Write;

use crate::number::{format_double, format_double_fixed, format_float};
use crate::temporal::{format_date, format_datetime, format_duration};
use crate::{FieldType, NOT_FIXED_DECIMALS, TimeZone, TypeKind, Value};

/// Appends the text of `value`; NULL appends nothing. A TIMESTAMP is shown in `zone`.
pub fn format_text(value: &Value, ty: &FieldType, out: &mut Vec<u8>, zone: TimeZone) {
    match value {
        Value::Null => {}
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::Int(v) => integer(&mut |text| write!(text, "{v}"), ty, out),
        Value::UInt(v) => unsigned(*v, ty, out),
        Value::Float(v) => with_string(out, |text| match ty.decimals {
            NOT_FIXED_DECIMALS => format_float(*v, text),
            decimals => format_double_fixed(f64::from(*v), decimals, text),
        }),
        Value::Double(v) => with_string(out, |text| {
            if ty.kind.is_real() && ty.decimals < NOT_FIXED_DECIMALS {
                format_double_fixed(*v, ty.decimals, text);
            } else {
                format_double(*v, text);
            }
        }),
        Value::Decimal(v) => with_string(out, |text| {
            let shown = if ty.kind == TypeKind::Decimal { v.round_to(ty.decimals).unwrap_or(*v) } else { *v };
            write!(text, "{shown}").expect("writing into a String cannot fail");
        }),
        Value::Datetime(v) => match ty.kind {
            TypeKind::Date => format_date(*v, out),
            TypeKind::Timestamp => format_datetime(zone.from_utc(*v), ty.fsp(), out),
            TypeKind::Datetime => format_datetime(*v, ty.fsp(), out),
            _ => format_datetime(*v, if v.parts().microsecond == 0 { 0 } else { 6 }, out),
        },
        Value::Duration(v) => format_duration(*v, ty.fsp(), out),
        Value::Json(json) => with_string(out, |text| json.write_text(text)),
    }
}

fn with_string(out: &mut Vec<u8>, write: impl FnOnce(&mut String)) {
    let mut text = String::new();
    write(&mut text);
    out.extend_from_slice(text.as_bytes());
}

fn integer(write: &mut dyn FnMut(&mut String) -> std::fmt::Result, ty: &FieldType, out: &mut Vec<u8>) {
    let mut text = String::new();
    write(&mut text).expect("writing into a String cannot fail");
    if ty.zerofill {
        let missing = (ty.length as usize).saturating_sub(text.len());
        out.extend(std::iter::repeat_n(b'0', missing));
    }
    out.extend_from_slice(text.as_bytes());
}

fn unsigned(v: u64, ty: &FieldType, out: &mut Vec<u8>) {
    match ty.kind {
        TypeKind::Enum => {
            let member = (v as usize).checked_sub(1).and_then(|at| ty.elements.get(at));
            out.extend_from_slice(member.map_or(b"".as_slice(), |m| m.as_bytes()));
        }
        TypeKind::Set => {
            let members = ty.elements.iter().enumerate().filter(|(bit, _)| *bit < 64 && v >> bit & 1 == 1);
            for (i, (_, member)) in members.enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(member.as_bytes());
            }
        }
        TypeKind::Bit => {
            let bytes = ty.length.div_ceil(8).clamp(1, 8) as usize;
            out.extend_from_slice(&v.to_be_bytes()[8 - bytes..]);
        }
        TypeKind::Year => out.extend_from_slice(format!("{v:04}").as_bytes()),
        _ => integer(&mut |text| write!(text, "{v}"), ty, out),
    }
}
