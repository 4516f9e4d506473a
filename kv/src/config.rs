//! Configuration of a store.

use std::path::PathBuf;
use std::time::Duration;

/// Sizes and addresses; each has a default that fits one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What clients dial; any non-empty name in process.
    pub address: String,
    /// Where the store is, `zone` and `host` for instance, and what it is like: PD places peers by them.
    pub labels: Vec<(String, String)>,
    /// A region is split into pieces of this size once it is half as large again.
    pub region_split_bytes: u64,
    /// The same for the number of records.
    pub region_split_keys: u64,
    /// Raft log bytes after which the state engine is flushed and the log truncated.
    pub raft_log_gc_bytes: u64,
    /// A peer that heard of no leader for so long asks PD whether it is still a member.
    pub stale_peer_interval: Duration,
    /// A raft log waits for a peer that lags behind by up to so many entries; beyond, the peer gets a snapshot.
    pub raft_log_lag_max: u64,
    /// Where the engines are, to look at the space left there; nobody looks without it.
    pub data_dir: Option<PathBuf>,
    /// With fewer bytes left, user writes are refused.
    pub disk_reserve_bytes: u64,
    /// The same from this part of the disk on.
    pub disk_used_percent_max: u64,
    /// How often the leader of a region reports it, besides each change; PD's next step comes with the answer.
    pub region_heartbeat_interval: Duration,
    /// Tells PD, with each report of the store, below which timestamp nothing commits here any more.
    pub reports_resolved_ts: bool,
    /// How often PD is asked for the GC safe point.
    pub gc_poll_interval: Duration,
    /// Bytes of records that garbage collection walks in a second.
    pub gc_bytes_per_second: u64,
    /// Coprocessor requests that run at once.
    pub coprocessor_concurrency: usize,
    /// Keep pessimistic locks in the memory of the region's leader, where there is room, instead of replicating them.
    pub in_memory_pessimistic_locks: bool,
    /// Regions that nobody uses fall asleep: their peers send nothing and cost nothing.
    pub hibernate_regions: bool,
    /// For so long nobody uses a region before its leader asks the others to sleep.
    pub hibernate_after: Duration,
    /// How often a follower that sleeps looks whether its leader is there, and a leader that sleeps reports to PD.
    pub hibernate_check_interval: Duration,
}

const MIB: u64 = 1 << 20;

impl Default for Config {
    fn default() -> Self {
        Config {
            address: "in-process".to_owned(),
            labels: Vec::new(),
            region_split_bytes: 256 * MIB,
            region_split_keys: 2_560_000,
            raft_log_gc_bytes: 128 * MIB,
            stale_peer_interval: Duration::from_secs(600),
            raft_log_lag_max: 200_000,
            data_dir: None,
            disk_reserve_bytes: 512 * MIB,
            disk_used_percent_max: 95,
            region_heartbeat_interval: Duration::from_secs(60),
            reports_resolved_ts: false,
            gc_poll_interval: Duration::from_secs(10),
            gc_bytes_per_second: 32 * MIB,
            coprocessor_concurrency: 4,
            in_memory_pessimistic_locks: true,
            hibernate_regions: false,
            hibernate_after: Duration::from_secs(3),
            hibernate_check_interval: Duration::from_secs(60),
        }
    }
}
