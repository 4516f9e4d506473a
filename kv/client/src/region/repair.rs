//! What a region error does to the cache, and how to go on.

use std::sync::Arc;

use rutile_kv_proto::{Status, errorpb};
use rutile_pd_client::{LeaderRegion, from_wire};

use super::{CachedRegion, RegionCache};
use crate::error::Error;

/// How to go on after a failed attempt.
#[derive(Debug)]
pub(crate) enum Repair {
    /// The cache is right again.
    Now(String),
    /// Time must pass.
    Later(String),
    /// Trying again is no use.
    Fatal(Error),
}

impl RegionCache {
    /// Repairs after a region error. Only `raft_entry_too_large` and `disk_full` are not repaired by trying again.
    pub(crate) fn repair(&self, tried: &Arc<CachedRegion>, error: &errorpb::Error) -> Repair {
        let cause = describe(tried, error);
        if let Some(not_leader) = &error.not_leader {
            return self.repair_leader(tried, not_leader, cause);
        }
        if let Some(mismatch) = &error.epoch_not_match {
            return self.repair_epoch(tried, mismatch, cause);
        }
        if let Some(large) = &error.raft_entry_too_large {
            let size = large.entry_size as usize;
            return Repair::Fatal(Error::Aborted(format!("a raft entry of {size} bytes is too large")));
        }
        if error.disk_full.is_some() {
            return Repair::Fatal(Error::DiskFull(error.message.clone()));
        }
        let keeps_region = error.server_is_busy.is_some()
            || error.read_index_not_ready.is_some()
            || error.max_timestamp_not_synced.is_some()
            || error.proposal_in_merging_mode.is_some();
        if !keeps_region {
            self.invalidate(tried);
        }
        Repair::Later(cause)
    }

    /// Repairs after a call that failed as a whole.
    pub(crate) fn repair_status(&self, tried: &Arc<CachedRegion>, status: &Status) -> Repair {
        if status.is_not_executed() {
            return Repair::Fatal(Error::Store(status.clone()));
        }
        self.invalidate(tried);
        Repair::Later(format!("store {}: {status}", tried.leader.store_id))
    }

    fn repair_leader(&self, tried: &Arc<CachedRegion>, hint: &errorpb::NotLeader, cause: String) -> Repair {
        let leader =
            from_wire::leader(hint.leader.as_ref()).filter(|leader| tried.region.peer(leader.id).is_some());
        match leader {
            Some(leader) if leader.id != tried.leader.id => {
                match self.insert(LeaderRegion { region: tried.region.clone(), leader: Some(leader) }) {
                    Ok(_) => Repair::Now(cause),
                    Err(error) => Repair::Later(format!("{cause}; {error}")),
                }
            }
            _ => {
                self.invalidate(tried);
                Repair::Later(cause)
            }
        }
    }

    fn repair_epoch(
        &self,
        tried: &Arc<CachedRegion>,
        told: &errorpb::EpochNotMatch,
        cause: String,
    ) -> Repair {
        let regions: Vec<_> = told.current_regions.iter().map(from_wire::region).collect();
        let own = regions.iter().find(|region| region.id == tried.region.id);
        if own.is_some_and(|own| !own.epoch.covers(tried.region.epoch)) {
            // The store is behind what PD told: it has not applied the change yet.
            return Repair::Later(cause);
        }
        self.invalidate(tried);
        for region in regions {
            // After a split the old leader's store leads the new regions too.
            let leader = region.peer_on_store(tried.leader.store_id).cloned();
            if let Err(error) = self.insert(LeaderRegion { region, leader }) {
                return Repair::Later(format!("{cause}; {error}"));
            }
        }
        Repair::Now(cause)
    }
}

fn describe(tried: &CachedRegion, error: &errorpb::Error) -> String {
    let region = tried.region.id;
    let kind = [
        ("not leader", error.not_leader.is_some()),
        ("region not found", error.region_not_found.is_some()),
        ("key not in region", error.key_not_in_region.is_some()),
        ("epoch not match", error.epoch_not_match.is_some()),
        ("server is busy", error.server_is_busy.is_some()),
        ("stale command", error.stale_command.is_some()),
        ("store not match", error.store_not_match.is_some()),
        ("entry too large", error.raft_entry_too_large.is_some()),
        ("max timestamp not synced", error.max_timestamp_not_synced.is_some()),
        ("read index not ready", error.read_index_not_ready.is_some()),
        ("merging", error.proposal_in_merging_mode.is_some()),
        ("disk full", error.disk_full.is_some()),
        ("peer id mismatch", error.mismatch_peer_id.is_some()),
    ];
    let kind = kind.iter().find(|(_, is)| *is).map_or("region error", |(name, _)| name);
    format!("region {region} on store {}: {kind}: {}", tried.leader.store_id, error.message)
}
