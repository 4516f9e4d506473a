//! Where to split a region that has grown too large.
//!
//! Write CF and default CF are walked once, side by side. Size counts records with their values, keys count records.
//! A cut falls before the first record of a user key, so that no key's versions are separated.
use bytes::Bytes;
use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Region};

use super::split::SPLIT_KEYS_MAX;
use crate::error::Result;

/// How large regions may get.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Size of a piece.
    pub split_bytes: u64,
    /// A region is split when it reaches this size.
    pub max_bytes: u64,
    /// Records of a piece.
    pub split_keys: u64,
    /// A region is split when it has this many records.
    pub max_keys: u64,
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub bytes: u64,
    pub keys: u64,
    /// Encoded, ascending, strictly inside the region; none when it is small enough.
    pub split_keys: Vec<Bytes>,
}

/// Measures the region and finds its cuts.
pub fn find_split_keys(snapshot: &dyn Snapshot, region: &Region, limits: &Limits) -> Result<Found> {
    let bounds = || IterOptions::range(region.start_key.to_vec(), region.end_key.to_vec()).without_cache();
    let mut writes = snapshot.iter(Cf::Write, bounds());
    let mut values = LongValues { valid: false, values: snapshot.iter(Cf::Default, bounds()) };
    values.valid = values.values.seek(&region.start_key)?;
    let mut found = Found::default();
    let (mut piece_bytes, mut piece_keys) = (0, 0);
    let mut previous = Vec::new();
    let mut valid = writes.seek(&region.start_key)?;
    while valid {
        let user_key = Key::truncate_ts_for(writes.key())?;
        let mut size = (writes.key().len() + writes.value().len()) as u64;
        if user_key != previous.as_slice() {
            let full = piece_bytes >= limits.split_bytes || piece_keys >= limits.split_keys;
            if full && user_key > &*region.start_key {
                found.split_keys.push(Bytes::copy_from_slice(user_key));
                (piece_bytes, piece_keys) = (0, 0);
            }
            previous.clear();
            previous.extend_from_slice(user_key);
            size += values.bytes_through(&previous)?;
        }
        found.bytes += size;
        found.keys += 1;
        piece_bytes += size;
        piece_keys += 1;
        valid = writes.next()?;
    }
    drop_small_tail(&mut found, piece_bytes, piece_keys, limits);
    Ok(found)
}

/// The key that leaves half of the region's data on either side; none when there are not two user keys.
pub fn find_middle_key(snapshot: &dyn Snapshot, region: &Region) -> Result<Option<Bytes>> {
    const NO_LIMIT: Limits =
        Limits { split_bytes: u64::MAX, max_bytes: u64::MAX, split_keys: u64::MAX, max_keys: u64::MAX };
    let whole = find_split_keys(snapshot, region, &NO_LIMIT)?;
    let half = Limits { split_bytes: (whole.bytes / 2).max(1), max_bytes: 0, max_keys: 0, ..NO_LIMIT };
    Ok(find_split_keys(snapshot, region, &half)?.split_keys.into_iter().next())
}

/// Walks the long values beside the records.
struct LongValues {
    values: Box<dyn EngineIterator>,
    valid: bool,
}

impl LongValues {
    /// Bytes of the values up to and including those of a user key, not counted before.
    fn bytes_through(&mut self, user_key: &[u8]) -> Result<u64> {
        let mut bytes = 0;
        while self.valid && Key::truncate_ts_for(self.values.key())? <= user_key {
            bytes += (self.values.key().len() + self.values.value().len()) as u64;
            self.valid = self.values.next()?;
        }
        Ok(bytes)
    }
}

/// A region below the limit is left alone, and the last piece is not cut off when it would be less than half full.
fn drop_small_tail(found: &mut Found, tail_bytes: u64, tail_keys: u64, limits: &Limits) {
    if found.bytes < limits.max_bytes && found.keys < limits.max_keys {
        found.split_keys.clear();
        return;
    }
    let small = tail_bytes < limits.split_bytes / 2 && tail_keys < limits.split_keys / 2;
    if small && found.split_keys.len() > 1 {
        found.split_keys.pop();
    }
    found.split_keys.truncate(SPLIT_KEYS_MAX);
}
