//! Raft messages, snapshots and waiting transactions between stores: the store's seam on one side, the network carrier on the other.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::unfold;
use rutile_kv::{DetectorCarrier, DetectorStream, RaftCarrier, SnapshotReceiver, SnapshotStream, Store};
use rutile_kv_grpc::client::{DetectorStreams, RaftSender};
use rutile_kv_grpc::server::{RaftInbox, SnapshotInbox};
use rutile_kv_proto::Status;
use rutile_kv_proto::raft_serverpb::{RaftMessage, SnapshotChunk};

/// The way out.
pub(crate) struct Carrier(pub(crate) Arc<RaftSender>);

impl RaftCarrier for Carrier {
    fn send(&self, store_id: u64, message: RaftMessage) {
        if !self.0.send(store_id, message) {
            tracing::debug!(store_id, "raft message dropped: too many wait");
        }
    }

    fn send_snapshot(&self, store_id: u64, stream: SnapshotStream) -> BoxFuture<'static, Result<(), Status>> {
        let sender = self.0.clone();
        Box::pin(async move {
            let chunks = unfold(stream, |mut stream| async move {
                let chunk = stream.next().await.transpose()?;
                Some((chunk, stream))
            });
            sender.send_snapshot(store_id, chunks).await
        })
    }
}

/// The way to the detector of circles.
pub(crate) struct ToDetector(pub(crate) Arc<DetectorStreams>);

impl DetectorCarrier for ToDetector {
    fn open(&self, store_id: u64) -> BoxFuture<'static, Result<DetectorStream, Status>> {
        let streams = self.0.clone();
        Box::pin(async move {
            let (requests, answers) = streams.open(store_id).await?;
            Ok(DetectorStream { requests, answers })
        })
    }
}

/// The way in.
pub(crate) struct Inbox(pub(crate) Arc<Store>);

impl RaftInbox for Inbox {
    fn receive(&self, message: RaftMessage) -> Result<(), Status> {
        self.0.receive_raft(&message)
    }

    fn snapshot(&self) -> Box<dyn SnapshotInbox> {
        Box::new(Receiver(self.0.receive_snapshot()))
    }
}

struct Receiver(SnapshotReceiver);

#[async_trait]
impl SnapshotInbox for Receiver {
    async fn push(&mut self, chunk: SnapshotChunk) -> Result<(), Status> {
        self.0.push(chunk).await
    }

    fn finish(self: Box<Self>) -> Result<(), Status> {
        self.0.finish()
    }
}
