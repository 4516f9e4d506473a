//! Packets: cutting the byte stream into payloads and back, and the integer and string encodings inside them.
//!
//! [`Channel`] owns the stream, one read buffer and one output buffer. [`Decoder`] reads a payload without ever indexing
//! past its end; [`put`] writes one.

mod channel;
mod decoder;
pub(crate) mod put;

pub(crate) use channel::Channel;
pub(crate) use decoder::Decoder;
