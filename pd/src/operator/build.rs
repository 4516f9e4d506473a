//! Steps that lead a region from one set of peers to another.
//!
//! The number of voters that are well never falls below what it was: a peer is added and has its data before another one
//! goes. Where there are several voters, a new one votes and the old one stops in one change, through a joint
//! configuration, so that a region of three is never one of four, which would need three to agree.

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;

use super::Step;

/// A learner first, then a voter.
pub(crate) fn add_peer(new: Peer) -> Vec<Step> {
    let voter = Peer { role: PeerRole::Voter, ..new.clone() };
    vec![Step::AddLearner(new), Step::Promote(voter)]
}

/// Takes a peer away. `successor` leads afterwards if the peer led; without one a leader stays.
pub(crate) fn remove_peer(told: &RegionHeartbeat, old: &Peer, successor: Option<&Peer>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    if leads(told, old) {
        steps.push(Step::TransferLeader(successor?.clone()));
    }
    steps.push(Step::Remove(old.clone()));
    Some(steps)
}

/// Puts `new`, a learner to be, in the place of `old`. `successor` is a voter that may lead if `old` does; without one
/// the new peer leads.
pub(crate) fn move_peer(
    told: &RegionHeartbeat,
    old: &Peer,
    new: Peer,
    successor: Option<&Peer>,
) -> Vec<Step> {
    let voter = Peer { role: PeerRole::Voter, ..new.clone() };
    let mut steps = vec![Step::AddLearner(new)];
    match (leads(told, old), successor) {
        (true, None) => {
            steps.push(Step::Promote(voter.clone()));
            steps.push(Step::TransferLeader(voter));
        }
        (true, Some(successor)) => {
            steps.push(Step::TransferLeader(successor.clone()));
            steps.extend([Step::Swap { promote: voter, demote: old.clone() }, Step::LeaveJoint]);
        }
        (false, _) => {
            steps.extend([Step::Swap { promote: voter, demote: old.clone() }, Step::LeaveJoint]);
        }
    }
    steps.push(Step::Remove(old.clone()));
    steps
}

/// Moves several voters, the leader's last, and lets the peer on a store lead in the end. `moves` are old peers and the
/// learners to be in their places.
pub(crate) fn relocate(told: &RegionHeartbeat, moves: &[(Peer, Peer)], leader_store: u64) -> Vec<Step> {
    let voter = |new: &Peer| Peer { role: PeerRole::Voter, ..new.clone() };
    let (leading, following): (Vec<_>, Vec<_>) = moves.iter().partition(|(old, _)| leads(told, old));
    let mut steps = Vec::new();
    for (old, new) in &following {
        let swap = Step::Swap { promote: voter(new), demote: old.clone() };
        steps.extend([Step::AddLearner(new.clone()), swap, Step::LeaveJoint, Step::Remove(old.clone())]);
    }
    let is_old = |peer: &Peer| moves.iter().any(|(old, _)| old.id == peer.id);
    let stays =
        told.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter && !is_old(peer)).cloned();
    let mut voters: Vec<Peer> = stays.chain(following.iter().map(|(_, new)| voter(new))).collect();
    let mut leader = told.leader.as_ref().map(|leader| leader.id);
    if let Some((old, new)) = leading.first() {
        let wanted = voters.iter().find(|peer| peer.store_id == leader_store).or(voters.first());
        steps.extend(move_peer(told, old, new.clone(), wanted));
        leader = Some(wanted.map_or(new.id, |successor| successor.id));
        voters.push(voter(new));
    }
    let last = voters.into_iter().find(|peer| peer.store_id == leader_store);
    steps.extend(last.filter(|peer| leader != Some(peer.id)).map(Step::TransferLeader));
    steps
}

pub(crate) fn leads(told: &RegionHeartbeat, peer: &Peer) -> bool {
    told.leader.as_ref().is_some_and(|leader| leader.id == peer.id)
}
