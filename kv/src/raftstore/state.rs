//! What a store keeps about itself and its regions in the raft CF.
//!
//! Each value starts with a format byte; fields follow in order. An unknown format is refused, because reading it
//! half would be worse than not starting. Only the state of a region is the public `RegionLocalState`; before there
//! were snapshots and tombstones it was the region in format 1, which no `RegionLocalState` begins with, and which is
//! still read.
use bytes::Bytes;
use prost::Message as _;
use rutile_kv_proto::raft_serverpb;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch, codec};
use rutile_pd_client::{from_wire, to_wire};

use crate::error::{Error, Result};

const FORMAT: u8 = 1;

/// Index and term that every region starts with, so that index 0 never means an entry.
pub const INITIAL_INDEX: u64 = 5;
/// See [`INITIAL_INDEX`].
pub const INITIAL_TERM: u64 = 5;

/// Who this store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreIdent {
    pub cluster_id: u64,
    pub store_id: u64,
}

impl StoreIdent {
    /// The stored form.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        codec::encode_u64(&mut out, self.cluster_id);
        codec::encode_u64(&mut out, self.store_id);
        out
    }

    /// Reads the stored form.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut input = body("store identity", bytes)?;
        Ok(StoreIdent {
            cluster_id: codec::decode_u64(&mut input)?,
            store_id: codec::decode_u64(&mut input)?,
        })
    }
}

/// How far a region is applied. Written in the same batch as what the entries did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyState {
    pub applied_index: u64,
    pub applied_term: u64,
}

impl ApplyState {
    /// Of a peer that has nothing yet and waits for a snapshot.
    pub const NONE: ApplyState = ApplyState { applied_index: 0, applied_term: 0 };

    /// Of a region that has applied nothing.
    pub const INITIAL: ApplyState = ApplyState { applied_index: INITIAL_INDEX, applied_term: INITIAL_TERM };

    /// The stored form; on the stack, because every round writes one per region.
    pub fn to_bytes(self) -> [u8; 17] {
        let mut out = [FORMAT; 17];
        out[1..9].copy_from_slice(&self.applied_index.to_be_bytes());
        out[9..].copy_from_slice(&self.applied_term.to_be_bytes());
        out
    }

    /// Reads the stored form.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut input = body("apply state", bytes)?;
        let applied_index = codec::decode_u64(&mut input)?;
        Ok(ApplyState { applied_index, applied_term: codec::decode_u64(&mut input)? })
    }
}

/// The stored form of the point where a snapshot filled a peer, with the epoch of its region then.
pub fn snapshot_point_to_bytes(point: ApplyState, epoch: RegionEpoch) -> Vec<u8> {
    let mut out = point.to_bytes().to_vec();
    codec::encode_u64(&mut out, epoch.conf_ver);
    codec::encode_u64(&mut out, epoch.version);
    out
}

/// Reads the stored form; an earlier release kept no epoch.
pub fn parse_snapshot_point(bytes: &[u8]) -> Result<(ApplyState, Option<RegionEpoch>)> {
    let point = ApplyState::parse(bytes)?;
    let mut input = bytes.get(point.to_bytes().len()..).unwrap_or_default();
    if input.is_empty() {
        return Ok((point, None));
    }
    let conf_ver = codec::decode_u64(&mut input)?;
    Ok((point, Some(RegionEpoch { conf_ver, version: codec::decode_u64(&mut input)? })))
}

/// Life of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    Normal,
    /// A snapshot is durable beside the data, and its application has begun or will.
    Applying,
    /// The peer is destroyed. The region names only this peer, and its epoch as the store knew it last. After a merge
    /// it comes with the region that it was merged into.
    Tombstone,
    /// The region takes no writes until it is merged into another one, or that is rolled back.
    Merging,
}

/// A merge as its source knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeState {
    /// Every peer of the source has the log before this index.
    pub min_index: u64,
    /// Index of the entry that prepared the merge.
    pub commit: u64,
    /// The region to merge into, in the only epoch in which it takes the source.
    pub target: Region,
}

/// What a store keeps of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalState {
    pub state: PeerState,
    pub region: Region,
    /// Of a region that is merging, or was merged and is a tombstone.
    pub merge: Option<MergeState>,
    /// Of a tombstone: from this epoch on the peer had gone through the history of its region by its log.
    pub history_from: Option<RegionEpoch>,
}

/// The stored form of what a store keeps of a region.
pub fn local_state_to_bytes(state: PeerState, region: &Region) -> Vec<u8> {
    LocalState { state, region: region.clone(), merge: None, history_from: None }.to_bytes()
}

impl LocalState {
    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = match self.state {
            PeerState::Normal => raft_serverpb::PeerState::Normal,
            PeerState::Applying => raft_serverpb::PeerState::Applying,
            PeerState::Tombstone => raft_serverpb::PeerState::Tombstone,
            PeerState::Merging => raft_serverpb::PeerState::Merging,
        };
        let merge_state = self.merge.as_ref().map(|merge| raft_serverpb::MergeState {
            min_index: merge.min_index,
            target: Some(to_wire::region(&merge.target)),
            commit: merge.commit,
        });
        let region = Some(to_wire::region(&self.region));
        let history_from = self.history_from.map(to_wire::epoch);
        raft_serverpb::RegionLocalState { state: state as i32, region, merge_state, history_from }
            .encode_to_vec()
    }

    /// Reads the stored form.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        const WHAT: &str = "region state";
        if bytes.first() == Some(&FORMAT) {
            return Ok(LocalState {
                state: PeerState::Normal,
                region: region_from_bytes(bytes)?,
                merge: None,
                history_from: None,
            });
        }
        let wire = raft_serverpb::RegionLocalState::decode(bytes)
            .map_err(|error| Error::corrupt(WHAT, error.to_string()))?;
        let state = match wire.state() {
            raft_serverpb::PeerState::Normal => PeerState::Normal,
            raft_serverpb::PeerState::Applying => PeerState::Applying,
            raft_serverpb::PeerState::Tombstone => PeerState::Tombstone,
            raft_serverpb::PeerState::Merging => PeerState::Merging,
            other => return Err(Error::corrupt(WHAT, format!("{other:?} is not known to this release"))),
        };
        let region = wire.region.ok_or_else(|| Error::corrupt(WHAT, "no region"))?;
        let merge = wire.merge_state.map(|merge| MergeState {
            min_index: merge.min_index,
            commit: merge.commit,
            target: merge.target.as_ref().map(from_wire::region).unwrap_or_default(),
        });
        if state == PeerState::Merging && merge.as_ref().is_none_or(|merge| merge.target.id == 0) {
            return Err(Error::corrupt(WHAT, "a merge without target"));
        }
        let history_from = wire.history_from.as_ref().map(|epoch| from_wire::epoch(Some(epoch)));
        Ok(LocalState { state, region: from_wire::region(&region), merge, history_from })
    }
}

/// The stored form of a region.
pub fn region_to_bytes(region: &Region) -> Vec<u8> {
    let mut out = vec![FORMAT];
    codec::encode_var_u64(&mut out, region.id);
    codec::encode_compact_bytes(&mut out, &region.start_key);
    codec::encode_compact_bytes(&mut out, &region.end_key);
    codec::encode_var_u64(&mut out, region.epoch.conf_ver);
    codec::encode_var_u64(&mut out, region.epoch.version);
    codec::encode_var_u64(&mut out, region.peers.len() as u64);
    for peer in &region.peers {
        codec::encode_var_u64(&mut out, peer.id);
        codec::encode_var_u64(&mut out, peer.store_id);
        out.push(role_to_byte(peer.role));
    }
    out
}

/// Reads the stored form of a region.
pub fn region_from_bytes(bytes: &[u8]) -> Result<Region> {
    let mut input = body("region state", bytes)?;
    let input = &mut input;
    let id = codec::decode_var_u64(input)?;
    let start_key = Bytes::copy_from_slice(codec::decode_compact_bytes(input)?);
    let end_key = Bytes::copy_from_slice(codec::decode_compact_bytes(input)?);
    let conf_ver = codec::decode_var_u64(input)?;
    let version = codec::decode_var_u64(input)?;
    let mut peers = Vec::new();
    for _ in 0..codec::decode_var_u64(input)? {
        let (id, store_id) = (codec::decode_var_u64(input)?, codec::decode_var_u64(input)?);
        peers.push(Peer { id, store_id, role: role_from_byte(codec::decode_u8(input)?)? });
    }
    Ok(Region { id, start_key, end_key, epoch: RegionEpoch { conf_ver, version }, peers })
}

fn body<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => Ok(rest),
        Some((format, _)) => {
            Err(Error::corrupt(what, format!("format {format} is not known to this release")))
        }
        None => Err(Error::corrupt(what, "empty value")),
    }
}

fn role_to_byte(role: PeerRole) -> u8 {
    match role {
        PeerRole::Voter => 0,
        PeerRole::Learner => 1,
        PeerRole::IncomingVoter => 2,
        PeerRole::DemotingVoter => 3,
    }
}

fn role_from_byte(byte: u8) -> Result<PeerRole> {
    match byte {
        0 => Ok(PeerRole::Voter),
        1 => Ok(PeerRole::Learner),
        2 => Ok(PeerRole::IncomingVoter),
        3 => Ok(PeerRole::DemotingVoter),
        _ => Err(Error::corrupt("region state", format!("unknown peer role {byte}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_their_encoding() {
        let region = Region {
            id: 300,
            start_key: Bytes::from_static(b"a"),
            end_key: Bytes::new(),
            epoch: RegionEpoch { conf_ver: 2, version: 9 },
            peers: vec![
                Peer { id: 4, store_id: 1, role: PeerRole::Voter },
                Peer { id: 5, store_id: 2, role: PeerRole::Learner },
            ],
        };
        assert_eq!(region_from_bytes(&region_to_bytes(&region)).expect("round trip"), region);
        for state in [PeerState::Normal, PeerState::Applying, PeerState::Tombstone] {
            let bytes = local_state_to_bytes(state, &region);
            assert_eq!(
                LocalState::parse(&bytes).expect("round trip"),
                LocalState { state, region: region.clone(), merge: None, history_from: None }
            );
        }
        let merge = Some(MergeState { min_index: 7, commit: 9, target: Region { id: 8, ..region.clone() } });
        let merging = LocalState {
            state: PeerState::Merging,
            region: region.clone(),
            merge,
            history_from: Some(region.epoch),
        };
        assert_eq!(LocalState::parse(&merging.to_bytes()).expect("round trip"), merging);
        assert!(LocalState::parse(&LocalState { merge: None, ..merging }.to_bytes()).is_err(), "no target");
        let older = LocalState::parse(&region_to_bytes(&region)).expect("the first format is still read");
        assert_eq!(
            older,
            LocalState { state: PeerState::Normal, region: region.clone(), merge: None, history_from: None }
        );
        let point = ApplyState { applied_index: 9, applied_term: 6 };
        let bytes = snapshot_point_to_bytes(point, region.epoch);
        assert_eq!(parse_snapshot_point(&bytes).expect("round trip"), (point, Some(region.epoch)));
        assert_eq!(parse_snapshot_point(&point.to_bytes()).expect("an older one"), (point, None));
        let applied = ApplyState { applied_index: 77, applied_term: 6 };
        assert_eq!(ApplyState::parse(&applied.to_bytes()).expect("round trip"), applied);
        let ident = StoreIdent { cluster_id: u64::MAX, store_id: 3 };
        assert_eq!(StoreIdent::parse(&ident.to_bytes()).expect("round trip"), ident);
    }

    #[test]
    fn other_formats_are_refused() {
        assert!(ApplyState::parse(&[2; 17]).is_err());
        assert!(ApplyState::parse(&[1, 0]).is_err());
        assert!(region_from_bytes(&[]).is_err());
    }
}
