//! Conf changes: members come, change their role and go.
//!
//! One change is made at a time. A single one takes effect at once; several together lead into a joint configuration,
//! in which a majority of the old members and one of the new must agree, and an empty change leads out of it. The
//! entry carries the change twice: in raft's words for the raft crate, and in ours for the region, with the epoch that
//! is compared when it is applied. The apply loop changes the region, in the batch of the applied index; then the
//! raft loop tells raft. Until then raft is not told that the entry is applied: it counts on knowing all changes that
//! are.
//!
//! Leases: a majority of the old members and one of the new have somebody in common, who promised the leader to keep
//! quiet; so a lease outlives a change. Only a region that had one voter must give up its lease without end.
use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, Entry, EntryType};
use raft::{GetEntriesContext, RawNode, Storage as _};
use rutile_kv_env::fail_stop;
use rutile_kv_types::{Peer as PeerId, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{PeerChange, PeerChangeKind};

use super::command::encode_change_peers;
use super::peer::Peer;
use super::storage::{PeerStorage, conf_state, is_joint};
use super::store::RaftLoop;
use crate::error::{Error, Result};

/// Raft changes its members when it is asked to and not when that is committed.
const BEFORE_COMMIT: &str = "raftstore::conf_change::before_commit";

/// A change that was applied to its region.
pub struct AppliedChange {
    pub index: u64,
    /// The change for raft and the region after it; `None` when it was refused at its turn.
    pub made: Option<(ConfChangeV2, Arc<Region>)>,
}

/// Whether a region changes from one configuration into another.
pub fn is_in_joint(region: &Region) -> bool {
    region.peers.iter().any(|peer| is_joint(peer.role))
}

/// The region after a change. Refuses what makes no sense, on every replica alike.
pub fn change_region(region: &Region, changes: &[PeerChange]) -> Result<Region> {
    let mut changed = region.clone();
    let count = match changes {
        [] => leave_joint(&mut changed)?,
        _ if is_in_joint(region) => return Err(refused(region, "is in a joint configuration")),
        [change] => change_peer(&mut changed, change, false)?,
        _ => {
            let mut count = 0;
            for (n, change) in changes.iter().enumerate() {
                if changes[..n].iter().any(|other| other.peer.store_id == change.peer.store_id) {
                    return Err(refused(region, "would change two peers of one store"));
                }
                count += change_peer(&mut changed, change, true)?;
            }
            count
        }
    };
    if !changed.peers.iter().any(|peer| matches!(peer.role, PeerRole::Voter | PeerRole::IncomingVoter)) {
        return Err(refused(region, "would lose its last voter"));
    }
    changed.epoch.conf_ver += count;
    Ok(changed)
}

fn refused(region: &Region, why: &str) -> Error {
    Error::Invalid(format!("region {} {why}", region.id))
}

fn leave_joint(region: &mut Region) -> Result<u64> {
    let mut count = 0;
    for peer in region.peers.iter_mut().filter(|peer| is_joint(peer.role)) {
        peer.role = if peer.role == PeerRole::IncomingVoter { PeerRole::Voter } else { PeerRole::Learner };
        count += 1;
    }
    if count == 0 { Err(refused(region, "is in no joint configuration")) } else { Ok(count) }
}

fn change_peer(region: &mut Region, change: &PeerChange, joint: bool) -> Result<u64> {
    let (id, store_id) = (change.peer.id, change.peer.store_id);
    let Some(at) = region.peers.iter().position(|peer| peer.store_id == store_id) else {
        let role = match change.kind {
            PeerChangeKind::AddVoter if joint => PeerRole::IncomingVoter,
            PeerChangeKind::AddVoter => PeerRole::Voter,
            PeerChangeKind::AddLearner => PeerRole::Learner,
            PeerChangeKind::Remove => return Err(refused(region, "has no such peer to remove")),
        };
        if id == 0 || region.peer(id).is_some() {
            return Err(refused(region, "needs a new id for a new peer"));
        }
        region.peers.push(PeerId { id, store_id, role });
        return Ok(1);
    };
    if region.peers[at].id != id {
        return Err(refused(region, "has another peer on the store"));
    }
    let role = match (change.kind, region.peers[at].role) {
        (PeerChangeKind::AddVoter, PeerRole::Learner) if joint => PeerRole::IncomingVoter,
        (PeerChangeKind::AddVoter, PeerRole::Learner) => PeerRole::Voter,
        (PeerChangeKind::AddLearner, PeerRole::Voter) if joint => PeerRole::DemotingVoter,
        (PeerChangeKind::AddLearner, PeerRole::Voter) => PeerRole::Learner,
        (PeerChangeKind::Remove, PeerRole::Voter) if joint => {
            return Err(refused(region, "can not remove a voter together with other changes"));
        }
        (PeerChangeKind::Remove, _) => {
            region.peers.remove(at);
            return Ok(1);
        }
        _ => return Err(refused(region, "has the peer in that role already")),
    };
    region.peers[at].role = role;
    Ok(1)
}

/// The change in raft's words.
pub fn to_raft(changes: &[PeerChange]) -> ConfChangeV2 {
    let mut all = ConfChangeV2::default();
    if changes.len() > 1 {
        all.set_transition(ConfChangeTransition::Explicit);
    }
    for change in changes {
        let mut single = ConfChangeSingle { node_id: change.peer.id, ..ConfChangeSingle::default() };
        single.set_change_type(match change.kind {
            PeerChangeKind::AddVoter => ConfChangeType::AddNode,
            PeerChangeKind::AddLearner => ConfChangeType::AddLearnerNode,
            PeerChangeKind::Remove => ConfChangeType::RemoveNode,
        });
        all.mut_changes().push(single);
    }
    all
}

/// Reads the change of an entry in raft's words.
pub fn from_entry(data: &[u8]) -> Result<ConfChangeV2> {
    ConfChangeV2::parse_from_bytes(data).map_err(|error| Error::corrupt("conf change", error.to_string()))
}

impl RaftLoop {
    /// Proposes a change of members, if nothing speaks against it.
    pub(super) fn change_peers(&mut self, region_id: u64, epoch: RegionEpoch, changes: &[PeerChange]) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if let Err(error) = peer.check_change(changes) {
            tracing::info!(region_id, %error, "conf change is not proposed");
            return;
        }
        peer.propose_group();
        if self.env.hooks.is_planted(BEFORE_COMMIT) {
            drop(peer.node.apply_conf_change(&to_raft(changes)));
        }
        let context = encode_change_peers(epoch, changes);
        match peer.node.propose_conf_change(context, to_raft(changes)) {
            Ok(()) => self.env.hooks.record("raftstore::conf_change::proposed", || {
                [region_id, epoch.conf_ver, changes.len() as u64]
            }),
            // Leadership moves; PD asks again.
            Err(error) => tracing::info!(region_id, %error, "conf change dropped"),
        }
        self.dirty.insert(region_id);
    }

    /// A change of members was applied or refused at its turn: now raft may know.
    pub(super) fn conf_changed(&mut self, region_id: u64, change: AppliedChange) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if peer.unreported_changes.front() == Some(&change.index) {
            peer.unreported_changes.pop_front();
        }
        self.dirty.insert(region_id);
        let Some((raft_change, region)) = change.made else {
            return;
        };
        let former = std::mem::replace(&mut peer.region, region.clone());
        if region.peer(peer.view.peer.id).is_none() {
            return self.leave(region_id, change.index);
        }
        if !self.env.hooks.is_planted(BEFORE_COMMIT) {
            peer.tell_raft(&raft_change);
        } else {
            drop(peer.node.apply_conf_change(&raft_change));
        }
        self.metrics.conf_changes.add(1);
        if peer.is_leader() {
            // PD is told below in any case.
            let _ = peer.look_after(self.env.clock.now());
            if !peer.is_only_voter() {
                peer.view.end_unbounded_lease();
            }
            // They may never hear that their removal was committed.
            let removed = former.peers.iter().filter(|peer| region.peer(peer.id).is_none());
            removed.for_each(|peer| self.send_tombstone(region_id, peer));
            self.reports.members_changed(region);
        }
    }
}

fn changes_members(entry: &Entry) -> bool {
    entry.get_entry_type() != EntryType::EntryNormal
}

/// Entries of an opened log that change members and are not known to be committed.
pub(super) fn changes_in_log(node: &RawNode<PeerStorage>) -> Result<Vec<u64>> {
    let (low, high) = (node.raft.raft_log.committed + 1, node.raft.raft_log.last_index() + 1);
    let entries = node.store().entries(low, high, None, GetEntriesContext::empty(false));
    let entries = entries.map_err(|error| Error::corrupt("raft log", error.to_string()))?;
    Ok(entries.iter().filter(|entry| changes_members(entry)).map(|entry| entry.index).collect())
}

impl Peer {
    /// Entries were appended.
    pub(super) fn note_changes_in_log(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else {
            return;
        };
        self.changes_in_log.retain(|index| *index < first.index);
        self.changes_in_log
            .extend(entries.iter().filter(|entry| changes_members(entry)).map(|entry| entry.index));
    }

    /// Whether the commit index passes a change of members. It must be durable before others hear of it: a leader that
    /// was removed is gone once they know, and one of them that forgets it would wait for his vote for ever.
    pub(super) fn commits_change_of_members(&mut self, commit: u64) -> bool {
        let before = self.changes_in_log.len();
        self.changes_in_log.retain(|index| *index > commit);
        self.changes_in_log.len() < before
    }

    /// Remembers changes of members that are handed to the apply loop.
    #[inline]
    pub(super) fn note_changes(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.note_admin(entry);
            if changes_members(entry) {
                self.unreported_changes.push_back(entry.index);
            }
        }
    }

    fn tell_raft(&mut self, change: &ConfChangeV2) {
        let region_id = self.region_id();
        match self.node.apply_conf_change(change) {
            Ok(state) => {
                let expected = conf_state(&self.region);
                if !raft_proto_equal(&state, &expected) {
                    fail_stop(
                        "members of region and raft differ",
                        &format!("{region_id}: {state:?} {expected:?}"),
                    );
                }
            }
            Err(error) => fail_stop("conf change", &format!("region {region_id}: {error}")),
        }
    }

    /// What only the leader can tell: whether the region can go on after the change.
    fn check_change(&self, changes: &[PeerChange]) -> Result<()> {
        let region = &self.region;
        if !self.is_leader() || self.node.raft.has_pending_conf() || !self.node.raft.commit_to_current_term()
        {
            return Err(refused(region, "has another change under way"));
        }
        if self.is_being_merged() {
            return Err(refused(region, "is being merged"));
        }
        let changed = change_region(region, changes)?;
        let own = self.view.peer.id;
        let leads_on = matches!(
            changed.peer(own).map(|peer| peer.role),
            Some(PeerRole::Voter | PeerRole::IncomingVoter | PeerRole::DemotingVoter)
        );
        if !leads_on {
            return Err(refused(region, "would lose its leader"));
        }
        let state = conf_state(&changed);
        if self.has_live_majority(&state.voters) && self.has_live_majority(&state.voters_outgoing) {
            Ok(())
        } else {
            Err(refused(region, "would not have a majority that can go on"))
        }
    }

    /// Whether most of these peers answer and need no snapshot.
    fn has_live_majority(&self, voters: &[u64]) -> bool {
        let raft = &self.node.raft;
        let first_index = raft.raft_log.first_index();
        let is_live = |id: &&u64| {
            let progress = raft.prs().get(**id);
            **id == raft.id
                || progress
                    .is_some_and(|progress| progress.recent_active && progress.matched + 1 >= first_index)
        };
        voters.is_empty() || voters.iter().filter(is_live).count() * 2 > voters.len()
    }
}

/// Whether both name the same members, in any order.
fn raft_proto_equal(one: &raft::eraftpb::ConfState, other: &raft::eraftpb::ConfState) -> bool {
    let sorted = |ids: &[u64]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    sorted(&one.voters) == sorted(&other.voters)
        && sorted(&one.learners) == sorted(&other.learners)
        && sorted(&one.voters_outgoing) == sorted(&other.voters_outgoing)
        && sorted(&one.learners_next) == sorted(&other.learners_next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(peers: &[(u64, PeerRole)]) -> Region {
        let peers = peers.iter().map(|(id, role)| PeerId { id: *id, store_id: id % 10, role: *role });
        let epoch = RegionEpoch { conf_ver: 5, version: 7 };
        Region { id: 1, epoch, peers: peers.collect(), ..Region::default() }
    }

    fn change(kind: PeerChangeKind, id: u64) -> PeerChange {
        PeerChange { kind, peer: PeerId { id, store_id: id % 10, role: Voter } }
    }

    use PeerChangeKind::{AddLearner, AddVoter, Remove};
    use PeerRole::{DemotingVoter, IncomingVoter, Learner, Voter};

    /// The peers after a change, and by how much `conf_ver` grew; nothing when it is refused.
    fn after(
        before: &[(u64, PeerRole)],
        changes: &[(PeerChangeKind, u64)],
    ) -> Option<(Vec<(u64, PeerRole)>, u64)> {
        let changes: Vec<_> = changes.iter().map(|(kind, id)| change(*kind, *id)).collect();
        let changed = change_region(&region(before), &changes).ok()?;
        let peers = changed.peers.iter().map(|peer| (peer.id, peer.role)).collect();
        Some((peers, changed.epoch.conf_ver - 5))
    }

    #[test]
    fn single_changes() {
        let two = &[(1, Voter), (2, Learner)];
        assert_eq!(after(two, &[(AddVoter, 2)]), Some((vec![(1, Voter), (2, Voter)], 1)));
        assert_eq!(after(two, &[(AddLearner, 3)]), Some((vec![(1, Voter), (2, Learner), (3, Learner)], 1)));
        assert_eq!(after(two, &[(Remove, 2)]), Some((vec![(1, Voter)], 1)));
        let voters = &[(1, Voter), (2, Voter)];
        assert_eq!(after(voters, &[(AddLearner, 2)]), Some((vec![(1, Voter), (2, Learner)], 1)));
        for (kind, id, why) in [
            (AddVoter, 1, "a voter already"),
            (AddLearner, 2, "a learner already"),
            (Remove, 3, "nobody to remove"),
            (Remove, 12, "another peer on the store"),
            (AddVoter, 12, "another peer on the store"),
            (Remove, 1, "the last voter"),
        ] {
            assert_eq!(after(two, &[(kind, id)]), None, "{why}");
        }
    }

    #[test]
    fn several_changes_lead_through_a_joint_configuration() {
        let before = &[(1, Voter), (2, Voter), (3, Learner)];
        let changes = &[(AddVoter, 3), (AddLearner, 2), (AddVoter, 4)];
        let joint = vec![(1, Voter), (2, DemotingVoter), (3, IncomingVoter), (4, IncomingVoter)];
        assert_eq!(after(before, changes), Some((joint.clone(), 3)));
        let left = vec![(1, Voter), (2, Learner), (3, Voter), (4, Voter)];
        assert_eq!(after(&joint, &[]), Some((left, 3)));
        assert_eq!(after(&joint, &[(AddLearner, 5)]), None, "not before it is left");
        assert_eq!(after(before, &[]), None, "nothing to leave");
        assert_eq!(after(before, &[(Remove, 2), (AddVoter, 3)]), None, "a voter is demoted first");
        assert_eq!(after(before, &[(AddVoter, 4), (AddVoter, 14)]), None, "one peer per store");
    }

    #[test]
    fn raft_is_told_the_same() {
        let before = region(&[(1, Voter), (2, Voter), (3, Learner)]);
        let joint = change_region(&before, &[change(AddVoter, 3), change(AddLearner, 2)]).expect("sensible");
        let state = conf_state(&joint);
        assert_eq!((state.voters, state.voters_outgoing), (vec![1, 3], vec![1, 2]));
        assert_eq!((state.learners, state.learners_next), (vec![], vec![2]));
        let told = to_raft(&[change(AddVoter, 3), change(AddLearner, 2)]);
        assert_eq!(told.get_transition(), ConfChangeTransition::Explicit);
        let bytes = told.write_to_bytes().expect("encodes");
        assert_eq!(from_entry(&bytes).expect("round trip"), told);
    }
}
