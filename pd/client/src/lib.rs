//! The client of the placement driver, used by stores and by the transaction client.
//!
//! [`PdClient`] turns the words of `kv/types` into calls of [`rutile_kv_proto::PdService`] and back, checks the header
//! of each answer, and tries again for a bounded time while PD has no leader. It works over any carrier; in process
//! the service is PD itself, and a timestamp is one call on the caller's thread. [`from_wire`] and [`to_wire`] hold
//! the conversions of regions, peers and stores for every package that meets both worlds.
//!
//! Deliberately missing: batching of timestamps, which only a network needs, and following a moved PD leader, which
//! needs the member list of a PD group.

mod call;
mod client;
mod cluster;
mod error;
pub mod from_wire;
mod operator;
pub mod to_wire;

pub use client::PdClient;
pub use cluster::{
    Keyspace, LeaderRegion, RegionHeartbeat, ServiceSafePoint, SplitIds, Store, StoreState, StoreStats,
    beyond_all_keys,
};
pub use error::{Error, Result};
pub use operator::{Operator, OperatorStep, PeerChange, PeerChangeKind};

#[cfg(test)]
mod tests;
