//! Telling the detector of this store's edges, and its waiters of the circles it finds.
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use rutile_kv_env::Env;
use rutile_kv_proto::deadlock::{DeadlockRequest, DeadlockRequestType, DeadlockResponse};
use rutile_kv_proto::kvrpcpb::WaitForEntry;
use rutile_kv_proto::{DeadlockService, DeadlockSession, Status};
use rutile_pd_client::PdClient;
use tokio::sync::mpsc;

use super::detect::Detector;
use super::entry::{from_wire, to_wire};
use crate::lock_manager::{EdgeChange, LockManager, WaitFor};

/// How long to leave things alone after a stream broke, or when there is no detector.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a detector that hears nothing new is asked whether it still is one.
const QUESTION_INTERVAL: Duration = Duration::from_millis(300);

/// Brings edges to the detector at another store.
pub trait DetectorCarrier: Send + Sync + 'static {
    /// Opens a stream. Dropping its sender ends it.
    fn open(&self, store_id: u64) -> BoxFuture<'static, Result<DetectorStream, Status>>;
}

/// An open stream.
pub struct DetectorStream {
    pub requests: mpsc::Sender<DeadlockRequest>,
    pub answers: BoxStream<'static, Result<DeadlockResponse, Status>>,
}

/// Where the detector is.
enum Link {
    Own(Box<dyn DeadlockSession>),
    Other(DetectorStream),
}

impl Link {
    /// Sends one message; in this store it is answered at once.
    fn send(&mut self, request: DeadlockRequest) -> Result<Option<DeadlockResponse>, Status> {
        match self {
            Link::Own(session) => session.take(&request),
            Link::Other(stream) => match stream.requests.try_send(request) {
                Ok(()) => Ok(None),
                Err(_) => Err(Status::unavailable("the detector does not keep up, or is gone")),
            },
        }
    }

    /// The next answer of another store.
    async fn answer(&mut self) -> Result<DeadlockResponse, Status> {
        match self {
            Link::Own(_) => std::future::pending().await,
            Link::Other(stream) => {
                let ended = || Err(Status::unavailable("the detector ended the stream"));
                stream.answers.next().await.unwrap_or_else(ended)
            }
        }
    }
}

/// Reports the edges of one store.
pub struct Reporter {
    pub env: Env,
    pub pd: PdClient,
    pub store_id: u64,
    pub locks: LockManager,
    pub detector: Detector,
    pub carrier: Arc<dyn DetectorCarrier>,
}

impl Reporter {
    /// Runs until the lock manager is gone.
    pub async fn run(self, mut changes: mpsc::Receiver<EdgeChange>) {
        loop {
            // Where nobody waits there is nothing to tell, and no stream.
            if !self.locks.has_edges() && changes.recv().await.is_none() {
                return;
            }
            if let Err(status) = self.report(&mut changes).await {
                tracing::debug!(%status, "edges are not reported");
                self.env.clock.sleep(PAUSE).await;
            }
        }
    }

    async fn open(&self) -> Result<Link, Status> {
        let region = self.pd.region(&[]).await;
        let region = region.map_err(|error| Status::unavailable(format!("the first region: {error}")))?;
        let leader = region.leader.ok_or_else(|| Status::unavailable("the first region has no leader"))?;
        if leader.store_id == self.store_id {
            return Ok(Link::Own(self.detector.open()?));
        }
        Ok(Link::Other(self.carrier.open(leader.store_id).await?))
    }

    /// One stream, until it breaks or nobody waits any more.
    async fn report(&self, changes: &mut mpsc::Receiver<EdgeChange>) -> Result<(), Status> {
        let mut link = self.open().await?;
        for edge in self.locks.edges(changes) {
            self.tell(&mut link, message(DeadlockRequestType::Detect, to_wire(edge)))?;
        }
        loop {
            if self.locks.is_behind() {
                return Err(Status::unavailable("too many edges change at once"));
            }
            let next = tokio::select! {
                biased;
                answer = link.answer() => {
                    self.found(&answer?);
                    continue;
                }
                change = changes.recv() => match change {
                    Some(change) => change_message(change),
                    None => return Ok(()),
                },
                () = self.env.clock.sleep(QUESTION_INTERVAL) => {
                    if !self.locks.has_edges() {
                        return Ok(());
                    }
                    message(DeadlockRequestType::CleanUp, WaitForEntry::default())
                }
            };
            self.tell(&mut link, next)?;
        }
    }

    fn tell(&self, link: &mut Link, request: DeadlockRequest) -> Result<(), Status> {
        if let Some(answer) = link.send(request)? {
            self.found(&answer);
        }
        Ok(())
    }

    fn found(&self, answer: &DeadlockResponse) {
        let circle: Vec<WaitFor> = answer.wait_chain.iter().map(from_wire).collect();
        self.locks.close_circle(&circle);
    }
}

fn message(kind: DeadlockRequestType, entry: WaitForEntry) -> DeadlockRequest {
    DeadlockRequest { tp: kind as i32, entry: Some(entry) }
}

fn change_message(change: EdgeChange) -> DeadlockRequest {
    match change {
        EdgeChange::Added(edge) => message(DeadlockRequestType::Detect, to_wire(edge)),
        EdgeChange::Removed(edge) => message(DeadlockRequestType::CleanUpWaitFor, to_wire(edge)),
    }
}
