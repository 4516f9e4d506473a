//! What clients of the MySQL port may use.

use std::time::Duration;

use crate::config::{Bytes, settings};

settings! {
    /// Clients of the MySQL port.
    ConnectionSettings in "connections" {
        /// Clients connected at the same time, and an administrator; one more gets error 1040.
        max_connections: u32 = 10_000, [1 to 100_000], live, flag "max-connections";
        /// From accept to logged in, in total.
        connect_timeout: Duration = Duration::from_secs(10), [2_000 to 3_600_000], live;
        /// A client that takes no part of its result for this long is cut off (`net_write_timeout`).
        write_timeout: Duration = Duration::from_secs(60), [1_000 to 86_400_000], live;
        /// Logins under way at the same time. What comes above it waits, up to `connect_timeout`.
        max_logins: u32 = 500, [1 to 100_000], restart;
        /// The same for one client address, so that one machine cannot keep all others waiting.
        max_logins_per_address: u32 = 32, [1 to 100_000], restart;
        /// Largest packet of a client that is logged in; a larger one gets error 1153.
        max_allowed_packet: Bytes = Bytes(64 << 20), [1_024 to 1_073_741_824], live;
        /// From the third failed login on, the next one of the same account and address waits: a second, doubled with
        /// every failure up to this. 0s: nobody waits.
        failed_login_delay_max: Duration = Duration::from_secs(60), [0 to 3_600_000], live;
    }
}

impl ConnectionSettings {
    /// Those that are system variables as well, where SET GLOBAL changes them until the next start.
    pub(crate) fn variables(&self) -> [(&'static str, u64); 4] {
        [
            ("max_connections", u64::from(self.max_connections)),
            ("connect_timeout", seconds(self.connect_timeout)),
            ("net_write_timeout", seconds(self.write_timeout)),
            ("max_allowed_packet", self.max_allowed_packet.0 as u64),
        ]
    }
}

/// MySQL's timeouts are whole seconds.
fn seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
