//! What garbage collection may never change, on random histories, and that it ends with nothing left to remove.
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_engine::WriteBatch;
use rutile_kv_env::{Env, Random};
use rutile_kv_types::{Cf, Key, TimeStamp, Write, WriteType};

use super::Collector;
use crate::concurrency_manager::ConcurrencyManager;
use crate::local_replica::LocalReplica;
use crate::metrics::Metrics;
use crate::mvcc::{PointGetter, ReadOptions, Versions};
use crate::replica::Replica as _;
use crate::txn::Scheduler;

const KEYS: u64 = 6;
const TS_MAX: u64 = 60;
/// Above every record.
const TS_END: u64 = TS_MAX + 10;

struct Fixture {
    replica: Arc<LocalReplica>,
    collector: Collector<LocalReplica>,
    metrics: Arc<Metrics>,
}

impl Fixture {
    fn new() -> Self {
        let env = Env::real();
        let replica = LocalReplica::new(Bytes::new(), Bytes::new());
        let concurrency = Arc::new(ConcurrencyManager::default());
        let scheduler = Arc::new(Scheduler::new(env.clone(), replica.clone(), concurrency, Arc::default()));
        let metrics = Arc::new(Metrics::default());
        let collector = Collector { env, scheduler, metrics: metrics.clone(), bytes_per_second: u64::MAX };
        Fixture { replica, collector, metrics }
    }

    fn put(&self, key: &Key, commit_ts: u64, write: &Write) {
        let mut batch = WriteBatch::new();
        if write.write_type == WriteType::Put && write.short_value.is_none() {
            let at = key.with_ts(write.start_ts);
            batch.put(Cf::Default, at.as_encoded(), long_value(write.start_ts));
        }
        batch.put(Cf::Write, key.with_ts(commit_ts.into()).as_encoded(), write.to_bytes());
        self.replica.engine.write(batch, false).expect("memory engine");
    }

    async fn collect(&self, safe_point: u64) {
        for region in self.replica.led_regions() {
            self.collector.collect_region(&region, safe_point.into()).await.expect("collects");
        }
    }

    fn records(&self, cf: Cf) -> usize {
        self.replica.dump().iter().filter(|(found, ..)| *found == cf).count()
    }

    /// What every reader from `from` on sees of every key.
    fn read_all(&self, from: u64) -> Vec<Option<Bytes>> {
        let engine = self.replica.engine.snapshot();
        let mut seen = Vec::new();
        for ts in from..=TS_END {
            let options = ReadOptions::at(ts.into());
            let versions = Versions { engine: &*engine, has_locks: false };
            let mut getter = PointGetter::new(versions, &options);
            seen.extend((0..KEYS).map(|n| getter.get(&key(n)).expect("no value is missing")));
        }
        seen
    }
}

fn key(n: u64) -> Key {
    Key::from_raw(format!("k{n:05}").as_bytes())
}

fn long_value(start_ts: TimeStamp) -> Vec<u8> {
    format!("{start_ts}-").repeat(300).into_bytes()
}

/// A record of any kind; sometimes it carries an overlapped rollback with a fence.
fn random_write(random: &dyn Random, start_ts: u64, commit_ts: u64) -> Write {
    let write_type = match random.range(0..8) {
        0..4 => WriteType::Put,
        4..6 => WriteType::Delete,
        6 => WriteType::Lock,
        _ => WriteType::Rollback,
    };
    let short = write_type == WriteType::Put && random.range(0..2) == 0;
    let mut write = Write::new(write_type, start_ts.into(), short.then(|| format!("v{start_ts}").into()));
    if write_type == WriteType::Put && random.range(0..6) == 0 {
        write.has_overlapped_rollback = true;
        let fence = if random.range(0..2) == 0 { 0 } else { commit_ts + random.range(1..20) };
        write.gc_fence = Some(fence.into());
    }
    write
}

#[tokio::test]
async fn no_reader_at_or_above_the_safe_point_sees_a_difference() {
    for seed in 0..300 {
        let random = Env::simulated(seed).random;
        let fixture = Fixture::new();
        for n in 0..KEYS {
            let mut ts = 0;
            while ts < TS_MAX {
                let start_ts = ts + random.range(1..6);
                ts = start_ts + random.range(0..4);
                let mut write = random_write(&*random, start_ts, ts);
                if write.write_type == WriteType::Rollback {
                    ts = start_ts;
                    write.gc_fence = None;
                }
                fixture.put(&key(n), ts, &write);
            }
        }
        let mut safe_point = 0;
        while safe_point < TS_MAX {
            safe_point += random.range(1..30);
            let before = fixture.read_all(safe_point);
            fixture.collect(safe_point).await;
            assert_eq!(fixture.read_all(safe_point), before, "seed {seed}, safe point {safe_point}");
            let removed = fixture.metrics.snapshot().gc_records_removed;
            fixture.collect(safe_point).await;
            assert_eq!(fixture.metrics.snapshot().gc_records_removed, removed, "all went at once");
        }
        let alive = fixture.read_all(TS_END).into_iter().flatten().collect::<Vec<_>>();
        fixture.collect(10 * TS_END).await;
        let long = alive.iter().filter(|value| value.len() > 255).count();
        assert!(fixture.records(Cf::Write) <= alive.len(), "seed {seed}: one record for each value at most");
        assert!(fixture.records(Cf::Default) <= long, "seed {seed}: values go with their records");
    }
}

#[tokio::test]
async fn more_than_one_walk_and_one_command_hold() {
    let fixture = Fixture::new();
    for n in 0..2_000 {
        fixture.put(&key(n), 2, &Write::new(WriteType::Put, 1.into(), Some("old".into())));
        fixture.put(&key(n), 4, &Write::new(WriteType::Put, 3.into(), Some("new".into())));
    }
    for ts in 0..5_000 {
        let write = Write::new(WriteType::Put, (2 * ts + 10).into(), Some("hot".into()));
        fixture.put(&key(7), 2 * ts + 11, &write);
    }
    // The newest is a delete, which must not go before the thousands below it.
    fixture.put(&key(7), 20_001, &Write::new(WriteType::Delete, 20_000.into(), None));
    fixture.collect(30_000).await;
    assert_eq!(fixture.records(Cf::Write), 1_999);
    assert_eq!(fixture.metrics.snapshot().gc_records_removed, 2_000 + 2 + 5_000);
}

/// A store that did not ask PD yet must not answer what is gone already.
#[tokio::test]
async fn a_replica_learns_the_safe_point_with_the_removal() {
    let fixture = Fixture::new();
    fixture.put(&key(1), 2, &Write::new(WriteType::Put, 1.into(), Some("old".into())));
    fixture.put(&key(1), 4, &Write::new(WriteType::Put, 3.into(), Some("new".into())));
    let command = super::collect::Collect::new(vec![key(1)], 5.into());
    fixture.collector.scheduler.run(&fixture.replica.context(), command).await.expect("collects");
    assert_eq!(fixture.replica.safe_point().get(), TimeStamp::new(5));
}
