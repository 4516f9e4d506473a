//! Limits of the carrier, and whom it trusts: the same for both ends.

use std::time::Duration;

use crate::tls::PeerTls;

const MIB: usize = 1 << 20;

#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest message taken in. A raft entry holds 8 MiB, so that requests that fit are refused by the store, in its
    /// words.
    pub message_bytes_max: usize,
    /// Calls that one connection has open at once; more wait at the sender.
    pub streams_per_connection: u32,
    /// A unary call without a shorter deadline of its own ends here.
    pub call_time_max: Duration,
    /// How long a client waits for a connection.
    pub connect_time_max: Duration,
    /// How long a client waits for an answer of a store, and of PD.
    pub store_time_max: Duration,
    pub pd_time_max: Duration,
    /// A connection is asked for a sign of life this often, and given up when none comes for the second time.
    pub keepalive_interval: Duration,
    pub keepalive_time_max: Duration,
    /// How long a stopping server waits for the calls it has begun.
    pub drain_time_max: Duration,
    /// Without it nothing is encrypted, and whoever can dial may call.
    pub tls: Option<PeerTls>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes_max: 64 * MIB,
            streams_per_connection: 4_096,
            call_time_max: Duration::from_secs(60),
            connect_time_max: Duration::from_secs(2),
            store_time_max: Duration::from_secs(15),
            pd_time_max: Duration::from_secs(3),
            keepalive_interval: Duration::from_secs(10),
            keepalive_time_max: Duration::from_secs(3),
            drain_time_max: Duration::from_secs(5),
            tls: None,
        }
    }
}

impl Limits {
    /// Changes when certificates are replaced: what was connected before uses older ones.
    pub(crate) fn tls_generation(&self) -> u64 {
        self.tls.as_ref().map_or(0, PeerTls::generation)
    }
}

/// Bytes a sender may have on the way in one call and in one connection.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 2 << 20;
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
