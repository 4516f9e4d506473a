//! One edge on the wire: keys travel as clients know them.
use rutile_kv_proto::kvrpcpb::WaitForEntry;
use rutile_kv_types::Key;

use crate::lock_manager::WaitFor;

/// A key in short: the fingerprint that TiKV uses.
fn key_hash(key: &[u8]) -> u64 {
    farmhash::fingerprint64(key)
}

/// A circle by the key that names it: the one that its last waiter holds and another one waits for.
pub fn circle_hash(chain: &[WaitForEntry]) -> u64 {
    let before_last = chain.len().checked_sub(2).and_then(|at| chain.get(at));
    before_last.map_or(0, |edge| edge.key_hash)
}

/// An edge as others see it.
pub fn to_wire(edge: WaitFor) -> WaitForEntry {
    // The key was a user key when its waiter sent it; should it not decode, the edge still names both transactions.
    let key = Key::from_encoded(edge.key).to_raw().unwrap_or_default();
    WaitForEntry {
        txn: edge.waiter.into(),
        wait_for_txn: edge.holder.into(),
        key_hash: key_hash(&key),
        key: key.into(),
        ..WaitForEntry::default()
    }
}

/// An edge of another store.
pub fn from_wire(entry: &WaitForEntry) -> WaitFor {
    WaitFor {
        waiter: entry.txn.into(),
        holder: entry.wait_for_txn.into(),
        key: Key::from_raw(&entry.key).as_encoded().to_vec(),
    }
}
