//! How large a range is, without reading all of it.
//!
//! A range of few keys is counted. Of a larger one RocksDB knows what its table files take; memtables are assumed to
//! hold the same mix of ranges as the files do.

use std::sync::Arc;

use rocksdb::Range;
use rutile_kv_types::Cf;

use super::engine::Shared;
use super::snapshot::RocksSnapshot;
use crate::{IterOptions, Result, Snapshot as _};

/// Ranges up to this many keys are counted one by one.
const COUNTED_KEYS_MAX: u64 = 4096;

pub(super) struct Estimate {
    pub(super) bytes: u64,
    pub(super) keys: u64,
}

pub(super) fn range(shared: &Arc<Shared>, cf: Cf, start: &[u8], end: &[u8]) -> Result<Estimate> {
    let snapshot = RocksSnapshot::new(shared.clone());
    let mut iterator = snapshot.iter(cf, IterOptions::range(start, end).without_cache());
    let mut counted = Estimate { bytes: 0, keys: 0 };
    let mut on_pair = iterator.seek_to_first()?;
    while on_pair && counted.keys < COUNTED_KEYS_MAX {
        counted.keys += 1;
        counted.bytes += (iterator.key().len() + iterator.value().len()) as u64;
        on_pair = iterator.next()?;
    }
    if !on_pair {
        return Ok(counted);
    }
    // RocksDB has no infinity for this: the last key stands for it.
    let last = if iterator.seek_to_last()? { iterator.key().to_vec() } else { end.to_vec() };
    let files = shared.db().get_approximate_sizes_cf(shared.family(cf), &[Range::new(start, &last)]);
    let files: u64 = files.iter().sum();
    let all_files = shared.family_property(cf, "rocksdb.live-sst-files-size");
    let memtables = shared.family_property(cf, "rocksdb.cur-size-all-mem-tables");
    let all_keys = shared.family_property(cf, "rocksdb.estimate-num-keys");
    let share = |amount: u64, part: u64, whole: u64| match whole {
        0 => amount,
        _ => u64::try_from(u128::from(amount) * u128::from(part) / u128::from(whole)).unwrap_or(u64::MAX),
    };
    let bytes = files + share(memtables, files, all_files);
    let keys = share(all_keys, bytes, all_files + memtables);
    Ok(Estimate { bytes: bytes.max(counted.bytes), keys: keys.max(counted.keys) })
}
