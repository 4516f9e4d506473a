//! Schedulers: evening out the whole cluster.
//!
//! A scheduler looks at a [`View`] of the cluster and answers operators and, when it wants nothing, why; it changes
//! nothing itself. [`registry`] keeps which of them run.
//!
//! - [`balance_leader`]: every store leads as many regions as the others.
//! - [`balance_region`]: every store holds as much as the others, measured by the size of its disk.
//! - [`evict_leader`]: chosen stores lead nothing.
//!
//! Deliberately missing: hot regions, slow stores, scattering.

mod balance_leader;
mod balance_region;
mod evict_leader;
mod registry;
mod view;

pub(crate) use registry::{Kept, Schedulers, State};
pub(crate) use view::View;

use crate::error::Result;
use crate::operator::Operator;

/// What a scheduler wants.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) operators: Vec<Operator>,
    /// Why there is nothing to do, or why it can not be done.
    pub(crate) idle: &'static str,
}

/// A scheduler that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheduler {
    BalanceLeader,
    BalanceRegion,
    /// From these stores.
    EvictLeader(Vec<u64>),
}

impl Scheduler {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Scheduler::BalanceLeader => "balance-leader-scheduler",
            Scheduler::BalanceRegion => "balance-region-scheduler",
            Scheduler::EvictLeader(_) => "evict-leader-scheduler",
        }
    }

    /// Stores that must not lead.
    pub(crate) fn evicted(&self) -> &[u64] {
        match self {
            Scheduler::EvictLeader(stores) => stores,
            Scheduler::BalanceLeader | Scheduler::BalanceRegion => &[],
        }
    }

    /// `new_id` is asked for the ids of peers that are added.
    pub(crate) fn step(&self, view: &mut View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Wish> {
        match self {
            Scheduler::BalanceLeader => Ok(balance_leader::step(view)),
            Scheduler::BalanceRegion => balance_region::step(view, new_id),
            Scheduler::EvictLeader(stores) => Ok(evict_leader::step(view, stores)),
        }
    }
}

#[cfg(test)]
mod tests;
