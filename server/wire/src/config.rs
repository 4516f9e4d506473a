//! Limits, timeouts and identity of a connection.

use std::sync::Arc;
use std::time::Duration;

use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::watch;

use crate::auth::SCRAMBLE_BYTES;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::tls::ServerTls;

/// Largest packet accepted before the login is through: connection attributes may hold 64 KiB, names and passwords a
/// little. A whole TLS handshake is no packet.
pub const PRE_AUTH_PACKET_BYTES_MAX: usize = (64 << 10) + (16 << 10);

/// Default of `max_allowed_packet`.
pub const ALLOWED_PACKET_BYTES_DEFAULT: usize = 64 << 20;

/// Why the server ends a connection that did nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The process is going down: ER_SERVER_SHUTDOWN.
    Shutdown,
    /// KILL of this connection.
    Killed,
}

/// Tells a connection to end after its current command. The sender keeps the other half of the channel.
pub type Stop = watch::Receiver<Option<StopReason>>;

/// What [`crate::serve_connection`] needs to know beside the stream.
#[derive(Clone)]
pub struct ConnectionConfig {
    /// Sent in the greeting; drivers branch on its leading `8.0.`.
    pub server_version: String,
    /// Unique among live connections, at most 32 bits on the wire.
    pub connection_id: u32,
    /// Client address as accounts know it (`127.0.0.1`, `::1`).
    pub client_host: String,
    /// Collation id of the greeting; 255 is utf8mb4_0900_ai_ci.
    pub collation: u8,
    /// From accept to authenticated, in total and not per byte.
    pub connect_timeout: Duration,
    /// A client that does not take its result for this long loses the connection (`net_write_timeout`).
    pub write_timeout: Duration,
    pub allowed_packet_bytes_max: usize,
    /// The most that a login waits for failures of the same account and address; zero for no delays.
    pub failed_login_delay_max: Duration,
    /// Offered to clients when there is one.
    pub tls: Option<ServerTls>,
    /// Nobody logs in without it (`require_secure_transport`).
    pub tls_required: bool,
    pub stop: Stop,
    pub metrics: Arc<Metrics>,
    /// Fills a scramble; anything but the operating system's generator is for recorded tests.
    pub nonce: fn(&mut [u8; SCRAMBLE_BYTES]) -> Result<()>,
}

impl ConnectionConfig {
    pub fn new(
        server_version: impl Into<String>,
        connection_id: u32,
        client_host: impl Into<String>,
        stop: Stop,
    ) -> Self {
        Self {
            server_version: server_version.into(),
            connection_id,
            client_host: client_host.into(),
            collation: 255,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            allowed_packet_bytes_max: ALLOWED_PACKET_BYTES_DEFAULT,
            failed_login_delay_max: Duration::from_secs(60),
            tls: None,
            tls_required: false,
            stop,
            metrics: Arc::new(Metrics::default()),
            nonce: os_nonce,
        }
    }
}

/// 20 bytes from the operating system, none of them 0 or `$`: clients read the scramble as a C string, and MySQL's
/// own generator avoids the separator of the stored verifier.
pub fn os_nonce(scramble: &mut [u8; SCRAMBLE_BYTES]) -> Result<()> {
    for slot in scramble.iter_mut() {
        loop {
            let mut byte = [0u8; 1];
            OsRng
                .try_fill_bytes(&mut byte)
                .map_err(|_| Error::Internal("the system gives no random bytes"))?;
            let candidate = byte[0] & 0x7f;
            if candidate != 0 && candidate != b'$' {
                *slot = candidate;
                break;
            }
        }
    }
    Ok(())
}
