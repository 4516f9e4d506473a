//! Steps of operators on their way to a store: none leaves before what it rests on is settled.

use std::sync::Arc;

use rutile_kv_proto::pdpb;
use tokio::sync::mpsc;

use crate::storage::Storage;

/// Steps for one store, until the leader changes or the store asks again.
pub struct Steps {
    of: Option<(mpsc::Receiver<pdpb::RegionHeartbeatResponse>, Arc<Storage>)>,
}

impl Steps {
    pub(super) fn new(queue: mpsc::Receiver<pdpb::RegionHeartbeatResponse>, storage: Arc<Storage>) -> Steps {
        Steps { of: Some((queue, storage)) }
    }

    /// Of a member that does not lead.
    pub(super) fn none() -> Steps {
        Steps { of: None }
    }

    /// The next one; `None` when no more come.
    pub async fn recv(&mut self) -> Option<pdpb::RegionHeartbeatResponse> {
        let (queue, storage) = self.of.as_mut()?;
        let step = queue.recv().await?;
        storage.settled().await.ok()?;
        Some(step)
    }
}
