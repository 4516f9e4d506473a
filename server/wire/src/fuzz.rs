//! Ways into the decoders for fuzz targets: bytes in, nothing out. What they must not do is panic or hang.

use bytes::{Bytes, BytesMut};

use crate::auth::{CACHING_SHA2, NATIVE, Verifier};
use crate::capability::Capabilities;
use crate::command::{Layout, Request, Statements};
use crate::handshake::{ChangeUser, Response, is_ssl_request};
use crate::packet::{Algorithm, Decoder, Frames};

/// A handshake response, and the same bytes as the body of COM_CHANGE_USER.
pub fn handshake(bytes: &[u8]) {
    let offered = Capabilities::offered(true);
    let _ = is_ssl_request(bytes);
    let _ = Response::decode(bytes, offered);
    let _ = ChangeUser::decode(bytes, offered);
    let _ = ChangeUser::decode(bytes, Capabilities::SECURE_CONNECTION);
}

/// Stored verifiers of passwords: what is read is written the same.
pub fn verifier(bytes: &[u8]) {
    for plugin in [CACHING_SHA2, NATIVE] {
        if let Some(verifier) = Verifier::parse(plugin, bytes) {
            let stored = verifier.authentication_string();
            assert_eq!(Verifier::parse(verifier.plugin(), &stored), Some(verifier), "a verifier");
        }
    }
}

/// The first packet of a command, with and without query attributes.
pub fn command(bytes: &[u8]) {
    for capabilities in [Capabilities::default(), Capabilities::QUERY_ATTRIBUTES] {
        let _ = Request::decode(Bytes::copy_from_slice(bytes), capabilities);
    }
}

/// The parameters of a prepared statement. The first byte says how many there are and how they are laid out.
pub fn parameters(bytes: &[u8]) {
    let Some((shape, body)) = bytes.split_first() else { return };
    let layout = Layout { named: shape & 0x80 != 0, counted: shape & 0x40 != 0 };
    let mut statements = Statements::default();
    statements.insert(1, usize::from(shape & 0x3f));
    let body = Bytes::copy_from_slice(body);
    // Twice: types stay from one execution to the next.
    let _ = statements.parameters(1, &body, layout);
    let _ = statements.parameters(1, &body, layout);
}

/// Frames of a compressed connection.
pub fn frames(bytes: &[u8]) {
    for algorithm in [Algorithm::Zlib, Algorithm::zstd(3)] {
        let mut frames = Frames::new(algorithm);
        frames.received.extend_from_slice(bytes);
        let mut out = BytesMut::new();
        while frames.unpack(&mut out).is_ok_and(|complete| complete) {}
    }
}

/// The primitives that everything above is made of.
pub fn primitives(bytes: &[u8]) {
    let mut decoder = Decoder::new(bytes);
    while !decoder.is_empty() {
        let before = decoder.remaining();
        let _ = decoder.lenenc_bytes();
        let _ = decoder.nul_bytes();
        let _ = decoder.lenenc_int();
        if decoder.remaining() == before {
            return;
        }
    }
}
