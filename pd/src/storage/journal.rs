//! The two files: snapshot and journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rutile_kv_env::{AppendFile, Disk};

use super::Batch;
use super::record::{Frame, decode_batch, encode_frame, frame_at};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"RUTILEPD";
const FORMAT_VERSION: u32 = 1;
/// Magic, format version, generation.
const HEAD_BYTES: usize = 8 + 4 + 8;

pub(super) type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// What was found on disk.
pub(super) struct Loaded {
    pub(super) generation: u64,
    pub(super) pairs: Pairs,
}

pub(super) fn snapshot_path(dir: &Path) -> PathBuf {
    dir.join("pd.snapshot")
}

pub(super) fn journal_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("pd.journal.{generation}"))
}

pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<Loaded>> {
    let path = snapshot_path(dir);
    if !disk.exists(&path) {
        return Ok(None);
    }
    let (generation, pairs) = read_snapshot(&path, &disk.read(&path)?)?;
    let mut loaded = Loaded { generation, pairs };
    let path = journal_path(dir, generation);
    if disk.exists(&path) {
        let file = disk.read(&path)?;
        replay(&path, &file, 0, &mut loaded.pairs)?;
    }
    Ok(Some(loaded))
}

fn read_snapshot(path: &Path, file: &[u8]) -> Result<(u64, Pairs)> {
    let corrupt = |reason| Error::Corrupt { file: path.to_owned(), offset: 0, reason };
    let (head, _) = file.split_at_checked(HEAD_BYTES).ok_or_else(|| corrupt("the head is cut short"))?;
    let (magic, head) = head.split_at(MAGIC.len());
    let (version, generation) = head.split_at(4);
    if magic != MAGIC {
        return Err(corrupt("this is not a PD snapshot"));
    }
    let found = version.try_into().map_or(0, u32::from_le_bytes);
    if found != FORMAT_VERSION {
        return Err(Error::FormatVersion { file: path.to_owned(), found, supported: FORMAT_VERSION });
    }
    let generation = generation.try_into().map_or(0, u64::from_le_bytes);
    let mut pairs = Pairs::new();
    // The snapshot is replaced atomically, so it is never torn.
    if !replay(path, file, HEAD_BYTES, &mut pairs)? {
        return Err(Error::Corrupt {
            file: path.to_owned(),
            offset: file.len(),
            reason: "the snapshot is cut short",
        });
    }
    Ok((generation, pairs))
}

/// Applies the frames from `offset` on; false when the last one is torn.
fn replay(path: &Path, file: &[u8], mut offset: usize, pairs: &mut Pairs) -> Result<bool> {
    loop {
        let corrupt = |reason| Error::Corrupt { file: path.to_owned(), offset, reason };
        match frame_at(file, offset) {
            Frame::End => return Ok(true),
            Frame::Torn => return Ok(false),
            Frame::Corrupt(reason) => return Err(corrupt(reason)),
            Frame::Whole { payload, end } => {
                let batch = decode_batch(payload).ok_or_else(|| corrupt("a record can not be decoded"))?;
                apply(pairs, batch);
                offset = end;
            }
        }
    }
}

pub(super) fn apply(pairs: &mut Pairs, batch: Batch) {
    for (key, value) in batch.into_changes() {
        match value {
            Some(value) => pairs.insert(key, value),
            None => pairs.remove(&key),
        };
    }
}

/// Writes the snapshot of `generation`, opens its journal and removes the former one.
pub(super) fn start_generation(
    disk: &dyn Disk,
    dir: &Path,
    generation: u64,
    pairs: &Pairs,
) -> Result<Box<dyn AppendFile>> {
    let mut file = Vec::new();
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    file.extend_from_slice(&generation.to_le_bytes());
    for (key, value) in pairs {
        let mut batch = Batch::default();
        batch.put(key.as_slice(), value.as_slice());
        file.extend_from_slice(&encode_frame(&batch));
    }
    // A journal of this generation can be left over when the process died before the snapshot was replaced.
    let journal = journal_path(dir, generation);
    if disk.exists(&journal) {
        disk.remove_file(&journal)?;
    }
    disk.write_atomic(&snapshot_path(dir), &file)?;
    let mut opened = disk.open_append(&journal)?;
    opened.sync()?;
    let former = journal_path(dir, generation.wrapping_sub(1));
    if disk.exists(&former) {
        disk.remove_file(&former)?;
    }
    Ok(opened)
}
