//! What raft sees of the log, and the map that the log makes.

use std::collections::BTreeMap;

use prost::Message as _;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use rutile_kv_proto::pdpb;

use crate::storage::{Batch, Image, Pairs, apply, decode_batch, encode_batch, keys};

/// Applied entries that are kept for members that are a little behind; others get the whole map.
const KEPT_ENTRIES: u64 = 1_000;
const KEPT_BYTES: u64 = 1 << 20;

/// Everything of a member that is durable. Invariant: `start.0 <= applied.0 <= last_index`.
pub(super) struct Replica {
    image: Image,
    /// The members that the map names.
    roster: BTreeMap<u64, pdpb::Member>,
}

impl Replica {
    pub(super) fn new(image: Image) -> Replica {
        let roster = roster(&image.pairs);
        Replica { image, roster }
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    pub(super) fn roster(&self) -> &BTreeMap<u64, pdpb::Member> {
        &self.roster
    }

    pub(super) fn applied(&self) -> (u64, u64) {
        self.image.applied
    }

    pub(super) fn last_index(&self) -> u64 {
        self.image.last_index()
    }

    /// An entry became durable. They come without gaps.
    pub(super) fn append(&mut self, entry: Entry) {
        let fits = self.image.append(entry);
        debug_assert!(fits, "raft appends behind what it was told is there");
    }

    pub(super) fn set_hard_state(&mut self, state: HardState) {
        self.image.hard_state = state;
    }

    pub(super) fn set_conf(&mut self, conf: ConfState) {
        self.image.conf = conf;
    }

    /// Changes the map by a committed entry.
    pub(super) fn apply(&mut self, batch: Batch) {
        let of_members = batch.changes().iter().any(|(key, _)| key.starts_with(keys::MEMBER_PREFIX));
        apply(&mut self.image.pairs, batch);
        if of_members {
            self.roster = roster(&self.image.pairs);
        }
    }

    pub(super) fn applied_to(&mut self, index: u64, term: u64) {
        debug_assert!(index == self.image.applied.0 + 1, "entries are applied one by one");
        debug_assert!(index <= self.last_index(), "what is applied is durable");
        self.image.applied = (index, term);
    }

    /// Takes the place of everything here.
    pub(super) fn restore(&mut self, image: Image) {
        *self = Replica::new(image);
    }

    /// What it becomes by a snapshot of the leader; `None` when that is damaged.
    pub(super) fn restored(&self, snapshot: &Snapshot) -> Option<Image> {
        let point = snapshot.get_metadata();
        let mut pairs = Pairs::new();
        apply(&mut pairs, decode_batch(snapshot.get_data())?);
        let applied = (point.index, point.term);
        let mut hard_state = self.image.hard_state.clone();
        hard_state.commit = hard_state.commit.max(point.index);
        Some(Image {
            member_id: self.image.member_id,
            hard_state,
            applied,
            conf: point.get_conf_state().clone(),
            pairs,
            start: applied,
            entries: Default::default(),
        })
    }

    /// Forgets applied entries that no member is likely to need.
    pub(super) fn forget_old_entries(&mut self) {
        let image = &mut self.image;
        let applied = (image.applied.0 - image.start.0) as usize;
        let (mut kept, mut bytes) = (0, 0);
        for entry in image.entries.iter().take(applied).rev() {
            bytes += entry.data.len() as u64;
            if kept >= KEPT_ENTRIES || bytes > KEPT_BYTES {
                break;
            }
            kept += 1;
        }
        let gone = applied - kept as usize;
        if let Some(last) = image.entries.drain(..gone).next_back() {
            image.start = (last.index, last.term);
        }
    }
}

fn roster(pairs: &Pairs) -> BTreeMap<u64, pdpb::Member> {
    let of_members = pairs.range(keys::MEMBER_PREFIX.to_vec()..);
    let of_members = of_members.take_while(|(key, _)| key.starts_with(keys::MEMBER_PREFIX));
    let members = of_members.filter_map(|(_, value)| pdpb::Member::decode(value.as_slice()).ok());
    members.map(|member| (member.member_id, member)).collect()
}

impl Storage for Replica {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.image.hard_state.clone(), self.image.conf.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let Some(from) = low.checked_sub(self.image.start.0 + 1) else {
            return Err(StorageError::Compacted.into());
        };
        if high > self.last_index() + 1 {
            return Err(StorageError::Unavailable.into());
        }
        let mut left = max_size.into().unwrap_or(u64::MAX);
        let mut found: Vec<Entry> = Vec::new();
        for entry in self.image.entries.range(from as usize..(high - self.image.start.0 - 1) as usize) {
            let bytes = entry.data.len() as u64;
            if bytes > left && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(bytes);
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let (start, term) = self.image.start;
        match index.checked_sub(start) {
            None => Err(StorageError::Compacted.into()),
            Some(0) => Ok(term),
            Some(place) => match self.image.entries.get(place as usize - 1) {
                Some(entry) => Ok(entry.term),
                None => Err(StorageError::Unavailable.into()),
            },
        }
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.image.start.0 + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(Replica::last_index(self))
    }

    fn snapshot(&self, request_index: u64, _: u64) -> raft::Result<Snapshot> {
        if self.image.applied.0 < request_index {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        }
        let mut batch = Batch::default();
        for (key, value) in &self.image.pairs {
            batch.put(key.as_slice(), value.as_slice());
        }
        let mut point = SnapshotMetadata::default();
        (point.index, point.term) = self.image.applied;
        point.set_conf_state(self.image.conf.clone());
        let mut snapshot = Snapshot::default();
        snapshot.set_metadata(point);
        snapshot.data = encode_batch(&batch).into();
        Ok(snapshot)
    }
}
