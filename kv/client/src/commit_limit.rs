//! Up to which timestamp transactions may commit: a lease, as the storage sees it.
//!
//! Whoever runs transactions by rules that may change (a SQL node and its catalog) holds a lease in terms of PD's
//! timestamps. A transaction that began under it commits at no timestamp above its end, so that others who read a later
//! timestamp know that nothing of it comes any more: no clock of a machine is compared with that of another one.

use std::sync::atomic::{AtomicU64, Ordering};

use rutile_kv_types::TimeStamp;

/// The end of a lease; it only moves forward, and stands still once the lease is lost.
#[derive(Debug)]
pub struct CommitLimit(AtomicU64);

impl CommitLimit {
    pub fn new(end: TimeStamp) -> CommitLimit {
        CommitLimit(AtomicU64::new(end.into_inner()))
    }

    /// The lease was renewed.
    pub fn extend(&self, end: TimeStamp) {
        self.0.fetch_max(end.into_inner(), Ordering::AcqRel);
    }

    pub fn end(&self) -> TimeStamp {
        TimeStamp::new(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_never_moves_back() {
        let limit = CommitLimit::new(TimeStamp::new(5));
        limit.extend(TimeStamp::new(9));
        limit.extend(TimeStamp::new(7));
        assert_eq!(limit.end(), TimeStamp::new(9));
    }
}
