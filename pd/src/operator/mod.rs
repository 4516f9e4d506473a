//! Operators: the only way a region is changed.
//!
//! A checker, a scheduler or a person wants something of a region and says it as an [`Operator`], a list of small
//! [`Step`]s with a name and a reason. [`Operators`] takes at most one per region, within limits, and carries the steps
//! out: the current one goes to the region's leader with the answer to a heartbeat or on its own, again and again, until
//! a heartbeat shows its result. A step that takes too long, that can not be done any more, or a change of members that
//! came from elsewhere, ends the operator; whoever wanted it looks at the region again.
//!
//! ```text
//!  checker, scheduler, person -- Operator --> Operators <-- told -- heartbeat
//!                                  limits         |
//!                                                 +--- current Step --> leader of the region
//! ```
//!
//! A merge is two operators, one for the region that goes and one for the neighbour that gets it, which keeps that one as
//! it is meanwhile. They end together.
//!
//! Operators are not durable: a new PD leaves what was begun to the checkers, which find half of a move and end it.

mod build;
mod limit;
mod merge;
mod running;
mod step;
mod table;

pub(crate) use build::{add_peer, leads, move_peer, relocate, remove_peer};
pub(crate) use limit::Direction;
pub(crate) use running::{End, Ended, Running};
pub(crate) use step::{Step, is_behind, is_joint};
pub(crate) use table::{Influence, Operators};

/// Why an operator exists; sorted by how much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Evens leaders out.
    Leader,
    /// Evens peers out.
    Region,
    /// Spreads hot regions.
    Hot,
    /// Merges small regions.
    Merge,
    /// Repairs a region.
    Replica,
    /// A person asked for it.
    Admin,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Leader => "leader",
            Kind::Region => "region",
            Kind::Hot => "hot-region",
            Kind::Merge => "merge",
            Kind::Replica => "replica",
            Kind::Admin => "admin",
        }
    }
}

/// What is to be done with a region, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) region_id: u64,
    pub(crate) kind: Kind,
    /// Who wants it: `balance-leader`, `replace-offline-replica`.
    pub(crate) name: &'static str,
    /// Why, in words.
    pub(crate) reason: String,
    /// At least one.
    pub(crate) steps: Vec<Step>,
}

#[cfg(test)]
mod tests;
