//! Operators: steps that the placement driver wants done with a region led here.
//!
//! PD sends a step again until a heartbeat shows its result. A step that can not be done now is therefore dropped,
//! and so is one for an epoch that has passed or for a region that is led elsewhere by now.
use std::sync::atomic::Ordering;

use rutile_pd_client::{Operator, OperatorStep};

use super::background::Work;
use super::message::Message;
use super::read::RaftReplica;
use super::store::RaftLoop;

impl RaftReplica {
    /// Takes a step that came on its own.
    pub fn take_step(&self, operator: Operator) {
        self.inbox.push(Message::Operate(operator));
    }
}

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
            OperatorStep::Merge(target) => self.merge_into(region_id, epoch, target),
            OperatorStep::Split(keys) => {
                let view = peer.view.clone();
                // One that is under way already makes the step's epoch pass.
                if !view.split_pending.swap(true, Ordering::SeqCst) {
                    self.background.inbox.push(Work::SplitAt(region_id, keys));
                }
            }
            OperatorStep::Unsupported(name) => {
                tracing::warn!(region_id, name, "operator step is not supported");
            }
        }
    }
}
