//! A client in raw packets, for what no driver would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

/// CLIENT_LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, MULTI_STATEMENTS,
/// MULTI_RESULTS, PS_MULTI_RESULTS, PLUGIN_AUTH.
pub const OLD_EOF: u32 = 0x000f_a207;
/// The same and DEPRECATE_EOF.
pub const MODERN: u32 = OLD_EOF | 1 << 24;

const READ_TIMEOUT: Duration = Duration::from_secs(20);

pub struct RawClient {
    pub stream: TcpStream,
    pub sequence: u8,
}

impl RawClient {
    /// Connects and reads the greeting.
    pub fn connect(port: u16) -> Result<Self> {
        Self::greeted(TcpStream::connect(("127.0.0.1", port))?)
    }

    pub fn greeted(stream: TcpStream) -> Result<Self> {
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        let mut client = Self { stream, sequence: 0 };
        client.receive()?;
        Ok(client)
    }

    /// Connects as root without a password.
    pub fn log_in(port: u16, capabilities: u32) -> Result<Self> {
        let mut client = Self::connect(port)?;
        let mut response = capabilities.to_le_bytes().to_vec();
        response.extend_from_slice(&(1u32 << 24).to_le_bytes());
        response.push(255);
        response.extend_from_slice(&[0; 23]);
        response.extend_from_slice(b"root\0\0caching_sha2_password\0");
        client.send(&response)?;
        let mut answer = client.receive()?;
        while answer.first() == Some(&0xfe) || answer.first() == Some(&1) {
            if answer.first() == Some(&0xfe) {
                client.send(b"")?;
            }
            answer = client.receive()?;
        }
        ensure!(answer.first() == Some(&0), "login: {answer:02x?}");
        Ok(client)
    }

    pub fn send(&mut self, payload: &[u8]) -> Result<()> {
        let mut packet = (payload.len() as u32).to_le_bytes();
        packet[3] = self.sequence;
        self.stream.write_all(&[&packet, payload].concat())?;
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// A packet that starts a command.
    pub fn command(&mut self, payload: &[u8]) -> Result<()> {
        self.sequence = 0;
        self.send(payload)
    }

    pub fn receive(&mut self) -> Result<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header)?;
        let [a, b, c, sequence] = header;
        self.sequence = sequence.wrapping_add(1);
        let mut payload = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    /// Number of the error that comes next.
    pub fn receive_error(&mut self) -> Result<u16> {
        match self.receive()?.as_slice() {
            [0xff, low, high, ..] => Ok(u16::from_le_bytes([*low, *high])),
            other => bail!("no error packet: {other:02x?}"),
        }
    }

    /// Whether the server closes, whatever it says before.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            // A reset instead of a close is an end as well.
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
