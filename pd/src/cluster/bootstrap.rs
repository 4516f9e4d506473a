//! The cluster from its founding on.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rutile_kv_env::{Env, Monotonic};
use rutile_kv_types::{Region, TimeStamp};
use rutile_pd_client::{RegionHeartbeat, Store};

use super::region_tree::RegionTree;
use super::stores::Stores;
use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

pub(crate) struct Cluster {
    pub(super) env: Env,
    pub(super) storage: Arc<Storage>,
    pub(super) opened: Monotonic,
    /// Held from check to change by everyone who changes stores or regions; readers take only the locks below, which
    /// are never held during a sync.
    pub(super) change: Mutex<()>,
    pub(super) stores: RwLock<Stores>,
    pub(super) regions: RwLock<RegionTree>,
    /// When regions were last split, of those that were since PD started and not long ago.
    pub(super) splits: Mutex<BTreeMap<u64, Monotonic>>,
    /// Nothing commits at or below it any more.
    pub(super) resolved_ts: Mutex<Option<TimeStamp>>,
}

impl Cluster {
    pub(crate) fn open(env: &Env, storage: Arc<Storage>) -> Result<Cluster> {
        let mut stored = storage.regions()?;
        // Versions ascending: newer regions cut what they replaced, as they did when they were told.
        stored.sort_by_key(|found| (found.region.epoch.version, found.region.epoch.conf_ver));
        let mut regions = RegionTree::default();
        for found in stored {
            regions.put(RegionHeartbeat {
                region: found.region,
                leader: found.leader,
                ..RegionHeartbeat::default()
            });
        }
        let stores = storage.stores()?;
        let traits = super::store_traits::load(&storage, &stores)?;
        let stores = Stores::new(stores, traits);
        Ok(Cluster {
            env: env.clone(),
            storage,
            opened: env.clock.now(),
            splits: Mutex::default(),
            resolved_ts: Mutex::default(),
            change: Mutex::new(()),
            stores: RwLock::new(stores),
            regions: RwLock::new(regions),
        })
    }

    pub(crate) fn is_bootstrapped(&self) -> bool {
        self.storage.get(keys::BOOTSTRAP_TIME).is_some()
    }

    pub(super) fn check_bootstrapped(&self) -> Result<()> {
        if self.is_bootstrapped() { Ok(()) } else { Err(Error::NotBootstrapped) }
    }

    /// Founds the cluster with its first store and the region of all keys, atomically.
    pub(crate) fn bootstrap(&self, store: Store, region: Region) -> Result<()> {
        let _change = self.change.lock();
        if self.is_bootstrapped() {
            return Err(Error::AlreadyBootstrapped);
        }
        check_first(&store, &region)?;
        // With several peers nobody leads yet; a client that asks the wrong one is told better.
        let leader = region.peers.first().cloned();
        let beat = RegionHeartbeat { region, leader, ..RegionHeartbeat::default() };
        let mut batch = Batch::default();
        batch.put_u64(keys::BOOTSTRAP_TIME, self.env.clock.unix_millis());
        batch.put_store(&store);
        batch.put_region(&super::regions::stored(&beat));
        self.storage.write(batch)?;
        self.stores.write().put(store);
        self.regions.write().put(beat);
        Ok(())
    }
}

fn check_first(store: &Store, region: &Region) -> Result<()> {
    let invalid = |text: &str| Err(Error::Invalid(format!("bootstrap: {text}")));
    if store.id == 0 {
        return invalid("the store has no id");
    }
    if region.id == 0 || !region.start_key.is_empty() || !region.end_key.is_empty() {
        return invalid("the first region must have an id and hold all keys");
    }
    let mut ids: Vec<(u64, u64)> = region.peers.iter().map(|peer| (peer.store_id, peer.id)).collect();
    ids.sort_unstable();
    ids.dedup_by_key(|(store_id, _)| *store_id);
    if ids.len() != region.peers.len() || ids.iter().any(|(store_id, id)| *store_id == 0 || *id == 0) {
        return invalid("peers of the first region need ids, and stores of their own");
    }
    match region.peers.first() {
        Some(peer) if peer.store_id == store.id => Ok(()),
        _ => invalid("the first peer of the first region must be on the first store"),
    }
}
