//! What the engines tell about themselves; the store publishes it.

/// A reading of the state engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineMetrics {
    /// Unflushed data in memory, all column families.
    pub memtable_bytes: u64,
    pub block_cache_bytes: u64,
    /// Live table files.
    pub table_files_bytes: u64,
    /// Compaction debt; grows when writes outrun the disk.
    pub pending_compaction_bytes: u64,
    pub snapshots: u64,
    /// Writes are slowed or stopped right now.
    pub is_write_stalled: bool,
    /// Failed background work since start; the engine refuses writes after some of them.
    pub background_errors: u64,
    /// Keys, tombstones and old versions included.
    pub keys_estimate: u64,
}

/// A reading of the raft log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RaftLogMetrics {
    /// Bytes in log files.
    pub disk_bytes: u64,
    /// Decoded entries held for readers.
    pub cache_bytes: u64,
    pub regions: u64,
}
