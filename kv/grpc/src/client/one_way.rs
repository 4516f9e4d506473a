//! Messages to one peer that share a stream and that nobody waits for.
//!
//! What does not fit into the queue, or is queued when the stream breaks, is lost: raft sends again what matters. The
//! queue is bounded by number and by bytes, so a peer that takes nothing costs no more than that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use futures::SinkExt as _;
use futures::channel::mpsc as outgoing;
use rutile_kv_env::{BoxFuture, Env, TaskHandle};
use rutile_kv_proto::Status;
use rutile_kv_proto::raft_serverpb::Done;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use super::channel::ready;
use crate::config::Limits;
use crate::status::from_grpc;

/// Bytes that wait for one peer; a message that comes when there are so many is dropped.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Frames on the way.
const FRAMES_MAX: usize = 16;

/// Where the messages go, and in which form.
pub(super) trait OneWay: Send + Sync + 'static {
    type Message: prost::Message + 'static;
    type Frame: prost::Message + 'static;

    /// Name of the task that sends.
    const TASK: &'static str;
    const PATH: &'static str;
    /// Messages that wait; more are dropped.
    const QUEUE_MAX: usize;
    /// How long a peer that can not be reached is left alone.
    const PAUSE: Duration;

    fn channel(&self) -> BoxFuture<'_, Result<Channel, Status>>;

    /// The stream broke.
    fn suspect(&self) {}

    /// The next frames: of a message, and of as many behind it as fit.
    fn frames(first: Self::Message, more: impl FnMut() -> Option<Self::Message>) -> Vec<Self::Frame>;
}

/// The queue of one peer and the task that empties it, which ends with this.
pub(super) struct Lane<W: OneWay> {
    queue: mpsc::Sender<(usize, W::Message)>,
    bytes: Arc<AtomicUsize>,
    pub(super) way: Arc<W>,
    task: TaskHandle,
}

impl<W: OneWay> Lane<W> {
    pub(super) fn new(env: &Env, limits: &Arc<Limits>, way: W) -> Lane<W> {
        let (queue, waiting) = mpsc::channel(W::QUEUE_MAX);
        let (way, bytes) = (Arc::new(way), Arc::new(AtomicUsize::new(0)));
        let waiting = Waiting { messages: waiting, bytes: bytes.clone() };
        let sender = Sender { env: env.clone(), limits: limits.clone(), way: way.clone(), waiting };
        let task = env.spawn.spawn(W::TASK, Box::pin(sender.run()));
        Lane { queue, bytes, way, task }
    }

    /// Queues a message. False when it was dropped.
    pub(super) fn send(&self, message: W::Message) -> bool {
        let size = prost::Message::encoded_len(&message);
        if self.bytes.fetch_add(size, Ordering::Relaxed) < QUEUE_BYTES_MAX
            && self.queue.try_send((size, message)).is_ok()
        {
            return true;
        }
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        false
    }
}

impl<W: OneWay> Drop for Lane<W> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Waiting<M> {
    messages: mpsc::Receiver<(usize, M)>,
    bytes: Arc<AtomicUsize>,
}

impl<M> Waiting<M> {
    async fn next(&mut self) -> Option<M> {
        let next = self.messages.recv().await;
        self.taken(next)
    }

    fn try_next(&mut self) -> Option<M> {
        let next = self.messages.try_recv().ok();
        self.taken(next)
    }

    fn taken(&self, next: Option<(usize, M)>) -> Option<M> {
        let (size, message) = next?;
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        Some(message)
    }
}

struct Sender<W: OneWay> {
    env: Env,
    limits: Arc<Limits>,
    way: Arc<W>,
    waiting: Waiting<W::Message>,
}

impl<W: OneWay> Sender<W> {
    async fn run(mut self) {
        while let Some(first) = self.waiting.next().await {
            match self.stream(first).await {
                Ok(()) => return,
                Err(status) => {
                    tracing::debug!(task = W::TASK, %status, "the stream ended");
                    self.way.suspect();
                    self.env.clock.sleep(W::PAUSE).await;
                    // Old by now; raft repeats what matters.
                    while self.waiting.try_next().is_some() {}
                }
            }
        }
    }

    /// One stream from its first message on; `Ok` when nobody sends any more.
    async fn stream(&mut self, first: W::Message) -> Result<(), Status> {
        let mut client = ready(self.way.channel().await?, &self.limits).await?;
        let (mut frames, stream) = outgoing::channel(FRAMES_MAX);
        let codec = ProstCodec::<W::Frame, Done>::default();
        let path = PathAndQuery::from_static(W::PATH);
        let mut call = std::pin::pin!(client.client_streaming(tonic::Request::new(stream), path, codec));
        let mut next = Some(first);
        loop {
            let feed = async {
                let message = match next.take() {
                    Some(message) => message,
                    None => self.waiting.next().await?,
                };
                for frame in W::frames(message, || self.waiting.try_next()) {
                    if frames.send(frame).await.is_err() {
                        return Some(Err(Status::unavailable("the stream is gone")));
                    }
                }
                Some(Ok(()))
            };
            tokio::select! {
                biased;
                ended = &mut call => {
                    let ended = ended.map(drop).map_err(|status| from_grpc(&status));
                    return ended.and(Err(Status::unavailable("the other side ended the stream")));
                }
                fed = feed => match fed {
                    None => return Ok(()),
                    Some(fed) => fed?,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_proto::memberpb::MemberMessage;

    use super::*;

    /// Leads nowhere.
    struct Nowhere;

    impl OneWay for Nowhere {
        type Message = MemberMessage;
        type Frame = MemberMessage;

        const TASK: &'static str = "nowhere-sender";
        const PATH: &'static str = "/nowhere";
        const QUEUE_MAX: usize = 4_096;
        const PAUSE: Duration = Duration::from_secs(1);

        fn channel(&self) -> BoxFuture<'_, Result<Channel, Status>> {
            Box::pin(std::future::pending())
        }

        fn frames(first: MemberMessage, _: impl FnMut() -> Option<MemberMessage>) -> Vec<MemberMessage> {
            vec![first]
        }
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_costs_no_more_than_the_queue() {
        let lane = Lane::new(&Env::real(), &Arc::new(Limits::default()), Nowhere);
        let message = || MemberMessage { message: vec![0; 1 << 20].into(), ..MemberMessage::default() };
        let taken = (0..200).filter(|_| lane.send(message())).count();
        // The task holds one of them already, or does not.
        assert!((64..=65).contains(&taken), "{taken}");
    }
}
