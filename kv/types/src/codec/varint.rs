//! Variable-length integers: LEB128 for unsigned, zig-zag under it for signed, as protobuf has them.

use crate::{Error, Result};

/// Longest encoding of a `u64`.
pub const VAR_U64_MAX_BYTES: usize = 10;

pub fn encode_var_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

pub fn decode_var_u64(input: &mut &[u8]) -> Result<u64> {
    let mut value = 0u64;
    for (index, byte) in input.iter().take(VAR_U64_MAX_BYTES).enumerate() {
        let payload = u64::from(byte & 0x7f);
        // The tenth byte carries one bit only; anything above would be lost.
        if index + 1 == VAR_U64_MAX_BYTES && *byte > 1 {
            break;
        }
        value |= payload << (7 * index);
        if byte & 0x80 == 0 {
            *input = input.split_at(index + 1).1;
            return Ok(value);
        }
    }
    if input.len() >= VAR_U64_MAX_BYTES {
        return Err(Error::Malformed { what: "varint", reason: "does not fit 64 bits" });
    }
    Err(Error::UnexpectedEnd { what: "varint", needed: input.len() + 1, left: input.len() })
}

pub fn encode_var_i64(out: &mut Vec<u8>, value: i64) {
    encode_var_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub fn decode_var_i64(input: &mut &[u8]) -> Result<i64> {
    decode_var_u64(input).map(|value| (value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}
