//! Stores: registration and heartbeats.

use std::collections::BTreeMap;

use rutile_kv_env::Monotonic;
use rutile_kv_types::TimeStamp;
use rutile_pd_client::{Store, StoreState, StoreStats};

use super::Cluster;
use super::store_traits::{StoreTraits, merge_labels};
use crate::error::{Error, Result};
use crate::storage::{Batch, keys};

pub(crate) struct Stores {
    pub(super) by_id: BTreeMap<u64, Known>,
}

pub(super) struct Known {
    pub(super) store: Store,
    stats: Option<StoreStats>,
    told: Option<LastTold>,
    /// Nothing commits there at or below it; none since PD started.
    pub(super) resolved_ts: Option<TimeStamp>,
    traits: StoreTraits,
}

impl Known {
    fn new(store: Store, traits: StoreTraits) -> Known {
        Known { store, stats: None, told: None, resolved_ts: None, traits }
    }
}

#[derive(Clone, Copy)]
pub(super) struct LastTold {
    pub(super) first: Monotonic,
    pub(super) at: Monotonic,
    pub(super) unix_ms: u64,
}

impl Stores {
    pub(super) fn new(stores: Vec<Store>, mut traits: BTreeMap<u64, StoreTraits>) -> Stores {
        let known = |store: Store| {
            let traits = traits.remove(&store.id).unwrap_or_default();
            (store.id, Known::new(store, traits))
        };
        Stores { by_id: stores.into_iter().map(known).collect() }
    }

    pub(super) fn traits(&self, store_id: u64) -> Option<&StoreTraits> {
        self.by_id.get(&store_id).map(|known| &known.traits)
    }

    pub(super) fn set_traits(&mut self, store_id: u64, traits: StoreTraits) {
        if let Some(known) = self.by_id.get_mut(&store_id) {
            known.traits = traits;
        }
    }

    pub(super) fn put(&mut self, store: Store) {
        match self.by_id.get_mut(&store.id) {
            Some(known) => known.store = store,
            None => drop(self.by_id.insert(store.id, Known::new(store, StoreTraits::default()))),
        }
    }

    pub(super) fn check_alive(&self, store_id: u64) -> Result<&Known> {
        let known = self.by_id.get(&store_id).ok_or(Error::StoreNotFound(store_id))?;
        if known.store.state == StoreState::Tombstone {
            Err(Error::StoreTombstone(store_id))
        } else {
            Ok(known)
        }
    }
}

/// What is known of a store: itself, its last report, when that was, and what was set of it.
pub(super) type Heard = (Store, Option<StoreStats>, Option<LastTold>, StoreTraits);

impl Cluster {
    pub(super) fn heard(&self) -> Vec<Heard> {
        let stores = self.stores.read();
        let heard =
            |known: &Known| (known.store.clone(), known.stats.clone(), known.told, known.traits.clone());
        stores.by_id.values().map(heard).collect()
    }

    /// Registers a store or changes what is known of it; its state stays PD's decision. Labels that it brings are put over
    /// those it had; without one of the `required` ones it is refused.
    pub(crate) fn put_store(&self, mut store: Store, required: &[String]) -> Result<()> {
        self.check_bootstrapped()?;
        if store.id == 0 {
            return Err(Error::Invalid("a store needs an id".to_owned()));
        }
        let _change = self.change.lock();
        {
            let stores = self.stores.read();
            match stores.check_alive(store.id) {
                Ok(known) => {
                    store.state = known.store.state;
                    store.labels = merge_labels(&known.store.labels, &store.labels);
                }
                Err(Error::StoreNotFound(_)) => store.state = StoreState::Up,
                Err(error) => return Err(error),
            }
            let lacks = |key: &&String| !store.labels.iter().any(|(known, _)| known == *key);
            if let Some(key) = required.iter().find(lacks) {
                return Err(Error::Refused(format!("store {} lacks the label {key}", store.id)));
            }
            let twin = |known: &&Known| {
                let other = &known.store;
                other.id != store.id && other.state != StoreState::Tombstone && other.address == store.address
            };
            if let Some(known) = stores.by_id.values().find(twin) {
                return Err(Error::DuplicateAddress { address: store.address, owner: known.store.id });
            }
        }
        let mut batch = Batch::default();
        batch.put_store(&store);
        self.storage.write(batch)?;
        let (store_id, told) = (store.id, self.told_now());
        let mut stores = self.stores.write();
        stores.put(store);
        // A store registers when it starts, well before its first heartbeat.
        if let Some(known) = stores.by_id.get_mut(&store_id) {
            known.told = Some(told);
        }
        Ok(())
    }

    fn told_now(&self) -> LastTold {
        let (at, unix_ms) = (self.env.clock.now(), self.env.clock.unix_millis());
        LastTold { first: at, at, unix_ms }
    }

    pub(crate) fn store(&self, store_id: u64) -> Result<(Store, Option<StoreStats>)> {
        self.check_bootstrapped()?;
        let stores = self.stores.read();
        let known = stores.by_id.get(&store_id).ok_or(Error::StoreNotFound(store_id))?;
        Ok((known.store.clone(), known.stats.clone()))
    }

    pub(crate) fn stores(&self, with_tombstones: bool) -> Result<Vec<Store>> {
        self.check_bootstrapped()?;
        let wanted = |store: &Store| with_tombstones || store.state != StoreState::Tombstone;
        Ok(self
            .stores
            .read()
            .by_id
            .values()
            .map(|known| &known.store)
            .filter(|store| wanted(store))
            .cloned()
            .collect())
    }

    /// Begins to empty a store for good, unless too few stores would be left for all replicas.
    pub(crate) fn delete_store(&self, store_id: u64, replicas: u64) -> Result<()> {
        let rest = |store: &Store| store.id != store_id && store.state == StoreState::Up;
        let left = self.stores(false)?.iter().filter(|store| rest(store)).count() as u64;
        self.change_state(store_id, |state| match state {
            StoreState::Offline => Ok(StoreState::Offline),
            StoreState::Up if left < replicas => Err(Error::Refused(format!(
                "store {store_id} can not be removed: {left} stores would be left, a region has {replicas} replicas"
            ))),
            _ => Ok(StoreState::Offline),
        })
    }

    /// A store that is being emptied stays.
    pub(crate) fn cancel_delete_store(&self, store_id: u64) -> Result<()> {
        self.change_state(store_id, |_| Ok(StoreState::Up))
    }

    /// A store that is being emptied and holds nothing any more never comes back.
    pub(crate) fn bury_store(&self, store_id: u64) -> Result<()> {
        self.change_state(store_id, |state| match state {
            StoreState::Offline => Ok(StoreState::Tombstone),
            other => Ok(other),
        })
    }

    fn change_state(&self, store_id: u64, next: impl FnOnce(StoreState) -> Result<StoreState>) -> Result<()> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        let mut store = self.stores.read().check_alive(store_id)?.store.clone();
        let state = next(store.state)?;
        if state == store.state {
            return Ok(());
        }
        store.state = state;
        let mut batch = Batch::default();
        batch.put_store(&store);
        self.storage.write(batch)?;
        tracing::info!(store_id, ?state, "store changed its state");
        self.stores.write().put(store);
        Ok(())
    }

    /// Forgets all tombstones; answers how many there were.
    pub(crate) fn remove_tombstones(&self) -> Result<usize> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        let mut stores = self.stores.write();
        let gone: Vec<u64> = stores
            .by_id
            .values()
            .filter(|known| known.store.state == StoreState::Tombstone)
            .map(|known| known.store.id)
            .collect();
        let mut batch = Batch::default();
        for store_id in &gone {
            batch.delete_store(*store_id);
            batch.delete(keys::store_traits(*store_id));
        }
        self.storage.write(batch)?;
        gone.iter().for_each(|store_id| drop(stores.by_id.remove(store_id)));
        Ok(gone.len())
    }

    pub(crate) fn is_offline(&self, store_id: u64) -> bool {
        let stores = self.stores.read();
        stores.by_id.get(&store_id).is_some_and(|known| known.store.state == StoreState::Offline)
    }

    pub(crate) fn store_heartbeat(&self, stats: StoreStats) -> Result<()> {
        self.check_bootstrapped()?;
        let mut stores = self.stores.write();
        stores.check_alive(stats.store_id)?;
        if let Some(known) = stores.by_id.get_mut(&stats.store_id) {
            let told = self.told_now();
            known.told = Some(LastTold { first: known.told.map_or(told.at, |told| told.first), ..told });
            known.stats = Some(stats);
        }
        Ok(())
    }
}
