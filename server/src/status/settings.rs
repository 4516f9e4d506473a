//! What the status port allows.

use std::time::Duration;

use crate::config::{Bytes, settings};

settings! {
    /// The HTTP port for people and monitoring: /status, /ready, /metrics, /config.
    StatusSettings in "status" {
        /// Address to listen on; what the pages show is for everybody who reaches it.
        host: String = "127.0.0.1".to_owned(), restart, flag "status-host";
        /// Port; 0 takes a free one.
        port: u16 = 10080, restart, flag "status-port";
        /// Clients connected at the same time; one more is turned away.
        max_connections: u32 = 64, [1 to 10_000], restart;
        /// A client has this long for a request, from its first byte or from the last answer.
        request_timeout: Duration = Duration::from_secs(10), [100 to 3_600_000], restart;
        /// Largest request head; a larger one gets 431.
        max_request: Bytes = Bytes(16 << 10), [8_192 to 1_048_576], restart;
    }
}
