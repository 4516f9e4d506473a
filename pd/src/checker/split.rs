//! A region that lies across boundaries of placement rules is split there, so that one set of rules applies to it.

use rutile_pd_client::RegionHeartbeat;

use super::repair;
use crate::operator::{Operator, Step};
use crate::placement::Rules;

pub(super) fn check(told: &RegionHeartbeat, rules: &Rules) -> Option<Operator> {
    let keys = rules.boundaries(&told.region.start_key, &told.region.end_key);
    if keys.is_empty() {
        return None;
    }
    let reason = format!("placement rules meet at {} keys inside", keys.len());
    let version = told.region.epoch.version;
    Some(repair(told, "rule-split-region", reason, vec![Step::Split { keys, version }]))
}
