//! Memcomparable datums: values in keys, in an order that `memcmp` sees.
//!
//! Each datum is a flag byte and a payload; flags order NULL below everything. A string is stored as
//! the key of its collation, so two strings that MySQL calls equal are one key; the string itself is
//! then only in the row.

use rutile_kv_types::codec as kv_codec;
use rutile_sql_types::{Duration, FieldType, PackedDatetime, TypeKind, Value};

use super::decimal;
use super::error::{CodecError, Result};

pub const NULL_FLAG: u8 = 0;
pub const BYTES_FLAG: u8 = 1;
pub const INT_FLAG: u8 = 3;
pub const UINT_FLAG: u8 = 4;
pub const FLOAT_FLAG: u8 = 5;
pub const DECIMAL_FLAG: u8 = 6;
pub const DURATION_FLAG: u8 = 7;
/// Above every datum: ends a range that starts at a prefix of datums.
pub const MAX_FLAG: u8 = 250;

const SIGN_BIT: u64 = 1 << 63;
/// The published format counts durations in nanoseconds, values here in microseconds.
const NANOS_PER_MICRO: i64 = 1000;

/// Appends one datum.
pub fn append(out: &mut Vec<u8>, value: &Value, ty: &FieldType) -> Result<()> {
    append_prefix(out, value, ty, None)
}

/// Appends one datum of an index column; a prefix length cuts strings to that many characters
/// (bytes for binary strings) before the collation key is taken.
pub fn append_prefix(out: &mut Vec<u8>, value: &Value, ty: &FieldType, prefix: Option<u32>) -> Result<()> {
    match value {
        Value::Null => out.push(NULL_FLAG),
        Value::Int(v) => {
            out.push(INT_FLAG);
            append_i64(out, *v);
        }
        Value::UInt(v) => {
            out.push(UINT_FLAG);
            out.extend_from_slice(&v.to_be_bytes());
        }
        Value::Float(v) => append_f64(out, f64::from(*v)),
        Value::Double(v) => append_f64(out, *v),
        Value::Decimal(v) => {
            out.push(DECIMAL_FLAG);
            decimal::append(out, v, decimal::precision_of(v, ty), decimal::scale_of(v, ty))?;
        }
        Value::Bytes(bytes) => {
            out.push(BYTES_FLAG);
            append_string(out, bytes, ty, prefix);
        }
        Value::Datetime(v) => {
            out.push(UINT_FLAG);
            out.extend_from_slice(&packed_to_u64(*v).to_be_bytes());
        }
        Value::Duration(v) => {
            out.push(DURATION_FLAG);
            append_i64(out, v.micros().saturating_mul(NANOS_PER_MICRO));
        }
        Value::Json(_) => return Err(CodecError::NotKeyable { what: "a JSON value" }),
    }
    Ok(())
}

fn append_string(out: &mut Vec<u8>, bytes: &[u8], ty: &FieldType, prefix: Option<u32>) {
    let cut = match prefix {
        Some(length) => string_prefix(bytes, ty, length),
        None => bytes,
    };
    if ty.collation.is_binary() {
        kv_codec::encode_bytes(out, cut);
        return;
    }
    let mut key = Vec::with_capacity(cut.len() * 2);
    ty.collation.key(cut, &mut key);
    kv_codec::encode_bytes(out, &key);
}

/// The first `length` characters, or bytes of a binary string.
pub fn string_prefix<'a>(bytes: &'a [u8], ty: &FieldType, length: u32) -> &'a [u8] {
    let end = ty.collation.charset().offset_of(bytes, length as usize);
    bytes.get(..end).unwrap_or(bytes)
}

/// Reads one datum. A string of a non-binary collation cannot come back from its key.
pub fn decode(input: &mut &[u8], ty: &FieldType) -> Result<Value> {
    let flag = take_flag(input)?;
    Ok(match flag {
        NULL_FLAG => Value::Null,
        INT_FLAG => Value::Int(decode_i64(input)?),
        UINT_FLAG => {
            let bits = decode_u64(input)?;
            match ty.kind {
                TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp => {
                    Value::Datetime(packed_from_u64(bits))
                }
                _ => Value::UInt(bits),
            }
        }
        FLOAT_FLAG => {
            let float = f64_from_memcomparable(decode_u64(input)?);
            match ty.kind {
                #[expect(clippy::cast_possible_truncation, reason = "the value was an f32 when written")]
                TypeKind::Float => Value::Float(float as f32),
                _ => Value::Double(float),
            }
        }
        DECIMAL_FLAG => Value::Decimal(decimal::decode(input)?),
        DURATION_FLAG => Value::Duration(Duration::from_micros(decode_i64(input)? / NANOS_PER_MICRO)),
        BYTES_FLAG if ty.collation.is_binary() => Value::Bytes(decode_bytes(input)?.into()),
        BYTES_FLAG => {
            return Err(CodecError::NotKeyable { what: "a string restored from its collation key" });
        }
        other => return Err(CodecError::malformed("datum", format!("unknown flag {other}"))),
    })
}

/// Steps over one datum of any type.
pub fn skip(input: &mut &[u8]) -> Result<()> {
    match take_flag(input)? {
        NULL_FLAG => Ok(()),
        INT_FLAG | UINT_FLAG | FLOAT_FLAG | DURATION_FLAG => decode_u64(input).map(drop),
        DECIMAL_FLAG => decimal::decode(input).map(drop),
        BYTES_FLAG => decode_bytes(input).map(drop),
        other => Err(CodecError::malformed("datum", format!("unknown flag {other}"))),
    }
}

/// Eight bytes whose order is the order of the integers.
pub fn append_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&(value.cast_unsigned() ^ SIGN_BIT).to_be_bytes());
}

pub fn i64_from_memcomparable(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ SIGN_BIT).cast_signed()
}

/// Splits a leading memcomparable integer off.
pub fn take_i64<'a>(input: &'a [u8], what: &'static str) -> Result<(i64, &'a [u8])> {
    let (bytes, rest) = input.split_first_chunk::<8>().ok_or(CodecError::Truncated { what })?;
    Ok((i64_from_memcomparable(*bytes), rest))
}

fn append_f64(out: &mut Vec<u8>, value: f64) {
    out.push(FLOAT_FLAG);
    out.extend_from_slice(&f64_to_memcomparable(value).to_be_bytes());
}

/// Negative floats have all bits flipped, others the sign bit: then unsigned order is float order.
pub fn f64_to_memcomparable(value: f64) -> u64 {
    // MySQL knows one zero: -0.0 and 0.0 are equal in a key.
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    if bits & SIGN_BIT == 0 { bits | SIGN_BIT } else { !bits }
}

pub fn f64_from_memcomparable(bits: u64) -> f64 {
    f64::from_bits(if bits & SIGN_BIT == 0 { !bits } else { bits & !SIGN_BIT })
}

pub(super) fn packed_to_u64(value: PackedDatetime) -> u64 {
    value.packed().cast_unsigned()
}

pub(super) fn packed_from_u64(bits: u64) -> PackedDatetime {
    PackedDatetime::from_packed(bits.cast_signed())
}

fn take_flag(input: &mut &[u8]) -> Result<u8> {
    let (&flag, rest) = input.split_first().ok_or(CodecError::Truncated { what: "datum" })?;
    *input = rest;
    Ok(flag)
}

fn decode_i64(input: &mut &[u8]) -> Result<i64> {
    let (value, rest) = take_i64(input, "datum")?;
    *input = rest;
    Ok(value)
}

fn decode_u64(input: &mut &[u8]) -> Result<u64> {
    let (bytes, rest) = input.split_first_chunk::<8>().ok_or(CodecError::Truncated { what: "datum" })?;
    *input = rest;
    Ok(u64::from_be_bytes(*bytes))
}

fn decode_bytes(input: &mut &[u8]) -> Result<Vec<u8>> {
    kv_codec::decode_bytes(input).map_err(|error| CodecError::malformed("string datum", error.to_string()))
}
