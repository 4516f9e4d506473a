//! The RPC services of a store: the only place that knows the wire.
//!
//! [`KvService`] implements `TikvService` of `kv/proto` itself, so that every carrier (in process, gRPC,
//! simulated network) meets the same checks. A handler turns the request into the words of `txn`, runs it
//! and turns the answer back; `from_wire` and `to_wire` hold the two directions.
//!
//! Deliberately missing: the debug service, and networks under [`RaftCarrier`] and [`DetectorCarrier`].
mod deadlock;
mod from_wire;
mod raft;
mod raw;
mod read;
mod tikv;
mod to_wire;
mod write;

pub use deadlock::{Detector, DetectorCarrier, DetectorStream, Reporter};
pub use from_wire::{bound, read_options, region_context};
pub use raft::{RaftCarrier, SnapshotReceiver, SnapshotStream, WireTransport, raft_from_wire};
pub use tikv::KvService;
pub use to_wire::Failure;

#[cfg(test)]
mod raw_tests;
#[cfg(test)]
mod tests;
