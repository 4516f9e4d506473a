//! A learner where a rule wants a voter votes once it has the data; it goes when its store does not report, because the
//! region would wait for it.

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;

use super::{Surroundings, repair};
use crate::operator::{Operator, Step, is_behind};

pub(super) fn check(told: &RegionHeartbeat, around: &Surroundings<'_>, learner: &Peer) -> Option<Operator> {
    if !around.is_alive(learner.store_id) {
        let reason = "the learner's store does not report".to_owned();
        return Some(repair(told, "remove-learner", reason, vec![Step::Remove(learner.clone())]));
    }
    if is_behind(told, learner.id) {
        return None;
    }
    let voter = Peer { role: PeerRole::Voter, ..learner.clone() };
    let reason = "a voter is missing".to_owned();
    Some(repair(told, "promote-learner", reason, vec![Step::Promote(voter)]))
}
