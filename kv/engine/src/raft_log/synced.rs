//! How far the log was synced, kept beside it, so that opening can tell a torn tail from lost data.
//!
//! A record that a crash cut off at the end was never acknowledged and may be dropped; a damaged record that had been
//! synced must not be. The log itself can not tell one from the other, and raft-engine drops everything behind the
//! first damage in the newest file. So after each sync the end of what is synced is written to the file `SYNCED`:
//!
//! ```text
//! four slots of 32 bytes: append and rewrite queue, two each, written in turn
//! slot: file number LE8 | end LE8 | CRC-32 of both and of the slot's number LE4 | zeros
//! ```
//! The file itself is not synced, because that would double the cost of each commit. A killed process leaves it exact.
//! A power failure may leave an older one, which is still true, only says less: what was synced in the last moments
//! before it is then treated as a tail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::{Error, Result};

const FILE: &str = "SYNCED";
const SLOT_BYTES: usize = 32;
const SLOTS_PER_QUEUE: usize = 2;
/// Digits at the start of the name of a log file.
const NUMBER_DIGITS: usize = 16;

/// One of raft-engine's two sequences of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    Append,
    Rewrite,
}

const QUEUES: [Queue; 2] = [Queue::Append, Queue::Rewrite];

impl Queue {
    fn suffix(self) -> &'static str {
        match self {
            Queue::Append => ".raftlog",
            Queue::Rewrite => ".rewrite",
        }
    }
}

/// Queue and number of a log file, by its name.
pub(super) fn file_id(path: &Path) -> Option<(Queue, u64)> {
    let name = path.file_name()?.to_str()?;
    let (number, suffix) = name.split_at_checked(NUMBER_DIGITS)?;
    let queue = QUEUES.into_iter().find(|queue| queue.suffix() == suffix)?;
    Some((queue, number.parse().ok()?))
}

/// Where a queue was synced to: file number, then offset. Both only grow.
type Mark = (u64, u64);

pub(super) struct Synced {
    path: PathBuf,
    file: File,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    marks: [Mark; 2],
    /// Slot to write next.
    turns: [usize; 2],
}

impl Synced {
    /// Opens or creates the file in the log's directory.
    pub(super) fn open(directory: &Path) -> Result<Synced> {
        let path = directory.join(FILE);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(named)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(named)?;
        let mut state = State::default();
        for queue in QUEUES {
            state.marks[queue as usize] = read_marks(&bytes, queue).map_err(|()| {
                Error::Corruption(format!("{}: no mark of the {queue:?} queue is whole", path.display()))
            })?;
        }
        Ok(Synced { path, file, state: Mutex::new(state) })
    }

    /// How far a queue is known to be synced: file number and offset.
    pub(super) fn mark(&self, queue: Queue) -> (u64, u64) {
        self.state.lock().marks[queue as usize]
    }

    /// Files that hold synced data must be there, and long enough.
    pub(super) fn check_files(&self, directory: &Path) -> Result<()> {
        for queue in QUEUES {
            let (number, end) = self.state.lock().marks[queue as usize];
            if end == 0 {
                continue;
            }
            let file = directory.join(format!("{number:0width$}{}", queue.suffix(), width = NUMBER_DIGITS));
            match std::fs::metadata(&file) {
                Ok(metadata) if metadata.len() < end => return Err(cut(&file, metadata.len(), end)),
                Ok(_) => {}
                // It may have been purged after the mark, if the mark is an older one.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && has_newer(directory, queue, number)? => {}
                Err(error) => {
                    let text =
                        format!("{}: {error}, although it was synced up to byte {end}", file.display());
                    return Err(Error::Corruption(text));
                }
            }
        }
        Ok(())
    }

    /// Called before a file loses what is behind `offset`: that must not be anything synced.
    pub(super) fn check_cut(&self, path: &Path, offset: u64) -> Result<()> {
        let Some((queue, number)) = file_id(path) else {
            return Ok(());
        };
        let (marked, end) = self.state.lock().marks[queue as usize];
        match number.cmp(&marked) {
            std::cmp::Ordering::Greater => Ok(()),
            std::cmp::Ordering::Equal if offset >= end => Ok(()),
            std::cmp::Ordering::Equal => Err(cut(path, offset, end)),
            // Older files are closed for good.
            std::cmp::Ordering::Less => Err(cut(path, offset, std::fs::metadata(path)?.len())),
        }
    }

    /// The file is synced up to `end`.
    pub(super) fn record(&self, path: &Path, end: u64) -> io::Result<()> {
        let Some((queue, number)) = file_id(path) else {
            return Ok(());
        };
        let mut state = self.state.lock();
        let index = queue as usize;
        if (number, end) <= state.marks[index] {
            return Ok(());
        }
        state.marks[index] = (number, end);
        let slot = index * SLOTS_PER_QUEUE + state.turns[index];
        state.turns[index] = (state.turns[index] + 1) % SLOTS_PER_QUEUE;
        self.file.write_all_at(&encode(slot, (number, end)), (slot * SLOT_BYTES) as u64)
    }
}

impl Drop for Synced {
    fn drop(&mut self) {
        // After an orderly end the mark is exact also if the power fails then.
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(path = %self.path.display(), %error, "the mark of the raft log was not synced");
        }
    }
}

fn cut(file: &Path, at: u64, end: u64) -> Error {
    Error::Corruption(format!(
        "{}: damaged or cut at byte {at}, although it was synced up to byte {end}; acknowledged writes are lost",
        file.display()
    ))
}

fn has_newer(directory: &Path, queue: Queue, number: u64) -> Result<bool> {
    for entry in std::fs::read_dir(directory)? {
        if file_id(&entry?.path()).is_some_and(|(other, newer)| other == queue && newer > number) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn encode(slot: usize, (number, end): Mark) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..16].copy_from_slice(&end.to_le_bytes());
    let checksum = checksum(slot, &bytes[..16]);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn checksum(slot: usize, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    #[expect(clippy::cast_possible_truncation, reason = "a file has a handful of slots")]
    let slot = slot as u8;
    hasher.update(&[slot]);
    hasher.finalize()
}

/// The larger mark of a queue; the other slot may be torn. Zero when nothing was written yet.
fn read_marks(bytes: &[u8], queue: Queue) -> std::result::Result<Mark, ()> {
    let (mut newest, mut is_damaged) = (None, false);
    for slot in queue as usize * SLOTS_PER_QUEUE..(queue as usize + 1) * SLOTS_PER_QUEUE {
        let bytes = bytes.get(slot * SLOT_BYTES..(slot + 1) * SLOT_BYTES).unwrap_or_default();
        if bytes.iter().all(|byte| *byte == 0) {
            continue;
        }
        match decode(slot, bytes) {
            Some(mark) => newest = newest.max(Some(mark)),
            None => is_damaged = true,
        }
    }
    match newest {
        Some(mark) => Ok(mark),
        None if is_damaged => Err(()),
        None => Ok((0, 0)),
    }
}

fn decode(slot: usize, bytes: &[u8]) -> Option<Mark> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (end, rest) = rest.split_first_chunk()?;
    let (found, _) = rest.split_first_chunk()?;
    let whole = u32::from_le_bytes(*found) == checksum(slot, bytes.get(..16)?);
    whole.then_some((u64::from_le_bytes(*number), u64::from_le_bytes(*end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_mark_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(FILE);
        let log = |number: u64| directory.path().join(format!("{number:016}.raftlog"));
        let synced = Synced::open(directory.path()).expect("creates");
        for (number, end) in [(1, 100), (1, 200), (2, 50), (1, 900)] {
            synced.record(&log(number), end).expect("writes");
        }
        drop(synced);
        let mark = || Synced::open(directory.path()).map(|synced| synced.state.lock().marks);
        assert_eq!(mark().expect("opens"), [(2, 50), (0, 0)]);
        let damage = |offset: u64| {
            let file = OpenOptions::new().write(true).open(&path).expect("opens");
            file.write_all_at(&[0xff], offset).expect("writes");
        };
        // The third mark went to the first slot again.
        damage(3);
        assert_eq!(mark().expect("opens"), [(1, 200), (0, 0)]);
        damage(SLOT_BYTES as u64 + 9);
        let error = mark().expect_err("both are damaged").to_string();
        assert!(error.contains("SYNCED"), "{error}");
    }

    #[test]
    fn only_log_files_have_a_number() {
        assert_eq!(file_id(Path::new("/x/0000000000000012.raftlog")), Some((Queue::Append, 12)));
        assert_eq!(file_id(Path::new("/x/0000000000000003.rewrite")), Some((Queue::Rewrite, 3)));
        for name in ["LOCK", "SYNCED", "0000000000000001.raftlog.reserved", "12.raftlog"] {
            assert_eq!(file_id(Path::new(name)), None, "{name}");
        }
    }
}
