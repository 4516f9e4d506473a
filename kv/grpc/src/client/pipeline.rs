//! A stream to the PD leader on which requests are answered in their order.
//!
//! ```text
//! callers ---> queue ---> task: one message for those that wait ---> stream ---> PD
//!    ^                       |                                          |
//!    +---- their parts ------+<------------- answers, in order ---------+
//! ```
//! The task opens the stream when somebody waits and keeps it. When the stream breaks, or an answer does not come in
//! time, everybody on it is told `Unavailable`, the leader is looked for, and the next caller opens another one. What PD
//! sends unasked goes to whoever takes it.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::uri::PathAndQuery;
use futures::channel::mpsc as outgoing;
use parking_lot::Mutex;
use rutile_kv_env::{Monotonic, TaskHandle};
use rutile_kv_proto::Status;
use tokio::sync::{mpsc, oneshot};
use tonic::Streaming;
use tonic_prost::ProstCodec;

use super::channel::ready;
use super::discovery::Discovery;
use crate::status::from_grpc;

/// Callers that wait; more wait for a place in the queue.
const QUEUE_MAX: usize = 16_384;
/// Messages without an answer.
const IN_FLIGHT_MAX: usize = 64;
/// Messages that nobody asked for and nobody has taken yet; more are dropped.
const PUSHED_MAX: usize = 1_024;

/// A kind of stream.
pub(crate) trait Lane: Send + Sync + 'static {
    type Request: prost::Message + Default + Clone + 'static;
    type Answer: prost::Message + Default + Clone + 'static;
    const PATH: &'static str;
    /// Callers that share a message.
    const SHARE_MAX: usize;

    /// One message for all of them; there is at least one.
    fn join(requests: &[Self::Request]) -> Self::Request;

    /// Whether a message answers these, or was sent unasked.
    fn is_answer(message: &Self::Answer, requests: &[Self::Request]) -> bool;

    /// What of the answer is for whom.
    fn part(answer: Self::Answer, requests: &[Self::Request]) -> Result<Vec<Self::Answer>, Status>;
}

struct Waiter<L: Lane> {
    request: L::Request,
    done: oneshot::Sender<Result<L::Answer, Status>>,
}

/// Callers of one message.
struct Group<L: Lane> {
    requests: Vec<L::Request>,
    done: Vec<oneshot::Sender<Result<L::Answer, Status>>>,
    sent: Monotonic,
}

impl<L: Lane> Group<L> {
    fn new(first: Waiter<L>, sent: Monotonic) -> Group<L> {
        Group { requests: vec![first.request], done: vec![first.done], sent }
    }

    fn add(&mut self, waiter: Waiter<L>) {
        self.requests.push(waiter.request);
        self.done.push(waiter.done);
    }

    fn finish(self, answer: Result<L::Answer, Status>) -> Result<(), Status> {
        let count = self.done.len();
        let parts = answer.and_then(|answer| L::part(answer, &self.requests)).and_then(|parts| {
            let fits = parts.len() == count;
            if fits { Ok(parts) } else { Err(Status::internal("an answer for another number of callers")) }
        });
        // Callers that went away need no answer.
        match parts {
            Ok(parts) => {
                self.done.into_iter().zip(parts).for_each(|(done, part)| drop(done.send(Ok(part))));
                Ok(())
            }
            Err(status) => {
                self.done.into_iter().for_each(|done| drop(done.send(Err(status.clone()))));
                Err(status)
            }
        }
    }
}

/// The callers' end.
pub(crate) struct Pipeline<L: Lane> {
    queue: mpsc::Sender<Waiter<L>>,
    pushed: Mutex<Option<mpsc::Receiver<L::Answer>>>,
    task: TaskHandle,
}

impl<L: Lane> Pipeline<L> {
    pub(crate) fn start(name: &'static str, discovery: Arc<Discovery>) -> Pipeline<L> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (unasked, pushed) = mpsc::channel(PUSHED_MAX);
        let env = discovery.env.clone();
        let task = env.spawn.spawn(name, Box::pin(Worker::<L> { discovery, waiting, unasked }.run()));
        Pipeline { queue, pushed: Mutex::new(Some(pushed)), task }
    }

    /// What comes unasked, for the first who wants it.
    pub(crate) fn pushed(&self) -> Option<mpsc::Receiver<L::Answer>> {
        self.pushed.lock().take()
    }

    pub(crate) async fn call(&self, request: L::Request) -> Result<L::Answer, Status> {
        let (done, answer) = oneshot::channel();
        let gone = || Status::unavailable("the client is closed");
        self.queue.send(Waiter { request, done }).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl<L: Lane> Drop for Pipeline<L> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Worker<L: Lane> {
    discovery: Arc<Discovery>,
    waiting: mpsc::Receiver<Waiter<L>>,
    unasked: mpsc::Sender<L::Answer>,
}

/// An open stream.
struct Open<L: Lane> {
    messages: outgoing::Sender<L::Request>,
    answers: Streaming<L::Answer>,
    in_flight: VecDeque<Group<L>>,
}

impl<L: Lane> Worker<L> {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            let mut group = Group::new(first, self.discovery.env.clock.now());
            self.fill(&mut group);
            if let Err(status) = self.converse(group).await {
                tracing::debug!(path = L::PATH, %status, "stream to PD ended");
            }
        }
    }

    /// Takes along whoever waits by now.
    fn fill(&mut self, group: &mut Group<L>) {
        while group.requests.len() < L::SHARE_MAX {
            let Ok(waiter) = self.waiting.try_recv() else {
                return;
            };
            group.add(waiter);
        }
    }

    /// One stream from its first message to its end, which everybody on it is told.
    async fn converse(&mut self, first: Group<L>) -> Result<(), Status> {
        let leader = match self.discovery.leader().await {
            Ok(leader) => leader,
            Err(status) => return first.finish(Err(status)),
        };
        let broken = |status: Status| Status::unavailable(format!("{}: {status}", L::PATH));
        let (mut open, ended) = match self.open(leader.channel.clone(), &first).await {
            Ok((messages, answers)) => {
                let mut open = Open { messages, answers, in_flight: VecDeque::from([first]) };
                let ended = self.serve(&mut open).await;
                (open.in_flight, ended)
            }
            Err(status) => (VecDeque::from([first]), Err(status)),
        };
        self.discovery.dismiss(&leader);
        let status = broken(ended.err().unwrap_or_else(|| Status::unavailable("the stream was closed")));
        open.drain(..).for_each(|group| drop(group.finish(Err(status.clone()))));
        Err(status)
    }

    /// Opens the stream with its first message already on it: some servers say nothing before they got one.
    async fn open(
        &self,
        channel: tonic::transport::Channel,
        first: &Group<L>,
    ) -> Result<(outgoing::Sender<L::Request>, Streaming<L::Answer>), Status> {
        let (mut messages, stream) = outgoing::channel(IN_FLIGHT_MAX);
        let full = |_| Status::internal("a new stream is full");
        messages.try_send(L::join(&first.requests)).map_err(full)?;
        let (env, limits) = (&self.discovery.env, &self.discovery.limits);
        let opened = async {
            let mut client = ready(channel, limits).await?;
            let (path, codec) =
                (PathAndQuery::from_static(L::PATH), ProstCodec::<L::Request, L::Answer>::default());
            let answer = client.streaming(tonic::Request::new(stream), path, codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| from_grpc(&status))
        };
        tokio::select! {
            biased;
            answers = opened => Ok((messages, answers?)),
            () = env.clock.sleep(limits.pd_time_max) => Err(Status::unavailable("no stream in time")),
        }
    }

    /// Sends and receives until the stream ends, or nobody calls any more.
    async fn serve(&mut self, open: &mut Open<L>) -> Result<(), Status> {
        let clock = self.discovery.env.clock.clone();
        let patience = self.discovery.limits.pd_time_max;
        loop {
            let has_room = open.in_flight.len() < IN_FLIGHT_MAX;
            let oldest = open.in_flight.front().map(|group| group.sent);
            let late = async {
                match oldest {
                    Some(sent) => {
                        clock.sleep(patience.saturating_sub(clock.now().saturating_since(sent))).await
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                answer = open.answers.message() => {
                    let answer = answer.map_err(|status| from_grpc(&status))?;
                    let closed = || Status::unavailable("the stream was closed");
                    let answer = answer.ok_or_else(closed)?;
                    let asked = open.in_flight.front().map_or(&[][..], |group| &group.requests);
                    if !L::is_answer(&answer, asked) {
                        // It is sent again, should nobody have room for it.
                        drop(self.unasked.try_send(answer));
                        continue;
                    }
                    let group = open.in_flight.pop_front();
                    group.ok_or_else(|| Status::internal("an answer to nothing"))?.finish(Ok(answer))?;
                }
                waiter = self.waiting.recv(), if has_room => {
                    let Some(waiter) = waiter else {
                        return Ok(());
                    };
                    let mut group = Group::new(waiter, clock.now());
                    self.fill(&mut group);
                    let message = L::join(&group.requests);
                    open.in_flight.push_back(group);
                    let full = |_| Status::unavailable("the stream takes no more");
                    open.messages.try_send(message).map_err(full)?;
                }
                () = late => return Err(Status::unavailable("no answer in time")),
            }
        }
    }
}
