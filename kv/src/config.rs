//! Configuration of a store.

/// Sizes and addresses; each has a default that fits one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What clients dial; any non-empty name in process.
    pub address: String,
    /// A region is split into pieces of this size once it is half as large again.
    pub region_split_bytes: u64,
    /// The same for the number of records.
    pub region_split_keys: u64,
    /// Raft log bytes after which the state engine is flushed and the log truncated.
    pub raft_log_gc_bytes: u64,
    /// Coprocessor requests that run at once.
    pub coprocessor_concurrency: usize,
}

const MIB: u64 = 1 << 20;

impl Default for Config {
    fn default() -> Self {
        Config {
            address: "in-process".to_owned(),
            region_split_bytes: 256 * MIB,
            region_split_keys: 2_560_000,
            raft_log_gc_bytes: 128 * MIB,
            coprocessor_concurrency: 4,
        }
    }
}
