//! One connection's stream as a sequence of packets.
//!
//! Reading: one buffer of 16 KiB; a packet that fits is handed out as a slice of it without a copy, a larger one grows
//! the memory only as its bytes arrive, never by the length its header claims. Payloads of 2^24-1 bytes and more come in
//! parts and are joined.
//! Writing: packets are composed in one buffer, their headers patched in place; the socket sees it when it passes
//! [`FLUSH_BYTES`] or when the reply is complete.
//!
//! Not cancellation-safe in general: a dropped `read_packet` of a packet in parts loses those parts. The connection loop
//! drops it only to close the connection.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::packet::compression::{Algorithm, Frames};
use crate::tls::{ServerTls, TlsSession};
use crate::transport::Transport;

/// Payload of one part; a part this long is followed by another, possibly empty, one.
const PAYLOAD_BYTES_MAX: usize = 0xff_ffff;

const HEADER_BYTES: usize = 4;
const READ_BUFFER_BYTES: usize = 16 << 10;
const READ_STEP_BYTES: usize = 4 << 10;

/// Rows are pushed to the socket in pieces of about this size.
const FLUSH_BYTES: usize = 32 << 10;

/// An output buffer above this is given back after the reply: one large result must not stay in an idle connection.
const OUTPUT_KEEP_BYTES: usize = 256 << 10;

/// How much a client may pipeline behind a running command before we stop reading.
const PIPELINE_BYTES_MAX: usize = 64 << 10;

/// How long, and how many bytes of, a refused packet are read away so that the client gets to see the refusal.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES_MAX: usize = 1 << 30;

pub(crate) struct Channel {
    /// `None` only while a TLS upgrade owns the stream.
    stream: Option<Box<dyn Transport>>,
    input: BytesMut,
    output: Vec<u8>,
    sequence: u8,
    packet_bytes_max: usize,
    /// For the next bytes of a packet; `None` where the caller has a limit of its own.
    read_timeout: Option<Duration>,
    write_timeout: Duration,
    tls: Option<TlsSession>,
    /// Between the stream and the packets, once client and server have agreed on it.
    frames: Option<Frames>,
    metrics: Arc<Metrics>,
}

impl Channel {
    pub(crate) fn new(
        stream: Box<dyn Transport>,
        packet_bytes_max: usize,
        write_timeout: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            stream: Some(stream),
            input: BytesMut::with_capacity(READ_BUFFER_BYTES),
            output: Vec::with_capacity(4 << 10),
            sequence: 0,
            packet_bytes_max,
            read_timeout: None,
            write_timeout,
            tls: None,
            frames: None,
            metrics,
        }
    }

    /// Whether a clear-text password may travel here.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn tls_session(&self) -> Option<&TlsSession> {
        self.tls.as_ref()
    }

    pub(crate) fn set_packet_bytes_max(&mut self, limit: usize) {
        self.packet_bytes_max = limit;
    }

    pub(crate) fn set_timeouts(&mut self, read: Duration, write: Duration) {
        (self.read_timeout, self.write_timeout) = (Some(read), write);
    }

    /// A new command counts its packets from zero again.
    pub(crate) fn restart_sequence(&mut self) {
        self.sequence = 0;
        if let Some(frames) = &mut self.frames {
            frames.sequence = 0;
        }
    }

    /// From here on both directions are compressed. What the client has sent behind its last plain packet is a frame
    /// already.
    pub(crate) fn compress(&mut self, algorithm: Algorithm) {
        let mut frames = Frames::new(algorithm);
        frames.received = self.input.split();
        self.frames = Some(frames);
    }

    /// Hands the stream to TLS, with what has arrived behind the request: a client need not wait before it starts
    /// the handshake. Nothing of it is ever read as a packet, so nobody can slip a command in before the encryption.
    pub(crate) async fn upgrade(&mut self, tls: &ServerTls) -> Result<()> {
        let plain = self.stream.take().ok_or(Error::Closed)?;
        let (stream, session) = tls.accept(plain, self.input.split().freeze()).await?;
        (self.stream, self.tls) = (Some(stream), Some(session));
        Ok(())
    }

    async fn read_some(&mut self, wanted: usize, limit: Option<Duration>) -> Result<()> {
        let stream = self.stream.as_mut().ok_or(Error::Closed)?;
        let target = self.frames.as_mut().map_or(&mut self.input, |frames| &mut frames.received);
        target.reserve(wanted);
        let reading = stream.read_buf(target);
        let count = match limit {
            None => reading.await?,
            Some(limit) => within(limit, Error::ReadTimeout, reading).await?,
        };
        Metrics::add(&self.metrics.bytes_received, count as u64);
        if count == 0 {
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// Takes one complete frame apart, if the connection has such.
    fn unpack(&mut self) -> Result<bool> {
        match &mut self.frames {
            Some(frames) => frames.unpack(&mut self.input),
            None => Ok(false),
        }
    }

    /// Waits until `count` bytes are buffered, for some of them no longer than `limit`.
    async fn fill(&mut self, count: usize, limit: Option<Duration>) -> Result<()> {
        while self.input.len() < count {
            if self.unpack()? {
                continue;
            }
            let missing = count - self.input.len();
            // At most double what is there: memory follows the bytes received.
            let step = missing.min(self.input.len().max(READ_STEP_BYTES)).max(READ_STEP_BYTES);
            self.read_some(step, limit).await?;
        }
        Ok(())
    }

    /// The next packet, its parts joined. It may be long in coming, but not in parts.
    pub(crate) async fn read_packet(&mut self) -> Result<Bytes> {
        self.fill(1, None).await?;
        self.read_packet_soon().await
    }

    /// The next packet of a client that has been asked for it.
    pub(crate) async fn read_packet_soon(&mut self) -> Result<Bytes> {
        let mut joined: Option<BytesMut> = None;
        loop {
            let length = self.read_header(joined.as_ref().map_or(0, BytesMut::len)).await?;
            if length < PAYLOAD_BYTES_MAX && joined.is_none() {
                self.fill(length, self.read_timeout).await?;
                return Ok(self.input.split_to(length).freeze());
            }
            let whole = joined.get_or_insert_with(BytesMut::new);
            let mut missing = length;
            while missing > 0 {
                if self.input.is_empty() {
                    self.input.reserve(READ_BUFFER_BYTES);
                    self.fill(1, self.read_timeout).await?;
                }
                let count = missing.min(self.input.len());
                whole.extend_from_slice(&self.input.split_to(count));
                missing -= count;
            }
            if length < PAYLOAD_BYTES_MAX {
                return Ok(joined.unwrap_or_default().freeze());
            }
        }
    }

    /// Checks a header and returns the length of its part; `before` bytes of the packet came in earlier parts.
    async fn read_header(&mut self, before: usize) -> Result<usize> {
        self.fill(HEADER_BYTES, self.read_timeout).await?;
        let header = self.input.split_to(HEADER_BYTES);
        let (length, sequence) = match header.as_ref() {
            [a, b, c, sequence] => (u32::from_le_bytes([*a, *b, *c, 0]) as usize, *sequence),
            _ => return Err(Error::Malformed("packet header")),
        };
        // Compressed, only the frames are in order: clients number the packets in them as they like, and MySQL looks at
        // neither.
        if sequence != self.sequence && self.frames.is_none() {
            return Err(Error::OutOfOrder { expected: self.sequence, got: sequence });
        }
        self.sequence = sequence.wrapping_add(1);
        let size = before + length;
        if size > self.packet_bytes_max {
            return Err(Error::TooLarge { size, limit: self.packet_bytes_max });
        }
        Ok(length)
    }

    /// Resolves when the client is gone. What it sends meanwhile is the next command and stays buffered.
    pub(crate) async fn hangup(&mut self) {
        while self.input.len() + self.frames.as_ref().map_or(0, |frames| frames.received.len())
            < PIPELINE_BYTES_MAX
        {
            if self.read_some(READ_STEP_BYTES, None).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Appends one packet whose payload `write` composes in place.
    pub(crate) fn packet<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.output.len();
        self.output.extend_from_slice(&[0; HEADER_BYTES]);
        let result = write(&mut self.output);
        self.close_packet(start);
        result
    }

    /// As [`Channel::packet`], but a failed payload leaves no trace.
    pub(crate) fn try_packet(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let start = self.output.len();
        self.output.extend_from_slice(&[0; HEADER_BYTES]);
        match write(&mut self.output) {
            Ok(()) => {
                self.close_packet(start);
                Ok(())
            }
            Err(error) => {
                self.output.truncate(start);
                Err(error)
            }
        }
    }

    fn close_packet(&mut self, start: usize) {
        let length = self.output.len() - start - HEADER_BYTES;
        if length < PAYLOAD_BYTES_MAX {
            let header = self.next_header(length);
            if let Some(slot) = self.output.get_mut(start..start + HEADER_BYTES) {
                slot.copy_from_slice(&header);
            }
            return;
        }
        let payload = self.output.split_off(start + HEADER_BYTES);
        self.output.truncate(start);
        for part in payload.chunks(PAYLOAD_BYTES_MAX) {
            let header = self.next_header(part.len());
            self.output.extend_from_slice(&header);
            self.output.extend_from_slice(part);
        }
        // The reader knows the end by a part below the maximum; without it the client would wait for ever.
        if payload.len().is_multiple_of(PAYLOAD_BYTES_MAX) {
            let header = self.next_header(0);
            self.output.extend_from_slice(&header);
        }
    }

    fn next_header(&mut self, length: usize) -> [u8; HEADER_BYTES] {
        let [a, b, c, _] = (length as u32).to_le_bytes();
        let header = [a, b, c, self.sequence];
        self.sequence = self.sequence.wrapping_add(1);
        header
    }

    /// Whether it is time to let the client take some.
    pub(crate) fn is_full(&self) -> bool {
        self.output.len() >= FLUSH_BYTES
    }

    pub(crate) async fn flush_if_full(&mut self) -> Result<()> {
        if self.is_full() { self.flush().await } else { Ok(()) }
    }

    /// Sends what is buffered, waiting for a slow client no longer than the write timeout.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let stream = self.stream.as_mut().ok_or(Error::Closed)?;
        let mut packed = Vec::new();
        let bytes = match &mut self.frames {
            None => &self.output,
            Some(frames) => {
                frames.pack(&self.output, &mut packed)?;
                // As MySQL does at this point; what the client sends within this command goes on from it.
                self.sequence = frames.sequence;
                &packed
            }
        };
        let send = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        within(self.write_timeout, Error::WriteTimeout, send).await?;
        Metrics::add(&self.metrics.bytes_sent, bytes.len() as u64);
        self.output.clear();
        if self.output.capacity() > OUTPUT_KEEP_BYTES {
            self.output.shrink_to(FLUSH_BYTES);
        }
        Ok(())
    }

    /// Ends the stream; with `linger`, reads away what the client still sends, because closing a socket with unread
    /// input resets the connection and the client would never see why.
    pub(crate) async fn close(&mut self, linger: bool) {
        let Some(mut stream) = self.stream.take() else {
            return;
        };
        let closing = async {
            // The peer may be gone already; there is nobody to tell.
            let _ = stream.shutdown().await;
            if linger {
                let mut scratch = vec![0u8; READ_BUFFER_BYTES];
                let mut seen = 0;
                while seen < LINGER_BYTES_MAX {
                    match stream.read(&mut scratch).await {
                        Ok(0) | Err(_) => break,
                        Ok(count) => seen += count,
                    }
                }
            }
        };
        let _ = timeout(LINGER, closing).await;
    }
}

/// Waits for the socket, but not for ever. Nearly always it is ready at once, and no clock is looked at.
async fn within<T>(
    limit: Duration,
    late: Error,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        return Ok(done?);
    }
    timeout(limit, work).await.map_err(|_| late)?.map_err(Error::from)
}
