//! Every store-local key, and nowhere else.
//!
//! All live in the raft CF of the state engine, beside the data they describe, so that one batch changes both.
//! The layout is TiKV's (`components/keys/src/lib.rs`):
//!
//! ```text
//! 01 01                          store identity
//! 01 02                          first region, prepared but not yet known to PD
//! 01 02 | region BE8 | 03        apply state
//! 01 02 | region BE8 | 04        snapshot point: where the log of a peer begins that a snapshot filled
//! 01 03 | region BE8 | 01        region state
//! 01 04 | region BE8 | chunk BE4 received data of a snapshot that is not applied yet
//! ```
//! Data keys carry no prefix: the column families that hold them hold nothing else.

const LOCAL: u8 = 0x01;
const RAFT_PREFIX: u8 = 0x02;
const META_PREFIX: u8 = 0x03;
const SNAPSHOT_PREFIX: u8 = 0x04;
const APPLY_STATE_SUFFIX: u8 = 0x03;
const SNAPSHOT_POINT_SUFFIX: u8 = 0x04;
const REGION_STATE_SUFFIX: u8 = 0x01;

/// Who this store is.
pub const STORE_IDENT: &[u8] = &[LOCAL, 0x01];

/// The first region of a cluster while it is being founded.
pub const PREPARE_BOOTSTRAP: &[u8] = &[LOCAL, 0x02];

/// Bounds of all region states: start inclusive, end exclusive.
pub const REGION_STATES: (&[u8], &[u8]) = (&[LOCAL, META_PREFIX], &[LOCAL, META_PREFIX + 1]);

/// How far a region is applied.
pub fn apply_state(region_id: u64) -> [u8; 11] {
    region_key(RAFT_PREFIX, region_id, APPLY_STATE_SUFFIX)
}

/// Index and term that the log of a region begins behind, when a snapshot filled its peer.
pub fn snapshot_point(region_id: u64) -> [u8; 11] {
    region_key(RAFT_PREFIX, region_id, SNAPSHOT_POINT_SUFFIX)
}

/// Bounds of all snapshot chunks: start inclusive, end exclusive.
pub const SNAPSHOT_CHUNKS: (&[u8], &[u8]) = (&[LOCAL, SNAPSHOT_PREFIX], &[LOCAL, SNAPSHOT_PREFIX + 1]);

/// One chunk of a snapshot that is received.
pub fn snapshot_chunk(region_id: u64, chunk: u32) -> [u8; 14] {
    let mut key = [0; 14];
    key[..10].copy_from_slice(&region_key(SNAPSHOT_PREFIX, region_id, 0)[..10]);
    key[10..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// Bounds of the chunks of one region.
pub fn snapshot_chunks(region_id: u64) -> ([u8; 14], [u8; 14]) {
    (snapshot_chunk(region_id, 0), snapshot_chunk(region_id, u32::MAX))
}

/// Range, epoch and peers of a region.
pub fn region_state(region_id: u64) -> [u8; 11] {
    region_key(META_PREFIX, region_id, REGION_STATE_SUFFIX)
}

fn region_key(prefix: u8, region_id: u64, suffix: u8) -> [u8; 11] {
    let mut key = [0; 11];
    key[0] = LOCAL;
    key[1] = prefix;
    key[2..10].copy_from_slice(&region_id.to_be_bytes());
    key[10] = suffix;
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_the_published_one() {
        assert_eq!(apply_state(0x0102), [1, 2, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        assert_eq!(region_state(7), [1, 3, 0, 0, 0, 0, 0, 0, 0, 7, 1]);
        assert_eq!(snapshot_point(7), [1, 2, 0, 0, 0, 0, 0, 0, 0, 7, 4]);
        assert_eq!(snapshot_chunk(7, 258), [1, 4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 2]);
        let (start, end) = snapshot_chunks(u64::MAX);
        assert!(SNAPSHOT_CHUNKS.0 < start.as_slice() && end.as_slice() < SNAPSHOT_CHUNKS.1);
        assert!(
            REGION_STATES.0 < region_state(0).as_slice()
                && region_state(u64::MAX).as_slice() < REGION_STATES.1
        );
    }
}
