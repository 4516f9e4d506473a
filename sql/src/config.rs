//! What a SQL node is told when it opens.

use std::path::PathBuf;

use crate::cluster::ClusterConfig;
use crate::memory::{MemoryLimit, ResidentProbe};
use crate::variable::ServerFacts;

/// Settings of `Instance::open`.
#[derive(Debug, Clone, Default)]
pub struct InstanceConfig {
    /// Version, host, port … as the system variables show them.
    pub facts: ServerFacts,
    pub memory: MemoryLimit,
    /// Without it only what is counted is known.
    pub resident: Option<ResidentProbe>,
    pub spill: Spill,
    /// Set where other SQL nodes may use the same storage.
    pub cluster: Option<ClusterConfig>,
}

/// Where sorts and groupings put what does not fit into memory.
#[derive(Debug, Clone)]
pub struct Spill {
    /// An empty directory of this node alone; the system's directory for temporary files without it.
    pub directory: Option<PathBuf>,
    /// All temporary files together; a statement that would pass it gets error 1114.
    pub bytes_max: u64,
}

impl Default for Spill {
    fn default() -> Self {
        Self { directory: None, bytes_max: SPILL_BYTES_DEFAULT }
    }
}

const SPILL_BYTES_DEFAULT: u64 = 16 << 30;
