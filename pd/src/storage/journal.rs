//! The two files: snapshot and journal.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use raft::eraftpb::{ConfState, Entry, HardState, SnapshotMetadata};
use rutile_kv_env::{AppendFile, Env, FileLock, fail_stop};

use super::Batch;
use super::record::{
    Frame, Record, decode_batch, decode_records, encode_frame, encode_records, frame_at, is_batch,
};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"RUTILEPD";
const FORMAT_VERSION: u32 = 2;
/// A map with a journal of its batches, from before there were groups of members.
const FORMAT_OF_ONE: u32 = 1;
/// Magic, format version, generation.
const HEAD_BYTES: usize = 8 + 4 + 8;
/// A journal that grew by more than this, and by more than the map has, is folded into a new snapshot.
const JOURNAL_BYTES_MAX: u64 = 4 << 20;

pub(crate) type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// All that is durable of a member. Invariant: `start.0 <= applied.0`, and the entries follow `start` without a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Image {
    pub(crate) member_id: u64,
    pub(crate) hard_state: HardState,
    /// Index and term of the last entry whose changes are in `pairs`.
    pub(crate) applied: (u64, u64),
    /// Members as of `applied`.
    pub(crate) conf: ConfState,
    pub(crate) pairs: Pairs,
    /// Index and term of the entry before the first of `entries`.
    pub(crate) start: (u64, u64),
    pub(crate) entries: VecDeque<Entry>,
}

impl Image {
    /// Puts an entry at its place, dropping what stood there and behind. False when it leaves a gap, or is below all.
    pub(crate) fn append(&mut self, entry: Entry) -> bool {
        let Some(place) = entry.index.checked_sub(self.start.0 + 1) else {
            return false;
        };
        if place > self.entries.len() as u64 {
            return false;
        }
        self.entries.truncate(place as usize);
        self.entries.push_back(entry);
        true
    }

    pub(crate) fn last_index(&self) -> u64 {
        self.start.0 + self.entries.len() as u64
    }
}

/// The files, open for appending.
pub(crate) struct Journal {
    env: Env,
    dir: PathBuf,
    generation: u64,
    file: Box<dyn AppendFile>,
    pairs_bytes: u64,
    /// An append failed half way (disk full): the next one must start a new generation.
    is_broken: bool,
    _lock: FileLock,
}

/// A directory that is locked and read.
pub(crate) struct Opened {
    env: Env,
    dir: PathBuf,
    lock: FileLock,
    generation: u64,
    pub(crate) found: Option<Found>,
}

/// What was there.
pub(crate) enum Found {
    /// The map of a member that was alone, in the first format.
    Alone(Pairs),
    Member(Box<Image>),
}

impl Opened {
    pub(crate) fn read(env: &Env, dir: &Path) -> Result<Opened> {
        let disk = env.disk.as_ref();
        disk.create_dir_all(dir)?;
        let lock = disk.lock_file(&dir.join("LOCK")).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => Error::DirectoryInUse { path: dir.to_owned() },
            _ => Error::Io(error),
        })?;
        let (env, dir) = (env.clone(), dir.to_owned());
        let mut opened = Opened { env, dir, lock, generation: 0, found: None };
        opened.load()?;
        Ok(opened)
    }

    fn load(&mut self) -> Result<()> {
        let disk = self.env.disk.as_ref();
        let path = snapshot_path(&self.dir);
        if !disk.exists(&path) {
            return Ok(());
        }
        let file = disk.read(&path)?;
        let (version, generation) = head(&path, &file)?;
        self.generation = generation;
        let journal = journal_path(&self.dir, generation);
        let tail = if disk.exists(&journal) { disk.read(&journal)? } else { Vec::new() };
        let mut image = Image::default();
        // The snapshot is replaced atomically, so it is never torn.
        if !replay(&path, &file, HEAD_BYTES, &mut image)? {
            let reason = "the snapshot is cut short";
            return Err(Error::Corrupt { file: path, offset: file.len(), reason });
        }
        replay(&journal, &tail, 0, &mut image)?;
        self.found = Some(if version == FORMAT_OF_ONE {
            Found::Alone(image.pairs)
        } else if image.member_id == 0 {
            return Err(Error::Corrupt { file: path, offset: HEAD_BYTES, reason: "it names no member" });
        } else {
            Found::Member(Box::new(image))
        });
        Ok(())
    }

    /// Starts the next generation: a journal that may end in a torn record is never appended to.
    pub(crate) fn start(self, image: &Image) -> Result<Journal> {
        let Opened { env, dir, lock, generation, .. } = self;
        let generation = generation + 1;
        let file = start_generation(&env, &dir, generation, image)?;
        let pairs_bytes = size_of_pairs(&image.pairs);
        Ok(Journal { env, dir, generation, file, pairs_bytes, is_broken: false, _lock: lock })
    }
}

impl Journal {
    /// Makes the records durable, all of them or none. `image` is what is durable already. A failed sync ends the
    /// process.
    pub(crate) fn append(&mut self, records: &[Record], image: &Image) -> Result<()> {
        let frame = encode_records(records).map_err(|error| Error::Io(std::io::Error::other(error)))?;
        rutile_kv_env::failpoint!("pd::storage::before_append");
        if self.is_broken {
            self.start_generation(image)?;
        }
        if let Err(error) = self.file.append(&frame) {
            self.is_broken = true;
            return Err(error.into());
        }
        if !self.env.hooks.is_planted("pd::storage::ack_before_sync")
            && let Err(error) = self.file.sync()
        {
            fail_stop("sync of the PD journal", &error);
        }
        rutile_kv_env::failpoint!("pd::storage::after_sync");
        Ok(())
    }

    /// Whether the journal is to be folded.
    pub(crate) fn is_long(&self) -> bool {
        self.file.len() > JOURNAL_BYTES_MAX.max(self.pairs_bytes)
    }

    /// Replaces everything by the image.
    pub(crate) fn start_generation(&mut self, image: &Image) -> Result<()> {
        let generation = self.generation + 1;
        self.file = start_generation(&self.env, &self.dir, generation, image)?;
        self.generation = generation;
        self.pairs_bytes = size_of_pairs(&image.pairs);
        self.is_broken = false;
        Ok(())
    }
}

pub(crate) fn snapshot_path(dir: &Path) -> PathBuf {
    dir.join("pd.snapshot")
}

fn journal_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("pd.journal.{generation}"))
}

/// Format version and generation.
fn head(path: &Path, file: &[u8]) -> Result<(u32, u64)> {
    let corrupt = |reason| Error::Corrupt { file: path.to_owned(), offset: 0, reason };
    let (head, _) = file.split_at_checked(HEAD_BYTES).ok_or_else(|| corrupt("the head is cut short"))?;
    let (magic, head) = head.split_at(MAGIC.len());
    let (version, generation) = head.split_at(4);
    if magic != MAGIC {
        return Err(corrupt("this is not a PD snapshot"));
    }
    let found = version.try_into().map_or(0, u32::from_le_bytes);
    if found != FORMAT_VERSION && found != FORMAT_OF_ONE {
        return Err(Error::FormatVersion { file: path.to_owned(), found, supported: FORMAT_VERSION });
    }
    Ok((found, generation.try_into().map_or(0, u64::from_le_bytes)))
}

/// Takes the frames from `offset` on; false when the last one is torn.
fn replay(path: &Path, file: &[u8], mut offset: usize, image: &mut Image) -> Result<bool> {
    loop {
        let corrupt = |reason| Error::Corrupt { file: path.to_owned(), offset, reason };
        match frame_at(file, offset) {
            Frame::End => return Ok(true),
            Frame::Torn => return Ok(false),
            Frame::Corrupt(reason) => return Err(corrupt(reason)),
            Frame::Whole { payload, end } => {
                if is_batch(payload) {
                    let batch = decode_batch(payload);
                    apply(&mut image.pairs, batch.ok_or_else(|| corrupt("a record can not be decoded"))?);
                } else {
                    let records = decode_records(payload);
                    let records = records.ok_or_else(|| corrupt("a record can not be decoded"))?;
                    let fits = records.into_iter().all(|record| take(image, record));
                    fits.then_some(()).ok_or_else(|| corrupt("entries are missing before this one"))?;
                }
                offset = end;
            }
        }
    }
}

fn take(image: &mut Image, record: Record) -> bool {
    match record {
        Record::Entry(entry) => return image.append(entry),
        Record::HardState(state) => image.hard_state = state,
        Record::Member(id) => image.member_id = id,
        Record::Start(index, term) => image.start = (index, term),
        Record::Point(mut point) => {
            image.applied = (point.index, point.term);
            image.conf = point.take_conf_state();
        }
    }
    true
}

pub(crate) fn apply(pairs: &mut Pairs, batch: Batch) {
    for (key, value) in batch.into_changes() {
        match value {
            Some(value) => pairs.insert(key, value),
            None => pairs.remove(&key),
        };
    }
}

/// Writes the snapshot of `generation`, opens its journal and removes the former one. Entries are in the snapshot, so
/// that no moment is without them.
fn start_generation(env: &Env, dir: &Path, generation: u64, image: &Image) -> Result<Box<dyn AppendFile>> {
    let encoded =
        |records: &[Record]| encode_records(records).map_err(|error| Error::Io(std::io::Error::other(error)));
    let mut point = SnapshotMetadata::default();
    (point.index, point.term) = image.applied;
    point.set_conf_state(image.conf.clone());
    let mut file = Vec::new();
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    file.extend_from_slice(&generation.to_le_bytes());
    file.extend_from_slice(&encoded(&[
        Record::Member(image.member_id),
        Record::HardState(image.hard_state.clone()),
        Record::Point(point),
        Record::Start(image.start.0, image.start.1),
    ])?);
    for (key, value) in &image.pairs {
        let mut batch = Batch::default();
        batch.put(key.as_slice(), value.as_slice());
        file.extend_from_slice(&encode_frame(&batch));
    }
    for entry in &image.entries {
        file.extend_from_slice(&encoded(&[Record::Entry(entry.clone())])?);
    }
    let disk = env.disk.as_ref();
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

fn size_of_pairs(pairs: &Pairs) -> u64 {
    pairs.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}
