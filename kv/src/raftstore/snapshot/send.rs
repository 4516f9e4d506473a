//! The sending side: taking a snapshot, and bringing it on its way.
use std::sync::Arc;

use parking_lot::Mutex;
use raft::SnapshotStatus;
use rutile_kv_env::{Env, TaskHandle};
use tokio::sync::oneshot;

use super::chunk::Cutter;
use super::{SnapshotHead, Taken};
use crate::error::{Error, Result};
use crate::raftstore::apply::{Applier, ApplyMessage};
use crate::raftstore::message::Message;
use crate::raftstore::store::RaftLoop;
use crate::raftstore::transport::PeerMessage;
use crate::raftstore::view::RegionView;

/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 512 << 10;

/// Hands out the chunks of one snapshot, each when it is asked for: the carrier sets the pace.
pub struct SnapshotSource {
    env: Env,
    /// Away while a chunk is read.
    reader: Option<Reader>,
}

struct Reader {
    taken: Taken,
    cutter: Cutter,
}

impl SnapshotSource {
    fn new(env: Env, taken: Taken) -> SnapshotSource {
        let tiny = env.hooks.buggify("raftstore::snapshot::tiny_chunks", 2);
        let cutter = Cutter::new(if tiny { 300 } else { CHUNK_BYTES });
        SnapshotSource { env, reader: Some(Reader { taken, cutter }) }
    }

    /// The next chunk; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut reader = self.reader.take().ok_or(Error::Stopped)?;
        let (sender, receiver) = oneshot::channel();
        let read = move || {
            let chunk = reader.cutter.next(&*reader.taken.engine, &reader.taken.region);
            // A carrier that went away wants nothing any more.
            let _ = sender.send((reader, chunk));
        };
        self.env.spawn.spawn_blocking("snapshot-read", Box::new(read));
        let (reader, chunk) = receiver.await.map_err(|_| Error::Stopped)?;
        self.reader = Some(reader);
        chunk
    }
}

/// The tasks that send snapshots; they keep the engine open.
#[derive(Default)]
pub struct Streams {
    tasks: Mutex<Vec<TaskHandle>>,
}

impl Streams {
    fn keep(&self, task: TaskHandle) {
        let mut tasks = self.tasks.lock();
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Ends them all and waits until they have ended.
    pub async fn end(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.iter().for_each(TaskHandle::abort);
        for task in tasks {
            task.join().await;
        }
    }
}

impl RaftLoop {
    /// Has the snapshot taken that raft wished for, if there is room.
    pub(in crate::raftstore) fn grant_wish(&self, region_id: u64) {
        let Some(peer) = self.peers.get(&region_id) else {
            return;
        };
        match self.sending.clone().try_acquire_owned() {
            Ok(slot) => self.apply.push(ApplyMessage::TakeSnapshot(peer.view.clone(), slot)),
            Err(_) => peer.node.store().keep_snapshot(None),
        }
    }

    /// The apply loop took a snapshot. Raft comes for it with the next answer to a heartbeat.
    pub(in crate::raftstore) fn snapshot_taken(&self, region_id: u64, taken: Option<Taken>) {
        if let Some(peer) = self.peers.get(&region_id) {
            peer.node.store().keep_snapshot(taken);
        }
    }

    /// Sends the snapshot that raft put into this message.
    pub(in crate::raftstore) fn send_snapshot(&self, message: PeerMessage) {
        let (region_id, to) = (message.region_id, message.to.clone());
        let inbox = self.own.clone();
        let Some(taken) = self.peers.get(&region_id).and_then(|peer| peer.node.store().take_snapshot())
        else {
            return inbox.push(Message::SnapshotSent { region_id, to: to.id, arrived: false });
        };
        self.metrics.snapshots_sent.add(1);
        self.env.hooks.record("raftstore::snapshot::send", || [region_id, to.id, taken.point.applied_index]);
        let head = SnapshotHead { message, region: taken.region.clone() };
        let sent = self.transport.send_snapshot(head, SnapshotSource::new(self.env.clone(), taken));
        let task = async move {
            let result = sent.await;
            if let Err(error) = &result {
                tracing::info!(region_id, to = to.id, store = to.store_id, %error, "snapshot did not arrive");
            }
            inbox.push(Message::SnapshotSent { region_id, to: to.id, arrived: result.is_ok() });
        };
        self.streams.keep(self.env.spawn.spawn("snapshot-send", Box::pin(task)));
    }

    /// Raft goes on with the follower, behind the snapshot or with another one.
    pub(in crate::raftstore) fn snapshot_sent(&mut self, region_id: u64, to: u64, arrived: bool) {
        if let Some(peer) = self.peers.get_mut(&region_id) {
            let status = if arrived { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
            peer.node.report_snapshot(to, status);
            self.dirty.insert(region_id);
        }
    }
}

impl Applier {
    /// Takes a snapshot of a region as it is applied now.
    pub(in crate::raftstore) fn take_snapshot(
        &mut self,
        view: &Arc<RegionView>,
        slot: tokio::sync::OwnedSemaphorePermit,
    ) {
        self.write();
        // All peers of a region that is merged have its log. A snapshot would not tell that it has stopped.
        if view.is_merging() {
            return self.raft.push(Message::SnapshotTaken { region_id: view.region_id, taken: None });
        }
        let taken = Taken {
            engine: self.engine.snapshot(),
            region: view.region(),
            point: view.applied(),
            _slot: slot,
        };
        self.raft.push(Message::SnapshotTaken { region_id: view.region_id, taken: Some(Box::new(taken)) });
    }
}
