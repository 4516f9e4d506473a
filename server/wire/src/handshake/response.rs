//! The client's answer to the greeting, `HandshakeResponse41`, and the SSLRequest that is its first 32 bytes.

use crate::capability::Capabilities;
use crate::error::{Error, ErrorPacket, Result};
use crate::packet::{Algorithm, Decoder};

const SSL_REQUEST_BYTES: usize = 32;
const RESERVED_BYTES: usize = 23;

/// All attributes of a client together; MySQL's own cap.
const ATTRIBUTES_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) capabilities: Capabilities,
    pub(crate) packet_bytes_max: u32,
    pub(crate) collation: u16,
    pub(crate) user: String,
    pub(crate) auth_response: Vec<u8>,
    pub(crate) database: Option<String>,
    pub(crate) plugin: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) compression: Option<Algorithm>,
}

/// Whether this packet asks for TLS instead of answering.
pub(crate) fn is_ssl_request(payload: &[u8]) -> bool {
    let mut decoder = Decoder::new(payload);
    payload.len() == SSL_REQUEST_BYTES
        && decoder.u32().is_ok_and(|flags| Capabilities(flags).contains(Capabilities::SSL))
}

impl Response {
    /// `offered` is what the greeting said: flags beyond it are ignored, as the client must not rely on them.
    pub(crate) fn decode(payload: &[u8], offered: Capabilities) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        let low = u32::from(decoder.u16()?);
        if !Capabilities(low).contains(Capabilities::PROTOCOL_41) {
            // The pre-4.1 layout; its password scheme is long broken.
            return Err(Error::Fatal(old_protocol()));
        }
        let high = u32::from(decoder.u16()?);
        let capabilities = Capabilities(low | high << 16).intersect(offered);
        let packet_bytes_max = decoder.u32()?;
        let collation = u16::from(decoder.u8()?);
        decoder.bytes(RESERVED_BYTES)?;
        let user = text(decoder.nul_bytes()?)?;
        let auth_response = if capabilities.contains(Capabilities::PLUGIN_AUTH_LENENC_DATA) {
            decoder.lenenc_bytes()?.to_vec()
        } else if capabilities.contains(Capabilities::SECURE_CONNECTION) {
            let length = usize::from(decoder.u8()?);
            decoder.bytes(length)?.to_vec()
        } else {
            return Err(Error::Fatal(old_protocol()));
        };
        let database = if capabilities.contains(Capabilities::CONNECT_WITH_DB) && !decoder.is_empty() {
            Some(text(decoder.nul_or_end())?).filter(|name| !name.is_empty())
        } else {
            None
        };
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
        let compression = if capabilities.contains(Capabilities::COMPRESS) {
            Some(Algorithm::Zlib)
        } else if capabilities.contains(Capabilities::ZSTD_COMPRESSION) {
            Some(Algorithm::zstd(decoder.u8().unwrap_or(0)))
        } else {
            None
        };
        Ok(Self {
            capabilities,
            packet_bytes_max,
            collation,
            user,
            auth_response,
            database,
            plugin,
            attributes,
            compression,
        })
    }
}

/// ER_NOT_SUPPORTED_AUTH_MODE.
pub(crate) fn old_protocol() -> ErrorPacket {
    ErrorPacket::new(
        1251,
        "08004",
        "Client does not support authentication protocol requested by server; consider upgrading MySQL client",
    )
}

pub(crate) fn text(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::Malformed("name is not UTF-8"))
}

/// Key and value strings; attribute text is for display, so it is repaired rather than refused.
pub(crate) fn attributes(block: &[u8]) -> Result<Vec<(String, String)>> {
    if block.len() > ATTRIBUTES_BYTES_MAX {
        return Err(Error::Malformed("connection attributes over 64 KiB"));
    }
    let mut decoder = Decoder::new(block);
    let mut pairs = Vec::new();
    while !decoder.is_empty() {
        let key = String::from_utf8_lossy(decoder.lenenc_bytes()?).into_owned();
        let value = String::from_utf8_lossy(decoder.lenenc_bytes()?).into_owned();
        pairs.push((key, value));
    }
    Ok(pairs)
}
