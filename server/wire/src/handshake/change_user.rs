//! The body of COM_CHANGE_USER: a handshake response on a connection that already has one.

use crate::capability::Capabilities;
use crate::error::{Error, Result};
use crate::handshake::response::{attributes, old_protocol, text};
use crate::packet::Decoder;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeUser {
    pub(crate) user: String,
    pub(crate) auth_response: Vec<u8>,
    pub(crate) database: Option<String>,
    /// Left out by clients that keep their character set.
    pub(crate) collation: Option<u16>,
    pub(crate) plugin: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

impl ChangeUser {
    pub(crate) fn decode(payload: &[u8], capabilities: Capabilities) -> Result<Self> {
        if !capabilities.contains(Capabilities::SECURE_CONNECTION) {
            return Err(Error::Fatal(old_protocol()));
        }
        let mut decoder = Decoder::new(payload);
        let user = text(decoder.nul_bytes()?)?;
        let length = usize::from(decoder.u8()?);
        let auth_response = decoder.bytes(length)?.to_vec();
        let database = Some(text(decoder.nul_or_end())?).filter(|name| !name.is_empty());
        let collation = if decoder.remaining() >= 2 { Some(decoder.u16()?) } else { None };
        let plugin = if capabilities.contains(Capabilities::PLUGIN_AUTH) && !decoder.is_empty() {
            Some(text(decoder.nul_or_end())?)
        } else {
            None
        };
        let attributes = if capabilities.contains(Capabilities::CONNECT_ATTRS) && !decoder.is_empty() {
            attributes(decoder.lenenc_bytes()?)?
        } else {
            Vec::new()
        };
        Ok(Self { user, auth_response, database, collation, plugin, attributes })
    }
}
