//! Reads of raw keys out of a leader's snapshot.

use bytes::Bytes;
use rutile_kv_engine::IterOptions;
use rutile_kv_types::{Cf, Key, TimeStamp};

use super::stored_key;
use super::value::RawValue;
use crate::error::Result;
use crate::replica::{RegionContext, RegionSnapshot, Replica};
use crate::txn::{Scheduler, check_keys, clip};

/// One key.
pub async fn get<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    key: &[u8],
    now_s: u64,
) -> Result<Option<RawValue>> {
    let key = Key::from_raw(key);
    let snapshot = scheduler.snapshot(context).await?;
    check_keys(&snapshot.region, std::slice::from_ref(&key))?;
    read(&snapshot, &key, now_s)
}

/// Several keys of one region; absent ones are left out.
pub async fn get_many<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    raw: &[Bytes],
    now_s: u64,
) -> Result<Vec<(Bytes, Bytes)>> {
    let keys: Vec<Key> = raw.iter().map(|key| Key::from_raw(key)).collect();
    let snapshot = scheduler.snapshot(context).await?;
    check_keys(&snapshot.region, &keys)?;
    let mut pairs = Vec::new();
    for (key, raw) in keys.iter().zip(raw) {
        if let Some(value) = read(&snapshot, key, now_s)? {
            pairs.push((raw.clone(), value.data));
        }
    }
    Ok(pairs)
}

fn read(snapshot: &RegionSnapshot, key: &Key, now_s: u64) -> Result<Option<RawValue>> {
    let found = snapshot.engine.get(Cf::Default, stored_key(key).as_encoded())?;
    let value = found.map(RawValue::decode).transpose()?;
    Ok(value.filter(|value| value.is_alive(now_s)))
}

/// What to scan: user keys, low to high.
pub struct RawRange<'a> {
    pub low: &'a [u8],
    pub high: &'a [u8],
    pub limit: usize,
    pub key_only: bool,
    pub reverse: bool,
}

/// Up to `limit` pairs of the part of the range that lies in the region.
pub async fn scan<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    range: &RawRange<'_>,
    now_s: u64,
) -> Result<Vec<(Bytes, Bytes)>> {
    let snapshot = scheduler.snapshot(context).await?;
    let (mut low, mut high) =
        (Key::from_raw(range.low).into_encoded(), Key::from_raw(range.high).into_encoded());
    clip(&snapshot.region, &mut low, &mut high);
    let mut pairs = Vec::new();
    if low >= high {
        return Ok(pairs);
    }
    let mut cursor = snapshot.engine.iter(Cf::Default, IterOptions::range(low, high));
    let mut valid = if range.reverse { cursor.seek_to_last()? } else { cursor.seek_to_first()? };
    while valid && pairs.len() < range.limit {
        let (key, ts) = Key::split_ts(cursor.key())?;
        // Whatever else lies here was written by a transaction that minds no key spaces.
        if ts == TimeStamp::ZERO {
            let value = RawValue::decode(Bytes::copy_from_slice(cursor.value()))?;
            if value.is_alive(now_s) {
                let key = Bytes::from(Key::from_encoded(key).to_raw()?);
                pairs.push((key, if range.key_only { Bytes::new() } else { value.data }));
            }
        }
        valid = if range.reverse { cursor.prev()? } else { cursor.next()? };
    }
    Ok(pairs)
}
