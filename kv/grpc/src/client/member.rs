//! Messages to the other members of a PD group.
//!
//! As between stores: messages to one member share a stream, nobody waits for them, and what does not fit or is queued
//! when the stream breaks is lost, because raft sends again what matters. A large message goes in pieces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures::SinkExt as _;
use futures::channel::mpsc as outgoing;
use parking_lot::Mutex;
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_proto::Status;
use rutile_kv_proto::memberpb::{Done, JoinRequest, JoinResponse, MemberMessage};
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use super::channel::{channel, ready, unary};
use crate::config::Limits;
use crate::status::from_grpc;

/// Messages that wait for one member; more are dropped.
const QUEUE_MAX: usize = 4_096;
/// Pieces on the way.
const PIECES_MAX: usize = 16;
/// A piece of a large message.
const PIECE_BYTES: usize = 1 << 20;
/// How long a member that can not be reached is left alone.
const PAUSE: Duration = Duration::from_millis(100);
/// A connection that comes later than this comes too late for an election.
const CONNECT_TIME_MAX: Duration = Duration::from_millis(500);
/// A member that gives no sign of life for so long gets a new connection.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long to wait until a member was taken in.
const JOIN_TIME_MAX: Duration = Duration::from_secs(10);

/// Sends to every member of the group.
pub struct MemberSender {
    env: Env,
    limits: Arc<Limits>,
    by_address: Mutex<BTreeMap<String, Lane>>,
}

struct Lane {
    queue: mpsc::Sender<MemberMessage>,
    task: TaskHandle,
}

impl MemberSender {
    pub fn new(env: Env, limits: Limits) -> MemberSender {
        let limits = Limits {
            connect_time_max: CONNECT_TIME_MAX,
            keepalive_interval: KEEPALIVE,
            keepalive_time_max: KEEPALIVE,
            ..limits
        };
        MemberSender { env, limits: Arc::new(limits), by_address: Mutex::default() }
    }

    /// Queues a message, or drops it.
    pub fn send(&self, address: &str, message: MemberMessage) {
        let mut by_address = self.by_address.lock();
        if !by_address.contains_key(address) {
            let channel = match channel(address, &self.limits) {
                Ok(channel) => channel,
                Err(status) => {
                    tracing::warn!(address, %status, "no way to a PD member");
                    return;
                }
            };
            let (queue, waiting) = mpsc::channel(QUEUE_MAX);
            let worker = Worker { env: self.env.clone(), limits: self.limits.clone(), channel, waiting };
            let task = self.env.spawn.spawn("pd-member-sender", Box::pin(worker.run()));
            by_address.insert(address.to_owned(), Lane { queue, task });
        }
        if let Some(lane) = by_address.get(address) {
            // Full: the member is behind, and will be told again.
            drop(lane.queue.try_send(message));
        }
    }

    /// Asks the member at an address to take another one into its group.
    pub async fn join(&self, address: &str, request: JoinRequest) -> Result<JoinResponse, Status> {
        let (env, limits) = (&self.env, &self.limits);
        unary(env, limits, channel(address, limits)?, "/rutile.pd.Member/Join", request, JOIN_TIME_MAX).await
    }
}

impl Drop for MemberSender {
    fn drop(&mut self) {
        self.by_address.lock().values().for_each(|lane| lane.task.abort());
    }
}

struct Worker {
    env: Env,
    limits: Arc<Limits>,
    channel: Channel,
    waiting: mpsc::Receiver<MemberMessage>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            match self.stream(first).await {
                Ok(()) => return,
                Err(status) => {
                    tracing::debug!(%status, "stream to a PD member ended");
                    self.env.clock.sleep(PAUSE).await;
                    // Old by now; raft repeats what matters.
                    while self.waiting.try_recv().is_ok() {}
                }
            }
        }
    }

    /// One stream from its first message on; `Ok` when nobody sends any more.
    async fn stream(&mut self, first: MemberMessage) -> Result<(), Status> {
        let mut client = ready(self.channel.clone(), &self.limits).await?;
        let (mut pieces, stream) = outgoing::channel(PIECES_MAX);
        let codec = ProstCodec::<MemberMessage, Done>::default();
        let path = PathAndQuery::from_static("/rutile.pd.Member/Messages");
        let mut call = std::pin::pin!(client.client_streaming(tonic::Request::new(stream), path, codec));
        let mut next = Some(first);
        loop {
            let feed = async {
                let message = match next.take() {
                    Some(message) => message,
                    None => self.waiting.recv().await?,
                };
                Some(send_pieces(&mut pieces, message).await)
            };
            tokio::select! {
                biased;
                ended = &mut call => {
                    let ended = ended.map(drop).map_err(|status| from_grpc(&status));
                    return ended.and(Err(Status::unavailable("the member ended the stream")));
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

async fn send_pieces(
    pieces: &mut outgoing::Sender<MemberMessage>,
    message: MemberMessage,
) -> Result<(), outgoing::SendError> {
    let mut rest = message.message.clone();
    while rest.len() > PIECE_BYTES {
        let piece = rest.split_to(PIECE_BYTES);
        pieces.send(MemberMessage { message: piece, is_last: false, ..message.clone() }).await?;
    }
    pieces.send(MemberMessage { message: rest, ..message }).await
}
