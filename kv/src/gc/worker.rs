//! The pace: which regions are walked when, and how fast.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Env;
use rutile_kv_types::{Key, TimeStamp};
use rutile_pd_client::PdClient;

use super::collect::Collect;
use super::walk::walk;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::replica::{LedRegion, RegionContext, Replica};
use crate::txn::Scheduler;

/// Removes garbage of single regions.
pub struct Collector<R> {
    pub env: Env,
    pub scheduler: Arc<Scheduler<R>>,
    pub metrics: Arc<Metrics>,
    /// Bytes of records walked in a second.
    pub bytes_per_second: u64,
}

/// What the walk of a region left behind.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    applied_index: u64,
    has_later: bool,
}

impl<R: Replica> Collector<R> {
    /// Removes all garbage of a region. The safe point must be the one that is published, or an earlier one.
    pub async fn collect_region(&self, region: &LedRegion, safe_point: TimeStamp) -> Result<Seen> {
        self.scheduler.replica().safe_point().raise(safe_point);
        // What is written during the walk, its own removals included, makes the next pass look again.
        let mut seen = Seen { applied_index: region.applied_index, has_later: false };
        let mut from = Vec::new();
        loop {
            let snapshot = self.scheduler.snapshot(&region.context).await?;
            let walked = walk(&*snapshot.engine, &snapshot.region, &from, safe_point)?;
            drop(snapshot);
            self.metrics.gc_records_walked.add(walked.records);
            seen.has_later |= walked.has_later;
            self.collect_keys(&region.context, walked.keys, safe_point).await?;
            let nanos = walked.bytes as u64 * 1_000_000_000 / self.bytes_per_second.max(1);
            self.env.clock.sleep(Duration::from_nanos(nanos)).await;
            match walked.next {
                Some(next) => from = next,
                None => return Ok(seen),
            }
        }
    }

    async fn collect_keys(
        &self,
        context: &RegionContext,
        mut keys: Vec<Key>,
        safe_point: TimeStamp,
    ) -> Result<()> {
        while !keys.is_empty() {
            let collected = self.scheduler.run(context, Collect::new(keys, safe_point)).await?;
            self.metrics.gc_records_removed.add(collected.records as u64);
            keys = collected.rest;
        }
        Ok(())
    }
}

/// State of the task.
pub struct Worker<R> {
    pub collector: Collector<R>,
    pub pd: PdClient,
    /// How often PD is asked for the safe point.
    pub poll_interval: Duration,
}

/// Regions walked, and the safe point of the last pass that reached them all.
#[derive(Default)]
struct Progress {
    finished: TimeStamp,
    seen: BTreeMap<u64, Seen>,
}

impl<R: Replica> Worker<R> {
    /// The loop of the task; ends by being aborted.
    pub async fn run(self) {
        let mut progress = Progress::default();
        loop {
            match self.pd.gc_safe_point().await {
                Ok(safe_point) => self.pass(safe_point, &mut progress).await,
                Err(error) => {
                    self.collector.metrics.pd_failures.add(1);
                    tracing::warn!(%error, "PD did not tell the GC safe point");
                }
            }
            self.collector.env.clock.sleep(self.poll_interval).await;
        }
    }

    /// Visits all regions led here. A region that changes on the way is visited again by the next pass.
    async fn pass(&self, safe_point: TimeStamp, progress: &mut Progress) {
        // At once, not region by region: what may be gone anywhere is refused everywhere.
        let replica = self.collector.scheduler.replica();
        replica.safe_point().raise(safe_point);
        if safe_point <= progress.finished {
            return;
        }
        let regions = replica.led_regions();
        progress.seen.retain(|region_id, _| {
            regions.binary_search_by_key(region_id, |region| region.context.region_id).is_ok()
        });
        let mut complete = true;
        for region in regions {
            let region_id = region.context.region_id;
            let seen = progress.seen.get(&region_id);
            if seen.is_some_and(|seen| seen.applied_index == region.applied_index && !seen.has_later) {
                continue;
            }
            match self.collector.collect_region(&region, safe_point).await {
                Ok(seen) => drop(progress.seen.insert(region_id, seen)),
                Err(error) => {
                    tracing::info!(region_id, %error, "garbage of a region stays until the next pass");
                    complete = false;
                }
            }
        }
        if complete {
            progress.finished = safe_point;
            self.collector.metrics.gc_passes.add(1);
        }
    }
}
