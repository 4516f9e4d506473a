//! The placement driver as one object, for as long as its member leads.

use std::sync::Arc;

use rutile_kv_env::{Clock, Env, Random};

use crate::cluster::{Cluster, IdAllocator};
use crate::config::PdConfig;
use crate::error::Result;
use crate::events::Events;
use crate::gc::GcSafePoint;
use crate::operator::Operators;
use crate::placement::Placement;
use crate::schedule_settings::KeptSettings;
use crate::scheduler::{Scattered, Schedulers};
use crate::service::Listeners;
use crate::statistics::{Flows, History, Moves};
use crate::storage::{Batch, Storage, keys};
use crate::tso::Tso;

/// What a leader made of the map, and goes on with in memory. When it leads no more this is dropped as a whole.
pub(crate) struct Pd {
    pub(crate) config: PdConfig,
    pub(crate) cluster_id: u64,
    /// Unix milliseconds.
    pub(crate) started_ms: u64,
    pub(crate) storage: Arc<Storage>,
    pub(crate) tso: Tso,
    pub(crate) ids: IdAllocator,
    pub(crate) cluster: Cluster,
    pub(crate) gc: GcSafePoint,
    pub(crate) settings: KeptSettings,
    pub(crate) placement: Placement,
    pub(crate) schedulers: Schedulers,
    pub(crate) operators: Operators,
    pub(crate) events: Events,
    pub(crate) flows: Flows,
    pub(crate) history: History,
    pub(crate) moves: Moves,
    pub(crate) scattered: Scattered,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) listeners: Listeners,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Pd {
    /// Reads what is stored, when this member begins to lead.
    pub(crate) fn lead(env: Env, config: PdConfig, storage: Arc<Storage>) -> Result<Pd> {
        let cluster_id = match storage.get_u64(keys::CLUSTER_ID)? {
            Some(id) => id,
            None => {
                // Never 0, which clients read as "absent"; below 2^63, because some tools print it signed.
                let id = env.random.range(1..1 << 63);
                let mut batch = Batch::default();
                batch.put_u64(keys::CLUSTER_ID, id);
                storage.write(batch)?;
                id
            }
        };
        Ok(Pd {
            cluster_id,
            started_ms: env.clock.unix_millis(),
            tso: Tso::open(&env, Arc::clone(&storage), config.tso_window)?,
            ids: IdAllocator::open(Arc::clone(&storage))?,
            cluster: Cluster::open(&env, Arc::clone(&storage))?,
            gc: GcSafePoint::open(&env, Arc::clone(&storage))?,
            settings: KeptSettings::open(Arc::clone(&storage))?,
            placement: Placement::open(Arc::clone(&storage))?,
            schedulers: Schedulers::open(Arc::clone(&storage))?,
            operators: Operators::default(),
            events: Events::default(),
            flows: Flows::default(),
            history: History::default(),
            moves: Moves::default(),
            scattered: Scattered::default(),
            random: env.random.clone(),
            listeners: Listeners::default(),
            clock: env.clock.clone(),
            storage,
            config,
        })
    }

    #[cfg(test)]
    pub(crate) fn cluster_id(&self) -> u64 {
        self.cluster_id
    }

    /// What is older may have been removed, as Unix milliseconds; 0 before anything was.
    pub(crate) fn gc_safe_point_ms(&self) -> u64 {
        self.gc.get().physical()
    }

    /// Timestamps up to here may have been given away, as Unix milliseconds.
    pub(crate) fn timestamps_end_ms(&self) -> u64 {
        self.tso.window_end().physical()
    }

    /// Regions known now.
    pub(crate) fn region_count(&self) -> usize {
        self.cluster.region_count()
    }
}
