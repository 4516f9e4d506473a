//! A client that speaks in raw packets, and the server on the other end of its pipe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use rutile_server_wire::auth::SCRAMBLE_BYTES;
use rutile_server_wire::{
    Authenticator, Capabilities, ConnectionConfig, Result, StopReason, Transport, serve_connection,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::echo::{EchoAccounts, EchoHandler};

pub const PASSWORD: &[u8] = b"open sesame";
const PIPE_BYTES: usize = 256 << 10;

/// What the tests' clients ask for unless they say otherwise.
pub const MODERN: u32 = Capabilities::offered(false).0
    & !Capabilities::COMPRESS.0
    & !Capabilities::ZSTD_COMPRESSION.0
    & !Capabilities::QUERY_ATTRIBUTES.0;
pub const OLD_EOF: u32 = MODERN & !Capabilities::DEPRECATE_EOF.0 & !Capabilities::SESSION_TRACK.0;

pub fn fixed_nonce(scramble: &mut [u8; SCRAMBLE_BYTES]) -> Result<()> {
    *scramble = *b"0123456789abcdefghij";
    Ok(())
}

/// Servers of one test share an authenticator, so a password proved once takes the fast path next.
pub struct Server {
    pub authenticator: Arc<Authenticator>,
    pub accounts: Arc<EchoAccounts>,
    pub stop: watch::Sender<Option<StopReason>>,
    pub cancelled: Arc<AtomicBool>,
    pub kill: Arc<Notify>,
    pub handshakes_failed: Arc<AtomicU64>,
    config: ConnectionConfig,
}

impl Server {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(adjust: impl FnOnce(&mut ConnectionConfig)) -> Self {
        let (stop, receiver) = watch::channel(None);
        let mut config = ConnectionConfig::new("8.0.36-test", 42, "127.0.0.1", receiver);
        adjust(&mut config);
        let accounts = Arc::new(EchoAccounts::new(PASSWORD).expect("random salt"));
        Self {
            authenticator: Arc::new(Authenticator::default()),
            accounts,
            stop,
            cancelled: Arc::default(),
            kill: Arc::default(),
            handshakes_failed: Arc::default(),
            config,
        }
    }

    /// A fresh connection: the client's end and the server's result.
    pub fn connect(&self) -> (Client, JoinHandle<Result<()>>) {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let (config, accounts, authenticator) =
            (self.config.clone(), self.accounts.clone(), self.authenticator.clone());
        let (cancelled, kill) = (self.cancelled.clone(), self.kill.clone());
        let handshakes_failed = self.handshakes_failed.clone();
        #[expect(clippy::disallowed_methods, reason = "the package has no environment to spawn through")]
        let served = tokio::spawn(async move {
            let mut handler = EchoHandler { cancelled, kill, handshakes_failed, ..EchoHandler::default() };
            serve_connection(Box::new(far), &mut handler, accounts.as_ref(), &authenticator, config).await
        });
        (Client { stream: Box::new(near), sequence: 0, transcript: Vec::new() }, served)
    }

    /// Logged in as root without a password.
    pub async fn session(&self, capabilities: u32) -> (Client, JoinHandle<Result<()>>) {
        let (mut client, served) = self.connect();
        client.receive().await;
        client.send(&response(capabilities, "root", b"", "caching_sha2_password", None)).await;
        assert_eq!(client.receive().await.first(), Some(&0), "login");
        (client, served)
    }
}

pub struct Client {
    pub stream: Box<dyn Transport>,
    pub sequence: u8,
    /// Direction, sequence id and payload of every packet.
    pub transcript: Vec<(char, u8, Vec<u8>)>,
}

impl Client {
    pub async fn send(&mut self, payload: &[u8]) {
        self.transcript.push(('>', self.sequence, payload.to_vec()));
        let mut rest = payload;
        loop {
            let (part, more) = rest.split_at(rest.len().min(0xff_ffff));
            let [a, b, c, _] = (part.len() as u32).to_le_bytes();
            self.stream.write_all(&[a, b, c, self.sequence]).await.expect("server reads");
            self.stream.write_all(part).await.expect("server reads");
            self.sequence = self.sequence.wrapping_add(1);
            if part.len() < 0xff_ffff {
                return;
            }
            rest = more;
        }
    }

    /// A command packet: the sequence starts again.
    pub async fn command(&mut self, code: u8, body: &[u8]) {
        self.sequence = 0;
        self.send(&[&[code], body].concat()).await;
    }

    pub async fn query(&mut self, sql: &str) {
        self.command(3, sql.as_bytes()).await;
    }

    /// The next packet, or an empty one when the server has closed.
    pub async fn receive(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let mut header = [0u8; 4];
            if self.stream.read_exact(&mut header).await.is_err() {
                return Vec::new();
            }
            let [a, b, c, sequence] = header;
            if whole.is_empty() {
                self.transcript.push(('<', sequence, Vec::new()));
            }
            self.sequence = sequence.wrapping_add(1);
            let length = u32::from_le_bytes([a, b, c, 0]) as usize;
            let start = whole.len();
            whole.resize(start + length, 0);
            self.stream.read_exact(&mut whole[start..]).await.expect("a whole packet");
            if length < 0xff_ffff {
                break;
            }
        }
        if let Some(last) = self.transcript.last_mut() {
            last.2.clone_from(&whole);
        }
        whole
    }

    pub async fn receive_many(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for _ in 0..count {
            packets.push(self.receive().await);
        }
        packets
    }
}

/// Number and message of an ERR packet.
pub fn error_of(packet: &[u8]) -> (u16, String) {
    assert_eq!(packet.first(), Some(&0xff), "an error packet, not {packet:?}");
    let text = packet.get(3..).unwrap_or_default();
    let text = if text.first() == Some(&b'#') { &text[6..] } else { text };
    (u16::from_le_bytes([packet[1], packet[2]]), String::from_utf8_lossy(text).into_owned())
}

/// A HandshakeResponse41.
pub fn response(capabilities: u32, user: &str, auth: &[u8], plugin: &str, database: Option<&str>) -> Vec<u8> {
    let mut flags = Capabilities(capabilities);
    flags.set(Capabilities::CONNECT_WITH_DB, database.is_some());
    let mut out = flags.0.to_le_bytes().to_vec();
    out.extend_from_slice(&(1u32 << 24).to_le_bytes());
    out.push(45);
    out.extend_from_slice(&[0; 23]);
    out.extend_from_slice(user.as_bytes());
    out.push(0);
    out.push(auth.len() as u8);
    out.extend_from_slice(auth);
    if let Some(database) = database {
        out.extend_from_slice(database.as_bytes());
        out.push(0);
    }
    if flags.contains(Capabilities::PLUGIN_AUTH) {
        out.extend_from_slice(plugin.as_bytes());
        out.push(0);
    }
    if flags.contains(Capabilities::CONNECT_ATTRS) {
        out.extend_from_slice(b"\x0b\x04_pid\x051.2.3");
    }
    out
}

/// The scramble inside a greeting.
pub fn scramble_of(greeting: &[u8]) -> [u8; SCRAMBLE_BYTES] {
    let version_end = greeting.iter().position(|byte| *byte == 0).expect("version ends");
    let first = &greeting[version_end + 5..version_end + 13];
    let second = &greeting[version_end + 32..version_end + 44];
    [first, second].concat().try_into().expect("20 bytes")
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(a, b)| a ^ b).collect()
}

pub fn sha2_response(password: &[u8], scramble: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    xor(&once, &Sha256::new().chain_update(twice).chain_update(scramble).finalize())
}

pub fn native_response(password: &[u8], scramble: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    xor(&once, &Sha1::new().chain_update(scramble).chain_update(twice).finalize())
}
