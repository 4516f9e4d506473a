//! Settings of the server itself, apart from those of the layers it starts.

use std::time::Duration;

/// Limits that no flag changes yet.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// From accept to logged in.
    pub(crate) connect_timeout: Duration,
    /// How long a client may take no part of its result.
    pub(crate) write_timeout: Duration,
    pub(crate) allowed_packet_bytes_max: usize,
    /// How long a stop waits for running statements before it cuts them off.
    pub(crate) drain_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            allowed_packet_bytes_max: 64 << 20,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
