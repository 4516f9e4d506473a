//! Assignment to text, binary, ENUM, SET and JSON columns.

use bytes::Bytes;

use crate::{Charset, FieldType, Json, Level, MySqlError, TypeKind, Value};

use super::store::Target;
use super::{ConvertContext, to_bytes, to_decimal, to_json};

pub(super) fn text(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let mut bytes = to_bytes(value, from, ctx).unwrap_or_default();
    let charset = target.ty.collation.charset();
    let valid = charset.valid_prefix(&bytes);
    if valid < bytes.len() {
        let error = MySqlError::incorrect_value("string", escape(&bytes[valid..]), target.name, ctx.row);
        let kept = replace_foreign(&bytes, charset, valid);
        bytes = ctx.complain(error, kept)?;
    }
    let limit = limit_of(target.ty, &bytes);
    if limit < bytes.len() {
        let only_spaces = charset != Charset::Binary && bytes[limit..].iter().all(|b| *b == b' ');
        if only_spaces {
            // Cutting spaces off is a note, for CHAR not even that.
            if target.ty.kind != TypeKind::Char {
                ctx.warnings.push(MySqlError::data_truncated(target.name, ctx.row).into_warning(Level::Note));
            }
        } else if ctx.is_strict() {
            return Err(MySqlError::data_too_long(target.name, ctx.row));
        } else {
            ctx.warn(MySqlError::data_truncated(target.name, ctx.row));
        }
        bytes = bytes.slice(..limit);
    }
    Ok(Value::Bytes(match target.ty.kind {
        // CHAR is stored without trailing spaces; BINARY is padded with zero bytes.
        TypeKind::Char => {
            let end = bytes.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
            bytes.slice(..end)
        }
        TypeKind::Binary if bytes.len() < target.ty.length as usize => {
            let mut padded = bytes.to_vec();
            padded.resize(target.ty.length as usize, 0);
            padded.into()
        }
        _ => bytes,
    }))
}

/// Bytes of `text` that fit the column.
fn limit_of(ty: &FieldType, text: &[u8]) -> usize {
    let charset = ty.collation.charset();
    if !ty.kind.is_lob() {
        return charset.offset_of(text, ty.length as usize);
    }
    let max = ty.kind.lob_max_bytes().unwrap_or(u32::MAX) as usize;
    if text.len() <= max {
        return text.len();
    }
    // Do not cut a character in two.
    (max.saturating_sub(3)..=max)
        .rev()
        .find(|at| charset == Charset::Binary || text[*at] & 0xC0 != 0x80)
        .unwrap_or(max)
}

/// `\xFF\xFE...`: MySQL shows at most six bytes.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for b in bytes.iter().take(6) {
        match b {
            0x20..=0x7E => out.push(char::from(*b)),
            _ => out.push_str(&format!("\\x{b:02X}")),
        }
    }
    if bytes.len() > 6 {
        out.push_str("...");
    }
    out
}

/// Characters the column's character set lacks become `?`; bytes that are no text end the value.
fn replace_foreign(bytes: &Bytes, charset: Charset, valid: usize) -> Bytes {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let lacks = |c: char| charset.valid_prefix(c.encode_utf8(&mut [0; 4]).as_bytes()) == 0;
            text.chars().map(|c| if lacks(c) { '?' } else { c }).collect::<String>().into()
        }
        Err(_) => bytes.slice(..valid),
    }
}

/// The member number of a text, by the column's collation; trailing spaces do not count.
fn member(ty: &FieldType, text: &[u8]) -> Option<usize> {
    let end = text.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
    ty.elements.iter().position(|e| ty.collation.equal(e.as_bytes(), &text[..end]))
}

pub(super) fn enumeration(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let count = target.ty.elements.len() as u64;
    let as_text = matches!(value, Value::Bytes(_) | Value::Json(_))
        || matches!(from.kind, TypeKind::Enum | TypeKind::Set);
    let index = if as_text {
        let text = to_bytes(value, from, ctx).unwrap_or_default();
        if text.is_empty() && matches!((value, from.kind), (Value::UInt(0), TypeKind::Enum)) {
            return Ok(Value::UInt(0));
        }
        let number = || {
            std::str::from_utf8(&text)
                .ok()
                .and_then(|t| t.parse::<u64>().ok())
                .filter(|n| (1..=count).contains(n))
        };
        member(target.ty, &text).map(|at| at as u64 + 1).or_else(number)
    } else {
        to_decimal(value, from, ctx).and_then(|d| d.to_u64()).filter(|n| (1..=count).contains(n))
    };
    match index {
        Some(index) => Ok(Value::UInt(index)),
        None => ctx.complain(MySqlError::data_truncated(target.name, ctx.row), Value::UInt(0)),
    }
}

pub(super) fn set(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let count = target.ty.elements.len() as u32;
    let all = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    let as_text = matches!(value, Value::Bytes(_) | Value::Json(_))
        || matches!(from.kind, TypeKind::Enum | TypeKind::Set);
    let (mask, complete) = if as_text {
        let text = to_bytes(value, from, ctx).unwrap_or_default();
        let (mut mask, mut complete) = (0u64, true);
        for part in text.split(|b| *b == b',').filter(|p| !text.is_empty() || !p.is_empty()) {
            match member(target.ty, part) {
                Some(bit) => mask |= 1 << bit,
                None => complete = false,
            }
        }
        let number = std::str::from_utf8(&text).ok().and_then(|t| t.parse::<u64>().ok());
        match number {
            Some(n) if !complete && mask == 0 => (n & all, n & !all == 0),
            _ => (mask, complete),
        }
    } else {
        let n = match value {
            Value::Int(v) => *v as u64,
            Value::UInt(v) => *v,
            _ => to_decimal(value, from, ctx).and_then(|d| d.to_u64()).unwrap_or(0),
        };
        (n & all, n & !all == 0)
    };
    if complete {
        Ok(Value::UInt(mask))
    } else {
        ctx.complain(MySqlError::data_truncated(target.name, ctx.row), Value::UInt(mask))
    }
}

/// Invalid JSON text is an error in every sql_mode.
pub(super) fn json(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(_) if from.collation.is_binary() => Err(MySqlError::invalid_json_charset("binary")),
        Value::Bytes(text) => match Json::parse(text) {
            Ok(json) => Ok(Value::Json(json)),
            Err(e) if e.too_deep => Err(MySqlError::json_document_too_deep()),
            Err(e) => Err(MySqlError::invalid_json_text(e.reason, e.position, target.name)),
        },
        _ => Ok(Value::Json(to_json(value, from, ctx)?)),
    }
}
