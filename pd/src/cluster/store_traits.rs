//! What operators set of a store: how much it should lead and hold, and how fast it may change. Labels are part of the
//! store itself, because it may bring its own.

use std::collections::BTreeMap;

use rutile_pd_client::{Store, StoreState};

use super::Cluster;
use crate::error::{Error, Result};
use crate::operator::Direction;
use crate::schedule_settings::ScheduleSettings;
use crate::storage::{Batch, Storage, keys};

/// A weight of 1.
pub(crate) const WEIGHT_ONE: u64 = 1_000;
/// Largest weight.
const WEIGHT_MAX: f64 = 1_000.0;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreTraits {
    /// Thousandths. Twice the weight is twice the leaders.
    pub(crate) leader_weight: u64,
    pub(crate) region_weight: u64,
    /// Peers per minute; the settings' without one.
    pub(crate) add_peer: Option<u64>,
    pub(crate) remove_peer: Option<u64>,
}

impl Default for StoreTraits {
    fn default() -> StoreTraits {
        StoreTraits {
            leader_weight: WEIGHT_ONE,
            region_weight: WEIGHT_ONE,
            add_peer: None,
            remove_peer: None,
        }
    }
}

impl StoreTraits {
    pub(crate) fn limit(&self, direction: Direction, settings: &ScheduleSettings) -> u64 {
        match direction {
            Direction::In => self.add_peer.unwrap_or(settings.store_limit_add_peer),
            Direction::Out => self.remove_peer.unwrap_or(settings.store_limit_remove_peer),
        }
    }

    fn fields(&mut self) -> [(&'static str, &mut u64); 2] {
        [("leader-weight", &mut self.leader_weight), ("region-weight", &mut self.region_weight)]
    }

    fn limits(&mut self) -> [(&'static str, &mut Option<u64>); 2] {
        [("add-peer", &mut self.add_peer), ("remove-peer", &mut self.remove_peer)]
    }

    /// A line `name=number` each.
    fn encode(&self) -> Vec<u8> {
        let mut copy = self.clone();
        let mut lines: Vec<String> =
            copy.fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let limits = copy.limits();
        let set = limits.iter().filter_map(|(name, limit)| (**limit).map(|limit| format!("{name}={limit}")));
        lines.extend(set);
        lines.join("\n").into_bytes()
    }

    fn decode(value: &[u8]) -> Option<StoreTraits> {
        let mut traits = StoreTraits::default();
        for line in std::str::from_utf8(value).ok()?.lines() {
            let (name, number) = line.split_once('=')?;
            let number: u64 = number.parse().ok()?;
            let field = traits.fields().into_iter().find(|(known, _)| *known == name).map(|(_, field)| field);
            if let Some(field) = field {
                *field = number;
                continue;
            }
            let limit = traits.limits().into_iter().find(|(known, _)| *known == name).map(|(_, limit)| limit);
            *limit? = Some(number);
        }
        Some(traits)
    }
}

/// A weight as operators write it.
pub(crate) fn weight(given: f64) -> Result<u64> {
    if !(0.0..=WEIGHT_MAX).contains(&given) {
        return Err(Error::Invalid(format!("a weight is from 0 to {WEIGHT_MAX}, not {given}")));
    }
    Ok((given * WEIGHT_ONE as f64).round() as u64)
}

pub(super) fn load(storage: &Storage, stores: &[Store]) -> Result<BTreeMap<u64, StoreTraits>> {
    let mut all = BTreeMap::new();
    for store in stores {
        if let Some(value) = storage.get(&keys::store_traits(store.id)) {
            let traits = StoreTraits::decode(&value);
            all.insert(store.id, traits.ok_or_else(|| storage.corrupt_value("what was set of a store"))?);
        }
    }
    Ok(all)
}

impl Cluster {
    /// What was set of a store; the defaults for one that is not known.
    pub(crate) fn store_traits(&self, store_id: u64) -> StoreTraits {
        self.stores.read().traits(store_id).cloned().unwrap_or_default()
    }

    /// Changes what is set of some stores, or of all that are no tombstones, durably.
    pub(crate) fn change_traits(
        &self,
        wanted: impl Fn(&Store) -> bool,
        change: impl Fn(&mut StoreTraits),
    ) -> Result<usize> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        let mut changed = Vec::new();
        for store in self.stores(false)?.into_iter().filter(|store| wanted(store)) {
            let mut traits = self.store_traits(store.id);
            change(&mut traits);
            changed.push((store.id, traits));
        }
        let mut batch = Batch::default();
        for (store_id, traits) in &changed {
            batch.put(keys::store_traits(*store_id), traits.encode());
        }
        self.storage.write(batch)?;
        tracing::info!(?changed, "what is set of stores changed");
        let count = changed.len();
        let mut stores = self.stores.write();
        changed.into_iter().for_each(|(store_id, traits)| stores.set_traits(store_id, traits));
        Ok(count)
    }

    /// Changes the labels of a store durably: an empty value takes a label away. With `only` the others go too.
    pub(crate) fn set_labels(&self, store_id: u64, labels: &[(String, String)], only: bool) -> Result<()> {
        self.check_bootstrapped()?;
        let _change = self.change.lock();
        let (mut store, _) = self.store(store_id)?;
        if store.state == StoreState::Tombstone {
            return Err(Error::StoreTombstone(store_id));
        }
        if only {
            store.labels.clear();
        }
        store.labels = merge_labels(&store.labels, labels);
        let mut batch = Batch::default();
        batch.put_store(&store);
        self.storage.write(batch)?;
        tracing::info!(store_id, labels = ?store.labels, "labels of a store changed");
        self.stores.write().put(store);
        Ok(())
    }
}

/// Labels with others put over them; an empty value takes a label away.
pub(super) fn merge_labels(known: &[(String, String)], over: &[(String, String)]) -> Vec<(String, String)> {
    let mut merged: BTreeMap<String, String> = known.iter().cloned().collect();
    merged.extend(over.iter().cloned());
    merged.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_are_read_as_they_were_written() {
        let traits =
            StoreTraits { leader_weight: 500, region_weight: 2_000, add_peer: Some(7), remove_peer: None };
        assert_eq!(StoreTraits::decode(&traits.encode()), Some(traits));
        assert_eq!(StoreTraits::decode(b""), Some(StoreTraits::default()));
        assert_eq!(StoreTraits::decode(b"nosuch=1"), None);
        assert!(weight(-1.0).is_err() && weight(f64::NAN).is_err());
        assert_eq!(weight(1.5).expect("a weight"), 1_500);
    }
}
