//! Raft messages and snapshots to other stores.
//!
//! Messages to one store share a stream ([`one_way`](super::one_way)), several in a frame when they wait. A snapshot is a
//! stream of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures::channel::mpsc as outgoing;
use futures::{SinkExt as _, Stream, StreamExt as _};
use parking_lot::Mutex;
use prost::Message as _;
use rutile_kv_env::{BoxFuture, Env};
use rutile_kv_proto::raft_serverpb::{Done, RaftMessage, SnapshotChunk};
use rutile_kv_proto::{BatchRaftMessage, Status};
use rutile_pd_client::PdClient;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use super::channel::ready;
use super::one_way::{Lane, OneWay};
use super::store_channel::StoreChannel;
use crate::config::Limits;
use crate::status::from_grpc;

/// Messages of one frame, and the size from which it takes no more, far below what a store takes in.
const BATCH_MAX: usize = 128;
const BATCH_BYTES: usize = 1 << 20;
/// Chunks of a snapshot on the way.
const CHUNKS_MAX: usize = 4;

/// Sends to every store of the cluster.
pub struct RaftSender {
    env: Env,
    pd: PdClient,
    limits: Arc<Limits>,
    by_id: Mutex<BTreeMap<u64, Lane<ToStore>>>,
    unreachable: Arc<OnceLock<Unreachable>>,
}

/// Who is told of a store that could not be reached, or whose stream broke.
type Unreachable = Box<dyn Fn(u64) + Send + Sync>;

impl RaftSender {
    pub fn new(env: Env, pd: PdClient, limits: Limits) -> RaftSender {
        RaftSender { env, pd, limits: Arc::new(limits), by_id: Mutex::default(), unreachable: Arc::default() }
    }

    /// Tells of each store that can not be reached. Only the first call does anything.
    pub fn report_unreachable(&self, report: impl Fn(u64) + Send + Sync + 'static) {
        // A second listener would have missed what the first one heard.
        let _ = self.unreachable.set(Box::new(report));
    }

    fn with_lane<T>(&self, store_id: u64, work: impl FnOnce(&Lane<ToStore>) -> T) -> T {
        let mut by_id = self.by_id.lock();
        work(by_id.entry(store_id).or_insert_with(|| {
            let channel = StoreChannel::new(self.pd.clone(), self.limits.clone(), store_id);
            let unreachable = self.unreachable.clone();
            Lane::new(&self.env, &self.limits, ToStore { store_id, channel, unreachable })
        }))
    }

    /// Queues a message. False when it was dropped.
    pub fn send(&self, store_id: u64, message: RaftMessage) -> bool {
        self.with_lane(store_id, |lane| lane.send(message))
    }

    /// Carries a snapshot; done when the store has taken all of it. A chunk that is an error breaks the stream.
    pub async fn send_snapshot(
        &self,
        store_id: u64,
        chunks: impl Stream<Item = Result<SnapshotChunk, Status>> + Send,
    ) -> Result<(), Status> {
        let way = self.with_lane(store_id, |lane| lane.way.clone());
        let channel = way.channel.get().await?;
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
            way.channel.suspect();
        }
        result.map(drop)
    }
}

struct ToStore {
    store_id: u64,
    channel: StoreChannel,
    unreachable: Arc<OnceLock<Unreachable>>,
}

impl OneWay for ToStore {
    type Message = RaftMessage;
    type Frame = BatchRaftMessage;

    const TASK: &'static str = "raft-sender";
    const PATH: &'static str = "/tikvpb.Tikv/BatchRaft";
    const QUEUE_MAX: usize = 8_192;
    const PAUSE: Duration = Duration::from_millis(200);

    fn channel(&self) -> BoxFuture<'_, Result<Channel, Status>> {
        Box::pin(self.channel.get())
    }

    fn suspect(&self) {
        self.channel.suspect();
        if let Some(report) = self.unreachable.get() {
            report(self.store_id);
        }
    }

    fn frames(first: RaftMessage, mut more: impl FnMut() -> Option<RaftMessage>) -> Vec<BatchRaftMessage> {
        let mut bytes = first.encoded_len();
        let mut msgs = vec![first];
        while msgs.len() < BATCH_MAX
            && bytes < BATCH_BYTES
            && let Some(message) = more()
        {
            bytes += message.encoded_len();
            msgs.push(message);
        }
        vec![BatchRaftMessage { msgs }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_large_messages_stays_small() {
        let large = || RaftMessage { start_key: vec![0; 700 << 10].into(), ..Default::default() };
        let mut left = 9;
        let mut more = || {
            left -= 1;
            (left > 0).then(large)
        };
        let sizes = |frames: Vec<BatchRaftMessage>| frames.iter().map(|f| f.msgs.len()).collect::<Vec<_>>();
        assert_eq!(sizes(ToStore::frames(large(), &mut more)), [2]);
        assert_eq!(sizes(ToStore::frames(large(), &mut more)), [2]);
    }
}
