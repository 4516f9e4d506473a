//! Schedulers: evening out the whole cluster.
//!
//! A scheduler looks at a [`View`] of the cluster and answers operators and, when it wants nothing, why; it changes
//! nothing itself. [`registry`] keeps which of them run.
//!
//! - [`balance_leader`]: every store leads as many regions as the others, for its weight.
//! - [`balance_region`]: every store holds as much as the others, for its weight and the size of its disk.
//! - [`hot_region`]: what is read and written much is spread over the stores.
//! - [`evict_leader`], [`grant_leader`]: chosen stores lead nothing, or all they can.
//! - [`evict_slow_store`]: a store with a slow disk leads nothing until it is well.
//! - [`shuffle_leader`], [`shuffle_region`]: disorder, for tests.
//!
//! [`scatter`] is no scheduler: it places one region when somebody asks for it.

mod balance_leader;
mod balance_region;
mod evict_leader;
mod evict_slow_store;
mod grant_leader;
mod hot_region;
mod registry;
mod scatter;
mod shuffle_leader;
mod shuffle_region;
mod view;

pub(crate) use registry::{Kept, Schedulers, State};
pub(crate) use scatter::Scattered;
pub(crate) use view::View;

use crate::error::Result;
use crate::operator::Operator;

/// What a scheduler wants.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) operators: Vec<Operator>,
    /// Why there is nothing to do, or why it can not be done.
    pub(crate) idle: String,
    /// The stores that it found slow, if they changed.
    pub(crate) slow: Option<Vec<u64>>,
}

/// A scheduler that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheduler {
    BalanceLeader,
    BalanceRegion,
    HotRegion,
    /// From these stores.
    EvictLeader(Vec<u64>),
    /// To these stores.
    GrantLeader(Vec<u64>),
    /// With the stores that are slow now.
    EvictSlowStore(Vec<u64>),
    ShuffleLeader,
    ShuffleRegion,
}

impl Scheduler {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Scheduler::BalanceLeader => "balance-leader-scheduler",
            Scheduler::BalanceRegion => "balance-region-scheduler",
            Scheduler::HotRegion => "balance-hot-region-scheduler",
            Scheduler::EvictLeader(_) => "evict-leader-scheduler",
            Scheduler::GrantLeader(_) => "grant-leader-scheduler",
            Scheduler::EvictSlowStore(_) => "evict-slow-store-scheduler",
            Scheduler::ShuffleLeader => "shuffle-leader-scheduler",
            Scheduler::ShuffleRegion => "shuffle-region-scheduler",
        }
    }

    /// The stores it is about.
    pub(crate) fn stores(&self) -> &[u64] {
        match self {
            Scheduler::EvictLeader(stores)
            | Scheduler::GrantLeader(stores)
            | Scheduler::EvictSlowStore(stores) => stores,
            Scheduler::BalanceLeader
            | Scheduler::BalanceRegion
            | Scheduler::HotRegion
            | Scheduler::ShuffleLeader
            | Scheduler::ShuffleRegion => &[],
        }
    }

    /// Stores that must not lead.
    pub(crate) fn evicted(&self) -> &[u64] {
        match self {
            Scheduler::EvictLeader(stores) | Scheduler::EvictSlowStore(stores) => stores,
            _ => &[],
        }
    }

    /// Stores that keep the leaders they get.
    pub(crate) fn granted(&self) -> &[u64] {
        if let Scheduler::GrantLeader(stores) = self { stores } else { &[] }
    }

    /// `new_id` is asked for the ids of peers that are added.
    pub(crate) fn step(&self, view: &mut View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Wish> {
        match self {
            Scheduler::BalanceLeader => Ok(balance_leader::step(view)),
            Scheduler::BalanceRegion => balance_region::step(view, new_id),
            Scheduler::HotRegion => hot_region::step(view, new_id),
            Scheduler::EvictLeader(stores) => {
                Ok(evict_leader::step(view, stores, "evict-leader", "must not lead"))
            }
            Scheduler::GrantLeader(stores) => Ok(grant_leader::step(view, stores)),
            Scheduler::EvictSlowStore(slow) => Ok(evict_slow_store::step(view, slow)),
            Scheduler::ShuffleLeader => Ok(shuffle_leader::step(view)),
            Scheduler::ShuffleRegion => shuffle_region::step(view, new_id),
        }
    }
}

#[cfg(test)]
mod tests;
