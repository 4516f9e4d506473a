//! Byte strings: the memory-comparable form and the compact, length-prefixed form.

use super::varint::{decode_var_i64, encode_var_i64};
use crate::{Error, Result};

/// Payload bytes of one group.
const GROUP_BYTES: usize = 8;
/// The marker byte of a full group; a group with n pad bytes is marked `MARKER - n`.
const MARKER: u8 = 0xff;
const WHAT: &str = "memory-comparable bytes";

/// Appends `raw` in groups of eight bytes, each followed by a marker that tells how many pad bytes it ends with.
///
/// The encoding sorts like the raw bytes and no encoding is a prefix of another, so that anything may follow it
/// (MyRocks record format, "Memcomparable format").
pub fn encode_bytes(out: &mut Vec<u8>, raw: &[u8]) {
    out.reserve(encoded_bytes_len(raw.len()));
    let mut groups = raw.chunks_exact(GROUP_BYTES);
    for group in &mut groups {
        out.extend_from_slice(group);
        out.push(MARKER);
    }
    let rest = groups.remainder();
    let pad = GROUP_BYTES - rest.len();
    out.extend_from_slice(rest);
    out.resize(out.len() + pad, 0);
    #[expect(clippy::cast_possible_truncation, reason = "a group has eight bytes")]
    let pad = pad as u8;
    out.push(MARKER - pad);
}

/// Encoded size of `raw_len` bytes.
pub const fn encoded_bytes_len(raw_len: usize) -> usize {
    (raw_len / GROUP_BYTES + 1) * (GROUP_BYTES + 1)
}

/// Reads one memory-comparable string off the front of `input`.
pub fn decode_bytes(input: &mut &[u8]) -> Result<Vec<u8>> {
    let mut raw = Vec::new();
    decode_bytes_into(input, &mut raw)?;
    Ok(raw)
}

/// As [`decode_bytes`], appending to `raw`, for callers that reuse a buffer.
pub fn decode_bytes_into(input: &mut &[u8], raw: &mut Vec<u8>) -> Result<()> {
    let start = raw.len();
    let mut rest = *input;
    loop {
        let Some((group, after)) = rest.split_at_checked(GROUP_BYTES + 1) else {
            raw.truncate(start);
            return Err(Error::UnexpectedEnd { what: WHAT, needed: GROUP_BYTES + 1, left: rest.len() });
        };
        let (payload, marker) = group.split_at(GROUP_BYTES);
        let pad = usize::from(MARKER - marker[0]);
        if pad == 0 {
            raw.extend_from_slice(payload);
            rest = after;
            continue;
        }
        if pad > GROUP_BYTES {
            raw.truncate(start);
            return Err(Error::Malformed { what: WHAT, reason: "marker out of range" });
        }
        let (data, padding) = payload.split_at(GROUP_BYTES - pad);
        if padding.iter().any(|byte| *byte != 0) {
            raw.truncate(start);
            return Err(Error::Malformed { what: WHAT, reason: "padding is not zero" });
        }
        raw.extend_from_slice(data);
        *input = after;
        return Ok(());
    }
}

/// Length of the memory-comparable string at the front of `encoded`, without decoding it.
pub fn encoded_bytes_prefix_len(encoded: &[u8]) -> Result<usize> {
    for (index, group) in encoded.chunks(GROUP_BYTES + 1).enumerate() {
        match group.get(GROUP_BYTES) {
            None => break,
            Some(&MARKER) => {}
            Some(_) => return Ok((index + 1) * (GROUP_BYTES + 1)),
        }
    }
    let left = encoded.len() % (GROUP_BYTES + 1);
    Err(Error::UnexpectedEnd { what: WHAT, needed: GROUP_BYTES + 1, left })
}

/// Appends a zig-zag varint length and the bytes themselves.
pub fn encode_compact_bytes(out: &mut Vec<u8>, raw: &[u8]) {
    #[expect(clippy::cast_possible_wrap, reason = "nothing in memory has more than isize::MAX bytes")]
    let length = raw.len() as i64;
    encode_var_i64(out, length);
    out.extend_from_slice(raw);
}

/// Reads a compact string; the answer borrows from the input.
pub fn decode_compact_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let mut rest = *input;
    let len = decode_var_i64(&mut rest)?;
    let Ok(len) = usize::try_from(len) else {
        return Err(Error::Malformed { what: "compact bytes", reason: "negative length" });
    };
    let Some((raw, after)) = rest.split_at_checked(len) else {
        return Err(Error::UnexpectedEnd { what: "compact bytes", needed: len, left: rest.len() });
    };
    *input = after;
    Ok(raw)
}
