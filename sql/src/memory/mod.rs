//! Memory quotas of the SQL layer: one pool for the server.
//!
//! Missing for now: per-query quotas and spilling; the DataFusion path takes its pool from here.

/// Bytes all queries together may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit {
    pub server_bytes: usize,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self { server_bytes: SERVER_BYTES_DEFAULT }
    }
}

/// Half of a small machine's memory; `server_memory_limit` of the configuration changes it.
const SERVER_BYTES_DEFAULT: usize = 1 << 30;
