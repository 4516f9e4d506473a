//! How long a node may count on being in the list.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rutile_kv_client::CommitLimit;
use rutile_kv_env::Monotonic;
use rutile_kv_types::TimeStamp;

/// One lease, from joining to its end; who comes again gets another.
#[derive(Debug)]
pub(super) struct Lease {
    /// For commits, in PD's timestamps.
    pub limit: Arc<CommitLimit>,
    /// For statements, by this machine's clock, in nanoseconds.
    deadline: AtomicU64,
}

impl Lease {
    /// A lease that ends with `expires_ms`, asked for at `asked` and therefore good until `lasts` later here.
    pub fn new(expires_ms: u64, asked: Monotonic, lasts: Duration) -> Self {
        let limit = Arc::new(CommitLimit::new(end(expires_ms)));
        Self { limit, deadline: AtomicU64::new(nanos(asked + lasts)) }
    }

    pub fn extend(&self, expires_ms: u64, asked: Monotonic, lasts: Duration) {
        self.limit.extend(end(expires_ms));
        self.deadline.fetch_max(nanos(asked + lasts), Ordering::AcqRel);
    }

    pub fn is_valid(&self, now: Monotonic) -> bool {
        nanos(now) < self.deadline.load(Ordering::Acquire)
    }
}

fn end(expires_ms: u64) -> TimeStamp {
    TimeStamp::compose(expires_ms, 0)
}

fn nanos(at: Monotonic) -> u64 {
    u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn a_lease_is_good_until_it_is_not_renewed() {
        let simulation = Simulation::new(1);
        let asked = simulation.env().clock.now();
        let lease = Lease::new(10, asked, Duration::from_secs(5));
        assert!(lease.is_valid(asked + Duration::from_secs(4)));
        assert!(!lease.is_valid(asked + Duration::from_secs(5)));
        lease.extend(20, asked + Duration::from_secs(3), Duration::from_secs(5));
        assert!(lease.is_valid(asked + Duration::from_secs(7)));
        assert_eq!(lease.limit.end(), TimeStamp::compose(20, 0));
    }
}
