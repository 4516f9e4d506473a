//! Bytes of a batch and of other records, and the checksummed frame around them.
//!
//! Frame: length `u32`, CRC-32 of length and payload `u32`, payload. Payload: a record after the other, each a tag and
//! what belongs to it: for a put (1) the key and the value, for a delete (0) the key, for the others ([`Record`]) one
//! value; all with a `u32` length. All numbers are little-endian.

use protobuf::Message as _;
use raft::eraftpb::{Entry, HardState, SnapshotMetadata};

use super::Batch;

pub(super) const FRAME_HEAD_BYTES: usize = 8;
const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;
const TAG_ENTRY: u8 = 2;
const TAG_HARD_STATE: u8 = 3;
const TAG_POINT: u8 = 4;
const TAG_MEMBER: u8 = 5;
const TAG_START: u8 = 6;

/// What a file holds beside changes of the map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    /// An entry of the log. What the log has at its index and behind is gone.
    Entry(Entry),
    HardState(HardState),
    /// The map is applied up to here, with these members.
    Point(SnapshotMetadata),
    /// Whose directory it is.
    Member(u64),
    /// Index and term of the entry before the first one that is kept.
    Start(u64, u64),
}

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

/// A batch without a frame; what an entry of the log carries.
pub(crate) fn encode_batch(batch: &Batch) -> Vec<u8> {
    let mut payload = Vec::new();
    for (key, value) in batch.changes() {
        payload.push(if value.is_some() { TAG_PUT } else { TAG_DELETE });
        push_bytes(&mut payload, key);
        if let Some(value) = value {
            push_bytes(&mut payload, value);
        }
    }
    payload
}

/// One frame of records, which a crash leaves whole or not at all.
pub(super) fn encode_records(records: &[Record]) -> Result<Vec<u8>, protobuf::ProtobufError> {
    let mut payload = Vec::new();
    for record in records {
        let (tag, bytes) = match record {
            Record::Entry(entry) => (TAG_ENTRY, entry.write_to_bytes()?),
            Record::HardState(state) => (TAG_HARD_STATE, state.write_to_bytes()?),
            Record::Point(point) => (TAG_POINT, point.write_to_bytes()?),
            Record::Member(id) => (TAG_MEMBER, id.to_le_bytes().to_vec()),
            Record::Start(index, term) => (TAG_START, [index.to_le_bytes(), term.to_le_bytes()].concat()),
        };
        payload.push(tag);
        push_bytes(&mut payload, &bytes);
    }
    Ok(encode_payload(payload))
}

pub(super) fn decode_records(mut payload: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while let Some((tag, rest)) = payload.split_first() {
        payload = rest;
        let bytes = take_bytes(&mut payload)?;
        records.push(match *tag {
            TAG_ENTRY => Record::Entry(Entry::parse_from_bytes(bytes).ok()?),
            TAG_HARD_STATE => Record::HardState(HardState::parse_from_bytes(bytes).ok()?),
            TAG_POINT => Record::Point(SnapshotMetadata::parse_from_bytes(bytes).ok()?),
            TAG_MEMBER => Record::Member(u64::from_le_bytes(bytes.try_into().ok()?)),
            TAG_START => {
                let (index, term) = bytes.split_first_chunk()?;
                Record::Start(u64::from_le_bytes(*index), u64::from_le_bytes(term.try_into().ok()?))
            }
            _ => return None,
        });
    }
    Some(records)
}

/// Whether a payload is a batch rather than other records. An empty one is.
pub(super) fn is_batch(payload: &[u8]) -> bool {
    payload.first().is_none_or(|tag| matches!(*tag, TAG_DELETE | TAG_PUT))
}

pub(super) fn encode_frame(batch: &Batch) -> Vec<u8> {
    encode_payload(encode_batch(batch))
}

fn encode_payload(payload: Vec<u8>) -> Vec<u8> {
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

pub(crate) fn decode_batch(mut payload: &[u8]) -> Option<Batch> {
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
