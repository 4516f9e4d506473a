//! The client's side of LOAD DATA LOCAL INFILE: packets of file content up to an empty one.

use bytes::Bytes;

use crate::error::Result;
use crate::packet::Channel;

/// The file being sent. Whatever happens, the client sends all of it: a reply that refuses it comes after its end.
pub struct Infile<'c> {
    channel: &'c mut Channel,
    ended: bool,
}

impl<'c> Infile<'c> {
    pub(super) fn new(channel: &'c mut Channel) -> Self {
        Self { channel, ended: false }
    }

    /// The next piece of the file, `None` at its end. A client that cannot read the file sends an empty one.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let chunk = self.channel.read_packet_soon().await?;
        self.ended = chunk.is_empty();
        Ok((!self.ended).then_some(chunk))
    }
}
