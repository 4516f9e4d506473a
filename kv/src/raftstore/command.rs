//! What a raft entry says.
//!
//! ```text
//! format 1 | kind | epoch version LEB128 | epoch conf_ver LEB128 | body
//!   kind 1, write:  write sets one after another
//!   kind 2, split:  count LEB128, then per new region: split key compact | region id | peer count | peer ids
//!   kind 3, compact log:  index LEB128 up to which the log may go
//!   kind 4, change peers:  count LEB128, then per change: what u8 | peer id LEB128 | store id LEB128
//!   kind 5, prepare merge:  min index LEB128 | target region compact
//!   kind 6, commit merge:  source region compact | min index LEB128 | index of its kind 5 LEB128 | entries compact
//!   kind 7, roll merge back:  index of its kind 5 LEB128
//! ```
//! A change of peers is the context of a conf change entry, whose data are raft's own words for it. An entry without
//! data is the one a new leader appends. The epoch is the one the proposer saw; it is compared
//! again when the entry is applied, on every replica alike, so an entry that lost a race against a split does
//! nothing everywhere. Kinds 8 and up are reserved for consistency checks.
use bytes::Bytes;
use protobuf::Message as _;
use raft::eraftpb::Entry;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch, codec};
use rutile_pd_client::{PeerChange, PeerChangeKind, SplitIds};

use super::state::{region_from_bytes, region_to_bytes};
use crate::error::{Error, Result};

const FORMAT: u8 = 1;
const KIND_WRITE: u8 = 1;
const KIND_SPLIT: u8 = 2;
const KIND_COMPACT_LOG: u8 = 3;
const KIND_CHANGE_PEERS: u8 = 4;
const KIND_PREPARE_MERGE: u8 = 5;
const KIND_COMMIT_MERGE: u8 = 6;
const KIND_ROLLBACK_MERGE: u8 = 7;

/// A decoded entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Command<'a> {
    /// Write sets; decode with `Changes`.
    Write { epoch: RegionEpoch, body: &'a [u8] },
    /// A batch split.
    Split { epoch: RegionEpoch, plan: SplitPlan },
    /// Nobody is expected to ask for what is before; who does gets a snapshot.
    CompactLog { index: u64 },
    /// A change of members; none leaves the joint configuration.
    ChangePeers { epoch: RegionEpoch, changes: Vec<PeerChange> },
    /// The region stops, to be merged into `target`. All its peers have the log before `min_index`.
    PrepareMerge { epoch: RegionEpoch, min_index: u64, target: Region },
    /// The region takes over the source.
    CommitMerge { epoch: RegionEpoch, source: Box<SourceEnd> },
    /// The merge that was prepared at this index can not happen any more.
    RollbackMerge { commit: u64 },
}

/// How the source of a merge ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceEnd {
    /// As the entry that prepared the merge left it.
    pub region: Region,
    pub min_index: u64,
    /// Index of the entry that prepared the merge.
    pub commit: u64,
    /// The log of the source from `min_index` to `commit`.
    pub entries: Vec<Entry>,
}

/// Where to split and which ids the new regions get. The region that is split keeps its id and the last piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitPlan {
    /// Ascending, strictly inside the region; encoded user keys.
    pub keys: Vec<Bytes>,
    /// One per key: the region that ends there.
    pub ids: Vec<SplitIds>,
}

/// Starts a write entry; write sets are appended behind.
pub fn begin_write(epoch: RegionEpoch, out: &mut Vec<u8>) {
    out.extend_from_slice(&[FORMAT, KIND_WRITE]);
    encode_epoch(epoch, out);
}

/// A split entry.
pub fn encode_split(epoch: RegionEpoch, plan: &SplitPlan) -> Vec<u8> {
    debug_assert_eq!(plan.keys.len(), plan.ids.len(), "one new region per key");
    let mut out = vec![FORMAT, KIND_SPLIT];
    encode_epoch(epoch, &mut out);
    codec::encode_var_u64(&mut out, plan.keys.len() as u64);
    for (key, ids) in plan.keys.iter().zip(&plan.ids) {
        codec::encode_compact_bytes(&mut out, key);
        codec::encode_var_u64(&mut out, ids.region_id);
        codec::encode_var_u64(&mut out, ids.peer_ids.len() as u64);
        for peer_id in &ids.peer_ids {
            codec::encode_var_u64(&mut out, *peer_id);
        }
    }
    out
}

/// Whether an entry splits its region.
pub fn is_split(data: &[u8]) -> bool {
    data.starts_with(&[FORMAT, KIND_SPLIT])
}

/// Whether an entry changes the region beyond its range of keys, its members included; those have entries of another
/// type.
pub fn is_admin(data: &[u8]) -> bool {
    data.first() == Some(&FORMAT) && data.get(1).is_some_and(|kind| *kind != KIND_WRITE)
}

/// Whether an entry merges another region into its own.
pub fn is_commit_merge(data: &[u8]) -> bool {
    data.starts_with(&[FORMAT, KIND_COMMIT_MERGE])
}

/// A region stops, to be merged.
pub fn encode_prepare_merge(epoch: RegionEpoch, min_index: u64, target: &Region) -> Vec<u8> {
    let mut out = vec![FORMAT, KIND_PREPARE_MERGE];
    encode_epoch(epoch, &mut out);
    codec::encode_var_u64(&mut out, min_index);
    codec::encode_compact_bytes(&mut out, &region_to_bytes(target));
    out
}

/// A region takes over its neighbour.
pub fn encode_commit_merge(epoch: RegionEpoch, source: &SourceEnd) -> Result<Vec<u8>> {
    let mut out = vec![FORMAT, KIND_COMMIT_MERGE];
    encode_epoch(epoch, &mut out);
    codec::encode_compact_bytes(&mut out, &region_to_bytes(&source.region));
    codec::encode_var_u64(&mut out, source.min_index);
    codec::encode_var_u64(&mut out, source.commit);
    codec::encode_var_u64(&mut out, source.entries.len() as u64);
    for entry in &source.entries {
        let bytes =
            entry.write_to_bytes().map_err(|error| Error::corrupt("raft entry", error.to_string()))?;
        codec::encode_compact_bytes(&mut out, &bytes);
    }
    Ok(out)
}

/// A region goes on without being merged.
pub fn encode_rollback_merge(epoch: RegionEpoch, commit: u64) -> Vec<u8> {
    let mut out = vec![FORMAT, KIND_ROLLBACK_MERGE];
    encode_epoch(epoch, &mut out);
    codec::encode_var_u64(&mut out, commit);
    out
}

/// A leave to compact the log.
pub fn encode_compact_log(epoch: RegionEpoch, index: u64) -> Vec<u8> {
    let mut out = vec![FORMAT, KIND_COMPACT_LOG];
    encode_epoch(epoch, &mut out);
    codec::encode_var_u64(&mut out, index);
    out
}

/// A change of members.
pub fn encode_change_peers(epoch: RegionEpoch, changes: &[PeerChange]) -> Vec<u8> {
    let mut out = vec![FORMAT, KIND_CHANGE_PEERS];
    encode_epoch(epoch, &mut out);
    codec::encode_var_u64(&mut out, changes.len() as u64);
    for change in changes {
        out.push(match change.kind {
            PeerChangeKind::AddVoter => 0,
            PeerChangeKind::Remove => 1,
            PeerChangeKind::AddLearner => 2,
        });
        codec::encode_var_u64(&mut out, change.peer.id);
        codec::encode_var_u64(&mut out, change.peer.store_id);
    }
    out
}

impl<'a> Command<'a> {
    /// Reads the data of an entry.
    pub fn decode(data: &'a [u8]) -> Result<Self> {
        let [format, kind, rest @ ..] = data else {
            return Err(Error::corrupt("raft entry", "shorter than its head"));
        };
        if *format != FORMAT {
            return Err(Error::corrupt(
                "raft entry",
                format!("format {format} is not known to this release"),
            ));
        }
        let mut input = rest;
        let version = codec::decode_var_u64(&mut input)?;
        let epoch = RegionEpoch { version, conf_ver: codec::decode_var_u64(&mut input)? };
        match *kind {
            KIND_WRITE => Ok(Command::Write { epoch, body: input }),
            KIND_COMPACT_LOG => Ok(Command::CompactLog { index: codec::decode_var_u64(&mut input)? }),
            KIND_CHANGE_PEERS => Ok(Command::ChangePeers { epoch, changes: decode_changes(&mut input)? }),
            KIND_SPLIT => Ok(Command::Split { epoch, plan: decode_split(&mut input)? }),
            KIND_PREPARE_MERGE => {
                let min_index = codec::decode_var_u64(&mut input)?;
                let target = region_from_bytes(codec::decode_compact_bytes(&mut input)?)?;
                Ok(Command::PrepareMerge { epoch, min_index, target })
            }
            KIND_COMMIT_MERGE => {
                Ok(Command::CommitMerge { epoch, source: Box::new(decode_source(&mut input)?) })
            }
            KIND_ROLLBACK_MERGE => Ok(Command::RollbackMerge { commit: codec::decode_var_u64(&mut input)? }),
            _ => Err(Error::corrupt("raft entry", format!("unknown kind {kind}"))),
        }
    }
}

/// Reads an entry and all changes in it, for fuzz targets.
pub fn decode_only(data: &[u8]) {
    if let Ok(Command::Write { body, .. }) = Command::decode(data) {
        crate::fuzz::write_set(body);
    }
}

fn encode_epoch(epoch: RegionEpoch, out: &mut Vec<u8>) {
    codec::encode_var_u64(out, epoch.version);
    codec::encode_var_u64(out, epoch.conf_ver);
}

fn decode_changes(input: &mut &[u8]) -> Result<Vec<PeerChange>> {
    let mut changes = Vec::new();
    for _ in 0..codec::decode_var_u64(input)? {
        let kind = match codec::decode_u8(input)? {
            0 => PeerChangeKind::AddVoter,
            1 => PeerChangeKind::Remove,
            2 => PeerChangeKind::AddLearner,
            other => return Err(Error::corrupt("raft entry", format!("unknown change of peers {other}"))),
        };
        let (id, store_id) = (codec::decode_var_u64(input)?, codec::decode_var_u64(input)?);
        // The region tells the role.
        changes.push(PeerChange { kind, peer: Peer { id, store_id, role: PeerRole::Voter } });
    }
    Ok(changes)
}

fn decode_source(input: &mut &[u8]) -> Result<SourceEnd> {
    let mut source = SourceEnd {
        region: region_from_bytes(codec::decode_compact_bytes(input)?)?,
        min_index: codec::decode_var_u64(input)?,
        commit: codec::decode_var_u64(input)?,
        entries: Vec::new(),
    };
    for _ in 0..codec::decode_var_u64(input)? {
        let entry = Entry::parse_from_bytes(codec::decode_compact_bytes(input)?);
        source.entries.push(entry.map_err(|error| Error::corrupt("raft entry", error.to_string()))?);
    }
    Ok(source)
}

fn decode_split(input: &mut &[u8]) -> Result<SplitPlan> {
    let mut plan = SplitPlan::default();
    for _ in 0..codec::decode_var_u64(input)? {
        plan.keys.push(Bytes::copy_from_slice(codec::decode_compact_bytes(input)?));
        let mut ids = SplitIds { region_id: codec::decode_var_u64(input)?, peer_ids: Vec::new() };
        for _ in 0..codec::decode_var_u64(input)? {
            ids.peer_ids.push(codec::decode_var_u64(input)?);
        }
        plan.ids.push(ids);
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: RegionEpoch = RegionEpoch { conf_ver: 1, version: 200 };

    #[test]
    fn split_round_trip() {
        let plan = SplitPlan {
            keys: vec![Bytes::from_static(b"k1"), Bytes::from_static(b"k2")],
            ids: vec![
                SplitIds { region_id: 10, peer_ids: vec![11] },
                SplitIds { region_id: 12, peer_ids: vec![13, 14, 15] },
            ],
        };
        let data = encode_split(EPOCH, &plan);
        assert_eq!(Command::decode(&data).expect("round trip"), Command::Split { epoch: EPOCH, plan });
        for length in 0..data.len() {
            assert!(Command::decode(&data[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn change_peers_round_trip() {
        let peer = |id| Peer { id, store_id: id + 100, role: PeerRole::Voter };
        let kinds = [PeerChangeKind::AddVoter, PeerChangeKind::AddLearner, PeerChangeKind::Remove];
        let changes: Vec<_> =
            kinds.into_iter().zip(200..).map(|(kind, id)| PeerChange { kind, peer: peer(id) }).collect();
        let data = encode_change_peers(EPOCH, &changes);
        assert_eq!(
            Command::decode(&data).expect("round trip"),
            Command::ChangePeers { epoch: EPOCH, changes }
        );
        assert!(Command::decode(&data[..data.len() - 1]).is_err());
    }

    #[test]
    fn merges_round_trip() {
        let peers = vec![Peer { id: 4, store_id: 1, role: PeerRole::Learner }];
        let region = Region { id: 9, start_key: "m".into(), epoch: EPOCH, peers, ..Region::default() };
        let entry = Entry { index: 300, term: 7, data: vec![1, 2].into(), ..Entry::default() };
        let source = SourceEnd { region: region.clone(), min_index: 299, commit: 300, entries: vec![entry] };
        let prepare = encode_prepare_merge(EPOCH, 299, &region);
        let commit = encode_commit_merge(EPOCH, &source).expect("encodes");
        let rollback = encode_rollback_merge(EPOCH, 300);
        assert!(is_commit_merge(&commit) && is_admin(&commit) && is_admin(&prepare) && is_admin(&rollback));
        let expected = [
            (prepare, Command::PrepareMerge { epoch: EPOCH, min_index: 299, target: region }),
            (commit, Command::CommitMerge { epoch: EPOCH, source: Box::new(source) }),
            (rollback, Command::RollbackMerge { commit: 300 }),
        ];
        for (data, command) in expected {
            assert_eq!(Command::decode(&data).expect("round trip"), command);
            for length in 0..data.len() {
                assert!(Command::decode(&data[..length]).is_err(), "{length} of {command:?}");
            }
        }
    }

    #[test]
    fn compact_log_round_trip() {
        let data = encode_compact_log(EPOCH, 70_000);
        assert_eq!(Command::decode(&data).expect("round trip"), Command::CompactLog { index: 70_000 });
        assert!(Command::decode(&data[..data.len() - 1]).is_err());
    }

    #[test]
    fn write_keeps_its_body() {
        let mut data = Vec::new();
        begin_write(EPOCH, &mut data);
        data.extend_from_slice(b"body");
        assert_eq!(
            Command::decode(&data).expect("round trip"),
            Command::Write { epoch: EPOCH, body: b"body" }
        );
        data[0] = 9;
        assert!(Command::decode(&data).is_err());
    }
}
