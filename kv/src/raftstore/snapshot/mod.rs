//! Snapshots between stores: the whole data of a region for a peer that the log can not help any more.
//!
//! ```text
//!  leader                                             follower
//!  raft wants one        raft loop
//!  engine snapshot       apply loop, at its applied index
//!  chunks                task, as fast as the carrier takes them ----> side keys of the raft CF, checked   (receive)
//!                                                                      raft takes it over
//!                                                                      state "applying", synced            (apply)
//!                                                                      log emptied, acknowledged
//!                                                                      range filled, state "normal", synced
//! ```
//! Both sides work on a bounded number at a time; whoever finds no room asks again with the next heartbeat.
//!
//! Crashes: what is received and not taken over is thrown away at the next start. From "applying" on it is never
//! asked for again: the start finishes it from the side keys. Nobody reads such a region, because its peer follows;
//! so the range may be filled in several batches. A log that is older than the snapshot beside it is emptied at the
//! start (`storage`).
//!
//! A region is filled only where no other peer of the store has its range: a snapshot that overlaps one waits until
//! that one is split, and is given up after a while.
mod apply;
mod chunk;
mod receive;
mod send;

use std::sync::Arc;

use raft::eraftpb;
use rutile_kv_engine::Snapshot;
use rutile_kv_types::Region;
use tokio::sync::OwnedSemaphorePermit;

pub use apply::{RestoreTask, Restoring, clear_range, resume};
pub use chunk::FAMILIES;
pub use receive::{Arrived, KeepChunk, Receptions, SnapshotSink, drop_chunks, keep_chunk};
pub use send::{SnapshotSource, Streams};

use super::state::ApplyState;
use super::storage::conf_state;
use super::transport::PeerMessage;

/// Snapshots that a store sends at once, and as many that it receives.
pub const SLOTS_MAX: usize = 8;
/// Ticks for which a snapshot waits for raft to come for it.
const TAKEN_TICKS_MAX: u32 = 30;

/// What a stream of chunks begins with: the raft message that announces it, without data, and the region.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotHead {
    pub message: PeerMessage,
    pub region: Arc<Region>,
}

/// The data of a region at an applied index.
pub struct Taken {
    pub engine: Box<dyn Snapshot>,
    pub region: Arc<Region>,
    pub point: ApplyState,
    /// Given back when the snapshot is sent or given up.
    pub _slot: OwnedSemaphorePermit,
}

/// The way of one snapshot from the wish of raft to its message.
#[derive(Default)]
pub enum TakenSlot {
    #[default]
    Idle,
    Wished,
    Asked,
    /// With the ticks since it was taken.
    Ready(Taken, u32),
    /// Raft has put it into a message.
    Handed(Taken),
}

impl TakenSlot {
    /// What raft puts into a message to peer `to`; without it a wish is noted. Good is a snapshot that knows the peer
    /// and that the log of the leader goes on from.
    pub fn hand_out(&mut self, request_index: u64, first_index: u64, to: u64) -> Option<eraftpb::Snapshot> {
        match std::mem::take(self) {
            TakenSlot::Ready(taken, _) if taken.serves(request_index, first_index, to) => {
                let snapshot = taken.metadata();
                *self = TakenSlot::Handed(taken);
                Some(snapshot)
            }
            TakenSlot::Idle | TakenSlot::Ready(..) => {
                *self = TakenSlot::Wished;
                None
            }
            other => {
                *self = other;
                None
            }
        }
    }

    /// True when somebody has to be asked for a snapshot now.
    pub fn take_wish(&mut self) -> bool {
        let wished = matches!(self, TakenSlot::Wished);
        if wished {
            *self = TakenSlot::Asked;
        }
        wished
    }

    /// A snapshot came, or none because there is no room.
    pub fn keep(&mut self, taken: Option<Taken>) {
        if matches!(self, TakenSlot::Asked) {
            *self = taken.map_or(TakenSlot::Idle, |taken| TakenSlot::Ready(taken, 0));
        }
    }

    /// The snapshot that is in a message.
    pub fn take(&mut self) -> Option<Taken> {
        match std::mem::take(self) {
            TakenSlot::Handed(taken) => Some(taken),
            other => {
                *self = other;
                None
            }
        }
    }

    /// One tick.
    pub fn tick(&mut self) {
        if let TakenSlot::Ready(_, ticks) = self {
            *ticks += 1;
            if *ticks > TAKEN_TICKS_MAX {
                *self = TakenSlot::Idle;
            }
        }
    }
}

impl Taken {
    fn serves(&self, request_index: u64, first_index: u64, to: u64) -> bool {
        let index = self.point.applied_index;
        index >= request_index && index + 1 >= first_index && self.region.peer(to).is_some()
    }

    fn metadata(&self) -> eraftpb::Snapshot {
        let mut snapshot = eraftpb::Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = self.point.applied_index;
        metadata.term = self.point.applied_term;
        metadata.set_conf_state(conf_state(&self.region));
        snapshot
    }
}

#[cfg(test)]
mod tests;
