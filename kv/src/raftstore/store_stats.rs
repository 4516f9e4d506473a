//! What a store tells PD of itself: the space on its disk, what it uses of it, and what it holds.
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::{Disk, HISTOGRAM_BOUNDS_MICROS, HistogramReading};
use rutile_pd_client::StoreStats;

use crate::metrics::Metrics;

/// Looks at the disk and the engines.
pub struct StoreMeter {
    pub disk: Arc<dyn Disk>,
    /// Without it the space is not known, and told as 0.
    pub data_dir: Option<PathBuf>,
    pub engine: Arc<dyn Engine>,
    pub raft_log: Arc<dyn RaftLog>,
    pub slowness: Slowness,
}

/// An append to the raft log that takes longer is slow.
const SLOW_APPEND_MICROS: u64 = 500_000;
const SCORE_MAX: u64 = 100;
/// A store recovers by so much with each report.
const SCORE_RECOVERS: u64 = 10;

/// How slow the disk is, from 1 to 100, as PD's slow score has it: it grows at once with the part of slow appends, all of
/// them slow within two reports, and falls slowly.
#[derive(Default)]
pub struct Slowness {
    last: Mutex<(u64, u64, u64)>,
}

impl Slowness {
    /// The score, from all appends so far.
    fn score(&self, appends: &HistogramReading) -> u64 {
        let fast = HISTOGRAM_BOUNDS_MICROS.partition_point(|bound| *bound <= SLOW_APPEND_MICROS);
        let slow: u64 = appends.buckets.iter().skip(fast).sum();
        let all = appends.count();
        let mut last = self.last.lock();
        let (score, known_all, known_slow) = *last;
        let (new_all, new_slow) = (all.saturating_sub(known_all), slow.saturating_sub(known_slow));
        let part = (SCORE_MAX / 2 * new_slow).checked_div(new_all).unwrap_or(0);
        let score = match part {
            0 => score.saturating_sub(SCORE_RECOVERS),
            part => score + part,
        };
        let score = score.clamp(1, SCORE_MAX);
        *last = (score, all, slow);
        score
    }
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
            slow_score: self.slowness.score(&metrics.raft_append_time.read()),
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
    use std::time::Duration;

    use rutile_kv_env::{Histogram, Simulation};

    use super::*;

    #[test]
    fn space_is_that_of_the_disk_under_the_data() {
        let env = Simulation::new(1).env();
        let meter = |data_dir: Option<&str>| StoreMeter {
            disk: env.disk.clone(),
            data_dir: data_dir.map(PathBuf::from),
            engine: Arc::new(MemoryEngine::new()),
            raft_log: Arc::new(MemoryRaftLog::new()),
            slowness: Slowness::default(),
        };
        let metrics = Metrics::default();
        metrics.regions.set(3);
        let told = meter(Some("/data")).stats(7, &metrics);
        let total_bytes = env.disk.total_space("/data".as_ref()).expect("measured");
        assert_eq!((told.store_id, told.region_count, told.capacity_bytes), (7, 3, total_bytes));
        assert!(told.available_bytes > 0 && told.available_bytes <= told.capacity_bytes);
        assert_eq!(meter(None).stats(7, &metrics).capacity_bytes, 0, "not known");
    }

    #[test]
    fn slow_appends_show_at_once_and_are_forgotten_slowly() {
        let (slowness, appends) = (Slowness::default(), Histogram::default());
        let append = |millis: u64, count: u64| {
            (0..count).for_each(|_| appends.observe(Duration::from_millis(millis)));
            slowness.score(&appends.read())
        };
        assert_eq!(append(1, 10), 1);
        assert_eq!([append(900, 10), append(900, 10), append(900, 10)], [51, 100, 100]);
        assert_eq!([append(1, 10), append(1, 0)], [90, 80]);
        append(900, 1);
        assert_eq!((0..20).fold(None, |_, _| Some(append(1, 1))), Some(1));
    }
}
