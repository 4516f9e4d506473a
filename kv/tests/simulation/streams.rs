//! Snapshots over the simulated network: a connection that brings every chunk once and in order, or breaks.
//!
//! Each chunk is a message with an answer ([`deliver`], which other streams use too). What is lost is sent again a few times, and what comes twice is answered
//! twice and taken once, as a transport protocol does; then the connection is given up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv::{SnapshotReceiver, SnapshotStream};
use rutile_kv_env::{Env, Machine};
use rutile_kv_proto::{Status, raft_serverpb};
use tokio::sync::oneshot;

use crate::carrier::Endpoint;
use crate::world::StoreNode;

const PATIENCE_MS: std::ops::Range<u64> = 50..300;
const TRIES_MAX: u32 = 4;
/// A receiver closes a connection on which nothing came for so long.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// Connections into one store.
#[derive(Default)]
pub struct Connections {
    open: Mutex<BTreeMap<u64, Connection>>,
}

impl Connections {
    /// The power failed.
    pub fn clear(&self) {
        // Not under the lock: receivers tell the store that they are gone.
        let gone = std::mem::take(&mut *self.open.lock());
        drop(gone);
    }
}

struct Connection {
    /// Number of the chunk that is next.
    next: u64,
    /// Away while it takes a chunk.
    receiver: Option<SnapshotReceiver>,
}

/// What a message of a connection brings.
#[derive(Clone)]
struct Part {
    connection: u64,
    number: u64,
    /// `None` closes the connection in good order.
    chunk: Option<raft_serverpb::SnapshotChunk>,
}

/// Carries a stream to its end.
pub async fn carry(
    from: Machine,
    env: Env,
    to: Arc<StoreNode>,
    mut stream: SnapshotStream,
) -> Result<(), Status> {
    let connection = env.random.range(0..u64::MAX);
    for number in 0.. {
        let chunk = stream.next().await?;
        let last = chunk.is_none();
        let part = Part { connection, number, chunk };
        let take = move |env: Env, node: Arc<StoreNode>| {
            let part = part.clone();
            async move { take(&env, &node, part).await }
        };
        deliver(&from, &env, &to, take).await?;
        if last {
            return Ok(());
        }
    }
    Ok(())
}

/// Brings one message to a store and its answer back. `take` may run more than once; `None` is no answer yet.
pub async fn deliver<A, T>(
    from: &Machine,
    env: &Env,
    to: &Arc<StoreNode>,
    take: impl Fn(Env, Arc<StoreNode>) -> T + Clone + Send + Sync + 'static,
) -> Result<A, Status>
where
    A: Clone + Send + Sync + 'static,
    T: Future<Output = Option<Result<A, Status>>> + Send + 'static,
{
    for _ in 0..TRIES_MAX {
        let (sender, answered) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let (to, take, from_id) = (to.clone(), take.clone(), from.id());
        from.send(to.machine.clone().id(), move || {
            let Some((env, _)) = to.up() else { return };
            let (to, sender) = (to.clone(), sender.clone());
            let (spawn, taken) = (env.spawn.clone(), take(env, to.clone()));
            let serve = async move {
                let Some(answer) = taken.await else { return };
                to.machine.send(from_id, move || {
                    if let Some(sender) = sender.lock().take() {
                        // The sender may have given up.
                        let _ = sender.send(answer.clone());
                    }
                });
            };
            spawn.spawn("serve", Box::pin(serve));
        });
        let patience = Duration::from_millis(env.random.range(PATIENCE_MS));
        tokio::select! {
            biased;
            answer = answered => if let Ok(answer) = answer { return answer },
            () = env.clock.sleep(patience) => {}
        }
    }
    Err(Status::unavailable("the connection broke"))
}

/// Takes a part; no answer while its first copy is still being taken.
async fn take(env: &Env, node: &Arc<StoreNode>, part: Part) -> Option<Result<(), Status>> {
    let broken = || Some(Err(Status::unavailable("no such connection")));
    let store = node.store()?;
    let connections = &node.connections;
    let mut receiver = {
        let mut open = connections.open.lock();
        if part.number == 0 && !open.contains_key(&part.connection) {
            let receiver = Some(store.receive_snapshot());
            open.insert(part.connection, Connection { next: 0, receiver });
            let close = close_when_idle(env.clone(), node.clone(), part.connection);
            env.spawn.spawn("connection", Box::pin(close));
        }
        let Some(connection) = open.get_mut(&part.connection) else { return broken() };
        if part.number < connection.next {
            return Some(Ok(()));
        }
        if part.number > connection.next {
            return broken();
        }
        connection.receiver.take()?
    };
    let Some(chunk) = part.chunk else {
        let finished = receiver.finish();
        connections.open.lock().entry(part.connection).and_modify(|connection| connection.next += 1);
        return Some(finished);
    };
    let taken = receiver.push(chunk).await;
    let mut open = connections.open.lock();
    if taken.is_err() {
        open.remove(&part.connection);
        return Some(taken);
    }
    if let Some(connection) = open.get_mut(&part.connection) {
        connection.next += 1;
        connection.receiver = Some(receiver);
    }
    Some(Ok(()))
}

async fn close_when_idle(env: Env, node: Arc<StoreNode>, connection: u64) {
    let mut seen = None;
    loop {
        env.clock.sleep(IDLE_MAX).await;
        let mut open = node.connections.open.lock();
        let next = open.get(&connection).map(|connection| connection.next);
        if next.is_none() || next == seen {
            open.remove(&connection);
            return;
        }
        seen = next;
    }
}
