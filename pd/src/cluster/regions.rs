//! Regions: heartbeats, split reports, look-ups, ids for a split.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_kv_types::Region;
use rutile_pd_client::{LeaderRegion, RegionHeartbeat, SplitIds};

use super::region_tree::Told;
use super::{Cluster, IdAllocator};
use crate::error::{Error, Result};
use crate::storage::Batch;

/// Regions that one split may add.
const SPLIT_COUNT_MAX: u32 = 1_024;

/// What of a heartbeat is durable.
pub(super) fn stored(beat: &RegionHeartbeat) -> LeaderRegion {
    LeaderRegion { region: beat.region.clone(), leader: beat.leader.clone() }
}

impl Cluster {
    /// Takes what the leader of a region says, unless something newer is known.
    pub(crate) fn region_heartbeat(&self, beat: RegionHeartbeat) -> Result<()> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        self.take(beat)
    }

    /// Takes the outcome of a split. The old leader's store campaigns at once for each new region, so its peer there
    /// is the best guess for the leader until the first heartbeat.
    pub(crate) fn report_batch_split(&self, regions: Vec<Region>) -> Result<()> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        let now = self.env.clock.now();
        self.splits.lock().extend(regions.iter().map(|region| (region.id, now)));
        for region in regions {
            let known = self.regions.read().find(&region.start_key).map(Arc::clone);
            let leader = known.and_then(|known| known.leader.clone());
            let leader = leader.and_then(|leader| region.peer_on_store(leader.store_id).cloned());
            let beat = RegionHeartbeat { region, leader, ..RegionHeartbeat::default() };
            match self.take(beat) {
                // A heartbeat was faster than the report.
                Ok(()) | Err(Error::StaleRegion { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Check, save if the shape changed, apply. The caller holds `change`.
    fn take(&self, mut beat: RegionHeartbeat) -> Result<()> {
        let region = &beat.region;
        if region.id == 0 || region.peers.is_empty() {
            return Err(Error::Invalid("a region needs an id and peers".to_owned()));
        }
        if !region.end_key.is_empty() && region.start_key >= region.end_key {
            return Err(Error::Invalid(format!("region {} is empty", region.id)));
        }
        let known = {
            let regions = self.regions.read();
            regions.check(&beat)?;
            regions.by_id(region.id).map(Arc::clone)
        };
        if beat.leader.is_none() {
            let former = known.as_ref().and_then(|known| known.leader.clone());
            beat.leader = former.filter(|leader| region.peer(leader.id).is_some());
        }
        if known.is_none_or(|known| known.region != *region) {
            let mut batch = Batch::default();
            batch.put_region(&stored(&beat));
            self.storage.write(batch)?;
        }
        let gone = self.regions.write().put(beat);
        if !gone.is_empty() {
            // In a second batch: a region that is durable although it is gone is covered by newer ones when loaded.
            let mut batch = Batch::default();
            gone.into_iter().for_each(|region_id| batch.delete_region(region_id));
            self.storage.write(batch)?;
        }
        Ok(())
    }

    /// Regions that were split within an interval; what was split before is forgotten.
    pub(crate) fn split_since(&self, now: Monotonic, interval: Duration) -> Vec<u64> {
        let mut splits = self.splits.lock();
        splits.retain(|_, at| now.saturating_since(*at) < interval);
        splits.keys().copied().collect()
    }

    /// How long this PD has been told of splits.
    pub(crate) fn watched_for(&self) -> Duration {
        self.env.clock.now().saturating_since(self.opened)
    }

    pub(crate) fn region(&self, encoded_key: &[u8]) -> Result<Told> {
        self.check_bootstrapped()?;
        self.regions.read().find(encoded_key).map(Arc::clone).ok_or(Error::RegionNotFound(0))
    }

    pub(crate) fn region_by_id(&self, region_id: u64) -> Result<Told> {
        self.check_bootstrapped()?;
        self.regions.read().by_id(region_id).map(Arc::clone).ok_or(Error::RegionNotFound(region_id))
    }

    pub(crate) fn scan_regions(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Told>> {
        self.check_bootstrapped()?;
        Ok(self.regions.read().scan(start, end, limit))
    }

    pub(crate) fn region_count(&self) -> usize {
        self.regions.read().len()
    }

    /// Ids for the regions that `region` is about to be split off into.
    pub(crate) fn ask_batch_split(
        &self,
        ids: &IdAllocator,
        region: &Region,
        count: u32,
    ) -> Result<Vec<SplitIds>> {
        self.check_bootstrapped()?;
        if count == 0 || count > SPLIT_COUNT_MAX {
            return Err(Error::Invalid(format!(
                "a split adds between 1 and {SPLIT_COUNT_MAX} regions, not {count}"
            )));
        }
        let known = self.region_by_id(region.id)?;
        if !region.epoch.covers(known.region.epoch) {
            let known = known.region.epoch;
            return Err(Error::StaleRegion { region_id: region.id, told: region.epoch, known });
        }
        let peers = region.peers.len() as u64;
        let mut granted = ids.alloc(u64::from(count) * (1 + peers))?;
        let mut split = Vec::with_capacity(count as usize);
        while let Some(region_id) = granted.next() {
            split.push(SplitIds { region_id, peer_ids: granted.by_ref().take(peers as usize).collect() });
        }
        Ok(split)
    }
}
