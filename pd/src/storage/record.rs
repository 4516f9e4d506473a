//! Bytes of a batch, and the checksummed frame around it.
//!
//! Frame: length `u32`, CRC-32 of length and payload `u32`, payload. Payload: for each change a tag (1 put, 0 delete),
//! the key, and for a put the value, both with a `u32` length. All numbers are little-endian.

use super::Batch;

pub(super) const FRAME_HEAD_BYTES: usize = 8;
const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;

/// What stands at some place of a file.
pub(super) enum Frame<'a> {
    Whole {
        payload: &'a [u8],
        end: usize,
    },
    /// The file ends inside the frame: a write that a crash cut off.
    Torn,
    /// The frame is complete and not what was written.
    Corrupt(&'static str),
    End,
}

pub(super) fn encode_frame(batch: &Batch) -> Vec<u8> {
    let mut payload = Vec::new();
    for (key, value) in batch.changes() {
        payload.push(if value.is_some() { TAG_PUT } else { TAG_DELETE });
        push_bytes(&mut payload, key);
        if let Some(value) = value {
            push_bytes(&mut payload, value);
        }
    }
    let length = (payload.len() as u32).to_le_bytes();
    let mut frame = Vec::with_capacity(FRAME_HEAD_BYTES + payload.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&checksum(&length, &payload).to_le_bytes());
    frame.extend_from_slice(&payload);
    frame
}

/// Reads the frame at `offset`.
pub(super) fn frame_at(file: &[u8], offset: usize) -> Frame<'_> {
    let Some(rest) = file.get(offset..).filter(|rest| !rest.is_empty()) else {
        return Frame::End;
    };
    // A file system may extend a file with zeros before the data of a write reaches it.
    if rest.iter().all(|byte| *byte == 0) {
        return Frame::Torn;
    }
    let Some((head, body)) = rest.split_at_checked(FRAME_HEAD_BYTES) else {
        return Frame::Torn;
    };
    let (length, crc) = head.split_at(4);
    let size = u32_of(length) as usize;
    let Some(payload) = body.get(..size) else {
        return Frame::Torn;
    };
    let end = offset + FRAME_HEAD_BYTES + size;
    if checksum(length, payload) == u32_of(crc) {
        Frame::Whole { payload, end }
    } else if end == file.len() {
        Frame::Torn
    } else {
        Frame::Corrupt("checksum mismatch")
    }
}

pub(super) fn decode_batch(mut payload: &[u8]) -> Option<Batch> {
    let mut batch = Batch::default();
    while let Some((tag, rest)) = payload.split_first() {
        payload = rest;
        let key = take_bytes(&mut payload)?;
        match *tag {
            TAG_PUT => batch.put(key, take_bytes(&mut payload)?),
            TAG_DELETE => batch.delete(key),
            _ => return None,
        }
    }
    Some(batch)
}

fn checksum(length: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(payload);
    hasher.finalize()
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = input.split_at_checked(4)?;
    let (bytes, rest) = rest.split_at_checked(u32_of(length) as usize)?;
    *input = rest;
    Some(bytes)
}

fn u32_of(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}
