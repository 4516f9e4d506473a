//! Damage inside a record at the end of the log that was not synced.
//!
//! raft-engine looks at the head and the index of a record when it opens, and at the entries themselves only when
//! they are read. A power failure may leave any part of what was not synced: a record whose head and index survived
//! but not all of its entries would be taken, and found broken when it is too late. So before the log is opened, the
//! records behind what is known to be synced are checked as a whole, and the newest file ends before the first that
//! is not whole, as if the failure had come a moment earlier.
//!
//! A record is `length << 8 | compression: u64 | offset of the index: u64 | entries, CRC-32 LE | index, CRC-32`, with
//! numbers in big endian and the offset counted from its start (raft-engine 0.4, `log_batch.rs`).

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::synced::{Queue, file_id};
use crate::Result;

const RECORD_HEAD_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;
/// Of a file: magic, format version, and what version 2 adds.
const MAGIC: &[u8] = b"RAFT-LOG-FILE-HEADER-9986AB3E47F320B394C8E84916EB0ED5";
const VERSION_BYTES: usize = 8;

/// Ends the newest file of the log before the first record with damaged entries. `synced` is how far the log is
/// known to be synced: the number of a file, and an offset in it.
pub(super) fn cut_damaged(directory: &Path, synced: (u64, u64)) -> Result<()> {
    let mut newest = None;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if let Some((Queue::Append, number)) = file_id(&path)
            && newest.as_ref().is_none_or(|(other, _)| *other < number)
        {
            newest = Some((number, path));
        }
    }
    let Some((number, path)) = newest else {
        return Ok(());
    };
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    let start = if number == synced.0 { synced.1 } else { first_record(&mut file)? };
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    if let Some(at) = first_damage(&tail) {
        let end = start + at as u64;
        tracing::warn!(path = %path.display(), end, "a record that was not synced is damaged and dropped");
        file.set_len(end)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Where records begin in a file of either version; a file without a whole head has none.
fn first_record(file: &mut File) -> Result<u64> {
    let mut head = vec![0; MAGIC.len() + VERSION_BYTES];
    file.seek(SeekFrom::Start(0))?;
    let whole = file.read_exact(&mut head).is_ok() && head.starts_with(MAGIC);
    let version = head.last_chunk::<VERSION_BYTES>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    match version {
        1 if whole => Ok(head.len() as u64),
        2 if whole => Ok((head.len() + VERSION_BYTES) as u64),
        _ => Ok(file.seek(SeekFrom::End(0))?),
    }
}

/// Offset of the first record whose head makes sense and whose entries do not.
fn first_damage(tail: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let record = tail.get(at..)?;
        let (length, rest) = record.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_be_bytes(*length) >> 8).ok()?;
        let index = usize::try_from(u64::from_be_bytes(*rest.first_chunk::<8>()?)).ok()?;
        // A head that makes no sense is the end of the log, for raft-engine as well.
        let record = record.get(..length).filter(|_| index >= RECORD_HEAD_BYTES && index <= length)?;
        let entries = record.get(RECORD_HEAD_BYTES..index)?;
        if let Some((entries, checksum)) = entries.split_last_chunk::<CHECKSUM_BYTES>()
            && crc32fast::hash(entries) != u32::from_le_bytes(*checksum)
        {
            return Some(at);
        }
        at += length;
    }
}
