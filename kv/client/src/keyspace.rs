//! The bounds of a key space as region bounds.
//!
//! Clients of API version 2 walk the regions of their key space and stop at its end only when a region ends there; PD
//! splits at the bounds of every key space it knows, and so do we.

use bytes::Bytes;

use crate::client::Client;
use crate::error::Result;

/// Modes of keys before the key space: raw and transactional.
const MODES: [u8; 2] = [b'r', b'x'];

impl Client {
    /// Splits regions where the raw and the transactional keys of a key space begin and end. Bounds that are there
    /// already change nothing.
    pub async fn split_keyspace(&self, id: u32) -> Result<()> {
        let bound = |mode: u8, id: u32| {
            let [_, high, middle, low] = id.to_be_bytes();
            Bytes::from(vec![mode, high, middle, low])
        };
        let bounds = MODES.map(|mode| [bound(mode, id), bound(mode, id.saturating_add(1))]);
        self.split_region(bounds.as_flattened()).await
    }
}
