//! Split: one region becomes several, all with one new epoch.
//!
//! The region that is split keeps its id and the last piece ("right derive"), so that a region filled in key order
//! stays where it is and the full pieces get new ids. Peers of the new regions sit on the same stores. Whoever led
//! the region campaigns at once for the new ones.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::future::BoxFuture;
use raft::eraftpb::MessageType;
use rutile_kv_types::{Peer as PeerId, Region, RegionEpoch};
use rutile_pd_client::PdClient;
use tokio::sync::oneshot;

use super::command::{SplitPlan, encode_split};
use super::conf_change::is_in_joint;
use super::message::{Message, Piece, SplitProposal};
use super::peer::{Peer, Waiting};
use super::read::RaftReplica;
use super::state::ApplyState;
use super::store::RaftLoop;
use super::transport::PeerMessage;
use crate::error::{Error, RegionError, Result};
use crate::replica::{RegionContext, Splitter};

/// Most new regions of one split entry; more come in the next one.
pub const SPLIT_KEYS_MAX: usize = 10;

/// Calls for votes that are kept for regions to come.
const EARLY_VOTES_MAX: usize = 64;

/// The regions after a split, in key order; the last one is the region itself.
pub fn split_region(region: &Region, plan: &SplitPlan) -> Result<Vec<Region>> {
    check_plan(region, plan)?;
    let version = region.epoch.version + plan.keys.len() as u64;
    let epoch = RegionEpoch { version, conf_ver: region.epoch.conf_ver };
    let mut regions = Vec::with_capacity(plan.keys.len() + 1);
    let mut start_key = region.start_key.clone();
    for (key, ids) in plan.keys.iter().zip(&plan.ids) {
        let peers = region.peers.iter().zip(&ids.peer_ids);
        let peers = peers.map(|(old, id)| PeerId { id: *id, ..old.clone() }).collect();
        regions.push(Region { id: ids.region_id, start_key, end_key: key.clone(), epoch, peers });
        start_key = key.clone();
    }
    regions.push(Region { start_key, epoch, ..region.clone() });
    Ok(regions)
}

/// Keys ascend strictly inside the region; every new region has an id and as many peers as the region.
fn check_plan(region: &Region, plan: &SplitPlan) -> Result<()> {
    let mut previous = &region.start_key;
    for key in &plan.keys {
        if key <= previous || !region.contains(key) {
            return Err(Error::Invalid(format!("split keys do not ascend inside region {}", region.id)));
        }
        previous = key;
    }
    let peers_fit = plan.ids.iter().all(|ids| ids.peer_ids.len() == region.peers.len());
    if plan.keys.is_empty() || plan.ids.len() != plan.keys.len() || !peers_fit {
        return Err(Error::Invalid(format!("split of region {} has the wrong number of ids", region.id)));
    }
    Ok(())
}

impl RaftLoop {
    /// Proposes a split behind the writes taken before it.
    pub(super) fn propose_split(&mut self, split: SplitProposal) {
        let SplitProposal { region_id, epoch, plan, done } = split;
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return done(Err(RegionError::RegionNotFound { region_id }.into()));
        };
        let region = peer.view.region();
        let leads = if peer.is_leader() { Ok(()) } else { Err(peer.view.not_leader()) };
        let admitted = leads.map_err(Error::from).and_then(|()| {
            if region.epoch != epoch {
                return Err(RegionError::EpochNotMatch { current: vec![region.clone()] }.into());
            }
            if peer.is_stopping() {
                return Err(RegionError::ProposalInMergingMode { region_id }.into());
            }
            if is_in_joint(&region) {
                return Err(RegionError::Busy { reason: "the members of the region change" }.into());
            }
            check_plan(&region, &plan)
        });
        if let Err(error) = admitted {
            return done(Err(error));
        }
        peer.propose_group();
        peer.propose_entry(encode_split(epoch, &plan), Waiting::Split(done));
        if !peer.is_only_voter() {
            // Another replica may apply the split first and elect a leader of a new region, which this
            // region's lease says nothing about: there is none until the split is applied here.
            peer.view.suspend_lease();
            peer.split_index = peer.node.raft.raft_log.last_index();
        }
        self.dirty.insert(region_id);
    }

    /// Gives the new regions of an applied split their peers.
    pub(super) fn split_applied(&mut self, mut pieces: Vec<Piece>) -> Result<()> {
        let regions: Vec<_> = pieces.iter().map(|piece| piece.region.clone()).collect();
        let Some(parent) = pieces.pop() else {
            return Ok(());
        };
        let Some(peer) = self.peers.get_mut(&parent.region.id) else {
            return Ok(());
        };
        peer.region = parent.region.clone();
        let parent_view = peer.view.clone();
        let term = parent_view.leader_term();
        let count = regions.len() as u64;
        let bytes = parent_view.measured_bytes.load(Ordering::Relaxed)
            + parent_view.written_bytes.swap(0, Ordering::Relaxed);
        let keys = parent_view.measured_keys.load(Ordering::Relaxed)
            + parent_view.written_keys.swap(0, Ordering::Relaxed);
        parent_view.measured_bytes.store(bytes / count, Ordering::Relaxed);
        parent_view.measured_keys.store(keys / count, Ordering::Relaxed);
        parent_view.split_pending.store(false, Ordering::SeqCst);
        for Piece { region, is_made, locks, memory_locks } in pieces {
            let Some(peer_id) = region.peer_on_store(self.store_id).filter(|_| is_made).cloned() else {
                continue;
            };
            if self.outlives(region.id, peer_id.id) {
                self.bury_unborn(&region, &peer_id)?;
                continue;
            }
            // One that a leader's greeting made, and that waits for a snapshot: it gets its data from the split.
            self.peers.remove(&region.id);
            let applied = ApplyState::INITIAL;
            let mut peer = Peer::open(self.raft_log.clone(), region.clone(), peer_id, applied, applied)?;
            peer.view.measured_bytes.store(bytes / count, Ordering::Relaxed);
            peer.view.measured_keys.store(keys / count, Ordering::Relaxed);
            peer.view.set_locks(locks);
            if term != 0 {
                if parent_view.is_max_ts_synced() && peer.is_new {
                    // Reads of this range were answered under the parent, which this store led. Not so when the
                    // split is applied again after a restart: others may have led the new region since.
                    peer.view.set_max_ts_synced(peer.node.raft.term + 1, 0);
                }
                peer.campaign()?;
            }
            self.add_peer(peer, memory_locks);
            self.hear_early_votes(region.id);
        }
        if term != 0 {
            if let Some(peer) = self.peers.get_mut(&parent.region.id) {
                peer.split_off = regions.iter().map(|region| region.id).collect();
            }
            self.reports.split(regions);
        }
        Ok(())
    }
}

impl RaftLoop {
    /// Keeps a call for votes in a region that is not here: the store that leads the parent makes the new region and
    /// calls before the others have applied the split. Unheard, the region had no leader for an election timeout.
    pub(super) fn keep_early_vote(&mut self, arrived: PeerMessage) {
        let kind = arrived.message.get_msg_type();
        if !matches!(kind, MessageType::MsgRequestPreVote | MessageType::MsgRequestVote) {
            return;
        }
        if self.early_votes.len() == EARLY_VOTES_MAX {
            self.early_votes.pop_front();
        }
        self.early_votes.push_back(arrived);
    }

    fn hear_early_votes(&mut self, region_id: u64) {
        let all = std::mem::take(&mut self.early_votes);
        let (heard, others) = all.into_iter().partition(|early| early.region_id == region_id);
        self.early_votes = others;
        let heard: VecDeque<PeerMessage> = heard;
        heard.into_iter().for_each(|early| self.step(early));
    }
}

/// Splits on request: ids from PD, then a proposal.
pub struct RegionSplitter {
    pub(super) replica: Arc<RaftReplica>,
    pub(super) pd: PdClient,
}

impl Splitter for RegionSplitter {
    fn split(&self, context: RegionContext, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Arc<Region>>>> {
        Box::pin(async move {
            let view = self.replica.regions.get(context.region_id)?;
            view.check_peer(&context)?;
            self.replica.leading_term(&view, context.term)?;
            let region = view.check_epoch(context.epoch)?;
            let keys = inner_keys(&region, keys)?;
            if keys.is_empty() {
                return Ok(vec![region]);
            }
            let ids = self.pd.ask_batch_split(&region, keys.len() as u32).await;
            let ids = ids.map_err(|error| Error::Pd(error.to_string()))?;
            let (sender, receiver) = oneshot::channel();
            self.replica.inbox.push(Message::Split(SplitProposal {
                region_id: region.id,
                epoch: region.epoch,
                plan: SplitPlan { keys, ids },
                done: Box::new(move |result| {
                    // A caller that went away finds the regions at PD.
                    let _ = sender.send(result);
                }),
            }));
            receiver.await.unwrap_or(Err(Error::Unknown))
        })
    }
}

/// Sorted and without duplicates; bounds of the region need no split, keys outside are refused.
pub(super) fn inner_keys(region: &Arc<Region>, keys: Vec<Vec<u8>>) -> Result<Vec<Bytes>> {
    let mut inner: Vec<Bytes> = Vec::with_capacity(keys.len());
    for key in keys {
        if key.is_empty() || !region.contains(&key) {
            return Err(RegionError::KeyNotInRegion { key, region: region.clone() }.into());
        }
        if key.as_slice() != &*region.start_key {
            inner.push(key.into());
        }
    }
    inner.sort_unstable();
    inner.dedup();
    if inner.len() > SPLIT_KEYS_MAX {
        return Err(Error::Invalid(format!("at most {SPLIT_KEYS_MAX} split keys in one request")));
    }
    Ok(inner)
}

#[cfg(test)]
mod tests {
    use rutile_kv_types::PeerRole;
    use rutile_pd_client::SplitIds;

    use super::*;

    fn region() -> Region {
        let peer = |id, store_id| PeerId { id, store_id, role: PeerRole::Voter };
        Region {
            id: 1,
            start_key: Bytes::from_static(b"b"),
            end_key: Bytes::from_static(b"y"),
            epoch: RegionEpoch { conf_ver: 3, version: 7 },
            peers: vec![peer(2, 1), peer(3, 2)],
        }
    }

    fn plan(keys: &[&'static str]) -> SplitPlan {
        let ids =
            (0..keys.len() as u64).map(|n| SplitIds { region_id: 100 + n, peer_ids: vec![200 + n, 300 + n] });
        SplitPlan {
            keys: keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect(),
            ids: ids.collect(),
        }
    }

    #[test]
    fn the_region_keeps_the_last_piece_and_all_share_one_epoch() {
        let regions = split_region(&region(), &plan(&["f", "m"])).expect("keys are inside");
        let ranges: Vec<_> = regions.iter().map(|r| (r.id, r.start_key.clone(), r.end_key.clone())).collect();
        let expected = [(100, "b", "f"), (101, "f", "m"), (1, "m", "y")]
            .map(|(id, a, b)| (id, Bytes::from(a), Bytes::from(b)));
        assert_eq!(ranges, expected);
        assert!(regions.iter().all(|r| r.epoch == RegionEpoch { conf_ver: 3, version: 9 }));
        let peers: Vec<_> = regions[0].peers.iter().map(|peer| (peer.id, peer.store_id)).collect();
        assert_eq!(peers, [(200, 1), (300, 2)], "same stores, new ids");
        assert_eq!(regions[2].peers, region().peers);
    }

    #[test]
    fn keys_outside_or_out_of_order_are_refused() {
        for keys in [&["a"][..], &["b"], &["y"], &["z"], &["m", "f"], &["m", "m"], &[]] {
            assert!(split_region(&region(), &plan(keys)).is_err(), "{keys:?}");
        }
        let mut short = plan(&["f"]);
        short.ids[0].peer_ids.pop();
        assert!(split_region(&region(), &short).is_err());
    }
}
