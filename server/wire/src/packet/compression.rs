//! The compressed protocol: the packet stream cut into frames, each compressed by itself.
//!
//! A frame is the length of its content as sent, a sequence id, the length before compression (0: sent as it is), then
//! the content. Frames know nothing of packets: one may hold several, or a part of one. Source: MySQL source
//! documentation, "Compressed Packet".

use std::io::{Read as _, Write as _};

use bytes::{Buf as _, BytesMut};
use flate2::Compression as ZlibLevel;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::error::{Error, Result};

const HEADER_BYTES: usize = 7;

/// Largest content of a frame, before and after compression.
const CONTENT_BYTES_MAX: usize = 0xff_ffff;

/// Less than this is not worth compressing, MySQL's MIN_COMPRESS_LENGTH.
const COMPRESSED_BYTES_MIN: usize = 50;

/// What client and server agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Zlib,
    /// With the level that the client asked for.
    Zstd(u8),
}

/// Levels of zstd as MySQL allows them, and its default.
const ZSTD_LEVELS: std::ops::RangeInclusive<u8> = 1..=22;
const ZSTD_LEVEL_DEFAULT: u8 = 3;

impl Algorithm {
    /// The level byte of a handshake response.
    pub(crate) fn zstd(level: u8) -> Self {
        Self::Zstd(if ZSTD_LEVELS.contains(&level) { level } else { ZSTD_LEVEL_DEFAULT })
    }

    fn compress(self, content: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Zlib => {
                let mut encoder =
                    ZlibEncoder::new(Vec::with_capacity(content.len() / 2), ZlibLevel::default());
                encoder.write_all(content)?;
                Ok(encoder.finish()?)
            }
            Self::Zstd(level) => Ok(zstd::bulk::compress(content, i32::from(level))?),
        }
    }

    /// The content must be `length` bytes, no fewer and no more: a client cannot make it grow beyond what it said.
    fn decompress(self, content: &[u8], length: usize, out: &mut BytesMut) -> Result<()> {
        const WRONG: Error = Error::Malformed("compressed frame");
        let mut plain = Vec::new();
        let limit = length as u64 + 1;
        match self {
            Self::Zlib => ZlibDecoder::new(content).take(limit).read_to_end(&mut plain),
            Self::Zstd(_) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(content).map_err(|_| WRONG)?;
                decoder.take(limit).read_to_end(&mut plain)
            }
        }
        .map_err(|_| WRONG)?;
        if plain.len() != length {
            return Err(WRONG);
        }
        out.extend_from_slice(&plain);
        Ok(())
    }
}

/// The state of a compressed connection.
pub(crate) struct Frames {
    algorithm: Algorithm,
    pub(super) sequence: u8,
    /// Bytes of frames as they came in.
    pub(crate) received: BytesMut,
}

impl Frames {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, sequence: 0, received: BytesMut::new() }
    }

    /// Moves the content of the first frame to `out`; false if it is not complete yet. One at a time, as the next may
    /// belong to the next command, whose frames are counted from zero.
    pub(crate) fn unpack(&mut self, out: &mut BytesMut) -> Result<bool> {
        let Some([a, b, c, sequence, d, e, f]) = self.received.first_chunk::<HEADER_BYTES>().copied() else {
            return Ok(false);
        };
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        let plain_length = u32::from_le_bytes([d, e, f, 0]) as usize;
        if sequence != self.sequence {
            return Err(Error::OutOfOrder { expected: self.sequence, got: sequence });
        }
        if self.received.len() < HEADER_BYTES + length {
            return Ok(false);
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.received.advance(HEADER_BYTES);
        let content = self.received.split_to(length);
        if plain_length == 0 {
            out.extend_from_slice(&content);
        } else {
            self.algorithm.decompress(&content, plain_length, out)?;
        }
        Ok(true)
    }

    /// Puts `packets` into frames.
    pub(super) fn pack(&mut self, packets: &[u8], out: &mut Vec<u8>) -> Result<()> {
        for content in packets.chunks(CONTENT_BYTES_MAX) {
            let compressed = if content.len() < COMPRESSED_BYTES_MIN {
                None
            } else {
                Some(self.algorithm.compress(content)?).filter(|compressed| compressed.len() < content.len())
            };
            let (sent, plain_length) = match &compressed {
                Some(compressed) => (compressed.as_slice(), content.len()),
                None => (content, 0),
            };
            out.extend_from_slice(&(sent.len() as u32).to_le_bytes()[..3]);
            out.push(self.sequence);
            out.extend_from_slice(&(plain_length as u32).to_le_bytes()[..3]);
            out.extend_from_slice(sent);
            self.sequence = self.sequence.wrapping_add(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() -> Result<()> {
        for algorithm in [Algorithm::Zlib, Algorithm::zstd(0), Algorithm::zstd(19)] {
            let (mut sender, mut receiver) = (Frames::new(algorithm), Frames::new(algorithm));
            for length in [0, 1, 49, 50, 100_000, CONTENT_BYTES_MAX, CONTENT_BYTES_MAX + 1] {
                let packets: Vec<u8> = (0..length).map(|at| (at % 7) as u8).collect();
                let mut wire = Vec::new();
                sender.pack(&packets, &mut wire)?;
                assert!(length < 100 || wire.len() < length / 10, "{algorithm:?} {length}: {}", wire.len());
                let mut out = BytesMut::new();
                let (first, rest) = wire.split_at(wire.len() / 2);
                for part in [first, rest] {
                    receiver.received.extend_from_slice(part);
                    while receiver.unpack(&mut out)? {}
                }
                assert_eq!(out, packets, "{algorithm:?} {length}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_frame_that_lies_is_malformed() -> Result<()> {
        for algorithm in [Algorithm::Zlib, Algorithm::zstd(3)] {
            let mut wire = Vec::new();
            Frames::new(algorithm).pack(&[7; 1000], &mut wire)?;
            for said in [1_u32, 999, 1001, 0xff_ffff] {
                let mut lie = wire.clone();
                lie[4..7].copy_from_slice(&said.to_le_bytes()[..3]);
                let mut frames = Frames::new(algorithm);
                frames.received.extend_from_slice(&lie);
                assert!(frames.unpack(&mut BytesMut::new()).is_err(), "{said}");
            }
            let mut late = Frames::new(algorithm);
            late.sequence = 3;
            late.received.extend_from_slice(&wire);
            assert!(matches!(late.unpack(&mut BytesMut::new()), Err(Error::OutOfOrder { .. })));
        }
        Ok(())
    }
}
