//! OK, EOF and ERR packets.

use crate::capability::Capabilities;
use crate::error::ErrorPacket;
use crate::packet::put;
use crate::status::ServerStatus;

/// Longest message of an ERR packet, MYSQL_ERRMSG_SIZE.
const MESSAGE_BYTES_MAX: usize = 512;

/// What an OK packet says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ok<'a> {
    pub affected_rows: u64,
    pub last_insert_id: u64,
    pub status: ServerStatus,
    pub warnings: u16,
    /// As in `Records: 3  Duplicates: 1  Warnings: 0`.
    pub info: &'a str,
    /// Sent to clients that negotiated session tracking.
    pub changes: &'a [SessionChange],
}

/// A change of session state that a client or a proxy may follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    SystemVariable {
        name: String,
        value: String,
    },
    Schema(String),
    /// Anything else of the session's state.
    State,
}

impl SessionChange {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let kind = match self {
            Self::SystemVariable { name, value } => {
                put::lenenc_bytes(&mut body, name.as_bytes());
                put::lenenc_bytes(&mut body, value.as_bytes());
                0
            }
            Self::Schema(name) => {
                put::lenenc_bytes(&mut body, name.as_bytes());
                1
            }
            Self::State => {
                body.push(b'1');
                2
            }
        };
        out.push(kind);
        put::lenenc_bytes(out, &body);
    }
}

/// `header` is 0x00, or 0xfe where the packet stands for an EOF.
pub(crate) fn encode_ok(out: &mut Vec<u8>, header: u8, ok: &Ok<'_>, capabilities: Capabilities) {
    let tracked = capabilities.contains(Capabilities::SESSION_TRACK) && !ok.changes.is_empty();
    let status = ok.status.with(ServerStatus::SESSION_STATE_CHANGED, tracked);
    out.push(header);
    put::lenenc_int(out, ok.affected_rows);
    put::lenenc_int(out, ok.last_insert_id);
    out.extend_from_slice(&status.0.to_le_bytes());
    out.extend_from_slice(&ok.warnings.to_le_bytes());
    // The manual has a bare string here for clients without session tracking; the server has always sent a length.
    if tracked || !ok.info.is_empty() {
        put::lenenc_bytes(out, ok.info.as_bytes());
    }
    if tracked {
        let mut changes = Vec::new();
        for change in ok.changes {
            change.encode(&mut changes);
        }
        put::lenenc_bytes(out, &changes);
    }
}

pub(crate) fn encode_eof(out: &mut Vec<u8>, status: ServerStatus, warnings: u16) {
    out.push(0xfe);
    out.extend_from_slice(&warnings.to_le_bytes());
    out.extend_from_slice(&status.0.to_le_bytes());
}

/// Before the handshake (`with_sqlstate` false) the client does not know yet that we speak protocol 4.1, and would show
/// the SQLSTATE as part of the text.
pub(crate) fn encode_error(out: &mut Vec<u8>, error: &ErrorPacket, with_sqlstate: bool) {
    out.push(0xff);
    out.extend_from_slice(&error.code.to_le_bytes());
    if with_sqlstate {
        out.push(b'#');
        let mut sqlstate = [b'0'; 5];
        for (slot, byte) in sqlstate.iter_mut().zip(error.sqlstate.bytes()) {
            *slot = byte;
        }
        out.extend_from_slice(&sqlstate);
    }
    let mut end = error.message.len().min(MESSAGE_BYTES_MAX);
    while !error.message.is_char_boundary(end) {
        end -= 1;
    }
    out.extend_from_slice(error.message.get(..end).unwrap_or_default().as_bytes());
}
