//! Steps of operators: what PD asks the leader of a region to do.

use bytes::Bytes;
use rutile_kv_proto::{metapb, pdpb};
use rutile_kv_types::{Peer, Region, RegionEpoch};

use crate::from_wire;

/// A step for one region. The same step comes again until a heartbeat shows its result, so doing it twice must do no
/// harm, and a step for an epoch that has passed is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub region_id: u64,
    /// The region as PD knew it when it chose the step.
    pub epoch: RegionEpoch,
    pub step: OperatorStep,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorStep {
    /// Hand leadership to the best of these peers.
    TransferLeader(Vec<Peer>),
    /// Change the members: one change at once, several through a joint configuration, none to leave it.
    ChangePeers(Vec<PeerChange>),
    /// Split at these encoded keys; without any, in the middle.
    Split(Vec<Bytes>),
    /// Merge the region into this neighbour.
    Merge(Region),
    /// A step that this release can not do, by name.
    Unsupported(&'static str),
}

/// One change of the members of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerChange {
    pub kind: PeerChangeKind,
    pub peer: Peer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerChangeKind {
    /// Adds a voter or makes a learner one.
    AddVoter,
    /// Adds a learner or makes a voter one.
    AddLearner,
    Remove,
}

impl Operator {
    /// The step in the answer to a region heartbeat, if there is one.
    pub fn from_wire(answer: &pdpb::RegionHeartbeatResponse) -> Option<Operator> {
        let step = if let Some(transfer) = &answer.transfer_leader {
            let named = transfer.peer.iter().chain(&transfer.peers);
            OperatorStep::TransferLeader(named.map(from_wire::peer).collect())
        } else if let Some(changes) = &answer.change_peer_v2 {
            changes_from_wire(&changes.changes)
        } else if let Some(change) = &answer.change_peer {
            changes_from_wire(std::slice::from_ref(change))
        } else if let Some(merge) = &answer.merge {
            let target = merge.target.as_ref().map(from_wire::region);
            target.map_or(OperatorStep::Unsupported("merge into no region"), OperatorStep::Merge)
        } else if let Some(split) = &answer.split_region {
            match (split.policy(), split.keys.is_empty()) {
                (pdpb::CheckPolicy::Usekey, true) => OperatorStep::Unsupported("split at no key"),
                (pdpb::CheckPolicy::Usekey, false) => OperatorStep::Split(split.keys.clone()),
                _ => OperatorStep::Split(Vec::new()),
            }
        } else {
            return None;
        };
        let epoch = from_wire::epoch(answer.region_epoch.as_ref());
        Some(Operator { region_id: answer.region_id, epoch, step })
    }
}

/// A change without a peer is not understood, and half of a list would be another list.
fn changes_from_wire(changes: &[pdpb::ChangePeer]) -> OperatorStep {
    let changes: Option<Vec<PeerChange>> = changes.iter().map(change_from_wire).collect();
    changes.map_or(OperatorStep::Unsupported("change of no peer"), OperatorStep::ChangePeers)
}

fn change_from_wire(change: &pdpb::ChangePeer) -> Option<PeerChange> {
    let peer: &metapb::Peer = change.peer.as_ref()?;
    let kind = match change.change_type() {
        pdpb::ConfChangeType::AddNode => PeerChangeKind::AddVoter,
        pdpb::ConfChangeType::AddLearnerNode => PeerChangeKind::AddLearner,
        pdpb::ConfChangeType::RemoveNode => PeerChangeKind::Remove,
    };
    Some(PeerChange { kind, peer: from_wire::peer(peer) })
}

#[cfg(test)]
mod tests {
    use rutile_kv_types::PeerRole;

    use super::*;

    fn wire_peer(id: u64) -> metapb::Peer {
        metapb::Peer { id, store_id: id + 10, ..metapb::Peer::default() }
    }

    fn peer(id: u64) -> Peer {
        Peer { id, store_id: id + 10, role: PeerRole::Voter }
    }

    fn step(answer: pdpb::RegionHeartbeatResponse) -> Option<OperatorStep> {
        Operator::from_wire(&answer).map(|operator| operator.step)
    }

    #[test]
    fn an_answer_names_at_most_one_step() {
        assert_eq!(step(pdpb::RegionHeartbeatResponse::default()), None);
        let transfer_leader =
            Some(pdpb::TransferLeader { peer: Some(wire_peer(1)), peers: vec![wire_peer(2)] });
        let answer = pdpb::RegionHeartbeatResponse { transfer_leader, ..Default::default() };
        assert_eq!(step(answer), Some(OperatorStep::TransferLeader(vec![peer(1), peer(2)])));
        let merge = Some(pdpb::Merge { target: None });
        let answer = pdpb::RegionHeartbeatResponse { merge, ..Default::default() };
        assert_eq!(step(answer), Some(OperatorStep::Unsupported("merge into no region")));
        let target = Region { id: 7, start_key: "m".into(), ..Region::default() };
        let merge = Some(pdpb::Merge { target: Some(crate::to_wire::region(&target)) });
        let answer = pdpb::RegionHeartbeatResponse { merge, ..Default::default() };
        assert_eq!(step(answer), Some(OperatorStep::Merge(target)));
    }

    #[test]
    fn a_split_is_at_its_keys_or_in_the_middle() {
        let split = |policy: pdpb::CheckPolicy, keys: &[&'static str]| {
            let keys = keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect();
            let split_region = Some(pdpb::SplitRegion { policy: policy as i32, keys });
            step(pdpb::RegionHeartbeatResponse { split_region, ..Default::default() })
        };
        let at = split(pdpb::CheckPolicy::Usekey, &["a"]);
        assert_eq!(at, Some(OperatorStep::Split(vec![Bytes::from_static(b"a")])));
        assert_eq!(split(pdpb::CheckPolicy::Scan, &[]), Some(OperatorStep::Split(Vec::new())));
        assert!(matches!(split(pdpb::CheckPolicy::Usekey, &[]), Some(OperatorStep::Unsupported(_))));
    }

    #[test]
    fn changes_keep_their_order_and_no_change_leaves_the_joint_configuration() {
        let change =
            |change_type, id| pdpb::ChangePeer { peer: Some(wire_peer(id)), change_type: change_type as i32 };
        let changes = vec![
            change(pdpb::ConfChangeType::AddNode, 1),
            change(pdpb::ConfChangeType::AddLearnerNode, 2),
            change(pdpb::ConfChangeType::RemoveNode, 3),
        ];
        let v2 = |changes| pdpb::RegionHeartbeatResponse {
            change_peer_v2: Some(pdpb::ChangePeerV2 { changes }),
            ..Default::default()
        };
        let kinds = [PeerChangeKind::AddVoter, PeerChangeKind::AddLearner, PeerChangeKind::Remove];
        let expected = kinds.into_iter().zip(1..).map(|(kind, id)| PeerChange { kind, peer: peer(id) });
        assert_eq!(step(v2(changes)), Some(OperatorStep::ChangePeers(expected.collect())));
        assert_eq!(step(v2(Vec::new())), Some(OperatorStep::ChangePeers(Vec::new())));
        let nobody = vec![pdpb::ChangePeer { peer: None, change_type: 0 }];
        assert_eq!(step(v2(nobody)), Some(OperatorStep::Unsupported("change of no peer")));
    }
}
