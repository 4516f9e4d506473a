//! Counters of a store: plain atomics, read as one [`Snapshot`].

use std::sync::atomic::{AtomicU64, Ordering};

use rutile_kv_env::Histogram;

/// A number that others read without asking.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the counter.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counters of a store; monotonic unless said otherwise.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: Counter,)+
            /// Appends to the raft log, with their fsync.
            pub raft_append_time: Histogram,
            /// Requests for pessimistic locks, with their wait for other transactions.
            pub lock_time: Histogram,
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Metrics {
            /// Reads all counters.
            pub fn snapshot(&self) -> Snapshot {
                Snapshot { $($name: self.$name.get(),)+ }
            }
        }

        impl Snapshot {
            /// Names and values, for a metrics page.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }
    };
}

metrics! {
    /// Get, batch get, scan and scan lock requests.
    reads,
    /// Transaction commands received.
    commands,
    /// Lock requests refused because waiting would be a deadlock.
    deadlocks,
    /// Pessimistic locks that were kept in memory.
    memory_locks,
    /// Pessimistic locks for which there was no room in memory, so that they were replicated.
    memory_locks_refused,
    /// Coprocessor requests received.
    coprocessor_requests,
    /// Coprocessor requests refused because the queue was full.
    coprocessor_rejected,
    /// Reads that had to ask a quorum because the lease was not valid.
    read_barriers,
    /// Reads that a peer which does not lead took on.
    follower_reads,
    /// Write proposals taken by the raft thread.
    proposals,
    /// Raft entries appended.
    raft_entries,
    /// Rounds of the raft thread that appended something, each with one fsync.
    raft_appends,
    /// Bytes of raft entries appended.
    raft_bytes,
    /// Engine batches written by the apply thread.
    apply_batches,
    /// Bytes of user changes applied.
    apply_bytes,
    /// Gauge: regions with a peer on this store.
    regions,
    /// Gauge: regions led by this store.
    leaders,
    /// Regions that became a part of their neighbour.
    merges,
    /// Merges that were begun and could not be ended.
    merges_rolled_back,
    /// Regions made by splits.
    splits,
    /// Transfers of leadership begun by leaders here.
    leader_transfers,
    /// Changes of members applied by peers here.
    conf_changes,
    /// Peers destroyed because they are no members any more.
    peers_destroyed,
    /// Snapshots begun to be sent to other stores.
    snapshots_sent,
    /// Snapshots of other stores that were applied.
    snapshots_applied,
    /// Raft messages sent to other stores.
    raft_messages,
    /// Ticks of peers that are awake.
    raft_ticks,
    /// Gauge: regions whose peer on this store sleeps, because nobody uses them.
    regions_asleep,
    /// Raft messages of other stores that were not taken.
    raft_messages_dropped,
    /// Raft log truncations.
    log_compactions,
    /// Passes of garbage collection that reached every region led here.
    gc_passes,
    /// Records that garbage collection looked at.
    gc_records_walked,
    /// Records that garbage collection removed.
    gc_records_removed,
    /// Region heartbeats sent to the placement driver.
    region_heartbeats,
    /// Messages to the placement driver that failed.
    pd_failures,
}
