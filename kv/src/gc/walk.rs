//! Finding keys with garbage: one bounded walk over the write CF.
use rutile_kv_engine::{IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Region, TimeStamp, WriteRef, WriteType};

use super::sieve::{Fate, Sieve};
use crate::error::Result;

/// Bytes of records one walk looks at; what a reader waits behind it on this thread is a few milliseconds.
const WALK_BYTES_MAX: usize = 256 << 10;
/// Keys with garbage one walk finds.
const WALK_KEYS_MAX: usize = 512;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// In order; each has at least one record that goes.
    pub keys: Vec<Key>,
    pub bytes: usize,
    pub records: u64,
    /// A later safe point would find garbage here although nothing more is written.
    pub has_later: bool,
    /// Encoded key to go on from; `None` at the end of the region.
    pub next: Option<Vec<u8>>,
}

/// One key of the walk.
struct Current {
    key: Key,
    sieve: Sieve,
    records: usize,
    goes: bool,
    /// It has a record that stays for now and is no value for good.
    has_mark: bool,
    has_newer: bool,
}

impl Current {
    /// Records that stay make garbage later: of older ones, or by being no value themselves.
    fn makes_garbage_later(&self) -> bool {
        self.has_mark || (self.has_newer && self.records > 1)
    }
}

/// Walks the region from an encoded key on.
pub fn walk(snapshot: &dyn Snapshot, region: &Region, from: &[u8], safe_point: TimeStamp) -> Result<Walked> {
    let start = from.max(&region.start_key);
    let bounds = IterOptions::range(start.to_vec(), region.end_key.to_vec()).without_cache();
    let mut writes = snapshot.iter(Cf::Write, bounds);
    let mut walked = Walked::default();
    let mut current: Option<Current> = None;
    let mut valid = writes.seek(start)?;
    while valid {
        let (user_key, commit_ts) = Key::split_ts(writes.key())?;
        if current.as_ref().is_none_or(|current| current.key.as_encoded() != user_key) {
            walked.finish(current.take());
            if walked.bytes >= WALK_BYTES_MAX || walked.keys.len() >= WALK_KEYS_MAX {
                walked.next = Some(user_key.to_vec());
                return Ok(walked);
            }
            let key = Key::from_encoded(user_key);
            let sieve = Sieve::new(safe_point);
            let (goes, has_mark, has_newer) = (false, false, false);
            current = Some(Current { key, sieve, records: 0, goes, has_mark, has_newer });
        }
        let write = WriteRef::parse(writes.value())?;
        if let Some(current) = &mut current {
            current.records += 1;
            let is_value =
                write.write_type == WriteType::Put && write.is_visible_under_gc_fence(TimeStamp::MAX);
            match current.sieve.judge(commit_ts, &write) {
                Fate::Stays => current.has_mark |= !is_value,
                Fate::Goes | Fate::GoesLast => current.goes = true,
            }
            current.has_newer |= commit_ts > safe_point;
        }
        walked.bytes += writes.key().len() + writes.value().len();
        walked.records += 1;
        valid = writes.next()?;
    }
    walked.finish(current);
    Ok(walked)
}

impl Walked {
    fn finish(&mut self, current: Option<Current>) {
        if let Some(current) = current {
            self.has_later |= current.makes_garbage_later();
            if current.goes {
                self.keys.push(current.key);
            }
        }
    }
}
