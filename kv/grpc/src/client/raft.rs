//! Raft messages and snapshots to other stores.
//!
//! Messages to one store share a stream, several in a frame when they wait. Nobody waits for them: what does not fit into
//! the queue, or is queued when the stream breaks, is lost, and raft sends it again. A snapshot is a stream of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures::channel::mpsc as outgoing;
use futures::{SinkExt as _, Stream, StreamExt as _};
use parking_lot::Mutex;
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_proto::raft_serverpb::{Done, RaftMessage, SnapshotChunk};
use rutile_kv_proto::{BatchRaftMessage, Status};
use rutile_pd_client::PdClient;
use tokio::sync::mpsc;
use tonic_prost::ProstCodec;

use super::channel::ready;
use super::store_channel::StoreChannel;
use crate::config::Limits;
use crate::status::from_grpc;

/// Messages that wait for one store; more are dropped.
const QUEUE_MAX: usize = 8_192;
/// Messages of one frame, and frames on the way.
const BATCH_MAX: usize = 128;
const FRAMES_MAX: usize = 16;
/// Chunks of a snapshot on the way.
const CHUNKS_MAX: usize = 4;
/// How long a store that can not be reached is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends to every store of the cluster.
pub struct RaftSender {
    env: Env,
    pd: PdClient,
    limits: Arc<Limits>,
    by_id: Mutex<BTreeMap<u64, Lane>>,
}

struct Lane {
    queue: mpsc::Sender<RaftMessage>,
    way: Arc<StoreChannel>,
    task: TaskHandle,
}

impl RaftSender {
    pub fn new(env: Env, pd: PdClient, limits: Limits) -> RaftSender {
        RaftSender { env, pd, limits: Arc::new(limits), by_id: Mutex::default() }
    }

    fn with_lane<T>(&self, store_id: u64, work: impl FnOnce(&Lane) -> T) -> T {
        let mut by_id = self.by_id.lock();
        work(by_id.entry(store_id).or_insert_with(|| {
            let (queue, waiting) = mpsc::channel(QUEUE_MAX);
            let way = Arc::new(StoreChannel::new(self.pd.clone(), self.limits.clone(), store_id));
            let worker =
                Worker { env: self.env.clone(), limits: self.limits.clone(), way: way.clone(), waiting };
            let task = self.env.spawn.spawn("raft-sender", Box::pin(worker.run()));
            Lane { queue, way, task }
        }))
    }

    /// Queues a message. False when it was dropped.
    pub fn send(&self, store_id: u64, message: RaftMessage) -> bool {
        self.with_lane(store_id, |lane| lane.queue.try_send(message).is_ok())
    }

    /// Carries a snapshot; done when the store has taken all of it. A chunk that is an error breaks the stream.
    pub async fn send_snapshot(
        &self,
        store_id: u64,
        chunks: impl Stream<Item = Result<SnapshotChunk, Status>> + Send,
    ) -> Result<(), Status> {
        let way = self.with_lane(store_id, |lane| lane.way.clone());
        let channel = way.get().await?;
        let (mut sink, stream) = outgoing::channel(CHUNKS_MAX);
        let mut client = ready(channel, &self.limits).await?;
        let codec = ProstCodec::<SnapshotChunk, Done>::default();
        let path = PathAndQuery::from_static("/tikvpb.Tikv/Snapshot");
        let call = client.client_streaming(tonic::Request::new(stream), path, codec);
        let feed = async move {
            let mut chunks = std::pin::pin!(chunks);
            while let Some(chunk) = chunks.next().await {
                // A receiver that is gone has ended the call, which says why.
                if sink.send(chunk?).await.is_err() {
                    return Ok(());
                }
            }
            Ok(())
        };
        let answered = async { call.await.map(drop).map_err(|status| from_grpc(&status)) };
        // A failing feed drops the call, which the store sees as broken.
        let result = futures::future::try_join(feed, answered).await;
        if result.is_err() {
            way.suspect();
        }
        result.map(drop)
    }
}

impl Drop for RaftSender {
    fn drop(&mut self) {
        self.by_id.lock().values().for_each(|lane| lane.task.abort());
    }
}

struct Worker {
    env: Env,
    limits: Arc<Limits>,
    way: Arc<StoreChannel>,
    waiting: mpsc::Receiver<RaftMessage>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            match self.stream(first).await {
                Ok(()) => return,
                Err(status) => {
                    tracing::debug!(%status, "raft stream ended");
                    self.way.suspect();
                    self.env.clock.sleep(PAUSE).await;
                    // Old by now; raft repeats what matters.
                    while self.waiting.try_recv().is_ok() {}
                }
            }
        }
    }

    fn batch(&mut self, first: RaftMessage) -> BatchRaftMessage {
        let mut msgs = vec![first];
        while msgs.len() < BATCH_MAX
            && let Ok(message) = self.waiting.try_recv()
        {
            msgs.push(message);
        }
        BatchRaftMessage { msgs }
    }

    /// One stream from its first message on; `Ok` when nobody sends any more.
    async fn stream(&mut self, first: RaftMessage) -> Result<(), Status> {
        let channel = self.way.get().await?;
        let mut client = ready(channel, &self.limits).await?;
        let (mut frames, stream) = outgoing::channel(FRAMES_MAX);
        let codec = ProstCodec::<BatchRaftMessage, Done>::default();
        let path = PathAndQuery::from_static("/tikvpb.Tikv/BatchRaft");
        let mut call = std::pin::pin!(client.client_streaming(tonic::Request::new(stream), path, codec));
        let mut next = Some(first);
        loop {
            let feed = async {
                let message = match next.take() {
                    Some(message) => message,
                    None => self.waiting.recv().await?,
                };
                let batch = self.batch(message);
                Some(frames.send(batch).await)
            };
            tokio::select! {
                biased;
                ended = &mut call => {
                    let ended = ended.map(drop).map_err(|status| from_grpc(&status));
                    return ended.and(Err(Status::unavailable("the store ended the stream")));
                }
                fed = feed => match fed {
                    None => return Ok(()),
                    Some(Ok(())) => {}
                    Some(Err(_)) => return Err(Status::unavailable("the stream is gone")),
                },
            }
        }
    }
}
