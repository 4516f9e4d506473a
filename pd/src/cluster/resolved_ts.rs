//! Timestamps below which nothing commits any more: of each store, as it reported, and of the cluster.
//!
//! That of the cluster is the least of all stores that are not gone for good, and known only once all of them have
//! reported; it never falls. It is kept in memory: stores report again within seconds after PD has started.

use std::collections::BTreeMap;

use rutile_kv_types::TimeStamp;
use rutile_pd_client::StoreState;

use super::Cluster;
use super::stores::Known;
use crate::error::Result;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResolvedTs {
    pub(crate) cluster: Option<TimeStamp>,
    pub(crate) by_store: BTreeMap<u64, TimeStamp>,
}

impl Cluster {
    /// A store says below which timestamp nothing commits there any more.
    pub(crate) fn report_min_resolved_ts(&self, store_id: u64, resolved_ts: TimeStamp) -> Result<()> {
        self.check_bootstrapped()?;
        let mut stores = self.stores.write();
        stores.check_alive(store_id)?;
        if let Some(known) = stores.by_id.get_mut(&store_id) {
            known.resolved_ts = Some(resolved_ts);
        }
        let alive = |known: &&Known| known.store.state != StoreState::Tombstone;
        // None is less than any.
        if let Some(least) =
            stores.by_id.values().filter(alive).map(|known| known.resolved_ts).min().flatten()
        {
            let mut of_cluster = self.resolved_ts.lock();
            *of_cluster = (*of_cluster).max(Some(least));
        }
        Ok(())
    }

    pub(crate) fn min_resolved_ts(&self) -> Result<ResolvedTs> {
        self.check_bootstrapped()?;
        let stores = self.stores.read();
        let reported = stores.by_id.iter().filter_map(|(id, known)| Some((*id, known.resolved_ts?)));
        let by_store = reported.collect();
        Ok(ResolvedTs { cluster: *self.resolved_ts.lock(), by_store })
    }
}
