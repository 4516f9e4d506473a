//! Fixed-width numbers whose big-endian bytes sort like the numbers.

use crate::{Error, Result};

/// Flipping it maps signed order to unsigned order.
const SIGN_BIT: u64 = 1 << 63;

/// Splits `N` bytes off the front.
fn take<const N: usize>(input: &mut &[u8], what: &'static str) -> Result<[u8; N]> {
    match input.split_first_chunk::<N>() {
        Some((head, rest)) => {
            *input = rest;
            Ok(*head)
        }
        None => Err(Error::UnexpectedEnd { what, needed: N, left: input.len() }),
    }
}

pub fn decode_u8(input: &mut &[u8]) -> Result<u8> {
    take::<1>(input, "u8").map(|bytes| bytes[0])
}

pub fn encode_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub fn decode_u16(input: &mut &[u8]) -> Result<u16> {
    take(input, "u16").map(u16::from_be_bytes)
}

pub fn encode_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub fn decode_u64(input: &mut &[u8]) -> Result<u64> {
    take(input, "u64").map(u64::from_be_bytes)
}

/// Descending order, as timestamps have in keys: the newest version of a key comes first.
pub fn encode_u64_desc(out: &mut Vec<u8>, value: u64) {
    encode_u64(out, !value);
}

pub fn decode_u64_desc(input: &mut &[u8]) -> Result<u64> {
    decode_u64(input).map(|value| !value)
}

pub fn encode_i64(out: &mut Vec<u8>, value: i64) {
    encode_u64(out, value.cast_unsigned() ^ SIGN_BIT);
}

pub fn decode_i64(input: &mut &[u8]) -> Result<i64> {
    decode_u64(input).map(|value| (value ^ SIGN_BIT).cast_signed())
}

/// Appends a float; minus zero is written as zero, because SQL compares them equal. NaN sorts at either end by its
/// sign, and is never stored by the SQL layer.
pub fn encode_f64(out: &mut Vec<u8>, value: f64) {
    let bits = value.to_bits();
    encode_u64(out, if value >= 0.0 { bits | SIGN_BIT } else { !bits });
}

pub fn decode_f64(input: &mut &[u8]) -> Result<f64> {
    let bits = decode_u64(input)?;
    Ok(f64::from_bits(if bits & SIGN_BIT != 0 { bits & !SIGN_BIT } else { !bits }))
}
