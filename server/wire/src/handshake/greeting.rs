//! The server's first packet, `HandshakeV10`.

use crate::auth::{DEFAULT_PLUGIN, SCRAMBLE_BYTES};
use crate::capability::Capabilities;
use crate::packet::put;
use crate::status::ServerStatus;

pub(crate) struct Greeting<'a> {
    pub(crate) server_version: &'a str,
    pub(crate) connection_id: u32,
    pub(crate) scramble: &'a [u8; SCRAMBLE_BYTES],
    pub(crate) capabilities: Capabilities,
    pub(crate) collation: u8,
}

impl Greeting<'_> {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (first, second) = self.scramble.split_at(8);
        let [cap0, cap1, cap2, cap3] = self.capabilities.0.to_le_bytes();
        out.push(10);
        put::nul_bytes(out, self.server_version.as_bytes());
        out.extend_from_slice(&self.connection_id.to_le_bytes());
        out.extend_from_slice(first);
        out.push(0);
        out.extend_from_slice(&[cap0, cap1]);
        out.push(self.collation);
        out.extend_from_slice(&ServerStatus::AUTOCOMMIT.0.to_le_bytes());
        out.extend_from_slice(&[cap2, cap3]);
        // Length of the scramble with its terminating zero.
        out.push(SCRAMBLE_BYTES as u8 + 1);
        out.extend_from_slice(&[0; 10]);
        out.extend_from_slice(second);
        out.push(0);
        put::nul_bytes(out, DEFAULT_PLUGIN.as_bytes());
    }
}
