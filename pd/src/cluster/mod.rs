//! What PD knows about the cluster: its stores, its regions, and the ids it handed out.
//!
//! Regions are told by heartbeats and split reports, which may come late and in any order; [`region_tree`] takes what
//! is newer and always covers the whole key space, so that a client never hears "no such region". Stores and the
//! shapes of regions are durable; leaders and load are rebuilt from heartbeats.

mod bootstrap;
mod id_alloc;
mod region_tree;
mod regions;
mod resolved_ts;
mod store_traits;
mod store_view;
mod stores;

pub(crate) use bootstrap::Cluster;
pub(crate) use id_alloc::IdAllocator;
pub(crate) use region_tree::Told;
pub(crate) use resolved_ts::ResolvedTs;
pub(crate) use store_traits::{StoreTraits, WEIGHT_ONE, weight};
pub(crate) use store_view::{STORE_STATES, StoreView, Telling};

#[cfg(test)]
mod tests;
