//! Reads: get, batch get, scan and scan lock, all on the caller's thread.
use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::Key;

use super::to_wire::{self, Failure};
use crate::error::{Error, LockedKey, Result};
use crate::mvcc::{BackwardScanner, ForwardScanner, PointGetter, ReadOptions};
use crate::replica::{RegionContext, Replica};
use crate::txn::{ReadTarget, ScanLock, Scheduler, check_keys, clip};

/// One key.
pub async fn get<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    key: &[u8],
    options: &ReadOptions,
) -> Result<Option<Bytes>> {
    let key = Key::from_raw(key);
    let snapshot = scheduler.read_snapshot(context, ReadTarget::Key(&key), options).await?;
    check_keys(&snapshot.region, std::slice::from_ref(&key))?;
    let value = PointGetter::new(snapshot.versions(), options).get(&key)?;
    snapshot.traffic.read(1, value.as_ref().map_or(0, |value| value.len() as u64));
    Ok(value)
}

/// Several keys of one region. A locked key gives an error pair, an absent one nothing.
pub async fn batch_get<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    raw: &[Bytes],
    options: &ReadOptions,
) -> Result<Vec<kvrpcpb::KvPair>, Failure> {
    let keys: Vec<Key> = raw.iter().map(|key| Key::from_raw(key)).collect();
    let snapshot = scheduler.read_snapshot(context, ReadTarget::Keys(&keys), options).await?;
    check_keys(&snapshot.region, &keys)?;
    let mut getter = PointGetter::new(snapshot.versions(), options);
    let mut pairs = Vec::with_capacity(keys.len());
    for (key, raw) in keys.iter().zip(raw) {
        match getter.get(key) {
            Ok(Some(value)) => pairs.push(kvrpcpb::KvPair { error: None, key: raw.clone(), value }),
            Ok(None) => {}
            Err(error) => pairs.push(locked_pair(error)?),
        }
    }
    let bytes: usize = pairs.iter().map(|pair| pair.key.len() + pair.value.len()).sum();
    snapshot.traffic.read(keys.len() as u64, bytes as u64);
    Ok(pairs)
}

/// What to scan: user keys in the order of the request.
pub struct ScanRange<'a> {
    pub start: &'a [u8],
    pub end: &'a [u8],
    pub limit: usize,
    pub key_only: bool,
    pub reverse: bool,
}

/// Up to `limit` pairs of the part of the range that lies in the region.
pub async fn scan<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    range: &ScanRange<'_>,
    options: &ReadOptions,
) -> Result<Vec<kvrpcpb::KvPair>, Failure> {
    let (low, high) = if range.reverse { (range.end, range.start) } else { (range.start, range.end) };
    let (mut low, mut high) = (super::from_wire::bound(low), super::from_wire::bound(high));
    let target = ReadTarget::Range { start: &low, end: &high };
    let snapshot = scheduler.read_snapshot(context, target, options).await?;
    clip(&snapshot.region, &mut low, &mut high);
    if !high.is_empty() && low >= high {
        return Ok(Vec::new());
    }
    // The limit is the client's memory to bound: an answer cut shorter would read as "no more".
    let mut page = Page::default();
    if range.reverse {
        let mut scanner = BackwardScanner::new(snapshot.versions(), options, &low, &high, range.key_only)?;
        page.fill(range.limit, |page| {
            let found = scanner.next()?;
            if found {
                page.push(scanner.key(), scanner.value());
            }
            Ok(found)
        })?;
    } else {
        let mut scanner = ForwardScanner::new(snapshot.versions(), options, &low, &high, range.key_only)?;
        page.fill(range.limit, |page| {
            let found = scanner.next()?;
            if found {
                page.push(scanner.key(), scanner.value());
            }
            Ok(found)
        })?;
    }
    snapshot.traffic.read(page.entries.len() as u64, page.bytes.len() as u64);
    Ok(page.into_pairs())
}

/// The pairs of one answer in one piece of memory, of which they become slices: a row of a short range costs more to
/// allocate than to copy.
#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

enum Entry {
    /// Where the key ends and where the value does.
    Pair {
        key_end: usize,
        end: usize,
    },
    Locked(kvrpcpb::KvPair),
}

impl Page {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.entries.push(Entry::Pair { key_end, end: self.bytes.len() });
    }

    /// Takes pairs until the limit; a locked key takes one place and the scan goes on behind it.
    fn fill(&mut self, limit: usize, mut next: impl FnMut(&mut Page) -> Result<bool>) -> Result<(), Failure> {
        while self.entries.len() < limit {
            match next(self) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.entries.push(Entry::Locked(locked_pair(error)?)),
            }
        }
        Ok(())
    }

    fn into_pairs(self) -> Vec<kvrpcpb::KvPair> {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        let pair = |entry| match entry {
            Entry::Locked(pair) => pair,
            Entry::Pair { key_end, end } => {
                let (key, value) = (bytes.slice(start..key_end), bytes.slice(key_end..end));
                start = end;
                kvrpcpb::KvPair { error: None, key, value }
            }
        };
        self.entries.into_iter().map(pair).collect()
    }
}

/// Only a lock may take the place of a pair; any other error ends the request.
fn locked_pair(error: Error) -> Result<kvrpcpb::KvPair, Failure> {
    match Failure::from(error) {
        Failure::Key(error) if error.locked.is_some() => Ok(to_wire::error_pair(error)),
        other => Err(other),
    }
}

/// Locks of old transactions.
pub async fn scan_lock<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::ScanLockRequest,
) -> Result<Vec<LockedKey>> {
    let scan = ScanLock {
        max_ts: request.max_version.into(),
        start: super::from_wire::bound(&request.start_key),
        end: super::from_wire::bound(&request.end_key),
        limit: request.limit as usize,
    };
    scheduler.scan_locks(context, scan).await
}
