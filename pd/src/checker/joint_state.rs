//! Half of a change of members that nobody carries out any more is ended: its new members are in force by then. A leader
//! that loses its vote by that hands leadership on first: its store refuses to end it otherwise.

use rutile_kv_types::PeerRole;
use rutile_pd_client::RegionHeartbeat;

use super::{Surroundings, repair};
use crate::operator::{Operator, Step, is_behind, is_joint};

pub(super) fn check(told: &RegionHeartbeat, around: &Surroundings<'_>) -> Option<Operator> {
    let peers = &told.region.peers;
    if !peers.iter().any(|peer| is_joint(peer.role)) {
        return None;
    }
    let role_of = |peer_id| peers.iter().find(|peer| peer.id == peer_id).map(|peer| peer.role);
    let is_demoted = |role| role == PeerRole::DemotingVoter;
    let mut steps = vec![Step::LeaveJoint];
    if told.leader.as_ref().and_then(|leader| role_of(leader.id)).is_some_and(is_demoted) {
        let stays = |role| matches!(role, PeerRole::Voter | PeerRole::IncomingVoter);
        let could = peers
            .iter()
            .filter(|peer| stays(peer.role) && around.is_alive(peer.store_id) && !is_behind(told, peer.id));
        let next = could.min_by_key(|peer| (around.no_leaders.contains(&peer.store_id), peer.id))?;
        steps.insert(0, Step::TransferLeader(next.clone()));
    }
    Some(repair(told, "leave-joint-state", "a change of members was begun".to_owned(), steps))
}
