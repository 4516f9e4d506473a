//! Operators: steps that the placement driver wants done with a region led here.
//!
//! PD sends a step again until a heartbeat shows its result. A step that can not be done now is therefore dropped,
//! and so is one for an epoch that has passed or for a region that is led elsewhere by now.
use rutile_pd_client::{Operator, OperatorStep};

use super::store::RaftLoop;

impl RaftLoop {
    /// Does one step, or drops it.
    pub(super) fn operate(&mut self, operator: Operator) {
        let Operator { region_id, epoch, step } = operator;
        let Some(peer) = self.peers.get(&region_id).filter(|peer| peer.is_leader()) else {
            return;
        };
        if peer.view.region().epoch != epoch {
            tracing::debug!(region_id, "operator step for another epoch dropped");
            return;
        }
        match step {
            OperatorStep::TransferLeader(candidates) => self.transfer_leader(region_id, &candidates),
            OperatorStep::ChangePeers(changes) => self.change_peers(region_id, epoch, &changes),
            OperatorStep::Unsupported(name) => {
                tracing::warn!(region_id, name, "operator step is not supported");
            }
        }
    }
}
