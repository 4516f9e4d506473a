//! Who waits for whom, over the simulated network: a stream brings every message once and in order, or breaks.
//!
//! Each message travels as [`streams::deliver`] carries it and brings its answer back. The store that looks for circles
//! forgets a stream when it ends, when the power fails, or when nothing came over it for too long.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::unfold;
use parking_lot::Mutex;
use rutile_kv::{DetectorCarrier, DetectorStream};
use rutile_kv_env::{Env, Machine};
use rutile_kv_proto::deadlock::{DeadlockRequest, DeadlockResponse};
use rutile_kv_proto::{DeadlockSession, Status};
use tokio::sync::mpsc;

use crate::streams;
use crate::world::{Nodes, StoreNode};

/// Messages that wait to be sent.
const MESSAGES_MAX: usize = 1 << 10;
/// A detector forgets a stream over which nothing came for so long; one with waits on it asks more often.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// Streams into one store.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<BTreeMap<u64, Session>>,
}

struct Session {
    /// Number of the message that is next.
    next: u64,
    session: Box<dyn DeadlockSession>,
    /// To the last message, which may come again.
    answer: Option<DeadlockResponse>,
}

impl Sessions {
    /// The power failed.
    pub fn clear(&self) {
        // Not under the lock: sessions tell the detector that they are gone.
        let gone = std::mem::take(&mut *self.open.lock());
        drop(gone);
    }

    fn close(&self, stream: u64) {
        let gone = self.open.lock().remove(&stream);
        drop(gone);
    }
}

/// What a message of a stream brings.
#[derive(Clone)]
enum Part {
    Open,
    Request(DeadlockRequest),
    Close,
}

/// The way from one machine to the detector, wherever it is.
pub struct ToDetector {
    pub from: Machine,
    pub env: Env,
    pub nodes: Weak<Nodes>,
}

impl DetectorCarrier for ToDetector {
    fn open(&self, store_id: u64) -> BoxFuture<'static, Result<DetectorStream, Status>> {
        let (from, env, nodes) = (self.from.clone(), self.env.clone(), self.nodes.clone());
        Box::pin(async move {
            let node = nodes.upgrade().and_then(|nodes| nodes.by_store_id(store_id));
            let to = node.ok_or_else(|| Status::unavailable(format!("no store {store_id}")))?;
            let id = env.random.range(0..u64::MAX);
            let mut way = Way { from, env, to, id, number: 0 };
            way.send(Part::Open).await?;
            let (requests, outgoing) = mpsc::channel(MESSAGES_MAX);
            let (incoming, answers) = mpsc::channel(MESSAGES_MAX);
            let spawn = way.env.spawn.clone();
            spawn.spawn("to-detector", Box::pin(way.carry(outgoing, incoming)));
            let answers =
                unfold(
                    answers,
                    |mut answers| async move { answers.recv().await.map(|answer| (answer, answers)) },
                );
            Ok(DetectorStream { requests, answers: answers.boxed() })
        })
    }
}

/// One stream on its way out.
struct Way {
    from: Machine,
    env: Env,
    to: Arc<StoreNode>,
    id: u64,
    /// Of the next message.
    number: u64,
}

impl Way {
    async fn carry(
        mut self,
        mut requests: mpsc::Receiver<DeadlockRequest>,
        answers: mpsc::Sender<Result<DeadlockResponse, Status>>,
    ) {
        while let Some(request) = requests.recv().await {
            let Some(answer) = self.send(Part::Request(request)).await.transpose() else { continue };
            let broke = answer.is_err();
            if answers.send(answer).await.is_err() || broke {
                return;
            }
        }
        // A detector that does not hear of the end forgets the stream after a while.
        let _ = self.send(Part::Close).await;
    }

    async fn send(&mut self, part: Part) -> Result<Option<DeadlockResponse>, Status> {
        let (id, number) = (self.id, self.number);
        self.number += 1;
        let take = move |env: Env, node: Arc<StoreNode>| {
            let part = part.clone();
            async move { Some(take(&env, &node, id, number, part)) }
        };
        streams::deliver(&self.from, &self.env, &self.to, take).await
    }
}

fn take(
    env: &Env,
    node: &Arc<StoreNode>,
    stream: u64,
    number: u64,
    part: Part,
) -> Result<Option<DeadlockResponse>, Status> {
    let request = match part {
        Part::Open => return open(env, node, stream).map(|()| None),
        Part::Request(request) => request,
        Part::Close => {
            node.sessions.close(stream);
            return Ok(None);
        }
    };
    let taken = {
        let mut open = node.sessions.open.lock();
        let broken = || Status::unavailable("no such stream");
        let session = open.get_mut(&stream).ok_or_else(broken)?;
        if number + 1 == session.next {
            return Ok(session.answer.clone());
        }
        if number != session.next {
            return Err(broken());
        }
        session.next += 1;
        session.session.take(&request).inspect(|answer| session.answer.clone_from(answer))
    };
    taken.inspect_err(|_| node.sessions.close(stream))
}

fn open(env: &Env, node: &Arc<StoreNode>, stream: u64) -> Result<(), Status> {
    let store = node.store().ok_or_else(|| Status::unavailable("the store is off"))?;
    if node.sessions.open.lock().contains_key(&stream) {
        return Ok(());
    }
    let session = Session { next: 1, session: store.deadlock_service().open()?, answer: None };
    node.sessions.open.lock().insert(stream, session);
    env.spawn.spawn("detector-stream", Box::pin(close_when_idle(env.clone(), node.clone(), stream)));
    Ok(())
}

async fn close_when_idle(env: Env, node: Arc<StoreNode>, stream: u64) {
    let mut seen = None;
    loop {
        env.clock.sleep(IDLE_MAX).await;
        let next = node.sessions.open.lock().get(&stream).map(|session| session.next);
        if next.is_none() {
            return;
        }
        if next == seen {
            return node.sessions.close(stream);
        }
        seen = next;
    }
}
