//! What a SQL node is told when it opens.

use crate::memory::MemoryLimit;
use crate::variable::ServerFacts;

/// Settings of `Instance::open`.
#[derive(Debug, Clone, Default)]
pub struct InstanceConfig {
    /// Version, host, port … as the system variables show them.
    pub facts: ServerFacts,
    pub memory: MemoryLimit,
}
