//! The receiving side: chunks are checked as they come and kept in side keys until raft decides.
use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use raft::StateRole;
use rutile_kv_engine::{Engine, WriteBatch};
use rutile_kv_types::{Cf, Peer as PeerId, Region};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::apply::Restoring;
use super::chunk::Checker;
use super::{SLOTS_MAX, SnapshotHead};
use crate::error::{Error, RegionError, Result};
use crate::keys;
use crate::raftstore::background::{Background, Work};
use crate::raftstore::message::Message;
use crate::raftstore::peer::Peer;
use crate::raftstore::read::RaftReplica;
use crate::raftstore::state::ApplyState;
use crate::raftstore::store::RaftLoop;

/// Ticks for which a whole snapshot waits until its range is free.
const WAIT_TICKS_MAX: u32 = 50;

/// What is received now, so that a region has one snapshot at a time.
pub struct Receptions {
    regions: Mutex<BTreeSet<u64>>,
    slots: Arc<Semaphore>,
    background: Arc<Background>,
}

/// The place of one snapshot; its chunks are dropped with it.
pub struct Reception {
    region_id: u64,
    all: Arc<Receptions>,
    _slot: OwnedSemaphorePermit,
}

impl Receptions {
    pub fn new(background: Arc<Background>) -> Receptions {
        Receptions { regions: Mutex::default(), slots: Arc::new(Semaphore::new(SLOTS_MAX)), background }
    }

    fn enter(self: &Arc<Self>, region_id: u64) -> Result<Reception> {
        let busy = |reason| Error::from(RegionError::Busy { reason });
        let slot = self.slots.clone().try_acquire_owned();
        let slot = slot.map_err(|_| busy("too many snapshots are received"))?;
        if !self.regions.lock().insert(region_id) {
            return Err(busy("a snapshot of the region is received already"));
        }
        Ok(Reception { region_id, all: self.clone(), _slot: slot })
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        // In this order: whoever is next has its chunks queued behind.
        self.all.background.inbox.push(Work::DropChunks(self.region_id));
        self.all.regions.lock().remove(&self.region_id);
    }
}

/// Takes the chunks of one snapshot, in order. Dropped before its end it leaves nothing.
pub struct SnapshotSink {
    head: SnapshotHead,
    reception: Reception,
    checker: Checker,
    next_chunk: u32,
    inbox: Arc<crate::raftstore::inbox::Inbox<Message>>,
}

/// A whole snapshot that raft has not seen.
pub struct Arrived {
    pub head: SnapshotHead,
    reception: Reception,
    /// How long it waits for its range.
    ticks: u32,
}

/// A chunk for the background loop to write.
pub struct KeepChunk {
    region_id: u64,
    number: u32,
    data: Vec<u8>,
    done: oneshot::Sender<Result<()>>,
}

impl RaftReplica {
    /// Makes room for a snapshot of another store.
    pub fn receive_snapshot(&self, head: SnapshotHead) -> Result<SnapshotSink> {
        let reception = self.receptions.enter(head.message.region_id)?;
        let inbox = self.inbox.clone();
        Ok(SnapshotSink { head, reception, checker: Checker::default(), next_chunk: 0, inbox })
    }
}

impl SnapshotSink {
    /// Takes the next chunk; returns when it is kept.
    pub async fn push(&mut self, data: Vec<u8>) -> Result<()> {
        if !self.checker.check(&data, &self.head.region)? {
            return Ok(());
        }
        let (done, kept) = oneshot::channel();
        let (region_id, number) = (self.reception.region_id, self.next_chunk);
        self.next_chunk += 1;
        let work = Work::KeepChunk(KeepChunk { region_id, number, data, done });
        self.reception.all.background.inbox.push(work);
        kept.await.unwrap_or(Err(Error::Stopped))
    }

    /// Hands the snapshot to raft, if all of it came.
    pub fn finish(self) -> Result<()> {
        if !self.checker.is_complete() {
            return Err(Error::corrupt("snapshot", "the stream ended early"));
        }
        let arrived = Arrived { head: self.head, reception: self.reception, ticks: 0 };
        self.inbox.push(Message::SnapshotArrived(Box::new(arrived)));
        Ok(())
    }
}

/// Writes a received chunk to its side key.
pub fn keep_chunk(engine: &dyn Engine, chunk: KeepChunk) {
    let mut batch = WriteBatch::new();
    batch.put(Cf::Raft, keys::snapshot_chunk(chunk.region_id, chunk.number), &chunk.data);
    // A stream that broke wants no answer.
    let _ = chunk.done.send(engine.write(batch, false).map_err(Error::from));
}

/// Removes what was received for a region.
pub fn drop_chunks(engine: &dyn Engine, region_id: u64) -> Result<()> {
    let (start, end) = keys::snapshot_chunks(region_id);
    let mut batch = WriteBatch::new();
    batch.delete_range(Cf::Raft, start, end);
    Ok(engine.write(batch, false)?)
}

impl RaftLoop {
    /// A whole snapshot is here.
    pub(in crate::raftstore) fn snapshot_arrived(&mut self, arrived: Arrived) {
        if let Some(waiting) = self.try_restore(arrived) {
            self.arrived_snapshots.push(waiting);
        }
    }

    /// One tick: snapshots that wait may find their range free.
    pub(in crate::raftstore) fn retry_snapshots(&mut self) {
        for mut arrived in std::mem::take(&mut self.arrived_snapshots) {
            arrived.ticks += 1;
            if arrived.ticks <= WAIT_TICKS_MAX {
                self.snapshot_arrived(arrived);
            }
        }
    }

    /// Gives the snapshot to raft, drops it, or answers it when it has to wait.
    fn try_restore(&mut self, arrived: Arrived) -> Option<Arrived> {
        let SnapshotHead { message, region } = &arrived.head;
        let (region_id, region) = (region.id, region.clone());
        let point = point_of(&message.message);
        let Some(covers) = self.given_way(&region) else {
            return Some(arrived);
        };
        let peer = self.peers.get_mut(&region_id)?;
        let is_meant = message.to.id == peer.view.peer.id && region.peer(message.to.id).is_some();
        if !is_meant || peer.restoring.is_some() || peer.node.raft.state == StateRole::Leader {
            return None;
        }
        // What was committed before goes first, and what came of it must be known here.
        let settled = peer.view.applied().applied_index >= peer.handed_index
            && peer.view.region().epoch == peer.region.epoch
            && peer.merge.held.is_empty();
        if !settled {
            return Some(arrived);
        }
        let Arrived { head, reception, .. } = arrived;
        if let Err(error) = peer.node.step(head.message.message) {
            tracing::debug!(region_id, %error, "snapshot refused");
        }
        peer.choose_election_timeout(&*self.env.random);
        // Raft has no use for one that is older than its log.
        if peer.node.snap().is_some_and(|snapshot| snapshot.get_metadata().index == point.applied_index) {
            let gone = covers.iter().map(|(region, _)| region.id).collect();
            peer.restoring = Some(Restoring { region, point, covers, _reception: reception });
            self.give_way(gone);
        }
        self.dirty.insert(region_id);
        None
    }

    /// Other peers of this store that have, or will have, a part of the region's range.
    fn in_the_way<'a>(&'a self, region: &'a Region) -> impl Iterator<Item = &'a Peer> {
        let others = self.peers.values().filter(|peer| peer.region_id() != region.id);
        others.filter(|peer| {
            let restoring =
                peer.restoring.as_ref().is_some_and(|restoring| restoring.region.overlaps(region));
            restoring || (peer.is_initialised() && peer.region.overlaps(region))
        })
    }

    /// The peers that have a part of the region's range, if all of them are known to be of regions that were merged into
    /// it.
    pub(in crate::raftstore) fn given_way(&self, region: &Region) -> Option<Vec<(Arc<Region>, PeerId)>> {
        let gives_way = |peer: &Peer| {
            let goes = peer.gives_way() && self.went_into(peer, region.id);
            goes.then(|| (peer.region.clone(), peer.view.peer.clone()))
        };
        self.in_the_way(region).map(gives_way).collect()
    }
}

fn point_of(message: &raft::eraftpb::Message) -> ApplyState {
    let metadata = message.get_snapshot().get_metadata();
    ApplyState { applied_index: metadata.index, applied_term: metadata.term }
}
