//! Removing a range of one region with all its versions.
//!
//! For data that nobody reads or writes any more: it ignores versions and locks, and a snapshot taken before may lose
//! the range as well. It is one raft entry, so every replica comes to the same, and repeating it changes nothing.
use rutile_kv_types::Cf;

use crate::error::{Error, RegionError, Result};
use crate::replica::{RegionContext, Replica};
use crate::txn::Scheduler;
use crate::write_set::WriteSet;

/// Removes `[start, end)` of encoded keys, which must lie in the region. Without an end there is nothing that could be
/// said to lie in it, so one is asked for.
pub async fn delete_range<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    start: &[u8],
    end: &[u8],
) -> Result<()> {
    if end.is_empty() || start >= end {
        return Err(Error::Invalid("delete range needs a start below its end".to_owned()));
    }
    let snapshot = scheduler.snapshot(context).await?;
    let region = &snapshot.region;
    if !region.contains(start) || (!region.end_key.is_empty() && end > &*region.end_key) {
        let key = if region.contains(start) { end } else { start };
        return Err(RegionError::KeyNotInRegion { key: key.to_vec(), region: region.clone() }.into());
    }
    let mut writes = WriteSet::default();
    for cf in Cf::DATA {
        writes.delete_range(cf, start, end);
    }
    let (epoch, term) = (region.epoch, snapshot.term);
    drop(snapshot);
    scheduler.replicate(context.region_id, epoch, term, writes, ()).await
}
