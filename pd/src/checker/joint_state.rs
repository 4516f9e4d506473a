//! Half of a change of members that nobody carries out any more is ended: its new members are in force by then.

use rutile_pd_client::RegionHeartbeat;

use super::repair;
use crate::operator::{Operator, Step, is_joint};

pub(super) fn check(told: &RegionHeartbeat) -> Option<Operator> {
    told.region.peers.iter().any(|peer| is_joint(peer.role)).then(|| {
        repair(told, "leave-joint-state", "a change of members was begun".to_owned(), vec![Step::LeaveJoint])
    })
}
