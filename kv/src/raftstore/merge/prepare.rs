//! The source's leader: may the region be merged, and the proposal that stops it.
use raft::{GetEntriesContext, ProgressState};
use rutile_kv_types::{PeerRole, Region, RegionEpoch};

use super::peer_merge::Preparing;
use crate::error::{Error, Result};
use crate::raftstore::command::{encode_prepare_merge, is_admin};
use crate::raftstore::conf_change::is_in_joint;
use crate::raftstore::peer::{Peer, Waiting};
use crate::raftstore::propose::Waiters;
use crate::raftstore::store::RaftLoop;

/// Entries that a peer of the source may lag behind; TiKV's `merge-max-log-gap`.
const GAP_MAX: u64 = 10;
/// Entries behind the applied ones that are looked through.
const UNAPPLIED_MAX: u64 = 1_000;
/// Bytes of the entries that CommitMerge carries.
const CARRIED_BYTES_MAX: u64 = 4 << 20;
/// Ticks to wait for writes that end locks in memory; then the merge is given up, and PD may ask again.
const WAIT_TICKS_MAX: usize = 10;

impl RaftLoop {
    /// Begins to merge a region into its neighbour, if nothing speaks against it. Asked again it changes nothing.
    pub(in crate::raftstore) fn merge_into(&mut self, region_id: u64, epoch: RegionEpoch, target: Region) {
        let Some(peer) = self.peers.get_mut(&region_id).filter(|peer| !peer.is_being_merged()) else {
            return;
        };
        peer.merge.preparing = Some(Preparing { epoch, target, waited_ticks: 0 });
        self.go_on_preparing(region_id);
    }

    /// One tick.
    pub(super) fn go_on_with_preparations(&mut self) {
        let waits = |peer: &&Peer| peer.merge.preparing.is_some() || peer.merge.prepare_index != 0;
        let waiting: Vec<u64> = self.peers.awake().filter(waits).map(Peer::region_id).collect();
        for region_id in waiting {
            self.go_on_preparing(region_id);
            self.notice_refusal(region_id);
        }
    }

    fn go_on_preparing(&mut self, region_id: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let Some(mut preparing) = peer.merge.preparing.take() else {
            return;
        };
        peer.tell_applied();
        if let Err(error) = self.check_merge(region_id, &preparing) {
            tracing::info!(region_id, target = preparing.target.id, %error, "merge is not proposed");
            return self.keep_locks(region_id);
        }
        if let Some(peer) = self.peers.get_mut(&region_id) {
            peer.propose_group();
        }
        if !self.hand_over_locks(region_id) {
            preparing.waited_ticks += 1;
            if preparing.waited_ticks > WAIT_TICKS_MAX {
                tracing::info!(region_id, "merge is not proposed: locks do not come to rest");
                self.keep_locks(region_id);
            } else if let Some(peer) = self.peers.get_mut(&region_id) {
                peer.merge.preparing = Some(preparing);
            }
            return;
        }
        self.propose_prepare(region_id, &preparing);
    }

    fn propose_prepare(&mut self, region_id: u64, preparing: &Preparing) {
        let keeps_lease = self.env.hooks.is_planted("raftstore::merge::keeps_lease");
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let min_index = peer.min_matched() + 1;
        peer.merge.keeps_lease = keeps_lease;
        if !keeps_lease {
            peer.view.suspend_lease();
        }
        let before = peer.node.raft.raft_log.last_index();
        let data = encode_prepare_merge(preparing.epoch, min_index, &preparing.target);
        peer.propose_entry(data, Waiting::Writes(Waiters::new()));
        let index = peer.node.raft.raft_log.last_index();
        if index == before {
            // Leadership moves.
            return self.keep_locks(region_id);
        }
        (peer.merge.prepare_index, peer.merge.target_id) = (index, preparing.target.id);
        let target = preparing.target.id;
        self.env.hooks.record("raftstore::merge::prepare", || [region_id, target, index]);
        tracing::info!(region_id, target, index, min_index, "merge is prepared");
        self.dirty.insert(region_id);
    }

    /// A PrepareMerge that did nothing at its turn: the region goes on.
    fn notice_refusal(&mut self, region_id: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if peer.merge.prepare_index != 0 && !peer.is_stopping() {
            self.go_on_alone(region_id);
        }
    }

    /// The region is not merged after all: its leader reads under a lease and keeps locks in memory again.
    pub(super) fn go_on_alone(&mut self, region_id: u64) {
        if let Some(peer) = self.peers.get_mut(&region_id) {
            peer.merge.prepare_index = 0;
            if peer.view.leader_term() != 0 && peer.is_leader() && peer.is_only_voter() {
                peer.view.set_unbounded_lease();
            }
        }
        self.keep_locks(region_id);
    }

    fn check_merge(&self, region_id: u64, preparing: &Preparing) -> Result<()> {
        let Some(peer) = self.peers.get(&region_id) else {
            return Err(refused(region_id, "is not here"));
        };
        peer.check_stop(preparing.epoch)?;
        let target = self.peers.get(&preparing.target.id).filter(|target| target.is_sound());
        let Some(target) = target.filter(|target| target.knows_its_region()) else {
            return Err(refused(region_id, "has no target here"));
        };
        let (told, known) = (&preparing.target, &target.region);
        if known.epoch != told.epoch || known.start_key != told.start_key || known.end_key != told.end_key {
            return Err(refused(region_id, "has a target that changed"));
        }
        if self.peers.awake().any(|other| other.goes_into(region_id)) {
            return Err(refused(region_id, "is about to take another region over"));
        }
        if target.is_being_merged() || is_in_joint(known) {
            return Err(refused(region_id, "has a target that changes"));
        }
        if !are_neighbours(&peer.region, known) {
            return Err(refused(region_id, "is no neighbour of its target"));
        }
        if places(&peer.region) != places(known) {
            return Err(refused(region_id, "has peers on other stores than its target"));
        }
        Ok(())
    }
}

fn refused(region_id: u64, why: &str) -> Error {
    Error::Invalid(format!("region {region_id} {why}"))
}

/// Whether one ends where the other begins.
fn are_neighbours(one: &Region, other: &Region) -> bool {
    (!one.end_key.is_empty() && one.end_key == other.start_key)
        || (!other.end_key.is_empty() && other.end_key == one.start_key)
}

/// Stores with the roles of the peers there.
fn places(region: &Region) -> Vec<(u64, bool)> {
    let mut places: Vec<_> =
        region.peers.iter().map(|peer| (peer.store_id, peer.role == PeerRole::Voter)).collect();
    places.sort_unstable();
    places
}

impl Peer {
    /// Whether the region can stop now, as its leader sees it.
    fn check_stop(&self, epoch: RegionEpoch) -> Result<()> {
        let refused = |why| Err(refused(self.region_id(), why));
        let raft = &self.node.raft;
        if !self.is_leader() || !raft.commit_to_current_term() || raft.lead_transferee.is_some() {
            return refused("has no leader at rest");
        }
        if self.transfer.is_some() || !self.is_sound() || self.is_stopping() {
            return refused("is changing");
        }
        if self.region.epoch != epoch || self.view.region().epoch != epoch {
            return refused("is in another epoch");
        }
        if is_in_joint(&self.region) || raft.has_pending_conf() || !self.unreported_changes.is_empty() {
            return refused("changes its members");
        }
        let follows = |id: u64| {
            let progress = raft.prs().get(id);
            progress.is_some_and(|progress| {
                progress.recent_active && progress.state == ProgressState::Replicate && progress.matched > 0
            })
        };
        if !self.region.peers.iter().all(|peer| peer.id == raft.id || follows(peer.id)) {
            return refused("has a peer that does not follow");
        }
        self.check_gap()
    }

    /// The last entry that all peers have.
    fn min_matched(&self) -> u64 {
        let raft = &self.node.raft;
        let others = raft.prs().iter().filter(|(id, _)| **id != raft.id);
        let matched = others.map(|(_, progress)| progress.matched).min();
        matched.unwrap_or_else(|| raft.raft_log.last_index())
    }

    /// What not all peers have has to be little, to change nothing but data, and to be there when it is asked for.
    fn check_gap(&self) -> Result<()> {
        let refused = |why| Err(refused(self.region_id(), why));
        let log = &self.node.raft.raft_log;
        let (matched, last) = (self.min_matched(), log.last_index());
        let from = matched.min(self.view.applied().applied_index) + 1;
        if matched + GAP_MAX < last || from + UNAPPLIED_MAX < last {
            return refused("has a peer that lags behind");
        }
        if self.view.compact_index() > matched || log.first_index() > from {
            return refused("may have lost entries that a peer needs");
        }
        let entries = log.slice(from, last + 1, u64::MAX, GetEntriesContext::empty(false));
        let Ok(entries) = entries else {
            return refused("has entries that can not be read now");
        };
        let changes = |entry: &raft::eraftpb::Entry| {
            entry.get_entry_type() != raft::eraftpb::EntryType::EntryNormal || is_admin(&entry.data)
        };
        if entries.iter().any(changes) {
            return refused("has another change under way");
        }
        let carried = entries.iter().filter(|entry| entry.index > matched);
        if carried.map(|entry| entry.data.len() as u64).sum::<u64>() > CARRIED_BYTES_MAX {
            return refused("has too much that a peer lacks");
        }
        Ok(())
    }
}
