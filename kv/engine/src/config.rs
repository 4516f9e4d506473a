//! Limits of the two engines.

/// One mebibyte.
const MIB: usize = 1 << 20;

/// Bounds of the state engine. All of it together is what the engine may use, whatever the number of regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// One block cache for all column families; index and filter blocks are charged to it.
    pub block_cache_bytes: usize,
    /// All memtables of all column families together; beyond it the largest is flushed.
    pub write_buffer_total_bytes: usize,
    /// One memtable of the default or write CF.
    pub write_buffer_bytes: usize,
    /// Threads for flush and compaction.
    pub background_jobs: u32,
    /// Open table files; beyond it the least used is closed.
    pub open_files_max: u32,
    /// Write-ahead log kept before memtables are flushed to drop it.
    pub wal_bytes_max: u64,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig {
            block_cache_bytes: 256 * MIB,
            write_buffer_total_bytes: 128 * MIB,
            write_buffer_bytes: 32 * MIB,
            background_jobs: 2,
            open_files_max: 4096,
            wal_bytes_max: 256 * MIB as u64,
        }
    }
}

impl EngineConfig {
    /// For a process that is to stay below so many bytes: a quarter for blocks, an eighth for memtables.
    pub fn within(process_bytes: usize) -> EngineConfig {
        let whole = EngineConfig::default();
        let write_buffer_total_bytes = (process_bytes / 8).clamp(8 * MIB, whole.write_buffer_total_bytes);
        EngineConfig {
            block_cache_bytes: (process_bytes / 4).clamp(8 * MIB, whole.block_cache_bytes),
            write_buffer_total_bytes,
            write_buffer_bytes: write_buffer_total_bytes / 4,
            ..whole
        }
    }

    /// Little memory and frequent flushes, so that tests meet table files early.
    pub fn small() -> EngineConfig {
        EngineConfig {
            block_cache_bytes: 4 * MIB,
            write_buffer_total_bytes: 4 * MIB,
            write_buffer_bytes: MIB,
            background_jobs: 2,
            open_files_max: 128,
            wal_bytes_max: 16 * MIB as u64,
        }
    }
}

/// Bounds of the raft log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftLogConfig {
    /// One log file; the unit of recycling.
    pub file_bytes: u64,
    /// Total size above which `purge` rewrites what old files still hold.
    pub purge_threshold_bytes: u64,
    /// Recent entries of all regions kept decoded, because apply and replication read what was just appended.
    pub cache_bytes: usize,
    /// Batches larger than this are compressed.
    pub compression_threshold_bytes: u64,
}

impl Default for RaftLogConfig {
    fn default() -> RaftLogConfig {
        RaftLogConfig {
            file_bytes: 64 * MIB as u64,
            purge_threshold_bytes: 1024 * MIB as u64,
            cache_bytes: 32 * MIB,
            compression_threshold_bytes: 8 * 1024,
        }
    }
}

impl RaftLogConfig {
    /// For a process that is to stay below so many bytes.
    pub fn within(process_bytes: usize) -> RaftLogConfig {
        let whole = RaftLogConfig::default();
        RaftLogConfig { cache_bytes: (process_bytes / 64).clamp(MIB, whole.cache_bytes), ..whole }
    }

    /// Small files, so that tests meet rotation and purge early.
    pub fn small() -> RaftLogConfig {
        RaftLogConfig {
            file_bytes: 64 * 1024,
            purge_threshold_bytes: 512 * 1024,
            cache_bytes: 64 * 1024,
            compression_threshold_bytes: 8 * 1024,
        }
    }
}
