//! Packets: cutting the byte stream into payloads and back, and the integer and string encodings inside them.
//!
//! [`Channel`] owns the stream, one read buffer and one output buffer. [`Decoder`] reads a payload without ever indexing
//! past its end; [`put`] writes one. [`Algorithm`] compresses the stream below the packets.

mod channel;
mod compression;
mod decoder;
pub(crate) mod put;

pub(crate) use channel::Channel;
pub(crate) use compression::{Algorithm, Frames};
pub(crate) use decoder::Decoder;
