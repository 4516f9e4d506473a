//! Regions by user key.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use rutile_kv_proto::{TikvService, kvrpcpb};
use rutile_kv_types::{Key, KeyRange, Peer, PeerRole, Region};
use rutile_pd_client::{LeaderRegion, PdClient, beyond_all_keys, to_wire};

use crate::error::{Error, Result};
use crate::stores::Stores;

/// A region as last seen, ready to send requests to.
pub(crate) struct CachedRegion {
    pub(crate) region: Region,
    pub(crate) leader: Peer,
    /// The region's bounds as user keys.
    pub(crate) range: KeyRange,
    pub(crate) service: Arc<dyn TikvService>,
    context: kvrpcpb::Context,
}

impl CachedRegion {
    pub(crate) fn context(&self) -> Option<kvrpcpb::Context> {
        Some(self.context.clone())
    }
}

pub(crate) struct RegionCache {
    pd: PdClient,
    stores: Arc<dyn Stores>,
    /// By start of the range; no two overlap.
    regions: RwLock<BTreeMap<Bytes, Arc<CachedRegion>>>,
}

impl RegionCache {
    pub(crate) fn new(pd: PdClient, stores: Arc<dyn Stores>) -> RegionCache {
        RegionCache { pd, stores, regions: RwLock::default() }
    }

    /// The carrier to a store.
    pub(crate) fn service(&self, store_id: u64) -> Result<Arc<dyn TikvService>> {
        self.stores.store(store_id).map_err(Error::Store)
    }

    /// The region of a user key.
    pub(crate) async fn locate(&self, key: &[u8]) -> Result<Arc<CachedRegion>> {
        if let Some(found) = self.lookup(key) {
            return Ok(found);
        }
        self.load(Key::from_raw(key).as_encoded()).await
    }

    /// The region of the largest key below `end`; an empty end has no bound.
    pub(crate) async fn locate_before(&self, end: &[u8]) -> Result<Arc<CachedRegion>> {
        if let Some(found) = self.lookup_before(end) {
            return Ok(found);
        }
        if end.is_empty() {
            return self.load(&beyond_all_keys()).await;
        }
        // Bytes that no encoded key equals: after every encoding smaller than that of `end`, and before it. The last
        // byte of an encoding is a marker of at most 0xfe and at least 0xf7, so it can be lowered.
        let mut below = Key::from_raw(end).into_encoded();
        if let Some(marker) = below.last_mut() {
            *marker = marker.saturating_sub(1);
        }
        below.push(u8::MAX);
        self.load(&below).await
    }

    fn lookup(&self, key: &[u8]) -> Option<Arc<CachedRegion>> {
        let regions = self.regions.read();
        let (_, found) = regions.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back()?;
        found.range.contains(key).then(|| Arc::clone(found))
    }

    fn lookup_before(&self, end: &[u8]) -> Option<Arc<CachedRegion>> {
        let regions = self.regions.read();
        if end.is_empty() {
            let (_, last) = regions.last_key_value()?;
            return last.range.end.is_empty().then(|| Arc::clone(last));
        }
        let (_, found) = regions.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(end))).next_back()?;
        let reaches = found.range.end.is_empty() || found.range.end.as_ref() >= end;
        reaches.then(|| Arc::clone(found))
    }

    async fn load(&self, encoded_key: &[u8]) -> Result<Arc<CachedRegion>> {
        let found = self.pd.region(encoded_key).await?;
        self.insert(found)
    }

    /// Puts a region unless a newer one stands in its place; answers it either way.
    pub(crate) fn insert(&self, found: LeaderRegion) -> Result<Arc<CachedRegion>> {
        let cached = Arc::new(self.prepare(found)?);
        let mut regions = self.regions.write();
        let overlapped: Vec<Bytes> =
            overlapping(&regions, &cached.range).map(|(start, _)| start.clone()).collect();
        let newer = |start: &Bytes| {
            let version = regions.get(start).map_or(0, |other| other.region.epoch.version);
            version > cached.region.epoch.version
        };
        if !overlapped.iter().any(newer) {
            for start in &overlapped {
                regions.remove(start);
            }
            regions.insert(cached.range.start.clone(), Arc::clone(&cached));
        }
        Ok(cached)
    }

    fn prepare(&self, found: LeaderRegion) -> Result<CachedRegion> {
        let LeaderRegion { region, leader } = found;
        let range = KeyRange { start: raw_bound(&region.start_key)?, end: raw_bound(&region.end_key)? };
        // Without a known leader any voter will do: it knows the leader.
        let leader = leader
            .or_else(|| region.peers.iter().find(|peer| peer.role == PeerRole::Voter).cloned())
            .ok_or(Error::Malformed("region without peers"))?;
        let service = self.stores.store(leader.store_id).map_err(Error::Store)?;
        let context = kvrpcpb::Context {
            region_id: region.id,
            region_epoch: Some(to_wire::epoch(region.epoch)),
            peer: Some(to_wire::peer(&leader)),
            ..kvrpcpb::Context::default()
        };
        Ok(CachedRegion { region, leader, range, service, context })
    }

    /// Forgets a region, unless it was replaced already.
    pub(crate) fn invalidate(&self, stale: &Arc<CachedRegion>) {
        let mut regions = self.regions.write();
        if regions.get(&stale.range.start).is_some_and(|cached| Arc::ptr_eq(cached, stale)) {
            regions.remove(&stale.range.start);
        }
    }
}

fn overlapping<'a>(
    regions: &'a BTreeMap<Bytes, Arc<CachedRegion>>,
    range: &'a KeyRange,
) -> impl Iterator<Item = (&'a Bytes, &'a Arc<CachedRegion>)> {
    let start = range.start.as_ref();
    let before = regions.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(start))).next_back();
    let before = before.filter(|(_, other)| other.range.end.is_empty() || other.range.end.as_ref() > start);
    let from = regions.range::<[u8], _>((Bound::Included(start), Bound::Unbounded));
    before.into_iter().chain(from.take_while(|(from, _)| range.end.is_empty() || **from < range.end))
}

fn raw_bound(encoded: &Bytes) -> Result<Bytes> {
    if encoded.is_empty() {
        return Ok(Bytes::new());
    }
    let raw = Key::from_encoded(encoded.to_vec()).to_raw();
    raw.map(Bytes::from).map_err(|_| Error::Malformed("region boundary"))
}
