//! Steps on their way to the leaders of regions: in the answer to a heartbeat, or on their own to a store that listens.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rutile_kv_proto::pdpb;
use rutile_kv_types::Peer;
use rutile_pd_client::{RegionHeartbeat, to_wire};
use tokio::sync::mpsc;

use crate::operator::Step;
use crate::pd::Pd;

/// Steps that wait for one store; more are dropped, and sent again later.
const QUEUE_MAX: usize = 1_024;

/// The stores that listen.
#[derive(Default)]
pub(crate) struct Listeners {
    by_store: Mutex<BTreeMap<u64, mpsc::Sender<pdpb::RegionHeartbeatResponse>>>,
}

impl Pd {
    /// Steps for the regions that a store leads, as they come up, until the store asks again.
    pub(crate) fn subscribe(&self, store_id: u64) -> mpsc::Receiver<pdpb::RegionHeartbeatResponse> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        self.listeners.by_store.lock().insert(store_id, sender);
        receiver
    }

    /// Sends a step to the leader of a region, if its store listens.
    pub(crate) fn push(&self, told: &RegionHeartbeat, step: &Step) {
        let Some(leader) = &told.leader else {
            return;
        };
        let mut by_store = self.listeners.by_store.lock();
        let Some(listener) = by_store.get(&leader.store_id) else {
            return;
        };
        let mut message = pdpb::RegionHeartbeatResponse { header: self.ok_header(), ..about(told) };
        put(&mut message, step);
        if let Err(mpsc::error::TrySendError::Closed(_)) = listener.try_send(message) {
            by_store.remove(&leader.store_id);
        }
    }
}

/// A message about the region as told.
pub(super) fn about(told: &RegionHeartbeat) -> pdpb::RegionHeartbeatResponse {
    pdpb::RegionHeartbeatResponse {
        region_id: told.region.id,
        region_epoch: Some(to_wire::epoch(told.region.epoch)),
        target_peer: told.leader.as_ref().map(to_wire::peer),
        ..pdpb::RegionHeartbeatResponse::default()
    }
}

/// Puts a step into a message.
pub(super) fn put(message: &mut pdpb::RegionHeartbeatResponse, step: &Step) {
    use pdpb::ConfChangeType::{AddLearnerNode, AddNode, RemoveNode};
    match step {
        Step::AddLearner(peer) => message.change_peer = Some(change(AddLearnerNode, peer)),
        Step::Promote(peer) => message.change_peer = Some(change(AddNode, peer)),
        Step::Remove(peer) => message.change_peer = Some(change(RemoveNode, peer)),
        Step::Swap { promote, demote } => {
            let changes = vec![change(AddNode, promote), change(AddLearnerNode, demote)];
            message.change_peer_v2 = Some(pdpb::ChangePeerV2 { changes });
        }
        Step::LeaveJoint => message.change_peer_v2 = Some(pdpb::ChangePeerV2::default()),
        Step::TransferLeader(peer) => {
            let peer = Some(to_wire::peer(peer));
            message.transfer_leader = Some(pdpb::TransferLeader { peer, peers: Vec::new() });
        }
        Step::Split { keys, .. } => {
            let policy =
                if keys.is_empty() { pdpb::CheckPolicy::Approximate } else { pdpb::CheckPolicy::Usekey };
            message.split_region = Some(pdpb::SplitRegion { policy: policy as i32, keys: keys.clone() });
        }
        Step::Merge { target, .. } => {
            message.merge = Some(pdpb::Merge { target: Some(to_wire::region(target)) });
        }
        // There is nothing to do but to wait.
        Step::TakeOver { .. } => {}
    }
}

fn change(kind: pdpb::ConfChangeType, peer: &Peer) -> pdpb::ChangePeer {
    pdpb::ChangePeer { peer: Some(to_wire::peer(peer)), change_type: kind as i32 }
}
