//! Memory of queries: one bounded pool per server, and a quota per query inside it.
//!
//! Operators reserve what they hold before they hold it. A query over its quota, or a server out of
//! pool, fails that query's reservation: the operator spills if it can, else the query ends with
//! error 1038. Small allocations between reservations are not seen, so the pool is smaller than the
//! memory of the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;

/// What one query may reserve, out of the server's pool.
#[derive(Debug)]
pub struct QueryQuota {
    server: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
}

impl QueryQuota {
    pub fn new(server: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { server, limit, used: AtomicUsize::new(0), peak: AtomicUsize::new(0) }
    }

    /// The most that was reserved at one time.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    fn add(&self, additional: usize) -> usize {
        let used = self.used.fetch_add(additional, Ordering::Relaxed) + additional;
        self.peak.fetch_max(used, Ordering::Relaxed);
        used
    }
}

impl fmt::Display for QueryQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query quota of {} bytes", self.limit)
    }
}

impl MemoryPool for QueryQuota {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.server.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.server.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.add(additional);
        self.server.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.server.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if self.add(additional) > self.limit {
            self.used.fetch_sub(additional, Ordering::Relaxed);
            return Err(DataFusionError::ResourcesExhausted(format!(
                "the query needs more than its quota of {} bytes",
                self.limit
            )));
        }
        self.server.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// The server's runtime with its memory pool replaced by a query's quota.
pub fn runtime_with_quota(server: &RuntimeEnv, quota: Arc<QueryQuota>) -> Arc<RuntimeEnv> {
    Arc::new(RuntimeEnv {
        memory_pool: quota,
        disk_manager: Arc::clone(&server.disk_manager),
        cache_manager: Arc::clone(&server.cache_manager),
        object_store_registry: Arc::clone(&server.object_store_registry),
    })
}
