//! HEX, UNHEX, BIN, OCT, CONV and CHAR.

use rutile_sql_types::number::parse_double_prefix;
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::length::encoded;
use crate::call::argument::{charset, decimal, int, text};
use crate::call::infer::{connection_text, display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};
use crate::numeric::literal;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("hex", 1, 1, infer_hex, hex),
    Function::new("unhex", 1, 1, infer_unhex, unhex),
    Function::new("bin", 1, 1, infer_digits, |c, a, i| in_base(c, a, i, 2)),
    Function::new("oct", 1, 1, infer_digits, |c, a, i| in_base(c, a, i, 8)),
    Function::new("conv", 3, 3, infer_digits, conv),
    Function::new("char", 1, usize::MAX, infer_char, char),
];

/// 64 binary digits and a sign.
const MOST_DIGITS: u32 = 65;

/// Most bytes the text form of a type takes.
pub(super) fn byte_length(ty: &FieldType) -> u32 {
    let per_character = if ty.is_string_like() { ty.collation.charset().max_len() } else { 1 };
    display_length(ty).saturating_mul(per_character)
}

fn infer_hex(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = args[0].ty;
    let length = match ty.is_string_like() {
        true => byte_length(ty).saturating_mul(2),
        false => 16,
    };
    Ok(sized_text(length, ctx.connection_collation))
}

/// A number in base 16, a text byte by byte.
fn hex(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if let Some(number) = whole_bits(ctx, args, call) {
        return Ok(format!("{number:X}").into());
    }
    Ok(text(ctx, args, call, 0).map(|t| hex_digits(&encoded(charset(call, 0), &t)).into()).into())
}

pub(super) fn hex_digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

/// A number as its 64 bits; `None` for text, dates and NULL.
fn whole_bits(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Option<u64> {
    match &args[0] {
        Value::Int(v) => Some(*v as u64),
        Value::UInt(v) if !call.args[0].is_string_like() => Some(*v),
        Value::Decimal(_) | Value::Double(_) | Value::Float(_) => {
            let whole = decimal(ctx, args, call, 0)?;
            Some(match (whole.to_i64(), whole.to_u64()) {
                (Some(v), _) => v as u64,
                (_, Some(v)) => v,
                // Beyond 64 bits all of them are set.
                _ => u64::MAX,
            })
        }
        _ => None,
    }
}

fn infer_unhex(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(sized_text(byte_length(args[0].ty).div_ceil(2), Collation::BINARY))
}

fn unhex(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(digits) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let values: Option<Vec<u8>> =
        digits.iter().map(|b| char::from(*b).to_digit(16).map(|d| d as u8)).collect();
    let Some(mut values) = values else {
        ctx.warn(MySqlError::wrong_value_for_type("string", literal(&args[0], &call.args[0]), "unhex"));
        return Ok(Value::Null);
    };
    if values.len() % 2 == 1 {
        values.insert(0, 0);
    }
    Ok(values.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>().into())
}

fn infer_digits(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(connection_text(ctx, args, MOST_DIGITS)?.with_nullable())
}

fn in_base(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, base: u32) -> Result<Value, MySqlError> {
    if args[0].is_null() {
        return Ok(Value::Null);
    }
    let number = match whole_bits(ctx, args, call) {
        // Fractions are cut, not rounded, as the number is read as text.
        Some(number) if matches!(args[0], Value::Int(_) | Value::UInt(_)) => number,
        _ => match text(ctx, args, call, 0) {
            Some(digits) if !digits.is_empty() => parse(&digits, 10, false).0,
            _ => return Ok(Value::Null),
        },
    };
    Ok(digits(number.into(), base).into())
}

fn digits(mut number: u128, base: u32) -> String {
    let mut out = Vec::new();
    loop {
        let digit = (number % u128::from(base)) as u32;
        out.push(char::from_digit(digit, base).map_or('0', |c| c.to_ascii_uppercase()));
        number /= u128::from(base);
        if number == 0 {
            break;
        }
    }
    out.iter().rev().collect()
}

/// The leading digits as 64 bits, and whether that is all of a number: there are digits, and they fit.
fn parse(text: &[u8], base: u32, signed: bool) -> (u64, bool) {
    let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
    let (negative, rest) = match text.get(start) {
        Some(b'-') => (true, &text[start + 1..]),
        Some(b'+') => (false, &text[start + 1..]),
        _ => (false, &text[start..]),
    };
    let mut number: u128 = 0;
    let mut any = false;
    for digit in rest.iter().map_while(|b| char::from(*b).to_digit(base)) {
        number = (number * u128::from(base) + u128::from(digit)).min(1 << 64);
        any = true;
    }
    let limit = match (signed, negative) {
        (false, _) => u128::from(u64::MAX),
        (true, false) => i64::MAX as u128,
        (true, true) => 1 << 63,
    };
    let kept = number.min(limit) as u64;
    // strtoull(): an overflow stays the largest number, whatever its sign.
    let negated = negative && (signed || number <= limit);
    (if negated { kept.wrapping_neg() } else { kept }, any && number <= limit)
}

/// Negative bases mean signed numbers.
fn conv(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(from), Some(to)) = (int(ctx, args, call, 1), int(ctx, args, call, 2)) else {
        return Ok(Value::Null);
    };
    let Some(number) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let legal = |base: i64| (2..=36).contains(&base.unsigned_abs());
    if !legal(from) || !legal(to) || number.is_empty() {
        return Ok(Value::Null);
    }
    let (bits, whole) = parse(&number, from.unsigned_abs() as u32, from < 0);
    if !whole {
        ctx.warn(MySqlError::truncated_wrong_value("DECIMAL", String::from_utf8_lossy(&number)));
    }
    let (sign, magnitude) =
        if to < 0 && (bits as i64) < 0 { ("-", (bits as i64).unsigned_abs()) } else { ("", bits) };
    Ok(format!("{sign}{}", digits(magnitude.into(), to.unsigned_abs() as u32)).into())
}

fn infer_char(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::varbinary(args.len() as u32 * 4))
}

/// The bytes of each number without leading zeros; NULLs are skipped.
fn char(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mut out = Vec::new();
    for i in 0..args.len() {
        let number = match &args[i] {
            Value::Null => continue,
            Value::UInt(v) => *v as u32,
            Value::Bytes(text) => parse_double_prefix(text).value.round_ties_even() as i64 as u32,
            _ => int(ctx, args, call, i).unwrap_or(0) as u32,
        };
        let bytes = number.to_be_bytes();
        let skipped = (number.leading_zeros() / 8).min(3) as usize;
        out.extend_from_slice(&bytes[skipped..]);
    }
    Ok(out.into())
}
