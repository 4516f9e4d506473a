//! What a store tells PD of itself: the space on its disk, what it uses of it, and what it holds.
use std::path::PathBuf;
use std::sync::Arc;

use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::Disk;
use rutile_pd_client::StoreStats;

use crate::metrics::Metrics;

/// Looks at the disk and the engines.
pub struct StoreMeter {
    pub disk: Arc<dyn Disk>,
    /// Without it the space is not known, and told as 0.
    pub data_dir: Option<PathBuf>,
    pub engine: Arc<dyn Engine>,
    pub raft_log: Arc<dyn RaftLog>,
}

impl StoreMeter {
    /// The state now.
    pub fn stats(&self, store_id: u64, metrics: &Metrics) -> StoreStats {
        let (capacity_bytes, available_bytes) = self.space();
        StoreStats {
            store_id,
            capacity_bytes,
            available_bytes,
            used_bytes: self.engine.metrics().table_files_bytes + self.raft_log.metrics().disk_bytes,
            region_count: u32::try_from(metrics.regions.get()).unwrap_or(u32::MAX),
            bytes_written: metrics.apply_bytes.get(),
            ..StoreStats::default()
        }
    }

    fn space(&self) -> (u64, u64) {
        let Some(data_dir) = &self.data_dir else {
            return (0, 0);
        };
        let measured = self.disk.total_space(data_dir).and_then(|total_bytes| {
            let available_bytes = self.disk.available_space(data_dir)?;
            Ok((total_bytes, available_bytes))
        });
        measured.unwrap_or_else(|error| {
            tracing::warn!(%error, "space on the disk is not known");
            (0, 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_engine::{MemoryEngine, MemoryRaftLog};
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn space_is_that_of_the_disk_under_the_data() {
        let env = Simulation::new(1).env();
        let meter = |data_dir: Option<&str>| StoreMeter {
            disk: env.disk.clone(),
            data_dir: data_dir.map(PathBuf::from),
            engine: Arc::new(MemoryEngine::new()),
            raft_log: Arc::new(MemoryRaftLog::new()),
        };
        let metrics = Metrics::default();
        metrics.regions.set(3);
        let told = meter(Some("/data")).stats(7, &metrics);
        let total_bytes = env.disk.total_space("/data".as_ref()).expect("measured");
        assert_eq!((told.store_id, told.region_count, told.capacity_bytes), (7, 3, total_bytes));
        assert!(told.available_bytes > 0 && told.available_bytes <= told.capacity_bytes);
        assert_eq!(meter(None).stats(7, &metrics).capacity_bytes, 0, "not known");
    }
}
