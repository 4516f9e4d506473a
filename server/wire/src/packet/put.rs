//! Writing the protocol's integers and strings into a payload.

/// A length-encoded integer.
pub(crate) fn lenenc_int(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=250 => out.push(value as u8),
        251..=0xffff => {
            out.push(0xfc);
            out.extend_from_slice(&(value as u16).to_le_bytes());
        }
        0x1_0000..=0xff_ffff => {
            out.push(0xfd);
            out.extend_from_slice(&(value as u32).to_le_bytes()[..3]);
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Bytes behind their length-encoded length.
pub(crate) fn lenenc_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    lenenc_int(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Bytes and a terminating zero; an inner zero would cut the string, so it ends it here too.
pub(crate) fn nul_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    out.extend_from_slice(&bytes[..end]);
    out.push(0);
}

/// Writes a short value whose length is known only afterwards: a one-byte length in front, patched when done.
/// The writer may produce at most 250 bytes, which every number and temporal text stays far below.
pub(crate) fn short_lenenc(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    debug_assert!(length <= 250, "short_lenenc holds numbers and dates only");
    if let Some(slot) = out.get_mut(at) {
        *slot = length as u8;
    }
}
