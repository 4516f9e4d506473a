//! Collect: removes the garbage of some keys.
use rutile_kv_types::{Key, TimeStamp, Write, WriteType};

use super::sieve::{Fate, Sieve};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::Result;
use crate::mvcc::{Reader, WriteBuffer};
use crate::txn::{Command, Decision};

/// Records that one command removes; the rest of a key with more is left to the next.
const RECORDS_MAX: usize = 4096;

/// Removes what no read at or above `safe_point` sees. A command like any other, so that it holds the latches of its
/// keys: a rollback that marks an old record can not bring that record back.
pub struct Collect {
    keys: Vec<Key>,
    safe_point: TimeStamp,
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub records: usize,
    /// Keys that still have garbage.
    pub rest: Vec<Key>,
}

impl Collect {
    /// Keys in order, each once.
    pub fn new(keys: Vec<Key>, safe_point: TimeStamp) -> Self {
        debug_assert!(keys.is_sorted(), "as a walk finds them");
        Collect { keys, safe_point }
    }
}

impl Command for Collect {
    type Outcome = Collected;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<Collected>> {
        let mut buffer = reader.buffer(0);
        buffer.collect_below(self.safe_point);
        let mut collected = Collected::default();
        for key in &self.keys {
            if !collect_key(&mut buffer, reader, key, self.safe_point, &mut collected.records)? {
                collected.rest.push(key.clone());
            }
        }
        if collected.records == 0 {
            return Ok(Decision::answer(collected));
        }
        Ok(Decision::new(buffer, collected))
    }
}

/// Whether all garbage of the key goes with this command.
fn collect_key(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    safe_point: TimeStamp,
    records: &mut usize,
) -> Result<bool> {
    let mut sieve = Sieve::new(safe_point);
    let mut last = None;
    let mut found = reader.seek_write(key, safe_point)?;
    while let Some((commit_ts, write)) = found {
        let fate = sieve.judge(commit_ts, &write.as_ref());
        if fate != Fate::Stays && *records >= RECORDS_MAX {
            return Ok(false);
        }
        match fate {
            Fate::Stays => {}
            Fate::Goes => {
                remove(buffer, key, commit_ts, &write);
                *records += 1;
            }
            Fate::GoesLast => last = Some((commit_ts, write)),
        }
        found = reader.next_write(key)?;
    }
    if let Some((commit_ts, write)) = last {
        remove(buffer, key, commit_ts, &write);
        *records += 1;
    }
    Ok(true)
}

fn remove(buffer: &mut WriteBuffer, key: &Key, commit_ts: TimeStamp, write: &Write) {
    buffer.delete_write(key.clone(), commit_ts);
    if write.write_type == WriteType::Put && write.short_value.is_none() {
        buffer.delete_value(key.clone(), write.start_ts);
    }
}
