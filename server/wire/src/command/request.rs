//! Decoding the first packet of a command.

use bytes::{Buf, Bytes};

use crate::capability::Capabilities;
use crate::command::parameter::skip_attributes;
use crate::error::{Error, Result};
use crate::packet::Decoder;

/// One command, its body still encoded where it is large or depends on state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Quit,
    InitDb(Bytes),
    Query(Bytes),
    FieldList {
        table: Bytes,
        wildcard: Bytes,
    },
    Statistics,
    ProcessKill(u32),
    Ping,
    ChangeUser(Bytes),
    Prepare(Bytes),
    Execute {
        statement: u32,
        flags: u8,
        body: Bytes,
    },
    SendLongData {
        statement: u32,
        parameter: u16,
        data: Bytes,
    },
    CloseStatement(u32),
    ResetStatement(u32),
    SetOption(u16),
    Fetch {
        statement: u32,
        rows_max: u32,
    },
    ResetConnection,
    /// Everything else, including replication and administration commands: refused by name, never ignored.
    Unknown,
}

impl Request {
    pub(crate) fn decode(mut packet: Bytes, capabilities: Capabilities) -> Result<Self> {
        if packet.is_empty() {
            return Err(Error::Malformed("empty command packet"));
        }
        let command = packet.get_u8();
        let mut decoder = Decoder::new(&packet);
        Ok(match command {
            0x01 => Self::Quit,
            0x02 => Self::InitDb(packet),
            0x03 if capabilities.contains(Capabilities::QUERY_ATTRIBUTES) => {
                Self::Query(skip_attributes(&packet)?)
            }
            0x03 => Self::Query(packet),
            0x04 => {
                let table = Bytes::copy_from_slice(decoder.nul_bytes()?);
                Self::FieldList { table, wildcard: Bytes::copy_from_slice(decoder.nul_or_end()) }
            }
            0x09 => Self::Statistics,
            0x0c => Self::ProcessKill(decoder.u32()?),
            0x0e => Self::Ping,
            0x11 => Self::ChangeUser(packet),
            0x16 => Self::Prepare(packet),
            0x17 => {
                let statement = decoder.u32()?;
                let flags = decoder.u8()?;
                // The iteration count: always 1, and MySQL does not look at it either.
                decoder.u32()?;
                Self::Execute { statement, flags, body: packet.slice(packet.len() - decoder.remaining()..) }
            }
            0x18 => {
                let statement = decoder.u32()?;
                let parameter = decoder.u16()?;
                Self::SendLongData {
                    statement,
                    parameter,
                    data: packet.slice(packet.len() - decoder.remaining()..),
                }
            }
            0x19 => Self::CloseStatement(decoder.u32()?),
            0x1a => Self::ResetStatement(decoder.u32()?),
            0x1b => Self::SetOption(decoder.u16()?),
            0x1c => Self::Fetch { statement: decoder.u32()?, rows_max: decoder.u32()? },
            0x1f => Self::ResetConnection,
            _ => Self::Unknown,
        })
    }
}
