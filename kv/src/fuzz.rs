//! Ways into the decoders of what is replicated, for fuzz targets: bytes in, nothing out. What they must not do is panic.

use crate::raftstore::decode_command;
use crate::write_set::Changes;

/// The changes inside a raft entry.
pub fn write_set(bytes: &[u8]) {
    for change in Changes::decode(bytes) {
        if change.is_err() {
            return;
        }
    }
}

/// The data of a raft entry.
pub fn raft_entry(bytes: &[u8]) {
    decode_command(bytes);
}
