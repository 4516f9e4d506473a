//! The statement's memory as DataFusion's pool.
//!
//! Operators reserve what they hold before they hold it. A reservation over the quota, or beyond what the server
//! has, fails: the operator spills if it can, else the query ends with error 3170. Small allocations between
//! reservations are not seen, so quotas are smaller than the memory of the machine.

use std::fmt;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;

use crate::memory::StatementMemory;

/// What the operators of one query may reserve.
#[derive(Debug)]
pub struct QueryQuota(pub Arc<StatementMemory>);

impl fmt::Display for QueryQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query quota of {} bytes", self.0.quota())
    }
}

impl MemoryPool for QueryQuota {
    fn name(&self) -> &str {
        "query"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.0.grow_anyway(additional);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(shrink);
    }

    fn try_grow(&self, _reservation: &MemoryReservation, additional: usize) -> Result<()> {
        // Only this kind of error makes an operator spill.
        self.0.grow(additional).map_err(|error| DataFusionError::ResourcesExhausted(error.message))
    }

    fn reserved(&self) -> usize {
        self.0.used()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.0.quota())
    }
}

/// The server's runtime with its memory pool replaced by a query's quota.
pub fn runtime_with_quota(server: &RuntimeEnv, memory: &Arc<StatementMemory>) -> Arc<RuntimeEnv> {
    Arc::new(RuntimeEnv {
        memory_pool: Arc::new(QueryQuota(Arc::clone(memory))),
        disk_manager: Arc::clone(&server.disk_manager),
        cache_manager: Arc::clone(&server.cache_manager),
        object_store_registry: Arc::clone(&server.object_store_registry),
    })
}
