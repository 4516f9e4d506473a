//! Steps: what one message asks of the leader of a region, and when it is done.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_types::{Peer, PeerRole, Region};
use rutile_pd_client::RegionHeartbeat;

/// A new peer takes a snapshot, which may be large.
const SLOW: Duration = Duration::from_secs(600);
/// Everything else takes a round or two.
const FAST: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A peer without a vote, which takes the data.
    AddLearner(Peer),
    /// The learner votes.
    Promote(Peer),
    /// One learner votes and one voter does not any more, at once: enters a joint configuration.
    Swap {
        promote: Peer,
        demote: Peer,
    },
    LeaveJoint,
    Remove(Peer),
    TransferLeader(Peer),
    /// At encoded keys; without any, in the middle.
    Split {
        keys: Vec<Bytes>,
        version: u64,
    },
    /// Into this neighbour, in this epoch; the region is gone afterwards.
    Merge {
        target: Region,
        /// Of the region that is merged, before it stops.
        version: u64,
    },
    /// Waits until this neighbour is a part of the region; nobody is told.
    TakeOver {
        source: Region,
    },
}

impl Step {
    pub(crate) fn timeout(&self) -> Duration {
        if matches!(self, Step::AddLearner(_) | Step::TakeOver { .. }) { SLOW } else { FAST }
    }

    /// By how much it makes `conf_ver` grow.
    pub(super) fn changes(&self) -> u64 {
        match self {
            // A region that stops for its merge has another epoch.
            Step::AddLearner(_) | Step::Promote(_) | Step::Remove(_) | Step::Merge { .. } => 1,
            // Two peers change their role on the way in, and two on the way out.
            Step::Swap { .. } | Step::LeaveJoint => 2,
            Step::TransferLeader(_) | Step::Split { .. } | Step::TakeOver { .. } => 0,
        }
    }

    pub(super) fn is_done(&self, told: &RegionHeartbeat) -> bool {
        let role = |peer: &Peer| told.region.peer(peer.id).map(|peer| peer.role);
        match self {
            Step::AddLearner(peer) => role(peer).is_some() && !is_behind(told, peer.id),
            Step::Promote(peer) => role(peer) == Some(PeerRole::Voter),
            Step::Swap { promote, demote } => {
                matches!(role(promote), Some(PeerRole::Voter | PeerRole::IncomingVoter))
                    && matches!(role(demote), None | Some(PeerRole::Learner | PeerRole::DemotingVoter))
            }
            Step::LeaveJoint => !told.region.peers.iter().any(|peer| is_joint(peer.role)),
            Step::Remove(peer) => role(peer).is_none(),
            Step::TransferLeader(peer) => told.leader.as_ref().is_some_and(|leader| leader.id == peer.id),
            Step::Split { version, .. } => told.region.epoch.version > *version,
            // Seen by the target.
            Step::Merge { .. } => false,
            Step::TakeOver { source } => {
                told.region.epoch.version > source.epoch.version && told.region.overlaps(source)
            }
        }
    }

    /// Whether the leader has been heard and only time is missing, so that it need not be asked again.
    pub(super) fn is_under_way(&self, told: &RegionHeartbeat) -> bool {
        match self {
            Step::AddLearner(peer) => told.region.peer(peer.id).is_some(),
            Step::TakeOver { .. } => true,
            _ => false,
        }
    }

    /// Why it can not be done any more.
    pub(super) fn hindrance(&self, told: &RegionHeartbeat) -> Option<String> {
        let region = &told.region;
        let absent = |peer: &Peer| region.peer(peer.id).is_none();
        match self {
            Step::AddLearner(peer) => {
                let other = region.peer_on_store(peer.store_id).filter(|other| other.id != peer.id)?;
                Some(format!("store {} has peer {} already", peer.store_id, other.id))
            }
            Step::Promote(peer) | Step::Swap { promote: peer, .. } if absent(peer) => {
                Some(format!("peer {} is gone", peer.id))
            }
            Step::TransferLeader(peer) => {
                let votes = region.peer(peer.id).is_some_and(|peer| peer.role == PeerRole::Voter);
                (!votes).then(|| format!("peer {} has no vote", peer.id))
            }
            Step::Remove(peer) if told.leader.as_ref().is_some_and(|leader| leader.id == peer.id) => {
                Some(format!("peer {} leads", peer.id))
            }
            // A region that stops is one version further; any other is alive.
            Step::Merge { version, .. } if region.epoch.version > version + 1 => {
                Some("the region was split, or could not be merged".to_owned())
            }
            _ => None,
        }
    }

    /// The store that has to be alive for it.
    pub(super) fn needs(&self) -> Option<u64> {
        match self {
            Step::AddLearner(peer)
            | Step::Promote(peer)
            | Step::Swap { promote: peer, .. }
            | Step::TransferLeader(peer) => Some(peer.store_id),
            Step::Remove(_)
            | Step::LeaveJoint
            | Step::Split { .. }
            | Step::Merge { .. }
            | Step::TakeOver { .. } => None,
        }
    }
}

pub(crate) fn is_joint(role: PeerRole) -> bool {
    matches!(role, PeerRole::IncomingVoter | PeerRole::DemotingVoter)
}

/// Whether a peer still takes a snapshot, or is silent.
pub(crate) fn is_behind(told: &RegionHeartbeat, peer_id: u64) -> bool {
    let silent = told.down_peers.iter().map(|(peer, _)| peer);
    told.pending_peers.iter().chain(silent).any(|peer| peer.id == peer_id)
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::AddLearner(peer) => write!(out, "add learner {} on store {}", peer.id, peer.store_id),
            Step::Promote(peer) => write!(out, "promote learner {} on store {}", peer.id, peer.store_id),
            Step::Swap { promote, demote } => write!(
                out,
                "promote learner {} on store {} and demote voter {} on store {}",
                promote.id, promote.store_id, demote.id, demote.store_id
            ),
            Step::LeaveJoint => write!(out, "leave the joint configuration"),
            Step::Remove(peer) => write!(out, "remove peer {} on store {}", peer.id, peer.store_id),
            Step::TransferLeader(peer) => write!(out, "transfer leader to store {}", peer.store_id),
            Step::Split { keys, .. } if keys.is_empty() => write!(out, "split in the middle"),
            Step::Split { keys, .. } => write!(out, "split at {} keys", keys.len()),
            Step::Merge { target, .. } => write!(out, "merge into region {}", target.id),
            Step::TakeOver { source } => write!(out, "take region {} over", source.id),
        }
    }
}
