//! The statement's memory as DataFusion's pool.
//!
//! Operators reserve what they hold before they hold it. A reservation over the quota, or beyond what the server
//! has, fails: the operator spills if it can, else the query ends with error 3170. Small allocations between
//! reservations are not seen, so quotas are smaller than the memory of the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;

use rutile_sql_types::MySqlError;

use crate::memory::StatementMemory;

/// What an operator that can go to disk may hold at any rate: some batches.
const SHARE_MIN: usize = 4 << 20;

/// What the operators of one query may reserve.
///
/// Those that can go to disk share two fifths of what the query may have: what they hold is merged afterwards, by
/// reservations that can not, and a merge that gets no memory is the end of the query.
#[derive(Debug)]
pub struct QueryQuota {
    memory: Arc<StatementMemory>,
    /// Operators that can go to disk.
    spilling: AtomicUsize,
}

impl QueryQuota {
    pub fn new(memory: Arc<StatementMemory>) -> Self {
        Self { memory, spilling: AtomicUsize::new(0) }
    }

    /// Of an operator that can go to disk.
    fn share(&self) -> usize {
        let capacity = self.memory.quota().min(self.memory.server().share());
        (capacity / 5 * 2 / self.spilling.load(Ordering::Relaxed).max(1)).max(SHARE_MIN)
    }
}

impl fmt::Display for QueryQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query quota of {} bytes", self.memory.quota())
    }
}

impl MemoryPool for QueryQuota {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.spilling.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.spilling.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.memory.grow_anyway(additional);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.memory.shrink(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let held = reservation.size();
        // Only this kind of error makes an operator spill; the first batch is nothing that it could write away.
        let exhausted = |error: MySqlError| DataFusionError::ResourcesExhausted(error.message);
        if held > 0 && reservation.consumer().can_spill() && held.saturating_add(additional) > self.share() {
            return Err(exhausted(self.memory.over_quota()));
        }
        self.memory.grow(additional).map_err(exhausted)
    }

    fn reserved(&self) -> usize {
        self.memory.used()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.memory.quota())
    }
}

/// The server's runtime with its memory pool replaced by a query's quota.
pub fn runtime_with_quota(server: &RuntimeEnv, memory: &Arc<StatementMemory>) -> Arc<RuntimeEnv> {
    Arc::new(RuntimeEnv {
        memory_pool: Arc::new(QueryQuota::new(Arc::clone(memory))),
        disk_manager: Arc::clone(&server.disk_manager),
        cache_manager: Arc::clone(&server.cache_manager),
        object_store_registry: Arc::clone(&server.object_store_registry),
    })
}
