//! The detector: edges of all stores in one graph.
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_proto::deadlock::{
    DeadlockRequest, DeadlockRequestType, DeadlockResponse, WaitForEntriesResponse,
};
use rutile_kv_proto::{Code, DeadlockService, DeadlockSession, Status};
use rutile_kv_types::TimeStamp;

use super::entry::{circle_hash, from_wire, to_wire};
use crate::lock_manager::{DeadlockDetector, WaitFor};

/// Edges of one store that are looked at; a wait beyond them ends by time.
const EDGES_MAX: usize = 1 << 15;

/// Whether this store leads the first region now.
pub type LeadsFirstRegion = Arc<dyn Fn() -> bool + Send + Sync>;

/// The detector of a cluster, if this store is the one that has it.
#[derive(Clone)]
pub struct Detector {
    leads: LeadsFirstRegion,
    graph: Arc<Mutex<DeadlockDetector>>,
}

impl Detector {
    /// Nobody waits yet.
    pub fn new(leads: LeadsFirstRegion) -> Self {
        Detector { leads, graph: Arc::default() }
    }

    fn check(&self) -> Result<(), Status> {
        if (self.leads)() {
            return Ok(());
        }
        Err(Status::new(Code::FailedPrecondition, "this store does not lead the first region"))
    }
}

impl DeadlockService for Detector {
    fn open(&self) -> Result<Box<dyn DeadlockSession>, Status> {
        self.check()?;
        Ok(Box::new(Session { detector: self.clone(), edges: BTreeMap::new(), count: 0 }))
    }

    fn wait_for_entries(&self) -> Result<WaitForEntriesResponse, Status> {
        self.check()?;
        let edges = self.graph.lock().edges();
        Ok(WaitForEntriesResponse { entries: edges.into_iter().map(to_wire).collect() })
    }
}

/// The edges of one store.
struct Session {
    detector: Detector,
    /// How often each is there: a transaction may wait for a key with several requests.
    edges: BTreeMap<WaitFor, usize>,
    count: usize,
}

impl Session {
    /// Adds an edge, or answers the circle it closes.
    fn add(&mut self, edge: WaitFor) -> Result<(), Vec<WaitFor>> {
        if self.count >= EDGES_MAX {
            return Ok(());
        }
        self.detector.graph.lock().add(edge.clone())?;
        *self.edges.entry(edge).or_default() += 1;
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, edge: &WaitFor) {
        let Some(times) = self.edges.get_mut(edge) else {
            return;
        };
        *times -= 1;
        if *times == 0 {
            self.edges.remove(edge);
        }
        self.count -= 1;
        self.detector.graph.lock().remove(edge.waiter, edge.holder, &edge.key);
    }

    fn remove_all_of(&mut self, waiter: TimeStamp) {
        let own: Vec<WaitFor> = self.edges.keys().filter(|edge| edge.waiter == waiter).cloned().collect();
        for edge in own {
            while self.edges.contains_key(&edge) {
                self.remove(&edge);
            }
        }
    }
}

impl DeadlockSession for Session {
    fn take(&mut self, request: &DeadlockRequest) -> Result<Option<DeadlockResponse>, Status> {
        self.detector.check()?;
        let Ok(kind) = DeadlockRequestType::try_from(request.tp) else {
            return Err(Status::invalid_argument(format!("a deadlock request of type {}", request.tp)));
        };
        let entry = request.entry.as_ref().ok_or_else(|| Status::invalid_argument("no edge"))?;
        match kind {
            DeadlockRequestType::Detect => Ok(self.add(from_wire(entry)).err().map(|circle| {
                let chain: Vec<_> = circle.into_iter().map(to_wire).collect();
                DeadlockResponse {
                    entry: Some(entry.clone()),
                    deadlock_key_hash: circle_hash(&chain),
                    wait_chain: chain,
                }
            })),
            DeadlockRequestType::CleanUpWaitFor => {
                self.remove(&from_wire(entry));
                Ok(None)
            }
            DeadlockRequestType::CleanUp => {
                self.remove_all_of(entry.txn.into());
                Ok(None)
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut graph = self.detector.graph.lock();
        for (edge, times) in &self.edges {
            for _ in 0..*times {
                graph.remove(edge.waiter, edge.holder, &edge.key);
            }
        }
    }
}
