//! Regions: contiguous ranges of the key space, each replicated by its own raft group.

use bytes::Bytes;

/// Counts the changes of a region; a request made for another epoch is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionEpoch {
    /// Raised by each change of membership.
    pub conf_ver: u64,
    /// Raised by each split and merge.
    pub version: u64,
}

impl RegionEpoch {
    /// Whether neither counter is behind `other`'s.
    pub const fn covers(self, other: RegionEpoch) -> bool {
        self.conf_ver >= other.conf_ver && self.version >= other.version
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PeerRole {
    #[default]
    Voter,
    /// Gets the log, does not vote.
    Learner,
    /// Votes in the new configuration only, while in joint consensus.
    IncomingVoter,
    /// Votes in the old configuration only; a learner afterwards.
    DemotingVoter,
}

/// One replica of a region. Ids are unique in the cluster and never used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    pub id: u64,
    pub store_id: u64,
    pub role: PeerRole,
}

/// Bounds are memory-comparable user keys without timestamp; empty means unbounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    pub id: u64,
    pub start_key: Bytes,
    /// Exclusive.
    pub end_key: Bytes,
    pub epoch: RegionEpoch,
    pub peers: Vec<Peer>,
}

impl Region {
    /// Whether an encoded key, with or without timestamp, lies inside: no timestamp moves a key over a bound, because
    /// no encoded key is a prefix of another.
    pub fn contains(&self, encoded_key: &[u8]) -> bool {
        self.start_key.as_ref() <= encoded_key
            && (self.end_key.is_empty() || encoded_key < self.end_key.as_ref())
    }

    pub fn peer_on_store(&self, store_id: u64) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.store_id == store_id)
    }

    pub fn peer(&self, peer_id: u64) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.id == peer_id)
    }

    /// Whether both describe some common key.
    pub fn overlaps(&self, other: &Region) -> bool {
        let before = |a: &Region, b: &Region| !a.end_key.is_empty() && a.end_key <= b.start_key;
        !before(self, other) && !before(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &'static str, end: &'static str) -> Region {
        Region { id: 1, start_key: start.into(), end_key: end.into(), ..Region::default() }
    }

    #[test]
    fn bounds_are_half_open() {
        let middle = region("b", "d");
        assert!(middle.contains(b"b"));
        assert!(middle.contains(b"c\xff"));
        assert!(!middle.contains(b"d"));
        assert!(region("", "").contains(b""));
    }

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!region("", "b").overlaps(&region("b", "")));
        assert!(region("", "c").overlaps(&region("b", "")));
        assert!(region("", "").overlaps(&region("x", "y")));
    }

    #[test]
    fn an_epoch_covers_only_what_is_not_newer_in_either_part() {
        let epoch = |conf_ver, version| RegionEpoch { conf_ver, version };
        assert!(epoch(2, 2).covers(epoch(2, 1)));
        assert!(!epoch(3, 1).covers(epoch(2, 2)));
    }
}
