//! Checkers: what one region lacks.
//!
//! A checker looks at a region as its leader told it and at its [`Surroundings`], and answers at most one operator; it
//! changes nothing itself. [`check_region`] asks them in the order of what matters:
//!
//! - [`joint_state`]: a change of members that was begun is ended.
//! - [`split`]: no region lies across a boundary of placement rules.
//! - [`rule`]: the peers are those that the placement rules ask for, on stores that are up, as far apart as can be.
//! - [`learner`]: a learner that should vote does so once it has the data.
//! - [`merge`]: a region that is small is merged into a neighbour.

mod joint_state;
mod learner;
mod merge;
mod rule;
mod split;
mod surroundings;

pub(crate) use merge::{Merge, Neighbourhood, check_merge, merge_into};
pub(crate) use surroundings::Surroundings;

use rutile_pd_client::RegionHeartbeat;

use crate::error::Result;
use crate::operator::{Kind, Operator, Step};

/// Where the id of a new peer comes from.
pub(crate) type NewId<'a> = &'a mut dyn FnMut() -> Result<u64>;

/// What to do with the region, if anything.
pub(crate) fn check_region(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    new_id: NewId<'_>,
) -> Result<Option<Operator>> {
    if let Some(operator) = joint_state::check(told, around) {
        return Ok(Some(operator));
    }
    if let Some(operator) = split::check(told, around.rules) {
        return Ok(Some(operator));
    }
    rule::check(told, around, new_id)
}

/// A repair.
fn repair(told: &RegionHeartbeat, name: &'static str, reason: String, steps: Vec<Step>) -> Operator {
    Operator { region_id: told.region.id, kind: Kind::Replica, name, reason, steps }
}

#[cfg(test)]
mod tests;
